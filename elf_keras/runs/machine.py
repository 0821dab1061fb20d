"""What a run ran on, and as: versions, machine, memory, standard error."""

import contextlib
import os
import pathlib
import platform
import re
import resource
import subprocess
import sys
from collections.abc import Iterator

from elf_keras.runs import flagfiles

_PACKAGES = ("elf_keras", "keras", "tensorflow", "numpy", "scikit-learn")
# By which libraries choose their kernels: speeds differ by as much.
_INSTRUCTIONS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile")


def environment() -> dict:
    """Return versions, machine, command line and git revision."""
    name = pathlib.Path(sys.argv[0]).stem
    return {
        "command": [name, *map(flagfiles.line, sys.argv[1:])],
        "git_revision": _git_revision(),
        "machine": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _PACKAGES},
    }


def _processor():
    """The processor's name, and what it can do that libraries make use of."""
    information = pathlib.Path("/proc/cpuinfo")
    text = information.read_text() if information.exists() else ""
    found = re.search(r"^model name.*?:(.*)$", text, re.MULTILINE)
    name = found[1].strip() if found else platform.processor()
    flags = re.search(r"^flags.*?:(.*)$", text, re.MULTILINE)
    able = set(flags[1].split()) if flags else set()
    told = [each for each in _INSTRUCTIONS if each in able]
    return f"{name} ({', '.join(told)})" if told else name


def peak_memory() -> int:
    """Return the largest resident size of this process so far, in bytes."""
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        # getrusage would start with the peak of the process that began this.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else size * 1024


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Send this process's standard error nowhere; errors still raise.

    For libraries that print past Python's logs: C++ code writes to the file
    descriptor, so the descriptor is replaced.
    """
    kept = os.dup(2)
    with pathlib.Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _version(package):
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git_revision():
    """Revision of the code, with + where tracked files were changed."""
    try:
        shown = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12"],
            cwd=pathlib.Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return shown.stdout.strip()
