"""Flags: all there, defined once, written down so that they repeat a run."""

import shlex

import command_runs
import pytest

from elf_keras import choices, runs
from elf_keras.cli import recipe_flags, workdir
from elf_keras.runs import flagfiles

OTHER = shlex.split("""
--workdir=w --plugin=mine
--seed=5 --resume=true --checkpoint_minutes=2.5 --deterministic=true
--mixed_precision=bfloat16 --strategy=single --dataset=folder
--data_dir='a folder, with = and spaces'
--imbalance=12.5 --validation_fraction=0.25 --validation_group=prefix:_
--image_size=64 --magnification_limit=2.0 --training_size=9
--augmentation=none --flip=true
--smallest_area=0.5 --exits_first=9 --frozen_until=stem_conv --frozen_norms=true
--exits_last=8 --backbone_rate=0.1 --optimizer=adamw
--least_steps=5 --most_minutes=1.5 --learning_rate_schedule=cosine
--color_jitter=0.4 --mixing=cutmix --mixup_alpha=0.5 --sampler=square_root
--auto_augment=autoaugment --randaugment_layers=3 --randaugment_magnitude=5
--cutout=16 --mixing_lambda=batch
--labels=labels.csv --list_dir=lists --check_counts=false --images_on=disk
--backbone=resnet8
--exits=1,3 --taps=stem_relu --exit_head=separable --exit_stride=1
--head_filters=64:128,96 --weights=runs/a/model.keras
--method=sum --exit_loss=ldam --train_threshold=1.9/C --exit_weights=1,0.5
--distillation=0.5 --distillation_temperature=2.0 --class_weighting=inverse
--effective_number_beta=0.999 --focal_gamma=2.0 --focal_weights=inside
--ldam_scale=20.0 --average_weights=0.99 --prior_correction=0.5,1
--ldam_power=-1.0 --logit_tau=0.5 --vs_exponent=0.3
--loss_normalization=survivors --second_stage=crt --tau=0.5 --epochs=7
--schedule_epochs=200 --batch_size=16 --learning_rate=0.3 --warmup_epochs=2
--decay_epochs=3,5 --decay_factor=0.1 --reweight_epoch=4 --weight_decay=1e-05
--exit_threshold=0.7 --exit_rule=patience --answer=running
--answer_decay=0.25 --deployment_prior=train --leaving=removed --logger=mlflow
""")
NAMES = {word.removeprefix("--").partition("=")[0] for word in OTHER}


def values(flag_values):
    names = [flag.name for flag in workdir.shared()]
    return {name: flag_values[name].value for name in names}


@pytest.mark.parametrize("words", [[], OTHER])
def test_resolved_flags_repeat_the_run(tmp_path, words):
    path = tmp_path / runs.FLAGS
    with command_runs.fresh_flags("--workdir=w", *words) as found_flags:
        before = values(found_flags)
        flagfiles.write(path, workdir.resolved())
    with command_runs.fresh_flags(f"--flagfile={path}") as found_flags:
        assert values(found_flags) == {**before, "resume": False}


def test_the_test_above_sets_every_flag_to_another_value():
    with command_runs.fresh_flags("--workdir=") as found_flags:
        defaults = values(found_flags)
    assert set(defaults) == NAMES
    with command_runs.fresh_flags(*OTHER) as found_flags:
        found = values(found_flags)
    assert not [name for name in NAMES if found[name] == defaults[name]]


def test_flags_are_defined_once_however_often():
    with command_runs.fresh_flags() as found_flags:
        before = len(list(found_flags))
        recipe_flags.define()
        assert len(list(found_flags)) == before


def test_help_of_each_flag_ends_as_a_sentence():
    with command_runs.fresh_flags("--workdir="):
        for flag in workdir.shared():
            assert flag.help.endswith("."), flag.name


def test_help_needs_neither_tensorflow_nor_keras():
    code = """
import runpy, sys
for command in ("train", "search", "evaluate", "predict"):
    sys.argv = [command, "--help"]
    runpy.run_module(f"elf_keras.{command}", run_name="__main__")
    print("-----")
heavy = {"keras", "tensorflow", "numpy", "sklearn", "PIL"}
heavy |= {"tensorflow_datasets"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    done = command_runs.ended(command_runs.child("-c", code))
    assert done.status == 0, done.err
    assert done.err == ""
    helps = done.out.split("-----\n")
    commands = ("train", "search", "evaluate", "predict")
    for name, text in zip(commands, helps, strict=False):
        assert f"elf-keras {name} " in text
    unused = {"train": set(), "search": {"resume", "train_threshold"}}
    for command, text in zip(unused, helps, strict=False):
        for name in NAMES - unused[command]:
            assert f"--{name}=" in text or f"--[no]{name}" in text
        assert all(name in text for name in choices.EXIT_LOSSES)
        assert "--split" not in text
    assert "--split" in helps[2]
    assert "--epochs" not in helps[2]
