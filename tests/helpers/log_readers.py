"""What Weights & Biases was told offline, read from its own files."""

import json
import pathlib
import struct

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
    from wandb.proto import wandb_internal_pb2

    epochs, config, summary = [], {}, {}
    for path in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        for content in _records(path.read_bytes()):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(content)
            values = {
                "/".join(item.nested_key) or item.key: item.value_json
                for item in record.history.item
            }
            if "epoch/epoch" in values:
                epochs.append({k: json.loads(v) for k, v in values.items()})
            for item in record.run.config.update:
                # Its own facts of versions and machine.
                if item.key != "_wandb":
                    config[item.key] = json.loads(item.value_json)
            for item in record.summary.update:
                key = "/".join(item.nested_key) or item.key
                summary[key] = json.loads(item.value_json)
    return epochs, config, summary


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
