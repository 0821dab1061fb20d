"""Which policy a report trusts: the guarded one, never the cheapest."""

import made_report
import pytest

from elf_keras.reports import problems

SHARED = {"kind": "shared", "unit": None, "limit": None}
HALF = {"kind": "shared", "unit": "macs", "limit": 0.5}


def policy(thresholds, accuracy, macs, kept, **told):
    scores = {"accuracy": accuracy, "macs": macs, "saving": 1 - macs / 100}
    found = {"rule": HALF, "thresholds": thresholds, "guard_kept": kept}
    scores["exit_shares"] = [0.2, 0.3, 0.5]
    return found | {"validation": scores, "test": scores} | told


def risky(thresholds, accuracy, macs):
    losses = {"few": {"loss": 0.02, "bound": 0.124}}
    losses["many"] = {"loss": 0.0, "bound": 0.01}
    more = {"group_losses": losses}
    return policy(thresholds, accuracy, macs, False, **more)


@pytest.fixture
def view(tmp_path):
    return made_report.view(tmp_path / "run")


def swept(view, policies, **told):
    """The view after a sweep; its default is `accurate`."""
    return made_report.swept(view, [0.5, 0.5], policies, **told)


def test_the_default_policy_is_the_headline_however_dear_it_is(view):
    found = swept(
        view,
        {
            "accurate": policy([0.7, 0.7], 0.8, 99.0, True, rule=SHARED),
            "macs_50": policy([0.4, 0.4], 0.8, 50.0, True),
            "macs_25": risky([0.2, 0.2], 0.81, 25.0),
        },
    )
    assert found.headline.policy == "accurate"
    said = "policy accurate, chosen on validation and guarded"
    assert found.headline.said == said
    # Some images leave: figures are drawn there.
    assert found.point.policy == "accurate"


def test_a_default_that_is_not_guarded_gives_way(view):
    policies = {
        "accurate": risky([0.5, 0.5], 0.9, 60.0),
        "macs_75": policy([0.8, 0.8], 0.7, 75.0, True),
        "macs_50": policy([0.6, 0.6], 0.8, 50.0, True),
        "macs_50_per_exit": policy(
            [0.6, 0.7], 0.85, 50.0, True, rule={**HALF, "kind": "per_exit"}
        ),
    }
    # The more accurate of those that one threshold serves.
    assert swept(view, policies).headline.policy == "macs_50"
    # Where none is guarded, the default stays, and this is said.
    left = {"accurate": policies["accurate"]}
    assert swept(view, left).headline.said.endswith(", not guarded")


def test_where_nobody_leaves_by_the_headline(view):
    policies = {
        "accurate": policy(
            [None, None], 0.9, 110.0, True, said="accurate: 110 % in place"
        ),
        "macs_25": risky([0.4, 0.4], 0.7, 25.0),
        "macs_50": risky([0.6, 0.6], 0.8, 50.0),
    }
    found = swept(view, policies)
    assert found.headline.policy == "accurate"
    assert (found.judged.exit_taken == 2).all()
    # Drawn where anybody leaves, at the more accurate one.
    assert found.point.policy == "macs_50"
    first, *others = problems.of(found)
    assert first == (
        "No image leaves early by the default policy accurate: every image "
        "passes all exits, which costs 20.0\u00a0% more than the backbone "
        "alone. The sweep says: accurate: 110 % in place. What this page "
        "shows by exit is therefore drawn at policy macs_50, chosen on "
        "validation, not guarded (s = 0.6)."
    )
    (risks,) = (text for text in others if text.startswith("Not guarded"))
    assert risks == (
        "Not guarded, because their budget leaves no other choice: macs_25 "
        "(few-shot classes may lose 12.4 points), macs_50 (few-shot classes "
        "may lose 12.4 points). The guard allows a loss of 5 points, with "
        "90 % confidence."
    )


def test_without_a_sweep_the_run_has_its_own_threshold(view):
    assert view.headline.policy is None
    assert view.headline.thresholds.to_json() == [0.6, 0.6]
    assert view.headline.said == "the run's own threshold"
