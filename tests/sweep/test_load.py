"""The front door: what a notebook gets back from a store."""

from pathlib import Path

import numpy as np
import pytest
import torch

from aesweep import load_data, load_model, load_prior, open_store
from aesweep.models.errors import InputError
from tests.small_store import DONE, HALF


def test_a_model_encodes_its_own_data_and_decodes_draws_of_its_own_prior(small_store: Path) -> None:
    store = open_store(small_store)
    images = load_data(store, DONE.key[:6])
    model = load_model(store, DONE.key[:6])
    pixels = torch.from_numpy(np.array(images.test[:5])).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        assert model.encode(pixels).mean.shape == (5, DONE.latent_size)
        latents = load_prior(store, DONE.key[:6], "gmm").sample(7, seed=0)
        pictures = model.decode(torch.from_numpy(latents)).sigmoid()
    assert latents.dtype == np.float32 and pictures.shape == (7, 3, 32, 32)


def test_data_come_from_the_folder_that_the_store_names_or_from_another(small_store: Path, tmp_path: Path) -> None:
    named = load_data(small_store, DONE.key)
    assert (named.train.shape, named.test.shape) == ((1500, 32, 32, 3), (297, 32, 32, 3))
    assert named.train.dtype == np.uint8 and not named.train.flags.writeable
    other = load_data(small_store, DONE.key, tmp_path / "data")
    assert np.array_equal(other.test, named.test)
    assert list((tmp_path / "data" / "prepared").iterdir()), "they were prepared there"


def test_what_a_store_does_not_have_is_said(small_store: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Choose one of: standard_normal, mvg"):
        load_prior(small_store, DONE.key, "copula")
    with pytest.raises(InputError, match=f"'{HALF.key}' cannot be used.\nThis trial is not trained yet"):
        load_model(small_store, HALF.key)
    for load in (load_model, load_data, load_prior):
        with pytest.raises(InputError, match="No store is there"):
            load(tmp_path / "none", DONE.key)
        with pytest.raises(InputError):
            load(small_store, "no-such-key")
