"""The policy `static`: the bare backbone, from its own file."""

import json

import made_chain
import numpy as np
import pytest

from elf_keras.deploy import chain_runner
from elf_keras.deploy.chain_runner import ChainError, ChainRunner

pytest.importorskip("ai_edge_litert")


def edited(manifest, **changes):
    record = json.loads(manifest.read_text()) | changes
    manifest.write_text(json.dumps(record))
    return ChainRunner(manifest)


def test_it_is_the_last_exit_past_no_other_head(chain, runner):
    record = json.loads(chain.manifest.read_text())
    # Nothing of the chain runs.
    runner.stages = []
    for index, image in enumerate(chain.images):
        answer = runner.predict(image, policy="static")
        scores = chain.scores[index, -1]
        np.testing.assert_allclose(answer.scores, scores, atol=1e-4)
        powers = np.exp(scores / made_chain.STATIC_TEMPERATURE)
        np.testing.assert_allclose(
            answer.probabilities, powers / powers.sum(), atol=1e-5
        )
        assert answer.class_index == scores.argmax()
        assert (answer.exit, answer.macs) == (3, record["backbone_macs"])
        assert answer.certainty == pytest.approx(answer.confidence)
        assert answer.in_time
    assert record["backbone_macs"] < record["exits"][-1]["macs"]
    assert runner.counts == [0, 0, len(chain.images)]
    assert runner.drift("static") == 0
    assert runner.drift() is None


def test_a_deadline_is_told_of_but_shortens_nothing(chain, runner):
    answer = runner.predict(chain.images[0], policy="static", deadline_ms=-1)
    assert (answer.exit, answer.in_time) == (3, False)


def test_integers_answer_alike(chain):
    runner = ChainRunner(chain.manifest, variant="int8")
    found = [
        runner.predict(image, policy="static").class_index
        for image in chain.images
    ]
    expected = chain.scores[:, -1].argmax(-1)
    assert (np.array(found) == expected).mean() > 0.8


def test_it_can_be_the_default_whatever_the_rule(copy, chain, capsys, tmp_path):
    told = {"default_policy": "static", "exit_rule": "entropy", "format": 2}
    runner = edited(copy, **told)
    answer = runner.predict(chain.images[0])
    assert (runner.policy, answer.exit) == ("static", 3)
    assert answer.certainty == pytest.approx(answer.confidence)
    np.save(tmp_path / "a.npy", chain.images[0])
    words = (str(copy), str(tmp_path / "a.npy"))
    for more, key in (((), "confidence"), (("--policy=accurate",), "entropy")):
        assert chain_runner.main([*words, *more]) == 0
        assert key in json.loads(capsys.readouterr().out)


def test_where_a_deadline_decides_no_policy_is_advised_against(
    copy, chain, capsys, tmp_path
):
    record = json.loads(copy.read_text())
    for variant in record["variants"].values():
        variant["policies"]["accurate"]["advice"] = "use static"
    edited(copy, **record | {"default_policy": "accurate"})
    np.save(tmp_path / "a.npy", chain.images[0])
    words = (str(copy), str(tmp_path / "a.npy"))
    for more, told in (
        ((), True),
        (("--deadline_ms=100",), False),
        (("--deadline_ms=100", "--policy=accurate"), True),
    ):
        assert chain_runner.main([*words, *more]) == 0
        assert ("use static" in capsys.readouterr().err) == told


def test_without_its_file_all_else_goes_on(copy, chain):
    (copy.parent / "tflite" / "float32" / "exit_3.tflite").unlink()
    runner = ChainRunner(copy)
    with pytest.raises(ChainError, match=r"No such file.*exit_3.*export it"):
        runner.predict(chain.images[0], policy="static")
    assert runner.predict(chain.images[0]).exit in (1, 2, 3)
    record = json.loads(copy.read_text())
    for variant in record["variants"].values():
        del variant["exits"]
    runner = edited(copy, **record)
    names = "'all_exits', 'accurate', 'macs_25'"
    with pytest.raises(ChainError, match=f"'static': expected one of .{names}"):
        runner.predict(chain.images[0], policy="static")
    with pytest.raises(ChainError, match="'static'"):
        edited(copy, default_policy="static")


def test_a_file_of_something_else_is_refused(copy, chain):
    record = json.loads(copy.read_text())
    wrong = record["variants"]["float32"]["stages"][1]["file"]
    record["variants"]["float32"]["exits"] = [{"file": wrong}]
    runner = edited(copy, **record)
    with pytest.raises(ChainError, match="stage_2.tflite.*swapped"):
        runner.predict(chain.images[0], policy="static")
