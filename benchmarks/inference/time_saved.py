"""How much of the multiply-adds that leaving saves, time saves, by image size.

python -m benchmarks.inference.time_saved > FILE.json

For an image that leaves at exit k of the chain of TFLite stages in int8:

  (1 - T_k / T) / (1 - M_k / M)

T_k and M_k are milliseconds and multiply-adds of the stages 1 … k with their
heads, T and M those of the bare backbone's own file. 1 where time goes by
multiply-adds. The files take turns, one thread, batch 1; weights are random,
which kernels do not notice.
"""

import argparse
import json
import pathlib
import tempfile

import numpy as np

from benchmarks.inference import networks, timing
from elf_keras import runs
from elf_keras.deploy import measure, tflite_chain
from elf_keras.models import multiply_adds

CLASSES = 43
# Images one after the other, as in use; else each call meets another's caches.
ROW = 5


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    networks.add_arguments(parser)
    parser.set_defaults(
        backbone="efficientnet_lite0", exits="3,4,5", dense=True
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[96, 128, 224])
    parser.add_argument("--variant", default="int8")
    parser.add_argument("--rounds", type=int, default=150)
    options = parser.parse_args()
    rows = [_row(options, size) for size in options.sizes]
    named = {"network": options.backbone, "variant": options.variant}
    print(json.dumps(runs.environment() | named | {"rows": rows}, indent=1))


def _row(options, size):
    model = networks.build(options, CLASSES, size)
    costs = multiply_adds.exit_costs(model)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (20, size, size, 3)).astype("uint8")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tflite_chain.write(
            model, folder, variants=[options.variant], images=images
        )
        stages, exits = (
            measure.open_files(folder / options.variant, kind)
            for kind in ("stage", "exit")
        )
        times = timing.alternate(
            _calls(stages, exits[-1], images), rounds=options.rounds, row=ROW
        )
    *to_exit, bare = (float(np.median(values)) for values in times.values())
    macs = costs.with_heads[:-1] / costs.backbone
    saved = 1 - np.array(to_exit[:-1]) / bare
    return {
        "image_size": size,
        "milliseconds_to_exit": [round(ms, 3) for ms in to_exit],
        "backbone_milliseconds": round(bare, 3),
        "macs_saved": (1 - macs).round(3).tolist(),
        "time_saved_over_macs_saved": (saved / (1 - macs)).round(2).tolist(),
    }


def _calls(stages, last_exit, images):
    pixels = stages[0].encode(images[:1])

    def to_exit(number):
        given = pixels
        for stage in stages[:number]:
            stage.run(given)
            if stage is not stages[-1]:
                given = stage.features()

    numbers = range(1, len(stages) + 1)
    calls = {f"to exit {k}": lambda k=k: to_exit(k) for k in numbers}
    return calls | {"backbone": lambda: last_exit.run(pixels)}


if __name__ == "__main__":
    main()
