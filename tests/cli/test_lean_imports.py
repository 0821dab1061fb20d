import subprocess
import sys

from elf_keras.cli import lean_imports

KERAS = """
import sys
from elf_keras.cli import lean_imports

with lean_imports.without_unused():
    import keras

print(sorted({*lean_imports.UNUSED} & {*sys.modules}))
import scipy.stats, sklearn.base

print(scipy.stats.norm.cdf(0), sklearn.base.BaseEstimator().get_params())
"""


def test_keras_comes_without_them_and_they_come_when_asked_for():
    found = subprocess.run(
        [sys.executable, "-c", KERAS], capture_output=True, text=True
    )
    assert found.stdout.splitlines() == ["[]", "0.5 {}"], found.stderr


def test_what_is_there_stays(monkeypatch):
    pandas = object()
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    monkeypatch.delitem(sys.modules, "sklearn", raising=False)
    with lean_imports.without_unused():
        assert sys.modules["pandas"] is pandas
        assert sys.modules["sklearn"] is None
    assert sys.modules["pandas"] is pandas
    assert "sklearn" not in sys.modules


def test_an_import_that_fails_leaves_nothing_hidden(monkeypatch):
    monkeypatch.delitem(sys.modules, "sklearn", raising=False)
    try:
        with lean_imports.without_unused():
            raise ImportError
    except ImportError:
        assert "sklearn" not in sys.modules
