"""Every recipe parses, and builds its objects without training."""

import functools
import pathlib

import command_runs
import numpy as np
import pytest

from elf_keras import choices, data, models
from elf_keras.cli import data_from_flags, model_from_flags, schedule_from_flags
from elf_keras.data import splits
from elf_keras.models import bilateral

FOLDER = command_runs.CHECKOUT / "experiments"
RECIPES = sorted(
    str(path.relative_to(FOLDER))
    for path in FOLDER.rglob("*.flags")
    if path.parent.name != "base"
)
HEADER = ("Claim", "Command", "Expected", "Measured", "Hardware, time")
# Data set -> image shape, classes, largest class.
MADE = {
    "digits_lt": ((8, 8, 1), 10, 130),
    "cifar10_lt": ((32, 32, 3), 10, 5000),
    "cifar100_lt": ((32, 32, 3), 100, 500),
    "folder": ((32, 32, 3), 43, 750),
    # Fewer classes than they have: what is built does not depend on it.
    "imagenet_lt": ((224, 224, 3), 10, 1280),
    "places_lt": ((224, 224, 3), 10, 4980),
    "inat18": ((224, 224, 3), 10, 1000),
}
STAGES = (*choices.TRAINED_STAGES, *choices.POST_HOC_STAGES)
# Chosen by runs: no paper's, and no name for what is in it.
BEST = "best"
PAPERS = [
    name
    for name in RECIPES
    if name.startswith("cifar")
    and pathlib.Path(name).stem not in (*STAGES, BEST)
]
SECOND = [name for name in RECIPES if pathlib.Path(name).stem in STAGES]


@functools.cache
def made(name):
    """Splits of the right shape, with one image a class."""
    shape, classes, largest = MADE[name]
    images = np.random.default_rng(0).integers(256, size=(classes, *shape))
    part = splits.Examples(
        images.astype("uint8"), np.arange(classes, dtype="int32"), ("",) * 10
    )
    names = tuple(str(number) for number in range(classes))
    counts = np.linspace(largest, 5, classes).astype(int)
    return splits.Splits(part, part, part, names, counts)


def once(build):
    """Recipes of the same network share it: building takes the time."""
    built = {}

    def call(*arguments, **options):
        key = repr((arguments, options))
        if key not in built:
            built[key] = build(*arguments, **options)
        return built[key]

    return call


BUILDERS = {module: once(module.build) for module in (models, bilateral)}


@pytest.fixture(autouse=True)
def made_data(monkeypatch):
    # Recipes include others by their path from the checkout.
    monkeypatch.chdir(command_runs.CHECKOUT)
    for module, build in BUILDERS.items():
        monkeypatch.setattr(module, "build", build)
    for name in choices.DATASETS:
        monkeypatch.setitem(
            data.SOURCES, name, lambda request, name=name: made(name)
        )


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The folder of models that second stages start from."""
    return tmp_path_factory.mktemp("sources")


def flags_of(recipe, *more):
    words = ("--workdir=runs/x", f"--flagfile=experiments/{recipe}", *more)
    return command_runs.fresh_flags(*words)


def test_the_promised_recipes_are_there():
    names = "ce ce_drw focal_drw ldam_drw sum_ce_drw sum_ldam_drw har_ce_drw "
    names += "har_ldam_drw mixup mixup_drw manifold_mixup bbn la vs "
    names += "balanced_softmax har_balanced_softmax"
    promised = {f"cifar10_lt/{name}.flags" for name in names.split()}
    assert promised | {"digits_lt.flags"} <= set(RECIPES)
    assert list((FOLDER / "base").glob("*.flags"))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_builds_its_objects(recipe, sources):
    more = ()
    with flags_of(recipe) as flags:
        starts = flags.weights != "none" or flags.second_stage != "none"
    if starts:
        with flags_of(recipe, "--weights=none", "--second_stage=none"):
            source = model_from_flags.model(data_from_flags.splits())
        path = sources / f"{source.name}_{models.exits(source)}.keras"
        if not path.exists():
            source.save(path)
        more = (f"--weights={path}",)
    with flags_of(recipe, *more) as flags:
        loaded = data_from_flags.splits()
        model = model_from_flags.model(loaded)
        model_from_flags.compiled(model, loaded)
        schedule = schedule_from_flags.schedule(loaded)
        schedule_from_flags.batches(loaded)
        scorer = model_from_flags.scorer(model, loaded)
        exits = 4 if flags.backbone in ("resnet32", "resnet8") else 5
        if flags.exits != "all":
            exits = len(flags.exits.split(",")) + 1
        expected = 1 if flags.method in ("single", "bbn") else exits
        assert models.exits(model) == expected
        finite = np.isfinite(model.objective.train_threshold)
        assert finite == (flags.method == "har")
        length = schedule.epochs or flags.epochs
        rates = [schedule.learning_rate(epoch) for epoch in range(length)]
        assert max(rates) == pytest.approx(flags.learning_rate)
        # Of the last step: a cosine falls within the epoch, too.
        assert schedule.learning_rate(length - 0.01) < 0.011 * max(rates)
        weighted = not np.allclose(schedule.class_weights, 1)
        assert 0 < scorer.thresholds.number < 1
    if recipe.startswith("cifar"):
        assert weighted is False or "drw" in recipe


@pytest.mark.parametrize("recipe", PAPERS)
def test_a_papers_recipe_does_what_its_name_says(recipe):
    stem = pathlib.Path(recipe).stem
    words = stem.split("_")
    with flags_of(recipe) as flags:
        method = words[0] if words[0] in choices.METHODS else "single"
        assert flags.method == method
        named = [loss for loss in choices.EXIT_LOSSES if loss in stem]
        mixing = [name for name in choices.MIXINGS if name in stem]
        # What names no loss has cross-entropy; the longest name is meant.
        assert flags.exit_loss == max(named, key=len, default="ce")
        assert flags.mixing == max(mixing, key=len, default="none")
        weighting = "effective_number" if "drw" in words else "none"
        assert flags.class_weighting == weighting
        assert (flags.imbalance, flags.flip) == (100, True)
        assert flags.dataset == pathlib.Path(recipe).parent.name
        assert (flags.epochs, flags.schedule_epochs) == (200, 200)
        assert flags.batch_size == 128
        schedule = schedule_from_flags.schedule(made("cifar10_lt"))
    rates = [schedule.learning_rate(epoch) for epoch in range(200)]
    np.testing.assert_allclose(rates[:5], [0.02, 0.04, 0.06, 0.08, 0.1])
    expected = [0.1] * 155 + [1e-3] * 20 + [1e-5] * 20
    np.testing.assert_allclose(rates[5:], expected)
    assert schedule.reweight_epoch == 160


@pytest.mark.parametrize("recipe", SECOND)
def test_a_second_stage_is_short_and_starts_from_a_run(recipe):
    stage = pathlib.Path(recipe).stem
    line = (FOLDER / recipe).read_text().splitlines()[1]
    assert "ce/model.keras " in line.partition("--weights=runs/")[2]
    with flags_of(recipe) as flags:
        assert (flags.second_stage, flags.class_weighting) == (stage, "none")
        balanced = flags.sampler == "class_balanced"
        assert balanced == (stage in choices.TRAINED_STAGES)
        schedule = schedule_from_flags.schedule(made(flags.dataset))
        # As cRT's authors: 30 on iNaturalist, 10 on ImageNet-LT.
        crt = 30 if flags.dataset == "inat18" else 10
        assert schedule.epochs == {"crt": crt, "lws": 5}.get(stage, 0)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_says_what_it_is_for(recipe):
    lines = (FOLDER / recipe).read_text().splitlines()
    for line, word in zip(lines, HEADER, strict=False):
        assert line.startswith(f"# {word}: ")
        assert line.removeprefix(f"# {word}: ").strip(" -")
    assert f"--flagfile=experiments/{recipe} " in lines[1]
    assert "python -m elf_keras.train " in lines[1]
    command = lines[1].partition("elf_keras.train ")[2].split()
    with command_runs.fresh_flags(*command) as flags:
        assert flags.workdir
    names = [line.partition("=")[0] for line in lines if line[:2] == "--"]
    assert len(names) == len(set(names))
