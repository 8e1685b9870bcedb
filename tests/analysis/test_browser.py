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
TAB, ENTER = "\ue004", "\ue007"
"""As selenium types them."""
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

    def focus(self) -> tuple[str, str, Callable[..., None]]:
        """The words of the element that has the focus, the style of its outline, and how to press a key there."""
        element = self._driver.switch_to.active_element
        words = "const e = document.activeElement; return [e.textContent, getComputedStyle(e).outlineStyle]"
        name, outline = self.run(words)
        return str(name), str(outline), element.send_keys

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


def _many() -> Synthetic:
    """More trials than the markup of a table holds."""
    fields: dict[str, Any] = {"filters": [8, 16], "latent_size": [4, 8, 16], "seed": list(range(70)), "epochs": [1]}
    return Synthetic(grid(model=["dae"], **fields), pictures=False, latent_points=0)


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


@pytest.fixture(scope="module")
def sortable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a sweep of 420 trials."""
    store = write_store(tmp_path_factory.mktemp("many"), _many())
    return Path(write_report(store, store / "report"))


class Table:
    """The table of trials on a page, used as a reader uses it."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._box = "document.querySelector('#trials [data-sortable]')"

    def run(self, script: str, *arguments: Any) -> Any:
        return self._browser.run(f"const box = {self._box}; {script}", *arguments)

    def column(self, head: str) -> list[str]:
        """The cells of a column as shown."""
        script = "const at = [...box.querySelectorAll('th')].findIndex(e => e.textContent === arguments[0]); "
        return list(
            self.run(script + "return [...box.querySelectorAll('tbody tr')].map(r => r.cells[at].textContent)", head)
        )

    @property
    def count(self) -> str:
        return str(self.run("return box.querySelector('output').textContent"))

    def order(self, head: str) -> str:
        """`aria-sort` of a column, which is what a screen reader says."""
        script = (
            "return [...box.querySelectorAll('th')].find(e => e.textContent === arguments[0]).getAttribute('aria-sort')"
        )
        return str(self.run(script, head))

    def element(self, script: str, *arguments: Any) -> Any:
        return self.run(f"return {script}", *arguments)

    def head(self, head: str) -> Any:
        return self.element("[...box.querySelectorAll('th button')].find(e => e.textContent === arguments[0])", head)

    def choice(self, label: str) -> Any:
        return self.element(
            "[...box.querySelectorAll('label')].find(e => e.textContent.startsWith(arguments[0])).control", label
        )


def numbers(cells: list[str]) -> list[float]:
    return [float(cell) for cell in cells]


def test_a_click_on_a_head_sorts_all_rows_by_number(browser: Browser, sortable: Path) -> None:
    browser.open(sortable, VIEWS["desktop-light"])
    table = Table(browser)
    assert table.count == "420 rows, the first 200 shown"
    before = table.column("GMM")
    table.head("GMM").click()
    lowest = numbers(table.column("GMM"))
    assert table.order("GMM") == "ascending" and len(lowest) == 200 and lowest == sorted(lowest)
    table.head("GMM").click()
    highest = numbers(table.column("GMM"))
    assert table.order("GMM") == "descending" and highest == sorted(highest, reverse=True)
    assert highest[0] > lowest[-1]  # rows that were not shown before
    table.head("GMM").click()
    assert table.order("GMM") == "none" and table.column("GMM") == before


def test_a_filter_leaves_the_rows_that_hold_all_its_words_and_says_how_many(browser: Browser, sortable: Path) -> None:
    browser.open(sortable, VIEWS["desktop-light"])
    table = Table(browser)
    table.element("box.querySelector('input')").send_keys("dae done")
    assert table.count.startswith("420 rows")
    table.choice("Latent units").send_keys("16")
    assert table.count == "140 of 420 rows" and set(table.column("Latent units")) == {"16"}
    table.choice("Filters").send_keys("8")
    assert table.count == "70 of 420 rows" and set(table.column("Filters")) == {"8"}
    table.element("box.querySelector('input')").send_keys(" nothing-holds-this")
    assert table.count == "0 of 420 rows" and table.column("Filters") == []


def test_the_other_rows_are_a_click_away(browser: Browser, sortable: Path) -> None:
    browser.open(sortable, VIEWS["desktop-light"])
    table = Table(browser)
    for shown in (400, 420):
        table.element("box.querySelector('.more')").click()
        assert len(table.column("Seed")) == shown
    assert not table.element("box.querySelector('.more')").is_displayed()
    assert browser.complaints() == []


def test_a_table_is_sorted_and_filtered_without_a_mouse(browser: Browser, sortable: Path, view: View) -> None:
    """Tab goes from the filter through the choices to the heads, each shows that it has the focus, Space and Enter press."""
    browser.open(sortable, view)
    table = Table(browser)
    press = table.element("box.querySelector('input')").send_keys
    press("dae")
    reached = []
    for _ in range(24):
        press(TAB)
        name, outline, press = browser.focus()
        reached.append(name)
        assert outline != "none", name
        if name == "GMM":
            break
    assert reached[-1] == "GMM" and "Latent units" in reached
    press(" ")
    assert table.order("GMM") == "ascending"
    press(ENTER)
    assert table.order("GMM") == "descending"


def test_the_tools_of_a_table_fit_and_stand_out(browser: Browser, sortable: Path, view: View) -> None:
    browser.open(sortable, view)
    assert browser.overflow(view) == []
    assert [text for ratio, text in browser.contrasts() if ratio < CONTRAST] == []


def test_without_its_script_the_page_shows_the_same_tables(browser: Browser, sortable: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.html"
    bare.write_text(sortable.read_text().replace("<script>'use strict'", "<script>'no'"))  # the policy refuses it
    browser.open(bare, VIEWS["desktop-light"])
    assert any("Content Security Policy" in message for message in browser.complaints())
    assert browser.run("return document.querySelectorAll('#trials tbody tr').length") >= 400
    assert browser.run("return document.querySelectorAll('.tools').length") == 0


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
