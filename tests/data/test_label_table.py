"""Tables of labels as people have them."""

import numpy as np
import photo_folders
import pytest
from PIL import Image

from elf_keras import data, errors

FILES = ("a/1.png", "a/2.png", "b/3.png", "4.png", "5.png", "caf\u00e9.png")
# As grey as their number in `FILES`, so that a label tells its image.
CLASSES = ("cat", "cat", "dog", "dog", "cat", "dog")


@pytest.fixture
def photos(tmp_path):
    for number, name in enumerate(FILES):
        shade = Image.new("RGB", (4, 4), (number,) * 3)
        photo_folders.save(tmp_path / "photos" / name, shade)
    return tmp_path / "photos"


def load(photos, content, **more):
    table = photos / "labels.csv"
    if isinstance(content, str):
        content = content.encode()
    table.write_bytes(content)
    more = {"validation_fraction": 0, **more}
    request = data.Request(photos, image_size=4, labels=table, **more)
    return data.load("folder", request)


def rows(delimiter=",", header=("path", "label"), slash="/"):
    lines = [header] * bool(header) + [*zip(FILES, CLASSES, strict=True)]
    lines = [(name.replace("/", slash), label) for name, label in lines]
    return "\n".join(map(delimiter.join, lines)) + "\n"


def classes_of(loaded):
    """File -> class of what was loaded, by the image itself."""
    parts = [p for p in (loaded.train, loaded.validation, loaded.test) if p]
    return {
        FILES[int(np.asarray(image).max())]: loaded.class_names[label]
        for part in parts
        for image, label in zip(part.images, part.labels, strict=True)
    }


PAIRS = [*zip(FILES, CLASSES, strict=True)]
EXPECTED = dict(PAIRS)
PLAIN = rows()


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        rows(";"),
        rows("\t"),
        rows(header=None),
        rows(header=("File Name", "Class")),
        rows(slash="\\"),
        "\n" + PLAIN.replace("\n", "\r\n\r\n"),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.encode("utf-16"),
        PLAIN.replace("\u00e9", "e\u0301"),
        PLAIN.replace("a/1", "./a//1").replace("cat", " cat "),
        "".join(f'"{n}","{c}"\n' for n, c in [("path", "label"), *PAIRS]),
        "".join(f'{n}, "{c}"\n' for n, c in [("path", "label"), *PAIRS]),
    ],
)
def test_a_table_in_any_form(photos, content):
    loaded = load(photos, content)
    assert loaded.class_names == ("cat", "dog")
    assert classes_of(loaded) == EXPECTED
    assert not loaded.left_out


def test_absolute_paths_below_the_folder(photos):
    lines = [f"{photos}/{n},{c}" for n, c in EXPECTED.items()]
    assert classes_of(load(photos, "\n".join(lines))) == EXPECTED


def test_a_linked_data_folder(photos):
    linked = photos.parent / "linked"
    linked.symlink_to(photos)
    loaded = load(linked, PLAIN)
    assert classes_of(loaded) == EXPECTED
    assert not loaded.left_out


def test_splits_and_the_rest_of_the_folder(photos):
    (photos / "note.txt").write_text("mine")
    loaded = load(
        photos,
        "split,label,width,image\nTrain,x,9,4.png\ntraining,y,9,5.png\n"
        "valid,x,9,a/1.png\neval,y,9,b/3.png\n",
    )
    assert loaded.train.names == ("4.png", "5.png")
    assert loaded.validation.names == ("a/1.png",)
    assert loaded.test.names == ("b/3.png",)
    assert loaded.test.labels.tolist() == [1]
    assert [(each.reason, each.names) for each in loaded.left_out] == [
        ("not in the table of labels", ("a/2.png", "caf\u00e9.png")),
        ("suffix .txt is no image", ("note.txt",)),
    ]


def test_groups_stay_on_one_side(photos):
    lines = [
        f"{name},{label},{number % 2}"
        for number, (name, label) in enumerate(EXPECTED.items())
    ]
    content = "\n".join(["path,label,group", *lines])
    loaded = load(photos, content, validation_fraction=0.5)
    sides = [
        {FILES.index(name) % 2 for name in part.names}
        for part in (loaded.train, loaded.validation)
    ]
    assert sorted(map(len, sides)) == [1, 1]
    assert sides[0] != sides[1]
    with pytest.raises(errors.InputError, match="a column of groups already"):
        load(photos, content, validation_group="prefix:_")


def test_what_is_listed_is_used_whatever_its_suffix(photos):
    (photos / "4.png").rename(photos / "4.dat")
    loaded = load(photos, PLAIN.replace("4.png", "4.dat"))
    assert classes_of(loaded) == EXPECTED
    assert not loaded.left_out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("path,label\n", "lists no image"),
        ("a,b,c\n1,2,3\n", "line 1: .*is no header"),
        ("photo,kind\n" + rows(header=None), "'photo' is neither a file"),
        (PLAIN + "6.png,cat\n", "1 of 7 files.*missing.*'6.png'"),
        (PLAIN + "../6.png,cat\n", "line 8: '../6.png' lies outside"),
        (PLAIN + "/6.png,cat\n", "line 8: '/6.png' lies outside"),
        (PLAIN + "C:\\6.png,cat\n", "line 8: .*lies outside"),
        (PLAIN + "a\\1.png,dog\n", "line 8: .*duplicate.*csv line 2"),
        (PLAIN + "a,1.png,dog\n", "line 8: 3 columns where 2"),
        (PLAIN + "a/1.png\n", "line 8: 1 columns where 2"),
        (PLAIN + "a/1.png,\n", "line 8: its label is blank"),
        (PLAIN + '"a/1.png,dog\n', "line 9?8?: unexpected end.*quotation"),
        ("path,label,split\n5.png,cat,fold1\n", "line 2: split 'fold1'"),
        ("path,label,split\n5.png,cat,test\n", "no image for train"),
        ("path,label\n5.png,cat\n", "only one class, 'cat'"),
        (
            "path,label,split\n5.png,cat,train\n4.png,dog,train\n"
            "a/1.png,owl,test\n",
            "test has classes without training image: 'owl'",
        ),
    ],
)
def test_tables_that_do_not_fit(photos, content, words):
    with pytest.raises(errors.InputError, match=words) as refused:
        load(photos, content)
    assert "\n" not in str(refused.value)


def test_a_table_that_is_not_there_or_not_asked_for(photos):
    request = data.Request(photos, labels=photos / "none.csv")
    for name, words in (("folder", "cannot be read"), ("inat18", "takes one")):
        with pytest.raises(errors.InputError, match=words):
            data.load(name, request)


@pytest.mark.parametrize("missing", [True, False])
def test_a_class_whose_only_file_cannot_be_used_is_named(photos, missing):
    """One of more than a hundred files; the class would never be answered."""
    for number in range(150):
        photo = Image.new("L", (4, 4), number)
        photo_folders.save(photos / "more" / f"{number}.png", photo)
    lines = [f"more/{number}.png,cat" for number in range(150)]
    file = "gone.png" if missing else "note.heic"
    (photos / "note.heic").write_bytes(b"none")
    content = "\n".join(["path,label", *lines, f"{file},rare"])
    with pytest.raises(errors.InputError, match="'rare'"):
        load(photos, content)
