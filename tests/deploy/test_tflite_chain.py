"""TFLite files of a tiny model, run by LiteRT, against the Keras model."""

import re
from unittest import mock

import leaving
import numpy as np
import pytest
import tensorflow as tf
import tiny
from ai_edge_litert import schema_py_generated as schema
from tensorflow.lite.python.convert_phase import ConverterError

from elf_keras import runs
from elf_keras.deploy import (
    graphs,
    measure,
    phone_checks,
    tflite_chain,
    tflite_parts,
    tflite_split,
)
from elf_keras.errors import InputError
from elf_keras.exits import exit_rule
from elf_keras.exits.answer_rule import PLAIN

EXITS = 2
VARIANTS = ["float32", "float16", "int8_weights", "int8"]


@pytest.fixture(scope="module")
def model():
    return tiny.compiled(rate=0.0)


@pytest.fixture(scope="module")
def images():
    return tiny.examples((8, 8, 8)).images


@pytest.fixture(scope="module")
def folder(model, images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tflite")
    tflite_chain.write(
        model,
        folder,
        variants=VARIANTS,
        images=images,
        single_file=PLAIN,
    )
    return folder


@pytest.fixture(scope="module")
def expected(model, images):
    return np.asarray(exit_rule.stack_exits(model(images.astype("float32"))))


def test_files(folder):
    names = ["exit_1", "exit_2", "stage_1", "stage_2", "stages"]
    assert [path.stem for path in sorted((folder / "int8").iterdir())] == names
    found = sorted(path.stem for path in (folder / "float32").iterdir())
    assert found == sorted([*names, "single_file"])


@pytest.mark.parametrize(
    ("variant", "tolerance"),
    zip(VARIANTS, [1e-5, 2e-3, 0.03, 0.06], strict=True),
)
def test_chain_answers_as_the_model(
    folder, expected, images, variant, tolerance
):
    """Its stages, those in one file as signatures, and each exit alone."""
    files = folder / variant
    stages = measure.open_files(files, "stage")
    joint = [
        measure.open_file(files / "stages.tflite", name)
        for name in ("stage_1", "stage_2")
    ]
    alone = measure.open_files(files, "exit")
    assert [list(stage.outputs) for stage in alone] == [["exit_1"], ["exit_2"]]
    parts = [measure.chain_logits([stage], images) for stage in alone]
    size = max(np.abs(expected).max(), 1) if variant != "float32" else 1
    for found in (
        measure.chain_logits(stages, images),
        measure.chain_logits(joint, images),
        np.concatenate(parts, axis=1),
    ):
        np.testing.assert_allclose(found, expected, atol=tolerance * size)


def test_single_file_leaves_where_the_rule_says(folder, expected, images):
    from ai_edge_litert.interpreter import Interpreter

    threshold = np.median(exit_rule.confidence(expected)[:, 0])
    answer = leaving.select(expected, float(threshold))
    assert 0 < answer.exit_taken.mean() < 1
    path = folder / "float32" / "single_file.tflite"
    run = Interpreter(str(path)).get_signature_runner()
    for index, image in enumerate(images):
        found = run(
            image=image[None].astype("float32"),
            exit_threshold=np.array([threshold], "float32"),
        )
        taken = answer.exit_taken[index]
        assert int(found["exit"]) == taken + 1
        np.testing.assert_allclose(
            found["scores"][0], expected[index, taken], atol=1e-5
        )


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (ConverterError("no such op\nand more"), InputError),
        (MemoryError(), MemoryError),
    ],
)
def test_what_tflite_cannot_express_is_one_line(
    model, images, tmp_path, monkeypatch, raised, kind
):
    failing = mock.Mock(convert=mock.Mock(side_effect=raised))
    monkeypatch.setattr(
        tf.lite.TFLiteConverter, "from_saved_model", lambda *_, **__: failing
    )
    with pytest.raises(kind) as caught:
        tflite_chain.write(model, tmp_path, variants=["int8"], images=images)
    if kind is InputError:
        message = str(caught.value)
        assert message.startswith("int8: TFLite cannot express this model (no")
        assert "--formats=saved_model" in message
        assert "\n" not in message


def test_integers_pass_between_stages_as_they_are(folder, images):
    first, second = measure.open_files(folder / "int8", "stage")
    (image,), (features,) = first.inputs.values(), second.inputs.values()
    assert image["dtype"] is features["dtype"] is np.int8
    (given, origin), (taken, at) = (
        each["quantization"] for each in (first.outputs["features"], features)
    )
    # Both files are cut out of one network: it is the same tensor.
    assert (given, origin) == (taken, at)
    # Pixels 0 to 255 are the bytes themselves, moved.
    scale, zero_point = image["quantization"]
    assert scale == pytest.approx(images.max() / 255, rel=0.01)
    assert zero_point == -128


def test_representative_features_come_from_the_stage_before(model, images):
    parts = tflite_parts.one_by_one(tflite_parts.frozen(model), images)
    assert list(parts) == ["stage_1", "stage_2", "exit_1", "exit_2"]
    tap = parts["stage_1"].model(images.astype("float32"))["features"]
    np.testing.assert_array_equal(parts["stage_2"].samples, tap)
    assert parts["stage_2"].source == "features"


def test_milliseconds_are_one_positive_number_a_stage(folder, images):
    stages = measure.open_files(folder / "float32", "stage")
    found = measure.milliseconds(stages, images, rounds=3)
    assert len(found) == EXITS and min(found) > 0


def saved(path, function, batch=1):
    """Converted from a SavedModel, whose signature names the tensors."""
    folder = str(path.with_suffix(""))
    spec = tf.TensorSpec((batch, 4), name="image")
    concrete = tf.function(
        lambda image: {"y": function(image)}
    ).get_concrete_function(spec)
    with runs.silenced():
        tf.saved_model.save(tf.Module(), folder, signatures={"serve": concrete})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.allow_custom_ops = True
        path.write_bytes(converter.convert())
    return path


def double(image):
    return 2 * image


def beta(image):
    return tf.math.betainc(image, image, image)


def half(image):
    return tf.cast(tf.cast(image, "float16"), "float32")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "batch", "count", "says"),
    [
        (beta, 1, 1, "custom operation Betainc$"),
        (double, None, 2, r"image has shape \[1, 4\], .* batch 1$"),
        (double, 2, 2, r"image has shape \[2, 4\], .* batch 1$"),
        (half, 1, 1, "computes in float16$"),
    ],
)
def test_what_a_phone_would_not_run(tmp_path, function, batch, count, says):
    path = saved(tmp_path / "a.tflite", function, batch)
    found = phone_checks.problems(path, dtype="float32")
    assert len(found) == count
    assert re.match(f"a.tflite: {says}", found[0])


def test_only_another_type_than_asked_for_is_a_problem(tmp_path):
    path = saved(tmp_path / "int8" / "a.tflite", double)
    assert phone_checks.problems(path, dtype="float32") == []
    found = phone_checks.problems(path, dtype="int8")
    assert found[0].endswith("image is float32, expected int8")
    with pytest.raises(InputError, match="int8 would not run on a phone: a"):
        phone_checks.refuse(path.parent)


def test_few_samples_pass_a_stage_at_a_time(model, images, monkeypatch):
    """So that memory does not grow with their number."""
    sizes = []
    whole = graphs.FrozenStage.__call__

    def spied(stage, features, training=False):
        sizes.append(len(features))
        return whole(stage, features, training)

    monkeypatch.setattr(graphs.FrozenStage, "__call__", spied)
    many = np.concatenate([images] * 3)
    parts = tflite_parts.one_by_one(tflite_parts.frozen(model), many)
    assert sum(sizes) == len(many)
    assert max(sizes) <= 32 < len(many)
    samples = parts["stage_2"].samples
    assert samples.shape[0] == len(many)
    first, last = samples[: len(images)], samples[-len(images) :]
    np.testing.assert_allclose(first, last, rtol=1e-6)


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
    assert tflite_split.files(content, tflite_parts.cuts(EXITS)) is None
    with mock.patch.object(tflite_split, "files", lambda *_: None):
        tflite_chain.write(model, tmp_path, variants=["int8"], images=images)
    for kind in ("stage", "exit"):
        one, other = (
            measure.open_files(place / "int8", kind)
            for place in (folder, tmp_path)
        )
        parts = [[at] for at in one], [[at] for at in other]
        if kind == "stage":
            parts = [one], [other]
        for pair in zip(*parts, strict=True):
            found, expected = (
                measure.chain_logits(each, images) for each in pair
            )
            # Ranges of the same features, computed here by LiteRT, there by
            # TensorFlow: apart by a rounding, which moves no integer.
            np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_cut_needs_its_input_and_no_other(model, images):
    """Else the files are converted one by one."""
    content = whole(model, images)
    gives = {"exit_2": "exit_2"}
    sound = tflite_split.Cut("a", ("features", "features_1"), gives)
    assert [*dict(tflite_split.files(content, {"f": [sound]}))] == ["f"]
    # Exit 1 leaves the network after what stage 1 hands on, but not from the
    # scores of exit 2; and stage 2 does not begin at those of exit 1.
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
