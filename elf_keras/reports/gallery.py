"""Images by class and exit, small: ELF, Figures 6 and 9; HAR, Figure 7."""

import base64
import dataclasses
import io

import numpy as np

from elf_keras.reports import leavers
from elf_keras.reports.run_view import RunView

EACH, SIDE = 12, 48
# Digits of 8 pixels would lose by JPEG; photos would weigh too much by PNG.
_PLAIN = 16


@dataclasses.dataclass(frozen=True)
class Thumbnail:
    """One image on the page.

    Attributes:
      index: in the split.
      address: the pixels as a data address.
      exit: at which it leaves, from 1.
      right: whether the answer is.
      said: the answer in words.
    """

    index: int
    address: str
    exit: int
    right: bool
    said: str


@dataclasses.dataclass(frozen=True)
class Block:
    """Images of one class.

    Attributes:
      name: of the class.
      images: training images of the class.
      shown: some of the split that figures show.
    """

    name: str
    images: int
    shown: list[Thumbnail]


def blocks(view: RunView) -> list[Block]:
    """Choose and draw images, class by class, commonest first.

    Of each class images that leave at every exit, as far as there are any.

    Args:
      view: a run with answers; nothing is drawn where it has no examples.
    """
    if view.examples is None:
        return []
    labels, taken = view.seen.labels, view.chosen.exit_taken
    random, found = np.random.default_rng(0), []
    for c in leavers.chosen_classes(view):
        own = random.permutation(np.flatnonzero(labels == c))
        picked = _spread(own, taken[own], view.exits)
        pixels = np.asarray(view.examples.images[np.array(picked, int)])
        shown = [
            _thumbnail(view, index, image)
            for index, image in zip(picked, pixels, strict=True)
        ]
        found.append(Block(view.class_names[c], view.class_counts[c], shown))
    return found


def _thumbnail(view, index, image):
    chosen = view.chosen
    names, label = view.class_names, view.seen.labels[index]
    answer, exit_ = chosen.classes[index], int(chosen.exit_taken[index]) + 1
    sure = f"{view.scored.scorer.rule.exit_rule} {chosen.certainty[index]:.3f}"
    return Thumbnail(
        index,
        _address(image),
        exit_,
        bool(answer == label),
        f"{names[label]}: answered {names[answer]} at exit {exit_}, {sure}",
    )


def _spread(own, taken, exits):
    """Some images of one class: as many from each exit as can be."""
    ranks = np.zeros(len(own), int)
    for number in range(exits):
        here = taken == number
        ranks[here] = np.arange(here.sum())
    return own[np.argsort(ranks, kind="stable")[:EACH]].tolist()


def _address(image):
    from PIL import Image

    grey = image.shape[-1] == 1
    picture = Image.fromarray(image[..., 0] if grey else image)
    picture.thumbnail((SIDE, SIDE))
    plain = max(picture.size) <= _PLAIN
    content = io.BytesIO()
    picture.save(content, "PNG" if plain else "JPEG", quality=80)
    kind = "png" if plain else "jpeg"
    text = base64.b64encode(content.getvalue()).decode()
    return f"data:image/{kind};base64,{text}"
