"""A manifest's variants and policies as a table for a terminal."""

_COLUMNS = ("accuracy", "many", "medium", "few")


def variants(record: dict) -> str:
    """Return size, accuracy, cost and time by variant and policy.

    Args:
      record: a manifest.
    """
    lines = [
        "",
        f"thresholds chosen on {record['chosen_on']}; accuracy (mean over "
        f"classes) of {record['reported_on']['images']} images, "
        f"{record['reported_on']['split']}; ms on this machine, one thread",
        _row("variant", "policy", "s", *_COLUMNS, "saving", "ms"),
    ]
    server = record["saved_model"]
    if server:
        lines += _policies("saved_model", server["policies"])
    for name, variant in record["variants"].items():
        size = sum(stage["bytes"] for stage in variant["stages"])
        static = {**variant["static"], "saving": 0.0, "thresholds": [None]}
        lines += _policies(
            f"{name}, {size / 1000:.0f} kB",
            {"static": static, **variant["policies"]},
        )
        lines += [f"  warning: {text}" for text in variant["warnings"]]
    return "\n".join(lines)


def _policies(variant, policies):
    return [
        _row(
            variant if index == 0 else "",
            name,
            _thresholds(policy["thresholds"]),
            *(_number(policy.get(key), ".1%") for key in _COLUMNS),
            _number(policy["saving"], ".1%"),
            _number(policy.get("milliseconds"), ".3g"),
        )
        for index, (name, policy) in enumerate(policies.items())
    ]


def _number(value, shape):
    return "–" if value is None else f"{value:{shape}}"


def _thresholds(values):
    """One number where all exits share it."""
    shared = len(set(values)) <= 1
    shown = [_number(s, ".3f") for s in (values[:1] if shared else values)]
    return " ".join(shown) if shown else "–"


def _row(variant, policy, *cells):
    limits, *scores = cells
    row = f"{variant:22} {policy:17} {limits:>17}"
    return row + "".join(f" {cell:>8}" for cell in scores)
