"""A file of your own claims is judged, swept and listed like the paper's claims; docs/claims.md shows one."""

import csv
import hashlib
import math
import os
import re
from pathlib import Path

import pytest

import aesweep.claims
from aesweep.analysis import ReportError, write_report
from aesweep.analysis.claims.claims_table import claims_table, judge
from aesweep.analysis.claims.own import load_claims
from aesweep.analysis.data.results import Results
from aesweep.analysis.page import show_intervals
from aesweep.claims import Interval, decided
from tests.analysis.invented import FID, trials
from tests.analysis.typed import MakeResults, MakeStore, Rows
from tests.documents import ROOT

PAGE = (ROOT / "docs/claims.md").read_text(encoding="utf-8")
BROKEN = '''
from aesweep.claims import claim, near, plain, at_comparison_size, together

@claim("This one is broken.")
def broken(results):
    """It divides by zero."""
    return together([1 / 0])

@claim("This one forgets to answer.")
def silent(results):
    """It returns nothing."""

@claim("Freezing hardly matters to us either.", threshold="little")
def little(results):
    """The frozen DAE is near the other."""
    pair = [at_comparison_size(results, "mvg", plain("dae", 128, network=n)) for n in ("frozen latent", "")]
    return together([near("128 filters", ("frozen", "free"), *pair, results.thresholds.little)])

@claim("About other data.", "celeba-64")
def elsewhere(results):
    """Nothing."""
    return together([])
'''


def documented() -> str:
    """The file that the page shows."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    return str(code)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "claims.py"


@pytest.fixture
def won(results: MakeResults) -> Results:
    """The DAE's distances are a fifth below the VAE's."""
    asked = trials(model=["dae", "vae"], filters=[32], latent_size=[128])
    return results(asked, lambda trial, name: (80 if trial.model == "dae" else 100) * (1 + trial.seed / 1000))


def test_the_file_that_the_page_shows_is_judged(file: Path, won: Results) -> None:
    file.write_text(documented())
    own = load_claims(file)
    assert own.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    rows = claims_table(judge(won, own.claims)).frame.set_index("claim")
    row = rows.loc["daes_win_by_a_tenth"]
    assert (row["section"], row["verdict"]) == ("yours", "supported")
    assert row["tested"].startswith("At 128 latent units, 1.1 times the DAE's distance")
    assert "32 filters, mvg: 1.1 times DAE 88" in row["numbers"]


def test_each_comparison_of_your_claim_is_drawn_with_its_interval(
    file: Path, make_store: MakeStore, tmp_path: Path
) -> None:
    """Like the paper's claims: the bar of a decided one stays on one side of the middle line, that of an open one crosses it."""

    def score(rows: Rows) -> None:
        for row in rows["scores"]:
            vae, wide = models[row["key"]] == "vae", widths[row["key"]] == 64
            row["value"] = (100 if vae else 90 if wide else 80) + seeds[row["key"]]

    file.write_text(documented())
    asked = trials(model=["dae", "vae"], filters=[32, 64], latent_size=[128])
    models, widths, seeds = ({one.key: getattr(one, name) for one in asked} for name in ("model", "filters", "seed"))
    store = make_store(asked, evaluations=(FID,), pictures=False, latent_points=0, edit=score)
    page = write_report(store, tmp_path / "report", own=load_claims(file)).read_text(encoding="utf-8")
    (claim,) = re.findall(r'<details class="claim" open>(.*?)</details>', page, re.DOTALL)
    found = re.findall(r'<svg class="interval ([a-z-]+)".*?<line x1="([0-9.]+)%" x2="([0-9.]+)%"', claim, re.DOTALL)
    assert [outcome for outcome, _, _ in found] == ["supported", "supported", "not-enough-data", "not-enough-data"]
    for outcome, low, high in found:
        assert float(low) < 50 and (float(high) < 50) == (outcome == "supported")
    assert page.count('<svg class="interval') > len(found), "the paper's claims are drawn too"


def test_a_bar_is_drawn_at_the_scale_of_its_comparison() -> None:
    found = decided("", 1.0, 1.0, "", Interval(-2.0, 1.0, 4.0), Interval(2.0, 0.4, 4.0))
    first, second = show_intervals(found)
    assert first.margin == second.margin
    assert first.margin == pytest.approx((50 - 50 / 1.1, 50 + 50 / 1.1), abs=0.01)
    assert first[:3] == pytest.approx((50 - 37.5 / 1.1, 50 - 25 / 1.1, 50 - 12.5 / 1.1), abs=0.01)
    assert second.value == pytest.approx(50 + 25 / 1.1, abs=0.01)
    beyond = [Interval(math.nan, 1.0), Interval(0.0, math.inf), Interval(1e308, 1e308), Interval(10**400, 1)]
    assert show_intervals(decided("", 1.0, 1.0, "", *beyond)) == []


def test_the_page_lists_every_name_that_a_file_may_import() -> None:
    table = PAGE.partition("## What a file may use")[2].partition("\n## ")[0]
    named = [
        name for names in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)", names)
    ]
    assert sorted(named) == sorted(aesweep.claims.__all__)
    assert all(hasattr(aesweep.claims, name) for name in named)


def test_an_error_in_one_claim_is_its_verdict_and_leaves_the_others_alone(file: Path, results: MakeResults) -> None:
    file.write_text(BROKEN)
    asked = trials(filters=[128], freeze_latent=[False, True], latent_size=[64, 128])
    judged = judge(
        results(asked, lambda trial, name: 80 * (1.07 if trial.freeze_latent else 1) * (1 + trial.seed / 1000)),
        load_claims(file).claims,
    )
    rows = claims_table(judged).frame.set_index("claim")
    assert rows["verdict"][["broken", "silent"]].tolist() == ["error", "error"]
    assert rows.loc["broken", "numbers"] == "error: ZeroDivisionError: division by zero (line 7)"
    assert rows.loc["silent", "numbers"] == "error: the claim returned NoneType instead of a Verdict"
    assert rows.loc["little", "verdict"] == "contradicted"
    assert rows.loc["little", "flips"] == "supported with “little” at 10%"
    assert "elsewhere" not in rows.index
    assert judged.counts["error"] == 2


def test_your_claims_are_on_the_page_and_in_the_tables(file: Path, make_store: MakeStore, tmp_path: Path) -> None:
    file.write_text(documented() + BROKEN.replace("broken.", "<b>broken</b>."))
    asked = trials(dataset=["digits"], model=["dae", "vae"], filters=[32], latent_size=[16])
    store = make_store(asked, pictures=False, latent_points=0)
    index = write_report(store, tmp_path / "report", own=load_claims(file))
    page = index.read_text(encoding="utf-8")
    assert page.count('<span class="quiet">yours') == 4  # of five, one is about other data
    assert '<span class="badge error">error</span>' in page and "&lt;b&gt;broken&lt;/b&gt;" in page
    assert "error: ZeroDivisionError" in page
    (path,) = (tmp_path / "report/tables").glob("claims-*.csv")
    with path.open(encoding="utf-8", newline="") as opened:
        rows = {row["claim"]: row for row in csv.DictReader(opened)}
    assert rows["daes_win_by_a_tenth"]["section"] == "yours" and rows["daes_win_by_a_tenth"]["paper"] == "–"


def test_a_dataclass_with_late_types_may_stand_in_a_file(file: Path) -> None:
    file.write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom aesweep.claims import claim\n"
        "@dataclass\nclass Pair:\n    first: int\n" + '@claim("x")\ndef x(results): return Pair(1)\n'
    )
    assert [one.name for one in load_claims(file).claims] == ["x"]


def test_nothing_is_written_beside_the_file(file: Path) -> None:
    file.write_text(documented())
    load_claims(file)
    assert [path.name for path in file.parent.iterdir()] == ["claims.py"]


def test_a_file_that_is_not_there_is_refused(file: Path) -> None:
    with pytest.raises(ReportError, match="There is no such file"):
        load_claims(file)


def test_what_is_no_regular_file_is_refused_as_that(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.py")
    for path in (tmp_path, tmp_path / "fifo.py"):
        with pytest.raises(ReportError, match="not a regular file"):
            load_claims(path)


def test_a_claim_on_data_that_cannot_be_is_refused(file: Path) -> None:
    """It would never be judged."""
    file.write_text(BROKEN.replace("celeba-64", "celeba"))
    with pytest.raises(ReportError, match=r"elsewhere names the data set 'celeba'.*celeba-64"):
        load_claims(file)
    file.write_text(BROKEN.replace("celeba-64", "folder-1a2b3c4d-64-lanczos"))
    assert len(load_claims(file).claims) == 4


WRONG = [
    'Verdict("maybe", ())',
    "Verdict([], ())",
    'Verdict("supported", [1])',
    'Verdict("supported", (1,))',
    'Verdict("supported", (Finding("supported", 5),))',
    'Verdict("supported", (Finding("sure", "words"),))',
    'Verdict("supported", (Finding("supported", "words", intervals=(1,)),))',
    'Verdict("supported", (Finding("supported", "words", intervals=None),))',
    'Verdict("supported", (Finding("supported", "words", intervals=Interval(1, 1)),))',
    'Verdict("supported", (Finding("supported", "words", intervals=(Interval("1", 1),)),))',
    "sys.exit(3)",
]


def test_no_answer_of_a_claim_ends_the_report(file: Path, won: Results) -> None:
    answers = [
        f'@claim("x")\ndef answer_{number}(results):\n    return {answer}\n' for number, answer in enumerate(WRONG)
    ]
    file.write_text("import sys\nfrom aesweep.claims import Finding, Interval, Verdict, claim\n" + "".join(answers))
    found = [one(won).outcome for one in load_claims(file).claims]
    assert found == ["error"] * len(WRONG)


def test_of_a_claim_that_fails_nothing_is_said_about_its_threshold(file: Path, won: Results) -> None:
    file.write_text(
        'from aesweep.claims import claim\n@claim("x", threshold="little")\ndef x(results):\n    return 1 / 0\n'
    )
    (judged,) = (one for one in judge(won, load_claims(file).claims).judged if one.claim.is_own)
    assert (judged.ours.outcome, judged.sweep) == ("error", "")


def test_a_claim_cannot_change_the_numbers_that_others_see(file: Path, won: Results) -> None:
    file.write_text(
        'from aesweep.claims import claim, together\n@claim("x")\n'
        "def x(results):\n    results.trials['mvg'] = 0.0\n    return together([])\n"
    )
    before = won.trials.copy()
    (one,) = load_claims(file).claims
    assert one(won).outcome == "not enough data"
    assert won.trials.equals(before)
