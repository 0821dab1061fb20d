"""What an export prints: how artefacts agree, and what variants give."""

from elf_keras.cli.tables import SHOTS, number
from elf_keras.exits import answer_rule
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.policies import sentences

_VARIANTS = "{:22} {:17} {:>17}" + " {:>8}" * 6
_PARITY = "{:42} {:>12} {:>12} {:>13}  {}"
# Compared on fewer of the images than this, an exit is hardly compared.
_FEW = 0.05
_RESULTS = {True: "ok", False: "FAILED", None: "not judged"}
_COLUMNS = (
    "score error: the largest difference of a score, as a share of scores "
    "above 1",
    "exits moved: images that leave at another exit than in the model",
    "outside band: those of them that rounding cannot explain, since none of "
    "their certainties is close to its threshold",
)
_NOT_JUDGED = (
    "not judged: quantized, so that scores and exits must move; what that "
    "costs is the accuracy above"
)


def parity(shares: list[float], rows: list[dict]) -> str:
    """Return how artefacts agree with the model, by `parity.compare`.

    What failed comes last. `shares` of the images leave at each exit,
    `(exits,)`.
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
    lines += ["", _PARITY.format(*columns, "result")]
    failed = [row for row in rows if row["passed"] is False]
    for row in [row for row in rows if row not in failed] + failed:
        cells = (
            number(row["score_error"], ".1e"),
            number(row["exits_moved"], "d"),
            number(row["outside_band"], "d"),
            _RESULTS[row["passed"]],
        )
        lines.append(_PARITY.format(row["artefact"], *cells))
    lines += ["", *(f"  {text}" for text in _COLUMNS)]
    if any(row["passed"] is None for row in rows):
        lines.append(f"  {_NOT_JUDGED}")
    lines += [
        f"FAILED: {row['artefact']} does not answer as the model: "
        f"{row['reason']}"
        for row in failed
    ]
    return "\n".join(lines)


def variants(record: dict) -> str:
    """Return a manifest's size, accuracy, cost, time by variant and policy."""
    reported_on, rule = record["reported_on"], answer_rule.of_record(record)
    plain = rule.leaves_as(answer_rule.PLAIN)
    of_rule = "" if plain else f" of {rule.shown}"
    lines = [
        f"thresholds{of_rule} chosen on {record['chosen_on']}; accuracy (mean "
        f"over classes) of {reported_on['images']} images, "
        f"{reported_on['split']}; ms on this machine, one thread",
        _VARIANTS.format("variant", "policy", "s", *SHOTS, "saving", "ms"),
    ]
    if record["saved_model"]:
        lines += _of_variant("saved_model", record["saved_model"])
        lines += _notes(record["saved_model"], reported_on["split"], True)
    for name, variant in record["variants"].items():
        size = sum(stage["bytes"] for stage in variant["stages"])
        lines += _of_variant(f"{name}, {size / 1000:.0f} kB", variant)
        lines += [f"  warning: {text}" for text in variant["warnings"]]
        alone = bool(variant.get("exits"))
        lines += _notes(variant, reported_on["split"], alone)
    return "\n".join(lines)


def _of_variant(variant, found):
    static = {**found["static"], "saving": 0.0, "thresholds": [None]}
    for name, policy in {"static": static, **found["policies"]}.items():
        at = ExitThresholds.of(policy["thresholds"])
        yield _VARIANTS.format(
            variant,
            name,
            at.text(never="–", digits=".3f"),
            *(number(policy.get(key), ".1%") for key in SHOTS),
            number(policy["saving"], ".1%"),
            number(policy.get("milliseconds")),
        )
        variant = ""


def _notes(found, split, alone):
    """What is left out or not guarded, or costs more than the bare backbone."""
    yield from (f"  note: {text}" for text in found.get("left_out", ()))
    policies = found["policies"]
    loose = [
        name for name, at in policies.items() if at.get("guard_kept") is False
    ]
    if loose:
        yield (
            f"  note: within the budget of {', '.join(loose)} no threshold "
            "keeps the accuracy of every shot group; `said` in manifest.json "
            "has what one may lose"
        )
    static = found["static"]["accuracy"]
    if text := sentences.dearer(policies, static, split, alone=alone):
        yield f"  note: {text}"
