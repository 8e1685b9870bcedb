"""How the browser tests use the page of `aesweep explore`, and what they draw on it."""

from pathlib import Path
from typing import Any

from tests.analysis.browser.browser import VIEWS, Browser, View

DESKTOP = VIEWS["desktop-light"]
FIELDS: dict[str, Any] = {
    "model": ["dae", "vae"],
    "filters": [16],
    "latent_size": [4, 8, 16, 32],
    "epochs": [6],
    "seed": [0, 1],
}
MARKUP = "<img src=x onerror='window.pwned=1'><script>window.pwned=1</script>"
READY = "return document.body.dataset.ready === 'yes'"
CHOOSE = """
const [label, value] = arguments;
const found = [...document.querySelectorAll('#controls label')].find(e => e.firstChild.textContent === label);
const control = found.querySelector('select, input');
control.value = value;
control.dispatchEvent(new Event('change'));
"""
SERIES = """
const series = echarts.getInstanceByDom(document.getElementById('chart')).getOption().series;
return series.map(one => [one.type, one.name, one.data.length]);
"""
LATENTS = """
const chart = echarts.getInstanceByDom(document.querySelector('#details .latents'));
return chart.getOption().series.map(one => [one.type, one.data.length]);
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
