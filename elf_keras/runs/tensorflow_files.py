"""Files that TensorFlow writes itself: what is said where it cannot."""

import contextlib
import errno
import os
import re
from collections.abc import Iterator

import tensorflow as tf

# Of errors in writing alone: a file that cannot be read is somebody's input.
_NUMBERS = {
    os.strerror(number): number
    for number in (
        *(errno.ENOSPC, errno.EFBIG, errno.EDQUOT),
        *(errno.EROFS, errno.EIO),
    )
}
_FILE = re.compile(rf"(\S+); ({'|'.join(map(re.escape, _NUMBERS))})")


@contextlib.contextmanager
def clear_errors() -> Iterator[None]:
    """Raise what other files raise, where TensorFlow cannot write one.

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
        raise OSError(_NUMBERS[reason], reason, name) from error
