"""One artefact of an export, asked as a model is: whole splits, all exits."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Iterator

import numpy as np

from elf_keras import errors, runs
from elf_keras.data import pipeline, splits
from elf_keras.deploy import chain_runner, manifest, measure, versions
from elf_keras.errors import InputError
from elf_keras.evaluation import prediction
from elf_keras.exits import exit_rule
from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models import multiply_adds
from elf_keras.policies import policy_rules

SAVED_MODEL = "saved_model"
# What TensorFlow reads of a SavedModel's folder.
_SERVED = ("saved_model*", "fingerprint*", "variables/*", "assets/**/*")
BATCH = 64


@dataclasses.dataclass(frozen=True, eq=False)
class Artefact:
    """What an export's manifest says of one artefact, and how to ask it."""

    name: str  # as messages call it
    class_names: list[str]  # in the order of the logits
    costs: multiply_adds.ExitCosts
    rule: AnswerRule  # by which it leaves
    policies: dict[str, ExitThresholds]  # chosen for this very artefact
    advice: dict[str, str | None]  # by policy: what to take in its place
    default_policy: str
    alone: bool  # whether the bare backbone can be asked, past no other head
    image_shape: tuple[int, int, int]  # height, width, channels
    kept: float  # part of a photo's shorter side that is cut out, (0, 1]
    # Images `(batch, height, width, channels)` to each exit's own logits,
    # `(batch, exits, classes)`.
    ask: Callable[[np.ndarray], np.ndarray]
    # One image, 0 to 255, and thresholds: stops early, as it does in use. None
    # asks the bare backbone.
    answer: Callable[[np.ndarray, ExitThresholds | None], prediction.Answer]

    def logit_parts(self, examples: splits.Examples) -> Iterator[np.ndarray]:
        """Logits in source order, batch by batch."""
        batches = pipeline.evaluation_batches(examples, batch_size=BATCH)
        with errors.translated():
            for images, *_ in batches.as_numpy_iterator():
                yield self.ask(images)

    def thresholds_of(self, policy: str) -> ExitThresholds:
        """Thresholds of a policy by name.

        Raises:
          InputError: where the export has no such policy.
        """
        if policy not in self.policies:
            held = [*self.policies, *([policy_rules.STATIC] * self.alone)]
            raise InputError(
                f"--policy={policy}: {self.name} has no such policy; choose "
                f"one of {', '.join(held)}"
            )
        return self.policies[policy]


def load(folder: pathlib.Path, variant: str | None) -> Artefact:
    """Load an export's `saved_model`, or the chain of a variant.

    The folder is NAME, of which the highest version is meant, or NAME/N. None
    is the variant float32, else the first one, else the SavedModel.

    Raises:
      InputError: where the export lacks it, or a file is missing or changed.
    """
    folder = versions.folder_of(folder)
    path = folder / manifest.NAME
    record = runs.read_json(path)
    with runs.refusing(
        f"{path} or a file it names cannot be used", "copy or export it again"
    ):
        variant, chosen = _chosen(record, variant, folder)
        # Before any file is read: a rule of the future is no damage.
        rule = manifest.rule_of(record)
        policies, image = chosen["policies"], record["input"]
        served = variant == SAVED_MODEL
        ask, answer = (
            _served(folder, record) if served else _chained(path, variant)
        )
        return Artefact(
            f"variant {variant} of --export={runs.legible(str(folder))}",
            [str(name) for name in record["class_names"]],
            _costs(record),
            rule,
            {
                name: ExitThresholds.of(at["thresholds"])
                for name, at in policies.items()
            },
            {name: at.get("advice") for name, at in policies.items()},
            record["default_policy"],
            served or bool(chosen.get("exits")),
            (image["height"], image["width"], image["channels"]),
            float(image.get("kept", 1)),
            ask,
            answer,
        )


def _chosen(record, variant, folder):
    """The variant that is meant, and what the manifest says of it."""
    held = {**record["variants"], SAVED_MODEL: record["saved_model"]}
    if variant is None:
        variant = "float32" if "float32" in held else [*held][0]
    if held.get(variant) is None:
        names = ", ".join(name for name, at in held.items() if at)
        raise InputError(
            f"--export={folder} holds no {variant!r}; choose --variant of "
            f"{names or 'none'}"
        )
    return variant, held[variant]


def _costs(record):
    exits = record["exits"]
    return multiply_adds.ExitCosts(
        np.array([at["macs"] for at in exits]),
        np.array([at["macs_without_heads"] for at in exits]),
        record["backbone_macs"],
    )


def _chained(path, variant):
    # Checks every checksum and that the stages fit together.
    try:
        with runs.silenced():
            runner = chain_runner.ChainRunner(path, variant=variant)
    except chain_runner.ChainError as error:
        # It says what to do: a missing runtime is no damage.
        raise InputError(str(error)) from error

    def answer(image, thresholds):
        alone = thresholds is None
        policy = policy_rules.STATIC if alone else thresholds.to_json()
        found = runner.predict(image, policy=policy)
        return prediction.Answer(
            found.probabilities, found.certainty, found.exit
        )

    return functools.partial(measure.chain_logits, runner.stages), answer


def _served(folder, record):
    import tensorflow as tf

    place = pathlib.Path(record[SAVED_MODEL]["folder"])
    # Files that are there, whatever names the manifest has.
    for part in _SERVED:
        for path in sorted((folder / place).glob(part)):
            name = path.relative_to(folder).as_posix()
            known = record["checksums"][name] if path.is_file() else None
            if known and known != runs.checksum(path):
                raise ValueError(f"{name} is cut, changed or swapped")
    try:
        loaded = tf.saved_model.load(runs.encodable(folder) / place)
    except (OSError, tf.errors.OpError) as error:
        raise ValueError(str(error).partition("\n")[0]) from error
    names = exit_rule.exit_names(len(record["exits"]))

    # Of an export of before, it is the default.
    every = (
        "all_exits" if "all_exits" in loaded.signatures else "serving_default"
    )

    def ask(images):
        answers = loaded.signatures[every](image=images)
        return np.stack([answers[name].numpy() for name in names], 1)

    return ask, _answer_by(loaded)


def _answer_by(loaded):
    import tensorflow as tf

    def answer(image, thresholds):
        signature, given = policy_rules.STATIC, {}
        if thresholds is not None:
            signature = "dynamic"
            # Where nobody leaves, 1, which no certainty exceeds.
            limits = np.minimum(thresholds.rows(1), 1)
            given = {"exit_threshold": tf.constant(limits)}
        pixels = tf.constant(image[None], tf.float32)
        found = loaded.signatures[signature](image=pixels, **given)
        sure = found.get("certainty", found["confidence"])
        shares = found["probabilities"][0].numpy()
        return prediction.Answer(shares, float(sure[0]), int(found["exit"][0]))

    return answer
