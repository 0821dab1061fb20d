"""Processes that train together on loopback."""

import json
import os
import socket
import subprocess

import command_runs


def free_addresses(count: int) -> list[str]:
    """Addresses on loopback that nobody listened on just now."""
    with_ports = [socket.socket() for _ in range(count)]
    for each in with_ports:
        each.bind(("127.0.0.1", 0))
    found = [f"127.0.0.1:{each.getsockname()[1]}" for each in with_ports]
    for each in with_ports:
        each.close()
    return found


def environment(config: str | None = None) -> dict[str, str]:
    """The environment of a training on CPU devices, alone or as a worker."""
    found = {**os.environ, "PYTHONPATH": str(command_runs.CHECKOUT)}
    # oneDNN's convolution gives an empty batch the wrong shape.
    found |= {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
    found["PYTHONFAULTHANDLER"] = "1"
    # With one thread a worker ends by a segmentation fault in a collective.
    for name in ("TF_CONFIG", "TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"):
        found.pop(name, None)
    return found | ({"TF_CONFIG": config} if config else {})


def environments(workers: int) -> list[dict[str, str]]:
    """The environment of each worker of a new cluster."""
    cluster = {"worker": free_addresses(workers)}
    tasks = [{"type": "worker", "index": index} for index in range(workers)]
    configs = [{"cluster": cluster, "task": task} for task in tasks]
    return [environment(json.dumps(config)) for config in configs]


def start(*words, workers: int = 2) -> list[subprocess.Popen]:
    """Start Python with these words once for each worker of a new cluster."""
    each = environments(workers)
    return [command_runs.child(*words, env=variables) for variables in each]


def ended(processes, *, seconds: int = 240) -> list[tuple[int, str, str]]:
    """Wait for all; status, output and errors of each.

    What outlasts the wait is killed: a waiting worker ignores SIGTERM.
    """
    found = []
    try:
        for process in processes:
            out, err = process.communicate(timeout=seconds)
            found.append((process.returncode, out, err))
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return found
