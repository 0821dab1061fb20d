"""ONNX files of a made model, run by ONNX Runtime, against the Keras model."""

import sys

import made_chain
import numpy as np
import pytest

from elf_keras.deploy import chain_runner, manifest, measure

pytestmark = pytest.mark.slow

onnx = pytest.importorskip("onnx", reason='needs "elf_keras[onnx]"')
VARIANTS = ["onnx", "onnx_int8"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return made_chain.make(tmp_path_factory.mktemp("made"), VARIANTS)


def files_of(made, variant):
    return manifest.files(made.manifest.parent, variant)


@pytest.mark.parametrize(
    ("variant", "tolerance"), [("onnx", 1e-5), (VARIANTS[1], 0.06)]
)
def test_chain_and_single_exits_answer_as_the_model(made, variant, tolerance):
    files = files_of(made, variant)
    stages = measure.open_files(files, "stage")
    alone = measure.open_files(files, "exit")
    assert [[*at.inputs] for at in stages] == [
        ["image"],
        ["features_1"],
        ["features_2"],
    ]
    parts = [measure.chain_logits([stage], made.images) for stage in alone]
    size = np.abs(made.scores).max()
    for found in (
        measure.chain_logits(stages, made.images),
        np.concatenate(parts, axis=1),
    ):
        assert found.shape == made.scores.shape
        assert np.abs(found - made.scores).max() <= tolerance * size


def test_an_exit_alone_in_int8_is_that_of_the_chain(made):
    """What is scored by the chain is what `static` runs."""
    files = files_of(made, "onnx_int8")
    chain = measure.chain_logits(
        measure.open_files(files, "stage"), made.images
    )
    alone = measure.open_files(files, "exit")
    for number, stage in enumerate(alone):
        found = measure.chain_logits([stage], made.images)[:, 0]
        np.testing.assert_allclose(found, chain[:, number], atol=1e-5)
        assert [*stage.inputs] == ["image"]
    last = onnx.load(files / "exit_3.onnx")
    onnx.checker.check_model(last)
    assert [each.name for each in last.graph.output] == ["exit_3"]
    # Past no other head.
    names = " ".join(node.output[0] for node in last.graph.node)
    assert "stage_1/" in names
    heads = [n for n in last.graph.node if n.op_type in ("Gemm", "MatMul")]
    assert len(heads) == 1


def test_a_server_may_fill_the_batch(made):
    import onnxruntime

    path = files_of(made, "onnx") / "exit_3.onnx"
    session = onnxruntime.InferenceSession(path)
    images = made.images.astype("float32")
    (found,) = session.run(None, {"image": images})
    np.testing.assert_allclose(found, made.scores[:, 2], rtol=0, atol=1e-4)


def test_int8_kernels_are_bytes_about_128_and_scores_floats(made):
    """Signed ones saturate in ONNX Runtime on x86 without VNNI."""
    model = onnx.load(files_of(made, "onnx_int8") / "stage_2.onnx")
    tensors = {at.name: at for at in model.graph.initializer}
    made_by = {name: node for node in model.graph.node for name in node.output}
    kernels = 0
    for node in model.graph.node:
        if node.op_type not in ("Conv", "Gemm", "MatMul"):
            continue
        stored, _, zero = made_by[node.input[1]].input
        kind = onnx.TensorProto.UINT8
        assert tensors[stored].data_type == kind
        assert set(onnx.numpy_helper.to_array(tensors[zero]).flat) == {128}
        kernels += 1
    assert kernels >= 4
    types = {node.op_type for node in model.graph.node}
    assert "BatchNormalization" not in types
    assert made_by["exit_2"].op_type != "DequantizeLinear"


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_runner_takes_the_runtime_that_the_files_ask_for(made, variant):
    runner = chain_runner.ChainRunner(made.manifest, variant=variant)
    answers = [runner.predict(image) for image in made.images]
    left = np.array([answer.exit for answer in answers])
    assert {*left} == {1, 2, 3}
    expected = measure.chain_logits(runner.stages, made.images)
    for row, answer in enumerate(answers):
        np.testing.assert_array_equal(
            answer.scores, expected[row, answer.exit - 1]
        )


def test_a_missing_runtime_is_named_with_its_extra(made, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(chain_runner.ChainError, match=r"elf_keras\[onnx\]"):
        chain_runner.ChainRunner(made.manifest)


def test_the_other_runtime_need_not_be_there(made, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    runner = chain_runner.ChainRunner(made.manifest)
    assert runner.predict(made.images[0]).exit >= 1


def test_a_runtime_that_nobody_knows_is_refused(made, tmp_path):
    text = made.manifest.read_text().replace("onnxruntime", "armnn")
    path = tmp_path / "manifest.json"
    path.write_text(text)
    with pytest.raises(chain_runner.ChainError, match="armnn.*onnxruntime"):
        chain_runner.ChainRunner(path)


def test_a_file_that_is_no_onnx_is_refused_in_one_line():
    with pytest.raises(ValueError, match="(?i)protobuf|model"):
        chain_runner.OnnxStage(b"no model")
