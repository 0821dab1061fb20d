"""The edge runner against the model it came from, and against bad input."""

import hashlib
import json
import math
import shutil
import subprocess
import sys
import types

import made_chain
import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from elf_keras.data import image_formats, images
from elf_keras.deploy import chain_runner
from elf_keras.deploy.chain_runner import ChainError, ChainRunner
from elf_keras.evaluation import prediction
from elf_keras.exits import exit_rule
from elf_keras.exits.thresholds import ExitThresholds
from elf_keras.models import multiply_adds

pytest.importorskip("ai_edge_litert")
NEVER = [None, None]


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return made_chain.make(tmp_path_factory.mktemp("chain"))


@pytest.fixture
def runner(chain):
    return ChainRunner(chain.manifest)


@pytest.fixture
def copy(chain, tmp_path):
    """A copy of the export that a test may damage."""
    folder = tmp_path / "copy"
    shutil.copytree(chain.manifest.parent, folder)
    return folder / made_chain.MANIFEST


def edit(manifest, change):
    record = json.loads(manifest.read_text())
    change(record)
    manifest.write_text(json.dumps(record))


@pytest.mark.parametrize("closed", [None, 0, 1])
def test_answers_are_those_of_the_model(chain, runner, closed):
    """Nobody leaves where a policy closes an exit."""
    own = [None if k == closed else chain.threshold for k in (0, 1)]
    expected = prediction.predict_dynamic(
        chain.stages, chain.images, ExitThresholds.of(own)
    )
    assert set(expected.exit_taken) == {0, 1, 2} - {closed}
    assert len(set(expected.classes)) == 3
    for index, image in enumerate(chain.images):
        for policy in (own, None, "accurate") if closed is None else (own,):
            answer = runner.predict(image, policy=policy)
            assert answer.exit == expected.exit_taken[index] + 1
            assert answer.class_index == expected.classes[index]
            assert answer.class_name == made_chain.NAMES[answer.class_index]
            assert abs(answer.confidence - expected.certainty[index]) < 1e-5
            assert answer.in_time
            assert answer.milliseconds > 0


def test_probabilities_are_calibrated_and_macs_are_those_spent(chain, runner):
    costs = multiply_adds.exit_costs(made_chain.model()).with_heads
    for index, image in enumerate(chain.images[:20]):
        answer = runner.predict(image)
        taken = answer.exit - 1
        temperature = made_chain.TEMPERATURES[taken]
        scores = chain.scores[index, taken].tolist()
        powers = [math.exp(score / temperature) for score in scores]
        expected = [power / sum(powers) for power in powers]
        np.testing.assert_allclose(answer.probabilities, expected, atol=1e-5)
        assert answer.macs == costs[taken]


def test_confidence_is_the_very_formula_of_the_exit_rule():
    random = np.random.default_rng(0)
    scores = random.normal(0, 30, (50, 100)).astype("float32")
    classes, found = zip(*map(chain_runner.decide, scores), strict=True)
    np.testing.assert_array_equal(found, exit_rule.confidence(scores))
    np.testing.assert_array_equal(classes, scores.argmax(axis=1))


@pytest.mark.parametrize(
    "kind", ["uint8", "int64", ">f4", "float16", "float64"]
)
def test_every_type_of_pixels_gives_the_same_answer(chain, runner, kind):
    image = chain.images[0]
    expected = runner.predict(image).probabilities
    turned = image.astype(kind).transpose(1, 0, 2).copy().transpose(1, 0, 2)
    found = runner.predict(turned).probabilities
    np.testing.assert_array_equal(found, expected)


def test_integers_are_scaled_by_what_the_files_say(chain):
    runner = ChainRunner(chain.manifest, variant="int8")
    agree = 0
    for index, image in enumerate(chain.images):
        number, shares = made_chain.by_hand(chain, image, chain.threshold)
        answer = runner.predict(image)
        assert answer.exit == number
        assert answer.class_index == shares.argmax()
        assert abs(answer.confidence - shares.max()) < 1e-5
        assert answer.probabilities.dtype == np.float32
        agree += answer.class_index == chain.scores[index, number - 1].argmax()
    assert agree > 0.8 * len(chain.images)


def test_integers_of_another_scale_are_scaled_again(chain):
    file = chain.manifest.parent / "tflite/int8/stage_2.tflite"
    stage = chain_runner.Stage(file.read_bytes())
    scale, zero = stage.inputs["features"]["quantization"]
    given = np.arange(-128, 128).astype("int8")
    found = stage.encode((given, (2 * scale, 5))).tolist()
    numbers = [2 * (int(value) - 5) + zero for value in given]
    assert found == [max(-128, min(127, number)) for number in numbers]
    assert stage.encode((given, (scale * 1.000001, zero))) is given


def test_bytes_become_the_integers_that_arithmetic_gives(chain):
    """They are looked up, one of 256 each."""
    file = chain.manifest.parent / "tflite/int8/stage_1.tflite"
    stage = chain_runner.Stage(file.read_bytes())
    values = np.arange(256, dtype="uint8").reshape(4, 8, 8, 1)
    found = stage.encode(values)
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found, stage.encode(values.astype("float32")))


def test_counts_and_drift_keep_policies_apart(chain, runner):
    assert runner.counts == [0, 0, 0]
    assert runner.drift() is None
    for image in chain.images:
        runner.predict(image)
    left = list(runner.counts)
    assert sum(left) == len(chain.images)
    assert runner.drift() == pytest.approx(0)
    runner.policy = "macs_25"
    assert runner.drift() is None
    runner.predict(chain.images[0])
    runner.predict(chain.images[0], policy=NEVER)
    runner.predict(chain.images[0], policy="macs_25", deadline_ms=1e9)
    assert runner.counts == [left[0] + 2, left[1], left[2] + 1]
    assert (runner.drift(), runner.drift("accurate")) == (0, pytest.approx(0))
    runner.reset()
    assert runner.counts == [0, 0, 0]
    runner.predict(chain.images[0], policy="all_exits")
    assert runner.drift("all_exits") == 0
    assert runner.drift("accurate") is None


def test_drift_is_the_total_variation_distance(chain, runner):
    taken = [runner.predict(image).exit for image in chain.images[:7]]
    shares = [taken.count(number) / 7 for number in (1, 2, 3)]
    record = json.loads(chain.manifest.read_text())
    policy = record["variants"]["float32"]["policies"]["accurate"]
    pairs = zip(shares, policy["exit_shares"], strict=True)
    expected = sum(max(0.0, seen - share) for seen, share in pairs)
    assert runner.drift() == pytest.approx(expected)
    assert expected > 0


@pytest.fixture
def at(monkeypatch):
    """Tell the runner's clock: the call, then the end of each stage, in ms."""
    moments = []
    clock = types.SimpleNamespace(perf_counter=lambda: moments.pop(0) / 1000)
    monkeypatch.setattr(chain_runner, "time", clock)

    def tell(*milliseconds):
        moments[:] = [100, *(100 + value for value in milliseconds)]
        return moments

    return tell


# The manifest claims 1, 2 and 4 ms for the stages.
@pytest.mark.parametrize(
    ("deadline", "ends", "number", "in_time"),
    [
        (8, (1, 3, 7), 3, True),
        (6.9, (1, 3), 2, True),  # 3 + 4 does not fit
        (2.9, (1,), 1, True),
        (8, (1, 8.5), 1, True),  # stage 2 was late
        (8, (1, 3, 8.5), 2, True),
        (0.5, (1,), 1, False),
        (-1, (1,), 1, False),
        (math.inf, (1, 3, 70), 3, True),
    ],
)
def test_the_last_answer_in_time(
    chain, runner, at, deadline, ends, number, in_time
):
    left = at(*ends)
    answer = runner.predict(chain.images[0], deadline_ms=deadline)
    assert not left
    assert (answer.exit, answer.in_time) == (number, in_time)
    assert answer.milliseconds == pytest.approx(ends[-1])
    at(1, 3, 7)
    whole = runner.predict(chain.images[0], policy=NEVER)
    assert (answer.macs == whole.macs) == (len(ends) == 3)
    assert answer.class_index == chain.scores[0, number - 1].argmax()


def test_a_policy_and_a_deadline_both_hold(chain, runner, at):
    left = at(1)
    answer = runner.predict(chain.images[0], policy="macs_25", deadline_ms=100)
    assert (answer.exit, left) == (1, [])
    at(1, 3)
    answer = runner.predict(chain.images[0], policy="all_exits", deadline_ms=5)
    assert (answer.exit, answer.in_time) == (2, True)


def test_a_slow_moment_is_heeded_then_forgotten(chain, runner, at):
    image = chain.images[0]
    at(1, 51, 55)
    assert runner.predict(image, deadline_ms=100).exit == 3
    exits = []
    for _ in range(400):
        at(1, 3, 7)
        exits.append(runner.predict(image, deadline_ms=10).exit)
    assert exits[:10] == [1] * 10
    assert exits[-10:] == [3] * 10


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (None, "NoneType"),
        ([[1]], "list"),
        (np.full(made_chain.SHAPE, "a"), "<U1"),
        (np.ones(made_chain.SHAPE, bool), "bool"),
        (np.ones(made_chain.SHAPE, complex), "complex"),
        (np.full(made_chain.SHAPE, None), "object"),
        (np.zeros((0, 8, 1)), "(0, 8, 1)"),
        (np.zeros((8, 8)), "(8, 8)"),
        (np.zeros((1, *made_chain.SHAPE)), "(1, 8, 8, 1)"),
        (np.full(made_chain.SHAPE, np.nan), "nan"),
        (np.full(made_chain.SHAPE, np.inf), "inf"),
        (np.full(made_chain.SHAPE, 255.5), "255.5"),
        (np.full(made_chain.SHAPE, -1), "-1"),
    ],
)
def test_what_is_no_image_is_refused(chain, runner, image, says):
    with pytest.raises(ChainError, match="expected") as refused:
        runner.predict(image)
    assert says in str(refused.value)
    assert runner.counts == [0, 0, 0]
    assert runner.predict(chain.images[0], policy="macs_25").exit == 1


@pytest.mark.parametrize(
    "policy",
    ["cheap", 0.5, [0.5], [0.5] * 3, [0, 0.5], [1.0, 0.5], [np.nan, 0.5]]
    + [["0.5", 0.5], {0.5: 1}, [[0.5], [0.5]], b"accurate", [[1], [1, 2]]]
    + [np.array(0.5), np.full((2, 1), 0.5)],
)
def test_unknown_policies_are_refused(chain, runner, policy):
    with pytest.raises(ChainError, match="expected"):
        runner.predict(chain.images[0], policy=policy)
    runner.policy = policy
    with pytest.raises(ChainError, match="expected"):
        runner.predict(chain.images[0])


@pytest.mark.parametrize("rule", [{}, {"policy": "all_exits"}])
def test_scores_that_are_no_numbers_are_no_answer(
    chain, runner, rule, monkeypatch
):
    nothing = np.full(3, np.nan, "float32")
    monkeypatch.setattr(chain_runner.Stage, "run", lambda *_: nothing)
    for deadline in (None, 1e9, 0.0):
        with pytest.raises(ChainError, match="expected numbers"):
            runner.predict(chain.images[0], deadline_ms=deadline, **rule)
    assert runner.counts == [0, 0, 0]


def test_a_manifest_is_named_by_a_path():
    with pytest.raises(ChainError, match="manifest None: expected a path"):
        ChainRunner(None)


@pytest.mark.parametrize("deadline", ["soon", math.nan, 1j, [1]])
def test_a_deadline_is_a_number(chain, runner, deadline):
    with pytest.raises(ChainError, match="deadline .* expected millisec"):
        runner.predict(chain.images[0], deadline_ms=deadline)


def swap_in_the_manifest(record):
    stages = record["variants"]["float32"]["stages"]
    stages[1:] = stages[:0:-1]


def put(value, *path):
    def change(record):
        for name in path[:-1]:
            record = record[name]
        record[path[-1]] = value

    return change


def lose(path):
    """Without the field at a path such as `exits/0/macs`, which is named."""
    *parents, last = path.split("/")

    def change(record):
        for name in parents:
            record = record[int(name) if name.isdigit() else name]
        record.pop(int(last) if last.isdigit() else last)

    return change, last


FIRST = ("variants", "float32", "stages", 0)
POLICY = ("variants", "float32", "policies", "accurate")
FIELDS = (
    "format class_names input/width variants exits/0/macs checksums "
    "exits/1/temperature default_policy variants/float32/stages "
    "variants/float32/policies variants/float32/stages/1/file "
    "variants/float32/stages/2/milliseconds "
    "variants/float32/policies/accurate/thresholds "
    "variants/float32/policies/all_exits/exit_shares"
)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        *map(lose, FIELDS.split()),
        (lambda record: record["checksums"].clear(), "checksum"),
        (put(2, "format"), "format"),
        (put({}, "variants"), "cannot be used"),
        (put([1], "exits"), "cannot be used"),
        (put("best", "default_policy"), "'best'"),
        (put([0.5], *POLICY, "thresholds"), "0.5"),
        (put([0.5, 2.0], *POLICY, "thresholds"), "2.0"),
        (put([1.0], *POLICY, "exit_shares"), "shares"),
        (put(0, "exits", 0, "temperature"), "temperature"),
        (put(["a", "b"], "class_names"), "stage 1"),
        (put(16, "input", "width"), "stage 1"),
        (put("../copy/x.tflite", *FIRST, "file"), "inside"),
        (put("/etc/passwd", *FIRST, "file"), "inside"),
        (put("tflite\\..\\..\\x", *FIRST, "file"), "inside"),
        (put("C:x", *FIRST, "file"), "inside"),
        (swap_in_the_manifest, "swapped"),
        (lose("variants/float32/stages/2")[0], "2 stages"),
        (lose("exits/2")[0], "shares"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused(copy, change, says):
    edit(copy, change)
    with pytest.raises(ChainError) as refused:
        ChainRunner(copy)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "[" * 99999, "\xff"])
def test_what_is_no_manifest_is_refused(copy, text):
    copy.write_bytes(text.encode("latin-1"))
    with pytest.raises(ChainError, match="manifest.json"):
        ChainRunner(copy)


def test_files_that_changed_are_refused(copy):
    one, two, three = (
        copy.parent / f"tflite/float32/stage_{number}.tflite"
        for number in (1, 2, 3)
    )
    whole = two.read_bytes()
    for content in (whole[:-1], b"", three.read_bytes()):
        two.write_bytes(content)
        with pytest.raises(ChainError, match="stage_2.tflite has sha256"):
            ChainRunner(copy)
    two.unlink()
    with pytest.raises(ChainError, match=f"No such file.*{two.name}"):
        ChainRunner(copy)
    with pytest.raises(ChainError, match="No such file"):
        ChainRunner(copy.parent / "other.json")
    with pytest.raises(ChainError, match="variant 'int4'.*'float32', 'int8'"):
        ChainRunner(copy, variant="int4")
    assert ChainRunner(copy, variant="int8").variant == "int8"


def test_a_stage_that_was_cut_before_it_was_signed_is_refused(copy):
    file = "tflite/float32/stage_2.tflite"
    cut = (copy.parent / file).read_bytes()[:20000]
    (copy.parent / file).write_bytes(cut)
    edit(copy, put(hashlib.sha256(cut).hexdigest(), "checksums", file))
    with pytest.raises(ChainError, match="cannot be used"):
        ChainRunner(copy)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(40, 31), (9, 20), (32, 32), (300, 211)])
def test_image_files_become_the_pixels_of_training(tmp_path, size, channels):
    random = np.random.default_rng(size)
    pixels = random.integers(256, size=(*size, 4)).astype("uint8")
    colour = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = colour.convert("RGB")
    colour.save(tmp_path / "alpha.png")
    plain.save(tmp_path / "turned.jpg", exif=exif)
    plain.convert("P").save(tmp_path / "palette.gif", transparency=3)
    plain.convert("CMYK").save(tmp_path / "four.jpg")
    deep = pixels[..., 0].astype("uint16") * 257
    Image.fromarray(deep).save(tmp_path / "deep.png")
    for file in sorted(tmp_path.iterdir()):
        for kept in (1.0, 224 / 256):
            expected = images.read(file, 32, channels=channels, kept=kept)
            found = chain_runner.read_image(file, (32, 32, channels), kept)
            np.testing.assert_array_equal(found, expected, err_msg=file.name)


@pytest.fixture
def files(chain, tmp_path):
    """The first image twice, and a text that is none."""
    Image.fromarray(chain.images[0][..., 0]).save(tmp_path / "a.png")
    np.save(tmp_path / "b.npy", chain.images[0])
    (tmp_path / "c.png").write_text("text")
    return [str(tmp_path / name) for name in ("a.png", "b.npy", "c.png")]


def told(text):
    return [json.loads(line) for line in text.splitlines()]


def test_the_command_prints_a_line_a_file(chain, runner, files, capsys):
    assert chain_runner.main([str(chain.manifest), *files[:2]]) == 0
    lines = told(capsys.readouterr().out)
    answer = runner.predict(chain.images[0])
    for line, file in zip(lines, files, strict=False):
        assert line.pop("milliseconds") > 0
        assert line == {
            "file": file,
            "class": answer.class_name,
            "confidence": round(answer.confidence, 4),
            "probability": round(float(max(answer.probabilities)), 4),
            "exit": answer.exit,
            "macs": answer.macs,
        }
    words = [str(chain.manifest), *files[::-1], "--policy=macs_25"]
    assert chain_runner.main([*words, "--variant=int8"]) == 2
    lines = told(capsys.readouterr().out)
    assert "cannot identify image" in lines[0]["error"]
    assert [line["exit"] for line in lines[1:]] == [1, 1]


@pytest.mark.parametrize("word", ["absent", "--policy=x", "--variant=x"])
def test_the_command_tells_in_one_line_what_is_wrong(
    chain, files, word, capsys
):
    words = [word] if word == "absent" else [str(chain.manifest), word]
    assert chain_runner.main([*words, files[0]]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1


ALONE = """
import runpy, sys
for name in ("elf_keras", "keras", "tensorflow", "PIL"):
    sys.modules[name] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_the_file_runs_alone_beside_a_manifest(chain, copy, files):
    script = shutil.copy(chain_runner.__file__, copy.parent)
    ended = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, script, copy, *files[1::-1]],
        capture_output=True,
        text=True,
        cwd=copy.parent,
    )
    lines = told(ended.stdout)
    assert "exit" in lines[0]
    assert "install" in lines[1]["error"]
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr


def test_it_ends_in_silence_when_its_reader_has_seen_enough(copy, files):
    name = shutil.copy(files[1], f"{files[1]}\udce9.npy")
    with subprocess.Popen(
        [sys.executable, chain_runner.__file__, copy, *200 * [name]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        line = json.loads(process.stdout.readline())
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
    assert line["file"] == f"{files[1]}\\xe9.npy"
    assert process.returncode == 0


def test_a_program_is_no_image(tmp_path):
    """Pillow would hand PostScript to an interpreter; as in training."""
    Image.new("RGB", (8, 8)).save(tmp_path / "photo.jpg", "EPS")
    with pytest.raises(UnidentifiedImageError):
        chain_runner.read_image(tmp_path / "photo.jpg", (8, 8, 3))
    assert image_formats.readable() == chain_runner._readable()
