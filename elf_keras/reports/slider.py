"""The slider over s: its answers inside the page, and the tables it moves.

Certainties stay float32, as the exit rule compares them, so that the page
counts the very images that `cost_curve.curve` counts.
"""

import base64
import zlib

import numpy as np

from elf_keras.evaluation import cost_curve
from elf_keras.reports import leavers, score_rows
from elf_keras.reports.run_view import GROUPS, RunView

POINTS = 200


def of(view: RunView) -> dict:
    """What the slider and its tables show, first at the run's point.

    Returns:
      `record`; scores `static` and `dynamic`; `composition`, a list of rows
      of `leavers.composition` for each exit; `groups` in words.
    """
    rows = leavers.composition(view, view.point.thresholds)
    first = [row["group"] for row in rows if row["exit"] == 1]
    return {
        "record": record(view),
        "static": view.static | dict.fromkeys(score_rows.SAVINGS, 0.0),
        "dynamic": view.dynamic,
        "composition": [
            [row for row in rows if row["exit"] == number + 1]
            for number in range(view.exits)
        ],
        "groups": [f"{name}: {GROUPS[name]}" for name in first],
    }


def record(view: RunView) -> dict:
    """Return what the page's script reads, for JSON.

    Returns:
      Numbers of the run, the slider's thresholds, policies, and `packed`:
      Base64 of zlib of little-endian arrays, one after the other: float32
      certainties `(exits - 1, images)`, uint16 classes `(exits, images)`,
      uint16 labels `(images,)`.
    """
    scorer, found = view.scored.scorer, view.seen
    curve = cost_curve.thin(scorer.curve(found), POINTS)
    parts = (
        found.certainty[:, :-1].T.astype("<f4"),
        found.classes.T.astype("<u2"),
        found.labels.astype("<u2"),
    )
    content = b"".join(np.ascontiguousarray(part).tobytes() for part in parts)
    groups = np.full(len(view.class_names), -1)
    for number, name in enumerate(GROUPS):
        groups[scorer.shot_groups[name]] = number
    prior = scorer.prior
    return {
        "images": len(found.labels),
        "exits": view.exits,
        "split": view.scored.shown,
        "rule": scorer.rule.exit_rule,
        "names": list(view.class_names),
        "groups": groups.tolist(),
        "prior": None if prior is None else np.asarray(prior).tolist(),
        "macs": np.asarray(scorer.costs.with_heads).tolist(),
        "bare": np.asarray(scorer.costs.without_heads).tolist(),
        "backbone": int(scorer.costs.backbone),
        "slider": curve.thresholds.astype(float).tolist(),
        "policies": {
            name: policy["thresholds"]
            for name, policy in view.folder.policies.items()
            if len(policy["thresholds"]) == view.exits - 1
        },
        "start": view.point.thresholds.to_json(),
        "packed": base64.b64encode(zlib.compress(content, 6)).decode(),
    }
