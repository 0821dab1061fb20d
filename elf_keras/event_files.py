"""TensorBoard's event files: what is said where they cannot be written."""

import contextlib
import errno
import re
from collections.abc import Iterator

import tensorflow as tf

_FILE = re.compile(r"(\S*\.tfevents\.\S*); (.+)")


@contextlib.contextmanager
def clear_errors() -> Iterator[None]:
    """Raise what other files raise, where an event file cannot be written.

    Raises:
      OSError: instead of TensorFlow's error, which is none.
    """
    try:
        yield
    except tf.errors.OpError as error:
        found = _FILE.search(error.message)
        if not found:
            raise
        name, reason = found.groups()
        raise OSError(errno.EIO, reason, name) from error
