"""Which images stand for a split: those of parity, and of int8 ranges."""

import numpy as np
import pytest

from elf_keras.deploy import bundle


@pytest.mark.parametrize("images", [1, 2, 199, 200, 201, 399, 400, 12_345])
def test_rows_reach_from_the_first_image_to_the_last(images):
    found = bundle._spread_over(images, 200)
    assert len(found) == min(images, 200) == len(set(found.tolist()))
    assert (found[0], found[-1]) == (0, images - 1)
    steps = np.diff(found)
    assert images == 1 or steps.max() - steps.min() <= 1
