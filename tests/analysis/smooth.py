"""Invented rows of the metrics of smoothness (hypothesis 1)."""

from collections.abc import Callable, Iterable

from aesweep.models.config import TrialConfig
from tests.analysis.invented import FID
from tests.analysis.typed import Edit, Rows

OF_FEATURES = ("path_stretch", "fid_straight", "fid_spherical")
LATENTS_ALONE = ("decoder_frobenius_scaled", "encoder_lipschitz", "decoder_lipschitz")


def with_smoothness(
    value: Callable[[TrialConfig, str, str], float],
    asked: Iterable[TrialConfig],
    evaluation: tuple[str, str, str] = FID,
    metrics: Iterable[str] = (*OF_FEATURES, *LATENTS_ALONE),
) -> Edit:
    """An edit that adds `value(trial, metric, source)`, at test images and at MVG samples; encoders have no samples."""
    by_key = {trial.key: trial for trial in asked}
    name, _, extractor = evaluation

    def edit(rows: Rows) -> None:
        like = dict(rows["scores"][0]) | {"evaluation": name, "stderr": 0.5, "stderr_of": "images"}
        for key, trial in by_key.items():
            for metric in metrics:
                for source in ("reconstruction", "mvg")[: 1 if metric == "encoder_lipschitz" else 2]:
                    row = {"key": key, "metric": metric, "source": source, "value": value(trial, metric, source)}
                    row["extractor"] = "none" if metric in LATENTS_ALONE else extractor
                    rows["scores"].append(like | row)

    return edit
