"""DINOv2's class tokens as features (Oquab et al. 2023), which Stein et al. 2023 found to rank pictures as people do.

The published vision transformers with patches of 14 pixels. Meta gives them as code that `torch.hub` downloads and runs; here
the same network is written out, so that a file of weights is all that is needed and nothing in it runs. Pictures are prepared
as torch-fidelity's `FeatureExtractorDinoV2` does, so that numbers compare: TensorFlow 1's resize to 224 pixels, ImageNet's
colours. Distances of these features are called `fd`.

Shapes: N images, T = 1 + 16 * 16 tokens (the class token first), D features, h heads.
"""

import torch
import torch.nn.functional as F
from torch import nn

from aesweep.evaluation.networks.inception import resize_like_tensorflow1

INPUT_SIDE, PATCH = 224, 14
TRAINED_PATCHES = 37  # per side, of the 518 pixels that positions were learnt on
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours, in [0, 1]
HEAD = 64  # features per head
SIZES = {"dinov2_vits14": (384, 12), "dinov2_vitb14": (768, 12), "dinov2_vitl14": (1024, 24)}
"""Model -> D and number of blocks."""


class DinoV2(nn.Module):
    """uint8 images (N, 3, H, W) -> float32 features (N, D).

    `model` is a name of `SIZES`, `state_dict` has the names of Meta's files. Raises `RuntimeError` where it does not fit
    exactly.
    """

    def __init__(self, model: str, state_dict: dict[str, torch.Tensor]) -> None:
        super().__init__()
        with torch.device("meta"):  # 300 million numbers need no initial values
            self.transformer = _Transformer(*SIZES[model])
        self.transformer.load_state_dict(state_dict, strict=True, assign=True)
        self.transformer.float().requires_grad_(False)
        for name, values in (("mean", MEAN), ("deviation", DEVIATION)):
            levels = torch.tensor([255 * value for value in values], dtype=torch.float32)  # of a pixel
            self.register_buffer(name, levels[:, None, None], persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 (N, 3, H, W) -> float32 (N, D)."""
        x = resize_like_tensorflow1(images.contiguous().float(), INPUT_SIDE)
        features: torch.Tensor = self.transformer((x - self.get_buffer("mean")) / self.get_buffer("deviation"))
        return features


class _Transformer(nn.Module):
    """float32 (N, 3, 224, 224) -> (N, D). Parameters have the names of Meta's files."""

    def __init__(self, size: int, blocks: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.empty(1, 1, size))
        self.pos_embed = nn.Parameter(torch.empty(1, 1 + TRAINED_PATCHES**2, size))
        self.mask_token = nn.Parameter(torch.empty(1, size))  # for its training alone
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, size, PATCH, stride=PATCH)})
        self.blocks = nn.ModuleList([_Block(size) for _ in range(blocks)])
        self.norm = nn.LayerNorm(size, eps=1e-6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        patches = self.patch_embed["proj"](x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(patches), -1, -1), patches], dim=1) + self.positions()
        for block in self.blocks:
            x = block(x)
        tokens: torch.Tensor = self.norm(x)
        return tokens[:, 0]

    def positions(self) -> torch.Tensor:
        """Positions (1, T, D) of 16 x 16 patches, from those of the 37 x 37 they were learnt on."""
        on_class, on_patches = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        square = on_patches.reshape(1, TRAINED_PATCHES, TRAINED_PATCHES, -1).permute(0, 3, 1, 2)
        scale = (INPUT_SIDE // PATCH + 0.1) / TRAINED_PATCHES  # their 0.1 is against rounding, and moves the result
        resized = F.interpolate(square, scale_factor=(scale, scale), mode="bicubic")
        return torch.cat([on_class, resized.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)


class _Block(nn.Module):
    """Attention, then two linear layers; each from normalised tokens, scaled and added. (N, T, D) -> (N, T, D)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(size, eps=1e-6), nn.LayerNorm(size, eps=1e-6)
        self.attn = nn.ModuleDict({"qkv": nn.Linear(size, 3 * size), "proj": nn.Linear(size, size)})
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(size, 4 * size), "fc2": nn.Linear(4 * size, size)})
        self.ls1, self.ls2 = (nn.ParameterDict({"gamma": torch.empty(size)}) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.norm1(x)) * self.ls1["gamma"]
        x = x + self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm2(x)))) * self.ls2["gamma"]
        return x

    def attention(self, x: torch.Tensor) -> torch.Tensor:
        n, tokens, size = x.shape
        qkv = self.attn["qkv"](x).reshape(n, tokens, 3, size // HEAD, HEAD)
        q, k, v = (part.transpose(1, 2) for part in qkv.unbind(2))  # (N, h, T, 64)
        seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, tokens, size)
        projected: torch.Tensor = self.attn["proj"](seen)
        return projected
