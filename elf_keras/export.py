"""Export a run: SavedModel for servers, TFLite and ONNX for devices.

elf-keras export --workdir=runs/mine --output=savedmodels/mine

Writes the files and manifest.json into the next version's folder,
savedmodels/mine/1 at first. Then it runs every file on the same validation
images and compares the answers with the model's. Where a float32 file differs,
nothing is kept and the status is 2.

Policies come from the run's policy.json or from --policy_file, with their exit
rule, answer and limits for shot groups; other values of these flags are
refused. A run that was never swept gets the policies of a sweep without flags.
Thresholds are chosen again for each variant, since quantization changes
confidences. --policy=NAME makes one policy the default, --policy=static the
backbone without early exits.
"""

import dataclasses
import pathlib

from absl import flags

from elf_keras import choices, errors, plugins, runs
from elf_keras.cli import (
    command,
    data_from_flags,
    export_tables,
    formats_from_flags,
    policies_from_flags,
    workdir,
)
from elf_keras.deploy import versions
from elf_keras.errors import InputError
from elf_keras.policies import policy_rules
from elf_keras.runs import preemption

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "output",
    None,
    "Folder of the export, such as savedmodels/NAME. A new version is added to "
    "it, NAME/1 at first; a server that watches NAME loads it.",
    # That of the report is another one.
    allow_override=True,
)
flags.DEFINE_list(
    "formats",
    ["saved_model", *choices.TFLITE_VARIANTS],
    f"What to write, of {', '.join(choices.EXPORT_FORMATS)}. single_file is "
    "one TFLite file that decides by itself when to stop; it needs float32.",
)
flags.DEFINE_integer(
    "score_images",
    2000,
    "Test images on which each variant is scored. 0: all.",
    lower_bound=0,
)
flags.DEFINE_bool(
    "chain_only",
    False,
    "Write only the stages of each variant, which run one after another until "
    "an image leaves: about a third of its size. Files of single exits and of "
    "all stages in one are left out.",
)


def main(arguments: list[str]) -> None:
    """Run the command."""
    command.refuse_arguments(arguments)
    formats_from_flags.check()
    _check_default(FLAGS.policy)
    folder = workdir.workdir()
    output = _output()
    if not (folder / runs.MODEL).exists():
        raise InputError(
            f"--workdir={folder} holds no {runs.MODEL}: the run has not ended; "
            "continue it with elf-keras train --resume"
        )
    data = data_from_flags.of_run(folder)
    if not data.train:
        raise InputError(
            "none of the images that the run was trained on was found, and "
            "int8 is calibrated on them; give their folder by --data_dir"
        )
    if data.validation is None:
        command.say(
            "note: without a validation split, thresholds and temperatures are "
            "chosen on training images, where the model is too confident"
        )
    if FLAGS.method == "summed":
        command.say(
            "note: --method=summed answers by the sum of all exits; an export "
            "leaves at one of them, or answers by the last alone"
        )
    command.load_tensorflow()
    # So that nothing half-made is left then, either.
    with preemption.watched():
        run(folder, output, data)


def run(folder: pathlib.Path, output: pathlib.Path, data) -> None:
    """Export one run; nothing half-made is left behind."""
    from elf_keras import models
    from elf_keras.cli import fitting_model, model_from_flags
    from elf_keras.deploy import bundle, chains

    model = fitting_model.load(folder / runs.MODEL, data)
    offer = policies_from_flags.to_export(
        model.outputs[0].shape[-1], models.exits(model)
    )
    _check_default(offer.default)
    command.say(offer.said)
    scorer = model_from_flags.scorer(model, data)
    scorer = dataclasses.replace(
        scorer, rule=dataclasses.replace(scorer.rule, **offer.rule.told)
    )
    plan = chains.ExportPlan(
        runs.legible(output.resolve().name),
        _formats(offer.rule.exit_rule, model.outputs[0].shape[-1]),
        FLAGS.score_images,
        FLAGS.seed,
        offer.plan,
        offer.default,
        FLAGS.chain_only,
    )
    planned = versions.following(output)
    with errors.translated(), versions.adding(output) as made:
        record = bundle.write(
            runs.encodable(made), model, data, scorer, plan, command.say
        )
        _shown(record)
        with preemption.held():
            place = versions.put(made, output)
    data_from_flags.tell_damaged(data)
    if place != planned:
        command.say(
            f"note: {planned} was written by another process meanwhile and is "
            "left as it is"
        )
    command.say(f"written to {place}")


def _shown(record):
    """Print what was made, and refuse what should not be."""
    shares = record["parity_at"]["exit_shares"]
    print(export_tables.variants(record), flush=True)
    print()
    # Last, so that what failed is seen.
    print(export_tables.parity(shares, record["parity"]), flush=True)
    failed = [
        row["artefact"] for row in record["parity"] if row["passed"] is False
    ]
    if failed:
        raise InputError(
            f"{', '.join(failed)}: does not answer as the model does (see "
            "FAILED above); nothing was written, please report it"
        )
    _refuse_without_default(record)


def _refuse_without_default(record):
    """A budget that a variant cannot meet, or its exits cannot, is left out."""
    name = record["default_policy"]
    if name == policy_rules.STATIC:
        return
    served = {"saved_model": record["saved_model"]}
    held = served if record["saved_model"] else {}
    for variant, found in (held | record["variants"]).items():
        if name not in found["policies"]:
            said = [s for s in found["left_out"] if s.startswith(f"{name}:")]
            raise InputError(
                f"--policy={name}: {variant} cannot keep this budget "
                f"({'; '.join(said)}); choose another default; nothing was "
                "written"
            )


def _output():
    if not FLAGS.output:
        raise InputError(
            "--output is missing: name a folder, for example "
            "--output=savedmodels/digits_lt"
        )
    output = pathlib.Path(FLAGS.output)
    versions.check_output(output, served="saved_model" in FLAGS.formats)
    return output


def _check_default(policy):
    if FLAGS.chain_only and policy == policy_rules.STATIC:
        raise InputError(
            "--policy=static: --chain_only keeps no file of the bare backbone "
            "to run by default; leave one of the two out, or name another "
            "--policy"
        )


def _formats(exit_rule, classes):
    """--formats that can leave by a rule; one of a plug-in is in graphs alone.

    The chain's runner and the page know the package's own rules.
    """
    if exit_rule not in plugins.EXIT_RULES:
        return tuple(FLAGS.formats)
    from elf_keras.deploy import graphs

    graphs.check_rule(exit_rule, classes)
    others = [name for name in FLAGS.formats if name != "saved_model"]
    told = (
        f"the exit rule {exit_rule} is of a plug-in, which chains of TFLite "
        "and ONNX files do not know"
    )
    if others and FLAGS["formats"].present:
        raise InputError(
            f"--formats={','.join(FLAGS.formats)}: {told}; choose "
            "--formats=saved_model, whose graph has it, or sweep by another "
            "--exit_rule"
        )
    if others:
        command.say(f"note: {told}: {', '.join(others)} are left out")
    return ("saved_model",)


if __name__ == "__main__":
    command.run_command(main, of_run=True)
