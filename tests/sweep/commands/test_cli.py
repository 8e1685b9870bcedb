"""The command line: its verbs, and bad input that ends in two lines and exit code 2."""

import json
import re
from pathlib import Path

import pytest

from aesweep.sweep.cli import app
from aesweep.sweep.store.store import open_store
from tests.image_folder import write_image_folder
from tests.in_process import run_aesweep
from tests.sweep.conftest import TINY, run_main

VERBS = set(
    "plan launch resume stop status tables report explore evaluate sample fetch doctor render wait prune verify forget list_trials "
    "export why diff merge".split()
)


def test_the_verbs_are_those_of_the_design() -> None:
    assert {command.callback.__name__ for command in app.registered_commands if command.callback} == VERBS


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("launch quickstart", "Missing option '--store'."),
        ("launch quickstart --store", "Option '--store' requires an argument."),
        ("plan q --only", "Option '--only' requires an argument."),
        ("resume s --max-concurrent 0", "Invalid value for '--max-concurrent': Input should be greater than or equal to 1 (given: '0')"),
        ("sample s k -n 0", "Invalid value for '-n': Input should be greater than or equal to 1 (given: '0')"),
        ("evaluate s --samples=1", "Invalid value for '--samples': Input should be greater than or equal to 2 (given: '1')"),
        ("evaluate s --samples few", "Invalid value for '--samples': Input should be a valid integer"),
        ("fetch mnist", "Invalid value for 'WHAT': 'mnist' is not one of 'cifar10', 'celeba', 'inception'."),
        ("fetch", "Missing argument 'WHAT'. Choose from"),
        ("status", "Missing argument 'STORE'."),
        ("status a b", "Got unexpected extra argument(s) (b)"),
        ("status a --json=1", "Option '--json' does not take a value."),
        ("plan quickstart --debug", "No such option: --debug"),
        ("plan --strore s", "No such option: --strore (Possible options: --set, --store)"),
        ("--versoin", "No such option: --versoin (Possible options: --version)"),
        ("plna quickstart", "No such command 'plna'. Did you mean 'plan'?"),
        ("qqq", "No such command 'qqq'."),
        ("--debug", "Missing command."),
    ],
)  # fmt: skip
def test_words_that_cannot_be_used_are_two_lines_as_well(words: str, told: str) -> None:
    ended = run_aesweep(*words.split())
    assert ended.is_refused_clearly, ended
    assert ended.out == ""
    verb, *after = words.split()
    command = f"aesweep {verb}" if verb in VERBS else "aesweep"
    what, remedy = ended.err.splitlines()
    assert what.startswith(f"{command}: {told}")
    before = "Give it before the verb: aesweep --debug plan …"
    assert remedy == (before if "--debug" in after else f"See {command} --help.")


def test_no_words_at_all_print_the_help() -> None:
    ended = run_aesweep()
    assert (ended.code, ended.err) == (2, "")
    assert ended.out.strip() == run_aesweep("--help").out.strip()
    assert "Start with: aesweep launch quickstart" in " ".join(ended.out.split())
    lines = [line.strip() for line in ended.out.splitlines()]
    for begins in (
        "Error bars over seeds",
        "Only what is missing or failed",
        "Exact resume",
        "Offline",
        "Plain Parquet",
    ):
        assert any(line.startswith(f"* {begins}") for line in lines), "what a newcomer should know, in a line each"


@pytest.mark.parametrize(
    ("verb", "default"),
    [
        ("launch", "[default: as many as fit]"),
        ("launch", "[default: $AESWEEP_DATA, or ~/.cache/aesweep]"),
        ("report", "[default: STORE/report, or ./<name>-report]"),
        ("fetch", "[default: $AESWEEP_DATA, or ~/.cache/aesweep]"),
    ],
)
def test_the_help_says_what_happens_without_an_option(monkeypatch: pytest.MonkeyPatch, verb: str, default: str) -> None:
    monkeypatch.setenv("COLUMNS", "160")  # so that no line is broken inside
    assert default in run_aesweep(verb, "--help").out


def test_an_end_of_input_says_what_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Typer would say "Aborted." and no more."""

    def ends(*_: object) -> None:
        raise EOFError("nothing more to read")

    open_store(tmp_path / "store", create=True)
    (tmp_path / "store/trials").mkdir()
    monkeypatch.setattr("os.scandir", ends)
    ended = run_aesweep("status", tmp_path / "store")
    assert ended.code == 1
    assert ended.err.strip().splitlines()[0] == "aesweep stopped: EOFError: nothing more to read"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A small folder of images in ImageFolder layout."""
    return write_image_folder(tmp_path / "images", images=3, side=32)


def spec(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    return path


def bad(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Run a command that must be refused; its message, which is one or two lines without a traceback."""
    assert run_main(monkeypatch, *words) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    said = [line for line in error.strip().splitlines() if not line.startswith(("Preparing ", "Images: "))]  # progress
    assert 1 <= len(said) <= 2, error
    return error


def test_an_unknown_preset_suggests_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "quickstart" in bad(monkeypatch, capsys, "plan", "quikstart")


def test_an_unknown_field_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = TINY.replace("filters: 4", "filter: 4")
    error = bad(monkeypatch, capsys, "launch", spec(tmp_path, text), "--store", tmp_path / "s")
    assert "filter" in error and "filters" in error
    assert not (tmp_path / "s").exists(), "nothing is half written"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("latent_size: 3", "latent_size: -2", "latent_size"),
        ("latent_size: 3", "depth: [[1, 2, 3]]", "depth"),
        ("filters: 4", "filters: 0", "filters"),
        ("dataset: digits", "dataset: mnist", "dataset"),
    ],
)
def test_a_bad_value_is_named_with_its_field(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, old: str, new: str, named: str
) -> None:
    assert named in bad(monkeypatch, capsys, "plan", spec(tmp_path, TINY.replace(old, new)))


def test_a_missing_data_folder_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = TINY.replace("{dataset: digits}", "{dataset: folder, path: ./no-such-images}")
    assert "no-such-images" in bad(monkeypatch, capsys, "plan", spec(tmp_path, text))


def test_missing_cifar10_names_the_command_that_fetches_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = TINY.replace("dataset: digits", "dataset: cifar10")
    error = bad(
        monkeypatch, capsys, "launch", spec(tmp_path, text), "--store", tmp_path / "s", "--data", tmp_path / "d"
    )
    assert "aesweep fetch cifar10" in error


def test_an_unreadable_image_is_named_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, images: Path
) -> None:
    (images / "train" / "a" / "1.png").write_bytes(b"no image")
    text = TINY.replace("{dataset: digits}", "{dataset: folder, path: ./images}")
    error = bad(
        monkeypatch, capsys, "launch", spec(tmp_path, text), "--store", tmp_path / "s", "--data", tmp_path / "d"
    )
    assert "1.png" in error


def test_a_store_that_cannot_be_written_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert "--store" in bad(monkeypatch, capsys, "launch", spec(tmp_path, TINY), "--store", "/proc/store")
    (tmp_path / "file").write_text("")
    assert "That is a file" in bad(monkeypatch, capsys, "launch", spec(tmp_path, TINY), "--store", tmp_path / "file")


def test_wrong_inception_weights_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "weights-inception-2015-12-05-6726825d.pth").write_bytes(b"not the weights")
    text = TINY.replace("extractor: random-conv-64, ", "")
    error = bad(
        monkeypatch, capsys, "launch", spec(tmp_path, text), "--store", tmp_path / "s", "--data", tmp_path / "d"
    )
    assert "weights-inception-2015-12-05" in error
    assert not (tmp_path / "s").exists()


def test_a_store_that_is_none_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for verb in ("status", "tables", "report", "resume", "evaluate"):
        assert "No store is there" in bad(monkeypatch, capsys, verb, tmp_path / "none")


def test_plan_json_lists_every_trial_with_its_cost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run_main(monkeypatch, "plan", spec(tmp_path, TINY), "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert len(listed) == 2
    parts = {
        "key",
        "name",
        "config",
        "state",
        "parameters_encoder",
        "parameters_decoder",
        "flops_per_image",
        "gpu_hours",
        "fit_core_hours",
    }
    assert all(parts <= set(trial) for trial in listed)
    assert {trial["state"] for trial in listed} == {"pending"}


def test_plan_works_for_the_paper_without_data_or_weights(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, "plan", "paper") == 0
    said = capsys.readouterr().out
    assert "GPU-hours" in said
    assert "To fit: mixtures of 10 components" in said
    # What its seeds can show, and what the next one costs and shows.
    assert "Seeds: 3 per network. In 80% of cases, 3 seeds tell two networks apart" in said
    assert "differ by 3.5 standard deviations over seeds" in said
    assert re.search(r"One more of each network \(--set seeds=0\.\.3\): 372 trials, 25\.\d GPU-hours\.", said)
    assert "after 372 trials and 25.8 GPU-hours the report shows every network once, which decides nothing yet" in said


def test_plan_says_that_one_seed_decides_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run_main(monkeypatch, "plan", spec(tmp_path, TINY)) == 0
    said = capsys.readouterr().out
    assert "Seeds: 1 per network. One seed decides no comparison of scores." in said
    assert "(--set seeds=0..1): 2 trials" in said and "First seeds" not in said
    assert run_main(monkeypatch, "plan", spec(tmp_path, TINY), "--set", "seeds=1,5") == 0
    said = capsys.readouterr().out
    assert "Seeds: 2 per network." in said and "One more of each network: 2 trials" in said  # no range names these
