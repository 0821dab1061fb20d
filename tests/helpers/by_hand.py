"""The formulas once more, as plain Python loops over lists."""

import math


def softmax(scores):
    powers = [math.exp(score - max(scores)) for score in scores]
    return [power / sum(powers) for power in powers]


def cross_entropy(scores, label):
    largest = max(scores)
    total = sum(math.exp(score - largest) for score in scores)
    return math.log(total) + largest - scores[label]


def exit_taken(exits, label, threshold):
    """Index of the exit at which one example leaves in training."""
    for number, scores in enumerate(exits):
        right = scores.index(max(scores)) == label
        if right and softmax(scores)[label] > threshold:
            return number
    return len(exits) - 1


def cumulative_loss(scores, labels, weights, threshold, normalization):
    """The objective over a batch; weights are (class, sample) per example."""
    exits = len(scores[0])
    sums = [0.0] * exits
    survivors = [0.0] * exits
    given = zip(scores, labels, weights, strict=True)
    for example, label, (class_weight, sample_weight) in given:
        for k in range(exit_taken(example, label, threshold) + 1):
            weight = class_weight * sample_weight
            sums[k] += weight * cross_entropy(example[k], label)
            survivors[k] += weight
    if normalization == "survivors":
        return sum(
            part / weight
            for part, weight in zip(sums, survivors, strict=True)
            if weight
        )
    if normalization == "batch_size":
        return sum(sums) / sum(sample for _, sample in weights)
    return sum(sums) / sum(weight * sample for weight, sample in weights)
