"""The code blocks of README and docs, for tests that run them as a reader would."""

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
TRACKING = (ROOT / "docs/tracking.md").read_text(encoding="utf-8")


def indented_block(page: str, start: str) -> str:
    """The indented block of a page that begins with `start`."""
    found = re.search(rf"^    {re.escape(start)}.*\n(?:    .*\n|\n(?=    ))*", page, re.MULTILINE)
    assert found, start
    return textwrap.dedent(found[0])


def fenced_python(page: str) -> list[str]:
    """The fenced Python blocks of a page, in order."""
    return re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
