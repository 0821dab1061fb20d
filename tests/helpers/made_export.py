"""The made chain with all that the demo page reads of an export."""

import json
import pathlib

import leaving
import made_chain
import numpy as np

from elf_keras.data import splits
from elf_keras.deploy import manifest, measure
from elf_keras.policies import sentences


def write(folder: pathlib.Path) -> pathlib.Path:
    """Write the export and return its folder."""
    chain = made_chain.make(folder)
    record = json.loads(chain.manifest.read_text())
    labels = chain.scores[:, -1].argmax(-1)
    for name, variant in record["variants"].items():
        files = folder / "tflite" / name
        stages = measure.open_files(files, "stage")
        variant["stages"] = measure._described(
            folder, files, "stage", made_chain.CLAIMED, stages
        )
        variant["exits"] = measure._described(
            *(folder, files, "exit", made_chain.CLAIMED[-1:]),
            measure.open_files(files, "exit"),
        )
        for name, policy in variant["policies"].items():
            policy |= _scores(chain, record, policy["thresholds"][0], labels)
            policy["advice"] = sentences.dearer(
                {name: policy}, 1.0, "validation"
            )
        variant["static"] = {"accuracy": 1.0}
    names = [f"noise {number}" for number in range(len(labels))]
    examples = splits.Examples(chain.images, labels, names)
    manifest.write_samples(folder / "samples", examples, len(made_chain.NAMES))
    record |= {
        "chosen_on": "validation",
        "checksums": manifest.checksums(folder),
    }
    chain.manifest.write_text(json.dumps(record))
    return folder


def _scores(chain, record, threshold, labels):
    limit = 1.0 if threshold is None else threshold
    found = leaving.select(chain.scores, limit)
    macs = np.array([at["macs"] for at in record["exits"]])
    mean = float(macs[found.exit_taken].mean())
    return {
        "accuracy": float((found.classes == labels).mean()),
        "macs": mean,
        "saving": 1 - mean / record["backbone_macs"],
    }
