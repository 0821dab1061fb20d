"""Weights of `keras.applications`, made here since none can be fetched."""

import urllib.error

import command_runs
import keras
import numpy as np
import pytest

from elf_keras import models
from elf_keras.cli import model_from_flags
from elf_keras.data import splits
from elf_keras.errors import InputError
from elf_keras.models.backbones import pretrained

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
    for layer in model.layers:
        weights = layer.get_weights()
        layer.set_weights(
            [
                w * random.uniform(0.5, 1.5, w.shape).astype(w.dtype)
                for w in weights
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


def data():
    random = np.random.default_rng(0)
    images = random.integers(256, size=(6, *SHAPE)).astype("uint8")
    labels = np.repeat(np.arange(3), (3, 2, 1)).astype("int32")
    part = splits.Examples(images, labels, ("",) * 6)
    return splits.Splits(part, None, part, ("a", "b", "c"), np.array([9, 4, 3]))


def built(weights):
    words = ("--workdir=", f"--backbone=keras:{NAME}", f"--weights={weights}")
    with command_runs.fresh_flags(*words):
        return model_from_flags.model(data())


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
    fresh = said.partition("fresh: ")[2]
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


@pytest.mark.parametrize(
    ("backbone", "file"),
    [
        ("keras:MobileNetV3Large", "made.weights.h5"),
        ("keras:MobileNetV3Large", "made.h5"),
        pytest.param("keras:MobileNetV2", "made.weights.h5", marks=slow),
        pytest.param("keras:MobileNetV2", "made.h5", marks=slow),
    ],
)
def test_weights_of_another_shape_are_refused_in_one_line(
    saved, backbone, file
):
    with pytest.raises(InputError, match=f"{file}.*notop") as caught:
        pretrained.load(backbone, str(saved[1] / file), SHAPE)
    assert "\n" not in str(caught.value)


def test_weights_for_other_channels_are_refused(saved):
    path = saved[1] / "made.weights.h5"
    for weights in (str(path), "imagenet"):
        with pytest.raises(InputError, match="3 channels, these have 1"):
            pretrained.load(f"keras:{NAME}", weights, (32, 32, 1))


def test_a_file_with_classification_layers_is_refused(tmp_path):
    path = tmp_path / "with_top.h5"
    keras.applications.MobileNetV3Small(
        weights=None, input_shape=SHAPE, classes=7
    ).save(path)
    with pytest.raises(InputError, match="with_top.h5.*notop"):
        pretrained.load(f"keras:{NAME}", str(path), SHAPE)


@pytest.mark.parametrize("content", [b"", b"no archive of arrays"])
def test_a_file_of_something_else_is_refused(tmp_path, content):
    path = tmp_path / "made.h5"
    path.write_bytes(content)
    with pytest.raises(InputError, match="made.h5") as caught:
        pretrained.load(f"keras:{NAME}", str(path), SHAPE)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("weights", ["imagenet", "made.h5"])
@pytest.mark.parametrize("backbone", ["resnet32", "resnet50"])
def test_backbones_without_published_weights(backbone, weights):
    with pytest.raises(InputError, match=f"{weights}.*{backbone}.*model.keras"):
        pretrained.load(backbone, weights, SHAPE)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="no.h5: no such file"):
        pretrained.load("densenet169", str(tmp_path / "no.h5"), SHAPE)


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
