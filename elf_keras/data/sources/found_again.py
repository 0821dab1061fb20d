"""The data of a run, loaded again: its classes, its order and its splits.

Files come, go and are renamed between two commands. What a run trained on
must not become its validation, and a label must mean what it did.
"""

import dataclasses
import posixpath
from collections.abc import Sequence

import numpy as np

from elf_keras.data import data_request, image_files, recorded, splits
from elf_keras.errors import InputError

MISSING = "of the run are missing"
RELABELLED = "have another class than in the run"
USED = "of validation or test are new since the run began, and used"
NEW = "new since the run began"
MOVED = "new, but called like images of another split that are gone"


@dataclasses.dataclass(frozen=True, eq=False)
class FoundAgain:
    """What there is of a run's data; training is there, though maybe empty."""

    parts: dict[str, splits.Examples]
    class_names: tuple[str, ...]
    class_counts: np.ndarray  # in training, before the validation cut
    notes: Sequence[str] = ()
    left_out: Sequence[splits.LeftOut] = ()


def find(
    parts: dict[str, splits.Examples],
    class_names: Sequence[str],
    run: data_request.Recorded,
) -> FoundAgain:
    """Labels, splits and order of a run for the parts that a source found.

    New images of training are left out; of a run that goes on, any new ones.
    Where a run has no record of its examples, labels alone become its own.

    Raises:
      InputError: for other classes, or where nothing is left; of a run that
        goes on, too, for images that are missing or of another class.
    """
    names, numbers = _numbered(class_names, run)
    parts = {
        split: dataclasses.replace(part, labels=numbers[part.labels])
        for split, part in parts.items()
    }
    if not run.split_of:
        counts = splits.count_classes(parts["train"].labels, names)
        return FoundAgain(parts, names, counts)
    keys = {s: list(map(recorded.key, part.names)) for s, part in parts.items()}
    class_of = {
        name: names[label]
        for split, part in parts.items()
        for name, label in zip(keys[split], part.labels.tolist(), strict=True)
    }
    told = _differences(class_of, run)
    wanted, left, new = _sorted_out(keys, class_of, told[MISSING], run)
    if new:
        told[USED] = new
    return FoundAgain(
        {
            split: _joined(parts, places)
            for split, places in wanted.items()
            if places or split == "train"
        },
        names,
        _counts(parts["train"], keys["train"], names, run),
        [
            f"{len(found)} images {what}: {splits.shown(found)}."
            for what, found in told.items()
            if found
        ],
        [splits.LeftOut(why, tuple(each)) for why, each in left.items()],
    )


def _numbered(class_names, run):
    """The run's class names, and for each label of the source the run's."""
    given = [recorded.key(name) for name in class_names]
    ours, theirs = set(given), set(run.class_names)
    new = [name for name in given if name not in theirs]
    gone = [name for name in run.class_names if name not in ours]
    told = [f"{splits.shown(new)} new"] * bool(new)
    told += [f"{splits.shown(gone)} missing"] * bool(gone)
    if told:
        raise InputError(
            f"the data have other classes than the run ({'; '.join(told)}): "
            f"expected the {len(theirs)} that it was trained on; give their "
            "folder by --data_dir, or train again in a new --workdir"
        )
    names = run.class_names if run.ordered else tuple(given)
    number = {name: index for index, name in enumerate(names)}
    return names, np.array([number[name] for name in given], np.int32)


def _differences(class_of, run):
    """Images of the run that are not as they were; none may, to go on."""
    found = {
        MISSING: [name for name in run.split_of if name not in class_of],
        RELABELLED: [
            name
            for name, known in run.class_of.items()
            if class_of.get(name, known) != known
        ],
    }
    for what, names in found.items():
        if names and run.whole:
            raise InputError(
                f"{len(names)} images {what}: {splits.shown(names)}; a "
                "training continues with its own images: restore them, or "
                "train again in a new --workdir"
            )
    return found


def _sorted_out(keys, class_of, missing, run):
    """For each split (place in the run's order, part, row) of its examples.

    Beside them the names that are left out, by reason, and new ones.
    """
    place = {name: number for number, name in enumerate(run.split_of)}
    gone = {}
    for name in missing:
        alike = (run.class_of[name], posixpath.basename(name))
        gone.setdefault(alike, set()).add(run.split_of[name])
    wanted, left, new = {split: [] for split in splits.PARTS}, {}, []
    for own, names in keys.items():
        for row, name in enumerate(names):
            alike = (class_of[name], posixpath.basename(name))
            if name in place:
                spot = (place[name], own, row)
                wanted[run.split_of[name]].append(spot)
            elif own == "train" or run.whole:
                left.setdefault(NEW, []).append(name)
            elif gone.get(alike, {own}) != {own}:
                left.setdefault(MOVED, []).append(name)
            else:
                wanted[own].append((len(place), own, row))
                new.append(name)
    if not any(wanted.values()):
        raise InputError(
            f"none of the {len(place)} images of the run, such as "
            f"{splits.shown([*place][:1])}, is in the data folder: give the "
            "folder of its own images by --data_dir, or one with other images "
            "in test/"
        )
    return wanted, left, new


def _counts(train, names_of_train, class_names, run):
    """The run's, or those of its images that the source has in training."""
    if run.class_counts is not None:
        return run.class_counts
    known = [name in run.split_of for name in names_of_train]
    labels = train.labels[np.array(known, bool)]
    return np.bincount(labels, minlength=len(class_names))


def _joined(parts, places):
    """Examples of several parts as one, in the run's order."""
    pieces, order = [], []
    for own, part in parts.items():
        here = [(place, row) for place, where, row in places if where == own]
        order += [place for place, _ in here]
        rows = np.array([row for _, row in here], np.int64)
        # All of it needs no copy.
        whole = np.array_equal(rows, np.arange(len(part)))
        pieces.append(part if whole else part.take(rows))
    pieces = [piece for piece in pieces if len(piece)] or pieces[:1]
    joined = pieces[0]
    if len(pieces) > 1:
        joined = splits.Examples(
            image_files.joined([piece.images for piece in pieces]),
            np.concatenate([piece.labels for piece in pieces]),
            tuple(name for piece in pieces for name in piece.names),
        )
    if sorted(order) == order:
        return joined
    return joined.take(np.argsort(order, kind="stable"))
