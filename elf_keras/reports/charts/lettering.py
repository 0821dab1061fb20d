r"""Names in figures as they are: no formulas, no boxes in place of letters.

Letters that matplotlib's own font has not are taken from installed ones; what
no font has is written as `\u732b`.
"""

import functools
import itertools
from collections.abc import Iterable

from matplotlib import font_manager, ticker
from matplotlib.text import Text

# Of a word without fonts so many letters are written: codes are long.
_CODES = 3
# Fonts of boxes and of mathematical pieces.
_NO_LETTERS = ("Last Resort", "STIXSize", "STIXNonUnicode")


def settle(figure) -> None:
    """Make every text of a figure one that is drawn as it is read."""
    exponents = _exponents(figure)
    texts = [text for text in figure.findobj(Text) if text not in exponents]
    for text in texts:
        # Two dollar signs in a name are no mathematics.
        text.set_parse_math(False)
    fonts = _fonts("".join(text.get_text() for text in texts))
    if len(fonts) == 1 and not lacking(text.get_text() for text in texts):
        return
    for axis in _axes(figure):
        # They are written anew for every drawing.
        labels = [label.get_text() for label in axis.get_ticklabels()]
        if lacking(labels):
            axis.set_ticks(axis.get_ticklocs(), map(_escaped, labels))
    for text in texts:
        text.set_text(_escaped(text.get_text()))
        text.set_fontfamily(fonts)


def lacking(texts: Iterable[str]) -> str:
    """The characters of texts that no font here has."""
    wanted = {character for text in texts for character in text}
    return "".join(sorted(c for c in wanted if not _has(c)))


def _escaped(text):
    """Codes for what no font has, of a whole word for its beginning."""
    parts = []
    for known, group in itertools.groupby(text, _has):
        letters = [*group]
        if known:
            parts += letters
            continue
        parts += map(_code, letters[:_CODES])
        parts += ["…"] * (len(letters) > _CODES)
    return "".join(parts)


def _code(character):
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _has(character):
    return character.isspace() or _font(character) is not None


def _fonts(text):
    """Names of the fonts that its letters need, matplotlib's own first."""
    found = [font_manager.FontProperties().get_name()]
    for character in sorted(set(text)):
        name = _font(character)
        if name and name not in found:
            found.append(name)
    return found


@functools.cache
def _font(character):
    """Name of a font that has this letter, or None."""
    for name, path in _installed():
        if ord(character) in _letters(path):
            return name
    return None


@functools.cache
def _installed():
    """(name, path) of upright fonts of usual weight, the default one first."""
    default = font_manager.FontProperties()
    known = {default.get_name(): font_manager.findfont(default)}
    for entry in font_manager.fontManager.ttflist:
        usual = entry.style == "normal" and entry.weight in (400, "normal")
        if usual and not entry.name.startswith(_NO_LETTERS):
            known.setdefault(entry.name, entry.fname)
    return tuple(known.items())


@functools.cache
def _letters(path):
    try:
        return frozenset(font_manager.get_font(path).get_charmap())
    except (OSError, RuntimeError):
        # The list of installed fonts may be older than they are.
        return frozenset()


def _axes(figure):
    return [a for panel in figure.axes for a in (panel.xaxis, panel.yaxis)]


def _exponents(figure):
    """Tick labels that are formulas: powers of ten."""
    return {
        label
        for axis in _axes(figure)
        if isinstance(axis.get_major_formatter(), ticker.LogFormatterMathtext)
        for label in (*axis.get_ticklabels(), *axis.get_minorticklabels())
    }
