"""A hub on this machine: the few routes of the Hugging Face hub that a download uses, with faults on demand."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SMALL_FILE_BYTES = 1000


@dataclass
class Faults:
    """What goes wrong, by file name; a count says how many times before it works."""

    cut_after: dict[str, list[int]] = field(default_factory=dict)
    """Bytes after which the connection is cut, one entry for each request that suffers it."""
    wrong_bytes: Counter = field(default_factory=Counter)
    unavailable: Counter = field(default_factory=Counter)
    """503. The empty name stands for the listing of a repository."""
    unavailable_after_cut: set[str] = field(default_factory=set)
    """Files that respond with 503 after their connection was cut."""
    absent: set[str] = field(default_factory=set)
    """404 for the file, although the listing has it."""


class HubServer:
    """Serves `repositories`: name -> file name -> contents. `requests` records (method, file, first byte asked for)."""

    def __init__(self, repositories: dict[str, dict[str, bytes]]) -> None:
        self.repositories = repositories
        self.faults = Faults()
        self.requests: list[tuple[str, str, int]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> HubServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def downloads(self, name: str) -> list[int]:
        """First byte of every download of a file so far."""
        return [start for method, file, start in self.requests if method == "GET" and file == name]

    def listing(self, repository: str) -> dict:
        files = []
        for name, content in self.repositories[repository].items():
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            entry = {"rfilename": name, "size": len(content), "blobId": blob}
            if len(content) > SMALL_FILE_BYTES:
                entry["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
            files.append(entry)
        return {"id": repository, "modelId": repository, "sha": COMMIT, "siblings": files, "tags": [], "private": False}

    def _handler(hub) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_HEAD(self) -> None:
                self._serve("HEAD")

            def do_GET(self) -> None:
                self._serve("GET")

            def _serve(self, method: str) -> None:
                path = unquote(self.path.split("?")[0]).lstrip("/")
                if path.startswith("api/models/"):
                    repository = path.removeprefix("api/models/").split("/revision/")[0]
                    self._serve_listing(repository)
                    return
                repository, _, rest = path.partition("/resolve/")
                if repository not in hub.repositories:
                    self._respond(404)
                    return
                self._serve_file(method, repository, rest.partition("/")[2])

            def _serve_listing(self, repository: str) -> None:
                if hub.faults.unavailable[""] > 0:
                    hub.faults.unavailable[""] -= 1
                    self._respond(503)
                elif repository in hub.repositories:
                    body = json.dumps(hub.listing(repository)).encode()
                    self._respond(200, body, {"Content-Type": "application/json"})
                else:
                    self._respond(401, headers={"X-Error-Code": "RepoNotFound"})

            def _serve_file(self, method: str, repository: str, name: str) -> None:
                start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
                hub.requests.append((method, name, start))
                content = hub.repositories[repository].get(name)
                if content is None or name in hub.faults.absent:
                    self._respond(404, headers={"X-Error-Code": "EntryNotFound"})
                    return
                if method == "GET" and hub.faults.unavailable[name] > 0:
                    hub.faults.unavailable[name] -= 1
                    self._respond(503)
                    return
                etag = hashlib.sha256(content).hexdigest()
                headers = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
                if method == "GET" and hub.faults.wrong_bytes[name] > 0:
                    hub.faults.wrong_bytes[name] -= 1
                    content = bytes(byte ^ 1 for byte in content)
                if start:
                    headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
                self._respond(206 if start else 200, content[start:], headers, method=method, name=name)

            def _respond(
                self,
                status: int,
                body: bytes = b"",
                headers: dict | None = None,
                *,
                method: str = "GET",
                name: str = "",
            ) -> None:
                self.send_response(status)
                for header, value in (headers or {}).items():
                    self.send_header(header, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if method == "HEAD":
                    return
                cuts = hub.faults.cut_after.get(name)
                if cuts:
                    if name in hub.faults.unavailable_after_cut:
                        hub.faults.unavailable[name] = 1000
                    self.wfile.write(body[: cuts.pop(0)])
                    self.wfile.flush()
                    self.close_connection = True
                    self.connection.shutdown(2)
                    return
                self.wfile.write(body)

        return Handler
