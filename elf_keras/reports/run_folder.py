"""What a run's folder holds, read as text alone, and what it lacks.

Nothing here needs the images, the model or Keras: a run that was stopped, or
moved to another machine, is read as far as it goes.
"""

import dataclasses
import itertools
import pathlib

from elf_keras import runs
from elf_keras.errors import InputError
from elf_keras.exits import answer_rule
from elf_keras.exits.answer_rule import AnswerRule
from elf_keras.policies import policy_file
from elf_keras.reports import missing, run_records
from elf_keras.runs import flagfiles
from elf_keras.training import schedules


@dataclasses.dataclass(frozen=True, eq=False)
class RunFolder:
    """One run as its folder tells it.

    Attributes:
      path: of the folder.
      name: unlike that of any other run on the page.
      flags: that the run was trained with, by name, as text.
      record: of run.json, or None; only of the data while the run goes on.
      metrics: of metrics.json, or None.
      history: a row an epoch, as far as the run got.
      per_class: rows of per_class.csv: accuracies on test by class.
      curve: of curve.json, or None where nobody swept it.
      policy: of policy.json, or None; only if its thresholds are of `rule`.
      rule: by which images leave on this page: the one that the command line
        asks for, else that of policy.json, else the run's own.
      own_rule: that the run was trained with, and metrics.json scored by.
      other_rule: of policy.json, where that is not `rule`.
    """

    path: pathlib.Path
    name: str
    flags: dict[str, str]
    record: dict | None
    metrics: dict | None
    history: list[dict]
    per_class: list[dict]
    curve: dict | None
    policy: dict | None
    rule: AnswerRule = answer_rule.PLAIN
    own_rule: AnswerRule = answer_rule.PLAIN
    other_rule: AnswerRule | None = None

    @property
    def epochs(self) -> int:
        """Epochs that were asked for."""
        return int(self.flags.get("epochs", len(self.history)))

    @property
    def missing(self) -> tuple[str, ...]:
        """A sentence on each thing that is not there."""
        return tuple(missing.of(self))

    @property
    def data(self) -> dict:
        """What run.json says of the data; empty where there is none."""
        return self.record["data"] if self.record else {}

    @property
    def exits(self) -> list[dict]:
        """What run.json says of each exit; none while the run goes on."""
        return (self.record or {}).get("model", {}).get("exits", [])

    @property
    def policies(self) -> dict[str, dict]:
        """Policies that a sweep chose, by name."""
        return self.policy["policies"] if self.policy else {}

    def scores(self, split: str, epoch: str = "best") -> dict | None:
        """Scores in metrics.json; those of the last epoch without a best."""
        part = (self.metrics or {}).get(split) or {}
        return part.get(epoch) or part.get("last")

    def recorded(self) -> tuple[str, dict] | None:
        """Split and scores that training wrote: of test, if there are any."""
        found = {split: self.scores(split) for split in ("test", "validation")}
        return next((pair for pair in found.items() if pair[1]), None)

    def loss_by_exit(self) -> dict | None:
        """Mean loss and shares by exit of the training split, if recorded."""
        found = (self.scores("train") or {}).get("loss_by_exit")
        return found if found and len(found["loss"]) > 1 else None

    def reweighted_from(self) -> int | None:
        """Zero-based epoch from which class weights apply, if any do."""
        if self.flags.get("class_weighting", "none") == "none":
            return None
        epoch = int(self.flags.get("reweight_epoch", 0))
        full = int(self.flags.get("schedule_epochs", self.epochs))
        if not epoch or full == self.epochs:
            return epoch
        return schedules.scaled(epoch, epochs=self.epochs, full_epochs=full)

    def decays(self) -> list[int]:
        """Zero-based epochs at which the learning rate fell."""
        rates = [row["learning_rate"] for row in self.history]
        steps = enumerate(itertools.pairwise(rates), start=1)
        return [number for number, (a, b) in steps if b < 0.999 * a]


def read(
    path: pathlib.Path,
    name: str | None = None,
    told: dict[str, str] | None = None,
) -> RunFolder:
    """Read a run's folder; its name on the page is by default the folder's.

    Args:
      path: of the folder.
      name: of the run on the page.
      told: flags of the command line that say how images leave.

    Raises:
      InputError: where it is no run's folder, or a file in it is damaged.
    """
    if not (path / runs.FLAGS).is_file():
        raise InputError(
            f"{path} is not the folder of a run: it holds no {runs.FLAGS}; "
            "name the --workdir of a training, a search or an export"
        )
    flags = flagfiles.values(path / runs.FLAGS)
    swept = path / policy_file.NAME
    policy = policy_file.read(swept) if swept.exists() else None
    own = _rule(path, flags)
    chosen = answer_rule.of_record(policy) if policy else own
    decay = chosen.answer_decay
    rule = _rule(path, flags | told, decay=decay) if told else chosen
    fits = chosen.leaves_as(rule)
    return RunFolder(
        path=path,
        name=name or runs.legible(path.resolve().name),
        flags=flags,
        record=run_records.json(path / runs.RECORD, _facts),
        metrics=run_records.json(path / runs.METRICS, _scores),
        history=run_records.history(path),
        per_class=run_records.table(path / "per_class.csv", keys=("class",)),
        curve=_curve(path, rule),
        policy=policy if fits else None,
        rule=rule,
        own_rule=own,
        other_rule=None if fits or not policy else chosen,
    )


def names(paths: list[pathlib.Path], depth: int = 1) -> list[str]:
    """Folder names, with as much of the path as tells them apart.

    Args:
      depth: names of the path that each has at least.

    Raises:
      InputError: where a folder comes twice.
    """
    parts = [tuple(map(runs.legible, path.resolve().parts)) for path in paths]
    if len(set(parts)) < len(parts):
        raise InputError("a folder was named twice; name each folder once")
    found = ["/".join(each[-depth:]) for each in parts]
    while len(set(found)) < len(found):
        depth += 1
        found = ["/".join(each[-depth:]) for each in parts]
    return found


def _facts(record):
    """Touch what every run.json has."""
    data = record["data"]
    _ = data["class_names"], data["class_counts"], data["images"]
    # A run that has not ended tells of its data alone.
    exits = record["model"]["exits"] if "model" in record else ()
    _ = [(row["macs"], row["macs_without_heads"]) for row in exits]


def _scores(metrics):
    """Touch what every metrics.json has."""
    for split in ("validation", "test"):
        for part in metrics.get(split, {}).values():
            _ = part["static"]["accuracy"], part["dynamic"]["exit_shares"]


def _curve(path, rule):
    """curve.json, if it is of the rule that the page has."""
    found = run_records.json(
        path / "curve.json",
        lambda r: (r["splits"].items(), answer_rule.of_record(r)),
    )
    same = found and answer_rule.of_record(found).leaves_as(rule)
    return found if same else None


def _rule(path, flags, **chosen):
    """The rule that flags mean, with what validation has `chosen`."""
    with run_records.refusing(path / runs.FLAGS, str):
        return answer_rule.of_flags(flags, **chosen)
