"""A sparse autoencoder: the mean absolute value of the latents as a penalty."""

from aesweep.plugins import Batch, Objective, ObjectiveParameter, Terms, Trial, Weights


def terms(batch: Batch) -> Terms:
    """The unweighted terms of one step, as scalar tensors."""
    return {"absolute": batch.mean.abs().mean()}


def weights(trial: Trial) -> Weights:
    """What each of them counts against the mean squared error."""
    return {"absolute": trial.parameter("penalty")}


sparse = Objective(
    name="sparse",
    version="1.0",
    title="Sparse AE",
    meaning="the reconstruction + penalty x the mean absolute value of the latents",
    parameters=(ObjectiveParameter(name="penalty", default=1e-3, meaning="weight of the absolute values"),),
    terms=terms,
    weights=weights,
)
