"""Where the tests find real data, and what only `make faults` runs."""

import gc
import json
import os
import pathlib

import hypothesis
import pytest
import shared

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
FAULTS = CHECKOUT / "tests" / "faults"
FIGURES = CHECKOUT / "benchmarks" / "results" / "faults.json"
# Tests are begun by as many processes as there are cores (see the Makefile):
# more threads in each would wait for one another. Whoever sets them decides.
for variable in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
# As a command sets it in a process of its own, whose bits some tests compare.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# An example may take long on a busy machine: no test is a timed one.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")
# While tests are imported there is little garbage, and looking takes seconds.
gc.disable()
# Files that take longest, begun first: left for the end, one of them would
# keep a single process busy while the others have nothing to do.
LONGEST = (
    *("test_worker_commands", "test_rows", "test_resume", "test_replicas"),
    *("test_commands", "test_odd_names", "test_what_ships"),
    *("test_backbones_applications", "test_backbones_pretrained"),
    *("test_second_stage_from_flags", "test_photos_224", "test_worker_steps"),
    *(
        "test_bundle",
        "test_bundle_rules",
        "test_tflite_chain",
        "test_mid_epoch",
    ),
    *("test_experiments", "test_train_command", "test_checkpoints"),
    *("test_determinism", "test_search", "test_c_api"),
)


def pytest_ignore_collect(collection_path, config):
    """Leave faults out, and what they import, unless they are asked for."""
    mine = FAULTS in (collection_path, *collection_path.parents)
    return True if mine and "faults" not in config.option.markexpr else None


def pytest_collection_modifyitems(items):
    """Mark faults, and begin with what takes longest."""
    for item in items:
        if FAULTS in item.path.parents:
            item.add_marker(pytest.mark.faults)
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(LONGEST)))


def pytest_runtestloop():
    """Modules stay: no collection of garbage looks at them again."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def shared_folder(tmp_path_factory):
    """What one process made, the others take, see tests/helpers/shared.py."""
    own = tmp_path_factory.getbasetemp()
    among_several = "PYTEST_XDIST_WORKER" in os.environ
    folder = (own.parent if among_several else own) / "shared"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(shared.VARIABLE, str(folder))
        yield


@pytest.fixture(scope="session")
def test_data() -> pathlib.Path:
    """The folder of real data (`cifar10/`, `gtsrb/`), or a skip."""
    folder = pathlib.Path(
        os.environ.get("ELF_TEST_DATA", CHECKOUT.parent / "shared" / "data")
    )
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}: set ELF_TEST_DATA")
    return folder


@pytest.fixture
def figures():
    """Keep a fault's figures: `figures("kills", injected=30, ...)`."""

    def keep(name, **values):
        found = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
        found[name] = values
        FIGURES.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")

    return keep
