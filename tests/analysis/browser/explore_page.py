"""How the browser tests use the page of `aesweep explore`, and what they draw on it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from aesweep.analysis import load_tables
from aesweep.analysis.explore.curves import curves
from aesweep.analysis.explore.document import document
from aesweep.analysis.explore.page import static_page
from tests.analysis.browser.browser import VIEWS, Browser, View
from tests.analysis.conftest import Synthetic, write_store

DESKTOP = VIEWS["desktop-light"]
FIELDS: dict[str, Any] = {
    "model": ["dae", "vae"],
    "filters": [16],
    "latent_size": [4, 8, 16, 32],
    "epochs": [6],
    "seed": [0, 1],
}
WIDE = {**FIELDS, "filters": [8, 16, 32, 64, 128], "latent_size": [2, 4, 8, 16, 32, 64, 128, 256], "seed": range(5)}
TEN_THOUSAND = {**WIDE, "bn_momentum": [0.01, 0.05, 0.1, 0.2, 0.3], "batch_size": [64, 128, 256, 512, 1024]}
"""Fields of 10,000 trials: 2,000 settings with five seeds each."""
MARKUP = "<img src=x onerror='window.pwned=1'><script>window.pwned=1</script>"
READY = "return document.body.dataset.ready === 'yes'"
CHOOSE = """
const [label, value] = arguments;
const found = [...document.querySelectorAll('#controls label')].find(e => e.firstChild.textContent === label);
const control = found.querySelector('select, input');
control.value = value;
control.dispatchEvent(new Event('change'));
"""
TICK = """
[...document.querySelectorAll('#controls .check')].find(e => e.textContent === arguments[0]).querySelector('input').click();
"""
SERIES = """
const series = echarts.getInstanceByDom(document.getElementById('chart')).getOption().series;
return series.map(one => [one.type, one.name, one.data.length]);
"""
LATENTS = """
const chart = echarts.getInstanceByDom(document.querySelector('#details .latents'));
return chart.getOption().series.map(one => [one.type, one.data.length]);
"""
# Click on the first point that the chart shows.
POINT = """
const box = document.getElementById('chart'), chart = echarts.getInstanceByDom(box), series = chart.getOption().series;
const place = series.findIndex(one => one.type === 'scatter');
const at = chart.convertToPixel({seriesIndex: place}, series[place].data[0]), edge = box.getBoundingClientRect();
const canvas = box.querySelector('canvas');
for (const kind of ['mousemove', 'mousedown', 'mouseup', 'click'])
  canvas.dispatchEvent(new MouseEvent(kind, {clientX: edge.left + at[0], clientY: edge.top + at[1], bubbles: true}));
"""
HOLDS = "const e = document.getElementById('details'); return !e.hidden && e.textContent.includes(arguments[0]) && e.textContent"


def open_page(browser: Browser, page: Path | str, view: View = DESKTOP) -> None:
    """Open it, and wait until it is drawn."""
    browser.open(page, view)
    browser.wait_for(READY)


def choose(browser: Browser, label: str, value: str) -> None:
    """Choose a value in the control with this label."""
    browser.run(CHOOSE, label, value)


def opened(browser: Browser, words: str) -> str:
    """What is shown of a trial, as soon as it holds these words."""
    return str(browser.wait_for(HOLDS, words))


def tick(browser: Browser, label: str) -> None:
    """Click on the box with this label."""
    browser.run(TICK, label)


def written_page(
    folder: Path, synthetic: Synthetic, trials: Callable[[dict[str, Any]], dict[str, Any]] = lambda found: {}
) -> Path:
    """The page of an invented store, as a file; `trials` gives pictures, logs and latents for its document."""
    tables = load_tables(write_store(folder / "store", synthetic))
    found = document(tables)
    page = folder / "page.html"
    page.write_text(static_page(found, curves(tables.root), trials(found)))
    return page
