"""A web server for the demo page: loopback only, read only, three folders.

It answers GET and HEAD for files below its mounts and refuses all else. One
request a connection, its head limited, no body: nothing to upload to.
"""

import base64
import contextlib
import dataclasses
import hashlib
import http.client
import http.server
import os
import pathlib
import re
import shutil
import socket
import socketserver
import sys
import urllib.parse
from http import HTTPStatus

from elf_keras.errors import InputError

HOST = "127.0.0.1"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}
LONGEST_HEAD = 16_384
# What a refused request may still send, in bytes, and for how long.
LONGEST_REST, LINGER_SECONDS = 1_048_576, 2
LONGEST_PATH = 1_024
_HEADERS = {
    "Allow": "GET, HEAD",
    "Cache-Control": "no-cache",
    # Isolation makes the browser's clock a hundred times finer.
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# Browsers read import maps from the page itself only: its hash lets it pass.
_IMPORT_MAP = re.compile(rb'<script type="importmap">(.*?)</script>', re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Mount:
    """A folder under a path of the server, such as `/model/`."""

    prefix: str
    folder: pathlib.Path
    only: frozenset[str] | None = None  # relative paths; None is every file

    def find(self, name: str) -> pathlib.Path | None:
        """Return the file of a decoded path below the prefix, or None."""
        parts = name.split("/")
        # No dot files either, and nothing that a system reads differently.
        if any(not part or part[0] == "." for part in parts):
            return None
        if set(name) & set("\\:\0") or not name.isprintable():
            return None
        if self.only is not None and name not in self.only:
            return None
        # Links may not lead out, nor in circles; names may be too long.
        try:
            file = self.folder.joinpath(*parts).resolve()
            inside = file.is_relative_to(self.folder.resolve())
            return file if inside and file.is_file() else None
        except (OSError, RuntimeError):
            return None


class PageServer(socketserver.ThreadingTCPServer):
    """Serve mounts on loopback, the longest prefix first.

    Port 0 takes any free one, see `url`; the mount of `/` holds `index.html`.

    Raises:
      InputError: where the port cannot be had.
    """

    daemon_threads = True
    # Elsewhere it would let two servers share a port.
    allow_reuse_address = os.name == "posix"

    def __init__(self, port: int, mounts: list[Mount]):
        self.mounts = sorted(mounts, key=lambda mount: -len(mount.prefix))
        self.policy = _content_policy(self.find("/"))
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise InputError(
                f"--port={port} cannot be used ({error.strerror}); name "
                "another one, or 0 for any that is free"
            ) from error

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://{HOST}:{self.server_address[1]}/"

    @property
    def names(self) -> frozenset[str]:
        """What a browser on this machine may call the server."""
        port = self.server_address[1]
        hosts = (HOST, "localhost")
        # Browsers leave the usual port out.
        alone = hosts if port == http.client.HTTP_PORT else ()
        return frozenset([*alone, *(f"{host}:{port}" for host in hosts)])

    def find(self, path: str) -> pathlib.Path | None:
        """Return the file for a decoded path, or None."""
        for mount in self.mounts:
            if path.startswith(mount.prefix):
                name = path.removeprefix(mount.prefix) or "index.html"
                return mount.find(name)
        return None

    def shutdown_request(self, request):
        """Close once the client has, or after what no client sends.

        Closing on bytes that were never read would reset the connection, and
        a refusal would be lost on its way.
        """
        with contextlib.suppress(OSError):
            request.shutdown(socket.SHUT_WR)
            request.settimeout(LINGER_SECONDS)
            for _ in range(LONGEST_REST // LONGEST_HEAD):
                if not request.recv(LONGEST_HEAD):
                    break
        self.close_request(request)

    def handle_error(self, request, client_address):
        """Drop a connection that broke; the next request is served."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Head:
    """The head of a request, of limited size."""

    def __init__(self, stream):
        self._stream, self.left = stream, LONGEST_HEAD
        self.close = stream.close

    def readline(self, size):
        line = self._stream.readline(min(size, self.left))
        self.left -= len(line)
        return line


class _Handler(http.server.BaseHTTPRequestHandler):
    server_version = "elf_keras"
    sys_version = ""
    error_content_type = "text/plain; charset=utf-8"
    error_message_format = "%(code)d %(message)s\n"
    # Seconds: who sends nothing does not hold a thread for ever.
    timeout = 20

    def setup(self):
        super().setup()
        self.rfile = _Head(self.rfile)

    def parse_request(self):
        """Refuse what is no plain GET or HEAD to this very server."""
        if not super().parse_request():
            return False
        status = self._refusal()
        if status:
            self.send_error(status)
        return not status

    def do_GET(self):  # noqa: N802, the base class finds it by this name
        """Send a file, to HEAD its headers alone."""
        path = self.path.partition("?")[0]
        file = self.server.find(urllib.parse.unquote(path))
        try:
            stream = file.open("rb") if file else None
        except OSError:
            stream = None
        if stream is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        with stream:
            size = os.fstat(stream.fileno()).st_size
            kind = TYPES.get(file.suffix, "application/octet-stream")
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            if self.command == "GET":
                shutil.copyfileobj(stream, self.wfile)

    do_HEAD = do_GET  # noqa: N815

    def end_headers(self):
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Security-Policy", self.server.policy)
        super().end_headers()

    def log_message(self, *_):
        """Stay silent."""

    def _refusal(self):
        if self.command not in ("GET", "HEAD"):
            return HTTPStatus.METHOD_NOT_ALLOWED
        if not self.rfile.left:
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        if len(self.path) > LONGEST_PATH:
            return HTTPStatus.REQUEST_URI_TOO_LONG
        # A foreign name that resolves to loopback is another site's attack.
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or hosts[0].lower() not in self.server.names:
            return HTTPStatus.MISDIRECTED_REQUEST
        sized = self.headers.get("Content-Length", "0") != "0"
        if sized or "Transfer-Encoding" in self.headers:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return None


def _content_policy(index):
    maps = _IMPORT_MAP.findall(index.read_bytes()) if index else []
    hashes = [base64.b64encode(hashlib.sha256(text).digest()) for text in maps]
    scripts = " ".join(f"'sha256-{text.decode()}'" for text in hashes)
    return (
        "default-src 'none'; "
        f"script-src 'self' 'wasm-unsafe-eval' {scripts}; "
        "connect-src 'self'; img-src 'self'; style-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
