"""The reloaded SavedModel answers as the model does, and skips for real."""

import io
import subprocess
import sys

import executed_nodes
import exported
import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from elf_keras import models
from elf_keras.data import images
from elf_keras.deploy import saved_model
from elf_keras.deploy.serving import Serving
from elf_keras.exits import exit_rule

ANSWERS = {
    "class": tf.int32,
    "name": tf.string,
    "top_classes": tf.int32,
    "top_names": tf.string,
    "top_probabilities": tf.float32,
    "confidence": tf.float32,
    "exit": tf.int32,
    "macs": tf.int64,
    "probabilities": tf.float32,
    "scores": tf.float32,
}
EXITS = {
    f"exit_{number}{told}": tf.float32
    for number in (1, 2, 3)
    for told in ("", "_probabilities")
}
IMAGE, LIMITS = {"image": (None, 8, 8, 3)}, {"exit_threshold": (None, 2)}
FILES = {"image_bytes": (None,)}
SIGNATURES = {
    "dynamic": IMAGE | LIMITS,
    "dynamic_jpeg": FILES | LIMITS,
    **dict.fromkeys(exported.BY_NAME, IMAGE),
    **{f"{name}_bytes": FILES for name in exported.BY_NAME},
}


def test_there_is_no_other_signature():
    assert {*exported.signatures()} == {"keep", *SIGNATURES}


@pytest.mark.parametrize(("name", "inputs"), SIGNATURES.items())
def test_inputs_and_outputs_have_names(name, inputs):
    signature = exported.signatures()[name]
    found = signature.structured_input_signature[1]
    assert {key: tuple(spec.shape) for key, spec in found.items()} == inputs
    outputs = signature.structured_outputs
    answers = ANSWERS | (EXITS if name.startswith("all_exits") else {})
    assert {key: spec.dtype for key, spec in outputs.items()} == answers


def test_all_exits_gives_every_exit_and_calibrated_probabilities():
    found = exported.ask("all_exits", "image", exported.images())
    for number, temperature in enumerate(exported.TEMPERATURES):
        scores = exported.scores()[:, number]
        name = f"exit_{number + 1}"
        np.testing.assert_allclose(found[name], scores, atol=1e-4)
        shares = exported.softmax(scores / temperature)
        told = found[f"{name}_probabilities"]
        np.testing.assert_allclose(told, shares, atol=1e-4)
    nobody = exported.rows([2, 2], exported.IMAGES)
    assert set(exported.check(found, exported.scores(), nobody)) == {3}


def test_static_is_the_last_exit():
    found = exported.ask("static", "image", exported.images())
    nobody = exported.rows([2, 2], exported.IMAGES)
    exits = exported.check(found, exported.scores(), nobody)
    assert set(exits) == {exported.EXITS}


@pytest.mark.parametrize("batch", [1, 3, 32])
def test_dynamic_is_the_exit_rule(batch):
    limits = exported.rows(exported.thresholds(), batch)
    images = exported.images()[:batch]
    found = exported.ask("dynamic", "image", images, limits)
    exits = exported.check(found, exported.scores()[:batch], limits)
    calibrated = found["scores"] / exported.TEMPERATURES[exits - 1, None]
    shares = exported.softmax(calibrated)
    np.testing.assert_allclose(found["probabilities"], shares, atol=1e-5)


def test_every_image_has_its_own_thresholds():
    random = np.random.default_rng(1)
    limits = random.uniform(0.3, 1, size=(32, 2)).astype("float32")
    found = exported.ask("dynamic", "image", exported.images(), limits)
    exits = exported.check(found, exported.scores(), limits)
    assert set(exits) == {1, 2, 3}


@pytest.fixture(scope="module")
def traced():
    return executed_nodes.Traced(exported.folder())


@pytest.mark.parametrize("name", ["serving_default", "macs_25"])
def test_a_policy_by_name_skips_stages_too(name):
    policy = "accurate" if name == "serving_default" else name
    by_name = executed_nodes.Traced(exported.folder(), name)
    exits, ran = by_name.run(exported.images())
    limits = exported.limits_of(policy, exported.IMAGES)
    found = [exit_ for *_, exit_ in exported.by_loop(exported.scores(), limits)]
    np.testing.assert_array_equal(exits, found)
    reach = {k: int((exits >= k).sum()) for k in (1, 2, 3)}
    assert 32 > reach[2] >= reach[3] > 0
    assert ran == {k: {count} for k, count in reach.items()}


def test_reloaded_stages_see_survivors_alone(traced):
    exits, ran = traced.run(
        exported.images(), exported.rows(exported.thresholds(), 32)
    )
    second, third = int((exits > 1).sum()), int((exits > 2).sum())
    assert 32 > second > third > 0
    assert ran == {1: {32}, 2: {second}, 3: {third}}


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ([0.01, 0.01], {1: {32}}),
        ([0.999999, 0.01], {1: {32}, 2: {32}}),
        ([0.999999, 0.999999], {1: {32}, 2: {32}, 3: {32}}),
    ],
)
def test_no_node_of_a_later_stage_runs_once_all_have_left(
    traced, limits, expected
):
    exits, ran = traced.run(exported.images(), exported.rows(limits, 32))
    assert ran == expected
    assert set(exits) == {len(expected)}


def saved(model, folder, limits):
    """The signatures of a model, after a look at what `dynamic` says."""
    names = [str(number) for number in range(exported.CLASSES)]
    serving = Serving(np.ones(models.exits(model)), names)
    saved_model.save(model, folder, serving)
    loaded = tf.saved_model.load(folder)
    images = exported.images(channels=model.inputs[0].shape[-1])[:5]
    scores = np.asarray(exit_rule.stack_exits(model(images)))
    limits = exported.rows(limits, 5)
    found = exported.call(
        loaded.signatures["dynamic"], image=images, exit_threshold=limits
    )
    return loaded, scores, exported.check(found, scores, limits)


@pytest.mark.slow
def test_a_grey_model_without_early_exits(tmp_path):
    """Thresholds are `(batch, 0)`: callers need no exception."""
    model = exported.built(channels=1, exits="none")
    loaded, _, exits = saved(model, tmp_path, [])
    assert set(exits) == {1}
    colour = np.random.default_rng(0).integers(256, size=(20, 31, 3))
    pixels = exported.images(channels=1)[0], colour
    files = [tf.io.encode_png(np.uint8(image)).numpy() for image in pixels]
    grey = [images.read(io.BytesIO(file), 8, channels=1) for file in files]
    limits = np.zeros((2, 0), "float32")
    found = exported.call(
        loaded.signatures["dynamic_jpeg"],
        image_bytes=np.array(files),
        exit_threshold=limits,
    )
    expected = exported.call(
        loaded.signatures["dynamic"],
        image=np.asarray(grey, "float32"),
        exit_threshold=limits,
    )
    for name, values in found.items():
        if values.dtype == object:
            assert values.tolist() == expected[name].tolist()
        else:
            np.testing.assert_allclose(values, expected[name], atol=0.1)


@pytest.mark.slow
def test_a_cosine_model_stored_from_half_precision(tmp_path):
    """Cosines lie close together: confidences just above 1/classes."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = exported.built(cosine=True)
    finally:
        keras.config.set_dtype_policy(before)
    _, scores, _ = saved(models.in_float32(half), tmp_path, [0.4, 0.4])
    assert np.abs(scores).max() <= 1
    assert not half_precision_nodes(tmp_path)


def half_precision_nodes(folder):
    record = saved_model_pb2.SavedModel()
    record.ParseFromString((folder / "saved_model.pb").read_bytes())
    half = {tf.bfloat16.as_datatype_enum, tf.float16.as_datatype_enum}
    graph = record.meta_graphs[0].graph_def
    nodes = [*graph.node]
    for function in graph.library.function:
        nodes += function.node_def
    assert len(nodes) > 100
    return [n.name for n in nodes if half & {a.type for a in n.attr.values()}]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("signature", "threshold"),
    [
        ("accurate", ""),
        ("dynamic", ";exit_threshold={0}/limits.npy"),
    ],
)
def test_saved_model_cli_runs_it(tmp_path, signature, threshold):
    limits = (
        exported.rows(exported.thresholds(), 4)
        if threshold
        else exported.limits_of(signature, 4)
    )
    np.save(tmp_path / "image.npy", exported.images()[:4])
    np.save(tmp_path / "limits.npy", limits)
    command = [
        *(sys.executable, "-m", "tensorflow.python.tools.saved_model_cli"),
        *("run", "--dir", str(exported.folder()), "--tag_set", "serve"),
        *("--signature_def", signature, "--outdir", str(tmp_path)),
        "--inputs",
        f"image={{0}}/image.npy{threshold}".format(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Result for output key exit:" in done.stdout
    found = {
        # Text is an array of objects.
        name: np.load(tmp_path / f"{name}.npy", allow_pickle=kind == tf.string)
        for name, kind in ANSWERS.items()
    }
    names = [exported.CLASS_NAMES[place].encode() for place in found["class"]]
    assert found["name"].tolist() == names
    exported.check(found, exported.scores()[:4], limits)
