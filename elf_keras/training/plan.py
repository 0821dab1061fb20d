"""Time, memory and money of a training on devices that are not here.

Either from a speed that was measured, or from multiply-adds: a step computes
forward once and backward twice, so 3 x 2 x MACs FLOPs an image. Every
assumption is a row of the table. Loads no Keras: flags name the devices.
"""

import dataclasses
import math
import re

from elf_keras.errors import InputError
from elf_keras.runs import progress

# Tera-FLOP/s of dense matrix products as the makers print them: in half
# precision, and in float32 as TensorFlow runs it there (TF32 where there is).
PEAKS = {
    "T4": (65.0, 8.1),
    "V100": (125.0, 15.7),
    "L4": (121.0, 60.0),
    "A100": (312.0, 156.0),
    "H100": (989.0, 494.0),
    "TPUv4": (275.0, 275.0),
    "TPUv5e": (197.0, 197.0),
}
MOST = 1_000_000
_FORM = re.compile(r"(\d+)x(.+?)(?:@([\d.]+))?")
# FLOPs of training for one MAC of prediction: 2, forward and twice backward.
FLOPS_PER_MAC = 6
# float32 weight, gradient and momentum of every parameter.
BYTES_PER_PARAMETER = 12


@dataclasses.dataclass(frozen=True)
class Fleet:
    """Several devices of one kind.

    Attributes:
      count: of devices ≥ 1.
      device: as the user wrote it.
      peaks: tera-FLOP/s in half precision and float32, or None.
      images_per_second: that one device trains, or None; 0 for as many as
        this machine.
      price: per device and hour, in the user's money.
    """

    count: int
    device: str
    peaks: tuple[float, float] | None
    images_per_second: float | None
    price: float


def parse_fleet(text: str) -> Fleet:
    """Read a fleet such as `8xA100@2.5`.

    Args:
      text: COUNTxDEVICE or COUNTxDEVICE@PRICE; DEVICE is a key of `PEAKS`, a
        peak as `312T`, a speed as `900/s`, or `here`.

    Raises:
      InputError: for anything else.
    """
    found = _FORM.fullmatch(text)
    try:
        count, device, price = int(found[1]), found[2], float(found[3] or 0)
        peaks, speed = PEAKS.get(device), None
        if device == "here":
            speed = 0.0
        elif device.endswith("/s"):
            speed = float(device.removesuffix("/s"))
        elif peaks is None and device.endswith("T"):
            peaks = (float(device.removesuffix("T")),) * 2
        rate = min(peaks) if peaks else speed
        usable = device == "here" or (rate and 0 < rate < math.inf)
    except (TypeError, ValueError):
        usable = False
    # More devices than there are, or a price without end, is a slip.
    if not (usable and 0 < count <= MOST and math.isfinite(price)):
        raise InputError(
            f"--plan={text}: expected COUNTxDEVICE@PRICE, for example "
            f"8xA100@2.5; devices are {', '.join(PEAKS)}, a peak as 312T, a "
            "speed as 900/s, or here"
        )
    return Fleet(count, device, peaks, speed, price)


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


def rows(
    work: Work,
    fleet: Fleet,
    *,
    half: bool,
    utilization: float,
    efficiency: float,
) -> list[tuple[str, str]]:
    """Rows (what, figure) of a table: the plan, then what it assumes.

    `utilization` is the share of the peak that is reached, `efficiency` that
    of the summed speed of several devices, both in (0, 1]. More devices than
    a batch has images are an `InputError`.
    """
    # It loads TensorFlow, which the flags do not need.
    from elf_keras.data import replica_parts

    replica_parts.check(work.batch, fleet.count)
    share = math.ceil(work.batch / fleet.count)
    one, source = _speed(work, fleet, half, utilization)
    together = one * fleet.count * (efficiency if fleet.count > 1 else 1.0)
    hours = work.images / together / 3600
    memory = BYTES_PER_PARAMETER * work.parameters
    memory += share * work.values * (2 if half else 4)
    several = f"{efficiency:.0%} of their summed speed (--plan_efficiency)"
    found = [
        (f"on {fleet.count} x {fleet.device}", f"{together:.0f} images/s"),
        ("  time", progress.duration(3600 * hours)),
        ("  device hours", f"{hours * fleet.count:.3g}"),
        ("  money", _money(fleet, hours)),
        ("  memory of each device", f"{memory / 2**30:.2g} GiB"),
        ("  images of each device in a step", str(share)),
        ("  assumed: speed of one", source),
        ("  assumed: several", several if fleet.count > 1 else None),
        ("  assumed: memory", _MEMORY),
        ("  assumed: reading", _READING.format(together, work.pipeline)),
        ("  left out", "start, validation, checkpoints, interruptions"),
    ]
    return [(what, figure) for what, figure in found if figure]


_MEMORY = (
    "weights, gradients, momentum, every layer's output; not the framework's "
    "own and workspaces"
)
_READING = "the hosts read {:.0f} images/s together; this machine reads {:.0f}"


def _money(fleet, hours):
    if not fleet.price:
        return None
    money = hours * fleet.count * fleet.price
    return f"{money:.2f}, at {fleet.price:g} per device and hour"


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
