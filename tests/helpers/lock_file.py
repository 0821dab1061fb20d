"""What pyproject.toml asks for, and what requirements.lock has of it."""

import pathlib
import re

from packaging.markers import Marker

try:
    import tomllib
except ImportError:  # Python 3.10
    import tomli as tomllib

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
# TensorFlow's CUDA libraries are of a machine with a GPU alone.
UNLOCKED = {"cuda"}
EXTRAS = sorted({*PROJECT["optional-dependencies"]} - UNLOCKED)
PINNED = re.compile(r"^([\w.-]+)==([^ ;\\]+)(?: ; ([^\\]+?))? ?\\?$", re.M)


def environment(python: str) -> dict[str, str]:
    """What markers are asked about, on Linux."""
    return {
        "python_version": python.rpartition(".")[0],
        "python_full_version": python,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "os_name": "posix",
        "extra": "",
    }


def locked(python: str) -> dict[str, str]:
    """Name -> version that the lock installs."""
    text = (CHECKOUT / "requirements.lock").read_text()
    found = {}
    for name, version, marker in PINNED.findall(text):
        if not marker or Marker(marker).evaluate(environment(python)):
            assert name not in found, f"{name} twice for Python {python}"
            found[name] = version
    return found
