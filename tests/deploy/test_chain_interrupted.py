"""A chain that was interrupted between its stages answers the next image."""

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert")


def interrupted():
    """Ctrl-C, once a stage's input is set."""
    raise KeyboardInterrupt


@pytest.mark.parametrize("number", [1, 2])
def test_it_goes_on_while_somebody_holds_the_traceback(chain, runner, number):
    stage = runner.stages[number]
    compute, stage._compute = stage._compute, interrupted
    # As a notebook keeps it: the frames hold what a stage looked at.
    with pytest.raises(KeyboardInterrupt) as held:
        runner.predict(chain.images[0], policy="all_exits")
    stage._compute = compute
    answer = runner.predict(chain.images[0], policy="all_exits")
    np.testing.assert_allclose(answer.scores, chain.scores[0, -1], atol=1e-4)
    assert held.traceback
