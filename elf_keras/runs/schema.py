"""What a JSON file must hold, said in a form as nested as the file itself.

A shape is a type; a function that says whether a value will do; a list of one
shape, for any number of such values; or a dict: of the names that a record
must have, or of `str` alone where names are free.
"""

import contextlib
from collections.abc import Iterator

from elf_keras.errors import InputError

_DAMAGE = (LookupError, TypeError, ValueError, AttributeError)


@contextlib.contextmanager
def refusing(what: str, remedy: str) -> Iterator[None]:
    """Turn what a damaged record raises into one line: WHAT (reason); REMEDY.

    Raises:
      InputError: in place of errors of looking into a record; its own pass.
    """
    try:
        yield
    except InputError:
        raise
    except _DAMAGE as error:
        lacks = " is missing" if type(error) is KeyError else ""
        raise InputError(f"{what} ({error}{lacks}); {remedy}") from error


def check(value, shape, place: tuple[str, ...] = ()) -> None:
    """Check what JSON held against a shape.

    Raises:
      ValueError: naming the first place that does not fit.
    """
    if isinstance(shape, type):
        fits = isinstance(value, shape)
    elif isinstance(shape, (dict, list)):
        fits = isinstance(value, type(shape))
    else:
        fits = shape(value)
    if not fits:
        raise ValueError(f"{'.'.join(place) or 'it'} is {value!r:.60}")
    for name, part in _parts(value, shape):
        where = (*place, str(name))
        if isinstance(value, dict) and name not in value:
            raise ValueError(f"{'.'.join(where)} is missing")
        check(value[name], part, where)


def _parts(value, shape):
    if isinstance(shape, list):
        return [(number, shape[0]) for number in range(len(value))]
    if isinstance(shape, dict) and str in shape:
        return [(name, shape[str]) for name in value]
    return shape.items() if isinstance(shape, dict) else ()
