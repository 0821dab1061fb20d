"""kill -9, SIGTERM and a full disk: nothing lost, nothing repeated."""

import concurrent.futures
import random
import signal
import time

import command_runs
import pytest
import recorded_runs
from recorded_runs import Run

KILLS, LANES = 30, 2
# Of a process' start, and after its first step: a checkpoint lasts some 30 ms.
START_SECONDS, TRAINING_SECONDS = 5.0, 1.2


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos") / "photos"
    recorded_runs.draw(folder)
    return folder


@pytest.fixture(scope="module")
def whole(photos, tmp_path_factory):
    run = Run(photos, tmp_path_factory.mktemp("whole") / "run")
    run.finish()
    assert run.check_images() == 0
    return run


def wait(run, process, moments):
    """Until a random moment: of the start, or of the training."""
    if moments.random() < 0.2:
        time.sleep(moments.uniform(0, START_SECONDS))
    else:
        run.wait_for_a_step(process)
        time.sleep(moments.uniform(0, TRAINING_SECONDS))


def kill_often(photos, folder, lane):
    """Kill runs at random moments; return the runs, all finished."""
    moments = random.Random(lane)
    made, left = [], KILLS // LANES
    while left:
        made.append(Run(photos, folder / f"lane_{lane}_run_{len(made)}"))
        while left and not made[-1].is_finished:
            process = made[-1].start()
            wait(made[-1], process, moments)
            process.send_signal(signal.SIGKILL)
            _, err = process.communicate()
            assert process.returncode in (0, -signal.SIGKILL), err[-2000:]
            left -= process.returncode == -signal.SIGKILL
    if not made[-1].is_finished:
        made[-1].finish()
    return made


def test_kill_9_at_30_random_moments(whole, photos, tmp_path, figures):
    with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
        lanes = [
            pool.submit(kill_often, photos, tmp_path, lane)
            for lane in range(LANES)
        ]
        made = [run for lane in lanes for run in lane.result()]
    again = 0
    for run in made:
        again += run.check_images()
        run.check_same(whole)
    # A checkpoint is due every 30 ms, and a step takes less: about a step or
    # two a kill, were the machine idle.
    assert again <= 10 * KILLS
    figures(
        "kill -9",
        injected=KILLS,
        survived=KILLS,
        runs=len(made),
        examples_lost_or_repeated=0,
        ended_bit_for_bit_as_uninterrupted=len(made),
        steps_computed_again=again,
    )


def test_sigterm_at_random_moments(whole, photos, tmp_path, figures):
    moments, seconds = random.Random(7), []
    run = Run(photos, tmp_path / "run")
    for number in range(5):
        process = run.start(recorded=number > 0)
        if number:
            run.wait_for_a_step(process)
        else:
            run.wait_for_a_handler(process)
        time.sleep(moments.uniform(0, TRAINING_SECONDS))
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        ended = command_runs.ended(process)
        seconds.append(time.monotonic() - asked)
        assert ended.status == 75, ended.err[-2000:]
        assert "Traceback" not in ended.err
        assert ended.err.splitlines()[-1].endswith("go on with --resume")
        assert seconds[-1] < 10
    run.finish()
    # No step is done again: all of them were saved.
    assert run.check_images() == 0
    run.check_same(whole)
    figures(
        "SIGTERM",
        injected=5,
        survived=5,
        examples_lost_or_repeated=0,
        steps_computed_again=0,
        longest_seconds_to_end=round(max(seconds), 1),
    )


@pytest.mark.parametrize("limit", [1_000, 150_000, 400_000])
def test_a_full_disk_ends_clearly_and_once_freed_the_run_goes_on(
    whole, photos, tmp_path, figures, limit
):
    run = Run(photos, tmp_path / "run")
    ended = command_runs.ended(run.start(**command_runs.small_files(limit)))
    command_runs.assert_told(ended, "free the disk")
    assert not list(run.folder.rglob(".writing*"))
    run.finish()
    run.check_images()
    run.check_same(whole)
    figures(f"full disk at {limit} bytes", injected=1, survived=1)


@pytest.mark.parametrize(
    ("form", "limit"), [("saved_model", 30_000), ("float32", 60_000)]
)
def test_an_export_on_a_full_disk_leaves_nothing(
    whole, tmp_path, figures, form, limit
):
    output = tmp_path / "exports" / "made"
    ended = command_runs.ended(
        command_runs.child(
            *("-m", "elf_keras.export", f"--workdir={whole.folder}"),
            *(f"--output={output}", f"--formats={form}"),
            **command_runs.small_files(limit),
        )
    )
    command_runs.assert_told(ended, "free the disk")
    assert list(output.parent.iterdir()) == []
    figures(f"full disk at {limit} bytes, export", injected=1, survived=1)
