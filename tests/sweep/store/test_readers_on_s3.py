"""Who only reads a store on S3: `explore --serve`, `export`, `why`, and the frames of a notebook. They see what is on a disk."""

import json
import re
import subprocess
import sys
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aesweep import open_store
from aesweep.sweep.store import store as stores
from aesweep.sweep.store.on_s3 import ObjectStorage
from aesweep.sweep.store.store import Store
from aesweep.sweep.tables.fold import TableWriter
from tests.fresh_process import command_environment
from tests.in_process import run_aesweep
from tests.small_store import DONE, FAILED, HALF, say_that_a_driver_works
from tests.sweep.store.s3_server import Proxy

READING = {"GET", "HEAD"}


@pytest.fixture
def copied(small_store: Path, uri: str, proxy: Proxy) -> Store:
    """The small store on S3, with a driver that was seen just now; the requests after that are logged."""
    storage = ObjectStorage(uri)
    for path in small_store.rglob("*"):
        if path.is_file() and "progress" not in path.parts:
            storage.write(path.relative_to(small_store).as_posix(), path.read_bytes())
    store = stores.open_store(uri)
    say_that_a_driver_works(store)
    proxy.plan()
    return store


def assert_nothing_was_written(proxy: Proxy) -> None:
    assert proxy.requests and {method for method, _ in proxy.requests} <= READING


def test_the_page_is_served_and_follows_the_store(copied: Store, uri: str, proxy: Proxy) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    command = [sys.executable, "-m", "aesweep.sweep.cli", "explore", uri, "--serve"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=command_environment()) as process,
        ExitStack() as end,
    ):
        end.callback(process.kill)  # also where the test fails: the server would run on
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]

        def get(name: str) -> Any:
            with direct.open(f"{url}{name}", timeout=60) as answer:
                return json.load(answer) if name.partition("?")[0].endswith(".json") else answer.read()

        now, document = get("now.json"), get("data.json")
        assert set(document["keys"]) == {DONE.key, HALF.key, FAILED.key} and document["store"] == uri
        assert now["document"] == document["hash"] and now["running"][HALF.key]["loss"] == 0.53124
        shown = get(f"trial.json?key={DONE.key}")
        assert get(shown["pictures"][0]["source"]).startswith(b"\x89PNG") and "epoch 2/2" in shown["log"]
        assert get(f"curves.json?keys={HALF.key}")[HALF.key]["epoch"] == [1]
        assert get(f"decoded.png?key={DONE.key}").startswith(b"\x89PNG")
        assert_nothing_was_written(proxy)
        proxy.plan()
        get("now.json")
        assert len(proxy.requests) <= 4, "a question what is new costs a listing, and a file for each driver"


def test_an_export_has_the_same_files(copied: Store, uri: str, small_store: Path, proxy: Proxy, tmp_path: Path) -> None:
    for store, name in ((uri, "remote"), (small_store, "local")):
        done = run_aesweep("export", store, DONE.key, "--to", tmp_path / name)
        assert done.code == 0 and done.out == f"Export of {DONE.name}: {tmp_path / name}\n", done.err
    assert_nothing_was_written(proxy)
    remote, local = (
        {path.relative_to(tmp_path / name): path for path in (tmp_path / name).rglob("*") if path.is_file()}
        for name in ("remote", "local")
    )
    assert remote.keys() == local.keys()
    weights = Path("model.safetensors")
    assert remote[weights].read_bytes() == local[weights].read_bytes()


def test_why_says_the_same(copied: Store, uri: str, small_store: Path, proxy: Proxy) -> None:
    remote, local = (run_aesweep("why", store, DONE.key, "--json") for store in (uri, small_store))
    assert remote.code == 0 and json.loads(remote.out) == json.loads(local.out), remote.err
    assert re.search(r"name: again \w+", json.loads(remote.out)["evaluations"][0]["spec"])
    assert run_aesweep("why", uri, HALF.key).is_refused_clearly
    assert_nothing_was_written(proxy)


def test_frames_are_the_same(copied: Store, uri: str, small_store: Path, proxy: Proxy) -> None:
    remote, local = open_store(uri), open_store(small_store)
    pd.testing.assert_frame_equal(remote.trials(), local.trials())
    pd.testing.assert_frame_equal(remote.epochs(), local.epochs())
    for per in ("row", "trial", "network"):
        pd.testing.assert_frame_equal(remote.scores(per), local.scores(per))
    assert len(remote.scores()) == 5 and set(remote.trials().state) == {"done", "running", "failed"}
    assert_nothing_was_written(proxy)
    failed = copied.attempts.new(HALF.key, "train")
    copied.attempts.record_failure(HALF.key, failed, "train", ValueError("out of luck"))
    TableWriter(copied).publish(force=True)
    assert remote.trials().set_index("key").state[HALF.key] == "failed", "each call reads the store again"
