"""`classifier`: a small residual network trained on the labels of the data set itself, as a feature network for your own domain.

Inception's weights may be absent, and its features were learned on photographs. Where the training images have labels, a network
that separates the classes sees their content: the pooled features before its last layer, 128 numbers, are compared. Such distances
are called `fd`; they compare models on one data set, and with nothing published.

The recipe is fixed: images at 32 pixels (larger ones are averaged), a stem that halves them, three pre-activation
blocks with 32, 64 and 128 channels, AdamW at a rate that rises to 0.004 and falls to 0, label smoothing 0.1, shifts by up to 3
pixels and no mirroring (a mirrored digit is another sign), 30,000 to 200,000 images seen, ten epochs in between. Its seed is fixed, so on a
CPU the weights repeat bit for bit with the same number of threads and version of torch. GPUs differ in the last bits: the store keeps
the weights, and everything in it is measured with the same ones.

Shapes: N images, n in a batch, D = 128 features, C classes.
"""

import hashlib
import math
from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from aesweep.evaluation.networks.classifier_recipe import RECIPE, RECIPE_SHA256
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.npz import from_npz, to_npz

SIDE = int(RECIPE["side"])
WIDTHS = (32, 64, 128)
DIMENSION = WIDTHS[-1]
MOST_CLASSES = 100_000


class _Block(nn.Module):
    """norm, ReLU, 3x3, norm, ReLU, 3x3, added to the input: (n, a, H, W) -> (n, b, H / stride, W / stride)."""

    def __init__(self, size_in: int, size_out: int, stride: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(size_in), nn.BatchNorm2d(size_out)
        self.conv1 = nn.Conv2d(size_in, size_out, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(size_out, size_out, 3, 1, 1, bias=False)
        is_same = stride == 1 and size_in == size_out
        self.shortcut = nn.Identity() if is_same else nn.Conv2d(size_in, size_out, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = F.relu(self.norm1(x))
        out: torch.Tensor = self.shortcut(x) + self.conv2(F.relu(self.norm2(self.conv1(h))))
        return out


class Classifier(nn.Module):
    """uint8 images (N, 3, H, W) -> float32 features (N, D); `logits` gives class scores (N, C) of these."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, WIDTHS[0], 3, 2, 1, bias=False)
        sizes = [(WIDTHS[0], WIDTHS[0], 1), (WIDTHS[0], WIDTHS[1], 2), (WIDTHS[1], WIDTHS[2], 2)]
        self.blocks = nn.Sequential(*(_Block(*size) for size in sizes))
        self.norm = nn.BatchNorm2d(DIMENSION)
        self.head = nn.Linear(DIMENSION, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Uint8 images (N, 3, H, W) -> features (N, D)."""
        x = images.float() / 127.5 - 1
        if x.shape[-1] != SIDE:
            x = F.adaptive_avg_pool2d(x, SIDE)
        features: torch.Tensor = F.relu(self.norm(self.blocks(self.stem(x)))).mean(dim=(2, 3))
        return features

    def logits(self, features_ND: torch.Tensor) -> torch.Tensor:
        """Features (N, D) -> class scores (N, C)."""
        scores: torch.Tensor = self.head(features_ND)
        return scores


def train_classifier(
    images: np.ndarray, labels_N: np.ndarray, device: torch.device, recipe: Mapping[str, float] = RECIPE
) -> bytes:
    """The weights of a network trained on images uint8 (N, H, W, 3) and labels int64 (N,) from 0 up, as an npz file."""
    classes, seed = int(labels_N.max()) + 1, int(recipe["seed"])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Classifier(classes).to(device)
    order = np.random.default_rng(seed)
    batch = min(int(recipe["batch_size"]), len(images))
    steps = math.ceil(images_seen(len(images), recipe) / batch)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=float(recipe["weight_decay"]))
    model.train()
    left_N = np.empty(0, dtype=np.int64)
    with torch.enable_grad(), torch.backends.cudnn.flags(deterministic=True, benchmark=False):
        for step in range(steps):
            if len(left_N) < batch:
                left_N = order.permutation(len(images))
            chosen_n, left_N = np.sort(left_N[:batch]), left_N[batch:]
            pictures = torch.from_numpy(np.asarray(images[chosen_n])).to(device).permute(0, 3, 1, 2)
            for group in optimizer.param_groups:
                group["lr"] = _rate(step / steps, recipe)
            scores = model.logits(model(_shifted(pictures, order, int(recipe["shift"]))))
            wanted = torch.from_numpy(labels_N[chosen_n]).to(device)
            loss = F.cross_entropy(scores, wanted, label_smoothing=float(recipe["label_smoothing"]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    arrays = {name: value.cpu().numpy() for name, value in model.state_dict().items() if "num_batches" not in name}
    return to_npz(**arrays)


def images_seen(n: int, recipe: Mapping[str, float] = RECIPE) -> int:
    """How many images the training of a network on `n` images sees."""
    return int(min(max(recipe["epochs"] * n, recipe["least_seen"]), recipe["most_seen"]))


def load_classifier(data: bytes, device: torch.device) -> Extractor:
    """The trained network. Raises `ValueError` for bytes that `train_classifier` does not give."""
    arrays = from_npz(data, "classifier", "head.weight")
    head = arrays["head.weight"]
    if head.ndim != 2 or head.shape[1] != DIMENSION or not 2 <= len(head) <= MOST_CLASSES:
        raise ValueError(f"damaged classifier: a last layer of shape {head.shape}")
    model = Classifier(len(head))
    expected = {name: value for name, value in model.state_dict().items() if "num_batches" not in name}
    shapes = {name: tuple(value.shape) for name, value in expected.items()}
    if {name: value.shape for name, value in arrays.items()} != shapes:
        raise ValueError("damaged classifier: it holds the weights of another network")
    tensors = {name: torch.from_numpy(np.asarray(value, np.float32)) for name, value in arrays.items()}
    if not all(tensor.isfinite().all() for tensor in tensors.values()):
        raise ValueError("damaged classifier: weights that are not numbers")
    model.load_state_dict(tensors, strict=False)
    model.to(device).eval()
    batch_size = 2048 if device.type == "cuda" else 256
    weights = hashlib.sha256(data).hexdigest()
    return Extractor("classifier", RECIPE_SHA256, DIMENSION, model, device, batch_size, model.logits, weights=weights)


def _rate(done: float, recipe: Mapping[str, float]) -> float:
    """The learning rate after a part of the training: up along a line, then down along half a cosine."""
    highest, warm = recipe["learning_rate"], recipe["warmup"]
    return highest * min(done / warm, 0.5 * (1 + math.cos(math.pi * max(0.0, done - warm) / (1 - warm))))


def _shifted(pictures: torch.Tensor, order: np.random.Generator, shift: int) -> torch.Tensor:
    """The batch, moved by a few pixels, edges repeated; one shift for all: the next batch has another."""
    most = shift * pictures.shape[-1] // SIDE
    down, right = order.integers(0, 2 * most + 1, size=2)
    padded = F.pad(pictures.float(), (most, most, most, most), mode="replicate")
    side = pictures.shape[-1]
    return padded[:, :, down : down + side, right : right + side]
