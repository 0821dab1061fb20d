"""Images that are arrays already: of a notebook, or kept in one file.

`arrays.npz` in a folder has, for each split that there is, SPLIT_images (uint8,
`(images, height, width, channels)`), SPLIT_labels and SPLIT_names, and
`class_names`.
"""

import pathlib
import zipfile
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from elf_keras import runs
from elf_keras.data import data_request, splits
from elf_keras.data.sources import assembly
from elf_keras.errors import InputError

NAME = "arrays.npz"
_PIXELS = "expected pixel values 0 to 255 as uint8"


def load(request: data_request.Request) -> splits.Splits:
    """The splits in `arrays.npz` of the data folder.

    Raises:
      InputError: where there is no such file, or it is damaged.
    """
    if request.data_dir is None:
        raise InputError(
            f"--dataset=arrays reads {NAME} of a folder; name it by --data_dir"
        )
    path = request.data_dir / NAME
    if not path.is_file():
        raise InputError(
            f"there is no {NAME} in {request.data_dir}: name the folder that "
            "has it by --data_dir"
        )
    with runs.refusing(f"{path} is damaged", "write it again", str):
        held = _read(path)
        found = {
            split: tuple(
                held[f"{split}_{key}"] for key in ("images", "labels", "names")
            )
            for split in splits.PARTS
            if f"{split}_images" in held
        }
        names = held["class_names"].tolist()
    return from_arrays(found, names, request)


def _read(path):
    """All arrays of a file, none of which is pickled."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file.items())
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ValueError(str(error)) from error


def write(folder: pathlib.Path, data: splits.Splits) -> None:
    """Write `arrays.npz` of splits whose images are in memory."""
    found = {"class_names": np.array(data.class_names)}
    for split, part in data.parts.items():
        found |= {
            f"{split}_images": np.asarray(part.images),
            f"{split}_labels": part.labels,
            f"{split}_names": np.array(part.names),
        }
    with runs.replacing(folder / NAME) as temporary, temporary.open("wb") as to:
        np.savez(to, **found)


def from_arrays(
    parts: Mapping[str, tuple],
    class_names: Sequence[str] | None = None,
    request: data_request.Request | None = None,
) -> splits.Splits:
    """Make splits of arrays.

    Args:
      parts: `train`, maybe `validation` and `test`, each a tuple of images
        `(images, height, width, channels)`, pixel values 0 to 255, labels
        `(images,)` from 0 on, and maybe a name for each image.
      class_names: in the order of the labels; by default their numbers.
      request: says how validation is cut from training where there is none,
        `validation_fraction` and `seed`; by default a tenth.

    Raises:
      InputError: for images, labels or names of another form.
    """
    named = isinstance(parts, Mapping)
    if not named or "train" not in parts or set(parts) - set(splits.PARTS):
        told = sorted(parts) if named else f"as a {type(parts).__name__}"
        raise InputError(
            f"parts {told}: expected train, and maybe validation and test, as "
            "a dict of tuples of images and labels"
        )
    if class_names is None:
        # What is no number of a class is refused with its part.
        pairs = [part for part in parts.values() if _is_pair(part)]
        labels = [np.asarray(part[1]) for part in pairs]
        numbers = [each for each in labels if each.dtype.kind in "iu"]
        last = max((each.max(initial=0) for each in numbers), default=0)
        class_names = [str(number) for number in range(int(last) + 1)]
    names = tuple(runs.legible(str(name)) for name in class_names)
    found = {
        split: _examples(split, part, names) for split, part in parts.items()
    }
    shapes = {part.images.shape[1:] for part in found.values()}
    if len(shapes) > 1:
        raise InputError(
            f"images of {' and '.join(map(str, sorted(shapes)))}: expected "
            "one size and number of channels in all parts"
        )
    return assembly.assembled(found, names, request or data_request.Request())


def _is_pair(part):
    return isinstance(part, (tuple, list)) and len(part) in (2, 3)


def _examples(split, part, class_names):
    if not _is_pair(part):
        raise InputError(
            f"{split}: expected a tuple of images and labels, maybe names"
        )
    images, labels, *given = part
    images, labels = _images(split, images), np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    count, classes = len(images), len(class_names)
    whole = labels.shape == (count,) and labels.dtype.kind in "iu"
    if not whole or not ((labels >= 0) & (labels < classes)).all():
        raise InputError(
            f"{split}: labels {labels.shape} of {labels.dtype}; expected one "
            f"number of a class for each of {count} images, from 0 to "
            f"{classes - 1}"
        )
    own = (f"{split}:{number}" for number in range(count))
    names = tuple(map(str, given[0] if given else own))
    if len(names) != count or len(set(names)) != count:
        raise InputError(
            f"{split}: {len(set(names))} names of {count} images; expected "
            "one for each, all different"
        )
    return splits.Examples(images, labels.astype(np.int32), names)


def _images(split, images):
    """Images as uint8 with a last axis of channels."""
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise InputError(
            f"{split}: images {images.shape}; expected (images, height, width, "
            "channels) with 1 or 3 channels"
        )
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind not in "iuf" or not images.size:
        raise InputError(f"{split}: images of {images.dtype}; {_PIXELS}")
    low, high = images.min(), images.max()
    # NaN is in no range.
    if not (low >= 0 and high <= 255) or (images != np.rint(images)).any():
        raise InputError(
            f"{split}: images from {low:.3g} to {high:.3g}, not all whole "
            f"numbers of 0 to 255; {_PIXELS}, such as (255 * "
            'images).astype("uint8") of those from 0 to 1'
        )
    if high <= 1:
        raise InputError(
            f"{split}: images of {images.dtype} from {low:.3g} to {high:.3g}; "
            f'{_PIXELS}, such as (255 * images).astype("uint8")'
        )
    return images.astype(np.uint8)
