"""The page of `aesweep explore --serve`, open in a browser while a real sweep runs."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.analysis.browser.browser import Browser
from tests.analysis.browser.explore_page import choose, open_page
from tests.fresh_process import command_environment
from tests.sweep.conftest import TINY, start_cli, wait_for_file
from tests.sweep.driver.aftermath import own_temporary_folder

pytestmark = pytest.mark.browser
LONGER = "model=dae", "epochs=100000"
LINES = """
const chart = echarts.getInstanceByDom(document.getElementById('chart'));
return chart.getOption().series.filter(one => one.type === 'line').map(one => [one.lineStyle.type, one.data.length]);
"""
LONGER_LINES = (
    f"{LINES.replace('return', 'const lines =')} return lines.map(one => one[1]).filter(n => n > arguments[0]);"
)


@contextmanager
def served(store: Path, env: dict[str, str]) -> Iterator[str]:
    """The address of the store's page."""
    command = [sys.executable, "-m", "aesweep.sweep.cli", "explore", str(store), "--serve"]
    environment = command_environment(**env)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[1]
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        finally:
            process.kill()


@pytest.mark.timeout(300)
def test_a_curve_grows_while_a_sweep_trains_and_the_page_says_when_it_has_stopped(
    browser: Browser, tmp_path: Path, foreground: None
) -> None:
    spec, store = tmp_path / "tiny.yaml", tmp_path / "store"
    spec.write_text(TINY)
    words = [word for override in LONGER for word in ("--set", override)]
    with own_temporary_folder() as env:
        sweep = start_cli("launch", spec, "--store", store, *words, cwd=tmp_path, env=env)
        wait_for_file(store, "trials/*/config.json", sweep)
        with served(store, env) as url:
            open_page(browser, url)
            browser.run("window.stillThere = true")
            choose(browser, "Show", "curves")
            length = 0
            for _ in range(3):  # from the training's file, and every few seconds from what the driver says
                (length,) = browser.wait_for(LONGER_LINES, length, seconds=90)
            assert {kind for kind, _ in browser.run(LINES)} == {"dashed"}
            assert browser.run("return window.stillThere"), "nobody loaded the page again"
            assert "epoch" in browser.run("return document.getElementById('running').textContent")
            sweep.send_signal(signal.SIGINT)
            sweep.communicate(timeout=120)
            browser.wait_for("return document.getElementById('now').textContent.includes('No driver is at work')")
            assert browser.complaints() == []
