"""Images by class and exit, small: ELF, Figures 6 and 9; HAR, Figure 7."""

import base64
import dataclasses
import io

import numpy as np

from elf_keras.reports import leavers, render
from elf_keras.reports.run_view import RunView

EACH, SIDE = 12, 48
# Digits of 8 pixels would lose by JPEG; photos would weigh too much by PNG.
_PLAIN = 16


@dataclasses.dataclass(frozen=True)
class Thumbnail:
    """One image on the page.

    Attributes:
      index: in the split.
      label: true class.
      address: the pixels as a data address.
    """

    index: int
    label: int
    address: str


def block(view: RunView) -> str:
    """Return the gallery as HTML, or nothing without images.

    Args:
      view: a run with answers.
    """
    if view.examples is None:
        return ""
    chosen = view.leave(view.point.limits)
    blocks = []
    shown = thumbnails(view)
    for c in leavers.chosen_classes(view):
        own = [each for each in shown if each.label == c]
        lines = "".join(
            f'<div class="exit" data-exit="{k + 1}"><span>exit {k + 1}</span>'
            + "".join(
                _thumbnail(view, each, chosen)
                for each in own
                if chosen.exit_taken[each.index] == k
            )
            + "</div>"
            for k in range(view.exits)
        )
        blocks.append(
            f"<div><h4>{render.text(view.class_names[c])} <small>"
            f"{view.class_counts[c]} training images</small></h4>{lines}</div>"
        )
    return (
        "<h3>Which images leave where</h3><p>Images of "
        f"{len(blocks)} classes from the commonest to the rarest, picked at "
        "random so that every exit has some. Easy ones should leave early. "
        "Point at one, or walk through them with the arrow keys, to read the "
        "answer; a thick dashed frame is a wrong answer.</p>"
        f'<div><div class="gallery">{"".join(blocks)}</div>'
        '<p class="answer" role="status"></p></div>'
    )


def thumbnails(view: RunView) -> list[Thumbnail]:
    """Choose and draw images, class by class, commonest first.

    Of each class images that leave at every exit, as far as there are any.

    Args:
      view: a run with answers and examples.
    """
    taken = view.leave(view.point.limits).exit_taken
    labels = view.seen.answers.labels
    random = np.random.default_rng(0)
    indices = []
    for c in leavers.chosen_classes(view):
        own = random.permutation(np.flatnonzero(labels == c))
        indices += _spread(own, taken[own], view.exits)
    pixels = np.asarray(view.examples.images[np.array(indices, int)])
    return [
        Thumbnail(int(index), int(labels[index]), _address(image))
        for index, image in zip(indices, pixels, strict=True)
    ]


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


def _thumbnail(view, each, chosen):
    answer = chosen.classes[each.index]
    said = (
        f"{view.class_names[each.label]}: answered "
        f"{view.class_names[answer]} at exit "
        f"{chosen.exit_taken[each.index] + 1}, "
        f"{view.scored.scorer.exit_rule} "
        f"{chosen.certainty[each.index]:.3f}"
    )
    wrong = "wrong" if answer != each.label else "right"
    return (
        f'<img class="{wrong}" src="{each.address}" data-index="{each.index}" '
        f'alt="{render.text(said)}" title="{render.text(said)}" tabindex="-1">'
    )
