"""How many images a trial's evaluation draws and measures, and what the trial leaves on disk. Imports no torch.

Bytes are those of the files that `sweep/worker/` writes. Of what is compressed (pictures, tables) they are averages, measured on
sweeps of digits, CIFAR-10 and folders of 32 pixels.
"""

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.descriptions import METRICS
from aesweep.models.config import TrialConfig
from aesweep.models.cost import parameter_counts

FEATURE_DIMENSIONS = {
    "inception-2015": 2048,
    "random-conv-64": 64,
    "dinov2-vit-s-14": 384,
    "dinov2-vit-b-14": 768,
    "dinov2-vit-l-14": 1024,
}
"""Numbers per image of the networks whose features of the real images are counted; other networks are left out."""
SHOWN_PER_PRIOR = 64
SHOWN_RECONSTRUCTIONS = 2 * 64
"""Both splits, each image above its reconstruction."""
SHOWN_IN_WALKS = 8 * 11
PNG_SHARE = 0.65
"""Bytes of a picture against those of its pixels: 0.31 (blurred samples of photographs) to 0.83 (noise)."""
LATENT_ROWS = 1000
"""Rows of latents per split that a commit of scores holds, at most."""
LATENT_ROW_BYTES = 80 + 10
"""In the commit, and in the tables."""
EPOCH_BYTES = 400
SMALL_FILES_BYTES = 20_000
"""Configuration, log, rows of scores, headers."""
CHECKPOINT_COPIES = 3
"""Weights and Adam's two moments."""


def images_scored(evaluation: EvaluationConfig, train: int, test: int) -> int:
    """Images that one evaluation decodes and measures: samples of all priors and sampling seeds, reconstructions, and those of metrics."""
    samples = (
        evaluation.samples * len(evaluation.priors) * len(evaluation.sampling_seeds) if evaluation.needs_features else 0
    )
    compared = evaluation.compares_reconstructions or "reconstruction_error" in evaluation.metrics
    asked = (METRICS.find(name) for name in evaluation.metrics)
    more = sum(metric.images(evaluation) for metric in asked if metric is not None and metric.images is not None)
    return samples + sum(min(images, evaluation.reference_size) for images in (train, test)) * compared + more


def weights_bytes(config: TrialConfig) -> int:
    """The trained network, float32."""
    return 4 * sum(parameter_counts(config))


def checkpoint_bytes(config: TrialConfig) -> int:
    """What an unfinished training keeps; removed when it ends."""
    return CHECKPOINT_COPIES * weights_bytes(config)


def evaluation_bytes(config: TrialConfig, evaluation: EvaluationConfig, train: int, test: int) -> int:
    """What one evaluation of a trial keeps: latents, fitted priors, pictures, rows of scores and latents."""
    latents = 4 * (train + test) * config.latent_size
    matrices = sum(evaluation.gmm_components if prior == "gmm" else 1 for prior in evaluation.priors)
    rows = LATENT_ROW_BYTES * sum(min(images, LATENT_ROWS) for images in (train, test))
    return latents + 8 * matrices * config.latent_size**2 + picture_bytes(config, evaluation) + rows


def picture_bytes(config: TrialConfig, evaluation: EvaluationConfig) -> int:
    """The pictures of one evaluation."""
    samples = min(SHOWN_PER_PRIOR, evaluation.samples) * len(evaluation.priors)
    return int(PNG_SHARE * (samples + SHOWN_RECONSTRUCTIONS + SHOWN_IN_WALKS) * 3 * config.image_size**2)


def trial_bytes(config: TrialConfig, evaluation: EvaluationConfig, train: int, test: int) -> int:
    """What a trial keeps once it is trained and scored."""
    notes = EPOCH_BYTES * config.epochs + SMALL_FILES_BYTES
    return weights_bytes(config) + evaluation_bytes(config, evaluation, train, test) + notes


def reference_bytes(evaluation: EvaluationConfig, train: int, test: int) -> int:
    """Features of the real images and their statistics, which all trials on a data set share."""
    dimension = FEATURE_DIMENSIONS.get(evaluation.extractor, 0) if evaluation.needs_features else 0
    images = {"train": train, "test": test}
    features = sum(min(images[split], evaluation.reference_size) for split in evaluation.reference_splits)
    return 4 * features * dimension + 16 * len(evaluation.reference_splits) * dimension**2
