"""Numbers and names of a report as text."""

import hashlib
import unicodedata

# Characters of a run's name in the name of a file.
_LONGEST = 50


def short(text: str, length: int = 18) -> str:
    """A name that fits beside an axis."""
    return text if len(text) <= length else text[: length - 1] + "…"


def isolated(name: str) -> str:
    """A name in a sentence: letters from right to left turn no number round.

    Reference: Unicode Standard Annex 9, FIRST STRONG ISOLATE.
    """
    kinds = {unicodedata.bidirectional(letter) for letter in name}
    return f"\u2068{name}\u2069" if kinds & {"R", "AL"} else name


def distinct(names: list[str], length: int) -> list[str]:
    """Names of at most so many letters, different where they were.

    Their ends are cut off; or the middle, where ends tell them apart; or they
    are numbered from 1.
    """
    half = (length - 1) // 2
    middle = [
        name if len(name) <= length else f"{name[:half]}…{name[-half:]}"
        for name in names
    ]
    for found in ([short(name, length) for name in names], middle):
        if len(set(found)) == len(set(names)):
            return found
    return [
        f"{number} {short(name, length - len(str(number)) - 1)}"
        for number, name in enumerate(names, start=1)
    ]


def slug(name: str) -> str:
    """A run's name in a file name: another one for each name."""
    plain = name.replace("/", "_")
    found = "".join(c if c.isalnum() or c in "-_." else "_" for c in plain)
    if found == plain and len(found) <= _LONGEST and found.strip("."):
        return found
    mark = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{found[:_LONGEST].lstrip('.')}-{mark}"


def percent(value: float | None, digits: int = 1) -> str:
    """A share as text."""
    if value is None or value != value:
        return "–"
    return points(value, digits) + "\u00a0%"


def points(value: float, digits: int = 1) -> str:
    """A share times 100 as text; halves are rounded as the page does."""
    # Sums in another order must not differ in what is read.
    text = f"{round(100 * value, 9):.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def few(share: float) -> str:
    """A share in whole percent that tells nobody from hardly anybody."""
    return "<\u20091\u00a0%" if 0 < share < 0.005 else percent(share, 0)


def macs(value: float) -> str:
    """Multiply-adds as text."""
    for unit, name in (
        (1e9, " billion"),
        (1e6, " million"),
        (1e3, " thousand"),
    ):
        if value >= unit:
            return f"{value / unit:.3g}{name}"
    return f"{value:.0f}"


def exit_name(number: int, exits: int) -> str:
    """An exit, counted from 0, as text: `exit 3 (last)`."""
    return f"exit {number + 1}" + " (last)" * (number == exits - 1)


def digits(value: float | None, count: int) -> str:
    """A number as text of so many digits."""
    return "–" if value is None else f"{value:.{count}g}"


def shot(group: str) -> str:
    """A shot group as text: `many-shot`."""
    return f"{group}-shot"
