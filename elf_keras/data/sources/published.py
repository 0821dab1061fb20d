"""The large long-tailed sets: ImageNet-LT, Places-LT, iNaturalist 2018.

Each is its published lists over a folder of images: `data_dir` holds what
the lists' paths begin with (`train/`, `val/` for ImageNet; `data_256/` and
its like for Places; `train_val2018/` for iNaturalist), and the lists, unless
`list_dir` does. Normalisation and numbers are those of *Large-Scale
Long-Tailed Recognition in an Open World* and *Decoupling Representation and
Classifier for Long-Tailed Recognition*.
"""

import dataclasses
import itertools
import pathlib
import unicodedata

import numpy as np

from elf_keras import runs
from elf_keras.data import data_request, image_files, images, long_tail, splits
from elf_keras.data.sources import assembly, list_files, unreadable
from elf_keras.errors import InputError

DEFAULT_SIZE = 224
# The shorter side is resized to 256, of which 224 are kept.
KEPT = 224 / 256
MOST_MISSING = 0.01
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
INATURALIST = ((0.466, 0.471, 0.380), (0.195, 0.194, 0.192))


@dataclasses.dataclass(frozen=True)
class Published:
    """What a data set consists of, by its authors."""

    lists: dict[str, str]  # split -> name of its list file
    images: dict[str, int]  # split -> number of lines
    classes: int
    largest: int  # training images of the largest class
    smallest: int
    shot_groups: tuple[int, int, int]  # classes with many, medium, few of them
    # Mean and deviation per channel, 0 to 1.
    pixels: tuple[tuple[float, ...], tuple[float, ...]]


def _lists(name: str, **ends: str) -> dict[str, str]:
    """The file of each split, such as `ImageNet_LT_val.txt`."""
    return {split: f"{name}_{end}.txt" for split, end in ends.items()}


_THREE = {"train": "train", "validation": "val", "test": "test"}
SETS = {
    "imagenet_lt": Published(
        lists=_lists("ImageNet_LT", **_THREE),
        images={"train": 115_846, "validation": 20_000, "test": 50_000},
        classes=1000,
        largest=1280,
        smallest=5,
        shot_groups=(385, 479, 136),
        pixels=IMAGENET,
    ),
    "places_lt": Published(
        lists=_lists("Places_LT", **_THREE),
        images={"train": 62_500, "validation": 7_300, "test": 36_500},
        classes=365,
        largest=4980,
        smallest=5,
        shot_groups=(131, 163, 71),
        pixels=IMAGENET,
    ),
    "inat18": Published(
        # Its test labels are secret: the validation list is its test.
        lists=_lists("iNaturalist18", train="train", test="val"),
        images={"train": 437_513, "test": 24_426},
        classes=8142,
        largest=1000,
        smallest=2,
        shot_groups=(842, 4076, 3224),
        pixels=INATURALIST,
    ),
}


def load(name: str, request: data_request.Request) -> splits.Splits:
    """A key of `SETS`; a list for validation is used whole, else it is cut."""
    facts = SETS[name]
    root = request.folder(f"the images that {facts.lists['train']} lists")
    listed = _listed(name, facts, request)
    parts, left_out = _examples(root, listed, request)
    classes = listed["train"][1].max() + 1
    class_names = _class_names(*listed["train"], classes)
    kept = "The validation list is used whole; nothing is cut from train."
    whole = "validation" in parts and request.validation_fraction
    found = assembly.assembled(
        parts,
        class_names,
        request,
        notes=[kept] if whole else [],
        skipped=[name for each in left_out for name in each.names],
        left_out=left_out,
    )
    pixels = tuple(
        tuple(255 * value for value in values) for values in facts.pixels
    )
    return dataclasses.replace(found, published_pixels=pixels)


def _listed(name, facts, request):
    """Split -> (names, labels), checked against each other and the papers."""
    folder = pathlib.Path(request.list_dir or request.data_dir)
    found, taken = {}, {}
    below = facts.classes
    for split, file in facts.lists.items():
        found[split] = list_files.read(
            folder / file, labels_below=below, taken=taken
        )
        # A label that training has not is unknown; the list of it is first.
        below = int(found["train"][1].max()) + 1
    if request.check_counts:
        differ = _differences(facts, found)
        if differ:
            raise InputError(
                f"the lists in {folder} are not those of {name} "
                f"({'; '.join(differ)}); get the published lists, or use "
                "yours on purpose with --check_counts=false"
            )
    return found


def _differences(facts: Published, found: dict) -> list[str]:
    """What differs from the published numbers, in words."""
    counts = np.bincount(found["train"][1], minlength=facts.classes)
    groups = long_tail.shot_groups(counts).values()
    pairs = [
        (f"images in {facts.lists[split]}", len(names), facts.images[split])
        for split, (names, _) in found.items()
    ]
    pairs += [
        ("largest class", int(counts.max()), facts.largest),
        ("smallest class", int(counts.min()), facts.smallest),
        (
            "many/medium/few classes",
            "/".join(str(int(mask.sum())) for mask in groups),
            "/".join(map(str, facts.shot_groups)),
        ),
    ]
    return [
        f"{what}: {here}, published {there}"
        for what, here, there in pairs
        if here != there
    ]


def _examples(root, listed, request):
    """The examples that are there and can be read, and what is left out."""
    found, absent = _spelled(root, listed)
    parts, faults, total = {}, {}, sum(map(len, found.values()))
    size = request.image_size or DEFAULT_SIZE
    for split, files in found.items():
        parts[split], damaged = _readable(root, files, listed[split][1], size)
        faults |= damaged
    left_out = unreadable.left_out(faults, total)
    if absent:
        left_out.insert(0, splits.LeftOut("listed but missing", absent))
    empty = [split for split, part in parts.items() if not len(part)]
    if empty:
        raise InputError(f"every file of {', '.join(empty)} is left out")
    return parts, left_out


def _spelled(root, listed):
    """Split -> its files, None where one is missing; names of the missing."""
    every = [name for names, _ in listed.values() for name in names]
    # Together, so that no file is in two splits by two spellings.
    files = list_files.spelled(root, every)
    absent = tuple(
        runs.legible(name)
        for name, file in zip(every, files, strict=True)
        if file is None
    )
    if len(absent) > MOST_MISSING * len(every):
        raise InputError(
            f"{len(absent)} listed files are missing: {splits.shown(absent)}, "
            f"of {len(every)} below {root}, more than {MOST_MISSING:.0%}; is "
            "--data_dir the folder in which the lists' paths start?"
        )
    rest = iter(files)
    found = {
        split: list(itertools.islice(rest, len(names)))
        for split, (names, _) in listed.items()
    }
    return found, absent


def _readable(root, files, labels, size):
    """Examples of the files that are no None, and why others are damaged."""
    kept = np.array([file is not None for file in files], bool)
    own = [file for file in files if file is not None]
    special, reasons = images.scan([root / file for file in own])
    names = tuple(runs.legible(file) for file in own)
    there = image_files.of(root, own, size=size, kept=KEPT, special=special)
    everything = splits.Examples(there, labels[kept], names)
    good = np.flatnonzero([not reason for reason in reasons])
    faults = {n: r for n, r in zip(names, reasons, strict=True) if r}
    return everything.take(good), faults


def _class_names(names, labels, classes) -> tuple[str, ...]:
    """The folder of each class where that tells classes apart, or numbers."""
    folders = {}
    for name, label in zip(names, labels.tolist(), strict=True):
        folder = unicodedata.normalize("NFC", name.split("/")[-2:][0])
        folders.setdefault(label, runs.legible(folder))
    numbers = [str(label) for label in range(classes)]
    found = [folders.get(label, numbers[label]) for label in range(classes)]
    return tuple(found if len(set(found)) == classes else numbers)
