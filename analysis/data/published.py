"""The paper's own numbers (`paper_values.csv`): Tables 2 and 3, and those in its text.

A value keeps the text in which it was printed, so that a table can be shown digit for digit. `published_tables` turns
the DAE and VAE rows into the tables of a store, so that everything that reads a sweep (tables, figures, claims) reads
the paper as well. Rivals (WAE, RAE, EAE, GMM-DAE) were not trained here or there: they are values to show next to ours.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from aesweep.analysis.data.paper import SCORING, SETTINGS, VAE_SETTINGS
from aesweep.analysis.data.tables import Tables, frame_of

VALUES_FILE = Path(__file__).parents[1] / "paper_values.csv"
RIVALS = {"wae": "WAE", "rae": "RAE", "eae": "EAE", "gmm-dae": "GMM-DAE"}
DATA = {"cifar10": "cifar10-32", "celeba": "celeba-64"}
MISPLACED = "so this row is not at 64"
"""In the remark on the row of Table 2 for CelebA and 128 filters, whose numbers are those of 128 latent units (Table 3)."""
PRINTED_ROW = ["data", "filters", "depth", "model", "network", "latent_size"]
"""Columns that name a printed row."""


@lru_cache(maxsize=1)
def published_values() -> pd.DataFrame:
    """The file as it is, with `data` and `network` as in `aesweep.analysis.data.trials.describe`, and `value` as a number.

    Copy before you change it.
    """
    values = pd.read_csv(
        VALUES_FILE, dtype={"printed": "str", "table": "str", "depth": "str"}, keep_default_na=False, na_values=[""]
    )
    text = ["depth", "model", "latent_norm", "note"]
    values[text] = values[text].fillna("")
    values["data"] = values["dataset"].map(DATA)
    values["network"] = (values["latent_norm"] + " latent norm").where(~values["latent_norm"].isin(["", "none"]), "")
    values["value"] = values["printed"].astype("float64")
    return values


def published_scores(table: str | None = None) -> pd.DataFrame:
    """The printed distances of one table, or of all with each cell once (Tables 2 and 3 share some)."""
    values = published_values()
    scores = values[values["filters"].notna()]
    if table is not None:
        return scores[scores["table"] == table]
    return scores.drop_duplicates([*PRINTED_ROW, "column"])


def section_5(data: str) -> dict[str, float]:
    """Data dimension, training images and parameter ranges that Section 5 names for a data set; empty for others."""
    values = published_values()
    rows = values[(values["data"] == data) & values["filters"].isna()]
    return dict(zip(rows["column"], rows["value"], strict=True))


def published_tables(corrected: bool = False) -> Tables:
    """The paper's DAEs and VAEs as the tables of a finished store, scored by FID.

    As printed, or `corrected`: with the row of Table 2 that is printed at the wrong latent size at its own.
    """
    rows = published_scores()
    rows = rows[rows["model"].isin(["dae", "vae"])].copy()
    if corrected:
        rows.loc[rows["note"].str.contains(MISPLACED, regex=False), "latent_size"] = 128
        rows = rows.drop_duplicates([*PRINTED_ROW, "column"])
    rows["key"] = rows.groupby(PRINTED_ROW, sort=False).ngroup().map("{:012x}".format)
    return Tables(Path("paper"), trials=_trials(rows.drop_duplicates("key")), scores=_scores(rows), data_hash="paper")


def _trials(rows: pd.DataFrame) -> pd.DataFrame:
    fixed: dict[str, Any] = {"state": "done", "resize": "bilinear", "data_identity": "none", "data_label": "none"}
    fixed |= {"sweep": "paper", "architecture": "conv", "channels": 3, "plugin_versions": "none"}
    fixed |= {"noise_position": "decoder_input", "noise_std": 0.0, "seed": 0, "precision": "fp32", "pictures": "none"}
    fixed |= {**SETTINGS, **VAE_SETTINGS, "freeze_latent": False, "conv_norm": True}
    columns = {
        **{name: rows[name] for name in ("key", "dataset", "filters", "depth", "model", "latent_norm", "latent_size")},
        "name": rows["dataset"] + "-" + rows["model"] + "-" + rows["key"],
        "image_size": rows["data"].str.rsplit("-", n=1).str[1].astype("float64"),
    }
    return frame_of("trials", pd.DataFrame(columns).assign(**fixed))


def _scores(rows: pd.DataFrame) -> pd.DataFrame:
    source = rows["column"].str.replace(r"_(train|test)$", "", regex=True)
    frame = pd.DataFrame({"key": rows["key"], "source": source, "value": rows["value"]})
    frame["split"] = rows["column"].str.extract(r"_(train|test)$")[0].fillna("test")
    frame = frame.assign(
        evaluation="paper", metric="fid", extractor="inception-2015", extractor_sha256="none", sampling_seed=0
    )
    frame = frame.assign(
        **SCORING, stderr=float("nan"), stderr_of="none", stderr_shared="", changed_settings="none", note=""
    )
    frame["gmm_components"] = frame["gmm_components"].where(frame["source"] == "gmm")
    of_latents = (rows["model"] == "vae") & frame["source"].isin(["mvg", "gmm"])
    frame["vae_latents"] = of_latents.map({True: "mean", False: "none"})
    return frame_of("scores", frame)


def slips() -> list[str]:
    """The remarks on printed numbers, each once, in the order of the file."""
    notes = published_values()["note"]
    return [note for note in dict.fromkeys(notes) if "slip" in note or "against the text" in note]
