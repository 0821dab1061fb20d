"""Scores as text that reads well in a terminal."""

_GROUPS = ("accuracy", "top1", "many", "medium", "few")
# `mean`: of the exits' probabilities.
_MODES = {"static": "static", "mean_of_exits": "mean", "dynamic": "dynamic"}


def scores(record: dict) -> str:
    """Return the table of a run's or an evaluation's scores.

    Args:
      record: split name -> `best` / `last` -> scores, as in metrics.json.
    """
    lines = [
        "accuracy is the mean over classes (or over --deployment_prior), top1 "
        "the mean over images,",
        "saving is MACs saved against the bare backbone, heads counted "
        "(in brackets: not counted).",
        "",
        _row(["split", "epoch", "mode", *_GROUPS, "saving"]),
    ]
    for split in ("train", "validation", "test"):
        for which, part in sorted(record.get(split, {}).items()):
            if "static" not in part:
                continue
            epoch = f"{which} {part['epoch']}" if "epoch" in part else which
            lines += [
                _row([split, epoch, shown, *_mode(part[mode])])
                for mode, shown in _MODES.items()
                if mode in part
            ]
            lines.append("  " + _exits(part))
    return "\n".join(lines)


def _mode(scores):
    cells = [_percent(scores.get(name)) for name in _GROUPS]
    if "saving_with_heads" in scores:
        saving = scores["saving_with_heads"], scores["saving_without_heads"]
        cells.append(f"{_percent(saving[0])} ({_percent(saving[1]).strip()})")
    return cells


def _exits(part):
    shares = part["dynamic"]["exit_shares"]
    cells = [
        f"exit {row['exit']}: {_percent(row['accuracy']).strip()}, "
        f"{_percent(share).strip()} leave"
        for row, share in zip(part["exits"], shares, strict=True)
    ]
    reached = thresholds(part["dynamic"]["exit_threshold"])
    rule = part["dynamic"].get("exit_rule", "confidence")
    by = "" if rule == "confidence" else f" by {rule}"
    return f"at s = {reached}{by}, " + "; ".join(cells)


def thresholds(values) -> str:
    """One exit threshold as text, or one for each exit but the last."""
    if not hasattr(values, "__len__"):
        return f"{values:.3g}"
    early = list(values[:-1])
    if len(set(early)) == 1:
        early = early[:1]
    # As arrays hold it, or as JSON does.
    never = (None, float("inf"))
    return " ".join("never" if s in never else f"{s:.3g}" for s in early)


def _percent(value):
    return "–" if value is None else f"{100 * value:.1f} %"


def _row(cells):
    widths = (11, 9, 8, 9, 8, 8, 8, 8, 18)
    padded = [
        cell.rjust(width) if index > 2 else cell.ljust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=False))
    ]
    return " ".join(padded).rstrip()
