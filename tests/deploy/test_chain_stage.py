"""What a stage of the chain takes, image after image."""

import numpy as np


def test_bytes_after_floats_are_pixels(runner):
    stage = runner.stages[0]
    pixels = np.arange(stage.inputs["image"]["shape"].prod()) % 256
    pixels = pixels.reshape(stage.inputs["image"]["shape"])
    floats = stage.run(stage.encode(pixels.astype("float32")))
    given = stage.encode(pixels.astype("uint8"))
    assert given.dtype == np.float32
    np.testing.assert_array_equal(stage.run(given), floats)
