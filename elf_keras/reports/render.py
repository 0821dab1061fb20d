"""HTML of a report's tables and figures; every text is escaped here."""

import html
from collections.abc import Iterable

from elf_keras.reports.charts.style import Chart


def text(value) -> str:
    """A text as HTML."""
    return html.escape(str(value))


def table(
    head: Iterable[str],
    rows: Iterable[Iterable[str]],
    *,
    caption: str = "",
    attributes: str = "",
) -> str:
    """A table whose first column names its rows.

    Args:
      head: titles of the columns.
      rows: cells, as HTML.
      caption: above it.
      attributes: of the table, as HTML.
    """
    titles = "".join(f'<th scope="col">{text(title)}</th>' for title in head)
    body = "".join(
        f'<tr><th scope="row">{first}</th>'
        + "".join(f"<td>{cell}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    told = f"<caption>{text(caption)}</caption>" if caption else ""
    return (
        f'<div class="wide" tabindex="0" role="group" '
        f'aria-label="{text(caption or "table")}">'
        f"<table {attributes}>{told}<thead><tr>{titles}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def items(sentences: Iterable[str], *, kind: str = "") -> str:
    """A list of sentences."""
    body = "".join(f"<li>{text(sentence)}</li>" for sentence in sentences)
    return f'<ul class="{kind}">{body}</ul>' if body else ""


def figure(chart: Chart, level: int = 4) -> str:
    """A chart with its title, its line, and links to its files.

    Args:
      chart: with a drawing.
      level: of its heading.
    """
    return (
        f'<figure class="chart"><h{level}>{text(chart.title)}</h{level}>'
        f'<img src="{chart.address}" alt="{text(chart.title)}: '
        f'{text(chart.alt)}">'
        f"<figcaption>{text(chart.shows)}"
        f"{files(chart)}</figcaption></figure>"
    )


def files(chart: Chart) -> str:
    """Where a chart comes from, and links to its files."""
    papers = f" Papers: {chart.source}." if chart.source else ""
    links = " ".join(
        f'<a href="figures/{text(chart.name)}.{ending}">{ending.upper()}</a>'
        for ending in ("png", "svg", "csv")
    )
    return f'<span class="small">{text(papers)} {links}</span>'


def figures(charts: Iterable[Chart], kind: str = "", level: int = 4) -> str:
    """Charts side by side as far as the page is wide."""
    body = "".join(figure(chart, level) for chart in charts)
    return f'<div class="charts {kind}">{body}</div>' if body else ""


def section(title: str, body: str) -> str:
    """A section with a heading, or nothing where it has no content."""
    return f"<section><h2>{text(title)}</h2>{body}</section>" if body else ""


def bar(share: float | None, label: str) -> str:
    """A share as a bar with its number; the bar is only a picture."""
    width = 0 if share is None else 100 * share
    return (
        f'<span class="bar" aria-hidden="true"><i style="width:{width:.1f}%">'
        f"</i></span><b>{text(label)}</b>"
    )
