"""Run an exported chain of stages, stopping early: NumPy and a runtime alone.

python -m elf_keras.deploy.chain_runner EXPORT photo.png --policy=macs_50

An image leaves at the first exit whose certainty is above that exit's
threshold, else at the last (HAR, Sec. III-C). Certainty is confidence, max
softmax(scores), or what else the manifest names as its exit rule. The file
uses nothing of its package: copied beside a manifest it runs alone, too. The
runtime is LiteRT or, for the variants that name it, ONNX Runtime.
"""

import argparse
import contextlib
import dataclasses
import functools
import hashlib
import json
import math
import os
import pathlib
import sys
import time
import warnings
from numbers import Real

import numpy as np

# What files that are cut, changed or foreign lead to.
_DAMAGE = (OSError, LookupError, TypeError, ValueError, RuntimeError)
_DAMAGE += (ArithmeticError, AttributeError)
# What Pillow may take a file for; PostScript, say, it would run.
_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
_HEIC = (".heic", ".heif", ".hif")
_READER = 'pillow-heif: pip install pillow-heif, or "elf_keras[heic]"'
# Made once: a first stage can be so fast that half a microsecond counts.
_ONE, _BYTES, _FLOAT = np.float32(1), np.dtype("uint8"), np.dtype("float32")
# 2 is of exports that leave by more than their own scores' confidence.
_MANIFESTS = (1, 2)
_NO_CHAIN = "an export of --formats=float32, among others"
# In place of a certainty of 0: a threshold fits under it.
_LEAST = np.float32(1e-7)
# The policy that asks the last exit alone, in the file without other heads.
STATIC = "static"


class ChainError(ValueError):
    """A chain, image or option that cannot be used, told in one line."""


@dataclasses.dataclass(eq=False, slots=True)
class Answer:
    """What a chain says of one image."""

    class_name: str
    class_index: int
    compared: float | None  # certainty, where the exit rule asked for it
    scores: np.ndarray  # that the exit taken answers by, float32 `(classes,)`
    temperature: float  # of that exit, chosen on validation
    exit: int  # from 1
    in_time: bool  # was this answer ready by the deadline?
    macs: int  # spent, a stage whose answer came too late included
    milliseconds: float  # likewise

    @property
    def certainty(self) -> float:
        """What the exit rule compares, confidence as a rule."""
        # Made when asked for, as is what follows: nobody compares it at the
        # last exit, and right after a stage it takes some 70 microseconds.
        return self.confidence if self.compared is None else self.compared

    @property
    def confidence(self) -> float:
        """Largest class probability, max softmax(scores), not calibrated."""
        return decide(self.scores)[1]

    @property
    def probabilities(self) -> np.ndarray:
        """Calibrated: softmax(scores / temperature), `(classes,)`."""
        powers = np.exp((self.scores - self.scores.max()) / self.temperature)
        return powers / powers.sum()


class ChainRunner:
    """A chain that answers image by image; threads must not share one.

    Its `policy` is what `predict` uses by default; set it between images.

    Args:
      manifest: path of an export's `manifest.json`, or of its folder, NAME
        for the highest version or NAME/N.
      variant: a key of its variants; None is float32, else the first.
      threads: that the runtime may use.

    Raises:
      ChainError: where a file is missing, changed, or does not fit.
    """

    def __init__(self, manifest, *, variant=None, threads: int = 1):
        try:
            path = pathlib.Path(manifest)
        except TypeError:
            _expect(False, f"manifest {manifest!r}", "a path")
        self.variant = variant
        with _refusing(path, self):
            path = _found(path)
        with _refusing(path, self):
            record = json.loads(path.read_bytes())
            known = record["format"] in _MANIFESTS
            _expect(known, f"{path}: unknown format", f"one of {_MANIFESTS}")
            variants = record["variants"]
            _expect(variants, f"{path} names no chain", _NO_CHAIN)
            default = "float32" if "float32" in variants else [*variants][0]
            self.variant = default if variant is None else variant
            chosen = _pick(variants, self.variant, "variant")
            self._read(record, chosen["policies"])
            self._load(path.parent, chosen, record["checksums"], threads)
            self.policy = record["default_policy"]
            self.thresholds(self.policy)
        self.reset()

    @property
    def counts(self) -> list[int]:
        """Images that left at each exit since the start or `reset`."""
        return np.sum([*self._left.values()], axis=0).tolist()

    def reset(self) -> None:
        """Forget the counts."""
        exits = len(self._exits)
        self._left = {name: [0] * exits for name in [None, *self._rules]}

    def drift(self, policy: str | None = None) -> float | None:
        """Total variation distance: Σ_k |share seen - share expected| / 2.

        Over images that had this policy (None: the present one) and no
        deadline; None without such images.
        """
        policy = self.policy if policy is None else policy
        expected = _pick(self._shares, policy, "policy")
        left = np.array(self._left[policy])
        seen = left / max(left.sum(), 1)
        return float(abs(seen - expected).sum() / 2) if left.any() else None

    def predict(self, image, *, policy=None, deadline_ms=None) -> Answer:
        """Classify one image, as deep as policy and deadline let it go.

        Args:
          image: pixel values 0 to 255, `(height, width, channels)`.
          policy: a name, `static` (the bare backbone, whose certainty is its
            confidence), or a threshold in (0, 1) for each early exit. None is
            `self.policy`; with a deadline, that nobody leaves early.
          deadline_ms: from this call on; stage 1 always runs.

        Raises:
          ChainError: for any other image, policy or deadline.
        """
        began = time.perf_counter()
        limit = np.inf if deadline_ms is None else _limit(deadline_ms)
        if policy is None and deadline_ms is None:
            policy = self.policy
        thresholds = self.thresholds(policy)
        pixels = _checked(image, self.image_shape)
        if isinstance(policy, str) and policy == STATIC:
            answer = self._alone(pixels, limit, began)
        else:
            answer = self._descend(pixels, thresholds, limit, began)
        # A deadline moves the exits: its images say nothing about drift.
        alone = isinstance(policy, str) and deadline_ms is None
        self._left[policy if alone else None][answer.exit - 1] += 1
        return answer

    def thresholds(self, policy) -> list[float]:
        """Thresholds of a policy, one an exit; infinity: nobody leaves."""
        if isinstance(policy, str):
            return _pick(self._rules, policy, "policy")
        early = len(self._exits) - 1
        values = [None] * early if policy is None else policy
        fits = isinstance(values, list | tuple | np.ndarray)
        fits = fits and getattr(values, "ndim", 1) == 1
        fits = fits and len(values) == early
        for value in values if fits else ():
            inside = isinstance(value, Real) and 0 < value < 1
            fits = fits and (value is None or inside)
        if not fits:
            wanted = f"{early} numbers above 0 and below 1"
            _expect(False, f"policy {policy!r}", wanted)
        # Rounded as scores are, then Python's: those compare much faster.
        early = [np.inf if v is None else float(np.float32(v)) for v in values]
        return [*early, np.inf]

    def _descend(self, given, thresholds, limit, began):
        """Begin a stage only if it should fit; keep the last answer in time."""
        rule, spent, last = self._rule, 0.0, len(self.stages) - 1
        hurried = limit < np.inf
        times = [began]
        for number, stage in enumerate(self.stages):
            if not number:
                stage.invoke(given)
            elif hurried and spent + stage.expected > limit:
                stage.expected *= 0.99  # one slow moment is forgotten
                break
            else:
                stage.invoke(self.stages[number - 1].features())
            asked = thresholds[number] < 1
            # Right after a stage all other code is out of the caches: what
            # nobody asks for would take as long as a tenth of a stage.
            if not (asked or rule or hurried or number == last):
                times.append(time.perf_counter())
                continue
            scores, sure = stage.scores(), None
            if rule:
                best, sure, scores = rule.judge(number, scores)
            elif asked:
                best, sure = decide(scores)
            else:
                best = int(scores.argmax())
            times.append(time.perf_counter())
            spent = 1000 * (times[-1] - began)
            macs, temperature = self._exits[number]
            in_time = spent <= limit
            if in_time or not number:
                kept = best, sure, scores, temperature, number + 1, in_time
            if (asked and sure > thresholds[number]) or not in_time:
                break
        # All at once: between stages this code, too, is out of the caches.
        for number, after in enumerate(times[1:]):
            self.stages[number].learn(1000 * (after - times[number]))
        return self._answer(*kept, macs, spent)

    def _alone(self, given, limit, began):
        """Ask the bare backbone: one file, past no head but its own."""
        scores = self._backbone.run(given)
        best = int(scores.argmax())
        spent = 1000 * (time.perf_counter() - began)
        macs, temperature = self._bare
        kept = best, None, scores, temperature, len(self._exits), spent <= limit
        return self._answer(*kept, macs, spent)

    def _answer(self, best, sure, scores, *rest):
        # No number is larger than one that is none; a rule may overflow.
        if not math.isfinite(scores.item(best)) or sure != sure:
            _expect(False, f"scores {scores}", "numbers; export it again")
        return Answer(self.class_names[best], best, sure, scores, *rest)

    @functools.cached_property
    def _backbone(self):
        """Read for the first image that wants it: most never do."""
        folder, name, checksums, opened, threads = self._backbone_file
        with _refusing(folder / "manifest.json", self):
            content = _content(folder, name, checksums)
            stage = opened(content, threads=threads)
            takes, gives = _shapes(stage.inputs), _shapes(stage.outputs)
            found = [*takes.values(), *gives.values()]
            wanted = [[1, *self.image_shape], [1, len(self.class_names)]]
            _expect(found == wanted, f"{name}: {found}", f"{wanted}: swapped?")
            return stage

    def _read(self, record, policies):
        exits, image = record["exits"], record["input"]
        rule = ExitRule(record)
        # Most exports: a call less for every stage.
        self.exit_rule, self._rule = rule.name, None if rule.plain else rule
        self.class_names = [str(name) for name in record["class_names"]]
        self.image_shape = image["height"], image["width"], image["channels"]
        # The centre square's part of a photo's shorter side.
        self.kept = float(image.get("kept", 1))
        _expect(0 < self.kept <= 1, f"kept {self.kept}", "a share in (0, 1]")
        self._exits = [
            (int(at["macs"]), float(at["temperature"])) for at in exits
        ]
        self._rules, self._shares = {}, {}
        # By policy: what to take in its place, where it costs too much.
        self.advice = {name: at.get("advice") for name, at in policies.items()}
        for name, at in policies.items():
            shares = [float(share) for share in at["exit_shares"]]
            _expect(len(shares) == len(exits), f"shares {shares}", len(exits))
            self._rules[name] = self.thresholds(at["thresholds"])
            self._shares[name] = shares
        bare = float(record.get("static_temperature", self._exits[-1][1]))
        self._bare = int(record["backbone_macs"]), bare
        fits = all(at > 0 for at in (bare, *(at for _, at in self._exits)))
        _expect(fits, f"exits {exits}", "temperatures above 0")

    def _load(self, folder, chosen, checksums, threads):
        # What old exports lack is of phones.
        runtime, stages = chosen.get("runtime", "litert"), chosen["stages"]
        opened = _pick(RUNTIMES, runtime, "the manifest's runtime")
        self.stages, given = [], {"image": [1, *self.image_shape]}
        for number, at in enumerate(stages, 1):
            content = _content(folder, at["file"], checksums)
            stage = opened(content, threads=threads)
            takes, gives = _shapes(stage.inputs), _shapes(stage.outputs)
            scores = gives.pop(f"exit_{number}", None)
            fits = takes == given and scores == [1, len(self.class_names)]
            _expect(fits, f"stage {number} takes {takes}", f"{given}: swapped?")
            stage.expected = float(at["milliseconds"])
            self.stages.append(stage)
            given = gives
        exits = len(self._exits)
        _expect(len(stages) == exits, f"{len(stages)} stages", f"{exits}")
        # An export of stages alone, or a copy, may lack it.
        if alone := chosen.get("exits"):
            self._rules[STATIC] = [np.inf] * exits
            self._shares[STATIC] = [0.0] * (exits - 1) + [1.0]
            given = folder, alone[-1]["file"], checksums, opened, threads
            self._backbone_file = given


class ExitRule:
    """What an exit answers by, and how sure it is; of one image at a time.

    A copy of the formulas of elf_keras/exits, since this file must run alone.

    Args:
      record: the manifest. `exit_rule` names what is compared; `answer` is
        `own` scores or their `running` sum, R_k = d R_{k-1} + z_k, with d
        the `answer_decay`; `score_scale` is σ, by which the loss multiplied.
    """

    def __init__(self, record: dict):
        # What old exports lack, they all have in common.
        self.name = record.get("exit_rule", "confidence")
        self._sure = _pick(_CERTAINTIES, self.name, "the manifest's exit_rule")
        answer, decay = record.get("answer", "own"), record.get("answer_decay")
        _pick({"own": 0, "running": 1}, answer, "the manifest's answer")
        summed, told = answer == "running", f"answer_decay {decay!r}"
        fits = isinstance(decay, Real) and 0 <= decay <= 1
        _expect(fits or not summed, told, "a number in [0, 1]")
        scale = float(record.get("score_scale", 1))
        _expect(0 < scale < np.inf, f"score_scale {scale}", "a number above 0")
        self.plain = self.name == "confidence" and not summed
        # Confidence is that of scores as they are.
        one = scale == 1 or self.name == "confidence"
        self._scale = None if one else np.float32(scale)
        self._decay = np.float32(decay) if summed else None
        self._sum = self._said = None
        self._run = 0

    def judge(self, number: int, scores: np.ndarray) -> tuple:
        """Ask the exits of one image in turn, each with its own scores.

        Args:
          number: of the exit, from 0.
          scores: float32, `(classes,)`.

        Returns:
          The class, its certainty in (0, 1], and the scores answered by.
        """
        if self._decay is not None:
            if number:
                scores = self._decay * self._sum + scores
            self._sum = scores
        scaled = scores if self._scale is None else self._scale * scores
        best = int(scores.argmax())
        again = number > 0 and best == self._said
        self._said, self._run = best, self._run + 1 if again else 1
        sure = self._sure(scaled, best, number + 1, self._run)
        return best, float(sure), scores


def _confidence(scores, best, *_):
    powers = scores - scores[best]
    return _ONE / np.add.reduce(np.exp(powers, powers))


def _entropy(scores, best, *_):
    """1 - H/log C."""
    shifted = scores - scores[best]
    powers = np.exp(shifted)
    total = np.add.reduce(powers)
    found = np.log(total) - np.add.reduce(powers * shifted) / total
    return np.maximum(_ONE - found / np.float32(math.log(len(scores))), _LEAST)


def _margin(scores, best, *_):
    """p_1 - p_2, the two largest probabilities."""
    others = scores.copy()
    others[best] = -np.inf
    lead = others.max() - scores[best]
    return np.maximum(-np.expm1(lead) * _confidence(scores, best), _LEAST)


def _patience(scores, best, number, run):
    """r/(r+1), r exits in a row that say the same."""
    # NaN where a score is no number.
    return np.float32(run / (run + 1)) + 0 * scores[best]


def _depth_confidence(scores, best, number, _):
    """Confidence of k times the scores of exit k."""
    return _confidence(np.float32(number) * scores, best)


# Of scores by the class they say, the exit's number, and the run of that class.
_CERTAINTIES = {
    "confidence": _confidence,
    "entropy": _entropy,
    "margin": _margin,
    "patience": _patience,
    "depth_confidence": _depth_confidence,
}


class Stage:
    """A TFLite file, ready, and the milliseconds it is `expected` to take."""

    expected = 0.0

    def __init__(self, content: bytes, *, threads: int = 1):
        from ai_edge_litert.interpreter import Interpreter

        run = Interpreter(model_content=content, num_threads=threads)
        run.allocate_tensors()
        # Only asked for names: a call of it takes 5 microseconds longer than
        # invoke(), and copies features that nobody may want.
        self._describe(run.get_signature_runner())
        self._interpreter = run
        # Looked up once: a stage drives what it does not use out of the caches.
        self._put, self._compute = run.set_tensor, run.invoke
        if self._features:
            self._view = run.tensor(self._features["index"])

    def _describe(self, signature):
        self.inputs = signature.get_input_details()
        self.outputs = signature.get_output_details()
        (takes,) = self.inputs.values()
        self._index, self._dtype = takes["index"], np.dtype(takes["dtype"])
        self._scale, self._origin = takes["quantization"]
        self._same = None
        # Of every pixel value, found once: by arithmetic, a photo's pixels
        # took a twentieth of an EfficientNet's time.
        self._levels = self.encode(np.arange(256.0))
        self._moved = _moved(self._levels)
        gives = dict(self.outputs)
        self._features = gives.pop("features", None)
        self._gives = self._features and self._features["quantization"]
        (scores,) = gives.values()
        self._scores, self._numbers = scores["index"], None
        # A stage drives NumPy's code out of the caches: looked up, scores
        # take one call of it in place of three.
        if np.dtype(scores["dtype"]).itemsize == 1:
            stored = np.arange(256, dtype=_BYTES).view(scores["dtype"])
            self._numbers = real(stored, scores["quantization"])

    def encode(self, given):
        """Pixels, or what a stage gave, as this file stores numbers."""
        if not isinstance(given, tuple):
            given = given, (0.0, 0)
        tensor, stored = given
        # The stage before says it of every image by the same object.
        if stored is self._same:
            return tensor
        scale, zero = stored
        wanted, origin, dtype = self._scale, self._origin, self._dtype
        # Within this tolerance rounding would give the same integers back.
        same = zero == origin and abs(scale - wanted) <= 1e-4 * wanted
        if tensor.dtype == dtype and (same or not scale):
            # Pixels all have the same, whatever their type.
            self._same = stored if scale else None
            return tensor
        if wanted and not scale and tensor.dtype is _BYTES:
            if self._moved is not None:
                return (tensor + self._moved).view(dtype)
            return self._levels.take(tensor)
        numbers = real(tensor, (scale, zero))
        if not wanted:
            return numbers
        limits = np.iinfo(dtype)
        whole = np.rint(numbers / np.float32(wanted)) + np.float32(origin)
        return whole.clip(limits.min, limits.max).astype(dtype)

    def run(self, given):
        """Scores `(classes,)` in float32."""
        self.invoke(given)
        return self.scores()

    def invoke(self, given):
        """Compute scores and features, to be asked for."""
        # Floats go in and out as they are: two calls less for every image.
        if isinstance(given, tuple) or self._scale:
            given = self.encode(given)
        elif given.dtype is not _FLOAT:
            given = given.astype(_FLOAT)
        self._put(self._index, given)
        # The stage before runs again once nobody looks at its memory.
        del given
        self._compute()

    def scores(self):
        """Scores `(classes,)` in float32, of the last image that was run."""
        return self.numbers(self._interpreter.get_tensor(self._scores))[0]

    def numbers(self, stored):
        """Scores as the file gives them, in float32."""
        if self._numbers is None:
            return stored
        return self._numbers.take(stored.view(_BYTES))

    def features(self):
        """What the next stage takes, of the last image that was run."""
        # A look at its memory and no copy: not to be kept.
        stored = self._view()
        return (stored, self._gives) if self._gives[0] else stored

    def learn(self, milliseconds):
        """Slower at once, faster little by little: deadlines are hard."""
        mean = 0.9 * self.expected + 0.1 * milliseconds
        self.expected = mean if mean > milliseconds else milliseconds


class OnnxStage(Stage):
    """An ONNX file, ready to run; floats go in and out, int8 ones included."""

    def __init__(self, content: bytes, *, threads: int = 1):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # types of its own, not RuntimeError
            raise ValueError(str(error)) from error
        self.inputs = _named(session.get_inputs())
        self.outputs = _named(session.get_outputs())
        (self._takes,) = self.inputs
        names = sorted(self.outputs, key=lambda name: name[:4] != "exit")
        self._run, self._gives = session.run, names

    def encode(self, given):
        """Pixels in float32."""
        return given.astype(np.float32, copy=False)

    def invoke(self, given):
        """Compute scores and features, to be asked for."""
        self._found = self._run(self._gives, {self._takes: self.encode(given)})

    def scores(self):
        """Scores `(classes,)` in float32, of the last image that was run."""
        return self._found[0][0]

    def features(self):
        """What the next stage takes, of the last image that was run."""
        return self._found[-1]


# By the name that a manifest's variant has.
RUNTIMES = {"litert": Stage, "onnxruntime": OnnxStage}


def decide(scores):
    """Class, and its probability 1 / Σ_c e^(z_c - max z), of float32 scores.

    A copy of the formula in exit_rule.py, since this file must run alone.
    """
    best = int(scores.argmax())
    powers = scores - scores[best]
    return best, float(_ONE / np.add.reduce(np.exp(powers, powers)))


def real(stored, quantization):
    """What stored integers q stand for, scale (q - zero point), in float32."""
    scale, zero_point = quantization
    whole = stored.astype(np.float32, copy=False)
    if not scale:
        return whole
    return np.float32(scale) * (whole - np.float32(zero_point))


def read_image(file, shape, kept=1.0):
    """Pixels of a .npy array, or of a file as in elf_keras/data/images.py."""
    if str(file).endswith(".npy"):
        return np.load(file, allow_pickle=False)
    from PIL import Image, ImageOps

    height, width, channels = shape
    formats, heic = _readable(), str(file).lower().endswith(_HEIC)
    _expect("HEIF" in formats or not heic, f"{file} is HEIC", _READER)
    with Image.open(file, formats=formats) as image:
        most = Image.MAX_IMAGE_PIXELS
        few = image.width * image.height <= most
        _expect(few, f"{image.size} pixels", f"{most} at most")
        _expect(image.mode != "F", "floating-point pixels", "0 to 255")
        # Of PNG and PGM they are 16 bits.
        known = image.mode != "I" or image.format in ("PNG", "PPM")
        _expect(known, "signed or 32-bit pixels", "8 or 16 bits")
        image.draft(None, (2 * width, 2 * height))
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16-bit grey keeps its upper 8 bits
        upper = np.asarray(image).astype(np.int64) >> 8
        image = Image.fromarray(upper.clip(0, 255).astype(np.uint8))
    image = image.convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("L" if channels == 1 else "RGB")
    side = max(round(kept * min(image.size)), 1)
    left, top = ((length - side) // 2 for length in image.size)
    square = (left, top, left + side, top + side)
    image = image.resize((width, height), Image.Resampling.BILINEAR, square)
    return np.asarray(image).reshape(shape)


def _readable():
    """`_FORMATS` and what is installed, as in elf_keras/data/image_formats."""
    from PIL import features

    found = _FORMATS
    if "avif" in features.modules and features.check("avif"):
        found += ("AVIF",)
    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
        found += ("HEIF",)
    return found


def main(arguments=None) -> int:
    """Run the command and return its exit status."""
    # Pillow's name no file; it reads the image all the same, or refuses it.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "manifest", help="folder of an export, or its manifest.json"
    )
    parser.add_argument("images", nargs="+", help="image files or .npy arrays")
    parser.add_argument("--variant")
    parser.add_argument("--policy")
    parser.add_argument("--deadline_ms", type=float)
    options = parser.parse_args(arguments)
    try:
        runner = ChainRunner(options.manifest, variant=options.variant)
        runner.thresholds(options.policy)
        if told := runner.advice.get(_policy(runner, options)):
            print(f"note: {told}", file=sys.stderr)
    except ChainError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    try:
        return max([_print(runner, file, options) for file in options.images])
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _policy(runner, options):
    """The policy that decides; None where a deadline alone does."""
    default = runner.policy if options.deadline_ms is None else None
    return options.policy or default


def _print(runner, file, options):
    rule = {"policy": options.policy, "deadline_ms": options.deadline_ms}
    static = _policy(runner, options) == STATIC
    try:
        image = read_image(file, runner.image_shape, runner.kept)
        answer = runner.predict(image, **rule)
        probability = answer.probabilities[answer.class_index]
        sure = round(answer.certainty, 4)
        line = {
            "class": answer.class_name,
            "confidence" if static else runner.exit_rule: sure,
            "probability": round(float(probability), 4),
            "exit": answer.exit,
            "macs": answer.macs,
            "milliseconds": round(answer.milliseconds, 3),
        }
    except ImportError:
        line = {"error": "image files need pillow: install it or give .npy"}
    except Exception as error:  # Pillow's decoders raise many types
        line = {"error": _reason(error)}
    shown = os.fsencode(file).decode("utf-8", "backslashreplace")
    print(json.dumps({"file": shown, **line}), flush=True)
    return 2 if "error" in line else 0


@contextlib.contextmanager
def _refusing(path, runner):
    """Say in one line what is missing, damaged or not installed."""
    try:
        yield
    except ChainError:
        raise
    except ImportError as error:
        raise ChainError(_missing(runner.variant, error)) from error
    except _DAMAGE as error:
        told = f"{path} or a file it names cannot be used: {_reason(error)}"
        raise ChainError(f"{told}; copy or export it again") from error


def _found(path):
    """The manifest of a folder: its own, or its highest version's."""
    name = "manifest.json"
    if not path.is_dir():
        return path
    if (path / name).exists():
        return path / name
    # As a server takes them: what is no number is not whole yet, say, and one
    # of more digits does not fit 64 bits.
    versions = [
        at
        for at in path.iterdir()
        if at.name.isascii() and at.name.isdigit() and len(at.name) <= 18
        if at.is_dir()
    ]
    if not versions:
        return path / name
    last = max(versions, key=lambda at: int(at.name))
    whole = "a whole version: wait until it is copied, or name another"
    _expect((last / name).exists(), f"{last} holds no {name}", whole)
    return last / name


def _content(folder, name, checksums):
    path = pathlib.PureWindowsPath(name)  # knows both slashes and drives
    inside = not path.anchor and ".." not in path.parts
    _expect(inside, f"file {name!r}", "a path inside the manifest's folder")
    known = _pick(checksums, name, "checksum of")
    content = (folder / name).read_bytes()
    found = hashlib.sha256(content).hexdigest()
    told = f"{name} has sha256 {found}, so it is cut, changed or swapped"
    _expect(found == known, told, f"{known}; copy or export it again")
    return content


def _limit(deadline):
    if not (isinstance(deadline, Real) and deadline == deadline):
        _expect(False, f"deadline {deadline!r}", "milliseconds")
    return deadline


def _checked(image, shape):
    # Messages are made where they are needed: this runs for every image.
    kind = getattr(image, "dtype", None)
    if not isinstance(image, np.ndarray) or kind.kind not in "uif":
        told = f"image of {kind or type(image).__name__}"
        _expect(False, told, "a NumPy array of numbers")
    if image.shape != shape:
        _expect(False, f"image of shape {image.shape}", f"{shape}; resize it")
    if kind is _BYTES:
        return image[None]
    low, high = image.min(), image.max()
    told = f"pixel values from {low} to {high}"
    _expect(low >= 0 and high <= 255, told, "0 to 255; rescale them")
    return image[None].astype(np.float32)


def _moved(levels):
    """What is added to pixels where they are stored as bytes, or None.

    To add a byte to a photo takes a thirtieth of looking its pixels up.
    """
    if levels.itemsize > 1:
        return None
    stored = levels.view(_BYTES)
    same = np.array_equal(np.arange(256, dtype=_BYTES) + stored[0], stored)
    return stored[0] if same else None


def _pick(table, name, kind):
    if not isinstance(name, str) or name not in table:
        _expect(False, f"{kind} {name!r}", f"one of {[*table]}")
    return table[name]


def _shapes(tensors):
    return {name: at["shape"].tolist() for name, at in tensors.items()}


def _named(tensors):
    # A free batch is of one image here.
    return {
        at.name: {
            "shape": np.array(
                [n if isinstance(n, int) else 1 for n in at.shape]
            ),
            "dtype": _FLOAT,
            "quantization": (0.0, 0),
        }
        for at in tensors
    }


def _missing(variant, error):
    package, extra = ("onnxruntime", "onnx")
    if "onnx" not in str(error):
        package, extra = "ai-edge-litert", "edge"
    return (
        f"variant {variant!r} runs in {package}, which is missing or broken: "
        f'pip install {package}, or "elf_keras[{extra}]"'
    )


def _reason(error):
    kind = "" if isinstance(error, ChainError) else type(error).__name__ + ": "
    return f"{kind}{error}".partition("\n")[0]


def _expect(fits, received, expected):
    if not fits:
        raise ChainError(f"{received}: expected {expected}")


if __name__ == "__main__":
    sys.exit(main())
