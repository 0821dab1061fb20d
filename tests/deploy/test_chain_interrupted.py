"""A chain that was interrupted between its stages answers the next image."""

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert")


class Interrupted:
    """A stage's interpreter, stopped by Ctrl-C once its input is set."""

    def __init__(self, interpreter):
        self.set_tensor = interpreter.set_tensor

    def invoke(self):
        raise KeyboardInterrupt


@pytest.mark.parametrize("number", [1, 2])
def test_it_goes_on_while_somebody_holds_the_traceback(chain, runner, number):
    stage = runner.stages[number]
    whole = stage._interpreter
    stage._interpreter = Interrupted(whole)
    # As a notebook keeps it: the frames hold what a stage looked at.
    with pytest.raises(KeyboardInterrupt) as held:
        runner.predict(chain.images[0], policy="all_exits")
    stage._interpreter = whole
    answer = runner.predict(chain.images[0], policy="all_exits")
    np.testing.assert_allclose(answer.scores, chain.scores[0, -1], atol=1e-4)
    assert held.traceback
