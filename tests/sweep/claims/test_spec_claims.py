"""`claims: ./claims.py` in a spec: found beside the spec, checked before anything runs, no part of any key."""

from pathlib import Path

import pytest

from aesweep.models.errors import InputError
from aesweep.sweep.freezing import own_claims
from aesweep.sweep.spec.load import change_spec, load_spec
from aesweep.sweep.spec.sweep_spec import SweepSpec
from tests.in_process import run_aesweep

SPEC = "name: mine\nclaims: ./claims.py\nblocks: [{latent_size: 4}]\nevaluation: {extractor: random-conv-64}\n"
SOUND = 'from aesweep.claims import claim, together\n\n@claim("Mine.")\ndef mine(results):\n    return together([])\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A spec with claims beside it."""
    (tmp_path / "claims.py").write_text(SOUND)
    (tmp_path / "mine.yaml").write_text(SPEC)
    return tmp_path / "mine.yaml"


def test_the_path_is_relative_to_the_spec_and_changes_no_key_and_no_hash(path: Path) -> None:
    spec, plain = load_spec(path), path.with_name("plain.yaml")
    plain.write_text(SPEC.replace("claims: ./claims.py\n", ""))
    assert spec.claims == str(path.with_name("claims.py"))
    assert (spec.hash, spec.trials) == (load_spec(plain).hash, load_spec(plain).trials)


def test_overrides_keep_the_claims_or_name_others(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_spec(path, ["seeds=0..2"]).claims == str(path.with_name("claims.py"))
    assert load_spec(path, ["claims=others.py"]).claims == str(tmp_path / "others.py")
    assert change_spec(load_spec("quickstart"), ["claims=others.py"]).claims == str(tmp_path / "others.py")


def test_a_store_keeps_no_path_of_code(path: Path) -> None:
    spec = load_spec(path)
    assert "claims" not in spec.to_json()
    assert SweepSpec.from_json({**spec.to_json(), "claims": "/tmp/evil.py"}).claims == ""


def test_plan_says_how_many_claims_are_yours(path: Path) -> None:
    assert f"Claims: 1 of yours, in {path.with_name('claims.py')}" in run_aesweep("plan", path).out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "There is no such file"),
        ("x = 1\n", "It declares no claim"),
        (SOUND + "\nprint(unknown)\n", "NameError: name 'unknown' is not defined (line 7)"),
        (
            SOUND + "\nimport no_such_module_here\n",
            "ModuleNotFoundError: No module named 'no_such_module_here' (line 7)",
        ),
        ("def f(:\n", "SyntaxError: invalid syntax (line 1)"),
        ("raise SystemExit(3)\n", "SystemExit: 3 (line 1)"),
        ("x = 1\x00\n", "cannot be loaded"),
        (SOUND + SOUND, "Two claims are called mine"),
        (SOUND.replace("mine(", "daes_always_outperform_vaes_at_the_comparison_point("), "of aesweep's claims"),
        (SOUND.replace("(results)", "()"), "cannot be called with the results alone"),
        (SOUND.replace("(results)", "(results, more)"), "Write def mine(results: Results)"),
        (SOUND.replace('"Mine."', '"Mine.", threshold="huge"'), "names the threshold 'huge'. Choose one of: little,"),
        (SOUND.replace('"Mine."', '" "'), "has no sentence"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_two_lines_before_anything_runs(
    path: Path, tmp_path: Path, text: str | None, told: str
) -> None:
    claims = path.with_name("claims.py")
    claims.unlink() if text is None else claims.write_text(text)
    for words in (["plan", path], ["launch", path, "--store", tmp_path / "store"]):
        ended = run_aesweep(*words)
        assert ended.is_refused_clearly, ended
        assert ended.err.startswith(f"claims: '{claims}' cannot be used.") and told in ended.err
    assert not (tmp_path / "store").exists()


def test_what_is_no_path_is_refused_like_other_fields(path: Path) -> None:
    path.write_text(SPEC.replace("./claims.py", "[1, 2]"))
    ended = run_aesweep("plan", path)
    assert ended.is_refused_clearly and "claims: [1, 2]" in ended.err and "Give a Python file" in ended.err


def test_evaluate_sends_your_claims_to_the_report(small_store: Path) -> None:
    ended = run_aesweep("evaluate", small_store, "--set", "claims=./claims.py")
    assert ended.is_refused_clearly and "aesweep report STORE --claims FILE" in ended.err


def test_a_folder_is_no_file_of_claims(path: Path) -> None:
    path.with_name("claims.py").unlink()
    path.with_name("claims.py").mkdir()
    with pytest.raises(InputError, match="not a regular file"):
        own_claims(load_spec(path).claims)
