"""Scores from stored predictions: per class, per shot group, per exit.

HAR, Sec. IV-D: top-1 of many-, medium- and few-shot classes; Sec. IV-E: who
leaves where; Property 1: mean loss by exit. Under a long tail means over
images and means over classes differ: scores take weights per image, and
`example_weights` makes any of them a mean over classes.
"""

import numpy as np

from elf_keras import errors


def per_class_accuracy(
    predictions: np.ndarray, labels: np.ndarray, *, classes: int
) -> np.ndarray:
    """Share of each class's images that are predicted right, `(classes,)`.

    NaN for a class without images.

    Args:
      predictions: class indices, `(images,)`.
      labels: true class indices, `(images,)`.
      classes: number of classes C.

    Raises:
      InputError: for a label outside [0, classes).
    """
    labels = _checked_labels(labels, classes)
    correct = np.asarray(predictions) == labels
    return _means(correct, labels, classes, _normalised(None, len(labels)))


def group_accuracy(
    per_class: np.ndarray, shot_groups: dict[str, np.ndarray]
) -> dict[str, float | None]:
    """Mean accuracy over the classes of each shot group that have images.

    None for a group without any: unlike NaN it is valid JSON.

    Args:
      per_class: accuracies, `(classes,)`, NaN where a class has no image.
      shot_groups: name -> boolean mask `(classes,)`.
    """
    known = ~np.isnan(per_class)
    members = {name: known & mask for name, mask in shot_groups.items()}
    return {
        name: float(per_class[mask].mean()) if mask.any() else None
        for name, mask in members.items()
    }


def example_weights(
    labels: np.ndarray, classes: int, *, prior: np.ndarray | None = None
) -> np.ndarray:
    """Weights per image that turn a weighted mean into a mean over classes.

    a_i = π_(y_i) / n_(y_i), rescaled to sum to 1 over the images given. So
    Σ a_i · correct_i is the mean over classes of the per-class accuracy when
    π is uniform, and the accuracy expected in deployment otherwise.

    Args:
      labels: true class indices in [0, classes), `(images,)`.
      classes: number of classes C.
      prior: share of each class in deployment π, `(classes,)`, >= 0, any
        scale; None means uniform. Classes without images drop out.

    Returns float64 `(images,)`.

    Raises:
      InputError: for bad labels, or a prior that no image has a share in.
    """
    labels = _checked_labels(labels, classes)
    prior = np.ones(classes) if prior is None else np.asarray(prior, float)
    if prior.shape != (classes,) or not (prior >= 0).all():
        raise errors.InputError(
            f"The class prior has shape {prior.shape}, expected one share "
            f">= 0 for each of {classes} classes; check its file or flag."
        )
    counts = np.bincount(labels, minlength=classes)
    weights = prior[labels] / counts[labels]
    if not weights.sum() > 0:
        raise errors.InputError(
            f"None of the {len(labels)} images is of a class with a positive "
            "share in the class prior; check the split and the prior."
        )
    return weights / weights.sum()


def class_means(
    correct: np.ndarray, labels: np.ndarray, classes: np.ndarray
) -> tuple[float, float]:
    """Mean over classes of the accuracy, and its standard error.

    Var = Σ_c q_c (1 - q_c) / n_c / C², with q_c = (right + 1) / (n_c + 2): a
    class of one image is not certain. The mean is that of `example_weights`
    but for rounding.

    Args:
      correct: whether each image is right, `(images,)`.
      labels: `(images,)`.
      classes: those to average over, each with an image, `(C,)`.
    """
    size = int(max(labels.max(), classes.max())) + 1
    images = np.bincount(labels, minlength=size)[classes]
    right = np.bincount(labels, correct, minlength=size)[classes]
    smooth = (right + 1) / (images + 2)
    variance = (smooth * (1 - smooth) / images).sum() / len(classes) ** 2
    return float((right / images).mean()), float(np.sqrt(variance))


def expected_calibration_error(
    confidence: np.ndarray,
    correct: np.ndarray,
    *,
    bins: int = 15,
    weights: np.ndarray | None = None,
) -> float:
    """Mean gap between confidence and accuracy over equal-width bins.

    ECE = Σ_b (share of bin b) · |accuracy_b - mean confidence_b|, bins
    ((b-1)/B, b/B].

    Args:
      confidence: in [0, 1], `(images,)`.
      correct: boolean, `(images,)`.
      bins: number of bins B, >= 1.
      weights: >= 0, `(images,)`, any scale; None means equal.

    Reference: Guo et al., On Calibration of Modern Neural Networks, ICML
      2017, Sec. 2.
    """
    confidence = np.asarray(confidence, dtype=np.float64)
    weights = _normalised(weights, len(confidence))
    edges = np.linspace(0.0, 1.0, bins + 1)[1:-1]
    gap = weights * (np.asarray(correct, dtype=np.float64) - confidence)
    in_bin = np.searchsorted(edges, confidence, side="left")
    return float(np.abs(np.bincount(in_bin, gap, minlength=bins)).sum())


def mean_by_exit(
    values: np.ndarray,
    exit_taken: np.ndarray,
    *,
    exits: int,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Mean of a value over the images that leave at each exit, `(exits,)`.

    NaN for an exit that no image takes.

    Args:
      values: one number per image, such as its loss, `(images,)`.
      exit_taken: index in [0, exits), `(images,)`.
      exits: number of exits K.
      weights: >= 0, `(images,)`, any scale; None means equal.
    """
    weights = _normalised(weights, len(exit_taken))
    return _means(values, exit_taken, exits, weights)


def shares(
    exit_taken: np.ndarray, exits: int, *, weights: np.ndarray | None = None
) -> np.ndarray:
    """Share of the images that leave at each exit, `(exits,)`, sum 1.

    Arguments as in `mean_by_exit`.
    """
    weights = _normalised(weights, len(exit_taken))
    return np.bincount(exit_taken, weights, minlength=exits)


def _means(values, groups, size, weights):
    """Weighted mean per group, NaN where a group is empty."""
    total = np.bincount(groups, weights, minlength=size)
    summed = np.bincount(groups, weights * values, minlength=size)
    nobody = np.full(size, np.nan)
    return np.divide(summed, total, out=nobody, where=total > 0)


def _normalised(weights, images):
    if weights is None:
        return np.full(images, 1.0 / max(images, 1))
    weights = np.asarray(weights, dtype=np.float64)
    return weights / weights.sum()


def _checked_labels(labels, classes):
    labels = np.asarray(labels)
    outside = labels[(labels < 0) | (labels >= classes)]
    if outside.size:
        raise errors.InputError(
            f"Label {outside[0]} is not one of {classes} classes (0 to "
            f"{classes - 1}); check the class names of the data."
        )
    return labels
