"""Training state and trained weights as bytes; where they are kept is the caller's business (a file, an object store).

A checkpoint is read with `weights_only=True`, and the finished weights are safetensors: neither can run code when it is
opened.
"""

import io
import json
import zipfile
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors

from aesweep.models.config import TrialConfig
from aesweep.models.networks.autoencoder import Autoencoder, build_autoencoder
from aesweep.models.training.trainer import Trainer

FORMAT = 1


def checkpoint_bytes(trainer: Trainer) -> bytes:
    """Everything needed to resume exactly here, inside an epoch too."""
    file = io.BytesIO()
    torch.save({"format": FORMAT, "key": trainer.config.key, "state": trainer.state_dict()}, file)
    return file.getvalue()


def restore_checkpoint(trainer: Trainer, data: bytes) -> None:
    """Set `trainer` to where `checkpoint_bytes` was called. Raises ValueError for another trial's or damaged bytes."""
    checkpoint = _read_checkpoint(data)
    if checkpoint["format"] != FORMAT:
        raise ValueError(f"checkpoint has format {checkpoint['format']!r}; this version reads {FORMAT}")
    if checkpoint["key"] != trainer.config.key:
        raise ValueError(f"checkpoint belongs to trial {checkpoint['key']}, not to {trainer.config.key}")
    try:
        trainer.load_state_dict(checkpoint["state"])
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:  # of another version, or made by hand
        raise ValueError(f"checkpoint does not fit: {type(error).__name__}: {error}") from error


def model_bytes(model: Autoencoder) -> bytes:
    """The weights and running statistics as safetensors, with the trial's configuration in the header."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    return save_safetensors(tensors, metadata={"config": json.dumps(model.config.to_json())})


def model_from_bytes(config: TrialConfig, data: bytes) -> Autoencoder:
    """The trained network in eval mode on the CPU. Raises ValueError if the bytes are damaged or of another network."""
    model = build_autoencoder(config)
    try:
        model.load_state_dict(load_safetensors(data))
    except (SafetensorError, RuntimeError) as error:  # RuntimeError: names or shapes of another network
        raise ValueError(f"these are not the weights of {config.name}: {error}") from error
    return model.eval()


def _read_checkpoint(data: bytes) -> dict[str, Any]:
    """The checkpoint's dict, every checksum compared: torch.load alone takes flipped bits for weights."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if (part := archive.testzip()) is not None:
                raise ValueError(f"checkpoint is damaged: the checksum of {part} differs")
        checkpoint = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # whatever the two readers raise on bytes that are no checkpoint; a bomb included
        raise ValueError(f"checkpoint is damaged: {error}") from error
    if not isinstance(checkpoint, dict) or not {"format", "key", "state"} <= checkpoint.keys():
        raise ValueError("checkpoint is damaged: it holds no training state")
    return checkpoint
