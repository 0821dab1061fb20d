"""The names that flags accept, readable without loading Keras.

Each table of functions has exactly these keys (`tests/cli/test_choices.py`): a
new loss, backbone or head is one function, one line in its table, and its
name here. `--help` answers at once because it needs nothing else.
"""

DATASETS = (
    "digits_lt",
    "cifar10_lt",
    "cifar100_lt",
    "folder",
    "arrays",
    "imagenet_lt",
    "places_lt",
    "inat18",
)
IMAGES_ON = ("auto", "memory", "disk")
SAMPLERS = (
    "instance",
    "class_balanced",
    "square_root",
    "progressive",
    "deferred",
    "reversed",
)
BACKBONES = (
    "resnet8",
    "resnet20",
    "resnet32",
    "resnet44",
    "resnet56",
    "resnet110",
    "resnet50",
    "densenet169",
    "efficientnet_lite0",
)
# Before the name of a model of `keras.applications`.
KERAS_PREFIX = "keras:"
# At the end of the path of any other Keras model.
KERAS_FILE = ".keras"
EXIT_HEADS = ("conv", "pooled", "separable", "inverted")
EXIT_LOSSES = ("ce", "focal", "ldam", "balanced_softmax", "la", "vs")
# Trained with log π added to the logits: these already favour rare classes.
PRIOR_LOSSES = ("balanced_softmax", "la", "vs")
METHODS = ("har", "sum", "summed", "single", "bbn")
LEAVINGS = ("masked", "removed")
EXIT_RULES = (
    "confidence",
    "entropy",
    "margin",
    "patience",
    "depth_confidence",
)
# In place of one: `sweep` compares them.
ALL_RULES = "all"
# By which logits an exit answers.
ANSWERS = ("own", "running")
TRAINED_STAGES = ("crt", "lws")
POST_HOC_STAGES = ("tau_norm", "logit_adjustment")
# Which corrects for the prior, as any training may when it has ended.
PRIOR_CORRECTION = "prior_correction"
UNTRAINED_STAGES = (*POST_HOC_STAGES, PRIOR_CORRECTION)
CLASS_WEIGHTINGS = (
    "none",
    "effective_number",
    "inverse",
    "inverse_square_root",
)
FOCAL_WEIGHTS = ("outside", "inside")
NORMALIZATIONS = ("class_weights", "batch_size", "survivors")
OPTIMIZERS = ("sgd", "adamw")
LEARNING_RATE_SCHEDULES = ("step_decay", "cosine")
PRECISIONS = ("float32", "bfloat16", "float16")
STRATEGIES = ("auto", "single", "mirrored", "multi_worker", "tpu")
AUGMENTATIONS = ("none", "crop", "resized_crop", "randaugment")
# Operations on each image, drawn for it alone.
AUTO_AUGMENTS = ("none", "autoaugment", "randaugment")
# Of whole batches, before the model sees them.
BATCH_MIXINGS = ("mixup", "cutmix")
MANIFOLD_MIXUP = "manifold_mixup"
MIXINGS = ("none", *BATCH_MIXINGS, MANIFOLD_MIXUP)
MIXING_LAMBDAS = ("image", "batch")
# Packages, but for the first those of the extra `loggers`.
LOGGERS = ("tensorboard", "wandb", "mlflow")
DEPLOYMENT_PRIORS = ("uniform", "train")
# In the place of a number that validation chooses.
BY_VALIDATION = "validation"
SPLITS = ("train", "validation", "test")
TFLITE_VARIANTS = ("float32", "float16", "int8_weights", "int8")
ONNX_VARIANTS = ("onnx", "onnx_int8")
EXPORT_VARIANTS = (*TFLITE_VARIANTS, *ONNX_VARIANTS)
EXPORT_FORMATS = ("saved_model", *EXPORT_VARIANTS, "single_file")
