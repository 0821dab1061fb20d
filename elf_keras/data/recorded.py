"""What a run keeps of its data, so that it meets them again as they were.

`data.csv` has a row an example, in the order of training: its name, its class
and its split. The part `data` of run.json has the classes in the model's
order, and how many images each has. Both are written before the first step.
"""

import csv
import io
import pathlib
import unicodedata

import numpy as np

from elf_keras import runs
from elf_keras.data import data_request, long_tail, splits
from elf_keras.errors import InputError

# Of files that were left out for one reason, as many are named.
NAMES = 100
COLUMNS = ("path", "class", "split")
_REMEDY = "restore it, or train again in a new --workdir"


def key(name: str) -> str:
    """A name as records have it, whatever the system that it was read on."""
    return unicodedata.normalize("NFC", runs.legible(name))


def facts(data: splits.Splits) -> dict:
    """What run.json says of the data."""
    parts = data.parts
    groups = long_tail.shot_groups(data.class_counts)
    names = np.array(data.class_names, object)
    return {
        "class_names": data.class_names,
        "class_counts": data.class_counts,
        "class_counts_after_cut": data.train_counts,
        "class_counts_by_split": {
            split: np.bincount(part.labels, minlength=len(names))
            for split, part in parts.items()
        },
        "shot_groups": {name: names[mask] for name, mask in groups.items()},
        "images": {split: len(part) for split, part in parts.items()},
        "image_shape": data.image_shape,
        "kept": data.train.kept,
        "left_out": [
            {
                "reason": each.reason,
                "count": len(each.names),
                "names": each.names[:NAMES],
            }
            for each in data.left_out
        ],
        "notes": data.notes,
        "skipped": data.skipped,
    }


def table(data: splits.Splits) -> str:
    """The text of data.csv."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    classes = list(map(key, data.class_names))
    for split, part in data.parts.items():
        for name, label in zip(part.names, part.labels.tolist(), strict=True):
            writer.writerow((key(name), classes[label], split))
    return text.getvalue()


def write(folder: pathlib.Path, data: splits.Splits, **more) -> None:
    """Write both where a training begins; run.json has `more` beside them."""
    runs.write_text(folder / runs.EXAMPLES, table(data))
    runs.write_json(folder / runs.RECORD, {"data": facts(data), **more})


def read(
    folder: pathlib.Path, *, whole: bool = False
) -> data_request.Recorded | None:
    """What a run's folder says of its data; None where it says nothing.

    Args:
      whole: see `data_request.Recorded`.

    Raises:
      InputError: where a record is damaged.
    """
    split_of, class_of = _examples(folder / runs.EXAMPLES)
    data = _classes(folder / runs.RECORD)
    if not split_of and not data:
        return None
    names = data.get("class_names") or dict.fromkeys(class_of.values())
    counts = data.get("class_counts")
    return data_request.Recorded(
        tuple(map(key, names)),
        None if counts is None else np.array(counts),
        split_of,
        class_of,
        ordered="class_names" in data,
        whole=whole,
        notes=tuple(data.get("notes", ())),
        image_size=_side(data),
    )


def _classes(path):
    """The part `data` of run.json, where it names classes."""
    if not path.exists():
        return {}
    data = runs.read_json(path).get("data", {})
    with runs.refusing(f"{path} is damaged", _REMEDY):
        names = data.get("class_names", ())
        counts = data.get("class_counts", [0] * len(names))
        lists = isinstance(names, (list, tuple)) and all(map(_is_text, names))
        if not lists or len(counts) != len(names):
            raise ValueError("names of classes, or their counts, are wrong")
        if not isinstance(_side(data), (int, type(None))):
            raise ValueError("the shape of its images is wrong")
    return data


def _side(data):
    return data.get("image_shape", [None])[0]


def _is_text(name):
    return isinstance(name, str)


def _examples(path):
    split_of, class_of = {}, {}
    if not path.exists():
        return split_of, class_of
    try:
        rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8")))
        if tuple(next(rows, ())) != COLUMNS:
            raise ValueError(f"its columns are not {', '.join(COLUMNS)}")
        for name, class_name, split in rows:
            if split not in splits.PARTS:
                raise ValueError(f"line {rows.line_num}: split {split!r}")
            split_of[name], class_of[name] = split, class_name
    except (ValueError, csv.Error) as error:
        raise InputError(f"{path} is damaged ({error}); {_REMEDY}") from error
    return split_of, class_of
