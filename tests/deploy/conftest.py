"""What tests of the chain runner and of TFLite files ask."""

import shutil

import made_chain
import pytest
import tiny

from elf_keras.choices import TFLITE_VARIANTS
from elf_keras.deploy import tflite_chain
from elf_keras.deploy.chain_runner import ChainRunner
from elf_keras.exits.answer_rule import PLAIN


@pytest.fixture(scope="session")
def chain(tmp_path_factory):
    return made_chain.make(tmp_path_factory.mktemp("chain"))


@pytest.fixture
def runner(chain):
    return ChainRunner(chain.manifest)


@pytest.fixture
def copy(chain, tmp_path):
    """A copy of the export that a test may damage."""
    folder = tmp_path / "copy"
    shutil.copytree(chain.manifest.parent, folder)
    return folder / made_chain.MANIFEST


@pytest.fixture(scope="session")
def model():
    """A tiny model of two exits, not trained."""
    return tiny.compiled(rate=0.0)


@pytest.fixture(scope="session")
def images():
    return tiny.examples((8, 8, 8)).images


@pytest.fixture(scope="session")
def folder(model, images, tmp_path_factory):
    """TFLite files of the tiny model, of every variant."""
    folder = tmp_path_factory.mktemp("tflite")
    tflite_chain.write(
        model,
        folder,
        variants=list(TFLITE_VARIANTS),
        images=images,
        single_file=PLAIN,
    )
    return folder
