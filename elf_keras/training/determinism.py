"""Why the weights of a run may differ, bit for bit, when it is repeated."""

import os

import tensorflow as tf

from elf_keras import runs

# What a checkpoint knows of where it was made, and of later changes.
SURROUNDINGS, CHANGES = "surroundings", "changes"


def surroundings() -> dict:
    """Return what the bits of a result depend on beside flags and data."""
    facts = runs.environment()
    return {
        **facts["versions"],
        "git_revision": facts["git_revision"],
        "machine": facts["machine"],
        "processor": facts["processor"],
        "cores": runs.cores(),
        "devices": [
            f"{device.device_type}:{number}"
            for number, device in enumerate(tf.config.list_logical_devices())
        ],
        "replicas": tf.distribute.get_strategy().num_replicas_in_sync,
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
    }


def note_changes(notes: dict, now: dict) -> None:
    """Keep in a checkpoint's notes which `surroundings` differ now."""
    before = notes.get(SURROUNDINGS, now)
    changes = [
        f"resumed with {name} {now.get(name)}, before {before.get(name)}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    notes[CHANGES] = notes.get(CHANGES, []) + changes
    notes[SURROUNDINGS] = now


def reasons(notes: dict, *, deterministic: bool) -> list[str]:
    """Return why a run may end with other bits next time; none if it may not.

    Its last checkpoint's notes say so, and whether it was `deterministic`.
    """
    found = list(notes.get(CHANGES, []))
    if not deterministic:
        found.append(
            "trained without --deterministic: sums may be added up in any order"
        )
    return found
