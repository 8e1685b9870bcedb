"""Which fields vary in a sweep, where a figure shows them, and which of their values is better."""

from collections.abc import Callable
from typing import Any

import pytest

from aesweep.analysis import load_tables
from aesweep.analysis.axes.axes import Axes, find_axes
from aesweep.analysis.axes.comparison import compare_values
from aesweep.analysis.axes.layout import Layout, Wishes, axis_title, panel_places
from aesweep.analysis.axes.means import network_means
from aesweep.analysis.axes.sweep import Sweep, sweeps
from aesweep.analysis.axes.words import numbers_of, order_of
from aesweep.models.config import TrialConfig
from tests.analysis.conftest import grid
from tests.analysis.typed import MakeStore, Rows, present

Score = Callable[[TrialConfig], float]
VAE: dict[str, Any] = {"model": ["vae"], "filters": [8], "epochs": [1]}


@pytest.fixture
def swept(make_store: MakeStore) -> Callable[..., Sweep]:
    """`swept(trials, value, **wishes)`: the one sweep of a store in which every distance is what `value` says."""

    def make(trials: list[TrialConfig], value: Score = lambda _: 1.0, **wishes: Any) -> Sweep:
        by_key = {trial.key: trial for trial in trials}

        def edit(rows: Rows) -> None:
            for row in rows["scores"]:
                row["value"] = float(value(by_key[row["key"]]))

        tables = load_tables(make_store(trials, pictures=False, latent_points=0, edit=edit))
        (found,) = sweeps(tables, Wishes(**wishes))
        return found

    return make


def said(axes: Axes) -> dict[str, list[str]]:
    return {axis.name: [axis.phrase(place) for place in range(len(axis))] for axis in axes.every}


def places(layout: Layout) -> dict[str, str | None]:
    """Role -> field."""
    roles = {"x": layout.x, "colour": layout.colour, "line": layout.line}
    found: dict[str, str | None] = {role: axis.name if axis else None for role, axis in roles.items()}
    return found | {"panels": ", ".join(axis.name for axis in layout.panels)}


def test_every_field_that_varies_is_an_axis_and_its_values_are_in_order(swept: Callable[..., Sweep]) -> None:
    rates = [(0.01,), (0.001,), (0.0001,)]
    trials = grid(latent_size=[16, 4], learning_rates=rates, learning_rate_drops=[()], depth=[2, 1], seed=[0, 1])
    assert said(swept(trials).layout.axes) == {
        "latent_size": ["4 latent units", "16 latent units"],
        "learning_rates": ["learning rate 0.0001", "learning rate 0.001", "learning rate 0.01"],
        "depth": ["depth 1", "depth 2"],
    }


def test_a_schedule_is_written_rate_by_rate(swept: Callable[..., Sweep]) -> None:
    trials = grid(latent_size=[4], learning_rates=[(1e-3, 1e-5), (1e-4, 1e-5)], learning_rate_drops=[(0.5,)])
    (axis,) = swept(trials).layout.axes.every
    assert [axis.label(place) for place in (0, 1)] == ["0.0001, 1e-05", "0.001, 1e-05"]
    assert axis.numbers == ()


@pytest.mark.parametrize("text", ["1.2.3", ".", "1..2", "1.2.3-4", "1e5e5", "-", "0.1.0"])
def test_a_text_that_only_looks_like_a_number_is_a_word(text: str) -> None:
    """A damaged table may hold any text in any field."""
    assert order_of("depth", text) == (1, text) and numbers_of([text, 1.0]) == ()
    assert numbers_of(["0.5", ".5", "5.", "1e-05", "-2"]) == (0.5, 0.5, 5.0, 1e-05, -2.0)


def test_fields_that_change_together_are_one_axis(swept: Callable[..., Sweep]) -> None:
    noisy = grid(latent_size=[4, 8], noise_std=[0.1], epochs=[1])
    axes = swept([*noisy, *grid(model=["vae"], latent_size=[4, 8], epochs=[1])]).layout.axes
    assert said(axes) == {
        "model": ["DAE, noise 0.1", "VAE, noise 0"],
        "latent_size": ["4 latent units", "8 latent units"],
    }
    assert axis_title(axes.every[0]) == "model with noise"


def test_a_parameter_of_a_model_is_an_axis_of_its_own(swept: Callable[..., Sweep]) -> None:
    """As is `beta` of a VAE, which other models do not read; the same name in another model is another parameter."""
    wae = grid(model=["wae"], parameters=[{"penalty": 0.01}, {"penalty": 0.1}], latent_size=[4, 8], epochs=[1])
    others = grid(model=["dae", "eae"], latent_size=[4, 8], epochs=[1])
    vaes = grid(model=["vae"], beta=[0.1], latent_size=[4, 8], epochs=[1])
    layout = swept([*wae, *others, *vaes], x="parameters").layout
    assert said(layout.axes) == {
        "model": ["DAE", "VAE", "WAE-MMD", "EAE"],
        "latent_size": ["4 latent units", "8 latent units"],
        "wae penalty": ["WAE-MMD penalty 0.01", "WAE-MMD penalty 0.1"],
    }
    assert present(layout.x).name == "wae penalty" and present(layout.x).numbers == (0.01, 0.1)
    assert present(compare_values(layout.axes, layout.axes.every[0], "gmm")).settings == 2


def test_a_field_that_an_architecture_does_not_read_has_no_place_for_it(swept: Callable[..., Sweep]) -> None:
    trials = grid(decoder_first_map=["4f", "1024"], latent_size=[4], seed=[0])
    trials += grid(architecture=["resnet"], latent_size=[4], seed=[0])
    axes = swept(trials).layout.axes
    assert said(axes) == {
        "decoder_first_map": ["decoder first map 1024", "decoder first map 4f"],
        "architecture": ["architecture conv", "architecture resnet"],
    }
    first_map = axes.named("decoder_first_map")
    assert first_map is not None and sorted(first_map.places.tolist()) == [-1, 0, 1]


def test_a_sweep_over_beta_has_beta_on_its_x_axis_and_its_daes_across(swept: Callable[..., Sweep]) -> None:
    vaes = grid(**VAE, beta=[0.01, 0.1, 1.0], latent_size=[4, 8])
    found = swept([*vaes, *grid(filters=[8], epochs=[1], latent_size=[4, 8])])
    assert places(found.layout) == {"x": "beta", "colour": "latent_size", "line": "model", "panels": ""}
    beta = present(found.layout.x)
    assert sorted(set(beta.places)) == [-1, 0, 1, 2]
    assert len(network_means(found.layout.axes, "gmm")) == 2 * 3 + 2


def test_what_fits_nowhere_else_has_panels_so_that_every_trial_is_in_one(swept: Callable[..., Sweep]) -> None:
    trials = grid(model=["dae", "vae"], latent_size=[4, 8, 16], filters=[8, 16], depth=[1, 2], batch_size=[32, 64])
    layout = swept(trials).layout
    assert places(layout) == {"x": "latent_size", "colour": "filters", "line": "model", "panels": "depth, batch_size"}
    parts = panel_places(layout)
    assert [heading for heading, _ in parts] == [f"depth {d}, batch size {b}" for d in (1, 2) for b in (32, 64)]
    assert sum(int(chosen.sum()) for _, chosen in parts) == len(trials)


def test_the_spec_says_where_a_field_is_shown_and_a_field_that_does_not_vary_is_named(
    swept: Callable[..., Sweep],
) -> None:
    trials = grid(model=["dae", "vae"], latent_size=[4, 8, 16], filters=[8, 16])
    found = swept(trials, x="filters", panel="model", line="beta", score="mvg")
    assert places(found.layout) == {"x": "filters", "colour": "latent_size", "line": "latent_size", "panels": "model"}
    assert found.layout.notices == ("The spec asks for beta as line, but it does not vary here.",)
    assert found.ranking.score == found.measures[0].name == "mvg"


def test_a_beta_that_is_better_is_found_over_the_settings_of_all_betas(swept: Callable[..., Sweep]) -> None:
    trials = grid(**VAE, beta=[0.01, 0.1, 1.0], latent_size=[4, 8, 16], seed=[0, 1, 2])
    axes = swept(trials, lambda t: 50 + t.latent_size + 0.1 * t.seed + 10 * abs(t.beta - 0.1)).layout.axes
    found = present(compare_values(axes, present(axes.named("beta")), "gmm"))
    assert found.settings == 3 and found.candidates == (1,) and found.is_decided
    assert found.difference(0, 1).estimate.value == pytest.approx(0.9)


def test_a_setting_that_lacks_a_value_does_not_count(swept: Callable[..., Sweep]) -> None:
    """The size that only beta 1 was trained at scores best, and says nothing of beta."""
    trials = grid(**VAE, beta=[0.1, 1.0], latent_size=[4, 8], seed=[0, 1])
    trials += grid(**VAE, beta=[1.0], latent_size=[64], seed=[0, 1])
    axes = swept(trials, lambda t: t.beta + 100 - t.latent_size + 0.01 * t.seed).layout.axes
    found = present(compare_values(axes, present(axes.named("beta")), "gmm"))
    assert found.settings == 2 and found.candidates == (0,)


def test_a_field_without_effect_on_one_model_is_part_of_the_setting_unless_models_are_compared(
    swept: Callable[..., Sweep],
) -> None:
    trials = grid(**VAE, beta=[0.1, 1.0], latent_size=[4, 8], seed=[0, 1]) + grid(
        filters=[8], latent_size=[4, 8], epochs=[1], seed=[0, 1]
    )
    axes = swept(trials, lambda t: t.latent_size + 0.01 * t.seed).layout.axes
    settings = {a.name: present(compare_values(axes, a, "gmm")).settings for a in axes.every}
    assert settings == {"model": 2, "latent_size": 3, "beta": 2}


@pytest.mark.parametrize("missing", [(8, None), (8, 1), (4, 0)], ids=["a latent size", "a seed", "the first seed"])
def test_models_are_compared_over_the_betas_that_every_setting_has(
    swept: Callable[..., Sweep], missing: tuple[int, int | None]
) -> None:
    """One failed VAE of beta 1, whose scores are 20 higher, made the mean over betas of its seed 10 lower."""
    daes = grid(filters=[8], latent_size=[4, 8], epochs=[1], seed=[0, 1, 2])
    vaes = grid(**VAE, beta=[0.1, 1.0], latent_size=[4, 8], seed=[0, 1, 2])
    size, seed = missing
    lacks = [t for t in vaes if t.beta == 1.0 and t.latent_size == size and seed in (None, t.seed)]
    left = [trial for trial in vaes if trial not in lacks]
    axes = swept(
        daes + left, lambda t: 50 - 5 * (t.model == "vae") + 20 * (t.model == "vae" and t.beta == 1.0) + 0.1 * t.seed
    ).layout.axes
    found = present(compare_values(axes, present(axes.named("model")), "gmm"))
    # Without beta 1 at one size, both sizes are compared at beta 0.1; without one seed, that one does not count.
    vae = -5.0 if seed is None else 5.0
    assert found.difference(1, 0).estimate.value == pytest.approx(vae, abs=0.1)
    assert found.is_decided and found.best == (1 if vae < 0 else 0)


def test_settings_with_several_seeds_decide_while_others_still_have_one(swept: Callable[..., Sweep]) -> None:
    """A sweep that is not finished: the first seed of every network is trained before the second."""
    trials = grid(**VAE, beta=[0.1, 1.0], latent_size=[2, 4, 8, 16], seed=[0, 1])
    trials = [trial for trial in trials if trial.seed == 0 or trial.latent_size < 16]
    axes = swept(trials, lambda t: 10 * t.beta + t.latent_size + 0.1 * (t.seed + t.latent_size % 3)).layout.axes
    found = present(compare_values(axes, present(axes.named("beta")), "gmm"))
    assert found.settings == 3
    assert found.is_decided and found.best == 0


def test_one_seed_leaves_every_value_open(swept: Callable[..., Sweep]) -> None:
    axes = swept(grid(**VAE, beta=[0.1, 1.0], latent_size=[4, 8, 16]), lambda t: 100 * t.beta).layout.axes
    assert present(compare_values(axes, present(axes.named("beta")), "gmm")).candidates == (0, 1)


def test_the_axes_of_one_data_set_do_not_depend_on_another(make_store: MakeStore) -> None:
    trials = grid(latent_size=[4], filters=[8, 16]) + grid(dataset=["cifar10"], latent_size=[4, 8], filters=[8])
    tables = load_tables(make_store(trials, pictures=False, latent_points=0))
    found = {data: said(find_axes(rows)) for data, rows in tables.described.groupby("data")}
    assert {data: list(axes) for data, axes in found.items()} == {
        "cifar10-32": ["latent_size"],
        "digits-32": ["filters"],
    }
