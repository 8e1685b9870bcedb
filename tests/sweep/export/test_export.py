"""`aesweep export`: a folder that needs torch alone, holds what the store holds, and replaces nothing but an export."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from aesweep.sweep.export.card import Card
from aesweep.sweep.export.loader import load_model as load_export
from aesweep.sweep.load import load_model, load_prior
from aesweep.sweep.store.layout import attempt_folder, scores_name
from aesweep.sweep.store.records.commits import ScoresRecord
from aesweep.sweep.store.store import open_store
from tests.in_process import run_aesweep
from tests.small_store import DONE, HALF
from tests.sweep.export.torch_alone import torch_alone

LOOK = """
import sys, torch
from pathlib import Path
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from load_model import load_model
model = load_model()
torch.manual_seed(0)
pictures = model.sample("gmm", 4, seed=3)
latents = model.encode(pictures)
torch.save({"pictures": pictures, "latents": latents, "again": model.decode(latents)}, "found.pt")
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"aesweep", "safetensors", "numpy", "scipy"}))
"""


@pytest.fixture(scope="module")
def exported(small_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of the trial that is done, by the beginning of its key."""
    folder = tmp_path_factory.mktemp("export") / "model"
    done = run_aesweep("export", small_store, DONE.key[:6], "--to", folder)
    assert (done.code, done.err) == (0, ""), done.err
    assert done.out == f"Export of {DONE.name}: {folder}\n"
    return folder


def test_a_colleague_with_torch_alone_gets_the_models_own_numbers(
    exported: Path, small_store: Path, tmp_path: Path
) -> None:
    assert torch_alone(tmp_path, LOOK, exported) == "\n"
    found = torch.load(tmp_path / "found.pt", weights_only=True)
    model = load_model(small_store, DONE.key)
    assert found["pictures"].shape == (4, 3, 32, 32)
    assert 0 <= found["pictures"].min() < found["pictures"].max() <= 1
    with torch.inference_mode():
        latents = model.encode(found["pictures"]).mean
        torch.testing.assert_close(found["latents"], latents, rtol=0, atol=1e-6)
        torch.testing.assert_close(found["again"], model.decode(latents).sigmoid(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("prior", ["standard_normal", "mvg", "gmm"])
def test_each_prior_draws_from_the_fitted_distribution(exported: Path, small_store: Path, prior: str) -> None:
    n = 20_000
    theirs = load_export(exported).latents(prior, n, seed=1).double().numpy()
    fitted = load_prior(small_store, DONE.key, prior)
    covariance = np.einsum("k,kij->ij", fitted.weights, fitted.covariances) + np.cov(
        fitted.means.T, aweights=fitted.weights, bias=True
    )
    spread = np.sqrt(np.diag(covariance) / n)
    assert np.all(np.abs(theirs.mean(0) - fitted.mean) < 5 * spread)
    np.testing.assert_allclose(np.cov(theirs.T), covariance, atol=0.05 * covariance.max())


def test_the_files_are_safetensors_json_text_and_pictures_and_config_lists_them(exported: Path) -> None:
    names = {path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file()}
    config = json.loads((exported / "config.json").read_text())
    assert names == {"config.json", *config["files"]}
    assert {name.rpartition(".")[2] for name in names} == {"json", "md", "png", "py", "safetensors"}
    assert config["trial"]["latent_size"] == DONE.latent_size and config["key"] == DONE.key
    assert load_file(exported / "model.safetensors")["decoder.last.weight"].dtype == torch.float32
    assert load_file(exported / "priors.safetensors")["gmm/means"].shape == (2, DONE.latent_size)


def test_the_card_has_a_head_that_the_hub_reads_and_shows_scores_with_errors_and_pictures(
    exported: Path, small_store: Path
) -> None:
    text = (exported / "README.md").read_text()
    _, head, body = text.split("---\n", 2)
    about = yaml.safe_load(head)
    assert about["library_name"] == "pytorch" and "autoencoder" in about["tags"]
    store = open_store(small_store)
    commit = store.commits.scores(DONE.key, store.trials.latest_evaluation())
    assert commit is not None
    (row,) = [row for row in commit.rows if row.source == "gmm" and row.metric == "fd"]
    assert row.value is not None and row.stderr is not None
    assert not re.search(r"^\| [^|]+ \|\s*\|$", body, re.MULTILINE)  # no field without a value
    assert f"| `gmm` | `test` | `fd` | {row.value:.5g} | {row.stderr:.2g} | {row.n} |" in body
    assert {"type": "fd", "value": row.value, "name": "fd, gmm (test)"} in about["model-index"][0]["results"][0][
        "metrics"
    ]
    pictures = [line.partition("](")[2].rstrip(")") for line in body.splitlines() if line.startswith("![")]
    assert len(pictures) == 6 and all((exported / name).read_bytes()[1:4] == b"PNG" for name in pictures)


def test_the_card_of_a_model_of_grey_images_says_so(small_store: Path) -> None:
    training = open_store(small_store).commits.training(DONE.key)
    assert training is not None
    grey = replace(DONE, channels=1)
    text = Card(config=grey, training=training, scores=None, priors={"mvg": ""}, left_out={}, pictures=()).text()
    assert "# (16, 1, 32, 32) in [0, 1]" in text
    assert "| pixels | `32 × 32, grey, divided by 255` |" in text


def test_the_card_of_own_images_gives_them_their_name(small_store: Path) -> None:
    training = open_store(small_store).commits.training(DONE.key)
    assert training is not None
    own = replace(DONE, dataset="folder", data_identity="0" * 64, data_label="faces")
    text = Card(config=own, training=training, scores=None, priors={"mvg": ""}, left_out={}, pictures=()).text()
    assert "- faces" in text and "trained on `faces` (" in text and "a folder of images" not in text


def test_an_older_export_is_replaced_and_a_folder_with_other_files_is_not(
    exported: Path, small_store: Path, tmp_path: Path
) -> None:
    copy, words = tmp_path / "copy", ("export", small_store, DONE.key, "--to", tmp_path / "copy")
    shutil.copytree(exported, copy)
    (copy / "network.py").write_text("damaged")
    assert run_aesweep(*words).code == 0
    assert (copy / "network.py").read_bytes() == (exported / "network.py").read_bytes()
    (copy / "notes.txt").write_text("mine")
    refused = run_aesweep(*words)
    assert refused.is_refused_clearly and "other files (notes.txt)" in refused.err
    assert (copy / "notes.txt").read_text() == "mine"
    (copy / "notes.txt").rename(copy / "pictures" / "notes.txt")
    assert "other files (pictures/notes.txt)" in run_aesweep(*words).err
    (copy / "pictures" / "notes.txt").unlink()
    (copy / "config.json").write_text("{}")
    assert run_aesweep(*words).is_refused_clearly
    assert [path.name for path in tmp_path.iterdir()] == ["copy"], "nothing is left beside it"


def test_the_folders_above_an_export_are_made(small_store: Path, tmp_path: Path) -> None:
    assert run_aesweep("export", small_store, DONE.key, "--to", tmp_path / "for" / "lena" / "digits").code == 0
    model = load_export(tmp_path / "for" / "lena" / "digits")
    with pytest.raises(ValueError, match=r"There is no prior 'gnn'. Choose one of: standard_normal, mvg, gmm"):
        model.sample("gnn", 4)


@pytest.mark.parametrize("place", ["file", "file/below", "locked/new"])
def test_a_place_that_cannot_be_written_is_refused(small_store: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "locked").symlink_to("/proc")
    assert run_aesweep("export", small_store, DONE.key, "--to", tmp_path / place).is_refused_clearly


def test_trials_that_are_not_there_or_not_trained_are_refused(small_store: Path, tmp_path: Path) -> None:
    for key in ("no-such-key", HALF.key):
        assert run_aesweep("export", small_store, key, "--to", tmp_path / "new").is_refused_clearly
    assert list(tmp_path.iterdir()) == []


def test_a_hostile_store_writes_nothing_outside_and_no_markup(small_store: Path, tmp_path: Path) -> None:
    """Names of files that lead out, notes with markup, and weights that are not the committed ones."""
    shutil.copytree(small_store, tmp_path / "store")
    store = open_store(tmp_path / "store")
    evaluation = store.trials.latest_evaluation()
    commit = store.commits.scores(DONE.key, evaluation)
    assert commit is not None
    picture = commit.files["samples/gmm.png"]
    rows = tuple(
        row.__class__(**{**{f: getattr(row, f) for f in row.__slots__}, "note": "<script>`|\n# x"})
        for row in commit.rows
    )
    strange = {"samples/../../../../../gone.png": picture, "samples/a/b.png": picture}
    changed = ScoresRecord(**{**dict(commit), "rows": rows, "files": {**commit.files, **strange}})
    (tmp_path / "store" / scores_name(DONE.key, evaluation)).write_bytes(changed.to_bytes())
    assert run_aesweep("export", tmp_path / "store", DONE.key, "--to", tmp_path / "out").code == 0
    text = (tmp_path / "out" / "README.md").read_text()
    assert "`<script>'\\|\\n# x`" in text and "\n# x" not in text
    assert len(list((tmp_path / "out" / "pictures").iterdir())) == 6
    assert {path.name for path in tmp_path.iterdir()} == {"store", "out"}
    training = store.commits.training(DONE.key)
    assert training is not None
    weights = tmp_path / "store" / attempt_folder(DONE.key, training.attempt) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert run_aesweep("export", tmp_path / "store", DONE.key, "--to", tmp_path / "other").is_refused_clearly
