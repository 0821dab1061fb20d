"""The table of faults in docs/how-to/resume.md, from what `make faults` wrote.

python -m benchmarks.faults_table            writes it
python -m benchmarks.faults_table --check    fails where it is out of date
"""

import json
import pathlib

from experiments import tables

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = CHECKOUT / "benchmarks" / "results" / "faults.json"
PAGE = CHECKOUT / "docs" / "how-to" / "resume.md"
MARK = "faults"
COLUMNS = (
    *("fault, by `make faults`", "injected", "survived"),
    *("images lost or repeated", ""),
)
# Kinds of faults -> how the names of their figures begin, and what survived
# means where the figures do not say.
ROWS = {
    "kill -9 at random moments, a checkpoint every 30 ms": (("kill -9",), ""),
    "SIGTERM at random moments": (("SIGTERM",), ""),
    "a full disk (`RLIMIT_FSIZE`)": (
        ("full disk",),
        "status 2, one line; once freed, a training ends with the same bits; "
        "of an export nothing is left",
    ),
    "damaged, misnamed, empty images, decompression bombs": (
        ("bad ", "bombs ", "many bad ", "cut.", "damaged "),
        "skipped and listed, or one line",
    ),
    "a path below a regular file": (("--",), "one line"),
    "fuzzed flagfiles, lists, manifests, image bytes, `TF_CONFIG`, fleets": (
        ("fuzzed ",),
        "",
    ),
    "requests to the chain runner and to the served SavedModel": (
        ("soak ",),
        "",
    ),
}


def table(figures: dict) -> str:
    """Return the table as Markdown, a row for each kind of fault.

    Args:
      figures: name -> numbers, as the fault tests keep them.

    Raises:
      ValueError: for a figure that no row would count.
    """
    rows, left = [], dict(figures)
    for kind, (begins, words) in ROWS.items():
        found = [left.pop(name) for name in figures if name.startswith(begins)]
        if found:
            words = words or _words(found)
            rows.append([kind, *_cells(found), words])
    if left:
        raise ValueError(f"no row counts {', '.join(left)}")
    return tables.markdown(COLUMNS, rows)


def _cells(found):
    """Injected, survived, and images lost or repeated, where that is known."""
    keys = (("injected", "tried", "requests"), ("survived", "answered"))
    injected, survived = (
        sum(each.get(key, 0) for each in found for key in names)
        for names in keys
    )
    if "requests" in found[0]:
        # The test fails at the first that is not answered as it should be.
        survived = injected
    lost = [each.get("examples_lost_or_repeated") for each in found]
    known = None not in lost
    return [f"{injected:,}", f"{survived:,}", str(sum(lost)) if known else ""]


def _words(found):
    first = found[0]
    if "ended_bit_for_bit_as_uninterrupted" in first:
        runs_alike = first["ended_bit_for_bit_as_uninterrupted"]
        return (
            f"{runs_alike} runs, which ended with the bits of an uninterrupted "
            f"one; {first['steps_computed_again']} steps computed again"
        )
    if "longest_seconds_to_end" in first:
        return (
            f"status 75 within {first['longest_seconds_to_end']} s; "
            f"{first['steps_computed_again']} steps computed again"
        )
    if "grown_mib" in first:
        grown = " and ".join(str(each["grown_mib"]) for each in found)
        refused = sum(each["refused"] for each in found)
        return f"{refused:,} of them malformed; memory grew by {grown} MiB"
    refused = sum(each["refused"] for each in found)
    return f"{refused:,} refused in one line, the rest right answers"


if __name__ == "__main__":
    tables.publish(
        PAGE,
        MARK,
        lambda _: table(json.loads(RESULTS.read_text())),
        "benchmarks.faults_table",
    )
