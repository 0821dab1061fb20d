"""--backbone=FILE.keras and --taps."""

import command_runs
import given_models
import numpy as np
import pytest
from made_splits import made

from elf_keras import models
from elf_keras.cli import backbone_from_flags, model_from_flags
from elf_keras.errors import InputError


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("given") / "mine.keras"
    given_models.tutorial(shape=(8, 8, 1)).save(path)
    return path


def built(*words):
    with command_runs.fresh_flags("--workdir=", *words):
        return model_from_flags.model(made())


def test_a_file_and_what_is_said_of_it(file, capsys):
    model = built(f"--backbone={file}", "--head_filters=4:6,8,9")
    # The second is between places that are 31 % of the cost apart.
    taps = ["first_add", "second_down", "second_add"]
    assert models.tap_names(model)[:-1] == taps
    assert model.get_layer("exit_1_2_conv").filters == 6
    # The statistics of the training images have no part in it.
    pixels = np.full((1, 8, 8, 1), 51.0)
    normalize = model.get_layer("normalize")
    np.testing.assert_array_equal(normalize(pixels), pixels)
    told = capsys.readouterr().err
    assert f"note: --backbone={file}: its layers flipped, turned are" in told
    assert (
        "the exits read the outputs of first_add, second_down, second_add"
        in told
    )
    assert "0 to 255" not in told


def test_a_file_that_does_not_normalize(tmp_path, capsys):
    path = tmp_path / "bare.keras"
    given_models.plain(lambda x: x, shape=(8, 8, 1)).save(path)
    built(f"--backbone={path}", "--method=single")
    told = capsys.readouterr().err
    assert "neither a Rescaling nor a Normalization" in told
    assert "gets pixel values 0 to 255 as they are" in told


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--taps=stem,second_add"], ["stem", "second_add"]),
        # The numbers count the named layers.
        (["--taps=stem,first_add,second_add", "--exits=1,3"], None),
        (["--taps=stem", "--exits=none"], []),
        (["--taps=stem", "--method=single"], []),
    ],
)
def test_taps(file, words, expected):
    model = built(f"--backbone={file}", *words)
    expected = ["stem", "second_add"] if expected is None else expected
    assert models.tap_names(model)[:-1] == expected


def test_taps_of_a_backbone_that_has_its_own(capsys):
    model = built("--backbone=resnet8", "--taps=stem_relu")
    assert models.tap_names(model)[:-1] == ["stem_relu"]
    assert "the exits read the outputs of stem_relu" in capsys.readouterr().err
    with pytest.raises(InputError, match="exits '2'.*among 1 .taps stem_relu"):
        built("--backbone=resnet8", "--taps=stem_relu", "--exits=2")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--weights=imagenet"], "no such weights for --backbone=.*mine.keras"),
        (["--method=bbn"], "doubles the last block of a ResNet"),
        (["--head_filters=8"], "1 pairs for 3 early exits"),
        (["--taps=classes"], "tap 'classes': there is no such layer"),
        (["--backbone=no.keras"], "--backbone=no.keras: there is no such file"),
    ],
)
def test_what_does_not_go_with_a_file(file, words, says):
    with pytest.raises(InputError, match=says):
        built(f"--backbone={file}", *words)


def test_images_of_another_size(file):
    says = "--backbone=.*mine.keras takes images of 8 x 8 x 1, .* 9 x 9 x 3"
    with (
        command_runs.fresh_flags("--workdir=", f"--backbone={file}"),
        pytest.raises(InputError, match=says),
    ):
        backbone_from_flags.backbone((9, 9, 3))
