"""Made scores that get better and surer from exit to exit, and loops."""

import by_hand
import numpy as np

CLASSES = 4
EXITS = 3
COUNTS = np.array([200, 101, 20, 19])
THRESHOLD = 0.6


def make(labels, seed=0):
    """Scores that get better and surer from exit to exit."""
    random = np.random.default_rng(seed)
    scores = 1.2 * random.normal(size=(len(labels), EXITS, CLASSES))
    for number in range(EXITS):
        scores[np.arange(len(labels)), number, labels] += 0.6 * (number + 1)
    return scores.astype("float32")


LABELS = np.repeat(np.arange(CLASSES), (40, 25, 9, 6))
SCORES = make(LABELS)


def leaves():
    """The exit each image takes, by a loop."""
    for image in SCORES.tolist():
        sure = [max(by_hand.softmax(exits)) > THRESHOLD for exits in image]
        yield (sure[:-1] + [True]).index(True)


TAKEN = list(leaves())
HITS = SCORES[np.arange(len(LABELS)), TAKEN].argmax(-1) == LABELS


def class_means(values, labels=LABELS):
    """Mean of each class; a class without images is left out."""
    groups = {}
    for value, label in zip(values, labels, strict=True):
        groups.setdefault(int(label), []).append(float(value))
    return {label: sum(v) / len(v) for label, v in groups.items()}
