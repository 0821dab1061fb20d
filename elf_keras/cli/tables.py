"""What commands print about their results, as tables for a terminal."""

from elf_keras.exits import answer_rule
from elf_keras.exits.thresholds import ExitThresholds

# Rows: how wide the columns are, and which end flush right.
_SCORES = "{:11} {:9} {:8} {:>9}" + " {:>8}" * 4 + " {:>18}"
_POLICIES = "{:18} {:22} {:10}" + " {:>8}" * 6
_VARIANTS = "{:22} {:17} {:>17}" + " {:>8}" * 6
_PARITY = "{:42} {:>12} {:>12} {:>13}  {}"

_SHOTS = ("accuracy", "many", "medium", "few")
# `mean`: of the exits' probabilities.
_MODES = {"static": "static", "mean_of_exits": "mean", "dynamic": "dynamic"}
# Compared on fewer of the images than this, an exit is hardly compared.
_FEW = 0.05
_BOUNDS = (
    "these are bounds for few validation images, not measured losses; more of "
    "them (--validation_fraction) narrow the bounds"
)


def scores(record: dict) -> str:
    """Return the table of scores: split -> `best` / `last` -> scores."""
    columns = ("accuracy", "top1", "many", "medium", "few")
    lines = [
        "accuracy is the mean over classes (or over --deployment_prior), top1 "
        "the mean over images,",
        "saving is MACs saved against the bare backbone, heads counted "
        "(in brackets: not counted).",
        "",
        _SCORES.format("split", "epoch", "mode", *columns, "saving"),
    ]
    for split in ("train", "validation", "test"):
        for which, part in sorted(record.get(split, {}).items()):
            if "static" not in part:
                continue
            epoch = f"{which} {part['epoch']}" if "epoch" in part else which
            for mode in filter(part.get, _MODES):
                cells = [_percent(part[mode].get(name)) for name in columns]
                cells = (_MODES[mode], *cells, _savings(part[mode]))
                lines.append(_SCORES.format(split, epoch, *cells).rstrip())
            lines.append(f"  {_exits(part['exits'], part['dynamic'])}")
    return "\n".join(lines)


def policies(record: dict) -> str:
    """Return the table of policy.json and what has to be said of it."""
    chosen_on, guard = record["chosen_on"], record["guard"]
    model, by_group = record["model"], chosen_on["images_by_shot_group"]
    groups = ", ".join(f"{name} {count}" for name, count in by_group.items())
    lines = [
        f"thresholds of the exit rule {answer_rule.of_record(record).shown}, "
        "chosen on "
        f"validation ({chosen_on['images']} images: {groups}); test only "
        "reports.",
        "accuracy is the mean over classes, saving is MACs saved against the "
        "bare backbone, heads counted;",
        f"ms: {model['milliseconds_from']}.",
        f"No shot group may lose more than {100 * guard['tolerance']:g} "
        f"points against all exits, {100 * guard['confidence']:g} % sure.",
        "",
        _POLICIES.format("policy", "s", "split", *_SHOTS, "saving", "ms"),
    ]
    same = {"saving": 0.0, "milliseconds": model["static_milliseconds"]}
    static = {name: {**part, **same} for name, part in model["static"].items()}
    lines += _splits_of("static", "", static)
    for name, policy in record["policies"].items():
        at = ExitThresholds.of(policy["thresholds"]).text()
        lines += _splits_of(name, at, policy)
    said = [at["said"] for at in record["policies"].values() if at["said"]]
    notes = [*said, *record["left_out"], *([_BOUNDS] if said else [])]
    lines += ["", record["verdict"], *(f"note: {text}" for text in notes)]
    return "\n".join(lines)


def _splits_of(name, thresholds, found):
    """A policy's rows: validation, and test where there is one."""
    for split in ("validation", "test"):
        if found.get(split):
            yield _POLICIES.format(
                name,
                thresholds,
                split,
                *(_percent(found[split].get(key)) for key in _SHOTS),
                _percent(found[split]["saving"]),
                _number(found[split].get("milliseconds")),
            )
        name = thresholds = ""


def variants(record: dict) -> str:
    """Return a manifest's size, accuracy, cost, time by variant and policy."""
    reported_on, rule = record["reported_on"], answer_rule.of_record(record)
    plain = rule.leaves_as(answer_rule.PLAIN)
    of_rule = "" if plain else f" of {rule.shown}"
    lines = [
        "",
        f"thresholds{of_rule} chosen on {record['chosen_on']}; accuracy (mean "
        f"over classes) of {reported_on['images']} images, "
        f"{reported_on['split']}; ms on this machine, one thread",
        _VARIANTS.format("variant", "policy", "s", *_SHOTS, "saving", "ms"),
    ]
    if record["saved_model"]:
        lines += _of_variant("saved_model", record["saved_model"]["policies"])
    for name, variant in record["variants"].items():
        size = sum(stage["bytes"] for stage in variant["stages"])
        static = {**variant["static"], "saving": 0.0, "thresholds": [None]}
        found = {"static": static, **variant["policies"]}
        lines += _of_variant(f"{name}, {size / 1000:.0f} kB", found)
        lines += [f"  warning: {text}" for text in variant["warnings"]]
    return "\n".join(lines)


def _of_variant(variant, found):
    for name, policy in found.items():
        at = ExitThresholds.of(policy["thresholds"])
        yield _VARIANTS.format(
            variant,
            name,
            at.text(never="–", digits=".3f"),
            *(_number(policy.get(key), ".1%") for key in _SHOTS),
            _number(policy["saving"], ".1%"),
            _number(policy.get("milliseconds")),
        )
        variant = ""


def parity(shares: list[float], rows: list[dict]) -> str:
    """Return how artefacts agree with the model, by `parity.compare`.

    `shares` of the images leave at each exit, `(exits,)`.
    """
    left = ", ".join(f"{share:.0%}" for share in shares)
    lines = [f"parity where {left} of validation images leave at each exit"]
    few = [str(n) for n, share in enumerate(shares, start=1) if share < _FEW]
    if few:
        lines.append(
            f"warning: exit {', '.join(few)} is compared on few images: no "
            f"threshold lets {_FEW:.0%} of them leave at every exit, as too "
            "many are equally certain"
        )
    columns = ("artefact", "score error", "exits moved", "outside band")
    lines.append(_PARITY.format(*columns, "result"))
    results = {True: "ok", False: "DIFFERS", None: "not judged"}
    for row in rows:
        cells = (
            _number(row["score_error"], ".1e"),
            _number(row["exits_moved"], "d"),
            _number(row["outside_band"], "d"),
            results[row["passed"]],
        )
        lines.append(_PARITY.format(row["artefact"], *cells))
    return "\n".join(lines)


def search(rows: list[dict]) -> str:
    """Return `search_record.rows`, the runs over t, side by side."""
    names = ("static", "many", "medium", "few", "dynamic", "saving")
    keys = [f"static_{name}" for name in _SHOTS] + ["accuracy", "saving"]
    tested = any("test_saving" in row for row in rows)
    splits = ("validation", "test") if tested else ("validation",)
    shape = "{:10}" + " {:>8}" * len(keys) * len(splits)
    lines = [
        "accuracies are means over classes; dynamic and saving (heads "
        "counted) at the policy `accurate`;",
        "* has the highest static accuracy on validation; test only reports.",
        "",
        " ".join([" " * 10, *(f"{split:^53}" for split in splits)]).rstrip(),
        shape.format("t", *names * len(splits)),
    ]
    for row in rows:
        name = row["t"] + (" *" if row["chosen"] else "")
        found = [row.get(f"{split}_{key}") for split in splits for key in keys]
        lines.append(shape.format(name, *map(_percent, found)))
    by = {row["exit_rule"]: row["t"] for row in rows}
    if len(by) > 1:
        lines.append(
            "note: not all leave by one exit rule: "
            + ", ".join(f"t = {t} by {rule}" for rule, t in by.items())
        )
    return "\n".join(lines)


def facts(rows: list[tuple[str, str]]) -> str:
    """Return rows (what, figure) as lines of two columns."""
    width = max(len(what) for what, _ in rows)
    return "\n".join(f"{what:<{width}}  {figure}" for what, figure in rows)


def _savings(found):
    """With heads, and in brackets without."""
    if "saving_with_heads" not in found:
        return ""
    with_heads = _percent(found["saving_with_heads"])
    return f"{with_heads} ({_percent(found['saving_without_heads'])})"


def _exits(exits, dynamic):
    """How good each exit is, and how many images leave there."""
    told = dynamic["exit_threshold"]
    at = ExitThresholds.of_scores(told, len(exits)).text()
    rule = answer_rule.of_record(dynamic)
    by = "" if rule.leaves_as(answer_rule.PLAIN) else f" by {rule.shown}"
    shares = dynamic["exit_shares"]
    return f"at s = {at}{by}, " + "; ".join(
        f"exit {row['exit']}: {_percent(row['accuracy'])}, "
        f"{_percent(share)} leave"
        for row, share in zip(exits, shares, strict=True)
    )


def _percent(value):
    return "–" if value is None else f"{100 * value:.1f} %"


def _number(value, shape=".3g"):
    return "–" if value is None else f"{value:{shape}}"
