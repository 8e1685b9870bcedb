"""Loads this model. It needs torch alone, and no pickle is opened.

model = load_model()                    # from the folder of this file
pictures = model.sample("mvg", 16)      # (16, channels, side, side) in [0, 1]; model.priors names the others
latents = model.encode(pictures)        # (16, latent_size) float32
again = model.decode(latents)           # (16, channels, side, side) in [0, 1]
"""

import json
import runpy
from math import prod
from pathlib import Path

import torch

TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64}


def read_tensors(file: Path) -> dict[str, torch.Tensor]:
    """Tensors by name from a safetensors file: the length of its header, the header (JSON), the numbers."""
    data = bytearray(file.read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    header = {name: one for name, one in json.loads(data[8:start]).items() if name != "__metadata__"}
    return {
        name: torch.frombuffer(
            data, dtype=TYPES[one["dtype"]], count=prod(one["shape"]), offset=start + one["data_offsets"][0]
        ).reshape(one["shape"])
        for name, one in header.items()
    }


class Model:
    """`weights` holds the tensors by name; set `requires_grad` on them to train on."""

    def __init__(self, folder: Path, device: str) -> None:
        self.config = json.loads((folder / "config.json").read_text())
        self.priors, self.device = self.config["priors"], torch.device(device)
        self._code = runpy.run_path(str(folder / "network.py"))
        files = ("model.safetensors", "priors.safetensors")
        self.weights, self._priors = (
            {name: tensor.to(device) for name, tensor in read_tensors(folder / file).items()} for file in files
        )

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """Images (N, channels, side, side) float32 in [0, 1] -> latents (N, latent_size)."""
        return self.distribution(images)[0]

    def distribution(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The mean of q(z|x) and, of a variational model, its log variance, each (N, latent_size)."""
        found: tuple[torch.Tensor, ...] = self._code["encode"](self.weights, images.to(self.device))
        return found

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Latents (N, latent_size) float32 -> images (N, channels, side, side) in [0, 1]."""
        images: torch.Tensor = self._code["decode"](self.weights, latents.to(self.device))
        return images

    def latents(self, prior: str, n: int, seed: int = 0) -> torch.Tensor:
        """`n` latents (n, latent_size) drawn from a prior."""
        if prior not in self.priors:
            raise ValueError(f"There is no prior {prior!r}. Choose one of: {', '.join(self.priors)}.")
        tensors = {name.partition("/")[2]: t.cpu() for name, t in self._priors.items() if name.startswith(prior + "/")}
        generator = torch.Generator().manual_seed(seed)
        latents: torch.Tensor = self._code["SAMPLE"][prior](tensors, n, generator)
        return latents.float().to(self.device)

    def sample(self, prior: str, n: int, seed: int = 0) -> torch.Tensor:
        """`n` images (n, channels, side, side) in [0, 1], decoded from draws of a prior."""
        with torch.no_grad():
            return self.decode(self.latents(prior, n, seed))


def load_model(folder: str | Path | None = None, device: str = "cpu") -> Model:
    """The model in a folder, by default the one of this file."""
    return Model(Path(folder or Path(__file__).parent), device)
