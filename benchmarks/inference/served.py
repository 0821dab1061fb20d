"""What stopping early costs a server: requests that no Python asks.

python -m benchmarks.inference.served > FILE.json

As benchmarks.inference.saved_model at batch 1, but through TensorFlow's C API,
as a server written in C++ asks: the `dynamic` signature's time with 0, 50 and
90 % of the images leaving at exit 1 against Σ_k (share reaching stage k x that
stage's own time). One thread; means of calls that take turns.
"""

import argparse
import importlib
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

from benchmarks.inference import c_api_client, networks, timing

SHARES = (0.0, 0.5, 0.9)
# No confidence comes near the upper one, all exceed the lower one.
STAY, LEAVE = 0.999, 1e-6


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    networks.add_arguments(parser)
    parser.add_argument("--image_size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=600)
    # Of the process that measures: it must not hold TensorFlow's Python.
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder:
        print(json.dumps(_measured(options), indent=1))
        return
    with tempfile.TemporaryDirectory() as folder:
        _write(options, pathlib.Path(folder))
        again = ["-m", "benchmarks.inference.served", *sys.argv[1:]]
        command = [sys.executable, *again, f"--folder={folder}"]
        sys.exit(subprocess.run(command).returncode)


def _write(options, folder):
    """The SavedModel, one of its stages, and how both are asked."""
    from tensorflow.core.protobuf import saved_model_pb2

    from benchmarks.inference import saved_model as in_python
    from elf_keras import models
    from elf_keras.deploy import saved_model, serving

    model = networks.build(options, 10, options.image_size)
    names = [str(number) for number in range(10)]
    told = serving.Serving(np.ones(models.exits(model)), names)
    saved_model.save(model, folder / "whole", told)
    in_python.write_stages(model, folder / "stages")
    for name in ("whole", "stages"):
        record = saved_model_pb2.SavedModel()
        record.ParseFromString((folder / name / "saved_model.pb").read_bytes())
        found = record.meta_graphs[0].signature_def
        # But for what initializes them.
        asked = [key for key in sorted(found) if not key.startswith("__")]
        calls = {key: _call(found[key]) for key in asked}
        (folder / f"{name}.json").write_text(json.dumps(calls))


def _call(signature):
    """Names of inputs and outputs -> operation, and which of its results."""
    return [
        {
            key: [info.name.partition(":")[0], int(info.name.split(":")[1])]
            for key, info in part.items()
        }
        for part in (signature.inputs, signature.outputs)
    ]


def _measured(options):
    folder = pathlib.Path(options.folder)
    # It loads libraries which, after TensorFlow's own, end the process.
    importlib.import_module("numpy.random")
    origin = importlib.util.find_spec("tensorflow").origin
    api = c_api_client.library(pathlib.Path(origin).parent)
    calls = dict(_calls(api, folder, options.image_size))
    times = timing.alternate(calls, rounds=options.rounds)
    mean = {name: float(each.mean()) for name, each in times.items()}
    stages = [name for name in calls if name.startswith("stage")]
    own = np.array([mean[name] for name in stages])
    return {
        "ms": {name: round(value, 4) for name, value in mean.items()},
        "ratio_to_stages": {
            f"{share:g}": round(
                (share * mean["leaves at 1"] + (1 - share) * mean["stays"])
                / float(own[0] + (1 - share) * own[1:].sum()),
                3,
            )
            for share in SHARES
        },
    }


def _calls(api, folder, side):
    """Name and call of everything that is timed, on one image."""
    model = {}
    for name in ("whole", "stages"):
        path = str(folder / name)
        model[name] = c_api_client.Model(api, path, one_thread=True)
    calls = {
        name: json.loads((folder / f"{name}.json").read_text())
        for name in model
    }
    random = np.random.default_rng(0)
    features = random.integers(0, 256, (1, side, side, 3)).astype("float32")
    given, wanted = calls["whole"]["dynamic"]
    early = len(calls["stages"]) - 1
    for name, limit in (("leaves at 1", LEAVE), ("stays", STAY)):
        limits = np.full((1, early), limit, "float32")
        fed = [(*given["image"], features), (*given["exit_threshold"], limits)]
        yield name, _asked(model["whole"], fed, wanted)
    for number in range(1, early + 2):
        given, wanted = calls["stages"][f"stage_{number}"]
        fed = [(*place, features) for place in given.values()]
        yield f"stage {number}", _asked(model["stages"], fed, wanted)
        if number <= early:
            (features,) = model["stages"].run(fed, [wanted["features"]])


def _asked(model, fed, wanted):
    request = model.request(fed, [*wanted.values()])
    return lambda: model.free(request())


if __name__ == "__main__":
    main()
