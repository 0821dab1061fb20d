"""What Weights & Biases was told offline, read from its own files."""

import json
import pathlib


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
    from wandb.sdk.internal.datastore import DataStore

    epochs, config, summary = [], {}, {}
    for path in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        store = DataStore()
        store.open_for_scan(str(path))
        while (content := store.scan_data()) is not None:
            record = wandb_internal_pb2.Record()
            record.ParseFromString(content)
            values = {
                "/".join(item.nested_key) or item.key: item.value_json
                for item in record.history.item
            }
            if "epoch/epoch" in values:
                epochs.append({k: json.loads(v) for k, v in values.items()})
            for item in record.run.config.update:
                config[item.key] = json.loads(item.value_json)
            for item in record.summary.update:
                key = "/".join(item.nested_key) or item.key
                summary[key] = json.loads(item.value_json)
    return epochs, config, summary
