"""What `sweep --exit_rule=all` prints: exit rules and answers compared."""

_ROW = "{:18} {:10}" + " {:>8}"


def rules(record: dict) -> str:
    """Return `rule_choice`'s record as a table for a terminal."""
    budgets = [f"{100 * budget:g} %" for budget in record["budgets"]]
    row = _ROW + " {:>8}" * len(budgets)
    decays = {at["answer_decay"] for at in record["rules"]}
    lines = [
        f"exit rules and answers on validation ({record['images']} images): "
        "the highest accuracy, a mean",
        "over classes, within such shares of the bare backbone's MACs (heads "
        "counted), by one",
        f"threshold for all exits; running: the sum, decay {min(decays):g}.",
        "",
        row.format("exit rule", "answer", *budgets, "mean"),
    ]
    for at in record["rules"]:
        cells = [f"{100 * value:.1f} %" for value in at["accuracy"]]
        mean = f"{100 * at['mean']:.1f} %"
        lines.append(row.format(at["exit_rule"], at["answer"], *cells, mean))
    return "\n".join(
        [*lines, "", record["said"], f"chosen by {record['chosen_by']}", ""]
    )
