"""The demo's server: what it serves, and what it refuses and survives."""

import base64
import contextlib
import hashlib
import http.client
import socket

import page_runs
import pytest

from elf_keras.demo import server as demo_server
from elf_keras.errors import InputError

IMPORTS = b'{"imports": {}}'
PAGE = b'<script type="importmap">' + IMPORTS + b"</script>"
HASH = base64.b64encode(hashlib.sha256(IMPORTS).digest()).decode()
GET = "GET / HTTP/1.1\r\nHost: {host}\r\n"


@pytest.fixture
def server(tmp_path):
    """A server over three folders, answering."""
    files = {
        "page/index.html": PAGE,
        "page/main.js": b"run()",
        "vendor/core/runtime.wasm": b"wasm",
        "model/stage.tflite": b"a stage",
        "model/notes.txt": b"secret",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    mounts = [
        demo_server.Mount("/", tmp_path / "page"),
        demo_server.Mount("/vendor/", tmp_path / "vendor"),
        demo_server.Mount(
            "/model/", tmp_path / "model", frozenset({"stage.tflite"})
        ),
    ]
    with page_runs.running(demo_server.PageServer(0, mounts)) as server:
        yield server


def ask(server, path, method="GET", **headers):
    """Status, headers and body of an answer."""
    port = server.server_address[1]
    with contextlib.closing(
        http.client.HTTPConnection(demo_server.HOST, port, timeout=10)
    ) as connection:
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def say(server, text):
    """First line of what comes back for raw bytes."""
    with socket.create_connection(server.server_address, 10) as connection:
        host = f"127.0.0.1:{server.server_address[1]}"
        connection.sendall(text.format(host=host).encode("latin-1"))
        with contextlib.suppress(OSError):
            # The server may have answered and gone already.
            connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as stream:
            return stream.readline().decode("latin-1")


@pytest.mark.parametrize(
    ("path", "kind", "content"),
    [
        ("/", "text/html; charset=utf-8", PAGE),
        ("/index.html", "text/html; charset=utf-8", PAGE),
        ("/main.js", "text/javascript; charset=utf-8", b"run()"),
        ("/vendor/core/runtime.wasm", "application/wasm", b"wasm"),
        ("/model/stage.tflite", "application/octet-stream", b"a stage"),
        ("/model/stage.tflite?again=1", "application/octet-stream", b"a stage"),
        ("/model/%73tage.tflite", "application/octet-stream", b"a stage"),
    ],
)
def test_serves_the_files_of_its_mounts(server, path, kind, content):
    status, headers, body = ask(server, path)
    assert (status, headers["Content-Type"], body) == (200, kind, content)
    assert headers["Content-Length"] == str(len(content))


def test_head_sends_no_body(server):
    status, headers, body = ask(server, "/main.js", "HEAD")
    assert (status, headers["Content-Length"], body) == (200, "5", b"")


def test_headers_keep_the_page_to_itself(server):
    for path in ("/", "/nothing.js"):
        headers = ask(server, path)[1]
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert f"'sha256-{HASH}'" in policy
        assert "connect-src 'self'" in policy
        assert "'unsafe-inline'" not in policy
        assert "'unsafe-eval'" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in headers


ELSEWHERE = """
/../secret.txt /model/../secret.txt /model/%2e%2e/secret.txt
/model/..%2fsecret.txt /model/%2e%2e%2f%2e%2e%2fsecret.txt
/model/..%5csecret.txt /vendor/core/../../secret.txt
/model/%252e%252e/secret.txt /model//stage.tflite /vendor/..%2f..%2fsecret.txt
/vendor/core/./runtime.wasm /main.js%00.txt //etc/hostname /%2fetc/hostname
/vendor/%2fetc%2fhostname file:///etc/hostname /model/notes.txt /model/
/vendor/core /vendor/link.txt /vendor/linked/secret.txt /vendor/.config
/nothing.js /vendor/circle/a.js
"""


@pytest.mark.parametrize("path", [*ELSEWHERE.split(), "/" + 300 * "a"])
def test_nothing_else_is_served(server, tmp_path, path, capfd):
    vendor = tmp_path / "vendor"
    (tmp_path / "secret.txt").write_text("secret")
    (vendor / "link.txt").symlink_to(tmp_path / "secret.txt")
    (vendor / "linked").symlink_to(tmp_path)
    (vendor / ".config").write_text("secret")
    (vendor / "circle").symlink_to(vendor / "circle")
    status, _, body = ask(server, path)
    assert status == 404
    assert b"secret" not in body
    assert capfd.readouterr().err == ""


def test_the_usual_port_is_left_out_by_browsers(server, monkeypatch):
    assert "127.0.0.1" not in server.names
    monkeypatch.setattr(server, "server_address", ("127.0.0.1", 80))
    assert {"127.0.0.1", "localhost", "localhost:80"} <= server.names


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "X"])
def test_other_methods_are_refused(server, method):
    status, headers, _ = ask(server, "/", method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_other_hosts_are_refused(server):
    port = server.server_address[1]
    assert ask(server, "/", Host=f"localhost:{port}")[0] == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", ""):
        assert ask(server, "/", Host=host)[0] == 421


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (GET + "Content-Length: 4\r\n\r\nbody", "413"),
        (GET + "Content-Length: lots\r\n\r\n", "413"),
        (GET + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "413"),
        (GET + "Host: evil.example\r\n\r\n", "421"),
        ("GET / HTTP/1.1\r\n\r\n", "421"),
        ("GET /" + "a" * 2000 + " HTTP/1.1\r\nHost: {host}\r\n\r\n", "414"),
        (GET + "A: " + "a" * 20_000 + "\r\n\r\n", "431"),
        (GET + "A: a\r\n" * 150 + "\r\n", "431"),
        ("a" * 20_000, "400"),
        ("GET / HTTP/9.9\r\n\r\n", "505"),
        ("\x16\x03\x01\x02", ""),
        ("", ""),
    ],
)
def test_a_broken_request_is_refused_and_the_next_one_served(
    server, capfd, text, status
):
    line = say(server, text)
    # A request line that says nothing of HTTP/1 gets no status line back.
    assert status in line.removeprefix("HTTP/1.0 ")[:3]
    assert "200" not in line
    assert ask(server, "/")[0] == 200
    assert capfd.readouterr().err == ""


def test_a_client_that_hangs_up_leaves_no_trace(server, capfd):
    for _ in range(5):
        with socket.create_connection(server.server_address, 10) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHo")
    assert ask(server, "/")[0] == 200
    assert capfd.readouterr().err == ""


def test_a_file_that_goes_is_not_found(server, tmp_path):
    (tmp_path / "model" / "stage.tflite").unlink()
    assert ask(server, "/model/stage.tflite")[0] == 404


def test_listens_on_loopback_alone(server):
    assert server.server_address[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.server_address[1]}/"


def test_a_port_that_is_taken(server):
    port = server.server_address[1]
    with pytest.raises(InputError, match=f"--port={port} cannot be used"):
        demo_server.PageServer(port, server.mounts)
