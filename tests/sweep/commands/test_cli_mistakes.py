"""Mistakes in what is given to a verb: two lines that name the option, and exit code 2."""

from pathlib import Path

import pytest

from tests.in_process import run_aesweep
from tests.small_store import DONE


def test_plan_takes_an_empty_folder_as_launch_does(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for store in (tmp_path / "empty", tmp_path / "missing"):
        ended = run_aesweep("plan", "quickstart", "--store", store)
        assert ended.code == 0, ended.err
    (tmp_path / "empty" / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("")
    for store in (tmp_path / "empty", tmp_path / "file"):
        refused = run_aesweep("plan", "quickstart", "--store", store)
        assert refused.is_refused_clearly and "No store is there" in refused.err


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("status", f"file:///{'x' * 300}"), "--store"),
        (("status", "file://runs/quickstart"), "--store"),
        (("status", "file://localhosts/quickstart"), "--store"),
        (("fetch", "cifar10", "--to", "~nouser/x"), "--to"),
        (("doctor", "--data", "~nouser/x"), "--data"),
        (("doctor", "--store", "~nouser/x"), "--store"),
        (("doctor", "--store", ""), "--store"),
        (("doctor", "--store", "s3:/bucket/runs"), "--store"),
    ],
)
def test_a_place_that_cannot_be_is_named(words: tuple[str, ...], option: str) -> None:
    refused = run_aesweep(*words)
    assert refused.is_refused_clearly and refused.err.startswith(f"{option}: "), refused.err


def test_a_uri_of_a_folder_is_that_folder(small_store: Path) -> None:
    for begin in ("file://", "file://localhost"):
        assert run_aesweep("status", f"{begin}{small_store}").code == 0


def test_a_picture_is_written_to_a_file(small_store: Path, tmp_path: Path) -> None:
    for place in (tmp_path, "/proc/picture.png"):
        refused = run_aesweep("sample", small_store, DONE.key, "--out", place)
        assert refused.is_refused_clearly and refused.err.startswith("--out: "), refused.err


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "quickstart", "--json", "--cluster", "4x8xH200"),
        ("plan", "quickstart", "--json", "--price", "2.5"),
        ("status", "STORE", "--watch", "--json"),
        ("why", "STORE", DONE.key, "--lock", "--json"),
    ],
)
def test_of_two_options_that_exclude_each_other_none_is_passed_over_in_silence(
    small_store: Path, words: tuple[str, ...]
) -> None:
    refused = run_aesweep(*(small_store if word == "STORE" else word for word in words))
    assert refused.is_refused_clearly and refused.out == ""


def test_half_a_seed_is_refused(small_store: Path) -> None:
    for seeds in ("0..2 step 0.5", "0.5", "one"):
        refused = run_aesweep("evaluate", small_store, "--seeds", seeds)
        assert refused.is_refused_clearly and refused.err.startswith("--sampling-seeds: "), refused.err


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("plan", "quickstart", "--set", "epochs", "5"), "Write --set epochs=5, with an equals sign."),
        (("plan", "--set", "epochs", "5", "quickstart"), "Write --set epochs=5, with an equals sign."),
        (("plan", "quickstart", "epochs=5"), "Write --set epochs=5."),
        (("list", "store", "--filter", "model", "dae"), "Write --filter model=dae, with an equals sign."),
        (("plan", "quickstart", "paper"), "See aesweep plan --help."),
    ],
    ids=" ".join,
)
def test_a_stray_word_is_told_what_was_probably_meant(words: tuple[str, ...], remedy: str) -> None:
    refused = run_aesweep(*words)
    assert refused.is_refused_clearly and refused.err.splitlines()[1] == remedy


@pytest.mark.parametrize(
    ("seeds", "question"),
    [("5", "every trial has one seed, number 5. For 5 seeds, write 0..4."), ("0..4", ""), ("1", ""), ("5..6", "")],
)
def test_one_high_seed_is_questioned(seeds: str, question: str) -> None:
    ended = run_aesweep("plan", "quickstart", "--set", f"seeds={seeds}")
    assert ended.code == 0
    assert ("every trial has one seed" in ended.out) == bool(question) and question in ended.out
