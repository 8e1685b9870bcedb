"""From a trained trial of a store to the files of an export.

    store ─► weights ─► network.py, model.safetensors ─┐
          ─► priors  ─► priors.safetensors ────────────┼─► compared with the store's model ─► DIR
          ─► scores, pictures, provenance ─► README.md ┘

Everything of the store is checked against the hashes of its commits first; names of files in it lead nowhere.
"""

import json
import re
import runpy
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from aesweep.evaluation.prior_descriptions import PRIORS
from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError
from aesweep.models.networks.autoencoder import Autoencoder
from aesweep.sweep.export import loader
from aesweep.sweep.export.card import Card
from aesweep.sweep.export.folder import CONFIG, FILES_KEY, FORMAT_KEY
from aesweep.sweep.export.network_code import Network, largest_difference, network_code, parts_of, record_halves
from aesweep.sweep.export.onnx_files import onnx_files
from aesweep.sweep.export.priors import ExportedPriors
from aesweep.sweep.load import load_model, load_prior
from aesweep.sweep.provenance import describe, read_launch
from aesweep.sweep.store.layout import PICTURE_NAME, prior_file
from aesweep.sweep.store.records.commits import ScoresRecord, TrainingRecord, file_record
from aesweep.sweep.store.store import DamagedFileError, Store
from aesweep.sweep.version import aesweep_version

FORMAT = 1
TOLERANCE = 1e-5
"""Largest difference of the loaded export from the store's model, in units of the largest output; they are equal as a rule."""
MOST_PICTURE_BYTES = 2**24


@dataclass(frozen=True)
class Export:
    """What `make_export` gives."""

    config: TrialConfig
    files: Mapping[str, bytes]
    """By name in the folder."""
    left_out: Mapping[str, str]
    """What the store has and the export lacks -> why."""


def make_export(store: Store, key: str, onnx: bool = False) -> Export:
    """The files of an export. Raises `InputError` for a trial that is not there or not trained, or a network that cannot be written."""
    config = store.trials.find(key)
    model = load_model(store, config.key)
    training = store.commits.training(config.key)
    assert training is not None  # `load_model` has read it
    scores = _scores(store, config.key)
    priors, left_out = _priors(store, config, scores)
    pictures, lost = _pictures(store, config, scores)
    left_out |= lost
    halves = record_halves(model)
    network = network_code(halves)
    made, difference = onnx_files(halves, config.name) if onnx else ({}, None)
    card = Card(
        config=config, training=training, scores=scores, priors=priors.notes, left_out=left_out, pictures=list(pictures),
        provenance=_provenance(store, config, training, scores), onnx_difference=difference,
    )  # fmt: skip
    files = {
        "README.md": card.text().encode(),
        "load_model.py": Path(loader.__file__).read_bytes(),
        "network.py": (network.code + priors.code).encode(),
        "model.safetensors": save(dict(network.tensors), metadata={"format": "pt"}),
        "priors.safetensors": save(priors.tensors, metadata={"format": "pt"}),
        **made,
        **pictures,
    }
    files[CONFIG] = _config(config, network, priors, files)
    _require_equal(model, files, config)
    return Export(config, files, left_out)


def _scores(store: Store, key: str) -> ScoresRecord | None:
    """The scores that the latest launch asked for, otherwise those of any other evaluation."""
    latest = store.trials.latest_evaluation()
    ids = sorted(store.commits.scored(key), key=lambda one: (one != latest, one))
    return next((found for one in ids if (found := store.commits.scores(key, one)) is not None), None)


def _priors(store: Store, config: TrialConfig, scores: ScoresRecord | None) -> tuple[ExportedPriors, dict[str, str]]:
    """The fitted priors of an evaluation, and why others are missing."""
    priors, missing = ExportedPriors(), dict[str, str]()
    for name in PRIORS.names():
        if scores is None or prior_file(name) not in scores.files:
            continue
        try:
            priors.add(name, load_prior(store, config.key, name))
        except InputError as error:  # damaged, or of a plug-in of another version
            missing[name] = error.remedy
    return priors, priors.left_out | missing


def _pictures(
    store: Store, config: TrialConfig, scores: ScoresRecord | None
) -> tuple[dict[str, bytes], dict[str, str]]:
    """The pictures of an evaluation by their names in the export, and why others are missing."""
    found, missing = dict[str, bytes](), dict[str, str]()
    for name, record in sorted(scores.files.items()) if scores is not None else ():
        if re.fullmatch(PICTURE_NAME, name):
            try:
                data = store.attempts.read_file(
                    config.key, scores.attempt if scores else "", name, record, MOST_PICTURE_BYTES
                )
                found[f"pictures/{name.rpartition('/')[2]}"] = data
            except DamagedFileError as error:
                missing[name] = error.remedy
    return found, missing


def _provenance(
    store: Store, config: TrialConfig, training: TrainingRecord, scores: ScoresRecord | None
) -> dict[str, str]:
    """Where the weights come from, without what says where and by whom they were made: command lines hold folders."""
    result, launch = training.result, read_launch(store, training.launch)
    found = {
        "trial": config.key,
        "trained": f"{result.started[:19]} to {result.ended[:19]}",
        "aesweep": result.aesweep_version,
        "torch": result.torch_version,
    }
    if launch is not None:
        found |= {title: text for title, text in describe(launch).items() if title != "command"}
    return found | ({"scored by aesweep": scores.aesweep_version} if scores is not None else {})


def _config(config: TrialConfig, network: Network, priors: ExportedPriors, files: Mapping[str, bytes]) -> bytes:
    """`config.json`: what the loader needs, what the trial was, and the files with their hashes."""
    about: dict[str, Any] = {
        FORMAT_KEY: FORMAT,
        "aesweep": aesweep_version(),
        "key": config.key,
        "name": config.name,
        "image_size": config.image_size,
        "latent_size": config.latent_size,
        "parameters": sum(tensor.numel() for tensor in network.tensors.values()),
        "priors": list(priors.notes),
        "trial": config.to_json(),
        FILES_KEY: {name: file_record(data).sha256 for name, data in files.items()},
    }
    return (json.dumps(about, indent=1) + "\n").encode()


def _require_equal(model: Autoencoder, files: Mapping[str, bytes], config: TrialConfig) -> None:
    """Load the export as its reader will, and compare it. Raises `InputError` where it is another network."""
    with tempfile.TemporaryDirectory(prefix="aesweep-export-") as folder:
        for name in ("load_model.py", "network.py", "model.safetensors", "priors.safetensors", CONFIG):
            Path(folder, name).write_bytes(files[name])
        loaded: Any = runpy.run_path(str(Path(folder, "load_model.py")))["load_model"](folder)
    generator = torch.Generator().manual_seed(0)
    (_, encoder, image), (_, decoder, latents) = parts_of(model)
    x, z = torch.rand(2, *image, generator=generator), torch.randn(2, *latents, generator=generator)
    with torch.inference_mode():
        worst = largest_difference((*encoder(x), decoder(z)), (*loaded.distribution(x), loaded.decode(z)))
    if not worst <= TOLERANCE:
        raise InputError(
            "KEY", config.name, f"Its plain code differs from the model by {worst:.1e}; please report this."
        )
