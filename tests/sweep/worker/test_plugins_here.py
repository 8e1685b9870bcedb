"""A plug-in that a worker lacks is refused before anything is trained."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from aesweep.models.plugins.files import forget_files, load_files
from aesweep.models.plugins.plugin import PluginError
from aesweep.sweep.worker.plugins_here import require_on_workers

MINE = """
from aesweep.plugins import Plugin
class Prior(Plugin):
    kind = "prior"
mine = Prior(name="only_here", version="1.0", meaning="of this process alone")
"""


@pytest.fixture(autouse=True)
def _no_files() -> Iterator[None]:
    yield
    forget_files()


def test_a_plugin_that_only_the_driver_has_is_refused_by_name(ray_cluster: None, tmp_path: Path) -> None:
    require_on_workers([])
    (tmp_path / "mine.py").write_text(MINE)
    load_files([tmp_path / "mine.py"])
    with pytest.raises(PluginError) as error:
        require_on_workers(["prior only_here 1.0"])
    first, second = str(error.value).splitlines()
    assert first == "prior: 'only_here' cannot be used."
    assert second.startswith("The machine ") and "no such plug-in is here" in second


def test_a_machine_that_died_before_it_answered_is_passed_over(
    ray_cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray lists it still, and no task can run there. The others are asked all the same."""
    nodes = ray.nodes()
    monkeypatch.setattr(ray, "nodes", lambda: [{**nodes[0], "NodeID": "ab" * 28}, *nodes])
    (tmp_path / "mine.py").write_text(MINE)
    load_files([tmp_path / "mine.py"])
    with pytest.raises(PluginError, match="only_here"):
        require_on_workers(["prior only_here 1.0"])
