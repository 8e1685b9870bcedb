"""Random weights for the Inception network: the real ones are a download of 96 MB, and what is tested holds for any.

Drawn so that signals keep their size through all layers (He et al. 2015): with PyTorch's own initialisation the features
of all pictures are nearly the same, and a test on them would prove little. Also used by benchmarks/evaluation.py.
"""

import hashlib
import io
from pathlib import Path

import torch
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3


class _Unloaded(FeatureExtractorInceptionV3):
    """The network with the weights that its layers were made with."""

    def load_state_dict(self, *_: object, **__: object) -> None:
        return None


def random_state_dict(seed: int = 0) -> dict[str, torch.Tensor]:
    """Weights of the right names and shapes."""
    empty = io.BytesIO()
    torch.save({}, empty)
    empty.seek(0)
    generator = torch.Generator().manual_seed(seed)

    def normal(like: torch.Tensor) -> torch.Tensor:
        return torch.randn(like.shape, generator=generator)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        state = dict(_Unloaded("random", ["2048"], feature_extractor_weights_path=empty).state_dict())
    for name, value in state.items():
        if name.endswith("conv.weight"):
            state[name] = normal(value) * (2 / value[0].numel()) ** 0.5
        elif name.endswith(("bn.bias", "running_mean")):
            state[name] = 0.1 * normal(value)
        elif name.endswith("running_var"):
            state[name] = 0.5 + torch.rand(value.shape, generator=generator)
    return state


def write_random_inception(path: Path, seed: int = 0) -> Path:
    """A weights file of the right architecture."""
    torch.save(random_state_dict(seed), path)
    return path


def hash_and_size(path: Path) -> tuple[str, int]:
    """SHA-256 and bytes of a file, to expect of it."""
    return hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size
