"""docs/fidelity.md says what the code does: fields, defaults, alternatives, and the numbers that it computes from them."""

import re
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import get_args, get_origin, get_type_hints

import pytest

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.extractor_descriptions import EXTRACTORS
from aesweep.models.config import TrialConfig
from aesweep.models.cost import beta_eff, parameter_counts
from aesweep.sweep.spec.fields import FIELDS
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.spec.presets import CELEBA, CIFAR10, PRESETS, celeba_blocks, cifar10_blocks
from aesweep.sweep.spec.sweep_spec import Block
from tests.fresh_process import REPOSITORY
from tests.sweep.spec.test_spec_docs import printed

TEXT = (REPOSITORY / "docs" / "fidelity.md").read_text(encoding="utf-8")
ONE_LINE = " ".join(TEXT.split())
# `name` = `default` (paper presets: `value`); alternatives: `other`, `another`
READING = re.compile(
    r"`(\w+)` = `([^`]+)`(?: \(paper presets: `([^`]+)`\))?(?:; alternatives: ((?:`[^`]+`(?:, )?)+))?",
)
WHAT_TO_TRAIN = {
    "dataset",
    "channels",
    "model",
    "architecture",
    "parameters",
    "filters",
    "latent_size",
}  # what a trial is, not how the paper is read
DEFAULTS = {
    **{field.name: printed(field.default) for field in fields(TrialConfig) if field.name in FIELDS["trial"]},
    **{field.name: printed(field.default) for field in fields(EvaluationConfig) if field.name in FIELDS["evaluation"]},
    "depth": "1",
    "extractor": "auto",
}
HINTS = get_type_hints(TrialConfig) | get_type_hints(EvaluationConfig)
CHOICES = {name: get_args(hint) for name, hint in HINTS.items() if get_origin(hint) is not tuple and get_args(hint)}


def table(first_cell: str) -> list[str]:
    """The cells of the table row that starts with `first_cell`."""
    (row,) = re.findall(rf"^ *\| {re.escape(first_cell)} \| (.*) \|$", TEXT, re.MULTILINE)
    return str(row).split(" | ")


def span(values: list[int]) -> str:
    return " to ".join(f"{end:.1e}".replace("e+0", "e") for end in (min(values), max(values)))


def test_every_default_is_the_code_s() -> None:
    stated = {(name, default) for name, default, _, _ in READING.findall(ONE_LINE)}
    assert stated == {(name, default) for name, default in DEFAULTS.items() if name not in WHAT_TO_TRAIN}


def test_every_other_choice_is_listed() -> None:
    choices: dict[str, tuple[str, ...]] = {**CHOICES, "extractor": EXTRACTORS.names()}
    for name, default, _, others in READING.findall(ONE_LINE):
        listed = re.findall(r"`([^`]+)`", others)
        assert sorted(listed) == sorted(set(choices.get(name, ())) - {default}), name


def test_what_the_paper_presets_change_is_stated() -> None:
    spec = PRESETS["paper"]()
    trials = [trial for trial, _ in spec.trials]
    fixed = {name: {printed(getattr(trial, name)) for trial in trials} for name in FIELDS["trial"] if name != "depth"}
    changed = {
        name: values.pop()
        for name, values in fixed.items()
        if len(values) == 1 and values != {DEFAULTS[name]} and name not in WHAT_TO_TRAIN
    }
    stated = {name: preset for name, _, preset, _ in READING.findall(ONE_LINE) if preset}
    scoring = {name: printed(value) for name, value in spec.evaluation.items()}
    assert stated == {**changed, **scoring, "extractor": spec.extractor}


@pytest.mark.parametrize("override", re.findall(r"`--set ([a-z_]+=[^`…]+)`", TEXT))
def test_every_override_is_understood(override: str) -> None:
    assert load_spec("paper", [override]).trials


def test_parameter_counts_are_the_code_s() -> None:
    for name, base, blocks, widths, size in (
        ("CIFAR-10", CIFAR10, cifar10_blocks(), (32, 64, 128, 256), 128),
        ("CelebA", CELEBA, celeba_blocks(), (32, 64, 128), 768),
    ):
        grid = [parameter_counts(trial) for block in blocks for trial in block.trials]
        for part in ("encoder", "decoder"):
            _, whole, at, *columns = table(f"{name} {part}")
            assert (whole, at) == (span([getattr(counts, part) for counts in grid]), str(size))
            for first_map, cell in zip(CHOICES["decoder_first_map"], columns, strict=True):
                trials = [replace(base, filters=f, latent_size=size, decoder_first_map=first_map) for f in widths]
                assert cell == span([getattr(parameter_counts(trial), part) for trial in trials]), (name, first_map)
    at_64 = [parameter_counts(replace(CELEBA, filters=f, latent_size=64)) for f in (32, 64, 128)]
    assert f"(encoders {span([c.encoder for c in at_64])}, decoders {span([c.decoder for c in at_64])})" in ONE_LINE


def test_weights_of_the_kl_term_are_the_code_s() -> None:
    sizes = [int(size) for size in table("`mean`, beta 0.01")]
    for name, base in (("CIFAR-10", CIFAR10), ("CelebA", CELEBA)):
        weights = [beta_eff(replace(base, model="vae", latent_size=size)) for size in sizes]
        assert table(name) == [f"{weight:.2f}" for weight in weights]


def test_the_grid_is_the_code_s() -> None:
    def sizes(blocks: Iterable[Block]) -> str:
        found = [{t.latent_size for t in block.trials} - {152} for block in blocks]
        assert all(one == found[0] for one in found)
        return ", ".join(map(str, sorted(found[0])))

    widths = [block for block in cifar10_blocks() if block.name.endswith(("DAE", "VAE"))]
    variants = [block for block in cifar10_blocks() if block not in widths]
    for name, blocks in (
        ("plain, CIFAR-10", widths),
        ("plain, CelebA", celeba_blocks()),
        ("variants, CIFAR-10", variants),
    ):
        assert table(name)[0].partition(" (")[0] == sizes(blocks)
    extra = [block.name for block in cifar10_blocks() if any(t.latent_size == 152 for t in block.trials)]
    assert extra == ["cifar10 f=64 DAE", "cifar10 f=64 VAE"]
    names = ("paper", "paper-cifar10", "paper-celeba")
    whole, cifar10, celeba = (len(load_spec(name, ["seeds=0"]).trials) for name in names)
    assert f"{whole} networks ({cifar10} on CIFAR-10, {celeba} on CelebA), each with three seeds" in ONE_LINE
