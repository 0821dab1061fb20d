"""Which runs stand behind experiments/FINDINGS.md, and in which order."""

from elf_keras import runs

CIFAR = "experiments/cifar10_lt"
SHORT = ("--epochs=30", "--mixed_precision=bfloat16")
# Its data come with scikit-learn; its header tells thresholds, no policies.
DIGITS = "digits_lt"
HEADS = ("conv", "pooled", "separable")
# At t = 2/C nobody leaves in 30 epochs with LDAM; see FINDINGS.md.
THRESHOLD = ("--train_threshold=1.6/C",)
# Searched with seed 0 only; half the learning rate did not help.
RATE = ("--learning_rate=0.05",)
SEARCH = {
    "har_ldam_drw_lr0.05_t1.6": (*RATE, *THRESHOLD),
    "ldam_drw_lr0.05": RATE,
    "sum_ldam_drw_lr0.05": RATE,
}
# Compared at 30 epochs, one seed; see FINDINGS.md. Recipes that train as
# another one and differ in who leaves are none: `exit_rules` compares rules.
RIVALS = (
    *("focal", "mixup", "mixup_drw", "manifold_mixup", "bbn"),
    *("balanced_softmax", "la", "vs", "ce_drs", "ldam_drs"),
    *("sum_weighted_ce_drw", "summed_ce_drw", "sum_distilled_ce_drw"),
    *("sum_patience_ce_drw", "har_balanced_softmax"),
)
# Trained by themselves and with `--leaving=removed`: what is lost where images
# that left are not computed any more.
LEFT_OUT = ("har_ce_drw", "har_balanced_softmax")
# What `best` was chosen from, on validation alone: name -> flags beside it. In
# 30 epochs the first is better by ten points, in 200 the second, which it got.
CANDIDATES = {
    "best_plain_images": ("--auto_augment=none", "--cutout=0"),
    "best_autoaugment_cutout": ("--auto_augment=autoaugment", "--cutout=16"),
    "best_cutout": ("--auto_augment=none", "--cutout=16"),
    "best_averaged": ("--average_weights=0.99",),
    "best_har": ("--method=har", "--train_threshold=0.9"),
}
# Of full length, on all training images: recipe and seed, in this order.
FULL = (
    *(("ldam_drw", 0), ("har_ldam_drw", 0), ("sum_ldam_drw", 0)),
    *(("ldam_drw", 1), ("sum_ldam_drw", 1), ("har_ldam_drw", 1)),
)
# The rule that is at least as good as any at every budget, where it was tried.
RUNNING = (
    *("--exit_rule=depth_confidence", "--answer=running"),
    "--answer_decay=0.5",
)
# `best` likewise, by method, seeds 0 and 1, and twice as long.
# Before them come runs of that length with a validation split. They chose the
# augmentation, and the thresholds of the second are taken.
BEST = {
    "single": ("--method=single",),
    "sum": RUNNING,
    "har": (*CANDIDATES["best_har"], *RUNNING),
}
WITH_VALIDATION = {
    "plain_images": (*CANDIDATES["best_plain_images"], *RUNNING),
    "autoaugment_cutout": (*CANDIDATES["best_autoaugment_cutout"], *RUNNING),
}
# Shorter siblings of models of full length, trained as they were: on their
# validation images τ and thresholds are chosen.
CORRECTED = ("--prior_correction=validation", *RUNNING)
SIBLINGS = {"sum_ldam_drw": (), "har_ldam_drw": THRESHOLD}
# Of `best` there is one of the same length; it chooses for every run of it.
BEST_SIBLING = "full_best_autoaugment_cutout_validation_seed0"
# Second stages of the plain run.
SECOND_STAGES = ("crt", "lws", "tau_norm", "logit_adjustment")
FIRST_STAGE = "ce_seed0"


def of(head: str) -> dict[str, tuple[str, ...]]:
    """Return name -> flags of every run, in the order they are to be made.

    Args:
      head: the form of the early exits in all but the first three runs.
    """
    found = {
        f"head_{form}_seed0": (
            f"--flagfile={CIFAR}/har_ldam_drw.flags",
            *SHORT,
            "--seed=0",
            f"--exit_head={form}",
        )
        for form in HEADS
    }
    for seed in (0, 1):
        for recipe in (
            *("har_ldam_drw", "ldam_drw", "sum_ldam_drw"),
            *("har_ce_drw", "ce_drw", "sum_ce_drw"),
        ):
            flags = _cifar(recipe, head, seed)
            # One of the runs that chose the head is this very run; another
            # seed of it would be the plain sum again: at its t nobody leaves.
            if flags not in found.values() and recipe != "har_ldam_drw":
                found[f"{recipe}_seed{seed}"] = flags
        flags = _cifar("har_ldam_drw", head, seed)
        found[f"har_ldam_drw_t1.6_seed{seed}"] = (*flags, *THRESHOLD)
    for name, other in SEARCH.items():
        recipe = name.partition("_lr")[0]
        found[f"{name}_seed0"] = (*_cifar(recipe, head, 0), *other)
    for recipe in ("ce", "focal_drw"):
        found[f"{recipe}_seed0"] = _cifar(recipe, head, 0)
    for recipe in RIVALS:
        found[f"{recipe}_seed0"] = _cifar(recipe, head, 0)
    for recipe in SECOND_STAGES:
        found[f"{recipe}_seed0"] = (
            f"--flagfile={CIFAR}/{recipe}.flags",
            *("--mixed_precision=bfloat16", "--seed=0"),
            f"--weights={{runs}}/{FIRST_STAGE}/{runs.MODEL}",
        )
    for tap in (1, 2, 3):
        flags = _cifar("har_ldam_drw", head, 0)
        found[f"tap{tap}_seed0"] = (*flags, *THRESHOLD, f"--exits={tap}")
    for method in ("single", "sum", "har"):
        found[f"gtsrb_{method}_seed0"] = (
            "--flagfile=experiments/gtsrb.flags",
            "--mixed_precision=bfloat16",
            f"--method={method}",
            f"--exit_head={head}",
        )
    for seed in (0, 1):
        for recipe in LEFT_OUT:
            flags = _cifar(recipe, head, seed)
            found[f"{recipe}_seed{seed}"] = flags
            name = f"{recipe}_removed_seed{seed}"
            found[name] = (*flags, "--leaving=removed")
    for seed in (0, 1):
        for recipe, other in SIBLINGS.items():
            flags = (*_cifar(recipe, head, seed), *other, *CORRECTED)
            found[f"{recipe}_corrected_seed{seed}"] = flags
    for name, other in CANDIDATES.items():
        found[f"{name}_seed0"] = (*_cifar("best", head, 0), *other)
    found |= _full_length(head)
    found[f"{DIGITS}_seed0"] = (f"--flagfile=experiments/{DIGITS}.flags",)
    return found


def siblings() -> dict[str, str]:
    """Return run of full length -> sibling, which chooses its policies."""
    pairs = {
        f"full_{recipe}_seed{seed}": f"{recipe}_corrected_seed{seed}"
        for recipe in SIBLINGS
        for seed in (0, 1)
    }
    early = (f"{each}_seed{n}" for each in ("sum", "har") for n in (0, 1))
    for name in (*early, "400_epochs_seed0"):
        pairs[f"full_best_{name}"] = BEST_SIBLING
    return pairs


def _full_length(head):
    everything = "--validation_fraction=0"
    wished = [(recipe, recipe, seed, everything) for recipe, seed in FULL]
    for name, other in WITH_VALIDATION.items():
        wished.append((f"best_{name}_validation", "best", 0, *other))
    for seed in (0, 1):
        for method, other in BEST.items():
            wished.append((f"best_{method}", "best", seed, everything, *other))
    longer = (everything, "--epochs=400", *BEST["sum"])
    wished.append(("best_400_epochs", "best", 0, *longer))
    return {
        f"full_{name}_seed{seed}": (
            f"--flagfile={CIFAR}/{recipe}.flags",
            *("--mixed_precision=bfloat16", f"--seed={seed}"),
            *(f"--exit_head={head}", *other),
        )
        for name, recipe, seed, *other in wished
    }


def _cifar(recipe, head, seed):
    flags = (f"--flagfile={CIFAR}/{recipe}.flags", *SHORT, f"--seed={seed}")
    return (*flags, f"--exit_head={head}")
