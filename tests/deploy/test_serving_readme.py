"""Requests of savedmodels/README.md, sent to the stand-in as they are there."""

import contextlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import exported
import pytest
import serving_client
from google.protobuf import text_format
from PIL import Image
from tensorflow_serving.config import model_server_config_pb2

from elf_keras.deploy import saved_model
from elf_keras.deploy.serving import Serving
from elf_keras.exits.thresholds import ExitThresholds

pytestmark = pytest.mark.slow

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
README = (CHECKOUT / "savedmodels" / "README.md").read_text()
POLICIES = {"accurate": [0.9, 0.9, 0.9], "macs_50": [0.6, 0.6, 0.6]}
BLOCKS = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
REQUESTS = [
    request
    for block in BLOCKS
    for request in block.split("\n\n")
    if "curl" in request
]
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """`mine`, of the digits' shape and exits, with a photo beside it."""
    folder = tmp_path_factory.mktemp("served")
    place = folder / "mine" / "1"
    place.mkdir(parents=True)
    model = exported.built(channels=1, exits="1,2,3")
    policies = {name: ExitThresholds.of(s) for name, s in POLICIES.items()}
    names = exported.CLASS_NAMES
    known = Serving([1.0] * 4, names, policies, "accurate")
    saved_model.save(model, place, known)
    Image.new("RGB", (40, 30), "navy").save(folder / "photo.jpg")
    with serving_client.serving(folder / "mine") as process:
        process.folder = folder
        yield process


def sent(server, request):
    """What a request of the page prints, as JSON."""
    tools = pathlib.Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-c", request.replace("8501", str(server.rest_port))],
        cwd=server.folder,
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("request_", REQUESTS)
def test_rest(server, request_):
    found = sent(server, request_)
    if ":predict" not in request_:
        (status,) = found["model_version_status"]
        assert status == {"version": "1", "state": "AVAILABLE"}
        return
    if "instances" in request_:
        (answer,) = found["predictions"]
    else:
        answer = {name: rows[0] for name, rows in found["outputs"].items()}
    assert answer["name"] == exported.CLASS_NAMES[answer["class"]]
    assert answer["top_names"][0] == answer["name"]
    assert (
        sorted(answer["top_probabilities"])[-1]
        == (answer["top_probabilities"][0])
    )
    assert answer["exit"] in (1, 2, 3, 4) and answer["macs"] > 0


def test_every_way_is_on_the_page():
    asked = " ".join(REQUESTS)
    assert len(REQUESTS) == 5
    for word in ("serving_default_bytes", "macs_50_bytes", "versions/1"):
        assert word in asked


def test_grpc(server):
    (code,) = [text for text in PYTHON if "import grpc" in text]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(code.replace("8500", str(server.port)), {})
    version, _, told = out.getvalue().partition("\n")
    assert version == "1 answered"
    names = [str(name.encode()) for name in exported.CLASS_NAMES]
    assert sum(told.count(name) for name in names) == 2


def test_a_client_that_counts(server, tmp_path, monkeypatch):
    client = pytest.importorskip("prometheus_client")
    (code,) = [text for text in PYTHON if "prometheus_client" in text]
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "savedmodels" / "mine" / "1"
    place.mkdir(parents=True)
    policies = {"accurate": {"exit_shares": [0.75, 0.25]}}
    record = {"saved_model": {"policies": policies}}
    (place / "manifest.json").write_text(json.dumps(record))
    monkeypatch.setattr(client, "start_http_server", lambda port: None)
    names = {}
    exec(code, names)
    names["count"]("accurate", [1, 1])
    told = client.generate_latest().decode()
    labels = '{exit="1",model="mine",policy="accurate"}'
    assert f"elf_keras_answers_total{labels} 2.0" in told
    assert f"elf_keras_expected_share{labels} 0.75" in told
    # An exit that nobody takes is counted, too: its share is missed otherwise.
    unused = labels.replace("1", "2", 1)
    assert f"elf_keras_answers_total{unused} 0.0" in told


REST = {
    "a word": (b"word", "JSON Parse error"),
    "no inputs": (b"{}", "Missing 'inputs' or 'instances' key"),
    "text as pixels": (b'{"inputs": "a.png"}', "not of expected type: float"),
    "one side short": (b'{"inputs": [[[0, 1]]]}', "expected shape [?,8,8,1]"),
    "rows that differ": (b'{"inputs": [[1], [1, 2]]}', "not of expected type"),
    "no signature": (
        b'{"signature_name": "macs_3", "inputs": [0]}',
        '"macs_3" not found',
    ),
    "no base64": (
        b'{"signature_name": "static_bytes", "instances": [{"b64": "*"}]}',
        "not of expected type: string",
    ),
    "text as a file": (
        b'{"signature_name": "static_bytes", "instances": ["text"]}',
        "expected one whole file",
    ),
}


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("wrong", REST)
def test_a_bad_request_is_told_and_the_server_goes_on(server, wrong):
    body, words = REST[wrong]
    (server.folder / "body").write_bytes(body)
    url = "http://localhost:8501/v1/models/mine:predict"
    curl = f"curl -s {url} -d @body -w ',%{{http_code}}'"
    told, status = sent(server, f"printf '['; {curl}; printf ']'")
    assert status == 400
    assert words in told["error"]
    assert server.poll() is None


def test_the_servers_configurations_are_what_it_reads():
    folder = CHECKOUT / "clusters" / "serving"
    config = text_format.Parse(
        (folder / "models.config").read_text(),
        model_server_config_pb2.ModelServerConfig(),
    )
    (one,) = config.model_config_list.config
    assert (one.name, one.base_path) == ("mine", "/models/mine")
    batching = (folder / "batching.config").read_text()
    lines = re.findall(r"^\w+ \{ value: \d+ \}$", batching, re.MULTILINE)
    for line in lines:
        assert line in README
    assert len(lines) == 4
