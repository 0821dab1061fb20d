"""The workers of one training, as the variable TF_CONFIG names them.

TF_CONFIG is TensorFlow's own, the same on every worker but for the task:

    {"cluster": {"worker": ["host1:2222", "host2:2222"]},
     "task": {"type": "worker", "index": 0}}
"""

import dataclasses
import json
import os

from elf_keras.errors import InputError

VARIABLE = "TF_CONFIG"
_EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Who takes part, and who of them this process is.

    Attributes:
      workers: addresses, `host:port`; the chief first.
      index: of this process, from 0.
    """

    workers: tuple[str, ...]
    index: int

    @property
    def is_chief(self) -> bool:
        """The one worker that writes the run's folder."""
        return self.index == 0


def from_environment() -> Cluster | None:
    """Read TF_CONFIG; None where it is not set or empty.

    Raises:
      InputError: where it is not what TensorFlow expects.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    try:
        record = json.loads(text)
        if not record:
            return None
        jobs, task = record["cluster"], record["task"]
        chief, workers = jobs.get("chief", []), jobs.get("worker", [])
        kind, index = task["type"], task["index"]
        # Some schedulers write the index as text.
        place = {"chief": 0, "worker": len(chief)}[kind] + int(index)
        named = {"chief": chief, "worker": workers}[kind]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise _refusal(f"{type(error).__name__}: {error}") from error
    _check(chief, workers)
    if jobs.keys() - {"chief", "worker"}:
        raise _refusal(f"jobs {sorted(jobs)}: only chief and worker train here")
    if not 0 <= int(index) < len(named):
        raise _refusal(f"{kind} {index} is not one of the {len(named)} named")
    return Cluster((*chief, *workers), place)


def for_strategy(strategy: str) -> Cluster | None:
    """Return the workers to train with, None for this process alone.

    Raises:
      InputError: where TF_CONFIG is needed and missing, or malformed.
    """
    if strategy not in ("auto", "multi_worker"):
        return None
    found = from_environment()
    if strategy == "multi_worker" and found is None:
        raise InputError(
            f"--strategy=multi_worker: {VARIABLE} is not set; start "
            "every worker with it, for example as in clusters/slurm.sh"
        )
    alone = strategy == "auto" and found and len(found.workers) == 1
    return None if alone else found


def prepare(strategy: str) -> None:
    """Say how TensorFlow is to compute on CPUs; before it is imported.

    It turns oneDNN on by itself where there is AVX-512; with AVX2 it trains
    twice as fast, too. Its convolution gets an empty batch wrong, which the
    last step can hand to a replica on CPU devices.
    """
    set_up = os.environ.get(VARIABLE, "").strip() not in ("", "{}")
    several = strategy in ("mirrored", "multi_worker") or set_up
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0" if several else "1")


def _check(chief, workers):
    lists = isinstance(chief, list) and isinstance(workers, list)
    if not lists or len(chief) > 1:
        raise _refusal("`worker` must be a list, `chief` one of one address")
    for address in (*chief, *workers):
        host, _, port = str(address).rpartition(":")
        if not host or not (port.isdecimal() and 0 < int(port) < 2**16):
            raise _refusal(f"address {address!r} is not host:port")
    if len({*chief, *workers}) < len(chief) + len(workers):
        raise _refusal("an address is named twice")


def _refusal(reason):
    return InputError(
        f"{VARIABLE} cannot be used ({reason}); expected something like "
        f"{_EXAMPLE}, or unset it to train on this machine alone"
    )
