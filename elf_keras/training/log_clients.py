"""TensorBoard, Weights & Biases and MLflow, each by its own Keras callback.

The last two are the extra `loggers`, and imported where they are used. How
they are set up, by variables and files, is as their own documentation says.
"""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Mapping

from elf_keras import runs

# Project or experiment, where a logger's own settings name none.
PROJECT = "elf_keras"
FINISHED = "FINISHED"
_EXPERIMENT = ("MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID")
# MLflow takes so many parameters at once.
_AT_ONCE = 100


@dataclasses.dataclass(frozen=True)
class Client:
    """What takes the logs of one run.

    Attributes:
      callback: makes the Keras callback for one call of `fit`.
      take_scores: takes the final scores, name -> number.
      close: takes how the run ended: `FINISHED`, or MLflow's other words.
      known_as: what the logger knows the run by, if it does.
    """

    callback: Callable
    take_scores: Callable[[Mapping[str, float]], None] = lambda scores: None
    close: Callable[[str], None] = lambda status: None
    known_as: str | None = None


def tensorboard(folder: pathlib.Path, known=None, config=None) -> Client:
    """Event files in the run's folder."""
    import keras

    place = runs.encodable(folder) / "tensorboard"
    return Client(lambda: keras.callbacks.TensorBoard(place, write_graph=False))


def wandb(folder: pathlib.Path, known: str | None, config: Mapping) -> Client:
    """Weights & Biases; its own files lie below the run's folder."""
    import wandb as client
    from wandb.integration.keras import WandbMetricsLogger

    run = client.init(
        project=None if "WANDB_PROJECT" in os.environ else PROJECT,
        name=None if "WANDB_NAME" in os.environ else folder.resolve().name,
        id=known,
        resume="allow",
        dir=folder,
        config=dict(config),
        # A run may go on with another --data_dir, say.
        allow_val_change=True,
    )
    return Client(
        WandbMetricsLogger,
        take_scores=lambda scores: run.summary.update(dict(scores)),
        close=lambda status: run.finish(exit_code=int(status != FINISHED)),
        known_as=run.id,
    )


def mlflow(folder: pathlib.Path, known: str | None, config: Mapping) -> Client:
    """MLflow, in the store that MLFLOW_TRACKING_URI names, or its default."""
    import mlflow as client
    from mlflow.keras import MlflowCallback

    class WithoutParameters(MlflowCallback):
        """For what goes on: MLflow refuses a parameter that has changed."""

        def on_train_begin(self, logs=None):
            """Leave the optimizer's as they are."""

    if not known and not any(map(os.environ.get, _EXPERIMENT)):
        client.set_experiment(PROJECT)
    name = None if known else folder.resolve().name
    run = client.start_run(run_id=known, run_name=name)
    rows = [] if known else [*config.items()]
    for start in range(0, len(rows), _AT_ONCE):
        client.log_params(dict(rows[start : start + _AT_ONCE]))
    first = iter([] if known else [MlflowCallback])

    def close(status):
        client.flush_async_logging()
        client.end_run(status)

    return Client(
        lambda: next(first, WithoutParameters)(),
        take_scores=client.log_metrics,
        close=close,
        known_as=run.info.run_id,
    )


def log_in_to_wandb() -> None:
    """Ask for a key before anything is trained, if one will be needed."""
    import wandb as client

    if os.environ.get("WANDB_MODE", "online") == "online":
        client.login()


def reach_mlflow() -> None:
    """Ask the store something before anything is trained."""
    import mlflow as client

    client.get_experiment_by_name(PROJECT)


CLIENTS = {"tensorboard": tensorboard, "wandb": wandb, "mlflow": mlflow}
# What can fail, tried before a run has a folder.
READY = {"wandb": log_in_to_wandb, "mlflow": reach_mlflow}
