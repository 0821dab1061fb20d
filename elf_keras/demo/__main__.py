"""Show an export in a browser: it classifies pictures stage by stage.

elf-keras demo --model=savedmodels/digits_lt

Serves a page on this machine that runs the export in the browser and shows at
which exit each picture left, and what that saved. `make page` fetches its
runtime once; afterwards nothing but this server is contacted. Ctrl-C ends it.
"""

import contextlib
import json
import pathlib

from absl import flags

from elf_keras import runs
from elf_keras.cli import command
from elf_keras.demo import server
from elf_keras.deploy import versions
from elf_keras.errors import InputError
from elf_keras.exits import answer_rule

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "model",
    None,
    "Folder of the export, NAME (its highest version) or NAME/N.",
)
flags.DEFINE_integer(
    "port",
    8000,
    "Port on 127.0.0.1, this machine only. 0: any free port.",
    0,
    65535,
)
flags.DEFINE_string(
    "node_modules",
    None,
    "Folder that holds @litertjs/core. Default: where `make page` puts it.",
)

MANIFEST = "manifest.json"
FORMATS = (1, 2)
# What the page runs, as do all files of old exports.
LITERT = "litert"
PAGE = pathlib.Path(__file__).parent / "page"
NODE_MODULES = PAGE.parents[2] / "build" / "page" / "node_modules"
SCOPE = "@litertjs"
# Two packages are needed; npm fetches this one because of the other.
RUNTIME = f"{SCOPE}/wasm-utils/dist/index.js"


def main(arguments: list[str]) -> None:
    """Run the command."""
    # Ctrl-C is how it ends, at any moment.
    with contextlib.suppress(KeyboardInterrupt):
        command.refuse_arguments(arguments)
        if not FLAGS.model:
            raise InputError(
                "--model is missing: name the folder of an export, for example "
                "--model=savedmodels/digits_lt"
            )
        folder = versions.folder_of(pathlib.Path(FLAGS.model))
        with open_server(folder, FLAGS.port, _node_modules()) as server:
            shown = runs.legible(str(folder))
            print(f"{server.url} serves {shown}", flush=True)
            server.serve_forever()


def open_server(
    folder: pathlib.Path, port: int, node_modules: pathlib.Path
) -> server.PageServer:
    """Check an export and listen for the page; not serving yet.

    The folder is NAME, of which the highest version is meant, or NAME/N.

    Raises:
      InputError: for a damaged export or a port that is taken.
    """
    folder = versions.folder_of(folder)
    files = checked_files(folder) | {MANIFEST}
    mounts = [
        server.Mount("/", PAGE),
        server.Mount(f"/vendor/{SCOPE}/", node_modules / SCOPE),
        server.Mount("/model/", folder, files),
    ]
    return server.PageServer(port, mounts)


def checked_files(folder: pathlib.Path) -> frozenset[str]:
    """Return the files of an export after comparing their checksums.

    Raises:
      InputError: where the manifest or a file of it is missing or changed.
    """
    manifest = _read(folder / MANIFEST)
    with runs.refusing(
        f"{folder / MANIFEST} is no manifest of an export",
        "export the model again",
        lambda error: f"{type(error).__name__}: {error}",
    ):
        sums = dict(manifest["checksums"])
        stages = {
            stage["file"]
            for variant in manifest["variants"].values()
            if variant.get("runtime", LITERT) == LITERT
            for stage in variant["stages"]
        }
        unknown = manifest["format"] not in FORMATS
        answer_rule.of_record(manifest)
    if unknown or not stages <= set(sums):
        raise InputError(
            f"{folder / MANIFEST} is of another format, or names stages "
            "without checksums; export the model again"
        )
    if not stages:
        raise InputError(
            f"{folder / MANIFEST} names no TFLite stages, which the page "
            "runs; export the model with --formats=float32 among others"
        )
    for name, expected in sums.items():
        _check(folder, name, expected)
    return frozenset(sums)


def _node_modules():
    folder = pathlib.Path(FLAGS.node_modules or NODE_MODULES)
    if not (folder / RUNTIME).is_file():
        command.say(
            f"LiteRT.js is not in {folder}: the page cannot run models "
            f"{_until()}"
        )
    return folder


def _until():
    """Who fetches the runtime: installed from a wheel, there is no Makefile."""
    if (PAGE.parents[2] / "Makefile").is_file():
        return "until `make page` has fetched it; reload the page afterwards"
    return (
        "without a checkout of the repository; run `make page` there and "
        "give --node_modules=CHECKOUT/build/page/node_modules"
    )


def _read(path):
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(
            f"{path} does not exist; --model names a folder written by "
            "elf-keras export"
        ) from error
    except (ValueError, OSError, RecursionError) as error:
        raise InputError(
            f"{path} cannot be read ({error}); export the model again"
        ) from error


def _check(folder, name, expected):
    inside = there = False
    # What no name of a file can be: too long, in circles, with a zero in it.
    with contextlib.suppress(TypeError, ValueError, OSError, RuntimeError):
        path = folder / name
        there = path.is_file()
        inside = path.resolve().is_relative_to(folder.resolve())
    if not inside:
        raise InputError(
            f"{folder / MANIFEST} names {name!r}, which is outside its folder, "
            "or cannot be a file name; export the model again"
        )
    if not there:
        raise InputError(
            f"{path} is missing; copy the whole folder, or export the model "
            "again"
        )
    if runs.checksum(path) != expected:
        raise InputError(
            f"{path} is not the file that was exported: its checksum differs; "
            "copy it again, or export the model again"
        )


if __name__ == "__main__":
    command.run_command(main)
