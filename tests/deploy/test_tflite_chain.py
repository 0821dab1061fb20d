"""TFLite files of a tiny model, run by LiteRT, against the Keras model."""

from unittest import mock

import exported
import numpy as np
import pytest
import rules
import tensorflow as tf
from tensorflow.lite.python.convert_phase import ConverterError

from elf_keras.deploy import measure, tflite_chain
from elf_keras.errors import InputError
from elf_keras.exits import exit_rule

EXITS = 2
VARIANTS = ["float32", "float16", "int8_weights", "int8"]


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


@pytest.mark.parametrize("rule", rules.ALL, ids=rules.NAMES)
def test_single_file_leaves_where_the_rule_says(rule, tmp_path):
    from ai_edge_litert.interpreter import Interpreter

    images, answered = exported.images(), rule.answered(exported.scores())
    rows = rules.telling_limits(rule.certainty(answered))
    limits = np.column_stack([rows, np.full(len(rows), np.inf)])
    sure = exit_rule.above(rule.certainty(answered), limits)
    taken = exit_rule.exit_taken(sure)
    assert set(taken) == {0, 1, 2}
    with mock.patch.object(tflite_chain, "convert"):
        tflite_chain.write(
            exported.model(),
            tmp_path,
            variants=["float32"],
            images=images,
            single_file=rule,
        )
    path = tmp_path / "float32" / "single_file.tflite"
    run = Interpreter(str(path)).get_signature_runner()
    every = zip(images, rows, taken, answered, strict=True)
    for image, row, exit_, logits in every:
        found = run(
            image=image[None].astype("float32"),
            exit_threshold=np.float32(row),
        )
        assert int(found["exit"]) == exit_ + 1
        np.testing.assert_allclose(found["scores"][0], logits[exit_], atol=1e-4)


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


def test_milliseconds_are_one_positive_number_a_stage(folder, images):
    stages = measure.open_files(folder / "float32", "stage")
    found = measure.milliseconds(stages, images, rounds=3)
    assert len(found) == EXITS and min(found) > 0
