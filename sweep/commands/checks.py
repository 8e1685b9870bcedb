"""What `aesweep doctor` looks at: the machine and Ray (cluster.doctor), then data, weights and precision from their layers."""

import uuid
from importlib.util import find_spec
from pathlib import Path

import torch

from aesweep.cluster.doctor import Check, check_environment, check_folder, check_ray, machine_checks
from aesweep.evaluation.networks.weights import check_weights, inception_path
from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import DataSource, check_source
from aesweep.models.errors import InputError
from aesweep.models.precision import choose_precision
from aesweep.sweep.store.storage import StorageError
from aesweep.sweep.store.store import open_storage
from aesweep.sweep.worker.device import choose_device, describe_device


def all_checks(address: str, store: str | None, data_dir: Path | InputError) -> list[Check]:
    """Every check, the cheap ones first; `data_dir` is the data folder, or why there is none."""
    return [
        *machine_checks(),
        check_precision(),
        *([] if store is None else [check_store(store)]),
        *check_data_folder(data_dir),
        *(check_environment(address) or check_ray(address)),
    ]


def check_data_folder(data_dir: Path | InputError) -> list[Check]:
    """The folder of data sets and weights, and what is in it; `data_dir` is the reason where there is none."""
    if isinstance(data_dir, InputError):
        return [Check("data folder", "fail", f"{data_dir.field}: {data_dir.value}", data_dir.remedy)]
    return [
        check_folder("data folder", data_dir),
        *(check_data(dataset, size, data_dir) for dataset, size in (("cifar10", 32), ("celeba", 64))),
        check_inception(data_dir),
    ]


def check_store(store: str) -> Check:
    """Whether files can be written, read, listed and removed where the store is or will be."""
    if "://" not in store:
        return check_folder("store", open_storage(store).root)
    name = f".aesweep-doctor-{uuid.uuid4().hex[:6]}"
    try:
        storage = open_storage(store)
        if storage.folder is not None:  # file:///shared/runs
            return check_folder("store", storage.folder)
        storage.write(name, name.encode())
        works = storage.read(name) == name.encode() and name in storage.names("")
        storage.remove(name)
    except (InputError, StorageError) as error:
        return Check("store", "fail", str(error.value), error.remedy)
    if works:
        return Check("store", "ok", f"{storage.place()}: writable")
    return Check("store", "fail", storage.place(), "What is written there is not found again at once. Give another.")


def check_precision() -> Check:
    """The precision that `auto` gives on this machine."""
    device = choose_device("auto")
    found = f"auto is {choose_precision('auto', device)} on {describe_device(device)}"
    if device.type == "cpu":
        remedy = f"No GPU (torch {torch.__version__}): fine for the quickstart; larger sweeps will be slow."
        return Check("precision", "warn", found, remedy)
    return Check("precision", "ok", found)


def check_data(dataset: str, size: int, data_dir: Path) -> Check:
    """Whether a data set's files are here. Missing ones are only a warning: not every sweep needs them."""
    config = TrialConfig(dataset=dataset, image_size=size)
    try:
        check_source(config, DataSource(data_dir=data_dir))
    except InputError as error:
        lacks_gdown = dataset == "celeba" and find_spec("gdown") is None
        first = " `aesweep fetch celeba` needs gdown: run `pip install gdown` first." if lacks_gdown else ""
        return Check(dataset, "warn", "not here", error.remedy + first)
    return Check(dataset, "ok", f"in {data_dir}")


def check_inception(data_dir: Path) -> Check:
    """Whether the weights of the FID network are here, and are the right ones."""
    path = inception_path(data_dir)
    if not path.exists():
        remedy = f"Scores will be fd on random-conv-64, not FID. Run `aesweep fetch inception --to {data_dir}`."
        return Check("Inception weights", "warn", "not here", remedy)
    try:
        check_weights(path)
    except InputError as error:
        return Check("Inception weights", "fail", str(error.value), error.remedy)
    return Check("Inception weights", "ok", str(path))
