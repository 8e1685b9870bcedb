"""The page in a real browser: headless Chromium, desktop and phone, light and dark.

Off by default: `make test ARGS='-m browser tests/analysis'`. It needs Chromium and its driver; on Debian,
`apt-get install -y chromium chromium-driver`. Nothing is said here about what the page holds, only what any page owes
its reader. Text inside an SVG counts as part of a picture and is not measured.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from aesweep.analysis import write_report
from tests.analysis.conftest import Synthetic, grid, write_store
from tests.analysis.page_scripts import (
    COLOURS,
    CONTRASTS,
    DEAD_ANCHORS,
    LOAD_AND_UNFOLD,
    MISSING_IMAGES,
    OVERFLOW,
    UNMARKED,
)
from tests.analysis.typed import Rows

pytestmark = pytest.mark.browser

FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
MORE_FLAGS = "--disable-component-update --disable-sync"
CONTRAST = 4.5  # WCAG 2.2, 1.4.3 level AA for text of any size


@dataclass(frozen=True)
class View:
    """How a reader looks at the page; sizes in CSS pixels."""

    width: int
    height: int
    scheme: str
    phone: bool = False


VIEWS = {
    f"{device}-{scheme}": View(*size, scheme, phone=device == "phone")
    for device, size in {"desktop": (1280, 900), "phone": (390, 844)}.items()
    for scheme in ("light", "dark")
}


class Browser:
    """Opens pages as a reader would, and says what the reader would find wrong."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def open(self, page: Path, view: View) -> None:
        """Returns once the page and its pictures are loaded and folded parts are open."""
        command = self._driver.execute_cdp_cmd
        screen = {"width": view.width, "height": view.height, "deviceScaleFactor": 2 if view.phone else 1}
        command("Emulation.setDeviceMetricsOverride", {**screen, "mobile": view.phone})
        command("Emulation.setTouchEmulationEnabled", {"enabled": view.phone})
        scheme = {"name": "prefers-color-scheme", "value": view.scheme}
        command("Emulation.setEmulatedMedia", {"features": [scheme]})
        self._driver.get("about:blank")
        self._driver.get_log("browser")  # reading empties it
        self._driver.get(page.as_uri())
        self._driver.execute_async_script(LOAD_AND_UNFOLD)

    def run(self, script: str, *arguments: Any) -> Any:
        return self._driver.execute_script(script, *arguments)

    def complaints(self) -> list[str]:
        """Errors and warnings on the console, such as what the content security policy refused."""
        return [
            entry["message"] for entry in self._driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")
        ]

    def missing_images(self) -> list[str]:
        return list(self.run(MISSING_IMAGES))

    def overflow(self, view: View) -> list[str]:
        """What reaches beyond the right edge of the screen and cannot be scrolled to within a part of the page."""
        return list(self.run(OVERFLOW, view.width))

    def contrasts(self) -> list[tuple[float, str]]:
        """(contrast, what it was measured on) for each kind of visible text."""
        return [(ratio, text) for ratio, text in self.run(CONTRASTS)]

    def dead_anchors(self) -> list[str]:
        """In-page links that do not bring their target onto the screen."""
        return list(self._driver.execute_async_script(DEAD_ANCHORS))

    def dead_files(self, page: Path) -> list[str]:
        """Relative addresses with no file behind them, and absolute paths, which break when the folder moves."""
        addresses = self.run("return [...document.querySelectorAll('[href]')].map(e => e.getAttribute('href'))")
        local = [address for address in addresses if urlsplit(address).scheme in ("", "file") and address[:1] != "#"]
        return [
            address for address in local if urlsplit(address).scheme or address[:1] == "/" or not _file(page, address)
        ]


def _file(page: Path, address: str) -> bool:
    return Path(unquote(urlsplit(urljoin(page.as_uri(), address)).path)).is_file()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for this file, with an empty profile; the tests skip where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="no selenium here: pip install selenium")
    chromium, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no Chromium with chromedriver here: apt-get install -y chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in [*FLAGS.split(), *MORE_FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # The driver's path is given, so selenium looks for none on the network.
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=driver)) as opened:
        yield Browser(opened)


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


@pytest.fixture(params=list(VIEWS.values()), ids=list(VIEWS))
def view(request: pytest.FixtureRequest) -> View:
    asked: View = request.param
    return asked


def test_page_alone_in_a_folder_shows_all_pictures_and_the_console_stays_empty(
    browser: Browser, page: Path, view: View, tmp_path: Path
) -> None:
    browser.open(Path(shutil.copy(page, tmp_path)), view)
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


def test_every_fault_of_a_bad_page_is_found(browser: Browser, view: View, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(BAD_PAGE)
    browser.open(bad, view)
    assert any("Content Security Policy" in message for message in browser.complaints())
    assert browser.missing_images() == ["gone.png", "data:image/png;base64,AAAA"]
    assert [where.split()[0] for where in browser.overflow(view)] == ["html", "div#wide", "div#cut"]
    faint = {text.split()[0] for ratio, text in browser.contrasts() if ratio < CONTRAST}
    assert faint == {"p.faint", "p.see-through", "td.striped", "p.gradient"}
    assert browser.dead_anchors() == ["#nowhere", "#hidden"]
    assert browser.dead_files(bad) == ["tables/none.csv", "/etc/hostname", "figures"]


@pytest.mark.parametrize(
    ("text", "ground", "expected"),
    [
        ("#000", "#fff", 21.0),
        ("#767676", "#fff", 4.54),  # the lightest grey on white that passes, and the next one
        ("#777", "#fff", 4.48),
        ("rgb(0 0 0 / 60%)", "#fff", 5.74),  # painted, this is #666
        ("oklch(1 0 0)", "#00f", 8.59),
    ],
)
def test_contrast_is_that_of_the_standard(
    browser: Browser, tmp_path: Path, text: str, ground: str, expected: float
) -> None:
    swatch = tmp_path / "swatch.html"
    swatch.write_text(f"<!doctype html><p style='color: {text}; background: {ground}'>Text</p>")
    browser.open(swatch, VIEWS["desktop-light"])
    [(ratio, _)] = browser.contrasts()
    assert round(ratio, 2) == expected


BAD_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data: file:; style-src 'unsafe-inline'">
<style>
  body { background: #fff; color: #000; }
  #wide { width: 1600px; } #cut { width: 1700px; } .clip { overflow: hidden; } .scroll { overflow-x: auto; }
  .scroll div { width: 1800px; } .faint { color: #777; } .enough { color: #767676; } .see-through { opacity: 0.4; }
  tr { background: #555; } .gradient { background: linear-gradient(90deg, #fff, #333); } #hidden { display: none; }
  #far { margin-top: 3000px; } .card { background: rgb(0 0 0 / 90%); } .card b { color: #fff; }
</style>
<script>refused()</script>
<img src="gone.png" alt=""> <img src="data:image/png;base64,AAAA" alt="">
<div id="wide">1</div> <div class="clip"><div id="cut">2</div></div> <div class="scroll"><div>3</div></div>
<p class="faint">777 on white is 4.48:1.</p> <p class="enough">767676 on white is 4.54:1.</p>
<p class="see-through">Black, but pale.</p> <div class="card"><b>White on nearly black.</b></div>
<table><tr><td class="striped">Black on the row's grey.</td></tr></table> <p class="gradient">Black on black at last.</p>
<details><summary>More</summary><p class="enough">Folded.</p></details>
<a href="#far">a</a> <a href="#nowhere">b</a> <a href="#hidden">c</a> <a href="#">d</a> <a href="bad.html#far">e</a>
<a href="tables/none.csv">f</a> <a href="/etc/hostname">g</a> <a href="figures">h</a> <a href="https://example.org">i</a>
<p id="hidden">Not shown.</p> <p id="far">Below.</p>
</html>"""
