"""Parts that are converted one by one, and what stands for their inputs."""

import numpy as np

from elf_keras.deploy import graphs, tflite_parts


def test_representative_features_come_from_the_stage_before(model, images):
    parts = tflite_parts.one_by_one(tflite_parts.frozen(model), images)
    assert list(parts) == ["stage_1", "stage_2", "exit_1", "exit_2"]
    tap = parts["stage_1"].model(images.astype("float32"))["features"]
    np.testing.assert_array_equal(parts["stage_2"].samples, tap)
    assert parts["stage_2"].source == "features"


def test_few_samples_pass_a_stage_at_a_time(model, images, monkeypatch):
    """So that memory does not grow with their number."""
    sizes = []
    whole = graphs.FrozenStage.__call__

    def spied(stage, features, training=False):
        sizes.append(len(features))
        return whole(stage, features, training)

    monkeypatch.setattr(graphs.FrozenStage, "__call__", spied)
    many = np.concatenate([images] * 3)
    parts = tflite_parts.one_by_one(tflite_parts.frozen(model), many)
    assert sum(sizes) == len(many)
    assert max(sizes) <= 32 < len(many)
    samples = parts["stage_2"].samples
    assert samples.shape[0] == len(many)
    first, last = samples[: len(images)], samples[-len(images) :]
    np.testing.assert_allclose(first, last, rtol=1e-6)
