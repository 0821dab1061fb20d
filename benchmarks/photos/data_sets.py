"""The data sets of the comparison, and the long tail that is cut from one."""

import collections
import csv
import dataclasses
import pathlib

import numpy as np

from elf_keras import data
from elf_keras.data import splits

# Of a tail: images of its first and of its last class.
TAIL = 200, 5
TAIL_SEED = 0
SIZE = 224
# What its images are drawn by.
TRACKS, IMAGES = "tracks", "images"
# Not a tail: all photos of a table, whole senders for test. Their share, and
# labels that say that nobody knew.
SENDERS, TEST_SHARE = "senders", 0.2
UNKNOWN = "Not sure", "Skip", "Other"


@dataclasses.dataclass(frozen=True)
class DataSet:
    """A folder of images, and what all methods are told of it.

    Attributes:
      folder: within that of all data.
      group: of `--validation_group`, or None.
      flip: whether a mirrored image is still of its class.
      tail: what `make` draws it from that folder by, or None.
      classes: of the tail.
    """

    folder: str
    group: str | None = None
    flip: bool = True
    tail: str | None = None
    classes: int = 12


# Images of one track are near-copies; arrows to the left are another class
# than those to the right.
_SIGNS = {"folder": "gtsrb", "group": "prefix:_", "flip": False}
SETS = {
    "groceries": DataSet("grocery"),
    "signs": DataSet(**_SIGNS),
    "signs_tail": DataSet(**_SIGNS, tail=TRACKS),
    "signs_tail_images": DataSet(**_SIGNS, tail=IMAGES),
    # A stranger's: first scored when nothing of the recipe was left to choose.
    "clothes": DataSet("clothing-dataset-small"),
    "clothes_tail": DataSet("clothing-dataset-small", tail=IMAGES, classes=10),
    "clothes_by_sender": DataSet("clothing-dataset", "prefix:_", tail=SENDERS),
}


def load(
    chosen: DataSet, folder: pathlib.Path, *, size: int, seed: int
) -> splits.Splits:
    """Load a data set as the train command does: the same splits."""
    request = data.Request(
        data_dir=folder,
        validation_group=chosen.group,
        seed=seed,
        image_size=size,
        images_on="disk",
    )
    return data.load("folder", request)


def tail_counts(classes: int) -> np.ndarray:
    """Images of each class: n_c = n_0 (n_C / n_0)^(c / (C - 1)), rounded."""
    most, fewest = TAIL
    shares = np.arange(classes) / (classes - 1)
    return np.round(most * (fewest / most) ** shares).astype(int)


def make(chosen: DataSet, source: pathlib.Path, target: pathlib.Path) -> None:
    """Link what a data set takes of its folder, with train/ and test/."""
    if chosen.tail == SENDERS:
        divide_senders(source, target)
    else:
        make_tail(source, target, chosen.tail, chosen.classes)


def divide_senders(source: pathlib.Path, target: pathlib.Path) -> None:
    """Divide the photos of a table, images.csv, by who sent them.

    No sender is in both splits; names begin with theirs, as groups need it.
    Senders are drawn; photos that are missing are left out.
    """
    with (source / "images.csv").open() as file:
        rows = list(csv.DictReader(file))
    senders = sorted({row["sender_id"] for row in rows})
    random = np.random.default_rng(TAIL_SEED)
    count = round(TEST_SHARE * len(senders))
    tested = {*random.choice(senders, count, replace=False).tolist()}
    for row in rows:
        photo = source / "images" / f"{row['image']}.jpg"
        if row["label"] in UNKNOWN or not photo.exists():
            continue
        split = "test" if row["sender_id"] in tested else "train"
        folder = target / split / row["label"]
        folder.mkdir(parents=True, exist_ok=True)
        link = folder / f"{row['sender_id']}_{photo.name}"
        link.symlink_to(photo.resolve())


def make_tail(
    source: pathlib.Path, target: pathlib.Path, by: str, classes: int
) -> None:
    """Link a long-tailed part of a folder with train/ and test/.

    Classes are drawn, for each size one of those that have enough images;
    of a class whole tracks, the last one cut, or single images, as long tails
    of CIFAR-10 are drawn. Classes are the same. Test images are all there.
    """
    random = np.random.default_rng(TAIL_SEED)
    single = np.random.default_rng(TAIL_SEED)
    files = {
        path.name: sorted(each.name for each in path.iterdir())
        for path in sorted((source / "train").iterdir())
    }
    for count in tail_counts(classes):
        enough = [name for name in files if len(files[name]) >= count]
        name = str(random.choice(enough))
        ordered = _by_track(files.pop(name), random)
        if by == IMAGES:
            ordered = single.permutation(ordered).tolist()
        chosen = ordered[:count]
        _link(source / "train" / name, target / "train" / name, chosen)
        tests = [path.name for path in (source / "test" / name).iterdir()]
        _link(source / "test" / name, target / "test" / name, tests)


def _by_track(names, random):
    """The files track by track, tracks in a random order."""
    tracks = collections.defaultdict(list)
    for name in names:
        tracks[name.partition("_")[0]].append(name)
    order = random.permutation(sorted(tracks))
    return [name for track in order for name in tracks[track]]


def _link(source, target, names):
    target.mkdir(parents=True)
    for name in names:
        (target / name).symlink_to((source / name).resolve())
