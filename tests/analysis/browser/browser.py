"""A headless Chromium that opens pages as a reader would, on a desktop or a phone, light or dark."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from tests.analysis.browser.page_scripts import (
    CONTRASTS,
    DEAD_ANCHORS,
    LOAD_AND_UNFOLD,
    MISSING_IMAGES,
    OVERFLOW,
)
from tests.waiting import wait_until

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


def chromium_here() -> tuple[str, str] | None:
    """The programs of a Chromium and of its driver; None where one of them is missing."""
    chromium, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    return (chromium, driver) if chromium and driver else None


@contextmanager
def started_browser(profile: Path) -> Iterator["Browser"]:
    """A new Chromium, whose profile is an empty folder. Needs selenium, and `chromium_here`."""
    from selenium import webdriver

    programs = chromium_here()
    assert programs is not None
    options = webdriver.ChromeOptions()
    options.binary_location, driver = programs
    for flag in [*FLAGS.split(), *MORE_FLAGS.split(), f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # The driver's path is given, so selenium looks for none on the network.
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=driver)) as opened:
        yield Browser(opened)


class Browser:
    """Opens pages as a reader would, and says what the reader would find wrong."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def open(self, page: Path | str, view: View) -> None:
        """Returns once the page (a file, or an address) and its pictures are loaded and folded parts are open."""
        command = self._driver.execute_cdp_cmd
        screen = {"width": view.width, "height": view.height, "deviceScaleFactor": 2 if view.phone else 1}
        command("Emulation.setDeviceMetricsOverride", {**screen, "mobile": view.phone})
        command("Emulation.setTouchEmulationEnabled", {"enabled": view.phone})
        scheme = {"name": "prefers-color-scheme", "value": view.scheme}
        command("Emulation.setEmulatedMedia", {"features": [scheme]})
        self._driver.get("about:blank")
        self._driver.get_log("browser")  # reading empties it
        self._driver.get(page if isinstance(page, str) else page.as_uri())
        self._driver.execute_async_script(LOAD_AND_UNFOLD)

    def before_every_page(self, script: str) -> None:
        """Run a script in each page that is opened from now on, before the page's own."""
        self._driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})

    def run(self, script: str, *arguments: Any) -> Any:
        return self._driver.execute_script(script, *arguments)

    def run_until_done(self, script: str, *arguments: Any) -> Any:
        """What a script hands to its last argument."""
        return self._driver.execute_async_script(script, *arguments)

    def wait_for(self, script: str, *arguments: Any, seconds: float = 30) -> Any:
        """What a script returns, as soon as that is neither null nor false nor empty."""
        return wait_until(lambda: self.run(script, *arguments), seconds, script)

    def processor_seconds(self) -> float:
        """CPU time that the page's main thread has taken: what else runs on this machine does not count."""
        self._driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        metrics = self._driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

    def press(self, *keys: str) -> None:
        """Press keys where the focus is."""
        self._driver.switch_to.active_element.send_keys(*keys)

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
