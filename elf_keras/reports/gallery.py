"""Images by class and exit, small: ELF, Figures 6 and 9; HAR, Figure 7."""

import base64
import io

import numpy as np

from elf_keras.reports import leavers
from elf_keras.reports.run_view import RunView

EACH, SIDE = 12, 48
# Digits of 8 pixels would lose by JPEG; photos would weigh too much by PNG.
_PLAIN = 16


def blocks(view: RunView) -> list[dict]:
    """Choose and draw images, class by class, commonest first.

    Of each class images that leave at every exit, as far as there are any.

    Returns:
      Of each class its `name`, how many training `images` it has, and those
      `shown`: `index` in the split, `address` of the pixels, `exit` from 1,
      whether it is `right`, and what is `said` of it. None without examples.
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
        named = {"name": view.class_names[c], "images": view.class_counts[c]}
        found.append({**named, "shown": shown})
    return found


def _thumbnail(view, index, image):
    chosen = view.chosen
    names, label = view.class_names, view.seen.labels[index]
    answer, exit_ = chosen.classes[index], int(chosen.exit_taken[index]) + 1
    sure = f"{view.scored.scorer.rule.exit_rule} {chosen.certainty[index]:.3g}"
    return {
        "index": index,
        "address": _address(image),
        "exit": exit_,
        "right": bool(answer == label),
        "said": f"{names[label]}: answered {names[answer]} at exit {exit_}, "
        f"{sure}",
    }


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
