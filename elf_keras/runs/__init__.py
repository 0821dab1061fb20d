"""A run on disk, and as a process; light, `--help` needs it."""

from elf_keras.runs.files import (
    WRITING,
    checksum,
    numbers,
    plain,
    read_json,
    refusing,
    replacing,
    write_csv,
    write_json,
    write_text,
)
from elf_keras.runs.folder import (
    EXAMPLES,
    FLAGS,
    METRICS,
    MODEL,
    RECORD,
    check,
    encodable,
)
from elf_keras.runs.lock import LOCK, locked
from elf_keras.runs.machine import cores, environment, peak_memory, silenced
from elf_keras.runs.names import legible

__all__ = [
    "EXAMPLES",
    "FLAGS",
    "LOCK",
    "METRICS",
    "MODEL",
    "RECORD",
    "WRITING",
    "check",
    "checksum",
    "cores",
    "encodable",
    "environment",
    "legible",
    "locked",
    "numbers",
    "peak_memory",
    "plain",
    "read_json",
    "refusing",
    "replacing",
    "silenced",
    "write_csv",
    "write_json",
    "write_text",
]
