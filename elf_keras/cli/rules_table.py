"""What `sweep --exit_rule=all` prints: exit rules and answers compared."""

_ROW = "{:18} {:10}" + " {:>8}"


def rules(record: dict) -> str:
    """Return `rule_choice`'s record as a table for a terminal."""
    found, budgets = record["rules"], record["budgets"]
    row = _ROW + " {:>8}" * len(budgets)
    lines = [
        f"exit rules and answers on validation ({record['images']} images): "
        "the best accuracy (mean",
        "over classes) within each share of the bare backbone's MACs, heads "
        "counted, by one threshold",
        "for all exits.",
        "",
        row.format(
            "exit rule",
            "answer",
            *(f"{100 * share:g} %" for share in budgets),
            "mean",
        ),
    ]
    for at in found:
        cells = [
            f"{100 * value:.1f} %" for value in (*at["accuracy"], at["mean"])
        ]
        lines.append(row.format(at["exit_rule"], at["answer"], *cells))
    return "\n".join(
        [*lines, "", record["said"], f"chosen by {record['chosen_by']}", ""]
    )
