"""Weights of `keras.applications`, made here since none can be fetched."""

import urllib.error

import command_runs
import keras
import made_splits
import numpy as np
import pytest

from elf_keras import models
from elf_keras.cli import model_from_flags
from elf_keras.errors import InputError
from elf_keras.models.backbones import pretrained

pytestmark = pytest.mark.slow

SHAPE = (32, 32, 3)
NAME = "MobileNetV3Small"
slow = pytest.mark.slow
# The module that tells how each family wants its pixels.
MODULES = [
    (NAME, "mobilenet_v3"),
    pytest.param("ConvNeXtTiny", "convnext", marks=slow),
    pytest.param("DenseNet121", "densenet", marks=slow),
    pytest.param("EfficientNetV2B0", "efficientnet_v2", marks=slow),
    pytest.param("MobileNetV2", "mobilenet_v2", marks=slow),
    pytest.param("ResNet50", "resnet", marks=slow),
    pytest.param("ResNet50V2", "resnet_v2", marks=slow),
    # Blue first, and the smallest of its kind.
    ("VGG16", "vgg16"),
]


def application(name=NAME):
    """A model with weights as after training: no two of them alike."""
    model = getattr(keras.applications, name)(
        include_top=False, weights=None, input_shape=SHAPE
    )
    random = np.random.default_rng(0)
    model.set_weights(
        [
            weight * random.uniform(0.5, 1.5, weight.shape).astype(weight.dtype)
            for weight in model.get_weights()
        ]
    )
    return model


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model and its weights, in today's and in the published format."""
    model = application()
    folder = tmp_path_factory.mktemp("weights")
    model.save_weights(folder / "made.weights.h5")
    model.save(folder / "made.h5")
    return model, folder


def built(weights):
    words = ("--workdir=", f"--backbone=keras:{NAME}", f"--weights={weights}")
    with command_runs.fresh_flags(*words):
        return model_from_flags.model(made_splits.made(side=32, channels=3))


@pytest.mark.parametrize("file", ["made.weights.h5", "made.h5"])
def test_weights_of_a_file_arrive_bit_for_bit(saved, file, capsys):
    source, folder = saved
    model = built(folder / file)
    before = [w for x in source.layers if x.weights for w in x.get_weights()]
    after = [
        weight
        for layer in model.layers
        if layer.weights and not layer.name.startswith("exit_")
        for weight in layer.get_weights()
    ]
    assert len(before) == len(after) > 100
    # In the order of the graph, whatever the layers are called.
    for one in before:
        assert any(
            one.shape == other.shape and np.array_equal(one, other)
            for other in after
        )
    said = capsys.readouterr().err
    taps = ", ".join(models.tap_names(model))
    assert f"the exits read the outputs of {taps}" in said
    fresh = said.partition("random: ")[2]
    assert "exit_1_1_conv" in fresh
    assert not [n for n in fresh.split(", ") if not n.startswith("exit_")]
    probe = keras.Model(model.input, model.get_layer("normalize").output)
    white = np.asarray(probe(np.full((1, *SHAPE), 255.0, "float32")))
    np.testing.assert_allclose(white, 1, atol=1e-6)


@pytest.mark.parametrize(("name", "module"), MODULES)
def test_features_are_those_of_the_application(name, module, tmp_path):
    source, path = application(name), tmp_path / "made.weights.h5"
    source.save_weights(path)
    model, pixels = pretrained.load(f"keras:{name}", str(path), SHAPE)
    images = np.random.default_rng(1).integers(256, size=(2, *SHAPE))
    images = images.astype("float32")
    prepare = getattr(keras.applications, module).preprocess_input
    expected = np.asarray(source(prepare(images.copy())))
    mean, deviation = map(np.float32, pixels)
    features = np.asarray(model((images - mean) / deviation))
    largest = np.abs(expected).max()
    assert largest > 0
    np.testing.assert_allclose(features, expected, atol=1e-3 * largest)


def test_every_application_says_what_pixels_it_expects():
    names = [each for each in dir(keras.applications) if each[0].isupper()]
    assert len(names) > 30
    for name in names:
        mean, deviation = pretrained.expected_pixels(name)
        assert len(mean) == len(deviation) == 3
    assert pretrained.expected_pixels("EfficientNetV2S")[0][0] == 128
    assert pretrained.expected_pixels("ResNet152V2")[1][0] == 127.5


OTHER, LARGE = "keras:MobileNetV2", "keras:MobileNetV3Large"


@pytest.mark.parametrize(
    ("backbone", "file", "says"),
    [
        # Of another shape, or with classification layers.
        (LARGE, "made.weights.h5", "made.weights.h5.*notop"),
        (LARGE, "made.h5", "made.h5.*notop"),
        pytest.param(OTHER, "made.weights.h5", "s.h5.*notop", marks=slow),
        pytest.param(OTHER, "made.h5", "made.h5.*notop", marks=slow),
        (f"keras:{NAME}", "with_top.h5", "with_top.h5.*notop"),
        # Of something else.
        (f"keras:{NAME}", "empty.h5", "empty.h5"),
        (f"keras:{NAME}", "text.h5", "text.h5"),
        ("densenet169", "no.h5", "no.h5: no such file"),
        ("resnet32", "made.h5", "made.h5.*resnet32.*model.keras"),
        ("resnet50", "made.h5", "made.h5.*resnet50.*model.keras"),
    ],
)
def test_files_that_do_not_fit_are_refused_in_one_line(
    saved, backbone, file, says
):
    path = saved[1] / file
    if file == "with_top.h5":
        keras.applications.MobileNetV3Small(
            weights=None, input_shape=SHAPE, classes=7
        ).save(path)
    elif file in ("empty.h5", "text.h5"):
        path.write_text("no archive of arrays" if file == "text.h5" else "")
    with pytest.raises(InputError, match=says) as caught:
        pretrained.load(backbone, str(path), SHAPE)
    assert "\n" not in str(caught.value)


def test_imagenet_for_other_backbones_or_channels_is_refused(saved):
    for backbone in ("resnet32", "resnet50"):
        with pytest.raises(InputError, match=f"imagenet.*{backbone}.*model.k"):
            pretrained.load(backbone, "imagenet", SHAPE)
    for weights in (str(saved[1] / "made.h5"), "imagenet"):
        with pytest.raises(InputError, match="3 channels, these have 1"):
            pretrained.load(f"keras:{NAME}", weights, (32, 32, 1))


def test_no_network_says_which_file_to_put_where(tmp_path, monkeypatch):
    def unreachable(address, *args, **kwargs):
        raise urllib.error.URLError("no network")

    utils = "keras.src.utils.file_utils"
    monkeypatch.setattr(f"{utils}.urlretrieve", unreachable)
    monkeypatch.setattr(
        "keras.src.backend.config.keras_home", lambda: str(tmp_path)
    )
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(InputError) as caught:
        pretrained.load(f"keras:{NAME}", "imagenet", SHAPE)
    said = str(caught.value)
    file = "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5"
    assert f"/{file} elsewhere" in said
    assert f"put {file} into {tmp_path}/models" in said
    assert f"--weights=FOLDER/{file}" in said
    assert "\n" not in said


def test_downloaded_weights_are_taken_from_where_keras_puts_them(
    saved, tmp_path, monkeypatch
):
    asked = []

    def get_file(name, *args, **kwargs):
        asked.append(name)
        return str(saved[1] / "made.h5")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    model, _ = pretrained.load(f"keras:{NAME}", "imagenet", SHAPE)
    assert len(asked) == 1
    np.testing.assert_array_equal(
        model.get_layer("conv").get_weights()[0],
        saved[0].get_layer("conv").get_weights()[0],
    )
