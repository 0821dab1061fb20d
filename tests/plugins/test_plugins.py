"""What a plug-in may register, and what is refused in one line."""

import inspect

import keras
import made_plugin
import numpy as np
import pytest
import tensorflow as tf

from elf_keras import choices, data, plugins
from elf_keras.errors import InputError
from elf_keras.exits import answer_rule, arrays, certainty, in_turn, thresholds
from elf_keras.models import backbones


@pytest.fixture(autouse=True)
def forgotten():
    with made_plugin.forgotten():
        yield


def purity(logits):
    """Sum of squared probabilities."""
    ops = arrays.of(logits)
    powers = ops.exp(logits - ops.max(logits, axis=-1, keepdims=True))
    shares = powers / ops.sum(powers, axis=-1, keepdims=True)
    return ops.sum(shares**2, axis=-1)


def loss(logits, labels, *, log_priors, sharpness=2.0):
    """A loss of the tests."""
    return logits


def backbone(images):
    """A backbone of the tests."""
    return images


def undocumented(argument):
    return argument


def without_default(logits, labels, *, sharpness):
    """A loss with a parameter that nothing gives."""


def two_names(logits, labels, sharpness=2.0):
    """A loss with an option that is not keyword-only."""


def several(logits):
    """Looks at all exits."""
    return purity(logits).mean(-1, keepdims=True) + 0 * purity(logits)


def negative(logits):
    """Below 0."""
    return -purity(logits)


def flat(logits):
    """One number an image."""
    return purity(logits).mean(-1)


def failing(logits):
    """Divides by zero."""
    return 1 // 0


def of_another_size(images):
    """Works for arguments of one kind, and has a mistake for others."""
    if isinstance(images, np.ndarray):
        return purity(images)
    return images.no_such_thing


def refusing(request):
    """Says itself what it cannot use."""
    raise InputError("no images of that kind")


def test_names_come_after_the_packages_own():
    assert plugins.loss("sharp")(loss) is loss
    plugins.backbone("small")(backbone)
    plugins.exit_rule("purity")(purity)
    assert plugins.names("loss") == (*choices.EXIT_LOSSES, "sharp")
    assert {*certainty.EXIT_RULES} == {*choices.EXIT_RULES, "purity"}
    assert plugins.added("backbone") == {"small": backbone}
    found = plugins.LOSSES["sharp"]
    assert found.parameters == ("sharpness",)
    assert found.of_counts == ("log_priors",)
    assert plugins.prior_losses() == (*choices.PRIOR_LOSSES, "sharp")


def test_a_loss_of_cosines_has_their_thresholds():
    plugins.loss("plain")(loss)
    assert thresholds.default("plain", 10) == 0.9
    plugins.loss("angular", cosine=True)(loss)
    assert thresholds.of_cosines("angular")
    for of in thresholds.default, thresholds.largest_confidence:
        assert of("angular", 10) == of("ldam", 10)


def test_an_exit_rule_is_asked_as_the_packages_own():
    plugins.exit_rule("purity")(purity)
    logits = np.array([[[0.0, 0.0], [0.0, np.log(3)]]], "float32")
    found = certainty.of(logits, "purity")
    np.testing.assert_allclose(found, [[0.5, 0.0625 + 0.5625]], atol=1e-6)
    scaled = certainty.of(logits, "purity", scale=2.0)
    np.testing.assert_allclose(scaled[0, 1], 0.01 + 0.81, atol=1e-6)
    rule = answer_rule.of_record({"exit_rule": "purity"})
    _, sure, kept = in_turn.step(rule, 2, logits[:, 1], {})
    np.testing.assert_allclose(sure, found[:, 1])
    assert kept == {}
    # As sure as an exit that gives 0.9 to one of two classes.
    default = thresholds.default("ce", 2, "purity")
    assert default == pytest.approx(0.81 + 0.01)


@pytest.mark.parametrize(
    ("register", "function", "says"),
    [
        (plugins.loss("ce"), loss, "'ce' is already defined by the package"),
        (plugins.exit_rule("all"), purity, "'all' is already defined"),
        (plugins.backbone("resnet20"), backbone, "'resnet20' is already"),
        (plugins.data_source("folder"), backbone, "'folder' is already"),
        (plugins.loss("Sharp-1"), loss, "lower-case letters, digits"),
        (plugins.backbone("none"), undocumented, "undocumented has no docstri"),
        (plugins.loss("no"), without_default, "sharpness has no default"),
        (plugins.loss("no"), two_names, "does not fit; expected logits, label"),
        (plugins.loss("no"), purity, "does not fit; expected logits, labels"),
        (plugins.backbone("no"), loss, "does not fit; expected one argument"),
        (plugins.exit_rule("no"), several, "looks at several exits at once"),
        (plugins.exit_rule("no"), negative, r"expected certainty in \(0, 1\]"),
        (plugins.exit_rule("no"), flat, r"returns \(4,\) for logits \(4, 3, 5"),
        (plugins.exit_rule("no"), failing, "ZeroDivisionError: integer divi"),
    ],
)
def test_what_does_not_fit_is_refused(register, function, says):
    with pytest.raises(InputError, match=says):
        register(function)
    assert not plugins.LOSSES and not plugins.EXIT_RULES
    assert not plugins.BACKBONES and not plugins.DATA_SOURCES


@pytest.mark.parametrize(
    "kind", ["loss", "backbone", "exit_rule", "data_source"]
)
def test_a_decorator_without_its_name_is_refused_at_once(kind):
    says = rf'on the function purity has no .* @plugins.{kind}\("mine"\)$'
    with pytest.raises(InputError, match=says):
        getattr(plugins, kind)(purity)


USES = {
    plugins.backbone: lambda: backbones.find("made")(keras.Input((8, 8, 3))),
    plugins.data_source: lambda: data.load("made"),
    plugins.exit_rule: lambda: certainty.of(tf.zeros((2, 1, 3)), "made"),
}


@pytest.mark.parametrize(
    ("kind", "on"),
    [
        (plugins.backbone, r" on \(None, 8, 8, 3\)"),
        (plugins.data_source, ""),
        (plugins.exit_rule, r" on \(2, 1, 3\)"),
    ],
)
def test_what_raises_while_in_use_is_one_line(kind, on):
    kind("made")(of_another_size)
    says = rf"'made' of the plug-in .*test_plugins fails{on}: AttributeError: "
    says += r".*'no_such_thing' \(test_plugins.py, line \d+\); mend it"
    with pytest.raises(InputError, match=says) as raised:
        USES[kind]()
    # A notebook shows where.
    assert isinstance(raised.value.__cause__, AttributeError)


def test_what_a_plug_in_refuses_itself_passes_as_it_is():
    plugins.data_source("made")(refusing)
    with pytest.raises(InputError, match="^no images of that kind$"):
        data.load("made")


def test_a_name_is_taken_once_and_a_cell_may_run_again():
    plugins.backbone("small")(backbone)
    again = "def backbone(images):\n    '''Once more.'''\n"
    names = {"__name__": backbone.__module__}
    exec(again, names)
    plugins.backbone("small")(names["backbone"])
    assert inspect.getdoc(plugins.BACKBONES["small"]) == "Once more."

    def other(images):
        """Another function of that name."""

    with pytest.raises(InputError, match="already defined by the plug-in"):
        plugins.backbone("small")(other)


def test_nothing_is_kept_of_what_fails():
    plugins.backbone("small")(backbone)
    with pytest.raises(InputError), plugins.whole():
        plugins.exit_rule("purity")(purity)
        plugins.loss("ce")(loss)
    assert not plugins.EXIT_RULES and list(plugins.BACKBONES) == ["small"]
