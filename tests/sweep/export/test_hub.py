"""`--push`: `huggingface_hub` itself uploads an export to a stand-in of the Hub."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aesweep.sweep.export import hub as pushing
from tests.fresh_process import command_environment
from tests.in_process import run_aesweep
from tests.small_store import DONE
from tests.sweep.export.hub_server import REPOSITORY, Hub, serving

TOKEN = "hf_secretsecretsecretsecretsecretsecret"


def export(store: Path, to: Path, hub: Hub, token: str) -> subprocess.CompletedProcess[str]:
    """`aesweep export --push` in a process of its own: the library reads its settings when it is imported."""
    words = ["export", str(store), DONE.key, "--to", str(to), "--push", REPOSITORY]
    more = {"HF_ENDPOINT": hub.address, "HF_TOKEN": token, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(to.parent / "hf")}
    environment = {**command_environment(**more), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    return subprocess.run(
        [sys.executable, "-m", "aesweep.sweep.cli", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow  # a process with torch and torch.export
def test_the_hub_gets_every_file_of_the_export_in_a_private_repository(small_store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    with serving(Hub(TOKEN)) as hub:
        done = export(small_store, folder, hub, TOKEN)
    assert done.returncode == 0, done.stderr
    assert f"Uploaded: {hub.address}/{REPOSITORY}" in done.stdout
    assert [(one["name"], one["organization"], one["visibility"]) for one in hub.created] == [
        ("digits", "our-lab", "private")
    ]
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {n: len(data) for n, data in hub.files.items()} == {n: len(data) for n, data in files.items()}
    assert hub.files == files and {"README.md", "config.json", "model.safetensors"} <= files.keys()


@pytest.mark.slow
def test_a_hub_that_refuses_is_two_lines_without_the_token_and_the_export_stays(
    small_store: Path, tmp_path: Path
) -> None:
    with serving(Hub(TOKEN)) as hub:
        done = export(small_store, tmp_path / "model", hub, f"{TOKEN}other")
    assert done.returncode == 2 and done.stderr.count("\n") == 2, done.stderr
    assert "The Hub refused it" in done.stderr and "secret" not in done.stderr
    assert os.path.isfile(tmp_path / "model" / "model.safetensors")


def test_no_library_or_no_name_is_two_lines_before_anything_is_written(
    small_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("export", small_store, DONE.key, "--to", tmp_path / "model", "--push")
    assert run_aesweep(*words, "no-organisation").is_refused_clearly
    monkeypatch.setattr(pushing, "find_spec", lambda name: None)
    refused = run_aesweep(*words, REPOSITORY)
    assert refused.is_refused_clearly and "pip install huggingface_hub" in refused.err
    assert list(tmp_path.iterdir()) == []
