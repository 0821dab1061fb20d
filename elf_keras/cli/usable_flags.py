"""Which flags each command can use, and which of them most people need.

Every command accepts all flags of a recipe, so that any of them takes the same
flagfile; `--help` lists those that there is a reason to give.
"""

import dataclasses

# Where images are now, which may be elsewhere than when a run was trained.
_PLACES = ("data_dir", "labels", "list_dir", "images_on")
_RULE = ("exit_rule", "answer", "answer_decay")
_SCORED = (*_RULE, "deployment_prior", "plugin")
_POLICY = ("policy", "policy_file")
_EXPORT = ("export", "variant")


@dataclasses.dataclass(frozen=True)
class Usable:
    """The flags of a command.

    Attributes:
      first: those that most people need, at most five.
      own: title of the group of flags that no other command has.
      run: of the shared flags, those that it can use; None: all.
      unused: of all, those that it cannot.
      finished: of those that commands of a finished run share.
      compares: whether it takes all exit rules at once.
    """

    first: tuple[str, ...]
    own: str
    run: tuple[str, ...] | None = None
    unused: tuple[str, ...] = ()
    finished: tuple[str, ...] = ()
    compares: bool = False

    @property
    def trains(self) -> bool:
        """Whether a recipe is its natural input."""
        return self.run is None

    def takes(self, name: str) -> bool:
        """Whether a shared flag makes a difference."""
        return (self.trains or name in self.run) and name not in self.unused


COMMANDS = {
    "train": Usable(
        ("recipe", "data_dir", "workdir", "epochs", "resume"),
        "Before a long training",
    ),
    "search": Usable(
        ("recipe", "data_dir", "workdir", "thresholds", "epochs"),
        "Search",
        # Each run has its own t, and goes on by itself.
        unused=("train_threshold", "resume"),
    ),
    "evaluate": Usable(
        ("workdir", "split", "policy", "exit_threshold", "data_dir"),
        "Evaluation",
        ("workdir", *_PLACES, "exit_threshold", *_SCORED),
        finished=("split", *_POLICY, *_EXPORT),
    ),
    "sweep": Usable(
        ("workdir", "budget", "exit_rule", "group_tolerance", "data_dir"),
        "Policies",
        ("workdir", "seed", *_PLACES, *_SCORED),
        finished=_EXPORT,
        compares=True,
    ),
    "export": Usable(
        ("workdir", "output", "formats", "policy", "data_dir"),
        "Export",
        ("workdir", "seed", *_PLACES, *_SCORED),
        finished=_POLICY,
    ),
    "report": Usable(
        ("output", "data_dir", "run_models", "exit_rule", "answer"),
        "Report",
        (*_PLACES, "exit_threshold", *_SCORED),
    ),
    "predict": Usable(
        ("workdir", "export", "policy", "format", "top_k"),
        "Answers",
        ("workdir", "exit_threshold", *_RULE, "plugin"),
        finished=(*_POLICY, *_EXPORT),
    ),
    "demo": Usable(("model", "port", "node_modules"), "Demo", ()),
}
