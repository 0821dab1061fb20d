"""From --policy and --policy_file to the rule and the thresholds of a model."""

import dataclasses
import pathlib

from absl import flags

from elf_keras import choices, runs
from elf_keras.cli import answer_from_flags, command, workdir
from elf_keras.errors import InputError
from elf_keras.exits import answer_rule
from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.policies import policy_file, policy_rules, sentences

FLAGS = flags.FLAGS


@dataclasses.dataclass(frozen=True)
class Leaving:
    """When images leave: by a policy, or where --exit_threshold says."""

    rule: AnswerRule
    thresholds: ExitThresholds
    policy: str | None = None
    advice: str | None = None  # what to take in its place

    @property
    def is_static(self) -> bool:
        """Whether the bare backbone answers, without any head."""
        return self.policy == policy_rules.STATIC


def of_run(classes: int, exits: int) -> Leaving:
    """How the model of a run leaves.

    By --policy, with the exit rule and the answer of the file that it is in,
    which is said; by the run's own rule at --exit_threshold without one.
    `static` needs no file.
    """
    if FLAGS.policy == policy_rules.STATIC:
        return _static(answer_from_flags.rule(), exits)
    if FLAGS.policy is None and FLAGS.policy_file is None:
        s = answer_from_flags.exit_thresholds(classes, exits)
        return Leaving(answer_from_flags.rule(), s)
    record, path = read(), file()
    found = leaving(record, path, classes, exits)
    made_for = record["model"].get("sha256")
    if made_for and made_for != runs.checksum(workdir.workdir() / runs.MODEL):
        command.say(
            f"note: {path} belongs to another model.keras: its accuracy and "
            "cost are not those of this model"
        )
    command.say(
        f"leaves by {found.policy} of {path}: {found.rule.shown} above "
        f"{found.thresholds.prose()}"
    )
    return found


def of_export(found) -> Leaving:
    """How an export leaves: by --policy, or by its default policy.

    At s where the command line has --exit_threshold in place of a policy.

    Args:
      found: the `artefact.Artefact`.

    Raises:
      InputError: for a policy, or a way to leave, that the export has not.
    """
    if not _asked(found.rule).leaves_as(found.rule):
        raise InputError(
            f"{_asked(found.rule).flags}: --export={FLAGS.export} leaves by "
            f"{found.rule.shown}; leave these flags out or add "
            f"{found.rule.flags}, or export the run again with them"
        )
    if FLAGS.policy_file is not None:
        raise InputError(
            "--policy_file: an export has policies of its own, chosen for "
            "each variant; leave it out beside --export"
        )
    policy = FLAGS.policy
    if policy is None and not workdir.given_here("exit_threshold"):
        policy = found.default_policy
    classes, exits = len(found.class_names), len(found.costs.with_heads)
    if policy == policy_rules.STATIC:
        if not found.alone:
            raise InputError(
                f"--policy=static: {FLAGS.export} was exported by --chain_only "
                "and has no file of the bare backbone; name another --policy, "
                "such as all_exits"
            )
        return _static(found.rule, exits)
    if policy is None:
        s = answer_from_flags.exit_thresholds(classes, exits, by=found.rule)
        return Leaving(found.rule, s)
    chosen = found.thresholds_of(policy)
    return Leaving(found.rule, chosen, policy, found.advice[policy])


def leaving(
    record: dict, path: pathlib.Path, classes: int, exits: int
) -> Leaving:
    """How --policy of a file that was read leaves, by default the file's own.

    Raises:
      InputError: where it is not there, is of another model, or a flag of the
        command line says another rule.
    """
    scale = answer_from_flags.score_scale()
    rule = _asked(answer_rule.of_record(record, scale))
    answer_from_flags.checked(rule)
    model = policy_file.UsedBy(exits, classes, scale, **rule.told)
    name = FLAGS.policy or record["default_policy"]
    chosen = policy_file.thresholds_of(record, name, model, path=path)
    return Leaving(rule, chosen, name, _advice(record, name))


def read() -> dict:
    """The policy file that flags name."""
    path = file()
    if not path.exists():
        missing = f"{path.parent} holds no {path.name}"
        if FLAGS.policy_file:
            missing = f"--policy_file={path} does not exist"
        raise InputError(
            f"{missing}: policies are chosen by elf-keras sweep "
            f"--workdir={workdir.workdir()}; or give the file of a similar run "
            "by --policy_file"
        )
    return policy_file.read(path)


def file() -> pathlib.Path:
    """--policy_file, by default that of the run."""
    return pathlib.Path(
        FLAGS.policy_file or workdir.workdir() / policy_file.NAME
    )


def _static(rule, exits):
    """The last exit's own scores and their confidence, whatever the rule."""
    own = answer_rule.PLAIN.told
    rule = dataclasses.replace(rule, **own)
    nobody = ExitThresholds.nobody(exits)
    return Leaving(rule, nobody, policy_rules.STATIC)


def _advice(record, name):
    """On the split that no choice has seen, if a sweep had one."""
    if name == policy_rules.STATIC:
        return None
    policy, static = record["policies"][name], record["model"].get("static", {})
    split = "test" if policy.get("test") else "validation"
    if split not in static or not policy.get(split):
        return None
    accuracy = static[split]["accuracy"]
    return sentences.dearer({name: policy[split]}, accuracy, split)


def _asked(rule):
    """A rule, but for what the command line itself says of it.

    A decay that validation is to choose is what it has chosen.
    """
    given = {
        key: FLAGS[key].value
        for key in answer_rule.KEYS
        if workdir.given_here(key) and FLAGS[key].value != choices.BY_VALIDATION
    }
    return dataclasses.replace(rule, **given)
