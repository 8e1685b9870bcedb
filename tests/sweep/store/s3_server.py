"""An S3 server for tests: moto's, in a process of its own on loopback, behind a proxy that can be told to misbehave.

    pyarrow  ->  Proxy (logs every request, injects faults by a plan)  ->  python s3_server.py PORT BUCKET [FOLDER]

The proxy speaks HTTP/1.1 with kept-alive connections, as the AWS SDK expects; a fault is tried in the order in which it
was planned and used up after `times` requests.
"""

import http.client
import http.server
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

START_SECONDS = 60.0
Kind = Literal["error", "slow", "drop-request", "drop-response"]


@dataclass
class Fault:
    """What happens to `times` requests of a method whose path and query contain `part`, to each `every`-th of them."""

    kind: Kind
    method: str = ""
    part: str = ""
    times: int = 1
    status: int = 500
    seconds: float = 0.0
    every: int = 1
    seen: int = 0

    def takes(self, method: str, target: str) -> bool:
        """Whether this request meets the fault."""
        if self.times <= 0 or self.method not in ("", method) or self.part not in target:
            return False
        self.seen += 1
        return self.seen % self.every == 0


class MotoServer:
    """moto's server on a free port. Its state is in memory and ends with it.

    With `folder`, the files below it are the objects of `bucket` from the start: faster than thousands of PUTs.
    """

    def __init__(self, bucket: str = "bucket", folder: Path | None = None) -> None:
        from tests.ports import free_port  # this file is a program too, which knows no package

        self.port = free_port()
        words = [sys.executable, str(Path(__file__).resolve()), str(self.port), bucket, str(folder or "")]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError("moto_server did not start")
            time.sleep(0.1)

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait(10)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False


@dataclass
class Proxy:
    """Forwards to `port`, keeps a log of requests (method, path with query) and injects the planned faults."""

    port: int
    requests: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.lock = threading.Lock()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """What `AWS_ENDPOINT_URL` gets."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def plan(self, *faults: Fault) -> None:
        """Forget what was planned and logged, and misbehave so from now on."""
        with self.lock:
            self.faults[:] = faults
            self.requests.clear()

    def count(self, method: str, part: str = "") -> int:
        """Logged requests of a method whose path and query contain `part`."""
        return sum(m == method and part in target for m, target in self.requests)

    def fault_for(self, method: str, target: str) -> Fault | None:
        """Log a request; the fault that it meets."""
        with self.lock:
            self.requests.append((method, target))
            found = next((fault for fault in self.faults if fault.takes(method, target)), None)
            if found is not None:
                found.times -= 1
            return found

    def stop(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """Head and body of an answer are two packets: the second must not wait until the first is acknowledged, 40 milliseconds."""
    owner: Proxy

    def do_GET(self) -> None:
        self._forward()

    do_PUT = do_POST = do_DELETE = do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the log is `Proxy.requests`."""

    def _forward(self) -> None:
        fault = self.owner.fault_for(self.command, self.path)
        if fault is not None and fault.kind == "drop-request":
            self.rfile.read(int(self.headers.get("Content-Length") or 0) // 2)
            self._drop()
            return
        body = self._body()
        if fault is not None and fault.kind == "error":
            self._answer(fault.status, {"Content-Type": "application/xml"}, ERROR)
            return
        if fault is not None and fault.kind == "slow":
            time.sleep(fault.seconds)
        status, headers, data = self._upstream(body)
        if fault is not None and fault.kind == "drop-response":
            self._drop()
            return
        self._answer(status, headers, data)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _upstream(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.owner.port, timeout=60)
        kept = {k: v for k, v in self.headers.items() if k.lower() not in ("expect", "transfer-encoding", "connection")}
        connection.request(self.command, self.path, body, {**kept, "Content-Length": str(len(body))})
        answer = connection.getresponse()
        data = answer.read()
        headers = {k: v for k, v in answer.getheaders() if k.lower() not in ("connection", "transfer-encoding")}
        connection.close()
        return answer.status, headers, data

    def _answer(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() != "content-length":
                self.send_header(name, value)
        length = headers.get("Content-Length", str(len(data))) if self.command == "HEAD" else str(len(data))
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _drop(self) -> None:
        """Reset the connection, as a lost route does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True


ERROR = b"<?xml version='1.0'?><Error><Code>InternalError</Code><Message>injected</Message></Error>"


def serve(port: int, bucket: str, folder: str) -> None:
    """The server process: one bucket, filled from a folder where one is given."""
    from moto.s3.models import s3_backends
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import run_simple

    backend = s3_backends["123456789012"]["aws"]  # moto's account for whoever comes
    backend.create_bucket(bucket, "us-east-1")
    for path in sorted(Path(folder).rglob("*")) if folder else ():
        if path.is_file():
            backend.put_object(bucket, path.relative_to(folder).as_posix(), path.read_bytes())
    run_simple("127.0.0.1", port, DomainDispatcherApplication(create_backend_app), threaded=True)


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2], sys.argv[3])
