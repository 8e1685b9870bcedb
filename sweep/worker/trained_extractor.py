"""The feature network of an evaluation in a worker: loaded once per process, or trained on the data set's labels and kept.

A network that is trained (`FeatureNetwork.train`) is trained in the task `references`, before anything is measured, once for each
data set of a store. Its weights are one file of the store, whose first writer wins: two drivers measure with the same ones. Their
SHA-256 is part of the names of the references that they measured, and of the commits of the scores; weights that were lost and
trained again, on another machine say, so never mix with earlier ones.
"""

import logging
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from aesweep.evaluation.extractor_descriptions import EXTRACTORS, FeatureNetwork
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.networks.extractors import load_extractor
from aesweep.models.data.images import load_images
from aesweep.models.data.labels import load_labels
from aesweep.models.plugins.plugin import function
from aesweep.sweep.evaluation_job import EvaluationJob
from aesweep.sweep.spec.images import data_source
from aesweep.sweep.store.layout import extractor_name
from aesweep.sweep.store.storage import size_of

MOST_BYTES = 64 * 2**20
"""Largest file of weights of a trained network."""
log = logging.getLogger(__name__)


def extractor_of(job: EvaluationJob, device: torch.device) -> Extractor:
    """The evaluation's feature network on `device`."""
    described = EXTRACTORS.get(job.evaluation.extractor, "extractor")
    if described.train is None:
        which = described.use, job.evaluation.extractor_sha256
        return _loaded(described.name, which, job.execution.data_dir, str(device))
    found: Extractor = function(described.load)(_weights(job, described, device), device)
    return found


def _weights(job: EvaluationJob, described: FeatureNetwork, device: torch.device) -> bytes:
    """The weights that the store keeps; trained first where it has none."""
    kept = _kept(job, described)
    if kept is not None:
        return kept
    source = data_source(job.config, job.execution)
    images, labels = load_images(job.config, source).train, load_labels(job.config, source)
    in_colour = np.broadcast_to(images, (*images.shape[:3], 3))
    trained: bytes = function(described.train or "")(in_colour, labels, device)
    job.store.storage.commit(_name(job), trained)
    return _kept(job, described) or trained


def _kept(job: EvaluationJob, described: FeatureNetwork) -> bytes | None:
    """What the store holds; None where it is missing, or damaged (that is set aside)."""
    storage, name = job.store.storage, _name(job)
    version = storage.version(name)
    if version is not None and size_of(version) > MOST_BYTES:
        raise RuntimeError(f"{storage.place(name)} is larger than any trained network; remove it")
    data = storage.read(name)
    if data is None:
        return None
    try:
        function(described.load)(data, torch.device("cpu"))
    except ValueError:
        aside = storage.set_aside(name, data)
        log.warning("%s is damaged; kept as %s, and the network is trained again", name, aside)
        return None
    return data


def _name(job: EvaluationJob) -> str:
    return extractor_name(job.config, job.evaluation.extractor_label, job.evaluation.extractor_sha256)


@lru_cache(maxsize=1)
def _loaded(name: str, which: tuple[str, str], data_dir: str, device: str) -> Extractor:
    """The feature network, loaded once per process; `which` are its version and its weights."""
    return load_extractor(name, Path(data_dir), torch.device(device))
