"""`plan --cluster`: how long a sweep takes on machines that nobody has paid for yet."""

import re
from pathlib import Path

import pytest

from tests.sweep.commands.test_cli import run_main

PAPER = ("plan", "paper-cifar10", "--cluster")


def hours(said: str, order: str) -> list[float]:
    """Hours and first look of one order."""
    found = re.search(rf"^{order} +(\S+) +(\S+)", said, re.MULTILINE)
    assert found, said
    return [float(word) for word in found.groups()]


def test_twice_as_many_gpus_take_half_as_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, *PAPER, "1x8xH200", "--price", "2.5") == 0
    one = capsys.readouterr().out
    assert "On 1 machine with 8 GPUs and 128 CPUs: 24 trials at once and 8 evaluations next to them." in one
    assert run_main(monkeypatch, *PAPER, "2x8xH200") == 0
    two = capsys.readouterr().out
    order = "first seeds first, then the most expensive"
    slow, fast = hours(one, order), hours(two, order)
    assert slow[0] / fast[0] == pytest.approx(2, rel=0.05)
    assert fast[1] < fast[0] / 2  # the first of three seeds
    assert hours(two, "the most expensive first")[1] > fast[1]
    price = re.search(r"Price: (\S+), for (\S+) GPU-hours at 2\.5\.", one)
    assert price and float(price[2]) == pytest.approx(8 * slow[0], rel=0.01)
    assert float(price[1]) == pytest.approx(20 * slow[0], abs=1)


def test_without_a_cluster_the_price_is_that_of_training_on_one_h200(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, "plan", "quickstart", "--price", "2.5") == 0
    said = capsys.readouterr().out
    trained = re.search(r"To train: 8 trials, (\S+) hours of one H200", said)
    price = re.search(r"Price: (\S+), for (\S+) GPU-hours at 2\.5\. Scoring is not counted\.", said)
    assert trained and price and trained[1] == price[2]
    assert 0 < float(price[1]) == pytest.approx(2.5 * float(price[2]), rel=0.01)


def test_a_spec_that_lists_its_networks_seed_by_seed_has_its_first_look_late(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """As the spec lists them, the last network begins last: the launch's own order is another one."""
    (tmp_path / "spec.yaml").write_text("blocks: [{latent_size: [2, 3, 4, 5, 6, 7, 8, 9], seeds: 0..3, filters: 128}]")
    assert run_main(monkeypatch, "plan", str(tmp_path / "spec.yaml"), "--cluster", "1x1xL4") == 0
    said = capsys.readouterr().out
    assert hours(said, "first seeds first, then the most expensive")[1] < hours(said, "as the spec lists them")[1] / 2


def test_without_its_gpus_a_cluster_has_the_places_of_its_cpus(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("plan", "quickstart", "--set", "device=cpu", "--cluster")
    assert run_main(monkeypatch, *words, "2x8xH200:4") == 0
    with_gpus = capsys.readouterr().out
    assert run_main(monkeypatch, *words, "2x0:4") == 0
    without = capsys.readouterr().out
    order = "first seeds first, then the most expensive"
    assert "8 trials at once" in with_gpus and hours(with_gpus, order) == hours(without, order)


def test_machines_that_die_cost_time(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(monkeypatch, *PAPER, "2x1xL4", "--spot-hours", "3") == 0
    said = capsys.readouterr().out
    found = re.search(r"dies once in 3 hours .*: (\S+) hours \((\S+) to (\S+) in 10 simulations\), and (\S+)% of", said)
    assert found
    mean, low, high, twice = map(float, found.groups())
    assert hours(said, "first seeds first, then the most expensive")[0] < low <= mean <= high
    assert 0 < twice < 10


def test_a_limit_of_trials_at_once_is_that_of_the_plan_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("plan", "quickstart", "--cluster", "1x0:16")
    assert run_main(monkeypatch, *words) == 0
    all_at_once = capsys.readouterr().out
    assert run_main(monkeypatch, *words, "--set", "max_concurrent=1") == 0
    one_by_one = capsys.readouterr().out
    assert "16 CPUs: 1 trial at once and 8 evaluations" in one_by_one
    order = "first seeds first, then the most expensive"
    assert hours(one_by_one, order)[0] > 2 * hours(all_at_once, order)[0]


def test_the_cpus_of_a_trial_with_several_threads_all_count_as_computing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("plan", "paper-cifar10", "--set", "seeds=0", "--cluster", "1x0:16", "--set", "extractor=random-conv-64")
    for threads in (1, 8):
        assert run_main(monkeypatch, *words, "--set", f"threads={threads}") == 0
        said = re.search(r"CPUs compute (\d+)% of the time", capsys.readouterr().out)
        assert said and 80 < int(said[1]) <= 100, threads


def test_as_many_cpus_take_as_long_with_more_threads_for_each_trial(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Training and scoring use the threads alike, as the hours of this machine's CPUs say too."""
    words = ("plan", "quickstart", "--set", "seeds=0..49", "--set", "epochs=2", "--set", "samples=10000")
    order, took = "first seeds first, then the most expensive", []
    for threads in (1, 4):
        assert run_main(monkeypatch, *words, "--cluster", "1x0:16", "--set", f"threads={threads}") == 0
        took.append(hours(capsys.readouterr().out, order)[0])
    assert took[1] == pytest.approx(took[0], rel=0.1)


def test_machines_that_die_before_a_checkpoint_are_told_and_end_the_plan(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, *PAPER, "1x8xH200", "--set", "seeds=0", "--spot-hours", "0.01") == 0
    said = capsys.readouterr().out
    found = re.search(r"is not done after (\S+) hours, and may never be.*\(checkpoint_seconds, now 300\)", said)
    assert found and float(found[1]) > 20 * hours(said, "first seeds first, then the most expensive")[0]


def test_trained_trials_that_are_not_scored_take_their_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], small_store: Path, tmp_path: Path
) -> None:
    """One of the three is trained; another evaluation than its own is asked for."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "base: {filters: 2, epochs: 2, batch_size: 512, learning_rates: [0.001], learning_rate_drops: []}\n"
        "blocks: [{name: done, latent_size: 2}, {name: half, latent_size: 3}]\n"
        "evaluation: {extractor: inception-2015, samples: 50_000}\n"
    )
    words = ("plan", str(spec), "--store", str(small_store), "--cluster", "1x1", "--price", "2")
    assert run_main(monkeypatch, *words, "--only", "done") == 0
    done = re.search(
        r"nothing is left to train\.\nScoring 1 trained trial takes (\S+) hours\.\nPrice: ", capsys.readouterr().out
    )
    order, took = "first seeds first, then the most expensive", []
    for more in (("--only", "half"), ()):
        assert run_main(monkeypatch, *words, *more) == 0
        took.append(hours(capsys.readouterr().out, order)[0])
    assert done and took[1] == pytest.approx(took[0] + float(done[1]), rel=0.1), "one evaluation at a time on one GPU"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--cluster", "4x"), "MACHINESxGPUSxTYPE"),
        (("--cluster", "1x8xH300"), "Choose one of these GPUs: H200,"),
        (("--cluster", "1x0:8", "--set", "device=cuda"), "device: cuda"),
        (("--cluster", "1x0:8", "--price", "2"), "1x0:8 has no GPU"),
        (("--spot-hours", "3"), "--cluster 4x8xH200"),
        (("--cluster", "4x0:8", "--set", "threads=16"), "larger machines, or fewer threads"),
    ],
)
def test_what_cannot_be_planned_is_told_in_two_lines_and_prints_no_plan(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert run_main(monkeypatch, "plan", "quickstart", *words) == 2
    told = capsys.readouterr()
    assert told.out == "" and said in told.err and len(told.err.splitlines()) == 2
