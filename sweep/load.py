"""A trained model, its data and its priors, back from a store."""

from pathlib import Path

from aesweep.evaluation.priors.fitted_prior import FittedPrior
from aesweep.models.data.images import ImageSet, load_images
from aesweep.models.errors import InputError
from aesweep.models.networks.autoencoder import Autoencoder
from aesweep.models.training.checkpoint import model_from_bytes
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.images import data_source
from aesweep.sweep.store.layout import prior_file
from aesweep.sweep.store.store import Store, open_store


def load_model(store: Store | str | Path, key: str) -> Autoencoder:
    """The trained network of a trial, in eval mode on the CPU.

    `key` may be the start of a key. Raises `InputError` when the store holds no such trained trial, and
    `aesweep.sweep.store.store.DamagedFileError` when its weights are not the committed ones.
    """
    opened = _opened(store)
    config = opened.trials.config(key)
    try:
        return model_from_bytes(config, opened.commits.model_bytes(config.key))
    except InputError:
        raise
    except ValueError as error:  # committed so: a store of another version, or made by hand
        raise InputError("model.safetensors", config.name, f"It cannot be loaded: {error}.") from error


def load_prior(store: Store | str | Path, key: str, prior: str) -> FittedPrior:
    """A prior fitted on the latents of a trial: by the evaluation of the latest launch, else by any other that has it."""
    opened = _opened(store)
    config = opened.trials.config(key)
    name = prior_file(prior)
    latest = opened.trials.latest_evaluation()
    for evaluation in sorted(opened.commits.scored(config.key), key=lambda evaluation: evaluation != latest):
        if (data := opened.commits.prior_bytes(config.key, evaluation, name)) is not None:
            try:
                return FittedPrior.from_bytes(data)
            except ValueError as error:
                raise InputError(name, config.name, f"It cannot be loaded: {error}.") from error
    raise InputError(
        "--prior",
        prior,
        f"{config.name} has no such prior: it is not scored yet, or the fit failed (see the scores table).",
    )


def load_data(store: Store | str | Path, key: str, execution: ExecutionConfig) -> ImageSet:
    """The images that a trial was trained on and tested with."""
    config = _opened(store).trials.config(key)
    return load_images(config, data_source(config, execution))


def _opened(store: Store | str | Path) -> Store:
    return store if isinstance(store, Store) else open_store(store)
