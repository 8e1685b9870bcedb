"""What every benchmark's page needs: the name of the hardware, and a file named after it and the day."""

import platform
import re
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PAGES = REPOSITORY / "docs" / "benchmarks"


def processor() -> str:
    """The processor's product name."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip() if found else platform.processor() or platform.machine()


def today() -> str:
    """The date of a page."""
    return datetime.now(UTC).date().isoformat()


def write_page(folder: Path, what: str, hardware: str, text: str) -> Path:
    """Write `folder`/<what>-<hardware>-<date>.md, print it and its path; the path."""
    slug = re.sub(r"[^a-z0-9]+", "-", hardware.lower()).strip("-")
    path = folder / f"{what}-{slug}-{today()}.md"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(text, path, sep="\n")
    return path
