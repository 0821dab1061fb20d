"""A policy file as text that reads well in a terminal."""

_COLUMNS = ("accuracy", "many", "medium", "few", "saving")


def policies(record: dict) -> str:
    """Return the table of policies and what has to be said of them.

    Args:
      record: of policy.json.
    """
    chosen_on, guard = record["chosen_on"], record["guard"]
    groups = ", ".join(
        f"{name} {count}"
        for name, count in chosen_on["images_by_shot_group"].items()
    )
    lines = [
        f"thresholds of the exit rule {record['exit_rule']}, chosen on "
        f"validation ({chosen_on['images']} images: {groups}); test only "
        "reports.",
        "accuracy is the mean over classes, saving is MACs saved against the "
        "bare backbone, heads counted;",
        f"ms: {record['model']['milliseconds_from']}.",
        f"No shot group may lose more than {100 * guard['tolerance']:g} "
        f"points against all exits, {100 * guard['confidence']:g} % sure.",
        "",
        _row("policy", "s", "split", (*_COLUMNS, "ms")),
    ]
    for split, static in record["model"]["static"].items():
        time = record["model"]["static_milliseconds"]
        scores = {**static, "saving": 0.0, "milliseconds": time}
        first = split == "validation"
        lines.append(_row("static" if first else "", "", split, _cells(scores)))
    for name, policy in record["policies"].items():
        lines += _policy(name, policy)
    lines += ["", record["verdict"]]
    lines += [f"note: {text}" for text in _said(record)]
    return "\n".join(lines)


def _policy(name, policy):
    limits = _limits(policy)
    lines = [_row(name, limits, "validation", _cells(policy["validation"]))]
    if policy["test"] is not None:
        lines.append(_row("", "", "test", _cells(policy["test"])))
    return lines


def _limits(policy):
    values = policy["thresholds"]
    if len(set(values)) == 1:
        values = values[:1]
    return " ".join("never" if s is None else f"{s:.3g}" for s in values)


def _said(record):
    for policy in record["policies"].values():
        if policy["said"]:
            yield policy["said"]
    yield from record["left_out"]
    if any(at["said"] for at in record["policies"].values()):
        yield (
            "these are bounds for few validation images, not measured losses; "
            "more of them (--validation_fraction) narrow the bounds"
        )


def _cells(scores):
    cells = [scores.get(key) for key in _COLUMNS]
    shown = ["–" if cell is None else f"{100 * cell:.1f} %" for cell in cells]
    time = scores.get("milliseconds")
    return [*shown, "–" if time is None else f"{time:.3g}"]


def _row(name, limits, split, cells):
    row = f"{name:18} {limits:22} {split:10}"
    return (row + "".join(f" {cell:>8}" for cell in cells)).rstrip()
