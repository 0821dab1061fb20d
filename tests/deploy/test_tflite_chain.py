"""TFLite files of a tiny model, run by LiteRT, against the Keras model."""

from unittest import mock

import leaving
import numpy as np
import pytest
import tensorflow as tf
import tiny
from tensorflow.lite.python.convert_phase import ConverterError

from elf_keras import runs
from elf_keras.deploy import measure, tflite_chain
from elf_keras.errors import InputError
from elf_keras.exits import exit_rule

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
        with_single_file=True,
    )
    return folder


def opened(folder, kind):
    return [
        measure.open_file(folder / f"{kind}_{number + 1}.tflite")
        for number in range(EXITS)
    ]


def expected(model, images):
    return exit_rule.stack_exits(
        {
            name: np.asarray(scores)
            for name, scores in model(images.astype("float32")).items()
        }
    )


def test_files(folder):
    names = ["exit_1", "exit_2", "stage_1", "stage_2", "stages"]
    assert [path.stem for path in sorted((folder / "int8").iterdir())] == names
    found = sorted(path.stem for path in (folder / "float32").iterdir())
    assert found == sorted([*names, "single_file"])


@pytest.mark.parametrize(
    ("variant", "tolerance"),
    zip(VARIANTS, [1e-5, 2e-3, 0.03, 0.06], strict=True),
)
def test_chain_answers_as_the_model(folder, model, images, variant, tolerance):
    scores = measure.chain_logits(opened(folder / variant, "stage"), images)
    wanted = expected(model, images)
    size = np.abs(wanted).max()
    np.testing.assert_allclose(scores, wanted, atol=tolerance * max(size, 1))


def test_each_exit_alone_answers_as_the_model(folder, model, images):
    alone = opened(folder / "float32", "exit")
    found = [measure.chain_logits([stage], images)[:, 0] for stage in alone]
    wanted = expected(model, images)
    np.testing.assert_allclose(np.stack(found, 1), wanted, atol=1e-5)
    assert [list(stage.outputs) for stage in alone] == [["exit_1"], ["exit_2"]]


def test_one_file_holds_all_stages_as_signatures(folder, model, images):
    path = folder / "float32" / "stages.tflite"
    stages = [
        measure.open_file(path, f"stage_{number + 1}")
        for number in range(EXITS)
    ]
    found = measure.chain_logits(stages, images)
    np.testing.assert_allclose(found, expected(model, images), atol=1e-5)


def test_single_file_leaves_where_the_rule_says(folder, model, images):
    from ai_edge_litert.interpreter import Interpreter

    wanted = expected(model, images)
    threshold = np.median(exit_rule.confidence(wanted)[:, 0])
    answer = leaving.select(wanted, float(threshold))
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
            found["scores"][0], wanted[index, taken], atol=1e-5
        )


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (ConverterError("no such op\nand more"), InputError),
        (MemoryError(), MemoryError),
    ],
)
def test_what_tflite_cannot_express_is_one_line(
    model, images, tmp_path, monkeypatch, raised, expected
):
    failing = mock.Mock(convert=mock.Mock(side_effect=raised))
    monkeypatch.setattr(
        tf.lite.TFLiteConverter, "from_saved_model", lambda *_, **__: failing
    )
    with pytest.raises(expected) as caught:
        tflite_chain.write(model, tmp_path, variants=["int8"], images=images)
    if expected is InputError:
        message = str(caught.value)
        assert message.startswith("int8: TFLite cannot express this model (no")
        assert "--formats=saved_model" in message
        assert "\n" not in message


def test_integers_pass_between_stages_as_they_are(folder):
    first, second = opened(folder / "int8", "stage")
    (image,), (features,) = first.inputs.values(), second.inputs.values()
    assert image["dtype"] is features["dtype"] is np.int8
    (given, origin), (taken, at) = (
        each["quantization"] for each in (first.outputs["features"], features)
    )
    # Ranges of the same features, found once in the graph, once as its input:
    # on some CPUs apart by a rounding, which moves no integer.
    assert given == pytest.approx(taken, rel=1e-6)
    assert origin == at
    # Pixels 0 to 255 are the bytes themselves, moved.
    scale, zero_point = image["quantization"]
    assert scale == pytest.approx(images_scale(), rel=0.01)
    assert zero_point == -128


def images_scale():
    return tiny.examples((8, 8, 8)).images.max() / 255


def test_representative_features_come_from_the_stage_before(model, images):
    graphs = tflite_chain.parts_of(model, images)
    assert list(graphs) == ["stage_1", "stage_2", "exit_1", "exit_2"]
    tap = np.asarray(
        graphs["stage_1"].model(images.astype("float32"))["features"]
    )
    np.testing.assert_array_equal(graphs["stage_2"].samples, tap)
    assert graphs["stage_2"].source == "features"


def test_milliseconds_are_one_positive_number_a_stage(folder, images):
    stages = opened(folder / "float32", "stage")
    found = measure.milliseconds(stages, images, rounds=3)
    assert len(found) == EXITS and min(found) > 0


def saved(path, function, spec, *, custom=False):
    """Converted from a SavedModel, whose signature names the tensors."""
    module = tf.Module()
    folder = str(path.with_suffix(""))
    concrete = tf.function(function).get_concrete_function(spec)
    with runs.silenced():
        tf.saved_model.save(module, folder, signatures={"serve": concrete})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.allow_custom_ops = custom
        path.write_bytes(converter.convert())
    return path


def spec(*shape, dtype="float32"):
    return tf.TensorSpec(shape, dtype, name="image")


def test_operations_outside_the_runtime(tmp_path):
    path = saved(
        tmp_path / "a.tflite",
        lambda image: {"y": tf.math.betainc(image, image, image)},
        spec(1, 4),
        custom=True,
    )
    found = tflite_chain.problems(path, dtype="float32")
    assert found == ["a.tflite: custom operation Betainc"]


@pytest.mark.parametrize("batch", [None, 2])
def test_a_batch_that_is_not_one(tmp_path, batch):
    path = saved(
        tmp_path / "a.tflite", lambda image: {"y": 2 * image}, spec(batch, 4)
    )
    found = tflite_chain.problems(path, dtype="float32")
    assert len(found) == 2
    assert "image has shape" in found[0] and "batch 1" in found[0]


def test_only_another_type_than_asked_for_is_a_problem(tmp_path):
    path = tmp_path / "int8" / "a.tflite"
    saved(path, lambda image: {"y": 2 * image}, spec(1, 4))
    assert tflite_chain.problems(path, dtype="float32") == []
    found = tflite_chain.problems(path, dtype="int8")
    assert found[0].endswith("image is float32, expected int8")
    with pytest.raises(InputError, match="int8 would not run on a phone: a"):
        tflite_chain._refuse(path.parent)


def test_half_precision_inside(tmp_path):
    def half(image):
        return {"y": tf.cast(tf.cast(image, "float16"), "float32")}

    path = saved(tmp_path / "a.tflite", half, spec(1, 4))
    found = tflite_chain.problems(path, dtype="float32")
    assert "a.tflite: computes in float16" in found
