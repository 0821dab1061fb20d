"""Devices that a training is planned for: how many, how fast, how dear."""

import dataclasses
import math
import re

from elf_keras.errors import InputError

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


def parse(text: str) -> Fleet:
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
