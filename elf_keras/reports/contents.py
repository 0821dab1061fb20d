"""What a page holds, as links to its parts."""

# Parts of a run's section: what must be there, its heading, by its id.
_OF_RUN = {
    "threshold": ("slider", "Move the threshold"),
    "gallery": ("gallery", "Which images leave where"),
    "costs": ("costs", "What each exit costs"),
    "classes": ("scores", "Class by class"),
    "payers": ("classes", "Common and rare classes"),
    "confusion": ("overall", "What is confused"),
    "calibration": ("calibrations", "Are its probabilities right?"),
    "training": ("training", "How training went"),
    "origin": ("facts", "How it was made"),
}


def of_page(filled: dict[str, object], sections: list[dict]) -> list[dict]:
    """Links of a page, in its order.

    Args:
      filled: heading -> what stands below it; those of nothing are left out.
        `id_of` makes the id of the heading.
      sections: of the runs, as the page has them.

    Returns:
      `id` and `title` of each part; of a run also its `number` and `parts`,
      of others None and none.
    """
    found = [
        {"id": id_of(title), "title": title, "number": None, "parts": []}
        for title, content in filled.items()
        if content
    ]
    for section in sections:
        own = f"run-{section['number']}"
        parts = [
            {"id": f"{own}-{key}", "title": title}
            for key, (needs, title) in _OF_RUN.items()
            if section[needs]
        ]
        title = f"Run: {section['view'].name}"
        run = {"id": own, "title": title, "number": section["number"]}
        found.append({**run, "parts": parts})
    return found


def id_of(title: str) -> str:
    """The id of a heading: `Results` is results."""
    return title.lower().replace(" ", "-")
