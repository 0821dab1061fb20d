"""Where the tests find real data, and the tiny models they share."""

import os
import pathlib

import pytest

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def test_data() -> pathlib.Path:
    """The folder of real data (`cifar10/`, `gtsrb/`), or a skip."""
    folder = pathlib.Path(
        os.environ.get("ELF_TEST_DATA", CHECKOUT.parent / "shared" / "data")
    )
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}: set ELF_TEST_DATA")
    return folder
