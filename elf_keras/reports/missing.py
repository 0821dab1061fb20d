"""What the folder of a run lacks, a sentence on each thing."""

from collections.abc import Iterator


def of(found) -> Iterator[str]:
    """Say what is not there in `found`, a `RunFolder`."""
    if found.metrics is None or "model" not in (found.record or {}):
        yield (
            f"The run has not ended: {len(found.history)} of {found.epochs} "
            "epochs are recorded, and scores are not; go on with "
            "elf_keras.train --resume."
        )
    elif not found.recorded():
        yield (
            "The run has neither validation nor test images, so nothing tells "
            "how good it is: this page shows its training alone."
        )
    elif "validation" not in found.metrics:
        yield (
            "The run has no validation split, so no epoch and no threshold "
            "was chosen by one."
        )
    if found.other_rule:
        yield (
            f"policy.json has thresholds of {found.other_rule.shown}, this "
            f"page has not: add {found.other_rule.flags} to see them, or sweep "
            "by this run's exit rule."
        )
    swept = found.policy or found.other_rule or len(found.exits) < 2
    if not swept and "validation" in (found.metrics or {}):
        yield (
            "No thresholds were chosen for budgets by this run's exit rule; "
            f"run elf_keras.sweep --workdir={found.name} and make this page "
            "again."
        )
