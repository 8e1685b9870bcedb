"""`aesweep explore`: the page as a file and served, which shows what the store holds, changes nothing and leaves nowhere."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aesweep.analysis.axes.layout import Wishes
from aesweep.sweep.commands.draw import draw_samples
from aesweep.sweep.commands.explore.live_page import LivePage
from aesweep.sweep.store.store import open_store
from aesweep.sweep.tables.fold import TableWriter
from tests.fresh_process import command_environment
from tests.in_process import run_aesweep
from tests.ports import free_port
from tests.small_store import DONE, FAILED, HALF, copy_at_rest, copy_at_work

BLOCK = re.compile(r'<script type="application/json" id="([\w-]+)">(.*?)</script>')
SECRET = "the reader's own secret"


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Path:
    """A copy of the small store: one trial done, one half trained by a driver at work, one failed."""
    return copy_at_work(small_store, tmp_path / "store")


def live(store: Path, tmp_path: Path) -> LivePage:
    (tmp_path / "temporary").mkdir()
    return LivePage(open_store(store).only_looking(), tmp_path / "temporary", Wishes())


def read(page: LivePage, path: str, **query: str) -> Any:
    found = page.find(path, query)
    assert found is not None, path
    return json.loads(found.body)


def blocks(page: Path) -> dict[str, Any]:
    return {name: json.loads(text) for name, text in BLOCK.findall(page.read_text())}


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file with its time and content, every folder with its time."""
    paths = sorted(folder.rglob("*"))
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else b"") for p in paths}


def samples_of(store: Path) -> Path:
    (folder,) = (store / "trials" / DONE.key / "attempts").glob("score-*/samples")
    return folder


def test_the_page_holds_trials_curves_pictures_and_logs_in_one_file(store: Path, tmp_path: Path) -> None:
    before = files(store)
    page = tmp_path / "page.html"
    ended = run_aesweep("explore", store, "--out", page)
    assert (ended.code, ended.out.strip()) == (0, f"Page: {page}")
    found = blocks(page)
    assert set(found["data"]["keys"]) == {DONE.key, HALF.key, FAILED.key}
    assert found["curves-0"][DONE.key]["epoch"] == [1, 2] and found["curves-0"][HALF.key]["state"] == "unfinished"
    pictures = found["trials-0"][DONE.key]["pictures"]
    assert {"GMM", "Reconstructions (test)"} <= {one["title"] for one in pictures}
    assert all(one["source"].startswith("data:image/png;base64,") for one in pictures)
    assert "epoch 2/2" in found["trials-0"][DONE.key]["log"]
    table = pd.read_parquet(store / "tables" / "latents.parquet").query("key == @DONE.key and split == 'test'")
    latents = found["trials-0"][DONE.key]["latents"]
    assert latents["units"] == [table.dimension_a.iloc[0], table.dimension_b.iloc[0]]
    points = {(round(a, 3), round(b, 3)) for a, b in table[["z_a", "z_b"]].to_numpy(dtype=float)}
    assert len(latents["test"]) == 250 and {tuple(point) for point in latents["test"]} <= points
    assert "diverged [/at/once]" in found["data"]["failures"][0]["message"]
    assert files(store) == before


def test_pictures_without_room_in_the_page_are_files_of_the_store(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aesweep.analysis.explore.written.MOST_PICTURE_CHARACTERS", 1000)
    assert run_aesweep("explore", store).code == 0
    pictures = blocks(store / "report" / "explore.html")["trials-0"][DONE.key]["pictures"]
    assert len(pictures) >= 4 and all((store / "report" / one["source"]).is_file() for one in pictures)


def test_page_and_report_link_to_each_other(store: Path) -> None:
    page = store / "report" / "explore.html"
    assert run_aesweep("explore", store).out.strip() == f"Page: {page}"
    assert blocks(page)["data"]["report"] == ""
    report = store / "report" / "index.html"
    report.write_text("drawn before")
    assert run_aesweep("explore", store).code == 0 and blocks(page)["data"]["report"] == "index.html"


def test_a_served_page_shows_what_is_in_the_store_and_what_the_driver_says(store: Path, tmp_path: Path) -> None:
    before = files(store)
    page = live(store, tmp_path)
    html = page.find("", {})
    assert html is not None and b"application/json" not in html.body
    document, now = read(page, "data.json"), read(page, "now.json")
    assert set(document["keys"]) == {DONE.key, HALF.key, FAILED.key}
    assert now["document"] == document["hash"] and len(now["drivers"]) == 1
    assert now["running"][HALF.key]["loss"] == 0.53124
    shown = read(page, "trial.json", key=DONE.key)
    found = page.find(shown["pictures"][0]["source"], {})
    assert found is not None and found.kind == "image/png" and found.body.startswith(b"\x89PNG")
    assert "epoch 2/2" in shown["log"]
    first, second = (page.find("decoded.png", {"key": DONE.key}) for _ in range(2))
    assert first is not None and first == second
    assert first.body == draw_samples(open_store(store), DONE.key, "standard_normal", 64, seed=0), "the fitted prior's"
    assert page.find("decoded.png", {"key": HALF.key}) is None and page.find("decoded.png", {"key": "x"}) is None
    assert read(page, "curves.json", keys=f"{HALF.key},nonsense")[HALF.key]["epoch"] == [1]
    assert files(store) == before


def test_new_results_and_new_epochs_of_a_running_trial_show_up(store: Path, tmp_path: Path) -> None:
    page = live(store, tmp_path)
    first = read(page, "now.json")["document"]
    opened = open_store(store)
    (attempt,) = opened.attempts.of(HALF.key, "train")
    (epoch,) = opened.attempts.read_epochs(HALF.key)
    opened.attempts.write_epochs(HALF.key, attempt, [epoch, epoch])
    assert len(read(page, "curves.json", keys=HALF.key)[HALF.key]["epoch"]) == 2  # before tables are published
    opened.attempts.record_failure(HALF.key, attempt, "train", ValueError("out of luck"))
    TableWriter(opened).publish(force=True)
    page._not_before = 0.0  # what a reader would wait for
    assert read(page, "now.json")["document"] != first
    assert "out of luck" in {one["message"] for one in read(page, "data.json")["failures"]}


def test_results_that_no_driver_published_are_shown_and_not_published(small_store: Path, tmp_path: Path) -> None:
    store = copy_at_rest(small_store, tmp_path / "store")
    shutil.rmtree(store / "tables")
    before = files(store)
    page = live(store, tmp_path)
    assert set(read(page, "data.json")["keys"]) == {DONE.key, HALF.key, FAILED.key}
    assert read(page, "curves.json", keys=DONE.key)[DONE.key]["epoch"] == [1, 2]
    assert files(store) == before


def test_a_copy_of_the_tables_alone_is_shown(small_store: Path, tmp_path: Path) -> None:
    for name in ("store.json", "tables"):
        copy = shutil.copytree if (small_store / name).is_dir() else shutil.copy
        (tmp_path / "store").mkdir(exist_ok=True)
        copy(small_store / name, tmp_path / "store" / name)
    page = live(tmp_path / "store", tmp_path)
    assert set(read(page, "data.json")["keys"]) == {DONE.key, HALF.key, FAILED.key}
    found = read(page, "trial.json", key=DONE.key)
    assert (found["pictures"], found["log"]) == ([], "") and found["latents"]["train"], "latents are in the tables"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of the reader, with a PNG and a log of its own."""
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in ("gmm.png", "log.txt", "epochs.parquet"):
        (folder / name).write_bytes(b"\x89PNG\r\n\x1a\n" + SECRET.encode())
    return folder


def everything(page: LivePage) -> Iterator[bytes]:
    """All that a browser could get."""
    for path in ("now.json", "data.json"):
        found = page.find(path, {})
        yield found.body if found else b""
    for key in (DONE.key, HALF.key, FAILED.key):
        yield (page.find("curves.json", {"keys": key}) or page._page).body
        shown = page.find("trial.json", {"key": key})
        yield shown.body if shown else b""
        for name in ("gmm.png", "mvg.png", "linked.png"):
            found = page.find(f"pictures/{key}/{name}", {})
            yield found.body if found else b""


def test_no_link_in_the_store_is_followed(store: Path, tmp_path: Path, outside: Path) -> None:
    samples, training = samples_of(store), next((store / "trials" / HALF.key / "attempts").glob("train-*"))
    (samples / "linked.png").symlink_to(outside / "gmm.png")
    (samples / "gmm.png").unlink()
    (samples / "gmm.png").symlink_to(outside / "gmm.png")
    (training / "log.txt").unlink(missing_ok=True)
    (training / "log.txt").symlink_to(outside / "log.txt")
    page = live(store, tmp_path)
    assert not [body for body in everything(page) if SECRET.encode() in body]
    assert page.find(f"pictures/{DONE.key}/mvg.png", {}) is not None
    assert run_aesweep("explore", store, "--out", tmp_path / "page.html").code == 0
    assert SECRET not in (tmp_path / "page.html").read_text()
    shutil.rmtree(samples)
    samples.symlink_to(outside)
    assert (
        page.find(f"pictures/{DONE.key}/gmm.png", {}) is None
        and read(page, "trial.json", key=DONE.key)["pictures"] == []
    )


ELSEWHERE = [
    "store.json", "tables/trials.parquet", "trials/{key}/train.json", "../outside/gmm.png", "pictures", "pictures/",
    "pictures/{key}", "pictures/{key}/", "pictures/{key}/../samples/gmm.png", "pictures/{key}/..", "pictures/{key}/.png",
    "pictures/{key}/../../../../../../outside/gmm.png", "pictures/../{key}/gmm.png", "pictures/{key}/gmm.png\0",
    "pictures/{key}//gmm.png", "pictures/{key}/model.safetensors", "pictures//etc/passwd", "/etc/passwd", "/", "now.json/",
]  # fmt: skip
NO_KEYS = ["", "..", "x" * 12, "../../outside", DONE.key.upper() + "/", f"{DONE.key}/../{HALF.key}"]


def test_no_address_leads_anywhere_else(store: Path, tmp_path: Path, outside: Path) -> None:
    page = live(store, tmp_path)
    assert [path for path in ELSEWHERE if page.find(path.format(key=DONE.key), {}) is not None] == []
    assert [key for key in NO_KEYS if page.find("trial.json", {"key": key}) is not None] == []
    assert read(page, "curves.json", keys=",".join(NO_KEYS)) == {}


def test_a_log_with_terminal_codes_is_shown_as_text_and_a_picture_that_is_none_not_at_all(
    store: Path, tmp_path: Path
) -> None:
    (training,) = (store / "trials" / DONE.key / "attempts").glob("train-*")
    (training / "log.txt").write_bytes(b"x" * 9000 + b"\nfirst\n\x1b[31mred\xff\x00 <script>\nlast\n")
    (samples_of(store) / "gmm.png").write_bytes(b"<script>pwned()</script>")
    page = live(store, tmp_path)
    log = read(page, "trial.json", key=DONE.key)["log"]
    assert page.find(f"pictures/{DONE.key}/gmm.png", {}) is None
    assert log.startswith("first\n") and log.endswith("<script>\nlast\n") and "\x1b" not in log and "\0" not in log


MISTAKES = [
    (["--serve", "--out", "page.html"], "--out"),
    (["--port", "8000"], "--serve"),
    (["--host", "0.0.0.0"], "--serve"),
    (["--serve", "--host", "203.0.113.7"], "--host"),
    (["--out", "{store}/trials/page.html"], "STORE/report"),
    (["--out", "{store}/store.json"], "STORE/report"),
    (["--out", "{store}/report/../trials/page.html"], "STORE/report"),
    (["--out", "{store}/report"], "folder"),
    (["--out", "/proc/page.html"], "written"),
]


def test_mistakes_are_told_in_two_lines(store: Path) -> None:
    (store / "report").mkdir()
    for words, said in MISTAKES:
        ended = run_aesweep("explore", store, *(word.format(store=store) for word in words))
        assert ended.is_refused_clearly and said in ended.err, words
    assert (store / "store.json").read_text().startswith("{")


def test_a_taken_port_and_a_place_without_a_store_are_told(store: Path, tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = run_aesweep("explore", store, "--serve", "--port", taken.getsockname()[1])
    assert ended.is_refused_clearly and "--port" in ended.err
    assert run_aesweep("explore", tmp_path / "nowhere").is_refused_clearly


@pytest.mark.slow
def test_the_printed_address_works_until_ctrl_c(store: Path, foreground: None) -> None:
    command = [sys.executable, "-m", "aesweep.sweep.cli", "explore", str(store), "--serve", "--port", str(free_port())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=command_environment()) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(f"{url}data.json", timeout=60) as answer:
            assert DONE.key in json.load(answer)["keys"]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert not os.path.exists(store / "report")
