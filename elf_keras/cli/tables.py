"""What commands print about their results, as tables for a terminal."""

from elf_keras.exits import answer_rule
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.policies import policy_rules, sentences

# Rows: how wide the columns are, and which end flush right.
_SCORES = "{:11} {:9} {:8} {:>9}" + " {:>8}" * 4 + " {:>18}"
_POLICIES = "{:18} {:22} {:10}" + " {:>8}" * 6

SHOTS = ("accuracy", "many", "medium", "few")
# `mean`: of the exits' probabilities.
_MODES = {"static": "static", "mean_of_exits": "mean", "dynamic": "dynamic"}
_BOUNDS = (
    "these are bounds for few validation images, not measured losses; more of "
    "them (--validation_fraction) narrow the bounds"
)


def scores(record: dict) -> str:
    """Return the table of scores: split -> `best` / `last` -> scores."""
    columns = ("accuracy", "top1", "many", "medium", "few")
    lines = [
        "accuracy is the mean over classes (or over --deployment_prior), top1 "
        "the mean over images;",
        "saving is the share of multiply-adds (MACs) saved, compared with the "
        "bare backbone,",
        "with the heads of all exits on the way (in brackets: without heads).",
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
            lines += _advice(part, split)
    return "\n".join(lines)


def _advice(part, split):
    """What is better than the policy that was scored, if anything is."""
    found = part["dynamic"]
    if "policy" not in part:
        return
    told = {part["policy"]: {**found, "saving": found["saving_with_heads"]}}
    accuracy, alone = part["static"]["accuracy"], not part.get("chain_only")
    if text := sentences.dearer(told, accuracy, split, alone=alone):
        yield f"  note: {text}"


def policies(record: dict) -> str:
    """Return the table of policy.json and what has to be said of it."""
    chosen_on = record["chosen_on"]
    text = sentences.guard(policy_rules.Guard(**record["guard"]))
    model, by_group = record["model"], chosen_on["images_by_shot_group"]
    groups = ", ".join(f"{name} {count}" for name, count in by_group.items())
    lines = [
        f"thresholds of the exit rule {answer_rule.of_record(record).shown}, "
        "chosen on "
        f"validation ({chosen_on['images']} images: {groups}); test only "
        "reports.",
        "accuracy is the mean over classes; saving is the share of "
        "multiply-adds (MACs)",
        "saved against the backbone without exits, the heads' own cost "
        "counted;",
        f"ms: {model['milliseconds_from']}.",
        f"{text[0].upper()}{text[1:]}.",
        "",
        _POLICIES.format("policy", "s", "split", *SHOTS, "saving", "ms"),
    ]
    same = {"saving": 0.0, "milliseconds": model["static_milliseconds"]}
    static = {name: {**part, **same} for name, part in model["static"].items()}
    lines += _splits_of("static", "", static)
    for name, policy in record["policies"].items():
        at = ExitThresholds.of(policy["thresholds"]).text()
        lines += _splits_of(name, at, policy)
    said = [at["said"] for at in record["policies"].values() if at["said"]]
    notes = [*said, *record["left_out"], *([_BOUNDS] if said else [])]
    notes += _dearer(record)
    lines += ["", record["verdict"], *(f"note: {text}" for text in notes)]
    return "\n".join(lines)


def _dearer(record):
    """A sentence for each split where policies cost more than the backbone."""
    for split, static in record["model"]["static"].items():
        policies = record["policies"].items()
        found = {name: at[split] for name, at in policies if at.get(split)}
        if text := sentences.dearer(found, static["accuracy"], split):
            yield text


def _splits_of(name, thresholds, found):
    """A policy's rows: validation, and test where there is one."""
    for split in ("validation", "test"):
        if found.get(split):
            yield _POLICIES.format(
                name,
                thresholds,
                split,
                *(_percent(found[split].get(key)) for key in SHOTS),
                _percent(found[split]["saving"]),
                number(found[split].get("milliseconds")),
            )
        name = thresholds = ""


def search(rows: list[dict]) -> str:
    """Return `search_record.rows`, the runs over t, side by side."""
    names = ("static", "many", "medium", "few", "dynamic", "saving")
    keys = [f"static_{name}" for name in SHOTS] + ["accuracy", "saving"]
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
    lines += _dearer_of_search(rows, splits)
    by = {row["exit_rule"]: row["t"] for row in rows}
    if len(by) > 1:
        lines.append(
            "note: not all leave by one exit rule: "
            + ", ".join(f"t = {t} by {rule}" for rule, t in by.items())
        )
    return "\n".join(lines)


def _dearer_of_search(rows, splits):
    """A note where what was chosen costs more than the bare backbone."""
    for row in (row for row in rows if row["chosen"]):
        for split in splits:
            keys = ("saving", "accuracy")
            told = {key: row.get(f"{split}_{key}") for key in keys}
            static = row.get(f"{split}_static_accuracy")
            if None in (static, *told.values()):
                continue
            name = f"accurate at t = {row['t']}"
            if text := sentences.dearer({name: told}, static, split):
                yield f"note: {text}"


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


def number(value: float | None, shape: str = ".3g") -> str:
    """A number of a table, or a dash for none."""
    return "–" if value is None else f"{value:{shape}}"
