"""Text, bytes and JSON that were sound and are no longer, for hypothesis."""

import copy

from hypothesis import strategies

ODD = strategies.one_of(
    strategies.none(),
    strategies.booleans(),
    strategies.integers(-(2**70), 2**70),
    strategies.floats(),
    strategies.text(max_size=8),
    strategies.lists(strategies.integers(-3, 3), max_size=3),
    strategies.dictionaries(strategies.text(max_size=3), strategies.none()),
    strategies.sampled_from(["../x", "/etc/passwd", "\x00", "C:\\x", "1e400"]),
)


@strategies.composite
def of_bytes(draw, sound: bytes):
    """Cut, overwrite, repeat or replace parts of a sound file."""
    found = bytearray(sound)
    for _ in range(draw(strategies.integers(1, 4))):
        start = draw(strategies.integers(0, len(found)))
        end = draw(strategies.integers(start, min(len(found), start + 40)))
        kind = draw(strategies.sampled_from(["cut", "write", "end", "twice"]))
        if kind == "end":
            del found[start:]
        elif kind == "twice":
            found[start:start] = found[start:end]
        else:
            written = draw(strategies.binary(max_size=20))
            found[start:end] = b"" if kind == "cut" else written
    return bytes(found)


def files(*sound: bytes):
    """Damaged copies of sound files, and bytes that were never one."""
    return strategies.one_of(
        strategies.binary(max_size=300), *(of_bytes(each) for each in sound)
    )


@strategies.composite
def of_json(draw, record):
    """A record with one to three values replaced, removed or added."""
    found = copy.deepcopy(record)
    for _ in range(draw(strategies.integers(1, 3))):
        place = found
        for _ in range(draw(strategies.integers(0, 5))):
            inner = [
                value
                for value in (
                    place.values() if isinstance(place, dict) else place
                )
                if isinstance(value, dict | list) and value
            ]
            if not inner:
                break
            place = draw(strategies.sampled_from(inner))
        _change(draw, place)
    return found


def _change(draw, place):
    keys = list(place) if isinstance(place, dict) else list(range(len(place)))
    if not keys:
        return
    key = draw(strategies.sampled_from(keys))
    kind = draw(strategies.sampled_from(["replace", "remove", "add"]))
    if kind == "remove":
        del place[key]
    elif kind == "replace" or isinstance(place, list):
        place[key] = draw(ODD)
    else:
        place[draw(strategies.text(max_size=4))] = draw(ODD)
