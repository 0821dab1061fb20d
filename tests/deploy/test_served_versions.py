"""A server that watches NAME takes up what export adds, and nothing else."""

import shutil
import threading

import exported
import numpy as np
import pytest
import serving_client

from elf_keras.deploy import versions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A NAME with one version, that another process may serve."""
    folder = tmp_path_factory.mktemp("served") / exported.NAME
    shutil.copytree(exported.folder(), folder / "1")
    return folder


@pytest.fixture(scope="module")
def client(base):
    with serving_client.serving(base) as process:
        yield serving_client.Client(process.port)


def test_the_next_version_is_served_and_no_request_fails(base, client):
    seen, ended = [], threading.Event()

    def ask():
        while not ended.is_set():
            answer = client.response("", image=exported.images()[:1])
            seen.append(answer.model_spec.version.value)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        with versions.adding(base) as made:
            # As slow as another process writes: nothing of it is served.
            for part in sorted((base / "1").rglob("*")):
                place = made / part.relative_to(base / "1")
                if part.is_file():
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(part, place)
                while len(seen) < 3:
                    ended.wait(0.05)
            assert {*seen} == {1}
            assert versions.put(made, base) == base / "2"
        for _ in range(100):
            if seen[-1] == 2:
                break
            ended.wait(0.1)
    finally:
        ended.set()
        thread.join()
    assert seen == sorted(seen)
    assert seen[-1] == 2
    found = client.ask("", image=exported.images())
    limits = exported.limits_of(exported.DEFAULT_POLICY, exported.IMAGES)
    exported.check(found, exported.scores(), limits)
    assert np.all(found["macs"] > 0)
