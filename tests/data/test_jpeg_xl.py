"""JPEG XL is refused by all alike: TensorFlow decodes it, Pillow does not.

A model that was served would otherwise see images that no training had.
"""

import functools

import numpy as np
import photo_folders
import pytest
import tensorflow as tf
from PIL import Image

from elf_keras.data import image_header, images, pipeline
from elf_keras.data.named_images import NamedImages
from elf_keras.deploy import decoding

TOLD = "JPEG XL is not read; convert it to PNG or JPEG"
# Eight pixels square, of one red: bare, and in a container.
BARE = bytes.fromhex(
    "ff0a4140240800010058004b188b1500d48831c68b31de01c444292a00b867e203"
)
BOXED = (
    bytes.fromhex(
        "0000000c4a584c200d0a870a"
        "00000014667479706a786c20000000006a786c20"
        "000000296a786c63"
    )
    + BARE
)
KINDS = pytest.mark.parametrize(
    "content", [BARE, BOXED], ids=["bare", "container"]
)


@KINDS
def test_tensorflow_would_decode_it(content):
    """Else nothing here would have to be refused."""
    found = tf.io.decode_image(content, 3, expand_animations=False).numpy()
    assert found.shape == (8, 8, 3)
    assert (found == (200, 10, 10)).all()


@KINDS
@pytest.mark.parametrize("name", ["photo.jxl", "photo.jpg", "photo"])
def test_training_and_predict_say_so_whatever_its_name_is(
    tmp_path, content, name
):
    (tmp_path / name).write_bytes(content)
    _, (reason,) = images.scan([tmp_path / name])
    assert reason == TOLD
    assert images.attempt(tmp_path / name, 8) == (None, TOLD)
    ((path, why),) = NamedImages([str(tmp_path)])
    # By its name or first bytes, unless it has the name of another format.
    assert path.endswith(name)
    assert why == ("" if name == "photo.jpg" else TOLD)


@pytest.mark.slow
@KINDS
def test_a_photo_that_becomes_one_while_training_is_damaged(tmp_path, content):
    grey = Image.new("L", (8, 8), 99)
    photo_folders.save(tmp_path / "a.png", grey)
    photos = photo_folders.opened(tmp_path, ["a.png"])
    (tmp_path / "a.png").write_bytes(content)
    ((found, *_),) = pipeline.evaluation_batches(photos, batch_size=1)
    assert not found.numpy().any()
    assert photos.images.damaged.reasons == {"a.png": TOLD}


@KINDS
def test_a_served_model_refuses_it(content):
    ask = functools.partial(decoding.decode_all, shape=(8, 8, 3))
    with pytest.raises(tf.errors.InvalidArgumentError, match="no JPEG, PNG"):
        ask(np.array([content]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="a JPEG XL image"):
        image_header.bounded(content)
