"""One Chromium for all tests of this folder, and the ways in which a reader looks at a page."""

from collections.abc import Iterator

import pytest

from tests.analysis.browser.browser import VIEWS, Browser, View, chromium_here, started_browser


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium, with an empty profile; the tests skip where there is none."""
    pytest.importorskip("selenium", reason="no selenium here: pip install selenium")
    if chromium_here() is None:
        pytest.skip("no Chromium with chromedriver here: apt-get install -y chromium chromium-driver")
    with started_browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(params=list(VIEWS.values()), ids=list(VIEWS))
def view(request: pytest.FixtureRequest) -> View:
    asked: View = request.param
    return asked
