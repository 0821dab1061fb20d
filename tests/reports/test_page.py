"""The page as text: what stands in it, and that it needs nothing else."""

import base64
import dataclasses
import json
import zlib

import made_report
import numpy as np
import pytest
from read_page import build

from elf_keras.reports import class_scores, page, slider

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    return made_report.view(tmp_path_factory.mktemp("made") / "run")


@pytest.fixture(scope="module")
def built(view):
    return build(view)


@pytest.fixture
def undrawn(monkeypatch):
    made_report.undrawn(monkeypatch)


def test_every_picture_is_told(built):
    _, read, _ = built
    pictures = [found for tag, found in read.tags if tag == "img"]
    assert len(pictures) > 15
    assert all(len(found["alt"]) > 20 for found in pictures)


def test_it_needs_no_other_file_and_no_network(built):
    text, read, drawn = built
    for tag, found in read.tags:
        start = ("figures/", "#") if tag == "a" else "data:"
        for key in found.keys() & {"src", "href"}:
            assert found[key].startswith(start)
    assert "default-src 'none'" in text
    links = {found["href"] for tag, found in read.tags if tag == "a"}
    assert links >= {f"figures/{chart.name}.csv" for chart in drawn}


def test_links_lead_to_parts_of_the_page(view, tmp_path, undrawn):
    alone = dataclasses.replace(view, scored=None, examples=None)
    other = made_report.view(tmp_path / "other", exits=1, seed=1)
    for views in ([view], [alone], [view, other]):
        _, read, _ = build(*views)
        ids = [found["id"] for _, found in read.tags if found.get("id")]
        assert len(set(ids)) == len(ids)
        links = [found["href"] for tag, found in read.tags if tag == "a"]
        links = [link[1:] for link in links if link.startswith("#")]
        assert set(links) <= set(ids)
        # All parts of the page and of its runs can be reached.
        heads = [i for i in ids if not i.endswith("-name")]
        controls = ("s-", "own-", "policy-")
        assert set(links) == {i for i in heads if not i.startswith(controls)}


def test_warnings_come_first(view, undrawn):
    record = {**view.folder.record, "warnings": ["nobody took exit 2"]}
    folder = dataclasses.replace(view.folder, record=record)
    warned = dataclasses.replace(view, folder=folder, missing=("No images.",))
    _, read, _ = build(warned)
    words = [word.strip() for word in read.words if word.strip()]
    start = words.index("Warnings", words.index("How it was made"))
    assert words[start + 1] == "Training warned: nobody took exit 2."
    assert words[start + 2] == "No images."
    # Only then comes what the run is worth.
    assert words.index("In short", start) > start
    assert "Recorded" not in "".join(words[:start])


def test_every_class_has_its_scores_on_the_page(view, built):
    _, read, _ = built
    cells = [found for tag, found in read.tags if "data-value" in found]
    rows = class_scores.per_class(view)
    assert len(cells) == 8 * len(rows)
    for number, row in enumerate(rows):
        told = [found["data-value"] for found in cells[8 * number :][:8]]
        assert told[0] == row["class"]
        numbers = list(row.values())[1:]
        assert [float(text) for text in told[1:]] == pytest.approx(numbers)


def test_every_figure_of_the_papers_has_its_counterpart(built):
    _, _, drawn = built
    sources = " ".join(chart.source for chart in drawn)
    assert all(f"ELF, Fig. {k}" in sources for k in (2, 3, 4, 5))
    assert all(f"HAR, Fig. {k}" in sources for k in (2, 3, 4, 6))
    assert "ELF, Fig. 6 and 9; HAR, Fig. 7" in sources


def test_files_of_the_figures(view, built, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "build", lambda *_, **__: built[::2])
    page.write(tmp_path, [view])
    for chart in built[2]:
        stem = tmp_path / "figures" / chart.name
        for ending, start in ((".png", b"\x89PNG"), (".svg", b"<?xml")):
            assert stem.with_suffix(ending).read_bytes().startswith(start)
        rows = stem.with_suffix(".csv").read_text().splitlines()
        assert len(rows) == len(chart.rows) + 1 > 1
    assert (tmp_path / "figures" / "results.csv").exists()
    scores = tmp_path / "figures" / "run" / "class_scores.csv"
    rows = scores.read_text().splitlines()
    assert rows[0].startswith("class,training_images,images,answers,precision")
    assert len(rows) == 1 + len(view.class_names)
    assert f'href="{scores.relative_to(tmp_path)}"' in built[0]


HOSTILE = "<b id='x'>&\"{{ 7 * 7 }}</script>"


def test_names_are_text_wherever_they_stand(view, undrawn):
    record = {
        **view.folder.record,
        **{"machine": HOSTILE, "devices": [HOSTILE], "warnings": [HOSTILE]},
        "versions": {HOSTILE: HOSTILE},
        "model": {"exits": [{**e, "tap": HOSTILE} for e in view.folder.exits]},
    }
    flags = {**view.folder.flags, "dataset": HOSTILE, "weights": "/secret"}
    flags |= {"data_dir": "/secret", "workdir": "/secret"}
    folder = {"name": HOSTILE, "record": record, "flags": flags}
    own = {"folder": dataclasses.replace(view.folder, **folder)}
    own["class_names"] = (HOSTILE, *view.class_names[1:])
    hostile = dataclasses.replace(view, missing=(HOSTILE,), **own)
    variant = {
        "stages": [],
        "policies": {HOSTILE: {"accuracy": 0.5, "saving": -0.5}},
        "static": {"accuracy": 0.5},
    }
    reported = {"split": "test", "images": 3}
    exports = {
        HOSTILE: {
            "variants": {HOSTILE: variant},
            "saved_model": variant,
            "reported_on": reported,
        }
    }
    text, read, _ = build(hostile, view, exports=exports)
    assert not [found for _, found in read.tags if found.get("id") == "x"]
    # Title, heading, picker, facts, taps, gallery, findings, flags, exports.
    assert "".join(read.words).count(HOSTILE) > 20
    # Only the script tags that the template and the data open are there.
    assert text.count("</script>") == 1 + 2
    # No place on a machine is told.
    assert "/secret" not in text
    assert str(view.folder.path.parent) not in text


def test_what_is_embedded_is_what_was_answered(view):
    record = json.loads(json.dumps(slider.record(view)))
    found = view.seen
    content = zlib.decompress(base64.b64decode(record["packed"]))
    parts = (found.certainty[:, :-1].T, found.classes.T, found.labels)
    types = ("<f4", "<u2", "<u2")
    for part, kind in zip(parts, types, strict=True):
        told = np.frombuffer(content, kind, part.size).reshape(part.shape)
        np.testing.assert_array_equal(told, part)
        content = content[told.nbytes :]
    assert not content
    assert (record["images"], record["exits"]) == found.classes.shape
    assert record["groups"] == [0, 0, 1, 1, 2, 2]
    # The slider stops where the exact curve changes.
    assert len(record["slider"]) > 100
    exact = view.scored.scorer.curve(found).thresholds
    assert set(record["slider"]) <= set(exact)


@pytest.mark.slow
def test_a_thousand_classes_stay_small(tmp_path):
    counts = np.geomspace(1280, 5, 1000).astype(int)
    big = made_report.view(tmp_path / "run", counts=counts, images=50, exits=5)
    page.write(tmp_path / "report", [big])
    assert (tmp_path / "report" / "index.html").stat().st_size < 10e6
