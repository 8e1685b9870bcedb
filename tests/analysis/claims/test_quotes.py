"""Every claim is the paper's sentence, word for word, or marked as ours; other data are told what was tested on them."""

import csv
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest

from aesweep.analysis import claims
from aesweep.analysis.claims import CLAIMS
from aesweep.analysis.claims.verdicts import OURS, Claim
from aesweep.analysis.report import write_report
from tests.analysis.invented import FID, trials
from tests.analysis.typed import MakeStore
from tests.conftest import REPOSITORY

PAPER = REPOSITORY.parent / "shared" / "paper" / "paper.md"


def sections(text: str) -> dict[str, str]:
    """Number -> text of the paper's sections, with formulas as a quote writes them."""
    parts = re.split(r"^##? (\d(?:\.\d)?) ", text, flags=re.MULTILINE)
    found = {}
    for number, part in zip(parts[1::2], parts[2::2], strict=True):
        plain = part.replace(r"\mathcal{N}(\mathbf{z}; \mathbf{0}, \mathbf{I})", "N(z; 0, I)").replace(r"\times", "×")
        plain = re.sub(r"\^(\d)", lambda power: "⁰¹²³⁴⁵⁶⁷⁸⁹"[int(power[1])], plain.replace("$", ""))
        found[number] = " ".join(plain.split()).replace(" ,", ",")
    return found


def test_every_claim_is_listed_quoted_and_says_what_it_tests() -> None:
    files = [import_module(f"{claims.__name__}.{file.name}") for file in pkgutil.iter_modules(claims.__path__)]
    written = {found for file in files for found in vars(file).values() if isinstance(found, Claim)}
    assert written == set(CLAIMS)  # no file is forgotten
    names = [claim.name for claim in CLAIMS]
    assert len(set(names)) == len(names) >= 25
    for claim in CLAIMS:
        assert claim.quote and re.fullmatch(r"\d(\.\d)?(, \d)?|ours", claim.section), claim.name
        assert re.fullmatch(r"[A-Z].*\.", (claim.judge.__doc__ or "").partition("\n")[0]), claim.name


@pytest.mark.skipif(
    not PAPER.is_file(), reason="the paper's text is not beside this checkout (../shared/paper/paper.md)"
)
@pytest.mark.parametrize("claim", [c for c in CLAIMS if c.of_paper], ids=lambda c: str(c.name))
def test_every_quote_stands_in_its_section_of_the_paper(claim: Claim) -> None:
    printed = sections(PAPER.read_text(encoding="utf-8"))
    named = claim.section.split(", ")
    for part in claim.quote.split(" … "):
        assert any(part in printed[number] for number in named), part


def test_the_report_says_which_claims_are_ours_and_what_was_tested_on_other_data(
    make_store: MakeStore, tmp_path: Path
) -> None:
    asked = trials(dataset=["digits"], model=["dae", "vae"], filters=[32], latent_size=[16])
    write_report(make_store(asked, evaluations=(FID,), pictures=False), tmp_path / "report")
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert page.count("ours, not in the paper") == sum(claim.section == OURS for claim in CLAIMS)
    (path,) = (tmp_path / "report" / "tables").glob("claims-*.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = {row["claim"]: row for row in csv.DictReader(file)}
    row = rows["daes_always_outperform_vaes_at_the_comparison_point"]
    assert row["tested"] == "At 16 latent units, DAEs score lower than VAEs of the same width (MVG and GMM)."
    assert page.index(row["tested"]) < page.index("Made from: “In both cases DAEs always")
    assert page.count("its own data") == 1  # not once per sentence
    assert {name for name, row in rows.items() if row["section"] == "ours"} == {
        claim.name for claim in CLAIMS if not claim.of_paper
    }
