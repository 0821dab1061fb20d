"""The exact accuracy-against-cost curve over every useful exit threshold.

HAR, Sec. III-C (Eq. 7 and 8) and IV-C (dynamic mode): one shared threshold s
trades accuracy for compute. An example leaves at the first exit with
confidence above s (`exit_rule`), so with the running maximum m_k =
max(confidence of exits 1…k) it takes exit k exactly for m_(k-1) <= s < m_k.
Accuracy, cost and shares are therefore step functions of s whose steps lie at
the m_k: sorting these once gives the whole curve, and no grid can miss a
point of it.
"""

import dataclasses

import numpy as np

from elf_keras import errors


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """Scores of a dynamic model as step functions of one shared threshold.

    Point p holds for s in [thresholds[p], thresholds[p + 1]). The first point
    lies just below the smallest confidence (everyone leaves at exit 1), the
    last at the largest (nobody leaves early). Thresholds keep the dtype of
    the confidences, so that comparing with them is exact.

    Attributes:
      thresholds: s, ascending, `(points,)`.
      accuracy: weighted share of right answers in [0, 1], `(points,)`.
      cost: weighted mean cost, in the unit of the costs given, `(points,)`.
      shares: weighted share of images per exit, `(points, exits)`.
    """

    thresholds: np.ndarray
    accuracy: np.ndarray
    cost: np.ndarray
    shares: np.ndarray


def curve(
    confidence: np.ndarray,
    correct: np.ndarray,
    *,
    costs: np.ndarray,
    weights: np.ndarray | None = None,
) -> Curve:
    """Accuracy, cost and shares per exit for every distinct threshold.

    Args:
      confidence: of each exit, `(images, exits)`, finite; that of the last
        exit has no effect.
      correct: whether each exit is right, boolean `(images, exits)`.
      costs: cost to each exit, `(exits,)`, never falling, such as MACs.
      weights: >= 0, `(images,)`, any scale; `metrics.example_weights` makes
        the scores means over classes. None means equal.

    Returns at most images · (exits - 1) + 1 points.

    Raises:
      InputError: for shapes that do not agree, confidences that are not
        finite, or falling costs.
    """
    costs = np.asarray(costs, dtype=np.float64)
    weights = _checked_weights(weights, len(confidence))
    _check(confidence, correct, costs)
    thresholds, leaves = _points(confidence)
    enters = np.pad(leaves[:, :-1], ((0, 0), (1, 0)))
    size = len(thresholds)
    spans = list(zip(enters.T, leaves.T, strict=True))
    shares = np.stack([_running(weights, *span, size) for span in spans], -1)
    # Differences of sums that agree in theory may be a rounding below zero.
    shares = np.maximum(shares, 0.0)
    accuracy = sum(
        _running(weights * right, *span, size)
        for right, span in zip(correct.T, spans, strict=True)
    )
    return Curve(thresholds, accuracy, shares @ costs, shares)


def thin(full: Curve, points: int) -> Curve:
    """Keep about `points` of a curve, evenly spread by cost, for a file.

    Fewer remain where one step covers several of the even costs; the first
    and the last always do. Between them thresholds no longer tell the scores.
    """
    # The mean cost never falls with s, but its rounding error may.
    rising = np.maximum.accumulate(full.cost)
    wanted = np.linspace(rising[0], rising[-1], points)
    last = len(rising) - 1
    kept = np.minimum(np.searchsorted(rising, wanted), last)
    kept = np.unique(np.concatenate([[0], kept, [last]]))
    return Curve(*(values[kept] for values in vars(full).values()))


def between(levels: np.ndarray) -> np.ndarray:
    """Thresholds that keep clear of every confidence.

    A threshold that is some image's confidence would let a rounding, on
    another runtime, decide about that image.

    Args:
      levels: distinct confidences, ascending, `(levels,)`, in (0, 1].

    Returns:
      float64 `(levels + 1,)`, values of float32: entry q lies in (0, 1)
      below `levels[q]` and not below `levels[q - 1]`; the last is infinity,
      which nobody exceeds.
    """
    low = np.append(0.0, levels.astype(np.float64))[:-1]
    high = levels.astype(np.float64)
    middle = ((low + high) / 2).astype(np.float32)
    # Neighbours among float32 have nothing between them.
    middle = np.where(middle >= high, low, middle.astype(np.float64))
    inside = np.clip(middle, np.finfo(np.float32).tiny, 1 - 2**-24)
    return np.append(inside, np.inf)


def _points(confidence):
    """Thresholds, and per image the point from which it passes each exit."""
    images, exits = confidence.shape
    running = np.maximum.accumulate(confidence[:, :-1], axis=1)
    levels, ranks = np.unique(running, return_inverse=True)
    if not levels.size:
        levels = np.zeros(0, confidence.dtype)
        below = np.zeros(1, confidence.dtype)
    else:
        below = np.nextafter(levels[:1], np.full(1, -np.inf, levels.dtype))
    thresholds = np.concatenate([below, levels])
    never = np.full((images, 1), len(thresholds))
    leaves = ranks.reshape(images, exits - 1) + 1
    return thresholds, np.concatenate([leaves, never], axis=1)


def _running(weights, enters, leaves, points):
    """Sum of the weights of the images with enters <= p < leaves, per p."""
    gained = np.bincount(enters, weights, minlength=points + 1)
    lost = np.bincount(leaves, weights, minlength=points + 1)
    return np.cumsum(gained - lost)[:points]


def _checked_weights(weights, images):
    weights = np.ones(images) if weights is None else np.asarray(weights)
    usable = weights.shape == (images,) and (weights >= 0).all()
    if not usable or not weights.sum() > 0:
        raise errors.InputError(
            f"Weights of shape {weights.shape} for {images} images; expected "
            "one for each, none negative, with a positive sum."
        )
    return weights / weights.sum()


def _check(confidence, correct, costs):
    if confidence.ndim != 2 or not (
        confidence.shape == correct.shape
        and confidence.shape[1:] == costs.shape
    ):
        raise errors.InputError(
            f"Confidence {confidence.shape}, correct {correct.shape} and "
            f"costs {costs.shape} do not agree; expected (images, exits), "
            "the same, and (exits,)."
        )
    if not np.isfinite(confidence).all():
        raise errors.InputError(
            "A confidence is not finite: the model returns NaN or infinite "
            "scores; train again with a lower learning rate."
        )
    if (np.diff(costs) < 0).any():
        raise errors.InputError(
            f"Costs to the exits fall: {costs.tolist()}; give the cumulative "
            "cost to each exit."
        )
