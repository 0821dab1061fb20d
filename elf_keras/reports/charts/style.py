"""One figure of a report: drawn by matplotlib, written as PNG, SVG and CSV.

Series differ in line, mark or hatch and in lightness, not in hue alone, so
that they are told apart in grey and by colour-blind readers.
"""

import base64
import dataclasses
import io
import pathlib

import matplotlib
from matplotlib import figure as figures

from elf_keras import runs
from elf_keras.reports.charts import lettering

# Okabe and Ito, dark ones first; their grey values differ, too.
COLOURS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")
HATCHES = ("", "//", "..", "xx", "\\\\", "--", "oo", "++")
LINES = ("-", "--", "-.", ":")
MARKS = "^vsDPX*<>p"
FILLS = ("#1b3a57", "#5b8db8", "#a9c8e2", "#e2edf6", "#f4f4f4")
_SETTINGS = {
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "svg.hashsalt": "elf_keras",
    "hatch.linewidth": 0.6,
}
_DOTS_PER_INCH = 160


@dataclasses.dataclass(frozen=True, eq=False)
class Chart:
    """A figure on the page.

    Attributes:
      name: of its files.
      title: above it.
      shows: what it shows and what to look for, one or two sentences.
      alt: what a reader who cannot see it must know; unless given, `shows`.
      rows: its numbers.
      svg: the drawing.
      png: the same.
      source: figure of the papers that it is the counterpart of, or "".
      least: width in rem below which its letters are too small: the page
        scrolls it sideways then; 0 where it may shrink.
    """

    name: str
    title: str
    shows: str
    alt: str
    rows: list[dict]
    svg: bytes
    png: bytes
    source: str = ""
    least: float = 0.0

    @property
    def address(self) -> str:
        """The drawing as a data address."""
        content = base64.b64encode(self.svg).decode()
        return f"data:image/svg+xml;base64,{content}"

    def write(self, folder: pathlib.Path) -> None:
        """Write NAME.png, NAME.svg and NAME.csv."""
        for ending, content in (("png", self.png), ("svg", self.svg)):
            path = folder / f"{self.name}.{ending}"
            with runs.replacing(path) as temporary:
                temporary.write_bytes(content)
        runs.write_csv(folder / f"{self.name}.csv", self.rows)


def panel(
    width: float = 5.6,
    height: float = 3.8,
    *,
    x: str,
    y: str,
    grid: bool = True,
):
    """An empty figure with one panel; sizes in inches.

    The axes are called `x` and `y`, with units; a `grid` of faint lines helps
    to read values. Returns the figure and its axes.
    """
    figure, axes = panels(1, 1, width, height)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if grid:
        axes.grid(alpha=0.3)
    return figure, axes


def panels(rows: int, columns: int, width: float, height: float):
    """An empty figure with several panels, in an array; sizes in inches."""
    with matplotlib.rc_context(_SETTINGS):
        figure = figures.Figure(figsize=(width, height), layout="constrained")
        return figure, figure.subplots(rows, columns)


def drawn(figure, **facts) -> Chart:
    """Finish a figure; `facts` are the other attributes of the `Chart`."""
    # What would differ from day to day, or with matplotlib, is left out.
    forms = {"svg": {"Date": None}, "png": {"Software": None}}
    with matplotlib.rc_context(_SETTINGS):
        contents = {
            form: written(
                figure, format=form, dpi=_DOTS_PER_INCH, metadata=left_out
            )
            for form, left_out in forms.items()
        }
    return Chart(**contents, **{"alt": facts["shows"], **facts})


def written(figure, **options) -> bytes:
    """The file that `savefig` writes, every name in it as it is."""
    lettering.settle(figure)
    content = io.BytesIO()
    figure.savefig(content, **options)
    return content.getvalue()


def line_style(number: int) -> dict:
    """Colour, line and mark of the series of that number."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "linestyle": LINES[number % len(LINES)],
        "marker": MARKS[number % len(MARKS)],
    }


def exit_style(number: int, exits: int) -> dict:
    """Style of an exit's series; the last exit has the boldest line."""
    last = number == exits - 1
    return {
        **line_style(0 if last else number + 1),
        "linewidth": 2.2 if last else 1.4,
    }


def legend_below(axes, columns: int = 2) -> None:
    """A legend under the panel, where it hides nothing."""
    handles, labels = axes.get_legend_handles_labels()
    with matplotlib.rc_context(_SETTINGS):
        axes.figure.legend(
            handles, labels, loc="outside lower center", ncols=columns
        )
