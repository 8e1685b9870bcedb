"""A stand-in for the Hugging Face Hub: the requests of an upload, answered as the Hub answers them, and kept."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REPOSITORY = "our-lab/digits"


@dataclass
class Hub:
    """What arrived."""

    token: str
    address: str = ""
    created: list[dict[str, object]] = field(default_factory=list)
    uploaded: dict[str, bytes] = field(default_factory=dict)
    """Large files by their SHA-256."""
    files: dict[str, bytes] = field(default_factory=dict)
    """What the commit holds, by name."""

    def answer(self, method: str, path: str, body: bytes) -> object:
        """The JSON that the Hub gives, None for a file that was taken."""
        if method == "PUT":
            self.uploaded[path.rpartition("/")[2]] = body
            return None
        for end, found in self._answers().items():
            if path.endswith(end):
                return found(body)
        return {"sha": "0" * 40, "id": REPOSITORY, "siblings": [], "private": True}  # about the repository

    def _answers(self) -> dict[str, Callable[[bytes], object]]:
        return {
            "/api/repos/create": self._create,
            "/api/validate-yaml": lambda _: {"errors": [], "warnings": []},
            "/preupload/main": self._modes,
            "/info/lfs/objects/batch": self._places,
            "/commit/main": self._commit,
        }

    def _create(self, body: bytes) -> object:
        self.created.append(json.loads(body))
        return {"url": f"{self.address}/{REPOSITORY}"}

    def _modes(self, body: bytes) -> object:
        files = [one["path"] for one in json.loads(body)["files"]]
        modes = {name: "lfs" if name.endswith((".safetensors", ".png")) else "regular" for name in files}
        return {"files": [{"path": n, "uploadMode": m, "shouldIgnore": False, "oid": None} for n, m in modes.items()]}

    def _places(self, body: bytes) -> object:
        asked = json.loads(body)["objects"]
        return {"transfer": "basic", "objects": [{**one, "actions": self._upload(one["oid"])} for one in asked]}

    def _upload(self, oid: str) -> dict[str, object]:
        return {"upload": {"href": f"{self.address}/upload/{oid}"}}

    def _commit(self, body: bytes) -> object:
        for one in map(json.loads, body.splitlines()):
            value = one["value"]
            if one["key"] == "file":
                self.files[value["path"]] = base64.b64decode(value["content"])
            elif one["key"] == "lfsFile":
                self.files[value["path"]] = self.uploaded[value["oid"]]
        return {"commitUrl": f"{self.address}/{REPOSITORY}/commit/1", "commitOid": "1" * 40}


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The Hub on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            allowed = self.command == "PUT" or self.headers.get("Authorization") == f"Bearer {hub.token}"
            found = hub.answer(self.command, self.path.partition("?")[0], body) if allowed else {"error": "no"}
            data = b"" if found is None else json.dumps(found).encode()
            self.send_response(200 if allowed else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_HEAD = _answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
