"""A trained model, its data and its priors, back from a store."""

from pathlib import Path
from typing import Any

from aesweep.evaluation.prior_descriptions import PRIORS
from aesweep.evaluation.priors.fitted_prior import FittedPrior
from aesweep.models.cost import most_model_bytes
from aesweep.models.data.images import ImageSet, load_images
from aesweep.models.errors import InputError
from aesweep.models.networks.autoencoder import Autoencoder
from aesweep.models.plugins.plugin import Use
from aesweep.models.plugins.registry import recorded_version, require
from aesweep.models.training.checkpoint import model_from_bytes
from aesweep.sweep.opened import OpenedStore
from aesweep.sweep.spec.images import data_source
from aesweep.sweep.spec.own_folders import own_spec
from aesweep.sweep.store.layout import prior_file
from aesweep.sweep.store.store import Store, open_store


def load_model(store: OpenedStore | Store | str | Path, key: str) -> Autoencoder:
    """Load the trained network of a trial, in eval mode on the CPU.

    Args:
        store: An open store, its folder, or its address (`s3://bucket/folder`).
        key: Key of a trained trial, or the first characters of one.

    Returns:
        The torch module. `encode` takes images float32 (N, channels, size, size) in [0, 1] and gives the mean (N, Z) float32;
        `decode` takes latents (N, Z) float32 and gives logits (N, channels, size, size), whose sigmoid is the picture.

    Raises:
        InputError: There is no such store or trial, or its weights cannot be loaded.
        aesweep.sweep.store.store.DamagedFileError: The weights are not the committed ones.
    """
    opened = _opened(store)
    config = opened.trials.find(key)
    require(config.plugin_versions)
    try:
        return model_from_bytes(config, opened.commits.model_bytes(config.key, most_model_bytes(config)))
    except InputError:
        raise
    except ValueError as error:  # committed so: a store of another version, or made by hand
        raise InputError("model.safetensors", config.name, f"It cannot be loaded: {error}.") from error


def load_prior(store: OpenedStore | Store | str | Path, key: str, prior: str = "gmm") -> FittedPrior:
    """Load a prior that was fitted on the training latents of a trial.

    Args:
        store: An open store, its folder, or its address (`s3://bucket/folder`).
        key: Key of a scored trial, or the first characters of one.
        prior: `standard_normal`, `mvg` (one Gaussian), `gmm` (a mixture of Gaussians), or another that it was scored with.

    Returns:
        The prior that the latest launch fitted, otherwise that of any other evaluation. `sample(n, seed)` draws latents
        (n, Z) float32 that `load_model(...).decode` takes as a tensor.

    Raises:
        InputError: There is no such store or trial, or the trial has no such prior.
    """
    opened = _opened(store)
    config = opened.trials.find(key)
    name = prior_file(prior)
    latest = opened.trials.latest_evaluation()
    evaluations = sorted(opened.commits.scored(config.key), key=lambda evaluation: evaluation != latest)
    uses = {evaluation: _use(opened, config.key, evaluation, prior) for evaluation in evaluations}
    here = {found.use for found in [PRIORS.find(prior)] if found is not None}
    fitting = [evaluation for evaluation in evaluations if uses[evaluation] in here | {""}]
    if not fitting:
        require(uses.values())
    PRIORS.get(prior, "--prior")
    for evaluation in fitting:
        if (data := opened.commits.prior_bytes(config.key, evaluation, name, config.latent_size)) is not None:
            try:
                return FittedPrior.from_bytes(data, config.latent_size)
            except ValueError as error:
                raise InputError(name, config.name, f"It cannot be loaded: {error}.") from error
    why = "it is not scored yet, its evaluation did not ask for it, or the fit failed (see the scores table)"
    remedy = f"{config.name} has no such prior: {why}."
    raise InputError("--prior", prior, remedy)


def _use(store: Store, key: str, evaluation: str, prior: str) -> str:
    """The prior of an evaluation as `Plugin.use` names it; "" for one of aesweep, and where it has none of this name."""
    commit = store.commits.scores(key, evaluation)
    recorded: Any = commit.evaluation.get("plugin_versions", ()) if commit else ()
    version = recorded_version(recorded, "prior", prior)
    return str(Use("prior", prior, version)) if version else ""


def load_data(store: OpenedStore | Store | str | Path, key: str, data_dir: str | Path | None = None) -> ImageSet:
    """Load the images that a trial was trained on and tested with.

    Args:
        store: An open store, its folder, or its address (`s3://bucket/folder`).
        key: Key of a trial, or the first characters of one.
        data_dir: Folder of the data sets on this machine; by default the one that the store's latest spec names, where you
            have used that here before.

    Returns:
        `train` and `test`, each uint8 (N, size, size, channels): read-only memory maps, prepared first where they are not yet.

    Raises:
        InputError: There is no such store or trial, the images are not on this machine (it says how to get them), or only
            the store names their folder.
    """
    opened = _opened(store)
    config = opened.trials.find(key)
    execution = own_spec(opened.trials.stored_specs()[-1], data_dir, option="data_dir=").execution
    return load_images(config, data_source(config, execution))


def _opened(store: OpenedStore | Store | str | Path) -> Store:
    if isinstance(store, OpenedStore):
        return store.store
    return store if isinstance(store, Store) else open_store(store).only_looking()
