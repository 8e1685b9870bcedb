"""The first screen of the report: which network, which model, how sure, what would settle it, what failed."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from aesweep.analysis import load_tables
from aesweep.analysis.axes.layout import Wishes
from aesweep.analysis.axes.sweep import sweeps
from aesweep.analysis.figures.winner import winner, winner_folder
from aesweep.analysis.text.answers import Answers, all_answers, progress
from aesweep.analysis.text.axes_tables import fields_table, networks_table
from aesweep.analysis.text.text_tables import counted
from aesweep.models.config import TrialConfig
from tests.analysis.conftest import grid
from tests.analysis.typed import MakeStore, Rows, present

Score = Callable[[TrialConfig], float]


def scored(trials: list[TrialConfig], score: Score) -> Callable[[Rows], None]:
    """An edit: every distance of a trial is what `score` says."""
    by_key = {trial.key: trial for trial in trials}

    def edit(rows: Rows) -> None:
        for row in rows["scores"]:
            row["value"] = float(score(by_key[row["key"]]))

    return edit


def answers_of(store: Path) -> list[Answers]:
    tables = load_tables(store)
    return all_answers(tables, sweeps(tables, Wishes()))


@pytest.fixture
def answered(make_store: MakeStore) -> Callable[..., Answers]:
    """`answered(trials, score)`: the answers for a store of one data set."""

    def make(trials: list[TrialConfig], score: Score, **more: Any) -> Answers:
        fixed = {"pictures": False, "latent_points": 0, "edit": scored(trials, score)}
        (found,) = answers_of(make_store(trials, **{**fixed, **more}))
        return found

    return make


def said(answers: Answers) -> dict[str, str]:
    return {answer.question: answer.text for answer in answers.given}


def forty() -> list[TrialConfig]:
    """Two models, two widths, five sizes, two seeds."""
    return grid(model=["dae", "vae"], filters=[8, 16], latent_size=[4, 8, 16, 32, 64], seed=[0, 1], epochs=[1])


def seeds_of(command: str) -> set[int]:
    """Those that the command asks for, such as `seeds=0..2` or `seeds=0,1,9`."""
    ranges = (part.partition("..") for part in command.rpartition("seeds=")[2].split(","))
    return {seed for low, _, high in ranges for seed in range(int(low), int(high or low) + 1)}


def noise(trial: TrialConfig) -> float:
    """Between -1 and 1, without a pattern; the same whenever it is asked for."""
    return (int(trial.key, 16) % 2001) / 1000 - 1


def test_a_sweep_over_sizes_widths_and_seeds_says_which_model_is_better(answered: Callable[..., Answers]) -> None:
    """As tried by a new user: 40 trials, DAE minus VAE about -10.9 with a standard deviation of 12.7 over 20 pairs."""
    found = answered(forty(), lambda t: 70 + 15.5 * noise(t) - 10.9 * (t.model == "dae"))
    text = said(found)["DAE or VAE?"]
    assert text.startswith("DAEs are better: on average over 10 common settings, GMM samples of DAEs score ")
    assert "95 %" in text and "of 10." in text  # settings, not trials


def test_one_lucky_seed_does_not_make_a_network_the_best(answered: Callable[..., Answers]) -> None:
    def score(trial: TrialConfig) -> float:
        if trial.latent_size == 8:
            return 61.88 if trial.seed == 0 else 80.94
        return {4: 68.0, 16: 65.0}[trial.latent_size] + 0.1 * trial.seed

    found = answered(grid(filters=[8], latent_size=[4, 8, 16], seed=[0, 1], epochs=[1]), score)
    text = said(found)["Which network?"]
    assert text.startswith("DAE, 8 filters, 16 latent units: its GMM samples score fd 65") and "mean of 2 seeds" in text
    assert text.endswith("As good within the noise of seeds: DAE, 8 filters, 8 latent units (71.41).")  # it may be
    assert "61.88" not in text


def test_ten_models_are_compared(answered: Callable[..., Answers]) -> None:
    """With more than eight it said that no DAE has the settings of a VAE."""
    rivals = ["dae", "vae", "sigma-vae", "rae", "rae-l2", "rae-gp", "rae-sn", "wae", "eae", "gmm-dae"]
    asked = grid(model=rivals, filters=[8], latent_size=[8, 16], seed=[0, 1, 2], epochs=[1])
    found = answered(asked, lambda t: 50 + 0.1 * t.seed + t.latent_size / 8 + 9 * (t.model not in ("wae", "eae")))
    text = said(found)["Which model?"]
    assert text.startswith("Not decided: on average over the 2 common settings")
    assert text.endswith("Worse: model DAE, VAE, σ-VAE, RAE, RAE-L2, RAE-GP, RAE-SN, GMM-DAE.")


def test_a_network_that_failed_leaves_the_errors_of_the_others_as_they_are(answered: Callable[..., Answers]) -> None:
    """Seen on three learning rates: the best read "fd 17 ± 54", since one failed with a spread of 65."""

    def score(trial: TrialConfig) -> float:
        return {4: 17.0, 8: 60.0, 16: 300.0}[trial.latent_size] + {4: 3, 8: 14, 16: 65}[trial.latent_size] * (
            trial.seed - 1.0
        )

    found = answered(grid(filters=[8], latent_size=[4, 8, 16], seed=[0, 1, 2], epochs=[1]), score)
    text = said(found)["Which network?"]
    assert "4 latent units: its GMM samples score fd 17.0 ± 5.0 (mean of 3 seeds, 95 %), the lowest" in text


def test_a_network_that_is_clearly_the_lowest_has_no_equal(answered: Callable[..., Answers]) -> None:
    asked = grid(model=["dae", "vae"], filters=[8], latent_size=[4, 8], seed=[0, 1, 2], epochs=[1])
    found = answered(asked, lambda t: 50 + 0.1 * t.seed + 5 * (t.model == "vae") + t.latent_size)
    assert said(found)["Which network?"] == (
        "DAE, 8 filters, 4 latent units: its GMM samples score fd 54.10 ± 0.16 (mean of 3 seeds, 95 %), the lowest of 4 "
        "networks. No other is as good."
    )
    assert said(found)["What would settle the rest?"] == "Nothing is open."


def test_one_seed_decides_nothing_and_says_what_three_cost(answered: Callable[..., Answers]) -> None:
    found = answered(grid(model=["dae", "vae"], filters=[8], latent_size=[4, 8], epochs=[1]), lambda t: t.latent_size)
    texts = said(found)
    assert texts["Which network?"].startswith("Not decided. ") and "±" not in texts["Which network?"]
    assert texts["DAE or VAE?"].startswith("Not decided: one training seed.")
    assert texts["How sure is that?"].startswith("Not at all")
    last = found.given[-1]
    # Two more seeds of four networks; the invented trainings take 61.5 s with one thread each.
    assert "8 more trials, about 8.2 CPU-minutes of training" in last.text
    assert last.command.startswith("aesweep resume /") and last.command.endswith(" --set seeds=0..2")


def test_values_with_one_seed_are_not_called_too_close_but_need_more_seeds(answered: Callable[..., Answers]) -> None:
    wide = grid(model=["dae", "vae"], filters=[8], latent_size=[4, 8], seed=[0, 1], epochs=[1])
    narrow = grid(model=["dae", "vae"], filters=[4], latent_size=[4, 8], epochs=[1])
    found = answered(wide + narrow, lambda t: 70 + 6 * noise(t) - 2 * t.filters)
    texts, last = said(found), found.given[-1]
    assert texts["How many filters?"].startswith("Not decided: one training seed.")
    assert "8 filters or 4 filters: at least 3 seeds, because one shows no error." in last.text
    assert last.command


def test_with_the_seeds_that_are_said_to_separate_the_two_lowest_networks_the_report_separates_them(
    answered: Callable[..., Answers],
) -> None:
    """It said 10 for a lead of 1.3 standard deviations: enough for two networks alone, not where each of twenty may be the best."""

    def at(seeds: int) -> dict[str, str]:
        asked = grid(filters=[8, 16], latent_size=range(4, 14), seed=range(seeds), epochs=[1])
        places = stats.norm.ppf((np.arange(seeds) + 0.5) / seeds)
        unit = places / places.std(ddof=1)
        mean = {(8, 4): 100.0, (16, 5): 101.3}
        return said(answered(asked, lambda t: mean.get((t.filters, t.latent_size), 110.0) + unit[t.seed]))

    few = at(3)
    assert "As good within the noise of seeds: DAE, 16 filters, 5 latent units (101.3)." in few["Which network?"]
    (needed,) = re.findall(r"The two lowest networks: about (\d+) seeds", few["What would settle the rest?"])
    # Bonferroni over 19 rivals: t of 3.01, and 0.84 more for four of five repetitions. Logarithms have a spread of 1 / 109.
    spread, lead = 1 / 109, np.log(101.3 / 100)
    assert int(needed) == pytest.approx(2 * ((3.01 + 0.84) * spread / lead) ** 2, abs=1.5)
    assert at(int(needed))["Which network?"].endswith("No other is as good.")


def test_where_one_field_varies_what_is_open_is_said_once(answered: Callable[..., Answers]) -> None:
    trials = grid(model=["vae"], beta=[0.01, 0.1], latent_size=[8], seed=[0, 1, 2], epochs=[1])
    found = answered(trials, lambda t: 70 + 6 * noise(t))
    assert said(found)["Which network?"].find("As good within the noise of seeds") > 0
    assert "eta 0.1" in found.given[-1].text and "two lowest networks" not in found.given[-1].text


def test_what_is_open_is_settled_by_more_seeds_or_more_settings(answered: Callable[..., Answers]) -> None:
    found = answered(forty(), lambda t: 70 + 6 * noise(t))
    last = found.given[-1]
    assert said(found)["DAE or VAE?"].startswith("Not decided: on average over 10 common settings")
    assert "DAEs or VAEs: about " in last.text or "VAEs or DAEs: about " in last.text
    assert "seeds" in last.text and "settings like these" in last.text
    assert " --set " in last.command and "more trials" in last.text


def test_the_way_of_fewest_trials_is_the_command_and_its_sizes_fill_the_gaps(answered: Callable[..., Answers]) -> None:
    """The difference depends on the size far more than on the seed, so more seeds would not help."""
    asked = grid(model=["dae", "vae"], filters=[8], latent_size=[4, 16, 64, 256], seed=[0, 1], epochs=[1])
    shift = {4: 0.0, 16: -2.0, 64: -6.0, 256: -4.0}
    found = answered(asked, lambda t: 50 + 0.01 * t.seed + shift[t.latent_size] * (t.model == "dae"))
    last = found.given[-1]
    assert "DAEs or VAEs: about " in last.text and "settings like these" in last.text
    sizes = [int(size) for size in last.command.rpartition("latent_size=")[2].split(",")]
    assert {4, 16, 64, 256} < set(sizes) and {8, 32} <= set(sizes)
    assert f"Training {len(sizes) - 4} more latent sizes takes {4 * (len(sizes) - 4)} more trials" in last.text


def test_what_is_still_to_come_is_not_counted_again(answered: Callable[..., Answers]) -> None:
    """The last of three seeds is not trained yet, or the last of five latent sizes."""

    def only_scored(to_come: Callable[[TrialConfig], bool], trials: list[TrialConfig], score: Score) -> Answers:
        places = {place: "pending" for place, trial in enumerate(trials) if to_come(trial)}
        return answered(trials, score, states=places)

    seeds = grid(model=["dae", "vae"], filters=[8], latent_size=[4, 8, 16], seed=[0, 1, 2], epochs=[1])
    last = only_scored(lambda t: t.seed == 2, seeds, lambda t: 70 + 6 * noise(t)).given[-1]
    assert last.text.startswith("The sweep is not finished")
    *_, wanted = last.command.rpartition("seeds=0..")
    assert f"{6 * (int(wanted) - 2)} more trials" in last.text

    sizes = grid(model=["dae", "vae"], filters=[8], latent_size=[4, 16, 64, 256, 512], seed=[0, 1], epochs=[1])
    shift = {4: 0.0, 16: -2.0, 64: -6.0, 256: -4.0, 512: -9.0}
    last = only_scored(
        lambda t: t.latent_size == 512, sizes, lambda t: 50 + 0.01 * t.seed + shift[t.latent_size] * (t.model == "dae")
    ).given[-1]
    named = {int(size) for size in last.command.rpartition("latent_size=")[2].split(",")}
    assert {4, 16, 64, 256, 512} < named and f"{4 * (len(named) - 5)} more trials" in last.text


@pytest.mark.parametrize("seeds", [[0, 1], [0, 9], [3, 4], [2, 40]])
def test_the_command_for_more_seeds_trains_as_many_trials_as_is_said(
    answered: Callable[..., Answers], seeds: list[int]
) -> None:
    """With seeds 2 and 40 it said that 16 seeds take 84 more trials, and gave a command that trains 222."""
    trials = grid(model=["dae", "vae"], filters=[8], latent_size=[4, 8, 16], seed=seeds, epochs=[1])
    last = answered(trials, lambda t: 70 + 6 * noise(t.with_seed(seeds.index(t.seed)))).given[-1]
    asked = seeds_of(last.command)
    assert set(seeds) < asked
    assert f"Training {len(asked)} seeds of each network takes {6 * (len(asked) - 2)} more trials" in last.text


def test_what_more_seeds_cost_counts_every_data_set_of_the_sweep(make_store: MakeStore) -> None:
    """The command trains them on all data sets; it said what one of them costs, half of what was then trained."""
    data, sizes = ["digits", "cifar10"], [4, 8, 16]
    trials = grid(dataset=data, model=["dae", "vae"], filters=[8], latent_size=sizes, seed=[0, 1], epochs=[1])
    edit = scored(trials, lambda t: 70 + 6 * noise(t))
    for answers in answers_of(make_store(trials, pictures=False, latent_points=0, edit=edit)):
        last = answers.given[-1]
        more = 12 * (len(seeds_of(last.command)) - 2)
        assert f"seeds of each network on all data sets takes {more} more trials, about " in last.text


def test_a_network_with_other_seeds_than_the_rest_is_trained_with_theirs(answered: Callable[..., Answers]) -> None:
    common = grid(model=["dae", "vae"], filters=[8], latent_size=[4, 8, 16], seed=[0, 1], epochs=[1])
    alone = grid(filters=[8], latent_size=[32], seed=[5, 6], epochs=[1])
    last = answered([*common, *alone], lambda t: 70 + 6 * noise(t)).given[-1]
    asked = seeds_of(last.command)
    more = sum(len(asked - {0, 1}) for _ in range(6)) + len(asked - {5, 6})
    assert {0, 1} < asked and f"Training {len(asked)} seeds of each network takes {more} more trials" in last.text


def test_a_count_is_plural_and_no_sentence_is_said_twice(answered: Callable[..., Answers]) -> None:
    asked = grid(model=["dae", "vae"], filters=[8, 16], latent_size=[4, 8, 16, 32], seed=[0, 1, 2], epochs=[1])
    texts = said(answered(asked, lambda t: 70 - t.filters + 2 * noise(t)))
    assert texts["How many filters?"].startswith("16 filters are better: ")
    sure, settled = texts["How sure is that?"], texts["What would settle the rest?"]
    assert "less than 0.1 % for 16 filters and 8 filters" in sure and sure.count("equally good") == 1
    assert settled.count(" or ") > 1 and settled.count("as large as they seem") == 1


def test_one_more_of_something_is_singular() -> None:
    assert [counted(n, "more width") for n in (0, 1, 2, 1200)] == [
        "0 more widths",
        "1 more width",
        "2 more widths",
        "1,200 more widths",
    ]


def test_the_seeds_that_are_named_are_those_of_the_network_and_of_all_networks(
    answered: Callable[..., Answers],
) -> None:
    """Most networks have one seed, so one with two competes too."""
    asked = [*grid(latent_size=[4, 8, 16], epochs=[1]), *grid(latent_size=[1], seed=[0, 1], epochs=[1])]
    for best, seeds in ((1, "mean of 2 seeds, 95 %"), (4, "mean of 1 seed, 95 %")):
        texts = said(answered(asked, lambda t, best=best: 50 + t.seed - 20 * (t.latent_size == best)))
        assert seeds in texts["Which network?"] and "1 latent units" not in texts["Which network?"]
        assert texts["How sure is that?"].startswith("1 to 2 training seeds per network.")


def test_fields_that_are_not_compared_keep_their_capital_letters(answered: Callable[..., Answers]) -> None:
    penalties = [{"penalty": value} for value in (0.01, 0.1, 1.0)]
    asked = grid(model=["wae"], parameters=penalties, epochs=[1])
    others: dict[str, Any] = {"filters": 16, "latent_size": 8, "batch_size": 8, "depth": 2}
    for field, value in others.items():
        asked += grid(model=["wae"], parameters=penalties[:1], epochs=[1], **{field: [value]})
    assert said(answered(asked, lambda t: 50 + t.seed))["What else varies?"].startswith("WAE-MMD penalty: ")


def test_equal_networks_are_said_to_be_equal_and_no_hundred_seeds_are_asked_for(
    answered: Callable[..., Answers],
) -> None:
    asked = grid(filters=[8], latent_size=[4, 8], seed=[0, 1, 2], epochs=[1])
    last = answered(asked, lambda t: 50 + t.seed + t.latent_size / 1000).given[-1]
    assert last.text == (
        "4 latent units or 8 latent units: their difference is too small to be found with a sensible number of seeds or settings. "
        "Choose either."
    )
    assert last.command == ""


def test_networks_of_two_models_with_one_score_are_as_good_as_each_other(answered: Callable[..., Answers]) -> None:
    """Without any spread the test divided 0 by 0, and one of four equal networks was called the only best."""
    asked = grid(model=["dae", "vae"], filters=[8], latent_size=[4, 8], seed=[0, 1], epochs=[1])
    text = said(answered(asked, lambda t: 50))["Which network?"]
    assert text.count("(50.00)") == 3 and "As good within the noise of seeds" in text
    text = said(answered(asked, lambda t: 50 + (t.model == "vae")))["Which network?"]
    assert text.endswith("As good within the noise of seeds: DAE, 8 filters, 8 latent units (50.00).")


def test_a_sweep_over_beta_is_ranked_and_nothing_is_set_aside(answered: Callable[..., Answers]) -> None:
    asked = grid(model=["vae"], beta=[0.01, 0.1, 1.0], filters=[8], latent_size=[4], seed=[0, 1, 2], epochs=[1])
    found = answered(asked, lambda t: 50 + 0.1 * t.seed + 10 * abs(t.beta - 0.1))
    text = said(found)["Which network?"]
    assert text.startswith("VAE, 8 filters, 4 latent units, beta 0.1: ") and "of 3 networks" in text
    assert "DAE or VAE?" not in said(found)
    assert said(found)["Which beta?"].startswith(
        "Beta 0.1 is better: in the one common setting, GMM samples score 0.90 lower"
    )
    assert "with beta 0.1 than with beta 0.01, the next best" in said(found)["Which beta?"]


def test_the_question_of_a_sweep_over_learning_rates_is_answered_and_its_end_is_named(
    answered: Callable[..., Answers],
) -> None:
    rates = [(0.01,), (0.001,), (0.0001,)]
    fixed: dict[str, Any] = {"learning_rate_drops": [()], "warmup_epochs": [0], "seed": [0, 1, 2], "epochs": [1]}
    asked = grid(learning_rates=rates, latent_size=[4, 8, 16], **fixed)
    found = answered(asked, lambda t: 50 - 300 * t.learning_rates[0] + 0.1 * t.seed + t.latent_size)
    text = said(found)["Which learning rate?"]
    assert text.startswith("Learning rate 0.01 is better: on average over the 3 common settings, GMM samples score 2.7")
    assert text.endswith("It is the largest value tried, so larger ones may be better still.")


def test_a_term_is_explained_where_it_comes_first_and_only_there(make_store: MakeStore) -> None:
    asked = grid(latent_size=[4, 8], epochs=[1]) + grid(dataset=["cifar10"], latent_size=[4, 8], epochs=[1])
    first, second = answers_of(make_store(asked, pictures=False, latent_points=0))
    assert first.given[0].note.startswith("fd: the Fréchet distance") and "Lower is better" in first.given[0].note
    assert [answer.note for answer in (*first.given[1:], *second.given) if answer.note] == []


def test_vaes_of_several_betas_and_reductions_are_paired_with_the_dae_of_their_setting(
    answered: Callable[..., Answers],
) -> None:
    daes = grid(latent_size=[4, 8, 16], seed=[0, 1], epochs=[1])
    vaes = grid(
        model=["vae"], beta=[0.01, 0.1], reduction=["mean", "sum"], latent_size=[4, 8, 16], seed=[0, 1], epochs=[1]
    )
    found = answered([*daes, *vaes], lambda t: 50 + 5 * (t.model == "vae") + 0.01 * t.seed + t.latent_size / 10)
    assert said(found)["DAE or VAE?"].startswith("DAEs are better: on average over the 3 common settings")
    assert "score 5.00" in said(found)["DAE or VAE?"]
    assert "DAEs are lower in 3 of 3" in said(found)["DAE or VAE?"]


def test_a_model_that_is_compared_by_the_mean_over_its_betas_is_said_to_be(make_store: MakeStore) -> None:
    """With beta 1 far off, “DAEs are better” held for the mean over betas; nothing said that this was no setting of a VAE."""
    fixed = {"filters": [8], "latent_size": [4, 8], "seed": [0, 1], "epochs": [1]}
    trials = grid(**fixed) + grid(model=["vae"], beta=[0.1, 1.0], **fixed)
    edit = scored(trials, lambda t: 50 + 20 * (t.beta == 1.0) - 5 * (t.model == "vae") + 0.1 * t.seed)
    tables = load_tables(make_store(trials, pictures=False, latent_points=0, edit=edit))
    (sweep,) = sweeps(tables, Wishes())
    (found,) = all_answers(tables, [sweep])
    text = said(found)["DAE or VAE?"]
    assert text.startswith(
        "DAEs are better: on average over the 2 common settings and their values of beta, GMM samples"
    )
    assert "score 5.0" in text
    assert "values of" not in said(found)["How many latent units?"] + said(found)["Beta 0.1 or 1?"]
    averaged = "The models are compared on average over beta, which not every model has."
    assert averaged in present(fields_table(sweep)).caption


def test_a_winner_that_learnt_nothing_is_called_that(make_store: MakeStore) -> None:
    asked = grid(latent_size=[4, 8], seed=[0, 1], epochs=[1])

    def edit(rows: Rows) -> None:
        scored(asked, lambda t: t.latent_size + t.seed / 10)(rows)
        first = next(row for row in rows["trials"] if row["latent_size"] == 4)
        first["test_bce"] = first["mean_image_bce"]

    (found,) = answers_of(make_store(asked, pictures=False, edit=edit))
    assert "But with 1 of its 2 seeds it reconstructs test images no better" in said(found)["Which network?"]


def test_models_without_a_common_setting_are_not_compared(answered: Callable[..., Answers]) -> None:
    asked = [
        *grid(latent_size=[4, 16], seed=[0, 1], epochs=[1]),
        *grid(model=["vae"], latent_size=[8, 32], seed=[0, 1], epochs=[1]),
    ]
    assert said(answered(asked, lambda t: t.seed))["DAE or VAE?"].startswith("Not compared: ")


def test_a_network_with_fewer_seeds_does_not_compete(answered: Callable[..., Answers]) -> None:
    asked = [*grid(latent_size=[4, 8], seed=[0, 1, 2], epochs=[1]), *grid(latent_size=[16], epochs=[1])]
    found = answered(asked, lambda t: 10 if t.latent_size == 16 else 50 + t.seed / 10 + t.latent_size)
    assert "4 latent units" in said(found)["Which network?"]
    assert "1 networks with fewer" not in said(found)["How sure is that?"]
    assert "1 network with fewer" in said(found)["How sure is that?"]


def test_a_fourth_seed_of_some_networks_leaves_the_best_one_where_it_is(answered: Callable[..., Answers]) -> None:
    """While a fourth seed was trained, the networks that still lacked it were left out, the best one among them."""
    every = grid(latent_size=[4, 8, 16, 32], seed=[0, 1, 2], epochs=[1])
    fourth = grid(latent_size=[16, 32], seed=[3], epochs=[1])
    found = answered([*every, *fourth], lambda t: 50 + t.seed / 10 + t.latent_size)
    assert said(found)["Which network?"].startswith("DAE, 128 filters, 4 latent units: its GMM samples score fd 54.10")
    assert "the lowest of 4 networks" in said(found)["Which network?"]
    assert said(found)["How sure is that?"].startswith("3 to 4 training seeds per network. The lowest score")


def test_the_interval_of_the_best_network_is_that_of_the_table_below(make_store: MakeStore) -> None:
    """They differed where a network with fewer seeds does not compete: the table's errors count its seeds too."""
    asked = [*grid(latent_size=[4, 8], seed=[0, 1, 2], epochs=[1]), *grid(latent_size=[16], seed=[0, 1], epochs=[1])]
    edit = scored(asked, lambda t: 50 + t.seed * (1.0 if t.latent_size < 16 else 2.5) + t.latent_size)
    tables = load_tables(make_store(asked, pictures=False, latent_points=0, edit=edit))
    (sweep,) = sweeps(tables, Wishes())
    (found,) = all_answers(tables, [sweep])
    # Variances over seeds of 1, 1 and 3.125 with 2, 2 and 1 degrees of freedom are 1.425 with 5: 2.571 * sqrt(1.425 / 3) = 1.77.
    assert "score fd 55.0 ± 1.8 (mean of 3 seeds, 95 %), the lowest of 2 networks" in said(found)["Which network?"]
    assert networks_table(sweep).cells()["gmm_text"].tolist()[0] == "55.0 ± 1.8"


def test_what_failed_is_counted_once_with_its_reason_and_the_command(make_store: MakeStore) -> None:
    store = make_store(grid(latent_size=[4, 8, 16, 32], epochs=[1]), states={1: "failed", 2: "pending"})
    answer = progress(load_tables(store))
    assert answer.text == (
        "1 trial failed: NonFiniteLossError: loss is nan at step 150 of epoch 2. 2 of 4 trials done, 1 pending."
    )
    assert answer.command == f"aesweep resume {store} --retry-failed"
    done = progress(load_tables(make_store(grid(latent_size=[4, 8], epochs=[1]))))
    assert (done.text, done.command) == ("Nothing. 2 of 2 trials done.", "")


def test_the_winner_is_shown_beside_real_images_by_its_typical_seed(make_store: MakeStore, tmp_path: Path) -> None:
    asked = grid(dataset=["cifar10"], filters=[8], latent_size=[4, 8], seed=[0, 1, 2], epochs=[1])
    values = {0: 40.0, 1: 52.0, 2: 50.0}
    edit = scored(asked, lambda t: values[t.seed] + t.latent_size)
    tables = load_tables(make_store(asked, latent_points=0, edit=edit))
    (found,) = sweeps(tables, Wishes())
    drawing = present(winner(tables, found))
    assert "seed 2" in drawing.caption and "54.00" in drawing.caption  # not the lowest: nearest to the mean
    (folder,) = winner_folder(found)
    rows = tables.trials.set_index("pictures")
    assert (rows.loc[folder, "seed"], rows.loc[folder, "latent_size"]) == (2, 4)
    bare = load_tables(make_store(asked, latent_points=0, edit=edit, pictures=False))
    (found,) = sweeps(bare, Wishes())
    assert winner(bare, found) is None and winner_folder(found) == set()
