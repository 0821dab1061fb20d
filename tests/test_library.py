"""What a notebook does: a run of a trained model, re-weighting, leaving."""

import importlib
import json
import sys

import command_runs
import keras
import made_plugin
import numpy as np
import pytest
import tiny

from elf_keras import library, losses, models, plugins, runs
from elf_keras.cli import workdir
from elf_keras.data import long_tail
from elf_keras.errors import InputError
from elf_keras.evaluation import prediction
from elf_keras.losses import exit_losses

pytestmark = pytest.mark.slow


def trained(loss=None, *, threshold=0.6):
    """A tiny model after two epochs, and what `fit` returned."""
    model, train = tiny.model(), tiny.data().train
    loss = loss or losses.exit_loss("balanced_softmax", [9, 6, 3])
    objective = losses.CumulativeLoss(loss, 3, train_threshold=threshold)
    model.compile(keras.optimizers.SGD(0.05), objective)
    images, labels = train.images, train.labels
    fitted = model.fit(images, labels, batch_size=2, epochs=2, verbose=0)
    return model, fitted


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    model, fitted = trained()
    folder = tmp_path_factory.mktemp("saved") / "mine"
    assert (
        library.save_run(folder, model, tiny.data(), history=fitted) == folder
    )
    return folder, model, fitted


def test_a_run_has_all_that_a_training_leaves(saved):
    folder, model, fitted = saved
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *("flags.flags", "data.csv", "run.json", "history.csv", "arrays.npz"),
        *("model.keras", "metrics.json", "per_class.csv"),
    }
    assert not [*folder.parent.glob(f"{runs.WRITING}*")]
    flags = workdir.flags_of(folder)
    assert flags.exit_loss == "balanced_softmax"
    assert (flags.method, flags.train_threshold) == ("har", "0.6")
    assert (flags.epochs, flags.dataset) == (2, "arrays")
    rows = command_runs.rows(folder / "history.csv")
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert [float(row["loss"]) for row in rows] == fitted.history["loss"]
    assert float(rows[1]["learning_rate"]) == pytest.approx(0.05)
    data = tiny.data()
    found = models.load(folder / "model.keras").predict(data.test.images)
    for name, logits in model.predict(data.test.images).items():
        np.testing.assert_allclose(found[name], logits, atol=1e-6)
    record = runs.read_json(folder / "run.json")
    assert record["data"]["class_names"] == ["dark", "grey", "light"]
    assert record["data"]["class_counts"] == data.class_counts.tolist()
    assert len(record["model"]["exits"]) == 2


def test_scores_are_those_of_the_model_and_of_evaluate(saved):
    folder, model, _ = saved
    data = tiny.data()
    logits = prediction.predict_logits(model, data.test)
    static = np.mean(logits[:, -1].argmax(-1) == data.test.labels)
    scores = runs.read_json(folder / "metrics.json")["test"]["last"]
    # Three images a class: the mean over classes is that over images.
    assert scores["static"]["accuracy"] == pytest.approx(static)
    found, _ = command_runs.evaluated(folder, "--split=test")
    for mode in ("static", "dynamic"):
        for key in ("accuracy", "top1", "few", "macs"):
            assert found["test"][mode][key] == pytest.approx(scores[mode][key])


def test_commands_take_it_wherever_it_lies(saved, tmp_path):
    folder = saved[0].rename(tmp_path / "moved")
    try:
        _, policy = command_runs.swept(folder)
        assert "accurate" in policy["policies"]
        page = tmp_path / "page"
        command_runs.done(
            "report", folder, f"--output={page}", "--norun_models"
        )
        assert (page / "index.html").is_file()
        command_runs.draw(tmp_path / "a.png")
        ended = command_runs.done(
            "predict", f"--workdir={folder}", tmp_path / "a.png"
        )
        assert json.loads(ended.out)["class"] in ("dark", "grey", "light")
    finally:
        folder.rename(saved[0])


@pytest.mark.parametrize(
    ("loss", "threshold", "words"),
    [
        (
            ("focal", {"gamma": 2.0}),
            None,
            {"focal_gamma": 2.0, "method": "sum"},
        ),
        (("vs", {"tau": 0.5}), 0.8, {"logit_tau": 0.5, "method": "har"}),
        (("ce", {}), 0.7, {"exit_loss": "ce", "train_threshold": "0.7"}),
    ],
)
def test_a_run_knows_loss_and_threshold(tmp_path, loss, threshold, words):
    name, parameters = loss
    bound = losses.exit_loss(name, [9, 6, 3], **parameters)
    model, _ = trained(bound, threshold=threshold)
    folder = library.save_run(tmp_path / "run", model, tiny.data())
    flags = workdir.flags_of(folder)
    assert {key: flags[key].value for key in words} == words
    assert flags.exit_loss == name


def test_a_plug_ins_loss_brings_its_module(tmp_path):
    with made_plugin.written(tmp_path, made_loss=made_plugin.LOSS):
        sys.path.append(str(tmp_path))
        importlib.import_module("made_loss")
        bound = losses.exit_loss("made", [9, 6, 3], made_weight=3.0)
        model, _ = trained(bound)
        folder = library.save_run(tmp_path / "run", model, tiny.data())
        flags = workdir.flags_of(folder)
        assert (flags.plugin, flags.made_weight) == (["made_loss"], 3.0)


def of_notebook(logits, labels):
    """As a cell defines it."""
    return exit_losses.cross_entropy(logits, labels)


of_notebook.__module__ = "__main__"


def uncompiled(loss):
    return tiny.model()


def of_one_output(loss):
    layers = keras.layers
    return keras.Sequential([layers.Input((2,)), layers.Dense(3)])


@pytest.mark.parametrize(
    ("make", "loss", "says"),
    [
        (uncompiled, None, r"not compiled.*recipe=\[\"--exit_loss=ce\"\]"),
        (of_one_output, None, "is a Sequential without named exits; expected"),
        (
            trained,
            exit_losses.cross_entropy,
            "no name that commands know: regi",
        ),
        (trained, "cell", "loss 'cell' is defined in the notebook itself"),
    ],
)
def test_what_commands_could_not_read_is_refused(tmp_path, make, loss, says):
    with made_plugin.forgotten():
        if loss == "cell":
            plugins.loss("cell")(of_notebook)
            loss = losses.exit_loss("cell", [9, 6, 3])
        made = make(loss)
        model = made[0] if isinstance(made, tuple) else made
        with pytest.raises(InputError, match=says):
            library.save_run(tmp_path / "run", model, tiny.data())
    assert not [*tmp_path.iterdir()]


def test_other_data_words_and_folders_are_refused(saved, tmp_path):
    folder, model, fitted = saved
    data = tiny.data()
    with pytest.raises(InputError, match="is there already, and is never over"):
        library.save_run(folder, model, data)
    place = tmp_path / "new" / "run"
    images, labels = data.train.images, data.train.labels
    for given, options, says in (
        (data, {"recipe": ["--exit_los=ce"]}, "Unknown command line flag"),
        (data, {"recipe": ["--exit_loss=cee"]}, "exit_loss.*cee"),
        (data, {"history": 3}, "history is a int; expected what fit returned"),
        ({"train": (images, labels)}, {"class_names": "ab"}, "from 0 to 1"),
        (
            {"train": (images[:, :1], labels)},
            {},
            r"the data are of \(1, 2, 1\)",
        ),
        (data, {"recipe": ["--dataset=digits_lt"]}, "other classes than the r"),
        (None, {}, "no data were given"),
        (None, {"recipe": ["--recipe=photos"]}, "data_dir"),
        ((images, labels), {}, "parts as a tuple: expected train"),
    ):
        with pytest.raises(InputError, match=says):
            library.save_run(place, model, given, **options)
        assert not place.exists()
        assert not place.parent.exists() or not [*place.parent.iterdir()]


def test_a_tenth_of_training_is_cut_where_nothing_validates(tmp_path):
    model, _ = trained()
    data = tiny.examples((40, 20, 20))
    parts = {"train": (data.images, data.labels)}
    folder = library.save_run(tmp_path / "run", model, parts)
    record = runs.read_json(folder / "run.json")["data"]
    assert record["images"] == {"train": 72, "validation": 8}
    assert record["class_counts"] == [40, 20, 20]
    groups = long_tail.shot_groups(np.array([40, 20, 20]))
    assert {k: len(v) for k, v in record["shot_groups"].items()} == {
        name: int(mask.sum()) for name, mask in groups.items()
    }
