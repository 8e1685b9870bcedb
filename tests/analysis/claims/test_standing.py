"""A verdict is confirmatory where one record froze its rules and its trials before any of them was scored."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from aesweep.analysis.claims.claims_table import claims_table, judge
from aesweep.analysis.claims.own import OwnClaims
from aesweep.analysis.claims.standing import CONFIRMATORY, MEANING, missing_own, standing, with_standing
from aesweep.analysis.claims.verdicts import YOURS, Claim, together
from aesweep.analysis.data.results import Results
from aesweep.analysis.frozen import Frozen, claims_sha256, threshold_values
from tests.analysis.invented import trials
from tests.analysis.typed import MakeResults

Record = Callable[..., Frozen]
MINE, OTHER = "a" * 64, "b" * 64
UNSEEN: frozenset[str] = frozenset()


@pytest.fixture
def scored(results: MakeResults) -> Results:
    """Four scored trials: two sizes, two seeds."""
    return results(trials(filters=[8], latent_size=[4, 8], seed=[0, 1]), lambda trial, name: 50.0)


@pytest.fixture
def record(scored: Results) -> Record:
    """A record under which everything is confirmatory, with changes."""

    def make(**changes: Any) -> Frozen:
        keys = frozenset(scored.trials["key"])
        sound = Frozen(
            claims=claims_sha256(),
            thresholds=threshold_values(),
            own="",
            own_file="",
            evaluation=scored.evaluation.id,
            keys=keys,
            seen=UNSEEN,
            seen_otherwise=UNSEEN,
            time="2026-11-28T10:00:00+00:00",
            aesweep="0.1.0",
        )
        return replace(sound, **changes)

    return make


def test_what_was_frozen_before_any_trial_was_scored_is_confirmatory(scored: Results, record: Record) -> None:
    assert standing(scored, [record()]) == CONFIRMATORY
    larger = record(keys=frozenset({*scored.trials["key"], "0" * 12}))
    assert standing(scored, [larger]) == CONFIRMATORY  # a look before the end


def test_a_later_record_takes_nothing_from_the_first(scored: Results, record: Record) -> None:
    keys = frozenset(scored.trials["key"])
    later = [record(seen=keys), record(claims=OTHER, seen=keys), record(evaluation="0" * 12, seen_otherwise=keys)]
    assert standing(scored, [*later, record()]) == CONFIRMATORY


def test_every_other_verdict_is_exploratory_and_says_why(scored: Results, record: Record) -> None:
    first, *others = sorted(scored.trials["key"])
    some, rest = frozenset({first}), frozenset(others)
    for frozen, why in [
        ([], "no claims were frozen in this store"),
        ([record(claims=OTHER)], "the code that judges has changed since it was frozen with aesweep 0.1.0"),
        ([record(thresholds={**threshold_values(), "much": 1.4})], "thresholds have changed since (much 1.4, now 1.5)"),
        ([record(evaluation="0" * 12)], "this way of scoring was not frozen"),
        ([record(seen=some)], "1 of 4 trials had been scored before"),
        ([record(seen_otherwise=rest)], "3 of 4 trials had been scored in another way before"),
        ([record(keys=rest)], "1 of 4 trials were not in the frozen sweep"),
        ([record(keys=some), record(seen=some)], "the grid was extended after trials had been scored"),
    ]:
        assert standing(scored, frozen) == f"exploratory: {why}"


def test_your_claims_depend_on_your_file_and_the_papers_do_not(scored: Results, record: Record) -> None:
    frozen = [record(own=MINE)]
    assert standing(scored, frozen) == standing(scored, frozen, MINE) == CONFIRMATORY
    assert standing(scored, frozen, OTHER) == "exploratory: your claims file has changed since it was frozen"
    assert standing(scored, [record()], MINE) == "exploratory: your claims were not frozen"
    changed = [record(own=MINE, claims=OTHER)]
    assert standing(scored, changed, MINE).startswith("exploratory: the code that judges has changed")


def test_the_table_has_a_standing_for_every_verdict_and_says_what_it_means(scored: Results, record: Record) -> None:
    yours = Claim("mine", YOURS, "Mine.", lambda results: together([]), ())
    own = OwnClaims("/home/me/claims.py", MINE, (yours,))
    table = claims_table(with_standing(judge(scored, own.claims), [record()], own))
    rows = table.frame.set_index("claim")["standing"]
    assert rows["mine"] == "exploratory: your claims were not frozen"
    assert set(rows.drop("mine")) == {CONFIRMATORY}
    assert table.headings["standing"].text == "Confirmatory or exploratory"
    assert MEANING in table.caption
    assert "Frozen on 2026-11-28 10:00 UTC; 4 of the 4 frozen trials are scored here." in table.caption


def test_where_nothing_was_looked_up_nothing_is_said(scored: Results) -> None:
    table = claims_table(judge(scored))
    assert "standing" not in table.headings and MEANING not in table.caption


def test_the_report_says_how_to_add_the_claims_that_were_frozen(record: Record) -> None:
    frozen = [record(own=MINE, own_file="/home/me/my claims.py"), record()]
    said = missing_own(frozen, None, "s3://bucket/my runs")
    assert said.endswith("aesweep report 's3://bucket/my runs' --claims '/home/me/my claims.py'")
    assert missing_own(frozen, OwnClaims("/x.py", OTHER, ()), "x") == missing_own([record()], None, "x") == ""
