"""Rows of the tables on a page; the templates make HTML of them."""

from elf_keras.policies import policy_rules, sentences
from elf_keras.reports import score_rows, statistics
from elf_keras.reports.run_folder import RunFolder
from elf_keras.reports.run_view import RunView
from elf_keras.runs import flagfiles

SAVED_MODEL = "saved_model"
# Flags that name places on the machine that trained.
_PLACES = (
    "workdir",
    "data_dir",
    "list_dir",
    "labels",
    "weights",
    "flagfile",
)
_FACTS = {
    "seed": "seed",
    "git_revision": "git revision of the code",
    "machine": "machine",
    "processor": "processor",
    "processors": "processors",
    "devices": "devices",
    "python": "Python",
    "epochs": "epochs trained",
    "best_epoch": "epoch kept, by validation",
    "images_per_second": "images a second",
    "training_seconds": "training time, s",
    "peak_memory_bytes": "peak memory, bytes",
    "nondeterminism": "what may make it differ with the same seed",
}


def results(found: list[RunFolder]) -> dict | None:
    """Rows of `score_rows`, those that matter most apart.

    Returns:
      None without scores; else rows `main` and `rest`, the `splits` that they
      are of, and whether there are several `seeds`.
    """
    rows = score_rows.rows(found)
    if not rows:
        return None
    best = {row["run"] for row in rows if row["epoch"].startswith("best")}
    main = [
        row
        for row in rows
        if row["epoch"].startswith("best") == (row["run"] in best)
        and not row["mode"].endswith(policy_rules.PER_EXIT)
    ]
    return {
        "main": main,
        "rest": [row for row in rows if row not in main],
        "splits": [*dict.fromkeys(row["split"] for row in rows)],
        "seeds": any("," in row["seeds"] for row in rows),
    }


def exported(exports: dict[str, dict]) -> list[dict]:
    """A row for each policy of each variant; `exports` are manifests."""
    return [
        {
            "export": name,
            "variant": variant,
            "policy": policy,
            "split": manifest["reported_on"]["split"],
            "accuracy": scores["accuracy"],
            "saving": scores.get("saving"),
            "milliseconds": scores.get("milliseconds"),
            "bytes": _bytes(found, policy),
        }
        for name, manifest in exports.items()
        for variant, found in _variants(manifest)
        for policy, scores in _policies(found)
    ]


def _policies(found):
    """Scores by name, the bare backbone's first."""
    yield policy_rules.STATIC, {**found["static"], "saving": 0.0}
    yield from found["policies"].items()


def _bytes(found, policy):
    """Size of the files that answer; None: not known, or not there."""
    files = found.get("stages", [])
    if policy == policy_rules.STATIC:
        files = found.get("exits", [])[-1:]
    return sum(file["bytes"] for file in files) or None


def dearer(exports: dict[str, dict]) -> list[str]:
    """Sentences on policies that cost more than the bare backbone."""
    return [
        f"{name}, {variant}: {text}."
        for name, manifest in exports.items()
        for variant, found in _variants(manifest)
        if (
            text := sentences.dearer(
                found["policies"],
                found["static"]["accuracy"],
                manifest["reported_on"]["split"],
                alone=variant == SAVED_MODEL or bool(found.get("exits")),
            )
        )
    ]


def _variants(manifest):
    """What an export answers by, each with policies of its own."""
    if served := manifest.get("saved_model"):
        yield SAVED_MODEL, served
    yield from (manifest.get("variants") or {}).items()


def costs(view: RunView) -> dict:
    """What each exit costs and pays back; HAR, Figure 8, as a table.

    Without answers, what the training wrote is taken.

    Returns:
      `rows`, one an exit, and a `note` on where milliseconds are from.
    """
    if view.scored is None:
        return {"rows": _recorded_costs(view)}
    model = (view.folder.policy or {}).get("model", {})
    costs = view.scored.scorer.costs
    rows = statistics.worth_of_exits(
        view.seen, view.scored.scorer, view.point.thresholds
    )
    # A run that was stopped at its end has recorded no exits.
    taps = [told["tap"] for told in view.folder.exits] or ["–"] * view.exits
    stages = model.get("stage_milliseconds") or [None] * view.exits
    for row, tap, ms in zip(rows, taps, stages, strict=False):
        row["tap"], row["milliseconds"] = tap, ms
        row["cost"] = costs.with_heads[row["exit"] - 1] / costs.backbone
    return {"rows": rows, "note": model.get("milliseconds_from")}


def _recorded_costs(view):
    _, scores = view.folder.recorded()
    exits, dynamic = view.folder.exits, scores["dynamic"]
    return [
        {
            "exit": k + 1,
            "tap": row["tap"],
            "cost": row["macs"] / exits[-1]["macs_without_heads"],
            "right": scores["exits"][k]["accuracy"],
            "share": dynamic["exit_shares"][k],
            "accuracy": dynamic["accuracy_of_leavers"][k],
        }
        for k, row in enumerate(exits)
    ]


def facts(view: RunView) -> list[tuple[str, str]]:
    """Versions, seed, time and sizes of a run, as far as they are written."""
    record = view.folder.record or {}
    # Once run.json had the epoch that was best by the way.
    parts = (view.folder.metrics or {}).values()
    kept = (part.get("best", {}).get("epoch") for part in parts)
    record = record | {"best_epoch": next(kept, record.get("best_epoch"))}
    found = [(title, record.get(key)) for key, title in _FACTS.items()]
    versions = (record.get("versions") or {}).items()
    found += [(name, str(version)) for name, version in versions]
    found.append(("parameters", (record.get("model") or {}).get("parameters")))
    images = record.get("data", {}).get("images", {})
    found += [(f"{split} images", count) for split, count in images.items()]
    return [(name, _fact(value)) for name, value in found if value is not None]


def flags(view: RunView) -> str:
    """The flags of a run, without places on the machine that trained."""
    return "\n".join(
        flagfiles.line(_word(name, value))
        for name, value in sorted(view.folder.flags.items())
        if name not in _PLACES
    )


def _word(name, value):
    # A switch that is off was written as --noflip, and takes no value.
    off = name.startswith("no") and value == "false"
    return f"--{name}" if off else f"--{name}={value}"


def _fact(value):
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "nothing"
    return f"{value:,}" if isinstance(value, int) else str(value)
