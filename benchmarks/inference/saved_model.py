"""Does skipping in the SavedModel save the time that the stages cost?

python -m benchmarks.inference.saved_model > FILE.json

At batch 1, 32 and 256, with 0, 50 and 90 % of the images leaving at exit 1
and the others at the last: the dynamic signature's time against Σ_k (share
reaching stage k x that stage's own time at that batch), one thread. Each
stage is a signature, too: what Python takes to ask for one is in both. All of
them take turns; ratios are of medians, at batch 1 of means over the images.
"""

import json
import pathlib
import tempfile

import numpy as np
import tensorflow as tf

from benchmarks.inference import timing
from elf_keras import models
from elf_keras.deploy import graphs, manifest, saved_model
from elf_keras.deploy.serving import Serving
from elf_keras.models import multiply_adds

BATCHES = {1: 1000, 32: 100, 256: 24}
SHARES = (0.0, 0.5, 0.9)
# Cosines: no confidence comes near the upper one, all exceed the lower one.
STAY, LEAVE = 0.999, 1e-6


def main() -> None:
    """Measure and print JSON."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model = models.build((32, 32, 3), 10, heads=models.Heads(cosine=True))
    costs = multiply_adds.exit_costs(model)
    with tempfile.TemporaryDirectory() as folder:
        serving = Serving(np.ones(4), [str(n) for n in range(10)])
        saved_model.save(model, pathlib.Path(folder), serving)
        loaded = tf.saved_model.load(folder)
        dynamic = loaded.signatures["dynamic"]
        whole = loaded.signatures["all_exits"]
        own = write_stages(model, pathlib.Path(folder, "stages"))
        signatures = tf.saved_model.load(folder + "/stages").signatures
        stages = [signatures[name] for name in own]
        print(
            json.dumps(
                [
                    row
                    for batch, rounds in BATCHES.items()
                    for row in _rows(
                        batch, rounds, dynamic, stages, whole, costs
                    )
                ],
                indent=1,
            )
        )


def write_stages(model, folder: pathlib.Path) -> list[str]:
    """Write stages as signatures, weights as constants, as `dynamic` has them.

    Returns:
      Their names, in order.
    """
    traced = {}
    for number, stage in enumerate(models.stages(model), 1):
        spec = tf.TensorSpec((None, *stage.inputs[0].shape[1:]), name="given")
        call = tf.function(graphs.FrozenStage(stage), autograph=False)
        traced[f"stage_{number}"] = call.get_concrete_function(spec)
    tf.saved_model.save(tf.Module(), folder, signatures=traced)
    return [*traced]


def _rows(batch, rounds, dynamic, stages, whole, costs):
    random = np.random.default_rng(0)
    shape = (batch, *whole.structured_input_signature[1]["image"].shape[1:])
    images = tf.constant(random.integers(0, 256, shape), tf.float32)
    functions = {"all exits": lambda: _wait(whole(image=images))}
    features = images
    for number, stage in enumerate(stages):
        functions[f"stage {number + 1}"] = _call(stage, features)
        features = stage(given=features).get("features")
    for share in SHARES:
        functions[f"dynamic {share}"] = _dynamic(dynamic, images, share)
    times = timing.alternate(functions, rounds=rounds)
    middle = np.mean if batch == 1 else np.median
    own = [middle(times[f"stage {k + 1}"]) for k in range(len(stages))]
    for wanted in SHARES:
        # Of 32 images, 17 and 29 leave.
        share = float(_leavers(batch, wanted).mean())
        shares = np.array([share, *[0.0] * (len(stages) - 2), 1 - share])
        expected = manifest.reached(shares) @ own
        measured = middle(times[f"dynamic {wanted}"])
        spent = shares @ costs.with_heads
        yield {
            "batch": batch,
            "leaving": round(share, 4),
            "dynamic_ms": timing.summary(times[f"dynamic {wanted}"]),
            "compared_ms": round(float(measured), 4),
            "all_exits_ms": timing.summary(times["all exits"]),
            "stages_ms": [round(float(value), 4) for value in own],
            "ratio_to_stages": round(float(measured / expected), 3),
            "ratio_to_all_exits": round(
                float(measured / middle(times["all exits"])), 3
            ),
            "macs_saved": round(multiply_adds.saving(spent, costs.backbone), 3),
        }


def _leavers(batch, share):
    """Which images leave; at batch 1, of ten calls that take turns."""
    return np.arange(max(batch, 10)) % 10 < 10 * share


def _dynamic(signature, images, share):
    """A call that lets about `share` of the images leave at exit 1."""
    batch = len(images)
    leavers = _leavers(batch, share)
    rows = [np.full(3, LEAVE if leaves else STAY) for leaves in leavers]
    limits = [
        tf.constant(np.array(rows[start : start + batch]), tf.float32)
        for start in (range(10) if batch == 1 else [0])
    ]
    turn = iter(range(10**9))

    def call():
        limit = limits[next(turn) % len(limits)]
        answer = signature(image=images, exit_threshold=limit)
        answer["class"].numpy()

    return call


def _call(stage, features):
    return lambda: _wait(stage(given=features))


def _wait(outputs):
    for tensor in outputs.values():
        tensor.numpy()


if __name__ == "__main__":
    main()
