"""20,000 requests with malformed ones among them: right, and memory flat."""

import concurrent.futures
import pathlib
import resource
import threading

import bad_requests
import exported
import grpc
import made_chain
import numpy as np
import pytest

from elf_keras.deploy import chain_runner

pytest_plugins = ("serving_client",)
REQUESTS = 20_000
# Allocators and caches are full by then.
WARM = 5_000
MIB = 2**20
GROWTH = 32 * MIB
# One request in five is malformed.
EVERY = 5
THREADS = 4


def resident(process):
    """Bytes of a process that are in memory."""
    pages = pathlib.Path(f"/proc/{process}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def grown(process, ask_all):
    """Ask all numbers; the growth of resident memory after the warm-up."""
    ask_all(range(WARM))
    before = resident(process)
    ask_all(range(WARM, REQUESTS))
    return resident(process) - before


class Asked:
    """Requests to the server from several threads, as clients send them."""

    def __init__(self, client):
        self.client, self.lock = client, threading.Lock()
        self.bad = list(bad_requests.all_of_them())
        self.refused = 0
        self.limits = exported.rows(exported.thresholds(), 4)

    def one(self, number):
        if number % EVERY:
            start = number % (exported.IMAGES - 4)
            rows = slice(start, start + 4)
            images = exported.images()[rows]
            found = self.client.ask(
                "dynamic", image=images, exit_threshold=self.limits
            )
            exported.check(found, exported.scores()[rows], self.limits)
            return
        signature, _, inputs, words = self.bad[number // EVERY % len(self.bad)]
        with pytest.raises(grpc.RpcError) as raised:
            self.client.ask(signature, **inputs)
        assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert words in raised.value.details()
        with self.lock:
            self.refused += 1


def test_served_model(server, client, figures):
    asked = Asked(client)
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        growth = grown(server.pid, lambda some: list(pool.map(asked.one, some)))
    assert server.poll() is None
    assert asked.refused == REQUESTS // EVERY
    figures(
        "soak of the served SavedModel",
        requests=REQUESTS,
        refused=asked.refused,
        grown_mib=round(growth / MIB, 1),
    )
    assert growth < GROWTH


def bad_calls(runner, image):
    """Calls of `predict` that must be refused."""
    height, width, channels = image.shape
    yield (image[:-1],), {}
    yield (image[..., 0],), {}
    yield (image.astype("float32") + 1000,), {}
    yield (np.full(image.shape, np.nan, "float32"),), {}
    yield (image.astype(object),), {}
    yield (image.tolist(),), {}
    yield (None,), {}
    yield (image,), {"policy": "unknown"}
    yield (image,), {"policy": [0.5]}
    yield (image,), {"policy": [0.5, 2.0]}
    yield (image,), {"policy": [0.5, "x"]}
    yield (image,), {"deadline_ms": float("nan")}
    yield (image,), {"deadline_ms": "soon"}


def test_chain_runner(tmp_path, figures):
    pytest.importorskip("ai_edge_litert")
    chain = made_chain.make(pathlib.Path(tmp_path), ["float32"])
    runner = chain_runner.ChainRunner(chain.manifest)
    bad = list(bad_calls(runner, chain.images[0]))
    expected = [
        (answer.exit, answer.class_index)
        for answer in map(runner.predict, chain.images)
    ]
    refused = 0

    def ask(number):
        nonlocal refused
        if number % EVERY:
            index = number % len(chain.images)
            answer = runner.predict(chain.images[index])
            assert (answer.exit, answer.class_index) == expected[index]
            return
        words, options = bad[number // EVERY % len(bad)]
        with pytest.raises(chain_runner.ChainError):
            runner.predict(*words, **options)
        refused += 1

    growth = grown("self", lambda some: list(map(ask, some)))
    assert refused == REQUESTS // EVERY
    figures(
        "soak of the chain runner",
        requests=REQUESTS,
        refused=refused,
        grown_mib=round(growth / MIB, 1),
    )
    assert growth < GROWTH
