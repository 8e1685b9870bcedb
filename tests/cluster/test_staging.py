"""What is sent to the workers, and what is not."""

from pathlib import Path

import pytest

from cluster.errors import ClusterError
from cluster.staging import JOB_CONFIG, PACKAGES, code_root, job_has_working_dir, stage, staged_code


def _write_packages(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).mkdir(parents=True)
        (root / name / "__init__.py").write_text("")
    return root


def test_workers_get_our_four_packages_and_nothing_else() -> None:
    with staged_code() as folder:
        assert sorted(entry.name for entry in folder.iterdir()) == sorted(PACKAGES)
        for package in PACKAGES:
            ours = {p.relative_to(code_root()) for p in (code_root() / package).rglob("*.py")}
            assert {p.relative_to(folder) for p in folder.rglob(f"{package}/**/*.py")} == ours


def test_templates_travel_and_data_and_caches_stay_behind(tmp_path: Path) -> None:
    root = _write_packages(tmp_path / "code", *PACKAGES)
    for name in ("models/photos.npy", "models/__pycache__/a.py", "models/.secret.py", "models/templates/page.j2"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("")

    staged = stage(tmp_path / "staged", root)

    assert {str(p.relative_to(staged)) for p in (staged / "models").rglob("*") if p.is_file()} == {
        "models/__init__.py",
        "models/templates/page.j2",
    }


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    root = _write_packages(tmp_path / "code", *PACKAGES[:-1])
    with pytest.raises(ClusterError, match=f"code: '{root / PACKAGES[-1]}' cannot be used.\nThis package"):
        stage(tmp_path / "staged", root)


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
