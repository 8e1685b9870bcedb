"""The page in a real browser: headless Chromium, desktop and phone, light and dark.

Off by default: `make test ARGS='-m browser tests/analysis/browser'`. It needs Chromium and its driver; on Debian,
`apt-get install -y chromium chromium-driver`. Nothing is said here about what the page holds, only what any page owes
its reader. Text inside an SVG counts as part of a picture and is not measured.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aesweep.analysis import write_report
from tests.analysis.browser.browser import CONTRAST, VIEWS, Browser, View
from tests.analysis.browser.page_scripts import COLOURS, UNMARKED
from tests.analysis.conftest import Synthetic, grid, write_store
from tests.analysis.typed import Rows

pytestmark = pytest.mark.browser


def _complete() -> Synthetic:
    """As the fixture `small_store`."""
    return Synthetic(grid(model=["dae", "vae"], filters=[16], latent_size=[4, 8, 16, 32], epochs=[6]))


def _partial() -> Synthetic:
    """A running sweep with much that varies, two evaluations, and failures whose reasons hold long words."""
    fields: dict[str, Any] = {
        "dataset": ["digits", "cifar10"],
        "filters": [16, 128],
        "latent_size": [4, 256],
        "seed": [0, 1],
        "epochs": [6],
    }
    trials = grid(model=["dae"], latent_norm=["none", "batch"], noise_std=[0.0, 0.25], **fields)
    trials += grid(model=["vae"], **fields)
    states = {i: ("done", "done", "pending", "failed", "trained")[i % 5] for i in range(len(trials))}
    evaluations = (("e" * 12, "fd", "random-conv-64"), ("f" * 12, "fid", "inception-2015"))
    return Synthetic(trials, states, evaluations, sampling_seeds=(0, 1), edit=_lengthen)


def _lengthen(rows: Rows) -> None:
    for failure in rows["failures"]:
        failure["message"] = f"No space left on device: '/{'a-long-folder-name' * 8}/model.safetensors' at {'f' * 64}"


def _empty() -> Synthetic:
    return Synthetic([])


@pytest.fixture(scope="module", params=[_complete, _partial, _empty], ids=["complete", "partial", "empty"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a store, inside the store."""
    make: Callable[[], Synthetic] = request.param
    store = write_store(tmp_path_factory.mktemp("store"), make())
    return Path(write_report(store, store / "report"))


def test_a_report_that_was_moved_shows_all_pictures_and_the_console_stays_empty(
    browser: Browser, page: Path, view: View, tmp_path: Path
) -> None:
    moved = shutil.copytree(page.parent, tmp_path / "moved")
    browser.open(moved / page.name, view)
    assert browser.complaints() == []
    assert browser.missing_images() == []


def test_page_is_as_wide_as_the_screen(browser: Browser, page: Path, view: View) -> None:
    browser.open(page, view)
    assert browser.overflow(view) == []


def test_all_text_stands_out_from_its_background(browser: Browser, page: Path, view: View) -> None:
    browser.open(page, view)
    contrasts = browser.contrasts()
    assert contrasts
    assert [text for ratio, text in contrasts if ratio < CONTRAST] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_comes_in_the_colours_that_the_reader_prefers(browser: Browser, page: Path, scheme: str) -> None:
    browser.open(page, VIEWS[f"desktop-{scheme}"])
    ground = browser.run(COLOURS + "return luminance(seen([document.body], canvas(), [0, 0, 0, 0])[0][1])")
    assert ground > 0.5 if scheme == "light" else ground < 0.1


def test_what_unfolds_has_a_mark_that_says_so_and_whether_it_is_open(browser: Browser, page: Path, view: View) -> None:
    browser.open(page, view)
    assert browser.run(UNMARKED) == []


def test_links_within_the_page_lead_to_their_section(browser: Browser, page: Path, view: View) -> None:
    browser.open(page, view)
    assert browser.dead_anchors() == []


def test_links_beside_the_page_lead_to_files(browser: Browser, page: Path) -> None:
    browser.open(page, VIEWS["desktop-light"])
    assert browser.dead_files(page) == []
