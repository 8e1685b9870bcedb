"""Which trials belong together: the data they saw and the variant they are.

A curve joins trials that differ in latent size only, and averages trials that differ in seed only. Any other field of
`TrialConfig` that differs must therefore show in a name: `data` (what distances may be compared within) or `variant`,
which is made of `network` (words for what Table 1 varies on the plain network), `weight` (a VAE's beta, and the parameters of
other models) and `schedule` (every further field), the last two only where they are not the same in all trials on these data;
of parameters, in those of the same model.
"""

import math
import re
from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple, cast

import pandas as pd

from aesweep.analysis.data.paper import DATA_NAMES
from aesweep.sweep.tables.schemas import CONFIG_FIELDS

_IN_WORDS = {
    "data": "dataset data_identity data_label image_size channels resize".split(),
    "axes": "model filters depth latent_size seed".split(),
    "network": "architecture latent_norm noise_std noise_position freeze_latent conv_norm".split(),
    "weight": "beta parameters plugin_versions".split(),
}
"""Fields that have words or a place of their own, by where they show."""
FURTHER_FIELDS = [name for name in CONFIG_FIELDS if name not in chain.from_iterable(_IN_WORDS.values())]
"""All others, those of a later version included: named only where trials on the same data hold several values of them."""
CURVE = ["data", "model", "filters", "depth", "variant"]
"""Columns that name a curve."""
TITLES = {"latent_size": "latent units", "filters": "filters", "noise_std": "noise", "conv_norm": "batch norm"}
TITLES |= {"learning_rates": "learning rate", "learning_rate_drops": "rate drops", "bn_momentum": "batch norm momentum"}
TITLES |= {"warmup_learning_rate": "warmup rate", "freeze_latent": "frozen latent"}
"""Field -> its name in headings; any other field is written with spaces."""
MODEL_NAMES = {"dae": "DAE", "vae": "VAE"}
PAPER_WIDTH = 128
"""The width at which Table 1 varies noise, normalisation and frozen latents."""
NOISE, NORM = r"noise [0-9.e+-]+", r"(batch|spectral|layer) latent norm"
"""`network` of a trial of which nothing but the noise on the decoder's input, or the latents' normalisation, is varied."""


def describe(trials: pd.DataFrame) -> pd.DataFrame:
    """A copy of the trials table with the text columns of the module's head, sorted by curve, latent size and seed."""
    described = trials.copy()
    described["data"] = data_names(trials)
    described["network"] = _joined(_network(trials))
    everywhere = pd.Series(True, index=trials.index)
    of_models = [_named(described, name, everywhere, "data", "model") for name in ("parameters", "plugin_versions")]
    # A DAE has no KL term.
    described["weight"] = _joined([_named(described, "beta", described["model"] == "vae"), *of_models])
    described["schedule"] = _joined([_named(described, name, everywhere) for name in FURTHER_FIELDS])
    parts = [", " + described[name] for name in ("network", "weight", "schedule")]
    described["variant"] = _joined([part.where(part != ", ", "") for part in parts])
    return described.sort_values([*CURVE, "latent_size", "seed", "key"], key=by_depth, ignore_index=True)


class Curve(NamedTuple):
    """The trials on one data set that differ in latent size and seed only."""

    model: str
    filters: int
    depth: str
    variant: str

    @property
    def network(self) -> tuple[int, str, str]:
        """What a DAE and a VAE of the same network share."""
        return self.filters, self.depth, self.variant

    @property
    def label(self) -> str:
        """Words for a legend, such as `DAE, 128 filters, depth 3-3-2-1, frozen latent`."""
        depth = f"depth {self.depth}" if self.depth != "1" else ""
        words = [MODEL_NAMES.get(self.model, self.model), f"{self.filters} filters", depth, self.variant]
        return ", ".join(filter(None, words))


def curves(described: pd.DataFrame) -> list[tuple[Curve, pd.DataFrame]]:
    """The rows of one data set by curve, in the order in which the curves appear."""
    groups = described.groupby(CURVE[1:], sort=False, observed=True)
    names = [cast(tuple[str, float, str, str], name) for name, _ in groups]
    rows = [group for _, group in groups]
    return [(Curve(m, int(f), d, v), group) for (m, f, d, v), group in zip(names, rows, strict=True)]


def short_names(trials: pd.DataFrame) -> pd.Series:
    """The network of each trial for a column of a table: `f16 d3 z64, noise 0.1`."""
    filters, size = (trials[name].map("{:.0f}".format).astype("str") for name in ("filters", "latent_size"))
    depth = (" d" + trials["depth"]).where(trials["depth"] != "1", "")
    variant = (", " + trials["variant"]).where(trials["variant"] != "", "")
    return ("f" + filters + depth + " z" + size + variant).astype("str")


def depth_order(depth: str) -> tuple[int, ...]:
    """Sorts "3-3-2-1" by its number of layers between the uniform "2" and "3", which are short for all four stages."""
    stages = tuple(int(stage) for stage in depth.split("-"))
    stages = stages * 4 if len(stages) == 1 else stages
    return (sum(stages), *stages)


def by_depth(column: pd.Series) -> pd.Series:
    """The key of `sort_values`: depths by `depth_order`, other columns as they are."""
    if column.name != "depth":
        return column
    place = {depth: i for i, depth in enumerate(sorted(column.unique(), key=depth_order))}
    return column.map(place)


def varied_daes(trials: pd.DataFrame, pattern: str) -> pd.DataFrame:
    """The DAEs of depth 1 whose `network` is of a pattern: any level of noise, any norm."""
    return trials[(trials["model"] == "dae") & (trials["depth"] == "1") & trials["network"].str.fullmatch(pattern)]


def varied_width(varied: pd.DataFrame, scores: Iterable[str]) -> int | None:
    """The width at which something was varied: the one nearest to 128 among these trials with a score; None without any."""
    varied = varied[varied[list(scores)].notna().any(axis=1)]
    return nearest_width(varied["filters"]) if len(varied) else None


def nearest_width(filters: Iterable[float], target: int = PAPER_WIDTH) -> int:
    """The width nearest to `target` by ratio, of two equally near ones the wider."""
    return min({int(width) for width in filters}, key=lambda width: (abs(math.log2(width / target)), -width))


def data_names(trials: pd.DataFrame) -> pd.Series:
    """Data set with image size, such as `cifar10-32`, `faces-64`, `folder-1a2b3c4d-64`, `celeba-64-lanczos`, `stripes-1.0-32-grey`.

    A name that somebody gave to several folders is followed by their identities.
    """
    version = trials["plugin_versions"].str.extract(r"\bdataset \S+ ([^,\s]+)", expand=False)
    identity = ("-" + trials["data_identity"].str[:8]).where(trials["data_identity"] != "none", "")
    is_named = trials["data_label"] != "none"
    is_clear = is_named & (trials.groupby("data_label")["data_identity"].transform("nunique") == 1)
    dataset = trials["dataset"].where(~is_named, trials["data_label"]) + identity.where(~is_clear, "")
    resize = ("-" + trials["resize"]).where(trials["resize"] != "bilinear", "")
    size = trials["image_size"].map("{:.0f}".format).astype("str")
    grey = pd.Series("-grey", index=trials.index).where(trials["channels"] == 1, "")
    return (dataset + ("-" + version).fillna("") + "-" + size + resize + grey).astype("str")


def data_title(name: str) -> str:
    """A name of `data_names` for headings: `CIFAR-10`, `faces-64`, `Own images at 32 pixels (folder-1a2b3c4d)`."""
    unnamed = re.fullmatch(r"(folder-[0-9a-f]{8})-(\d+)(.*)", name)
    if unnamed is None:
        return DATA_NAMES.get(name, name)
    folder, size, rest = unnamed.groups()
    return f"Own images at {size} pixels{rest.replace('-', ', ')} ({folder})"


def _network(trials: pd.DataFrame) -> list[pd.Series]:
    """Words for an architecture other than `conv` and for the axes of Table 1 except width and depth; "" for default values."""
    noise = "noise " + trials["noise_std"].map("{:g}".format).astype("str")
    noise = noise.where(trials["noise_position"] == "decoder_input", noise + " on the " + trials["noise_position"])
    return [
        _words(trials["architecture"], trials["architecture"] != "conv"),
        _words(trials["latent_norm"] + " latent norm", trials["latent_norm"] != "none"),
        _words(noise, trials["noise_std"] > 0),
        _words("frozen latent", trials["freeze_latent"].astype(bool)),
        _words("no batch norm", ~trials["conv_norm"].astype(bool)),
    ]


def _joined(parts: list[pd.Series]) -> pd.Series:
    """Comma-separated words out of parts that are "" or begin with a comma."""
    joined = pd.Series("", index=parts[0].index, dtype="str")
    for part in parts:
        joined = joined + part
    return joined.str.removeprefix(", ").astype("str")


def _named(trials: pd.DataFrame, name: str, counts: pd.Series, *within: str) -> pd.Series:
    """`name value` if the trials in `counts` on the same data (or equal in `within`) have several values, otherwise ""."""
    if trials.loc[counts, name].nunique(dropna=False) < 2:
        return pd.Series("", index=trials.index, dtype="str")
    alike = trials[counts].groupby(list(within) or "data", observed=True)[name]
    differ = alike.transform(lambda held: held.nunique(dropna=False)).reindex(trials.index) > 1
    values = trials[name].map(_value).astype("str")
    return _words(f"{TITLES.get(name, name.replace('_', ' '))} " + values, differ & counts)


def _value(value: str | float | None) -> str:
    if pd.isna(value):
        return "unknown"
    return f"{value:g}" if isinstance(value, float | int) and not isinstance(value, bool) else str(value)


def _words(text: pd.Series | str, where: pd.Series) -> pd.Series:
    return (", " + pd.Series(text, index=where.index, dtype="str")).where(where, "").astype("str")
