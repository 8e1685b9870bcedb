"""The section `report` of a spec: checked like everything else, kept in the store, and part of no hash."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from aesweep.analysis.axes.layout import ROLES as LAYOUT_ROLES
from aesweep.analysis.axes.layout import Wishes
from aesweep.analysis.data.scores import SCORES as ANALYSIS_SCORES
from aesweep.models.errors import InputError
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.spec.report_wishes import ROLES, SCORES, ReportWishes
from aesweep.sweep.spec.sweep_spec import SweepSpec
from tests.sweep.spec.test_spec_docs import documented

BLOCKS = "blocks: [{model: vae, latent_size: [4, 8], beta: [0.1, 1]}]\n"


def read(tmp_path: Path, section: str) -> SweepSpec:
    path = tmp_path / "beta.yaml"
    path.write_text(f"{BLOCKS}report: {section}\n")
    return load_spec(path)


def test_it_is_kept_with_the_sweep_and_decides_no_work(tmp_path: Path) -> None:
    spec = read(tmp_path, "{x: beta, colour: latent_size, score: mvg, paper: false}")
    assert spec.report == ReportWishes(x="beta", colour="latent_size", score="mvg", paper=False)
    assert SweepSpec.from_json(spec.to_json()) == spec
    plain = replace(spec, report=ReportWishes())
    assert plain.hash == spec.hash and plain.trials == spec.trials
    assert "report" not in plain.to_json()


@pytest.mark.parametrize(
    ("section", "place", "remedy"),
    [
        ("{x: betta}", "report: x", "No trial has this field. Did you mean beta?"),
        ("{y: beta}", "report: y", "There is no such field."),
        ("{x: seed}", "report: x", "The report averages over seeds."),
        ("{x: beta, panel: beta}", "report: panel", "It is already used for x."),
        ("{score: fid}", "report: score", "Choose one of: gmm, mvg"),
        ("{paper: maybe}", "report: paper", "Give true or false"),
        ("{x: [beta]}", "report: x", "No trial has this field."),
        ("beta", "report", "Give fields, such as {x: beta"),
    ],
)
def test_what_cannot_be_used_is_named_with_a_remedy(tmp_path: Path, section: str, place: str, remedy: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, section)
    assert caught.value.field == place and remedy in caught.value.remedy


def test_report_and_spec_speak_of_the_same_fields() -> None:
    """The report imports nothing of the spec, so both have the names."""
    of_the_command_line = {"price"}
    wishes = [field.name for field in fields(Wishes) if field.name not in of_the_command_line]
    assert [field.name for field in fields(ReportWishes)] == wishes
    assert ROLES == LAYOUT_ROLES and set(SCORES) == set(ANALYSIS_SCORES)
    assert list(documented("## Report fields")) == [field.name for field in fields(ReportWishes)]
