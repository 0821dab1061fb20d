"""The folders that the comparison on own photos draws from others."""

import pytest

from benchmarks.photos import data_sets


@pytest.fixture
def signs(tmp_path):
    """A folder of empty files: 14 classes of 21 tracks of 10, 3 for test."""
    for number in range(14):
        for track in range(21):
            for view in range(10):
                name = f"train/{number:02}/{track:04}_{view}.png"
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name).touch()
        for view in range(3):
            name = f"test/{number:02}/{view}.png"
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
    return tmp_path


def test_the_tail_has_689_images_in_whole_tracks(signs):
    counts = data_sets.tail_counts(12)
    assert (counts[0], counts[-1], len(counts)) == (200, 5, 12)
    assert counts.sum() == 689
    made = [signs / name for name in ("once", "again")]
    for folder in made:
        data_sets.make_tail(signs, folder, data_sets.TRACKS, 12)
    listed = [
        sorted(str(p.relative_to(folder)) for p in folder.rglob("*.png"))
        for folder in made
    ]
    assert listed[0] == listed[1]
    found = []
    for folder in (made[0] / "train").iterdir():
        names = [path.name for path in folder.iterdir()]
        tracks = {name.partition("_")[0] for name in names}
        assert len(tracks) == -(-len(names) // 10)
        assert len(list((made[0] / "test" / folder.name).iterdir())) == 3
        found.append(len(names))
        assert all(path.resolve().is_file() for path in folder.iterdir())
    assert sorted(found) == sorted(counts)


def test_a_tail_of_single_images_has_the_same_classes(signs):
    found = {}
    for by in (data_sets.TRACKS, data_sets.IMAGES):
        data_sets.make_tail(signs, signs / by, by, 12)
        found[by] = {
            folder.name: sorted(path.name for path in folder.iterdir())
            for folder in (signs / by / "train").iterdir()
        }
    tracks, images = found.values()
    assert {name: len(names) for name, names in images.items()} == {
        name: len(names) for name, names in tracks.items()
    }
    # The five images of the rarest class are not all of one track.
    rarest = min(images, key=lambda name: len(images[name]))
    assert len({name.partition("_")[0] for name in images[rarest]}) > 2


def test_no_sender_is_in_both_splits(tmp_path):
    rows = ["image,sender_id,label,kids"]
    labels = "shirt", "shoes", "Not sure"
    (tmp_path / "images").mkdir()
    for number in range(60):
        rows.append(f"a{number},{number % 10},{labels[number % 3]},False")
        # One is missing, as in the real table.
        if number:
            (tmp_path / "images" / f"a{number}.jpg").touch()
    (tmp_path / "images.csv").write_text("\n".join(rows))
    chosen = data_sets.DataSet("x", tail=data_sets.SENDERS)
    data_sets.make(chosen, tmp_path, tmp_path / "made")
    found = [*(tmp_path / "made").rglob("*.jpg")]
    assert len(found) == 60 - 20 - 1
    assert {path.parent.name for path in found} == {"shirt", "shoes"}
    senders = {
        split: {
            path.name.partition("_")[0]
            for path in found
            if path.parts[-3] == split
        }
        for split in ("train", "test")
    }
    assert len(senders["test"]) == 2
    assert len(senders["train"]) == 8
    assert not senders["train"] & senders["test"]
