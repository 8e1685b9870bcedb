"""Two trials side by side on a served page: one button decodes the same latents with both models."""

import io
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aesweep.analysis.axes.layout import Wishes
from aesweep.analysis.explore.page import policy
from aesweep.analysis.explore.server import Server
from aesweep.sweep.commands.draw import draw_normal
from aesweep.sweep.commands.explore.live_page import LivePage
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.store.store import open_store
from aesweep.sweep.tables.fold import TableWriter
from tests.analysis.browser.browser import Browser
from tests.analysis.browser.explore_page import choose, open_page, opened
from tests.small_store import DONE, train

pytestmark = pytest.mark.browser
OTHER, LARGER = replace(DONE, seed=1), replace(DONE, latent_size=5)
OPEN = "[...document.querySelectorAll('#points tbody button')].find(e => e.textContent === arguments[0]).click()"
PRESS = "[...document.querySelectorAll('#details button')].find(e => e.textContent.startsWith(arguments[0])).click()"
OFFERS = "return [...document.querySelectorAll('#details button')].some(e => e.textContent.startsWith('Decode'))"
# What the two pictures show, as grey values of their pixels.
PIXELS = """
const images = [...document.querySelectorAll('#details img[src^="decoded.png"]')];
images.forEach(one => { one.loading = 'eager'; });
if (images.length < 2 || images.some(one => !one.complete || !one.naturalWidth)) return null;
return images.map(one => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [one.naturalWidth, one.naturalHeight];
  canvas.getContext('2d').drawImage(one, 0, 0);
  const all = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  return [one.alt, canvas.width, [...all].filter((_, i) => i % 4 === 0)];
});
"""


def pair(browser: Browser, *names: str) -> None:
    browser.run(OPEN, names[0])
    opened(browser, "Continue with")
    browser.run(PRESS, "Compare with")
    browser.run(OPEN, names[1])
    opened(browser, "Two trials")
    opened(browser, "Continue with")


def test_two_models_decode_the_same_latents_if_these_have_one_size(
    browser: Browser, tmp_path: Path, data_dir: Path
) -> None:
    store = open_store(tmp_path / "store", create=True)
    for config in (DONE, OTHER, LARGER):
        store.trials.write_config(config)
        train(store, config, ExecutionConfig(data_dir=str(data_dir), device="cpu")).commit()
    TableWriter(store).publish(force=True)
    (tmp_path / "temporary").mkdir()
    live = LivePage(store.only_looking(), tmp_path / "temporary", Wishes())
    with Server("127.0.0.1", 0, live.find, policy(live=True)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        open_page(browser, server.url)
        choose(browser, "Show", "trials")
        pair(browser, DONE.name, LARGER.name)
        assert not browser.run(OFFERS), "their latents differ in size"
        browser.run(PRESS, "Close")
        pair(browser, DONE.name, OTHER.name)
        browser.run(PRESS, "Decode the same latents")
        shown = browser.wait_for(PIXELS)
        server.shutdown()
    assert [alt for alt, *_ in shown] == [f"Decoded: {config.name}" for config in (DONE, OTHER)]
    for config, (_, width, pixels) in zip((DONE, OTHER), shown, strict=True):
        drawn = np.asarray(Image.open(io.BytesIO(draw_normal(store, config.key, 64, seed=0))))
        expected = drawn if drawn.ndim == 2 else drawn[..., 0]
        assert np.array_equal(np.reshape(pixels, (-1, width)), expected)
    assert shown[0][2] != shown[1][2] and browser.complaints() == []
