"""Every flag that recipes share, defined once, for all commands.

Bounds and choices are checked while parsing, so that a wrong recipe ends
before any work begins.
"""

from absl import flags

from elf_keras import choices


def define() -> None:
    """Define the shared flags; a second call changes nothing."""
    if "workdir" in flags.FLAGS:
        return
    _run()
    _data()
    _files()
    _augmentation()
    _model()
    _objective()
    _across_exits()
    _second_stage()
    _schedule()
    _scores()


def _run():
    flags.DEFINE_string("workdir", None, "Folder of the run.")
    flags.DEFINE_integer(
        "seed", 0, "Seed of data, weights and order.", 0, 2**32 - 1
    )
    flags.DEFINE_bool(
        "resume",
        False,
        "Go on after the newest checkpoint in --workdir, if there is one.",
    )
    flags.DEFINE_float(
        "checkpoint_minutes",
        10.0,
        "Minutes between two checkpoints within an epoch; 0: at its end only.",
        0.0,
    )
    flags.DEFINE_bool(
        "deterministic",
        False,
        "Take only operations that give the same bits each time, though "
        "slower.",
    )
    flags.DEFINE_enum(
        "mixed_precision",
        "float32",
        choices.PRECISIONS,
        "Type of the layers' arithmetic; weights and losses stay float32.",
    )
    flags.DEFINE_enum(
        "strategy",
        "auto",
        choices.STRATEGIES,
        "Devices: one; all of this machine; those of all workers that "
        "TF_CONFIG names; a TPU. auto: the workers, if there are several, "
        "else this machine's GPUs, if there are several, else one.",
    )


def _data():
    flags.DEFINE_enum(
        "dataset", "digits_lt", choices.DATASETS, "Source of the images."
    )
    flags.DEFINE_string(
        "data_dir",
        None,
        "A TensorFlow Datasets folder (CIFAR), a folder of images, or the "
        "folder that the paths of published lists begin in.",
    )
    flags.DEFINE_float(
        "imbalance", 100.0, "Images of the largest per smallest class.", 1.0
    )
    flags.DEFINE_float(
        "validation_fraction",
        0.1,
        "Share of each class's training images kept for validation.",
        0.0,
        0.9,
    )
    flags.DEFINE_string(
        "validation_group",
        None,
        "Keep images of a group on one side: `prefix:_` groups by the part "
        "of the file name before the first `_`.",
    )
    flags.DEFINE_integer(
        "image_size", None, "Side of the square images, in pixels.", 1
    )
    flags.DEFINE_enum(
        "sampler",
        "instance",
        choices.SAMPLERS,
        "Class shares of an epoch: as they are, equal, by the root of the "
        "counts, from the first to the second step by step, or (deferred) at "
        "--reweight_epoch, or by the inverse counts.",
    )


def _files():
    flags.DEFINE_string(
        "labels",
        None,
        "A table (CSV) of the files in --data_dir: columns path, label, maybe "
        "split and group; in place of a folder per class.",
    )
    flags.DEFINE_string(
        "list_dir",
        None,
        "Folder of the published list files, if they are not in --data_dir.",
    )
    flags.DEFINE_bool(
        "check_counts",
        True,
        "Refuse lists whose counts are not the published ones.",
    )
    flags.DEFINE_enum(
        "images_on",
        "auto",
        choices.IMAGES_ON,
        "Where a folder's images are kept; auto: on disk from 128 pixels, or "
        "where they would take over a quarter of the memory.",
    )


def _augmentation():
    flags.DEFINE_enum(
        "augmentation",
        "crop",
        choices.AUGMENTATIONS,
        "crop: after padding by an eighth of the side; resized_crop: a window "
        "of 8 to 100 % of the area; randaugment: the one of them that suits "
        "the size (resized_crop from 128 pixels), then two random operations "
        "a batch.",
    )
    flags.DEFINE_bool("flip", False, "Mirror half of the training images.")
    flags.DEFINE_float(
        "color_jitter",
        0.0,
        "Most that brightness, contrast and saturation change by; 0.4 is "
        "usual for ImageNet-LT.",
        0.0,
        0.99,
    )
    flags.DEFINE_enum(
        "mixing",
        "none",
        choices.MIXINGS,
        "Mix the images of a batch; manifold_mixup: or feature maps, of a "
        "single exit.",
    )
    flags.DEFINE_float(
        # Far below, float32 draws underflow, and 0 / 0 stands for a half.
        "mixup_alpha",
        0.2,
        "α of both mixups' Beta(α, α).",
        0.05,
        1.0,
    )


def _model():
    known = f"{', '.join(choices.BACKBONES)} or {choices.KERAS_PREFIX}NAME"
    flags.DEFINE_string(
        "backbone",
        "resnet32",
        f"Network below the exits: {known}, a model of keras.applications.",
    )
    flags.register_validator(
        "backbone",
        lambda name: (
            name in choices.BACKBONES or name.startswith(choices.KERAS_PREFIX)
        ),
        f"choose one of {known}",
    )
    flags.DEFINE_string(
        "exits", "all", "Early exits: all, or tap numbers such as 1,3."
    )
    flags.DEFINE_enum(
        "exit_head",
        "auto",
        ("auto", *choices.EXIT_HEADS),
        "Form of the early exits; auto is the one that suits the backbone.",
    )
    flags.DEFINE_integer(
        "exit_stride", 2, "Stride in the heads; 1 is the literal form.", 1, 2
    )
    flags.DEFINE_string(
        "weights",
        "none",
        "What to start from: a model.keras, an .h5 of keras.applications, "
        "imagenet, or none.",
    )


def _objective():
    flags.DEFINE_enum(
        "method",
        "har",
        choices.METHODS,
        "har: easy images leave; sum: none leaves; summed: one loss of the "
        "exits' summed scores; single: bare backbone; bbn: its last block "
        "doubled, one for rare classes.",
    )
    flags.DEFINE_enum(
        "exit_loss", "ce", choices.EXIT_LOSSES, "Loss of every exit."
    )
    flags.DEFINE_string(
        "train_threshold",
        "auto",
        "t: a number, a multiple of 1/C such as 2/C, or auto.",
    )
    flags.DEFINE_enum(
        "class_weighting",
        "none",
        choices.CLASS_WEIGHTINGS,
        "Class weights from --reweight_epoch on.",
    )
    flags.DEFINE_enum(
        "loss_normalization",
        "class_weights",
        choices.NORMALIZATIONS,
        "What the batch's loss is divided by.",
    )


def _across_exits():
    flags.DEFINE_list(
        "exit_weights",
        [],
        "A number above 0 for each exit, which its loss (summed: its scores) "
        "is multiplied by; default: all 1.",
    )
    flags.DEFINE_float(
        "distillation",
        0.0,
        "Weight of what the last exit teaches the earlier ones; for har, sum.",
        0.0,
    )
    flags.DEFINE_float(
        "distillation_temperature", 1.0, "T that both are divided by.", 1e-3
    )

    flags.DEFINE_float(
        "effective_number_beta", 0.9999, "β of effective_number.", 0.0, 1.0
    )
    flags.DEFINE_float("focal_gamma", 0.5, "γ of focal.", 0.0)
    flags.DEFINE_float("ldam_scale", 30.0, "σ of ldam.", 1e-3)
    flags.DEFINE_float("ldam_power", -0.25, "Power of n_c in LDAM's margins.")
    flags.DEFINE_float("logit_tau", 1.0, "τ of la and vs.", 0.0)
    flags.DEFINE_float("vs_exponent", 0.15, "γ of vs.", 0.0)


def _second_stage():
    flags.DEFINE_enum(
        "second_stage",
        "none",
        ("none", *choices.TRAINED_STAGES, *choices.POST_HOC_STAGES),
        "What to do with the classifiers of --weights=RUN/model.keras: train "
        "them anew (crt), train one scale a class (lws), or, without "
        "training, divide class vectors by their norm^τ (tau_norm) or "
        "subtract τ log prior (logit_adjustment).",
    )
    flags.DEFINE_string(
        "tau",
        "auto",
        "τ of the stages without training: a number, or validation to choose "
        "it there; auto is 1 for logit_adjustment, validation for tau_norm.",
    )


def _schedule():
    flags.DEFINE_integer("epochs", 200, "Epochs to train.", 1)
    flags.DEFINE_integer(
        "schedule_epochs",
        None,
        "Length that the epoch numbers below refer to; they are scaled to "
        "--epochs. Default: --epochs.",
        1,
    )
    flags.DEFINE_integer("batch_size", 128, "Images per step.", 1)
    flags.DEFINE_float("learning_rate", 0.1, "After warm-up.", 1e-12)
    flags.DEFINE_integer("warmup_epochs", 5, "Linear warm-up.", 0)
    flags.DEFINE_list(
        "decay_epochs", ["160", "180"], "Zero-based epochs of the decays."
    )
    flags.DEFINE_float(
        "decay_factor", 0.01, "Multiplies the rate at each decay.", 1e-12
    )
    flags.DEFINE_integer(
        "reweight_epoch",
        160,
        "Zero-based epoch from which class weights, or --sampler=deferred, "
        "apply.",
        0,
    )
    flags.DEFINE_float("weight_decay", 2e-4, "Coupled L2.", 0.0)


def _scores():
    flags.DEFINE_string(
        "exit_threshold",
        "auto",
        "s: as --train_threshold; auto takes the default t of the loss, and "
        "for other rules what they say of as sure an exit.",
    )
    flags.DEFINE_enum(
        "exit_rule",
        "confidence",
        choices.EXIT_RULES,
        "What s is compared with: the largest probability p; 1 - H(p)/log C; "
        "p's lead over the second; or r/(r+1) where r exits in a row agree.",
    )
    flags.DEFINE_enum(
        "deployment_prior",
        "uniform",
        choices.DEPLOYMENT_PRIORS,
        "Class shares that scores are expected over.",
    )
