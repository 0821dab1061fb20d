"""The made chain with all that the demo page reads of an export."""

import json
import pathlib

import made_chain
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from elf_keras.deploy import manifest
from elf_keras.evaluation import prediction


def write(folder: pathlib.Path) -> pathlib.Path:
    """Write the export and return its folder."""
    chain = made_chain.make(folder)
    record = json.loads(chain.manifest.read_text())
    labels = chain.scores[:, -1].argmax(-1)
    for variant in record["variants"].values():
        for stage in variant["stages"]:
            stage |= _tensors(folder / stage["file"])
        for policy in variant["policies"].values():
            policy |= _scores(chain, record, policy["thresholds"][0], labels)
        variant["static"] = {"accuracy": 1.0}
    _write_samples(folder / "samples", chain.images, labels)
    record |= {"chosen_on": "validation", "checksums": {}}
    record["checksums"] = manifest.checksums(folder)
    chain.manifest.write_text(json.dumps(record))
    return folder


def _tensors(path):
    # The runner belongs to the interpreter, which must outlive it.
    interpreter = Interpreter(model_path=str(path))
    runner = interpreter.get_signature_runner()
    inputs = _described(runner.get_input_details())
    outputs = _described(runner.get_output_details())
    return {"input": next(iter(inputs.values())), "outputs": outputs}


def _described(tensors):
    found = {}
    for name, tensor in tensors.items():
        integer = np.issubdtype(tensor["dtype"], np.integer)
        scale, zero_point = tensor["quantization"]
        found[name] = {
            "name": name,
            "shape": tensor["shape"].tolist(),
            "dtype": np.dtype(tensor["dtype"]).name,
            "scale": float(scale) if integer else None,
            "zero_point": int(zero_point) if integer else None,
        }
    return found


def _scores(chain, record, threshold, labels):
    limit = 1.0 if threshold is None else threshold
    found = prediction.select(chain.scores, limit)
    macs = np.array([at["macs"] for at in record["exits"]])
    mean = float(macs[found.exit_taken].mean())
    return {
        "accuracy": float((found.classes == labels).mean()),
        "macs": mean,
        "saving": 1 - mean / record["backbone_macs"],
    }


def _write_samples(folder, images, labels):
    folder.mkdir()
    (folder / "images.bin").write_bytes(images.tobytes())
    record = {
        "images": "samples/images.bin",
        "count": len(images),
        "labels": labels.tolist(),
        "names": [f"noise {number}" for number in range(len(images))],
    }
    (folder / "samples.json").write_text(json.dumps(record))
