"""What a notebook does with a model: re-weighting, and leaving early."""

import keras
import numpy as np
import pytest
import tiny

from elf_keras import library, losses
from elf_keras.errors import InputError

pytestmark = pytest.mark.slow


def test_weights_apply_from_their_epoch_on():
    model, data = tiny.compiled(), tiny.data()
    weights, seen = losses.class_weights.effective_number([9, 6, 3]), []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(
            np.array(model.objective.class_weights)
        )
    )
    later = library.delayed_reweighting(model.objective, weights, from_epoch=2)
    images, labels = data.train.images, data.train.labels
    model.fit(images, labels, epochs=4, verbose=0, callbacks=[later, watch])
    for epoch, found in enumerate(seen):
        expected = weights if epoch >= 2 else np.ones(3)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    with pytest.raises(InputError, match=r"weights \(2,\): expected .* 3 cla"):
        library.delayed_reweighting(model.objective, [1, 1], from_epoch=0)
    for loss, epoch in ((model.objective, -1), (losses.exit_loss("ce"), 2)):
        with pytest.raises(InputError, match=f"from epoch {epoch} on: expecte"):
            library.delayed_reweighting(loss, weights, from_epoch=epoch)


def test_images_leave_at_the_first_sure_exit():
    model, images = tiny.model(), tiny.data().test.images
    logits = [model.predict(images, verbose=0)[f"exit_{k}"] for k in (1, 2)]
    shares = np.exp(logits[0]) / np.exp(logits[0]).sum(-1, keepdims=True)
    sure = np.sort(shares.max(-1))
    s = float(sure[len(sure) // 2 : len(sure) // 2 + 2].mean())
    found = library.predict_early(model, images, s)
    leaves = shares.max(-1) > s
    assert 0 < leaves.sum() < len(images)
    assert (found.exit_taken == np.where(leaves, 0, 1)).all()
    expected = np.where(leaves, *(each.argmax(-1) for each in logits))
    np.testing.assert_array_equal(found.classes, expected)
    assert (library.predict_early(model, images, 1.0).exit_taken == 1).all()
    # Batch by batch, the last one smaller, nothing is different.
    parts = library.predict_early(model, images, s, batch_size=4)
    for name in ("classes", "certainty", "exit_taken", "scores"):
        np.testing.assert_allclose(
            getattr(parts, name), getattr(found, name), rtol=1e-5
        )
    # Of two exits' logits z: 1 - H(softmax(σ z)) / log 3.
    powers = np.exp(3 * logits[0] - 3 * logits[0].max(-1, keepdims=True))
    p = powers / powers.sum(-1, keepdims=True)
    sure = 1 + (p * np.log(p)).sum(-1) / np.log(3)
    found = library.predict_early(
        model, images, 0.5, exit_rule="entropy", scale=3.0
    )
    assert (found.exit_taken == np.where(sure > 0.5, 0, 1)).all()
    assert 0 < (sure > 0.5).sum() < len(images)
    # Of two exits' logits R_2 = 0.5 z_1 + z_2, for those who stay.
    found = library.predict_early(model, images, 1.0, answer="running")
    total = 0.5 * logits[0] + logits[1]
    np.testing.assert_allclose(found.scores, total, rtol=1e-5, atol=1e-6)
    for wrong in ({"answer": "sum"}, {"answer_decay": 1.5}):
        with pytest.raises(InputError, match="own, running"):
            library.predict_early(model, images, **wrong)
    with pytest.raises(InputError, match=r"images \(2, 2, 1\): expected"):
        library.predict_early(model, images[0])
    for s in (0, 1.5, [0.5, 0.5], np.nan):
        with pytest.raises(InputError, match="expected a number in"):
            library.predict_early(model, images, s)
    for count in (0, -1):
        with pytest.raises(InputError, match=f"batch_size={count}: expected"):
            library.predict_early(model, images, batch_size=count)
    with pytest.raises(InputError, match="'entrop': expected one of confidenc"):
        library.predict_early(model, images, exit_rule="entrop")
    plain = keras.Model(model.inputs, model.outputs[0], name="plain")
    with pytest.raises(InputError, match="'plain' is a Functional without"):
        library.predict_early(plain, images)
