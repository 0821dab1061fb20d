"""The tables of docs/reference/speed.md, from benchmarks/results/*.json.

python -m benchmarks.speed_tables            writes them
python -m benchmarks.speed_tables --check    fails where one is out of date
"""

import json

from experiments import tables

PAGE = tables.CHECKOUT / "docs" / "reference" / "speed.md"
RESULTS = tables.CHECKOUT / "benchmarks" / "results"
_SERVED = ("leaves at 1", "stays")
METHODS = {
    "single": "bare backbone",
    "har": "with three `conv` heads (`har`)",
}


def training(records: list[dict]) -> str:
    """Images a second of training, ours and the peer's."""
    rows = [
        [
            f"{METHODS[row['method']]}, {row['precision']}",
            f"{row['images_per_second']:.0f}",
            f"{row['peer_images_per_second']:.0f}",
            f"{row['ratio']:.2f}",
        ]
        for row in records
    ]
    columns = ("", "elf_keras", "PyTorch 2.13", "ratio")
    return tables.markdown(columns, rows)


def leaving(records: list[dict]) -> str:
    """Images a second of steps that compute nothing for images that left."""
    rows = [
        [
            record["precision"],
            f"{100 * row['leaving']:.0f} %",
            f"{row['masked_images_per_second']:.0f}",
            f"{row['removed_images_per_second']:.0f}",
            f"{row['removed_over_masked']:.2f}",
            f"{row['removed_over_peer']:.2f}",
            f"{100 * row['macs_not_spent']:.0f} %",
        ]
        for record in records
        for row in record["rows"]
    ]
    columns = ("", "leave", "`masked`", "`removed`", "`removed` / `masked`")
    more = "`removed` / PyTorch", "multiply-adds not spent"
    return tables.markdown((*columns, *more), rows)


def saved_model(records: list[dict]) -> str:
    """Milliseconds of a SavedModel that stops early, by batch and share."""
    by_batch = {}
    for row in records:
        by_batch.setdefault(row["batch"], []).append(row)
    rows = [
        [
            str(batch),
            *(
                f"{row['compared_ms']:.3g}, {row['ratio_to_stages']:.2f}"
                for row in found
            ),
            f"{found[0]['all_exits_ms']['p50']:.3g}",
        ]
        for batch, found in by_batch.items()
    ]
    shares = [
        f"{100 * row['leaving']:.0f} % leave"
        for row in next(iter(by_batch.values()))
    ]
    columns = ("batch", *shares, "all exits at once")
    return tables.markdown(columns, rows)


def served(records: list[dict]) -> str:
    """Milliseconds of one image through the C API, and ratios by share."""
    rows = [
        [
            record["network"],
            *(f"{record['ms'][name]:.3g}" for name in ("stage 1", *_SERVED)),
            *(f"{ratio:.2f}" for ratio in record["ratio_to_stages"].values()),
        ]
        for record in records
    ]
    shares = records[0]["ratio_to_stages"]
    ratios = (f"{100 * float(share):.0f} % leave" for share in shares)
    return tables.markdown(("network", "stage 1", *_SERVED, *ratios), rows)


def time_saved(record: dict) -> str:
    """Share of the multiply-adds saved that time saves, by size and exit."""
    rows = [
        [
            str(row["image_size"]),
            f"{row['backbone_milliseconds']:.2f}",
            *(f"{ratio:.2f}" for ratio in row["time_saved_over_macs_saved"]),
        ]
        for row in record["rows"]
    ]
    exits = range(1, len(rows[0]) - 1)
    leave = (f"leaves at {number}" for number in exits)
    return tables.markdown(("pixels", "bare backbone, ms", *leave), rows)


TABLES = {
    "inference_time_saved": time_saved,
    "inference_served": served,
    "training_speed": training,
    "leaving_step": leaving,
    "inference_saved_model": saved_model,
}


def table(name: str) -> str:
    """Return one of the page's tables as Markdown, a key of `TABLES`."""
    text = (RESULTS / f"{name}.json").read_text(encoding="utf-8")
    return TABLES[name](json.loads(text))


if __name__ == "__main__":
    for each in TABLES:
        tables.publish(
            PAGE,
            each,
            lambda _, name=each: table(name),
            "benchmarks.speed_tables",
        )
