"""`aesweep explore --serve` in a process of its own, asked as the page asks: what a question costs the server and the store."""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from large_store import VERB, LargeStore
from page import REPOSITORY

from aesweep.cluster.scoped import in_background
from aesweep.sweep.store.store import open_store
from aesweep.sweep.tables.fold import TableWriter
from tests.sweep.store.s3_server import MotoServer, Proxy

POLL_SECONDS = 5.0  # main.js
LOOK_SECONDS = 0.5
TICKS = os.sysconf("SC_CLK_TCK")


class Answer(NamedTuple):
    """One answer of the server."""

    status: int
    body: bytes
    size: int
    """Bytes with headers."""


class Asked(NamedTuple):
    """Questions that a server answered."""

    milliseconds: float | None
    """Wall clock of one; None where the server waits on purpose."""
    cpu: float
    """Milliseconds of the server for one."""
    sent: float
    """Bytes of one answer, headers included."""


class Server:
    """A served page, and one connection to it, as a browser has."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process, self.url = process, url
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
        self._tags: dict[str, str] = {}

    def ask(self, name: str) -> Answer:
        """What it answers."""
        headers = {"Accept-Encoding": "gzip", "If-None-Match": self._tags.get(name, "")}
        self._connection.request("GET", urlsplit(self.url).path + name, headers=headers)
        answer = self._connection.getresponse()
        body = answer.read()
        self._tags[name] = answer.getheader("ETag", "")
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}", *(": ".join(pair) for pair in answer.getheaders()), ""]
        return Answer(answer.status, body, sum(len(line) + 2 for line in lines) + len(body))

    def cpu(self) -> float:
        """CPU seconds so far."""
        return cpu_seconds(self.process.pid)

    def ask_often(self, name: str, count: int) -> Asked:
        """The same question again and again."""
        before, started, sent = self.cpu(), time.perf_counter(), 0
        for _ in range(count):
            sent += self.ask(name).size
        spent = time.perf_counter() - started
        return Asked(1000 * spent / count, 1000 * (self.cpu() - before) / count, sent / count)

    def new_document(self) -> Asked:
        """Wait until new tables have become a new document, and fetch that."""
        self.ask("data.json")
        before = self.cpu()
        while True:
            self.ask("now.json")
            answer = self.ask("data.json")
            if answer.status == 200:
                return Asked(None, 1000 * (self.cpu() - before), answer.size)
            time.sleep(LOOK_SECONDS)


@contextmanager
def served(store: Path | str, **environment: str) -> Iterator[Server]:
    """Serve a store's page."""
    command = [sys.executable, "-c", VERB, "explore", str(store), "--serve"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
    with (
        tempfile.TemporaryDirectory() as temporary,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**environment, "TMPDIR": temporary}
        ) as process,
    ):
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                raise SystemExit("aesweep explore did not start")
            yield Server(process, line.split()[1])
        finally:
            process.terminate()


@contextmanager
def followed(server: Server) -> Iterator[None]:
    """Ask what an open page asks, as often."""

    def follow(ended: threading.Event) -> None:
        shown = ""
        while not ended.wait(POLL_SECONDS):
            now = server.ask("now.json")
            document = json.loads(now.body)["document"] if now.status == 200 else shown
            if document != shown:
                server.ask("data.json")
                shown = document

    with in_background(follow):
        yield


def questions(large: LargeStore, count: int) -> dict[str, Asked]:
    """What questions to the server of a store on disk cost; some of its trials are trained in between."""
    with served(large.root) as server:
        server.ask("now.json")
        found = {"what is new? Nothing": server.ask_often("now.json", count)}
        large.finish_some(scored_too=False)
        TableWriter(open_store(large.root), anew=False).publish(force=True)
        return found | {"new tables: read, made into a document, sent": server.new_document()}


def requests_to_s3(folder: Path, count: int) -> float:
    """Requests to an object store for one question what is new; `folder` has a store in it, named `store`."""
    moto = MotoServer(folder=folder)
    proxy = Proxy(moto.port)
    environment = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
    try:
        with served("s3://bucket/store", AWS_ENDPOINT_URL=proxy.url, **environment) as server:
            server.ask("now.json")
            proxy.plan()
            for _ in range(count):
                server.ask("now.json")
            return len(proxy.requests) / count
    finally:
        proxy.stop()
        moto.stop()


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process so far, and of its children that have ended."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, words[11:15])) / TICKS


def tree_cpu_seconds(pid: int) -> float:
    """The same with all living processes below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return cpu_seconds(pid) + sum(tree_cpu_seconds(int(child)) for child in children)
