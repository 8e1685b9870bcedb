"""Ranges in one short text."""

import time

import pytest

from aesweep.models.errors import InputError
from aesweep.sweep.spec.ranges import MOST_TRIALS, split_values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("8..12", [8, 9, 10, 11, 12]),
        ("8..64 step 8", [8, 16, 24, 32, 40, 48, 56, 64]),
        ("8..20 step 5", [8, 13, 18]),
        ("8..64 x2", [8, 16, 32, 64]),
        ("8..100 x 2", [8, 16, 32, 64]),
        ("10..1000 x10", [10, 100, 1000]),
        ("5..5", [5]),
        ("-1..1", [-1, 0, 1]),
        ("0.1..0.3 step 0.1", [0.1, 0.2, 0.3]),
        ("1e-5..1e-3 x10", [1e-5, 1e-4, 1e-3]),
        ("1..2 step 0.5", [1.0, 1.5, 2.0]),
        ("16", ["16"]),
        ("dae, vae", ["dae", "vae"]),
        ("4, 8..10, 100", ["4", 8, 9, 10, "100"]),
        ("min(8f,1024), 4f", ["min(8f,1024)", "4f"]),
    ],
)
def test_a_range_gives_the_values_that_it_reads_as(text: str, values: list[int | float | str]) -> None:
    found = split_values("latent_size", text)
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8,,16",
        "8..",
        "..8",
        "64..8",
        "a..b",
        "8...16",
        "8..16..32",
        "8..64 step 0",
        "8..64 step -8",
        "8..64 step",
        "8..64 x1",
        "8..64 x0.5",
        "0..64 x2",
        "-8..64 x2",
        "nan..8",
        "1..inf",
        "0..1e12",
        "1..1e300",
        "0..1 step 1e-300",
        "1..2 x1.0000000000000000000000001",
        f"0..{MOST_TRIALS}",
        "9" * 10_000 + "..1",
    ],
)
def test_a_range_without_values_or_with_too_many_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        split_values("latent_size", text)
    assert caught.value.field == "latent_size"
    assert caught.value.remedy


def test_the_largest_range_is_allowed() -> None:
    assert len(split_values("seed", f"1..{MOST_TRIALS}")) == MOST_TRIALS


@pytest.mark.parametrize("text", ["," * 1_000_000, "(" * 1_000_000, "1," * 500_000 + "(", "min(1," * 150_000])
def test_a_long_text_takes_no_time(text: str) -> None:
    started = time.process_time()
    with pytest.raises(InputError):
        split_values("latent_size", text + ",,")
    assert time.process_time() - started < 2


def test_a_comma_in_brackets_separates_nothing() -> None:
    assert split_values("latent_size", "min(8f,1024), 3,4 (a) b,(c,d)e") == ["min(8f,1024)", "3", "4 (a) b", "(c,d)e"]
