"""`--set FIELD=VALUE`."""

from pathlib import Path

import pytest

from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError
from aesweep.sweep.spec.load import load_spec
from tests.image_folder import write_image_folder


def trials(*overrides: str) -> list[TrialConfig]:
    return [trial for trial, _ in load_spec("quickstart", overrides).trials]


def test_a_field_is_set_in_every_block() -> None:
    spec = load_spec("quickstart", ["epochs=5"])
    assert [len(block.trials) for block in spec.blocks] == [4, 4]
    assert {trial.epochs for trial, _ in spec.trials} == {5}


def test_several_values_replace_those_of_the_spec() -> None:
    assert sorted({trial.latent_size for trial in trials("latent_size=3,5..7")}) == [3, 5, 6, 7]
    assert len(trials("latent_size=3,5..7")) == 8


def test_several_fields_give_their_product() -> None:
    assert len(trials("seeds=0..2", "filters=8,16", "latent_size=4")) == 2 * 3 * 2


def test_values_that_make_blocks_equal_are_trained_once() -> None:
    assert len(trials("model=dae")) == 4


@pytest.mark.parametrize(
    ("text", "depths"),
    [
        ("depth=2", [(2, 2, 2, 2)]),
        ("depth=1,2", [(1, 1, 1, 1), (2, 2, 2, 2)]),
        ("depth=2,[3,3,2,1]", [(2, 2, 2, 2), (3, 3, 2, 1)]),
        ("depth=[3,3,2,1]", [(3, 3, 2, 1)]),
        ("depth=[[3,3,2,1],[2,2,2,1]]", [(3, 3, 2, 1), (2, 2, 2, 1)]),
        ("depth=3-3-2-1", [(3, 3, 2, 1)]),
    ],
)
def test_depth_takes_numbers_and_one_list_per_network(text: str, depths: list[tuple[int, ...]]) -> None:
    assert list(dict.fromkeys(trial.depth for trial in trials(text))) == depths


def test_lists_words_and_flags_are_read_by_their_field() -> None:
    found = trials(
        "learning_rates=1e-3,1e-4",
        "learning_rate_drops=0.5",
        "conv_norm=false",
        "filters=256",  # up to 128 both first maps are the same network
        "decoder_first_map=min(8f,1024),8f",
    )
    assert {trial.learning_rates for trial in found} == {(1e-3, 1e-4)}
    assert {trial.conv_norm for trial in found} == {False}
    assert {trial.decoder_first_map for trial in found} == {"min(8f,1024)", "8f"}


def test_scoring_and_running_are_set_by_their_own_names() -> None:
    spec = load_spec(
        "quickstart",
        [
            "samples=500",
            "priors=mvg,gmm",
            "evaluation.seeds=0..2",
            "threads=2",
            "max_concurrent=none",
            "extractor=auto",
        ],
    )
    metrics = ("frechet", "gaussianity")  # the preset's own
    assert spec.evaluation == {
        "samples": 500,
        "priors": ("mvg", "gmm"),
        "sampling_seeds": (0, 1, 2),
        "metrics": metrics,
    }
    assert (spec.execution.threads, spec.execution.max_concurrent) == (2, None)
    assert spec.execution.checkpoint_seconds == 10  # the preset's own setting stays
    assert {trial.seed for trial, _ in spec.trials} == {0}


def test_the_sweep_can_be_renamed_and_the_last_of_two_values_wins() -> None:
    spec = load_spec("quickstart", ["name=my, own", "epochs=2", "epochs=3"])
    assert spec.name == "my, own"
    assert {trial.epochs for trial, _ in spec.trials} == {3}


def test_another_data_set_brings_its_image_size() -> None:
    assert {(t.dataset, t.image_size) for t in trials("dataset=celeba")} == {("celeba", 64)}
    assert {(t.dataset, t.image_size) for t in trials("dataset=celeba", "image_size=32")} == {("celeba", 32)}


def test_a_preset_runs_on_a_folder_of_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image_folder(tmp_path / "faces")
    monkeypatch.chdir(tmp_path)
    spec = load_spec("quickstart", ["path=faces"], tmp_path / "data")
    (identity, path) = next(iter(spec.execution.folders.items()))
    assert path == str(tmp_path / "faces")
    assert {(trial.dataset, trial.data_identity) for trial, _ in spec.trials} == {("folder", identity)}
    # and back to a built-in data set
    assert {t.data_identity for t, _ in load_spec("quickstart", ["path=faces", "dataset=digits"]).trials} == {""}


@pytest.mark.parametrize(
    ("override", "field", "says"),
    [
        ("epochs", "--set", "FIELD=VALUE"),
        ("=5", "--set", "FIELD=VALUE"),
        ("epochs=", "--set", "FIELD=VALUE"),
        ("latent_sizes=5", "--set latent_sizes", "Did you mean latent_size?"),
        ("sample=5", "--set sample", "Did you mean samples?"),
        ("execution.epochs=5", "--set execution.epochs", "no such field"),
        ("evaluation.seed=1", "--set evaluation.seed", "Did you mean seeds?"),
        ("execution.thread=1", "--set execution.thread", "Did you mean threads?"),
        ("evaluatoin.seeds=1", "--set evaluatoin.seeds", "no such field"),
        ("latent_size=010", "--set latent_size", "'010'"),
        ("epochs=1:30", "--set epochs", "'1:30'"),
        ("data_identity=abc", "--set data_identity", "no such field"),
        ("latent_size=-8", "latent_size", "whole number from 1"),
        ("latent_size=1.5", "--set latent_size", "whole number"),
        ("latent_size=[[1]]", "--set latent_size", "whole number"),
        ("latent_size=yes", "--set latent_size", "whole number"),
        ("latent_size=8..4", "--set latent_size", "empty"),
        ("epochs={a: 1}", "--set epochs", "whole number"),
        ("epochs=]", "--set epochs", "not valid YAML"),
        ("epochs=&a [*a]", "--set epochs", "levels deep"),
        ("depth=3,3,2,1", "--set depth", "[[3, 3, 2, 1]]"),
        ("depth=[3,3,2]", "depth", "four"),
        ("model=vea", "--set model", "Did you mean vae?"),
        ("model=1", "--set model", "Choose one of: dae, vae"),
        ("latent_norm=batch", 'block "digits VAE": latent_norm', "VAE"),
        ("noise_std=nan", "noise_std", "0 or more"),
        ("beta=inf", "beta", "0 or more"),
        ("threads=1,2", "--set threads", "whole number"),
        ("mixture_sizes=abc", "--set mixture_sizes", "whole numbers, such as [1, 10, 100]"),
        ("mixture_sizes=true", "--set mixture_sizes", "whole numbers, such as [1, 10, 100]"),
        ("evaluation.seeds=abc", "--set sampling_seeds", "whole numbers, such as [0, 1, 2]"),
        ("gpu_share=2", "--set gpu_share", "at most 1"),
        ("seeds=1..100000", "--set number of trials", "at most 100,000"),
        ("dataset=folder", "dataset", "path=./faces"),
        ("path=/no/such/folder", "--set path", "There is no folder"),
        ("extractor=vgg", "--set extractor", "inception-2015"),
        ("samples=1", "samples", "from 2"),
    ],
)
def test_what_cannot_be_set_is_refused_by_name(override: str, field: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        load_spec("quickstart", [override])
    assert field in caught.value.field
    assert caught.value.field.startswith("--set")
    assert says in str(caught.value)
    assert len(str(caught.value).splitlines()) == 2


def test_the_data_folder_is_given_in_one_place_only(tmp_path: Path) -> None:
    assert load_spec("quickstart", [f"data_dir={tmp_path}"]).execution.data_dir == str(tmp_path)
    with pytest.raises(InputError):
        load_spec("quickstart", [f"data_dir={tmp_path}"], tmp_path)


@pytest.mark.parametrize("data", ["{path: ./gone, image_size: 64}", "{dataset: folder, image_size: 64}"])
def test_a_folder_that_is_missing_here_is_replaced(tmp_path: Path, data: str) -> None:
    """A colleague's spec; the trials are those of a spec that names the folder."""
    spec = tmp_path / "s.yaml"
    mine = write_image_folder(tmp_path / "mine", images=2)
    spec.write_text(f"data: {data}\nblocks: [{{model: [dae, vae], latent_size: 2, filters: 2}}]")
    replaced = load_spec(spec, [f"path={mine}"], tmp_path / "data")
    spec.write_text("data: {path: ./mine, image_size: 64}\nblocks: [{model: [dae, vae], latent_size: 2, filters: 2}]")
    written = load_spec(spec, (), tmp_path / "data")
    assert replaced.trials == written.trials and replaced.hash == written.hash
    assert replaced.execution == written.execution
    spec.write_text(f"data: {data}\nblocks: [{{model: dae}}]")
    with pytest.raises(InputError, match="--set path"):
        load_spec(spec, [f"path={tmp_path}/gone too"], tmp_path / "data")
