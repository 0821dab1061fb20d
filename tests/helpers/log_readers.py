"""What Weights & Biases was told offline, read from its own files."""

import json
import pathlib
import struct
import time

# Checksum, length and kind of a record's part.
_HEAD = struct.Struct("<IHB")
_FULL, _LAST = 1, 4


def stay_offline(monkeypatch, folder: pathlib.Path) -> None:
    """Set variables by which nothing leaves this machine, nor a folder."""
    for name, value in {
        "WANDB_MODE": "offline",
        "WANDB_SILENT": "true",
        "WANDB_ERROR_REPORTING": "false",
        "WANDB_CONFIG_DIR": folder / "config",
        "WANDB_CACHE_DIR": folder / "cache",
        "WANDB_DATA_DIR": folder / "data",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.chdir(folder)


def told_to_wandb(folder: pathlib.Path) -> tuple[list[dict], dict, dict]:
    """Epochs, configuration and summary of a run, of all its processes."""
    epochs, config, summary = [], {}, {}
    for path in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        for record in _whole(path):
            values = _values(record.history.item)
            if "epoch/epoch" in values:
                epochs.append(values)
            config |= _values(record.run.config.update)
            summary |= _values(record.summary.update)
    # Its own facts of versions and machine.
    return epochs, {k: v for k, v in config.items() if k != "_wandb"}, summary


def _values(items):
    return {
        "/".join(item.nested_key) or item.key: json.loads(item.value_json)
        for item in items
    }


def _whole(path):
    """The records of a file, once it is written up to its end."""
    from wandb.proto import wandb_internal_pb2

    for _ in range(300):
        contents = _records(path.read_bytes())
        found = [*map(wandb_internal_pb2.Record.FromString, contents)]
        if found and found[-1].HasField("exit"):
            break
        time.sleep(0.1)
    return found


def _records(content):
    """Records of LevelDB's log format, whose parts never cross a block."""
    block, place, whole = 2**15, len(":W&B") + 3, b""
    while place + _HEAD.size <= len(content):
        left = block - place % block
        if left < _HEAD.size:
            place += left
            continue
        _, length, kind = _HEAD.unpack_from(content, place)
        place += _HEAD.size
        whole += content[place : place + length]
        place += length
        if kind in (_FULL, _LAST):
            yield whole
            whole = b""
