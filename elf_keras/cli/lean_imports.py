"""TensorFlow and Keras without the packages that they take because they can."""

import contextlib
import sys
from collections.abc import Iterator

# For data frames, wrappers and plots, which no command asks Keras for.
UNUSED = ("matplotlib", "pandas", "scipy", "sklearn")


@contextlib.contextmanager
def without_unused() -> Iterator[None]:
    """Import within as where `UNUSED` are not installed; have them afterwards.

    Keras imports each of them where it is installed: four of the nine seconds
    of processor time that a command took to start.
    """
    hidden = [name for name in UNUSED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
