"""The page of `aesweep explore` in a real browser, served while a sweep runs."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aesweep.analysis.axes.layout import Wishes
from aesweep.analysis.explore.page import policy
from aesweep.analysis.explore.server import Server
from aesweep.sweep.commands.explore.live_page import LivePage
from aesweep.sweep.store.drivers import ProgressFile
from aesweep.sweep.store.records.launches import LaunchProgress, RunningTrial
from aesweep.sweep.store.store import open_store
from aesweep.sweep.tables.fold import TableWriter
from tests.analysis.browser.browser import Browser
from tests.analysis.browser.explore_page import FIELDS, LATENTS, MARKUP, SERIES, choose, open_page, opened
from tests.analysis.conftest import Synthetic, grid, write_store
from tests.small_store import DONE, HALF, copy_at_work, make_small_store

pytestmark = pytest.mark.browser


@pytest.fixture
def running(tmp_path: Path, data_dir: Path) -> Iterator[tuple[Path, str]]:
    """A store whose driver is at work, and the address under which its page is served."""
    store = copy_at_work(Path(make_small_store(tmp_path / "first", data_dir)), tmp_path / "store")
    (tmp_path / "temporary").mkdir()
    live = LivePage(open_store(store).only_looking(), tmp_path / "temporary", Wishes())
    live._not_before = 0.0
    with Server("127.0.0.1", 0, live.find, policy(live=True)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield store, server.url
        server.shutdown()


def test_a_served_page_follows_the_sweep(browser: Browser, running: tuple[Path, str]) -> None:
    folder, url = running
    open_page(browser, url)
    assert browser.wait_for(
        "return document.getElementById('running').textContent.includes('epoch 1 of 2, loss 0.5312')"
    )
    assert "A driver is at work" in browser.run("return document.getElementById('now').textContent")
    browser.run(
        "[...document.querySelectorAll('#points tbody button')].find(e => e.textContent.includes(arguments[0])).click()",
        DONE.key,
    )
    opened(browser, "Continue with")
    assert browser.run("return document.querySelectorAll('#details img').length") >= 4
    assert [tuple(one) for one in browser.run(LATENTS)][2:] == [("line", 73)], "latents come with the trial"
    browser.run("for (const one of document.images) one.loading = 'eager'")
    browser.wait_for("return [...document.images].every(e => e.complete && e.naturalWidth > 0)")

    store = open_store(folder)
    running_now = {HALF.key: RunningTrial(name=HALF.name, epoch=2, epochs=2, loss=0.25)}
    shutil.rmtree(folder / "progress")
    ProgressFile(store).write(LaunchProgress(running=running_now), force=True)
    assert browser.wait_for("return document.getElementById('running').textContent.includes('epoch 2 of 2, loss 0.25')")

    attempt = store.attempts.new(HALF.key, "train")
    store.attempts.record_failure(HALF.key, attempt, "train", ValueError(MARKUP))
    TableWriter(store).publish(force=True)
    browser.wait_for("return document.getElementById('failed').textContent.includes(arguments[0])", MARKUP)
    assert browser.complaints() == [] and browser.run("return window.pwned === undefined")


def test_a_curve_keeps_every_loss_that_the_driver_told_until_the_store_has_it(
    browser: Browser, running: tuple[Path, str]
) -> None:
    folder, url = running
    store = open_store(folder)
    open_page(browser, url)
    choose(browser, "Show", "curves")
    lines = SERIES.replace("one.data.length", "one.data")
    losses = {4: 0.25, 9: 0.2}
    for epoch in (4, 9):
        shutil.rmtree(folder / "progress")
        told = RunningTrial(name=HALF.name, epoch=epoch, epochs=20, loss=losses[epoch])
        ProgressFile(store).write(LaunchProgress(running={HALF.key: told}), force=True)
        browser.wait_for(
            f"{lines.replace('return', 'const found =')}; return found.some(one => one[2].at(-1)[0] === {epoch})"
        )
    (found,) = [points for *_, points in browser.run(lines) if points[-1][0] == 9]
    assert [epoch for epoch, _ in found] == [1, 4, 9] and [loss for _, loss in found[1:]] == [0.25, 0.2]


def test_a_page_that_is_open_before_there_are_trials_shows_them_as_one_that_is_opened_later(
    browser: Browser, tmp_path: Path
) -> None:
    empty, full = (
        LivePage(open_store(str(write_store(tmp_path / name, synthetic))).only_looking(), tmp_path, Wishes())
        for name, synthetic in (("empty", Synthetic([])), ("full", Synthetic(grid(**FIELDS), pictures=False)))
    )
    with Server("127.0.0.1", 0, empty.find, policy(live=True)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        open_page(browser, server.url)
        browser.wait_for("return document.getElementById('said').textContent.includes('0 trials')")
        server.find = full.find
        browser.wait_for("return document.getElementById('said').textContent.startsWith('8 settings')")
        early = browser.run(SERIES)
        open_page(browser, server.url)
        assert browser.run(SERIES) == early and browser.run("return location.hash") == ""
        server.shutdown()


@pytest.mark.parametrize("is_chosen", [False, True])
def test_a_page_opened_before_the_first_score_shows_scores_when_they_come_unless_curves_were_chosen(
    browser: Browser, tmp_path: Path, is_chosen: bool
) -> None:
    trials = grid(**FIELDS)
    early, late = (
        LivePage(open_store(str(write_store(tmp_path / name, synthetic))).only_looking(), tmp_path, Wishes())
        for name, synthetic in (
            ("early", Synthetic(trials, states=dict.fromkeys(range(len(trials)), "trained"), pictures=False)),
            ("late", Synthetic(trials, pictures=False)),
        )
    )
    with Server("127.0.0.1", 0, early.find, policy(live=True)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        open_page(browser, server.url)
        shown = "return document.getElementById('said').textContent"
        browser.wait_for(f"{shown}.length > 0")
        assert "fd" not in browser.run(shown).split()
        if is_chosen:
            choose(browser, "Show", "curves")
        server.find = late.find
        browser.wait_for("return document.getElementById('about').textContent.includes(' done')")
        browser.wait_for(f"{shown}.length > 0")
        assert ("scatter" in {kind for kind, *_ in browser.run(SERIES)}) == (not is_chosen)
        server.shutdown()
