"""The page of many trials in fresh browsers: how long it takes to load and to answer.

Times are those of the page's own clock, from what the reader does until the frame that shows the result has been handed to
the screen. So they contain the wait for the next frame, up to 17 ms.
"""

import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from report import write_store

from aesweep.models.config import TrialConfig
from tests.analysis.browser.browser import Browser, started_browser
from tests.analysis.browser.explore_page import CHOOSE, DESKTOP, POINT

PICTURES = ("reconstruction-train.png", "reconstruction-test.png", "standard_normal.png", "mvg.png", "gmm.png")
SIDE = 304  # pixels of a grid of eight by eight images
SHOWN = "requestAnimationFrame(() => setTimeout(() => {}));"
READY = f"""
new MutationObserver((_, seen) => {{
  if (document.body?.dataset.ready !== 'yes') return;
  seen.disconnect();
  {SHOWN.replace("{}", "{ window.loaded = performance.now(); }")}
}}).observe(document, {{subtree: true, attributes: true, attributeFilter: ['data-ready']}});
"""
ANSWER = f"""
const done = arguments[arguments.length - 1], began = performance.now();
(function () {{ ACT }})(...arguments);
const look = () => {{
  if (!(() => {{ UNTIL }})()) return requestAnimationFrame(look);
  {SHOWN.replace("{}", "done(performance.now() - began)")}
}};
look();
"""
BOX = "[...document.querySelectorAll('#controls fieldset label')].find(e => e.textContent === 'VAE').click();"
VIEWS = {"means of settings": "means", "every trial": "trials"}
ACTIONS = {
    "X axis: another measure": (CHOOSE, "X axis", "train_seconds"),
    "X axis: a field": (CHOOSE, "X axis", "latent_size"),
    "another score": (CHOOSE, "Score", "SCORE"),
    "colour": (CHOOSE, "Colour", "batch_size"),
    "panels": (CHOOSE, "Panels", "filters"),
    "one panel again": (CHOOSE, "Panels", ""),
    "filter: without VAEs": (BOX,),
    "filter: with them again": (BOX,),
    "the best 50": (CHOOSE, "Top", "50"),
    "all again": (CHOOSE, "Top", ""),
    "click on a point": (POINT,),
}
SCORES = "return [...document.querySelectorAll('#controls select')[1].options].map(option => option.value)"
CLOSE = "[...document.querySelectorAll('#details button')].find(e => e.textContent === 'Close').click()"
CLICKED = "const e = document.getElementById('details'); return !e.hidden && e.textContent.includes('Continue with')"


def write_many(root: Path, trials: list[TrialConfig]) -> None:
    """A store whose tables hold these trials, with pictures of noise for each."""
    write_store(root, trials)
    first = root / "noise.png"
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(noise).resize((SIDE // 4, SIDE // 4)).resize((SIDE, SIDE)).save(data, "PNG")
    first.write_bytes(data.getvalue())
    folders = [f"trials/{trial.key}/attempts/score-0001/samples" for trial in trials]
    for folder in folders:
        (root / folder).mkdir(parents=True)
        for name in PICTURES:
            os.link(first, root / folder / name)
    table = pq.read_table(root / "tables" / "trials.parquet")
    place = table.schema.get_field_index("pictures")
    pq.write_table(table.set_column(place, "pictures", pa.array(folders)), root / "tables" / "trials.parquet")


class Spent(NamedTuple):
    """Milliseconds until a result was shown, and those of the page's thread on the processor."""

    wall: float
    cpu: float


def visit(page: Path) -> dict[str, Spent]:
    """What everything took in one fresh browser."""
    with tempfile.TemporaryDirectory() as profile, started_browser(Path(profile)) as browser:
        browser.before_every_page(READY)
        before = browser.processor_seconds()
        browser.open(page, DESKTOP)
        loaded = float(browser.wait_for("return window.loaded"))
        found = {"load": Spent(loaded, 1000 * (browser.processor_seconds() - before))}
        for view, mode in VIEWS.items():
            _answer(browser, CHOOSE, "Show", mode)
            found |= {f"{view}: {what}": spent for what, spent in _all_actions(browser)}
    return found


def _all_actions(browser: Browser) -> Iterator[tuple[str, Spent]]:
    scores = browser.run(SCORES)
    for what, (script, *words) in ACTIONS.items():
        values = [scores[1] if word == "SCORE" else word for word in words]
        yield what, _answer(browser, script, *values, until=CLICKED if script == POINT else "return true")
    browser.run(CLOSE)


def _answer(browser: Browser, script: str, *words: str, until: str = "return true") -> Spent:
    code = ANSWER.replace("ACT", script).replace("UNTIL", until)
    before = browser.processor_seconds()
    spent = float(browser.run_until_done(code, *words))
    return Spent(spent, 1000 * (browser.processor_seconds() - before))
