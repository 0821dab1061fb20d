"""Recipes by name: from a checkout, and from a package that was installed."""

import shutil
import zipfile

import pytest

from elf_keras import errors
from elf_keras.runs import flagfiles, recipes


def test_every_recipe_says_what_it_is_good_for():
    found = dict(recipes.table())
    assert {"photos", "digits_lt", "cifar10_lt/har_ldam_drw"} <= set(found)
    assert not [name for name in found if name.startswith("base")]
    assert found["cifar10_lt/ce"].startswith("Cross-entropy, bare backbone")
    for claim in found.values():
        assert claim[0] != "#" and claim.endswith(".")


def test_a_recipe_stands_for_the_lines_of_its_file():
    words = flagfiles.expanded(["--recipe=cifar10_lt/ce", "--epochs=3"])
    file = recipes.folder() / "cifar10_lt" / "ce.flags"
    assert words == flagfiles.expanded([f"--flagfile={file}", "--epochs=3"])
    # Those of the part that it begins with, too.
    base = flagfiles.read(recipes.folder() / "base" / "papers_cifar.flags")
    assert words[: len(base)] == base
    assert flagfiles.expanded(["--recipe", "photos", "x"])[-1] == "x"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("--recipe=photo", "did you mean photos"),
        ("--recipe=crt", "mean cifar10_lt/crt or imagenet_lt/crt or inat18"),
        ("--recipe=inat18/ldam", "did you mean inat18/ldam_drw or "),
        ("--recipe=PHOTOS", r"did you mean photos\?"),
        ("--recipe=experiments/photos.flags", r"did you mean photos\?"),
        ("--recipe=./experiments/CIFAR10_lt/ce.flags", r"n cifar10_lt/ce\?"),
        ("--recipe=../secret", "--recipe=list shows all"),
        ("--recipe=/etc/passwd", "no recipe of that name"),
        ("--recipe", "without a recipe"),
        ("--recipe=", "--recipe=list shows all"),
    ],
)
def test_what_is_no_recipe(word, said):
    with pytest.raises(errors.InputError, match=said):
        flagfiles.expanded([word])


def test_all_recipes_are_asked_for_as_any_flag_is_given():
    assert recipes.are_asked_for(["--recipe=list"])
    assert recipes.are_asked_for(["--epochs=3", "--recipe", "list"])
    assert not recipes.are_asked_for(["--recipe", "photos", "list"])


def test_an_installed_package_has_its_own(tmp_path, monkeypatch):
    """As in a wheel: beside the modules, no checkout around."""
    shutil.copytree(recipes.folder(), tmp_path / "elf_keras" / "recipes")
    module = tmp_path / "elf_keras" / "runs" / "recipes.py"
    monkeypatch.setattr(recipes, "__file__", str(module))
    assert recipes.folder() == tmp_path / "elf_keras" / "recipes"
    assert "photos" in recipes.names()


def test_the_wheel_has_every_recipe_once(tmp_path):
    backend = pytest.importorskip("hatchling.build")
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.chdir(recipes.folder().parent)
        name = backend.build_wheel(str(tmp_path))
    found = zipfile.ZipFile(tmp_path / name).namelist()
    inside = [each for each in found if each.endswith(".flags")]
    source = recipes.folder()
    assert sorted(inside) == sorted(
        f"elf_keras/recipes/{path.relative_to(source).as_posix()}"
        for path in source.rglob("*.flags")
    )
    assert "elf_keras/py.typed" in found
