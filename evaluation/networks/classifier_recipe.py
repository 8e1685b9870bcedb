"""The recipe of the extractor `classifier`, and its SHA-256, which is part of an evaluation's id. Imports no torch.

Never change a number here without a new `version`: scores of two recipes must not share an id.
"""

from hashlib import sha256
from pathlib import Path

from aesweep.models.identity import canonical_json

RECIPE: dict[str, float] = {
    "version": 1,
    "seed": 0,
    "side": 32,
    "batch_size": 128,
    "epochs": 10,
    "least_seen": 30_000,
    "most_seen": 200_000,
    "learning_rate": 0.004,
    "warmup": 0.15,
    "weight_decay": 0.05,
    "label_smoothing": 0.1,
    "shift": 3,
}
RECIPE_SHA256 = sha256(canonical_json(["classifier", RECIPE]).encode()).hexdigest()


def recipe_sha256(_: Path) -> str:
    """The SHA-256 that an evaluation names in place of the weights', which are not trained yet."""
    return RECIPE_SHA256
