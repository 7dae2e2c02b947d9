"""A web server on the loopback address that serves files the way hosts of weights do, and misbehaves when told to."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class FileServer:
    """What it serves, and what it was asked.

    Attributes
    ----------
    files : dict of str to bytes
        By path, beginning with a slash. Paths with ``/resolve/`` answer like the Hugging Face Hub.
    status : dict of str to int
        Paths that are refused.
    redirects : dict of str to str
        Paths that send the client to another address.
    cut_after : list of int
        The next answers break off after so many bytes.
    ranges : bool
        Whether it can go on in the middle of a file.
    asked : list of (str, str, dict)
        Method, path and headers of every request.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    cut_after: list[int] = field(default_factory=list)
    ranges: bool = True
    claimed_sha256: str | None = None
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    address: str = ""

    def ranges_asked(self) -> list[str | None]:
        """The Range header of every GET."""
        return [headers.get("range") for method, _, headers in self.asked if method == "GET"]


@contextmanager
def serving(server: FileServer) -> Iterator[FileServer]:
    """Run the server in a thread; its address is ``server.address``."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(server))
    server.address = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=lambda: http.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def _handler_of(server: FileServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            headers = {key.lower(): value for key, value in self.headers.items()}
            server.asked.append((self.command, self.path, headers))
            if self.path in server.redirects:
                self.send_response(302)
                self.send_header("Location", server.redirects[self.path])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            data = server.files.get(self.path.replace(f"/resolve/{COMMIT}/", "/resolve/main/"))
            code = server.status.get(self.path, 404 if data is None else 200)
            if code >= 400 or data is None:
                self.send_response(code)
                if code == 404:
                    self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            asked = headers.get("range", "bytes=0-") if server.ranges else "bytes=0-"
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(data) - start))
            self.send_header("ETag", f'"{server.claimed_sha256 or hashlib.sha256(data).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if body:
                rest = data[start:]
                self.wfile.write(rest[: server.cut_after.pop(0)] if server.cut_after else rest)
                self.close_connection = True

        def log_message(self, *args: object) -> None:
            pass

    return Handler
