"""What it costs to share a training step out to two replicas.

python -m benchmarks.replicas [--steps=20] [--rounds=5]

Images a second of one global batch of a ResNet-32 with three heads: on one
device, on two logical CPU devices (`mirrored`), and on two processes that
talk over loopback (`multi_worker`). All use the same cores, so an ideal
sharing out would be as fast as one device: the ratio is what replicas,
statistics over all of them and messages cost, not what a second device would
gain. The steps are those that `fit` takes. Takes turns; prints JSON.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time

KINDS = {"single": 1, "mirrored": 1, "multi_worker": 2}
WARM_UP = 3
# For one measurement; a process that takes longer has met a fault.
SECONDS = 300


def main() -> None:
    """Measure all kinds in turn, or be one of their processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kind", choices=list(KINDS))
    options = parser.parse_args()
    if options.kind:
        print(_speed(options.kind, options.steps))
        return
    rates = {kind: [] for kind in KINDS}
    for _ in range(options.rounds):
        for kind, found in rates.items():
            found.append(_processes(kind, options.steps))
    medians = {kind: statistics.median(found) for kind, found in rates.items()}
    single = medians["single"]
    record = {
        "images_per_second": {k: round(v, 1) for k, v in medians.items()},
        "efficiency": {k: round(v / single, 3) for k, v in medians.items()},
        "rounds": options.rounds,
        "steps": options.steps,
    }
    print(json.dumps(record, indent=1))


def _processes(kind, steps):
    """Images a second of all processes together, in processes of their own."""
    command = [sys.executable, "-m", "benchmarks.replicas"]
    command += [f"--kind={kind}", f"--steps={steps}"]
    started = [
        subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=environment
        )
        for environment in _environments(kind)
    ]
    try:
        told = [each.communicate(timeout=SECONDS)[0] for each in started]
    finally:
        # A worker whose partner failed would wait for it for ever.
        for each in started:
            each.kill()
            each.wait()
    for each in started:
        if each.returncode:
            raise subprocess.CalledProcessError(each.returncode, command)
    return float(told[0])


def _environments(kind):
    workers = KINDS[kind]
    common = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    common.pop("TF_CONFIG", None)
    if kind != "single":
        # As elf_keras.train does; see cli.load_tensorflow.
        common["TF_ENABLE_ONEDNN_OPTS"] = "0"
    if workers == 1:
        return [common]
    sockets = [socket.socket() for _ in range(workers)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    jobs = {"worker": [f"127.0.0.1:{s.getsockname()[1]}" for s in sockets]}
    for each in sockets:
        each.close()
    tasks = [{"type": "worker", "index": index} for index in range(workers)]
    return [
        common | {"TF_CONFIG": json.dumps({"cluster": jobs, "task": task})}
        for task in tasks
    ]


def _speed(kind, steps):
    import tensorflow as tf

    from elf_keras.distribution import (
        cluster,
        strategies,
        worker_steps,
        workers,
    )

    if kind == "mirrored":
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0],
            [tf.config.LogicalDeviceConfiguration()] * 2,
        )
    strategy = strategies.create(kind, cluster.from_environment())
    from benchmarks import training_step

    with strategy.scope():
        model = training_step.build("har")
        model.optimizer.build(model.trainable_variables)
    if kind == "multi_worker":
        step = worker_steps.train_function(model)
    else:
        model.make_train_function()
        step = model.train_function
    images, labels = training_step.batch()
    each = training_step.BATCH // strategy.num_replicas_in_sync
    stream = iter(
        strategy.distribute_datasets_from_function(
            lambda context: tf.data.Dataset.from_tensors(
                (images[:each], labels[:each])
            ).repeat()
        )
    )
    seconds = []
    for number in range(steps + WARM_UP):
        start = time.perf_counter()
        step(stream)["loss"].numpy()
        if number >= WARM_UP:
            seconds.append(time.perf_counter() - start)
    workers.leave_together(strategy)
    return training_step.BATCH / statistics.median(seconds)


if __name__ == "__main__":
    main()
