"""The model card: what a person on the Hugging Face Hub reads, and its YAML head, which the Hub reads.

Texts of a store (notes, sources, names) may come from anybody: they are shown as code, on one line, and nothing else of
Markdown or HTML is made of them.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from aesweep.evaluation.rows import ScoreRow
from aesweep.models.config import TrialConfig
from aesweep.models.errors import one_line
from aesweep.models.objectives.registry import OBJECTIVES
from aesweep.sweep.store.records.commits import ScoresRecord, TrainingRecord

HUB_NAMES = {"cifar10": "uoft-cs/cifar10"}
"""Data sets that the Hub has under a name of its own."""
DATA = {
    "cifar10": "CIFAR-10",
    "celeba": "CelebA",
    "digits": "the handwritten digits of scikit-learn",
    "folder": "a folder of images",
}
DISTANCES = ("fid", "fd")


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a card says."""

    config: TrialConfig
    training: TrainingRecord
    scores: ScoresRecord | None
    priors: Mapping[str, str]
    """Prior -> what its fit noted."""
    left_out: Mapping[str, str]
    """What is not in the export -> why."""
    pictures: Sequence[str]
    """Names of picture files."""
    provenance: Mapping[str, str] = field(default_factory=dict)
    onnx_difference: float | None = None
    """Largest difference of the ONNX files from torch; None without them."""

    @property
    def _data_name(self) -> str:
        """The user's name for a folder of images, otherwise that of the data set."""
        return self.config.data_label or self.config.dataset

    def text(self) -> str:
        """The README.md."""
        return "\n\n".join(["---\n" + yaml.safe_dump(self._head(), sort_keys=False) + "---", *self._parts()]) + "\n"

    def _head(self) -> dict[str, Any]:
        head: dict[str, Any] = {
            "library_name": "pytorch",
            "pipeline_tag": "image-feature-extraction",
            "tags": ["autoencoder", "aesweep", self.config.model, self._data_name],
        }
        if self.config.dataset in HUB_NAMES:
            head["datasets"] = [HUB_NAMES[self.config.dataset]]
        metrics = [
            {"type": row.metric, "value": row.value, "name": f"{row.metric}, {row.source} ({row.split})"}
            for row in _distances(self.scores)
        ]
        if metrics:
            data = {
                "type": HUB_NAMES.get(self.config.dataset, self._data_name),
                "name": self.config.data_label or DATA.get(self.config.dataset, self.config.dataset),
            }
            task = {"type": "image-feature-extraction"}
            head["model-index"] = [
                {"name": self.config.name, "results": [{"task": task, "dataset": data, "metrics": metrics}]}
            ]
        return head

    def _parts(self) -> Iterable[str]:
        config, result = self.config, self.training.result
        title = OBJECTIVES.get(config.model, "model").title
        yield f"# {config.name}"
        yield (
            f"An autoencoder ({title}) with {config.latent_size} latent units, trained on "
            f"{DATA[config.dataset] if self._data_name in DATA else _code(self._data_name)} "
            f"({result.images_train:,} images of {config.image_size} × {config.image_size} pixels) by aesweep."
        )
        yield self._usage()
        yield f"## Scores\n\n{self._scores()}"
        if self.pictures:
            yield "## Pictures\n\n" + "\n\n".join(
                f"{_title(name)}\n\n![{_title(name)}]({name})" for name in self.pictures
            )
        yield f"## Data\n\n{_table(self._data())}"
        yield f"## Training\n\n{_table(self._training())}"
        yield f"## Where it comes from\n\n{_table(self.provenance)}"

    def _usage(self) -> str:
        example = next(
            (name for name in ("gmm", "mvg", "standard_normal") if name in self.priors), next(iter(self.priors), "")
        )
        lines = ["## Use it", "`load_model.py` needs torch alone.", ""]
        lines += ["```python", "from load_model import load_model", "", "model = load_model()"]
        height, width, channels = self.config.image_shape
        lines += [f'pictures = model.sample("{example}", 16)  # (16, {channels}, {height}, {width}) in [0, 1]'] * bool(
            example
        )
        lines += [
            "latents = model.encode(pictures)" if example else "latents = model.encode(images)  # float32 in [0, 1]"
        ]
        lines += ["again = model.decode(latents)", "```", ""]
        lines += [f"Priors: {', '.join(map(_code, self.priors)) or 'none, since it was not scored'}."]
        lines += [
            f"The prior {_code(name)} was fitted with a reservation: {_code(note)}."
            for name, note in self.priors.items()
            if note
        ]
        lines += [f"Not in this folder: {_code(name)} ({_code(why)})." for name, why in self.left_out.items()]
        if self.onnx_difference is not None:
            lines += [
                f"`encoder.onnx` and `decoder.onnx` hold the same network; onnxruntime differs from torch by {self.onnx_difference:.0e} "
                "of the largest output."
            ]
        return "\n".join(lines)

    def _scores(self) -> str:
        if self.scores is None:
            return "Not scored."
        settings = self.scores.evaluation
        network = _code(settings.get("extractor", "none"))
        about = f"Evaluation {_code(self.scores.id)}, feature network {network}. Lower distances are better; “±” is a standard error."
        heads = (
            "| source | split | metric | value | ± | images | seed | remark |\n|---|---|---|---:|---:|---:|---:|---|"
        )
        return "\n".join(
            [about, "", heads, *map(_row, sorted(self.scores.rows, key=lambda row: row.metric not in DISTANCES))]
        )

    def _data(self) -> dict[str, str]:
        config, result = self.config, self.training.result
        found = {
            "data set": self._data_name,
            "images": f"{result.images_train:,} for training, {result.images_test:,} for the test",
        }
        if config.data_identity:
            found["SHA-256 of its content"] = config.data_identity
        return found | {
            "pixels": f"{config.image_size} × {config.image_size}, {'RGB' if config.channels == 3 else 'grey'}, divided by 255",
            "resized": config.resize,
        }

    def _training(self) -> dict[str, str]:
        config, result = self.config, self.training.result
        others = {
            name: str(value)
            for name, value in config.to_json().items()
            if name not in ("dataset", "data_identity", "data_label", "resize") and value != ""
        }
        found = {
            "test cross-entropy": f"{result.test_bce:.5g} nats per pixel value (mean image: {result.mean_image_bce:.5g})",
            "final loss": f"{result.final_loss:.5g}",
            "seconds": f"{result.train_seconds:.4g}",
            "device": result.device,
            "precision used": result.precision_used,
        }
        return found | others


def _distances(scores: ScoresRecord | None) -> list[ScoreRow]:
    rows = scores.rows if scores is not None else ()
    return [row for row in rows if row.metric in DISTANCES and row.value is not None and math.isfinite(row.value)]


def _row(row: ScoreRow) -> str:
    value = "none" if row.value is None else f"{row.value:.5g}"
    error = "" if row.stderr is None else f"{row.stderr:.2g}"
    cells = [
        _code(row.source),
        _code(row.split),
        _code(row.metric),
        value,
        error,
        f"{row.n:,}",
        str(row.sampling_seed),
        _code(row.note),
    ]
    return f"| {' | '.join(cells)} |"


def _table(values: Mapping[str, str]) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {_code(value)} |" for name, value in values.items())])


def _title(picture: str) -> str:
    return picture.rpartition("/")[2].removesuffix(".png").replace("-", " ").replace("_", " ")


def _code(text: object) -> str:
    """A text on one line that Markdown shows as it is."""
    safe = one_line(str(text)).replace("`", "'").replace("|", "\\|")
    return f"`{safe}`" if safe else ""
