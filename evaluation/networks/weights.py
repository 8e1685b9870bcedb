"""Which feature network scores images, and that its weights are the right ones. Imports no torch: `plan` asks here.

A FID is a FID only with one set of weights, the Inception network of 2015-12-05. Neither torchmetrics nor
torch-fidelity checks the file, and torch-fidelity unpickles it, so a wrong file would give wrong numbers or run its
code. Here size and SHA-256 are checked before anything reads it. Without the file, images are scored by
`random-conv-64` and the score is called `fd`, never `fid`.

DINOv2's weights have no one true file: they are known by the SHA-256 of the file that was given.
"""

import hashlib
import http.client
import logging
import os
import time
import urllib.request
from functools import cache, partial
from pathlib import Path
from typing import BinaryIO

from aesweep.evaluation.config import INCEPTION_SHA256
from aesweep.evaluation.extractor_descriptions import EXTRACTORS, FeatureNetwork
from aesweep.models.aside import folder_aside
from aesweep.models.errors import InputError
from aesweep.models.plugins.plugin import PluginError, function

log = logging.getLogger(__name__)

INCEPTION_FILE = "weights-inception-2015-12-05-6726825d.pth"
INCEPTION_URL = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{INCEPTION_FILE}"
INCEPTION_BYTES = 95_628_359

RANDOM_CONV_SHA256 = "452f6920b59a7ddc479e81b86142eb4a138ae7e16e9432654f8cc57e6a7f7d8b"
"""SHA-256 of the weights that `random_conv.random_conv_weights` generates; a test and every load compare."""

DINOV2_MODELS: dict[str, str] = {
    "dinov2-vit-s-14": "dinov2_vits14",
    "dinov2-vit-b-14": "dinov2_vitb14",
    "dinov2-vit-l-14": "dinov2_vitl14",
}
"""Extractor -> the model's name at its publisher, facebookresearch/dinov2."""
DINOV2_URL = "https://dl.fbaipublicfiles.com/dinov2"

BLOCK = 1 << 20  # bytes read at a time
PROGRESS_SECONDS = 5.0
TIMEOUT_SECONDS = 30.0


def inception_path(data_dir: Path) -> Path:
    """Where the Inception weights lie below the data folder."""
    return data_dir / INCEPTION_FILE


def check_weights(path: Path, sha256: str = INCEPTION_SHA256, size: int = INCEPTION_BYTES) -> None:
    """Raise `InputError` unless the file at `path` has this size and SHA-256.

    A file that has not changed since is hashed once per process.
    """
    try:
        found = path.stat()
        found_sha256 = _sha256_of(path, size, found.st_mtime_ns) if found.st_size == size else "not needed"
    except OSError:
        raise _weights_error(path, "is missing") from None
    _require(path, found.st_size, size, found_sha256, sha256)


def read_weights(path: Path, sha256: str = INCEPTION_SHA256, size: int = INCEPTION_BYTES) -> bytes:
    """The content of the weights file, checked on the very bytes that are returned.

    Raises `InputError` as `check_weights`.
    """
    try:
        data = path.read_bytes()
    except OSError:
        raise _weights_error(path, "is missing") from None
    _require(path, len(data), size, hashlib.sha256(data).hexdigest(), sha256)
    return data


def _require(path: Path, found_size: int, size: int, found_sha256: str, sha256: str) -> None:
    if found_size != size:
        raise _weights_error(path, f"has {found_size:,} bytes instead of {size:,}")
    if found_sha256 != sha256:
        raise _weights_error(path, f"has SHA-256 {found_sha256[:12]}… instead of {sha256[:12]}…")


@cache
def _sha256_of(path: Path, size: int, mtime_ns: int) -> str:
    """SHA-256 of the file; size and time of its last change tell it from what was there before."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def dinov2_path(name: str, data_dir: Path) -> Path:
    """Where the weights of a DINOv2 extractor lie below the data folder: where `torch.hub` keeps them."""
    return data_dir / "hub" / "checkpoints" / f"{DINOV2_MODELS[name]}_pretrain.pth"


def find_dinov2(name: str, data_dir: Path) -> Path:
    """That file; `InputError`, naming what to put where, if it is missing or cannot be read."""
    path = dinov2_path(name, data_dir)
    if not (path.is_file() and os.access(path, os.R_OK)):
        url = f"{DINOV2_URL}/{DINOV2_MODELS[name]}/{path.name}"
        raise InputError("extractor", name, f"Its weights are missing: copy {url} to {path}.")
    return path


def resolve_extractor(
    requested: str, data_dir: Path, *, sha256: str = INCEPTION_SHA256, size: int = INCEPTION_BYTES
) -> tuple[str, str]:
    """Name and weights' SHA-256 of the extractor to use.

    "auto" is `inception-2015` where its file lies in `data_dir` (and then the file must be the right one: no silent
    step down to another score), else `random-conv-64`. `sha256` and `size` are those expected of the Inception file.
    """
    if requested == "auto":
        # lexists: a broken link to shared storage is a file that ought to be there.
        requested = "inception-2015" if os.path.lexists(inception_path(data_dir)) else "random-conv-64"
    if requested == "inception-2015":
        return requested, inception_sha256(data_dir, sha256, size)
    return requested, function(require_extractor(requested).weights)(data_dir)


def require_extractor(name: str) -> FeatureNetwork:
    """The description of this name. Raises `InputError`, which lists all names, for an unknown one."""
    try:
        return EXTRACTORS.get(name, "extractor")
    except PluginError:
        raise
    except InputError:
        remedy = f"Choose one of: auto, {', '.join(EXTRACTORS.names())}."
        raise InputError("extractor", name, remedy) from None


def inception_sha256(data_dir: Path, sha256: str = INCEPTION_SHA256, size: int = INCEPTION_BYTES) -> str:
    """SHA-256 of the Inception weights in the data folder. Raises `InputError` as `check_weights`."""
    check_weights(inception_path(data_dir), sha256, size)
    return sha256


def random_conv_sha256(_: Path) -> str:
    """SHA-256 of the weights that `random_conv.py` generates."""
    return RANDOM_CONV_SHA256


def dinov2_sha256(name: str, data_dir: Path) -> str:
    """SHA-256 of the file that was given. Raises `InputError` as `find_dinov2`."""
    path = find_dinov2(name, data_dir)
    found = path.stat()
    return _sha256_of(path, found.st_size, found.st_mtime_ns)


dinov2_s_sha256, dinov2_b_sha256, dinov2_l_sha256 = (partial(dinov2_sha256, name) for name in DINOV2_MODELS)


def fetch_inception(
    data_dir: Path, url: str = INCEPTION_URL, *, sha256: str = INCEPTION_SHA256, size: int = INCEPTION_BYTES
) -> Path:
    """Download the Inception weights (96 MB) into `data_dir`, check them, then move them into place; the path.

    A right file that is there already stays. Raises `InputError`, naming what to copy where, if that fails.
    """
    path = inception_path(data_dir)
    if path.exists():
        check_weights(path, sha256, size)
        return path
    with folder_aside(data_dir) as folder:
        aside = folder / path.name
        with aside.open("wb") as file:
            _download(url, file, size, path)
            file.flush()
            os.fsync(file.fileno())
        try:
            check_weights(aside, sha256, size)
        except InputError as error:
            remedy = f"{error.remedy.partition('. ')[0]}. Download {INCEPTION_URL} another way and copy it to {path}."
            raise InputError("inception", url, remedy) from None
        os.replace(aside, path)
    return path


def _download(url: str, file: BinaryIO, size: int, path: Path) -> None:
    told = time.monotonic()
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:
            while block := response.read(BLOCK):
                file.write(block)
                if time.monotonic() - told >= PROGRESS_SECONDS:
                    told = time.monotonic()
                    log.info("Inception weights: %d of %d MB", file.tell() >> 20, size >> 20)
    except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
        remedy = f"Download {url} on a machine that can, and copy it to {path}."
        raise InputError("inception", f"download failed: {error}", remedy) from error


def _weights_error(path: Path, what: str) -> InputError:
    remedy = (
        f"It {what}. Run `aesweep fetch inception --to {path.parent}` (remove a wrong file first), "
        f"or copy {INCEPTION_FILE} there."
    )
    return InputError("inception", str(path), remedy)
