"""Time, memory and money of a training on devices that are not here.

Either from a speed that was measured, or from multiply-adds: a step computes
forward once and backward twice, so 3 x 2 x MACs FLOPs an image. Every
assumption is a row of the table.
"""

import dataclasses
import math

import keras
import numpy as np

from elf_keras.data import replica_parts
from elf_keras.models import multiply_adds
from elf_keras.training import dry_run
from elf_keras.training.fleets import Fleet

# FLOPs of training for one MAC of prediction: 2, forward and twice backward.
FLOPS_PER_MAC = 6
# float32 weight, gradient and momentum of every parameter.
BYTES_PER_PARAMETER = 12


@dataclasses.dataclass(frozen=True)
class Work:
    """What a training asks of any device.

    Attributes:
      images: that are trained on, all epochs together.
      batch: images in a step.
      macs: of one image, all exits computed.
      parameters: of the model.
      values: that one image leaves for the backward pass.
      pipeline: images a second that this machine reads.
      images_per_second: that one device here trains.
    """

    images: int
    batch: int
    macs: int
    parameters: int
    values: int
    pipeline: float
    images_per_second: float


def work_of(model: keras.Model, speed: dry_run.Speed, *, epochs: int) -> Work:
    """Count the work of a model and a recipe.

    Args:
      model: a multi-exit model.
      speed: measured here.
      epochs: of the training.
    """
    shapes = [
        output.shape[1:]
        for layer in model.layers
        for output in keras.tree.flatten(layer.output)
    ]
    return Work(
        images=epochs * speed.images,
        batch=speed.batch,
        macs=int(multiply_adds.exit_costs(model).with_heads[-1]),
        parameters=model.count_params(),
        values=sum(int(np.prod(shape)) for shape in shapes),
        pipeline=speed.pipeline,
        images_per_second=speed.batch / speed.step,
    )


def rows(
    work: Work,
    fleet: Fleet,
    *,
    half: bool,
    utilization: float,
    efficiency: float,
) -> list[tuple[str, str]]:
    """Rows (what, figure) of a table: the plan, then what it assumes.

    Args:
      work: of the training.
      fleet: that it is planned for.
      half: whether layers compute in half precision.
      utilization: share of the peak that is reached, in (0, 1].
      efficiency: share of the summed speed that several devices reach.

    Raises:
      InputError: for more devices than a batch has images.
    """
    replica_parts.check(work.batch, fleet.count)
    one, told = _speed(work, fleet, half, utilization)
    together = one * fleet.count * (efficiency if fleet.count > 1 else 1.0)
    hours = work.images / together / 3600
    share = math.ceil(work.batch / fleet.count)
    memory = BYTES_PER_PARAMETER * work.parameters
    memory += share * work.values * (2 if half else 4)
    found = [
        (f"on {fleet.count} x {fleet.device}", f"{together:.0f} images/s"),
        ("  time", dry_run.duration(3600 * hours)),
        ("  device hours", f"{hours * fleet.count:.3g}"),
        ("  memory of each device", f"{memory / 2**30:.2g} GiB"),
        ("  images of each device in a step", str(share)),
        ("  assumed: speed of one", told),
        (
            "  assumed: memory",
            "weights, gradients, momentum, every layer's output; not the "
            "framework's own and workspaces",
        ),
        (
            "  assumed: reading",
            f"the hosts read {together:.0f} images/s together; this machine "
            f"reads {work.pipeline:.0f}",
        ),
        ("  left out", "start, validation, checkpoints, interruptions"),
    ]
    if fleet.count > 1:
        text = f"{efficiency:.0%} of their summed speed (--plan_efficiency)"
        found.insert(6, ("  assumed: several", text))
    if fleet.price:
        money = hours * fleet.count * fleet.price
        text = f"{money:.2f}, at {fleet.price:g} per device and hour"
        found.insert(3, ("  money", text))
    return found


def _speed(work, fleet, half, utilization):
    """Images a second of one device, and where they come from."""
    if fleet.images_per_second == 0:
        return work.images_per_second, "measured here, on one device"
    if fleet.images_per_second:
        return fleet.images_per_second, f"{fleet.device}, as given"
    peak = fleet.peaks[0 if half else 1]
    speed = utilization * peak * 1e12 / (FLOPS_PER_MAC * work.macs)
    precision = "half precision" if half else "float32"
    return speed, (
        f"{speed:.0f} images/s: {utilization:.0%} (--plan_utilization) of "
        f"{peak:g} tera-FLOP/s in {precision}, {FLOPS_PER_MAC} x "
        f"{work.macs / 1e6:.4g} million MACs an image"
    )
