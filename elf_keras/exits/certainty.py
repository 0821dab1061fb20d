"""How certain an exit is of its answer: what exit rules compare with s.

An image leaves at the first exit whose certainty is above the threshold s.
Confidence, max softmax(z), is the papers' (HAR, Eq. 8); rivals have others in
its place. All are in (0, 1] and larger where an exit is surer, so that
whatever sorts, sweeps or compares one works for each of them. In training
(HAR, Eq. 4) it is always confidence.

Confidence is that of the logits z, and so are its thresholds. The others
look at the probabilities that the loss trained: softmax(σz) with LDAM, whose
σ is 30. Of raw cosines entropy says little: it is that of the many classes
which are not predicted.

Every function takes NumPy arrays and tensors alike, logits z `(..., exits,
classes)`, and returns `(..., exits)`; see `exit_rule`. What the logits z are,
an exit's own or a running sum, is said in `answer_rule`.
"""

import math
from collections import ChainMap

from elf_keras import plugins
from elf_keras.exits import arrays
from elf_keras.exits.arrays import at_least_float32
from elf_keras.exits.exit_rule import confidence

CONFIDENCE, PATIENCE = "confidence", "patience"
DEPTH_CONFIDENCE = "depth_confidence"
# In place of 0 and of a rounding below it: a threshold fits under it.
_LEAST = 1e-7


def entropy(logits):
    """How far from even p is: 1 - H/log C, with H = -Σ_c p_c log p_c.

    Reference: Teerapittayanon et al. 2016, BranchyNet, who leave where H is
    below a threshold.
    """
    ops = arrays.of(logits)
    logits = at_least_float32(logits)
    shifted = logits - ops.max(logits, axis=-1, keepdims=True)
    powers = ops.exp(shifted)
    total = ops.sum(powers, axis=-1)
    found = ops.log(total) - ops.sum(powers * shifted, axis=-1) / total
    return ops.maximum(1.0 - found / math.log(logits.shape[-1]), _LEAST)


def margin(logits):
    """Lead of the best class: p_1 - p_2, the two largest of softmax(z)."""
    ops = arrays.of(logits)
    logits = at_least_float32(logits)
    best = ops.max(logits, axis=-1, keepdims=True)
    # No argmax: Keras's has bit operations, which TFLite has not.
    tied = ops.sum(ops.cast(logits == best, "int32"), axis=-1) > 1
    others = ops.max(ops.where(logits == best, -math.inf, logits), axis=-1)
    lead = ops.where(tied, 0.0, others - best[..., 0])
    return ops.maximum(-ops.expm1(lead) * confidence(logits), _LEAST)


def patience(logits):
    """How long exits have agreed: r/(r+1), r of them in a row up to this one.

    r counts the exit itself, so that s = P/(P+1) asks for P repetitions: 0.5
    for two exits that agree, 0.67 for three, 0.75 for four. Exits still to
    come have no part in it.

    Certainty is in [0.5, 1), and exits count from the first on.

    Reference: Zhou et al. 2020, BERT Loses Patience, Sec. 3.
    """
    ops = arrays.of(logits)
    classes = ops.argmax(logits, axis=-1)
    said, run, runs = None, None, []
    for number in range(classes.shape[-1]):
        before, said = said, classes[..., number]
        run = next_run(said, before, run)
        runs.append(run)
    return of_run(ops.stack(runs, axis=-1), logits)


def next_run(said, before, run):
    """How many exits in a row have said a class, this one included.

    Args:
      said: class at this exit, `(...)`.
      before: class at the exit before; None at the first exit.
      run: its length there.
    """
    ops = arrays.of(said)
    if before is None:
        return ops.ones_like(said)
    return ops.where(said == before, run + 1, 1)


def of_run(run, logits):
    """Certainty r/(r+1) of a run r, `(...)`, of logits `(..., classes)`."""
    ops = arrays.of(logits)
    logits = at_least_float32(logits)
    run = ops.cast(run, ops.dtype(logits))
    # NaN where the logits are no numbers: nobody leaves there.
    return run / (run + 1) + 0 * ops.max(logits, axis=-1)


def depth_confidence(logits, first=1):
    """Confidence that grows with depth: max softmax(k · z_k), k = 1 … K.

    At one threshold for all exits, early ones must then be surer than deep
    ones. k counts from the first exit on; at exit 1 it is confidence. For
    cosines z is σ · cosine here, as for all rules but confidence, and 1 is
    within reach.

    Args:
      logits: what exits answer by, `(..., exits, classes)`.
      first: number of the first of these exits.
    """
    ops = arrays.of(logits)
    logits = at_least_float32(logits)
    depths = ops.arange(first, first + logits.shape[-2])[:, None]
    return confidence(ops.cast(depths, ops.dtype(logits)) * logits)


# Its own, and those of plug-ins.
EXIT_RULES = ChainMap(
    {
        CONFIDENCE: confidence,
        "entropy": entropy,
        "margin": margin,
        PATIENCE: patience,
        DEPTH_CONFIDENCE: depth_confidence,
    },
    plugins.EXIT_RULES,
)


def of(logits, rule=CONFIDENCE, *, scale=1.0, first=1):
    """Certainty of each exit by a rule.

    Args:
      scale: σ by which the loss multiplied logits; not for confidence.
      first: number of the first exit that the logits are of; by patience 1,
        see `in_turn` for exits that come one at a time.
    """
    if rule != CONFIDENCE and scale != 1:
        logits = scale * at_least_float32(logits)
    if rule == DEPTH_CONFIDENCE:
        return depth_confidence(logits, first)
    found = EXIT_RULES[rule](logits)
    if rule in plugins.EXIT_RULES:
        # Of NumPy logits it may have made a tensor, or a 0.
        ops = arrays.of(logits)
        found = ops.maximum(ops.convert_to_tensor(found), _LEAST)
    return found
