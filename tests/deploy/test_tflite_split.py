"""Files cut out of one converted network, against files converted alone."""

import itertools
from unittest import mock

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from elf_keras.deploy import (
    measure,
    tflite_chain,
    tflite_parts,
    tflite_split,
)

VARIANTS = ["float32", "int8"]


def content_of(path):
    return schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)


def test_files_hold_what_their_signatures_use_and_no_more(folder):
    dense = schema.BuiltinOperator.FULLY_CONNECTED
    for variant in ("float32", "int8"):
        for name, count in (("exit_1", 2), ("exit_2", 3), ("stage_2", 2)):
            model = content_of(folder / variant / f"{name}.tflite")
            (signature,), (graph,) = model.signatureDefs, model.subgraphs
            assert signature.signatureKey.decode() == name
            asked = [at.opcodeIndex for at in graph.operators]
            assert {*asked} == {*range(len(model.operatorCodes))}
            codes = [model.operatorCodes[n].builtinCode for n in asked]
            assert codes.count(dense) == count
            used = {at.buffer for at in graph.tensors}
            used |= {at.buffer for at in model.metadata or ()}
            assert used | {0} == {*range(len(model.buffers))}
        model = content_of(folder / variant / "stages.tflite")
        assert len(model.subgraphs) == len(model.signatureDefs) == 2


@pytest.mark.slow
def test_files_one_by_one_are_the_same(model, images, folder, tmp_path):
    """Where a part needs another graph, such as a loop or a branch."""
    content = (folder / "float32" / "single_file.tflite").read_bytes()
    assert tflite_split.files(content, tflite_parts.cuts(2)) is None
    with mock.patch.object(tflite_split, "files", lambda *_: None):
        tflite_chain.write(model, tmp_path, variants=VARIANTS, images=images)
    for variant, kind in itertools.product(VARIANTS, ("stage", "exit")):
        one, other = (
            measure.open_files(place / variant, kind)
            for place in (folder, tmp_path)
        )
        parts = [[at] for at in one], [[at] for at in other]
        if kind == "stage":
            parts = [one], [other]
        # Ranges of the features that stages of int8 hand on, computed here by
        # LiteRT, there by TensorFlow: apart by a rounding, less than a step.
        rounding = 1e-6 if (variant, kind) == ("int8", "stage") else 0
        for pair in zip(*parts, strict=True):
            found, expected = (
                measure.chain_logits(each, images) for each in pair
            )
            np.testing.assert_allclose(found, expected, rtol=rounding, atol=0)


def test_a_cut_needs_its_input_and_no_other(model, images):
    """Else the files are converted one by one."""
    content = whole(model, images)
    gives = {"exit_2": "exit_2"}
    sound = tflite_split.Cut("a", ("features", "features_1"), gives)
    assert [*dict(tflite_split.files(content, {"f": [sound]}))] == ["f"]
    # Exit 1 does not read the scores of exit 2, nor exit 2 those of exit 1.
    for takes, name in (("exit_2", "exit_1"), ("exit_1", "exit_2")):
        cut = tflite_split.Cut("a", ("features", takes), {name: name})
        assert tflite_split.files(content, {"f": [sound], "g": [cut]}) is None


def whole(model, images):
    """The network with all its outputs, as the converter writes it."""
    parts = {
        "network": tflite_parts.network(tflite_parts.frozen(model), images)
    }
    with tflite_chain._saved(tflite_chain._signatures(parts)) as place:
        return tflite_chain._convert(place, [*parts], "float32", parts)
