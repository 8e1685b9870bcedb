"""What is sent to the workers, and what is not."""

from pathlib import Path

import pytest

from aesweep.cluster.errors import ClusterError
from aesweep.cluster.staging import JOB_CONFIG, job_has_working_dir, package_folder, stage, staged_code


def test_workers_get_every_module_of_the_package_and_nothing_else() -> None:
    with staged_code() as folder:
        assert [entry.name for entry in folder.iterdir()] == ["aesweep"]
        names = {name for name in package_folder().iterdir() if name.is_dir() and name.name != "__pycache__"}
        assert {name.name for name in names} >= {"models", "evaluation", "sweep", "cluster"}
        ours = {p.relative_to(name.parent) for name in names for p in name.rglob("*.py")}
        ours |= {Path(file.name) for file in package_folder().glob("*.py")}
        assert {p.relative_to(folder / "aesweep") for p in folder.rglob("*.py")} == ours
        assert not [p for p in folder.rglob("*") if p.is_symlink()], "a worker on another machine has no source tree"


def test_templates_travel_and_data_and_caches_stay_behind(tmp_path: Path) -> None:
    package = tmp_path / "code" / "aesweep"
    names = "__init__.py photos.npy __pycache__/a.py .secret.py templates/page.j2"
    for name in names.split():
        (package / name).parent.mkdir(exist_ok=True, parents=True)
        (package / name).write_text("")

    staged = stage(tmp_path / "staged", package)

    kept = {str(p.relative_to(staged)) for p in staged.rglob("*") if p.is_file()}
    assert kept == {"aesweep/__init__.py", "aesweep/templates/page.j2"}


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=f"code: '{tmp_path / 'aesweep'}' cannot be used.\nThis package"):
        stage(tmp_path / "staged", tmp_path / "aesweep")


def test_the_temporary_folder_is_gone_after_use() -> None:
    with staged_code() as folder:
        assert folder.is_dir()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ('{"runtime_env": {"working_dir": "gcs://_ray_pkg_1.zip"}}', True),
        ('{"runtime_env": {"env_vars": {"A": "1"}}, "metadata": {}}', False),
        ('{"runtime_env": null}', False),
        ("", False),
    ],
)
def test_a_submitted_job_that_carries_code_is_recognised(
    config: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(JOB_CONFIG, config)
    assert job_has_working_dir() is expected


def test_files_of_plugins_travel_inside_the_package(tmp_path: Path) -> None:
    with staged_code({"own_plugins/mine.py": b"x = 1\n"}) as folder:
        assert (folder / "aesweep" / "own_plugins" / "mine.py").read_bytes() == b"x = 1\n"
        assert (folder / "aesweep" / "__init__.py").is_file()
