"""Training state and trained weights as bytes; where they are kept is the caller's business (a file, an object store).

A checkpoint is read with `weights_only=True`, and the finished weights are safetensors: neither can run code when it is
opened.
"""

import io
import json
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors

from aesweep.models.archive import require_sound_zip
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
    try:
        weights = load_safetensors(data)
        with torch.device("meta"):  # takes no memory, however wide the network is said to be
            expected = build_autoencoder(config).state_dict()
        for name, tensor in expected.items():
            if name not in weights or weights[name].shape != tensor.shape:
                raise ValueError(f"{name} is {tuple(weights[name].shape) if name in weights else 'missing'}")
        model = build_autoencoder(config)
        model.load_state_dict(weights)
    except (
        SafetensorError,
        RuntimeError,
        ValueError,
        KeyError,
        OverflowError,
    ) as error:  # names or shapes of another network
        raise ValueError(f"these are not the weights of {config.name}: {error}") from error
    return model.eval()


def _read_checkpoint(data: bytes) -> dict[str, Any]:
    """The checkpoint's dict, every checksum compared: torch.load alone takes flipped bits for weights."""
    try:
        require_sound_zip(io.BytesIO(data))
        checkpoint = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        _require_stored(checkpoint)
    except Exception as error:  # whatever the two readers raise on bytes that are no checkpoint; a bomb included
        raise ValueError(f"checkpoint is damaged: {error}") from error
    if not isinstance(checkpoint, dict) or not {"format", "key", "state"} <= checkpoint.keys():
        raise ValueError("checkpoint is damaged: it holds no training state")
    return checkpoint


def _require_stored(tree: Any) -> None:
    """Refuse tensors that stand for more numbers than are stored: copied, a few bytes would become gigabytes."""
    waiting, seen = [tree], set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:  # one list may hold another many times over
            continue
        seen.add(id(value))
        if isinstance(value, torch.Tensor):
            if value.layout != torch.strided or value.numel() * value.element_size() > value.untyped_storage().nbytes():
                raise ValueError("a tensor is larger than what is stored of it")
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple | set):
            waiting += value
