"""One Chromium for all tests of this folder, and the ways in which a reader looks at a page."""

import shutil
from collections.abc import Iterator

import pytest

from tests.analysis.browser.browser import VIEWS, Browser, View

FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
MORE_FLAGS = "--disable-component-update --disable-sync"


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium, with an empty profile; the tests skip where there is none."""
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


@pytest.fixture(params=list(VIEWS.values()), ids=list(VIEWS))
def view(request: pytest.FixtureRequest) -> View:
    asked: View = request.param
    return asked
