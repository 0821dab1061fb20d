"""Every error that a command answers with one line and a status.

What TensorFlow says in many lines is translated here; that another worker is
gone, in `distribution.workers`.
"""

import contextlib
import errno
import os
import re
from collections.abc import Iterator

# What a file that is written can meet; one that is read, the last of them.
_WRITING = {
    os.strerror(number): number
    for number in (
        *(errno.ENOSPC, errno.EFBIG, errno.EDQUOT),
        *(errno.EROFS, errno.EIO),
    )
}
# A path may have blanks.
_FILE = re.compile(rf"(/.+?|\S+?); ({'|'.join(map(re.escape, _WRITING))})")
# What our own functions within `tf.data` say, before their traceback.
_OURS = re.compile(r"\bInputError: (.*)")
# Where `tf.data` was, and what it puts before an operation's own message.
_PLACES = ("DatasetV", "Dataset:", "IteratorGetNext")
_NOISE = re.compile(
    r"\{\{.*?\}\}\s*|Error in user-defined function .*? iterator: \S+ "
)


class InputError(ValueError):
    """Input that cannot be used; commands print it and exit with status 2.

    The message is one line: what came, what was expected, what to do.
    """


class UnknownRuleError(ValueError):
    """A file names an exit rule that is not known here.

    Attributes:
      remedy: what to do, whichever file it is.
    """

    remedy = "if a plug-in adds it, add --plugin=MODULE"


class WorkerLostError(RuntimeError):
    """Another worker of the training is gone; all must be started again.

    Attributes:
      status: EX_TEMPFAIL of sysexits.h: start the same command again.
    """

    status = 75


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Say in one line what TensorFlow could not do with a file.

    Raises:
      OSError: where it cannot write one; its own error is none.
      InputError: where `tf.data` met an image that cannot be decoded.
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        if found := _OURS.search(error.message):
            raise InputError(found[1]) from error
        read = any(place in str(error) for place in _PLACES)
        if found := _FILE.search(_NOISE.sub("", error.message)):
            name, reason = found.groups()
            if read:
                raise InputError(
                    f"{name} cannot be read ({reason}); repair the disk or "
                    "replace the file"
                ) from error
            raise OSError(_WRITING[reason], reason, name) from error
        if not read:
            raise
        raise InputError(
            f"an image file cannot be decoded ({_reason(error)}); find it "
            "with elf-keras train --dry_run --dry_run_images=0"
        ) from error


def _reason(error):
    lines = [
        _NOISE.sub("", line).strip() for line in error.message.splitlines()
    ]
    images = [x for x in lines if "JPEG" in x or "image" in x.lower()]
    return (images or lines)[0][:200]
