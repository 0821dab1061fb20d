"""Requests that every signature must refuse, and what it must then say."""

import exported
import numpy as np
import tensorflow as tf


def all_of_them():
    """Yield (signature, what is wrong, inputs, words of the message)."""
    for signature in (*exported.BY_NAME, "dynamic"):
        for wrong, image, words in bad_images():
            inputs = {"image": image}
            if signature == "dynamic":
                count = len(image) if wrong != "3-D" else 1
                inputs["exit_threshold"] = exported.rows([0.5, 0.5], count)
            yield signature, wrong, inputs, words
    for wrong, limits, words in bad_thresholds():
        image = {"image": exported.images()[:2]}
        yield "dynamic", wrong, {**image, "exit_threshold": limits}, words
        files = {"image_bytes": np.array([png(), png()])}
        yield "dynamic_jpeg", wrong, {**files, "exit_threshold": limits}, words
    for wrong, files, words in bad_files():
        inputs = {"image_bytes": files}
        for name in exported.BY_NAME:
            yield f"{name}_bytes", wrong, inputs, words
        count = len(files) if files.ndim else 1
        limits = exported.rows([0.5, 0.5], count)
        yield "dynamic_jpeg", wrong, inputs | {"exit_threshold": limits}, words


def bad_images():
    """Yield (what is wrong, image, words of the message)."""
    good = exported.images()[:2]
    needed = "expected shape [?,8,8,3]"
    yield "3-D", good[0], needed
    yield "5-D", good[None], needed
    yield "wrong size", good[:, :5], needed
    yield "grey", good[..., :1], needed
    yield "uint8", good.astype("uint8"), "expected to be a float tensor"
    yield "float64", good.astype("float64"), "expected to be a float tensor"
    yield "empty batch", good[:0], "expected at least one image"
    for value in (np.nan, np.inf, -1, 256):
        other = good.copy()
        other[1, 7, 7, 2] = value
        yield f"pixel of {value}", other, "expected pixel values"


def bad_thresholds():
    """Yield (what is wrong, thresholds of two images, words)."""
    for value in (0, 1 + 2**-23, -0.5, 1.5, np.nan, np.inf):
        limits = exported.rows([0.5, 0.5], 2)
        limits[1, 1] = value
        yield f"threshold of {value}", limits, "outside (0, 1]"
    needed = "expected a row of thresholds for every image"
    yield "thresholds of one image", exported.rows([0.5, 0.5], 1), needed
    yield "thresholds of three", exported.rows([0.5, 0.5], 3), needed
    yield "no thresholds", exported.rows([0.5, 0.5], 0), needed
    needed = "expected shape [?,2]"
    yield "one column", exported.rows([0.5], 2), needed
    yield "three columns", exported.rows([0.5] * 3, 2), needed
    yield "a scalar", np.float32(0.5), needed
    yield "one row", np.array([0.5, 0.5], "float32"), needed
    limits = exported.rows([0.5, 0.5], 2).astype("float64")
    yield "float64 thresholds", limits, "expected to be a float tensor"


def bad_files():
    """Yield (what is wrong, array of bytes, words)."""
    yield "no file", np.array([], "S1"), "expected at least one image"
    accepted = "no JPEG, PNG, BMP or WebP file; expected one whole file"
    yield "empty file", np.array([b""]), f"{accepted} for each image"
    yield "text", np.array([b"not an image"]), accepted
    yield "one of two", np.array([png(), b"text!"]), "its bytes:] [1] [5]"
    yield "GIF", np.array([b"GIF89a" + bytes(20)]), accepted
    # TensorFlow knows it, and would decode it to any size.
    yield "JPEG XL", np.array([b"\xff\x0a" + bytes(20)]), accepted
    whole = "expected_a_whole_JPEG_PNG_BMP_or_WebP_file"
    yield "cut off", np.array([png()[:40]]), whole
    photo = jpeg()
    for length in (3, 20, len(photo) // 2, len(photo) - 2):
        yield f"JPEG of {length} bytes", np.array([photo[:length]]), whole
    yield "2-D", np.array([[png()]]), "expected shape [?]"
    yield "a scalar file", np.array(png()), "expected shape [?]"


def jpeg() -> bytes:
    """A photo of more than one block, as a file."""
    pixels = np.tile(exported.images()[0].astype("uint8"), (4, 4, 1))
    return tf.io.encode_jpeg(pixels).numpy()


def png() -> bytes:
    """An image as a file."""
    return tf.io.encode_png(exported.images()[0].astype("uint8")).numpy()
