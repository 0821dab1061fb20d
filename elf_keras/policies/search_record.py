"""The runs of a threshold search side by side (HAR, Table I; ELF, Figure 7)."""

_STATIC = ("accuracy", "many", "medium", "few")
_POLICY = "accurate"
_SPLITS = ("validation", "test")


def rows(records: dict[str, dict]) -> list[dict]:
    """Return a row a run, the one that validation chooses marked.

    Args:
      records: how t is written -> the run's policy.json.

    Returns:
      `t`, `chosen`, and for each split the static model's accuracies, and
      accuracy and saving of the policy `accurate`. Chosen is the highest
      static accuracy on validation, of equals the larger saving there.
    """
    found = [{"t": text, **_scores(record)} for text, record in records.items()]
    best = max(
        found,
        key=lambda row: (
            row["validation_static_accuracy"],
            row["validation_saving"],
        ),
    )
    return [{**row, "chosen": row is best} for row in found]


def lines(curves: dict[str, dict], chosen: str) -> dict[str, dict[str, dict]]:
    """Return what `charts.sweeps` draws.

    Args:
      curves: how t is written -> the run's curve.json.
      chosen: one of them.
    """
    found = {}
    for text, curve in curves.items():
        for split, part in curve["splits"].items():
            marks = part["papers_grid"].values()
            found.setdefault(split, {})[text] = {
                "macs": _shares(curve, part["shared"]["macs"]),
                "accuracy": part["shared"]["accuracy"],
                "static": part["static"]["accuracy"],
                "marks": {
                    "macs": _shares(curve, [at["macs"] for at in marks]),
                    "accuracy": [at["accuracy"] for at in marks],
                },
                "chosen": text == chosen,
            }
    return found


def text(found: list[dict]) -> str:
    """Return the rows as text.

    Args:
      found: of `rows`.
    """
    titles = ("static", "many", "medium", "few", "dynamic", "saving")
    tested = any("test_saving" in row for row in found)
    splits = _SPLITS if tested else _SPLITS[:1]
    head = " ".join(f"{split:^53}" for split in splits)
    body = [_row("t", [title for _ in splits for title in titles])]
    for row in found:
        keys = [
            f"{split}_{name}"
            for split in splits
            for name in (
                *(f"static_{name}" for name in _STATIC),
                "accuracy",
                "saving",
            )
        ]
        mark = " *" if row["chosen"] else ""
        body.append(
            _row(row["t"] + mark, [_percent(row.get(key)) for key in keys])
        )
    return "\n".join(
        [
            "accuracies are means over classes; dynamic and saving (heads "
            f"counted) at the policy `{_POLICY}`;",
            "* has the highest static accuracy on validation; test only "
            "reports.",
            "",
            f"{'':10} {head}".rstrip(),
            *body,
        ]
    )


def _scores(record):
    row = {}
    for split, static in record["model"]["static"].items():
        policy = record["policies"][_POLICY][split]
        for name in _STATIC:
            row[f"{split}_static_{name}"] = static.get(name)
        row[f"{split}_accuracy"] = policy["accuracy"]
        row[f"{split}_saving"] = policy["saving"]
    return row


def _shares(curve, macs):
    return [value / curve["backbone_macs"] for value in macs]


def _percent(value):
    return "–" if value is None else f"{100 * value:.1f} %"


def _row(name, cells):
    return f"{name:10} " + " ".join(f"{cell:>8}" for cell in cells)
