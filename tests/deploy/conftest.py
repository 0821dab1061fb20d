"""The made export that tests of the chain runner ask, and a copy of it."""

import shutil

import made_chain
import pytest

from elf_keras.deploy.chain_runner import ChainRunner


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
