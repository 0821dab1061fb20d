"""What a run's folder holds that an interruption must not change."""

import csv

import h5py

CLOCK = ("seconds", "images_per_second")


def arrays(folder, epochs=6):
    """Weights, batch statistics and momenta after the last epoch."""
    found = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    name = f"epoch_{epochs:04d}_step_000000.weights.h5"
    with h5py.File(folder / "checkpoints" / name) as file:
        file.visititems(keep)
    return found


def history(folder):
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if k not in CLOCK} for row in rows]
