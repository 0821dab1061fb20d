"""Names in figures: drawn as they are read, in fonts that have them."""

import warnings

import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.text import Text

from elf_keras.reports.charts import lettering, style
from elf_keras.reports.text import slug

NAMES = [
    *("$1_$5 notes", r"$\frac$", r"\$5", "<script>", "a & b", "%s {x}"),
    *("猫 a 犬", "שלום", "قطة", "🐱", r"caf\xe9"),
]


@pytest.fixture
def drawn():
    """Shown texts of a chart with names wherever charts have them."""

    def draw(names):
        figure, axes = style.panel(x=names[0], y=names[0])
        places = np.arange(1, len(names) + 1)
        axes.bar(places, 10.0**places, label=names[-1])
        axes.set_yscale("log")
        axes.set_xticks(places, names, rotation=45, ha="right")
        axes.annotate(names[0], (1, 2))
        style.legend_below(axes)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            chart = style.drawn(
                figure, name="", title="", shows="", alt="", rows=[]
            )
        assert chart.png.startswith(b"\x89PNG")
        return [text.get_text() for text in figure.findobj(Text)]

    return draw


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name_is_drawn_without_a_word(drawn, name):
    shown = drawn([name, "b"])
    expected = "".join(
        c if c not in lettering.lacking([name]) else f"\\u{ord(c):04x}"
        for c in name
    )
    # Two axes, a tick, a mark.
    assert shown.count(expected) >= 4
    assert expected == name or name not in shown
    assert any(text.startswith("$") and "10^{2}" in text for text in shown)


def test_letters_come_from_any_font_that_has_them(drawn, monkeypatch):
    own = lettering._letters(font_manager.findfont("DejaVu Sans"))
    other = font_manager.findfont("STIXGeneral")
    letter = chr(min(lettering._letters(other) - own))
    assert lettering.lacking([letter]) == ""
    assert letter in drawn([letter, "b"])
    fonts = dict.fromkeys("犬猫")
    monkeypatch.setattr(
        lettering, "_font", lambda letter: fonts.get(letter, "DejaVu Sans")
    )
    assert lettering.lacking(["b", "猫犬猫"]) == "犬猫"
    assert "a \\u72ac\\u732b\\u72ac… b" in drawn(["a 犬猫犬猫 b", "b"])


def test_files_of_other_names_are_other_files():
    plain = ["run", "a/run_2", "犬"]
    assert [slug(name) for name in plain] == ["run", "a_run_2", "犬"]
    odd = ["a b", "a$b", r"a\xe9", "..", "x" * 300, "x" * 301, "猫" * 250]
    found = {slug(name) for name in odd}
    assert len(found) == len(odd)
    assert all(len(name.encode()) < 200 for name in found)
    assert not any(set(name) & set("/ $\\") for name in found)
