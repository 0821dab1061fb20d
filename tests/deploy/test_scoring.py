"""Whole splits through exported chains: many images at a time, on threads."""

import threading

import numpy as np
import pytest

from elf_keras.deploy import batched, measure, scoring

pytest.importorskip("ai_edge_litert")


@pytest.fixture(params=["float32", "int8"])
def files(chain, request):
    return chain.manifest.parent / "tflite" / request.param


@pytest.fixture
def expected(chain, files):
    """Image by image, as in use."""
    stages = measure.open_files(files, "stage")
    return measure.chain_logits(stages, chain.images)


def logits(files, images):
    with scoring.Scoring() as threads:
        return threads.start(files, images)()


def refuse(*_):
    raise ValueError("takes one image alone")


@pytest.mark.parametrize("how", ["together", "otherwise", "refused"])
def test_logits_are_those_of_each_image_alone_in_order(
    chain, files, expected, how, monkeypatch
):
    # The last of several tasks has fewer images than a batch.
    monkeypatch.setattr(scoring, "CHUNK", 23)
    asked = []
    many = batched.Batched.logits
    monkeypatch.setattr(
        batched.Batched,
        "logits",
        lambda self, images: asked.append(len(images)) or many(self, images),
    )
    if how == "otherwise":
        monkeypatch.setattr(batched.Batched, "answers", lambda *_: False)
    if how == "refused":
        monkeypatch.setattr(batched.Batched, "__init__", refuse)
    found = logits(files, chain.images)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.dtype == np.float32
    assert sorted(asked) == ([4, 14, 23, 23] if how == "together" else [])


def test_what_answers_otherwise_together_is_seen(chain, files, expected):
    """As where a file has its batch in a constant."""
    paths = measure.paths(files, "stage")
    together = batched.Batched(paths, chain.images.shape[1:])
    assert together.answers(chain.images[:4], expected[:4])
    assert not together.answers(chain.images[:4], expected[[1, 0, 2, 3]])
    assert not together.answers(chain.images[:4], expected[:4, :2])


def test_of_large_images_few_are_held_at_a_time(chain, files):
    paths = measure.paths(files, "stage")
    assert batched.Batched(paths, (8, 8, 1))._count == batched.MOST
    assert batched.Batched(paths, (299, 299, 1))._count == 2
    assert batched.Batched(paths, (2000, 2000, 1))._count == 1


@pytest.mark.slow
def test_what_nobody_waits_for_is_dropped(chain, files, monkeypatch):
    monkeypatch.setattr(scoring, "CHUNK", 1)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt), scoring.Scoring() as threads:
        threads.start(files, np.tile(chain.images, (500, 1, 1, 1)))
        raise KeyboardInterrupt
    assert threading.active_count() == before


def test_an_error_of_a_thread_is_the_callers(chain, files, monkeypatch):
    def fail(*_):
        raise RuntimeError("no memory")

    with scoring.Scoring() as threads:
        wait = threads.start(files, chain.images)
        wait()
        monkeypatch.setattr(scoring._Chains, "logits", fail)
        with pytest.raises(RuntimeError, match="no memory"):
            threads.start(files, chain.images)()
