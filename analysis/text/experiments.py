"""Table 1: the networks that the paper trained and those of the store, and how far each is."""

import pandas as pd

from aesweep.analysis.data.paper import DATA_NAMES, EXPERIMENTS
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.data.trials import MODEL_NAMES, by_depth
from aesweep.analysis.text.text_tables import MISSING, Heading, TextTable

TABLE_1_ROW = ["data", "filters", "depth", "model", "network"]
"""Columns that name a row of Table 1."""
_HEADINGS = {
    "data_name": Heading("Data"),
    "filters": Heading("Filters", "whole"),
    "depth": Heading("Depth"),
    "model_name": Heading("Model"),
    "other": Heading("Other"),
    "sizes": Heading("Latent units"),
    "seeds": Heading("Seeds", "whole"),
    "done": Heading("Trials done", "whole"),
    "trials": Heading("of", "whole"),
    "papers": Heading("In Table 1"),
}


def holds_paper_data(tables: Tables) -> bool:
    """Whether any trial of the store is on a data set of the paper."""
    return bool(tables.described["data"].isin(list(DATA_NAMES)).any())


def table_1(tables: Tables) -> TextTable:
    """One row per network and data set. The paper's lines stand there, trained or not, once the store has its data."""
    ours = _networks(tables.described)
    paper = pd.DataFrame(EXPERIMENTS)[TABLE_1_ROW].assign(papers="yes")
    paper["filters"] = paper["filters"].astype("float64")
    frame = ours.merge(paper, on=TABLE_1_ROW, how="outer" if holds_paper_data(tables) else "left")
    frame["papers"] = frame["papers"].fillna("no")
    frame[["seeds", "done", "trials"]] = frame[["seeds", "done", "trials"]].fillna(0)
    frame["sizes"] = frame["sizes"].fillna(MISSING)
    frame["data_name"] = frame["data"].replace(DATA_NAMES)
    frame["model_name"] = frame["model"].replace(MODEL_NAMES)
    frame["other"] = frame["network"].where(frame["network"] != "", MISSING)
    frame = frame.sort_values(TABLE_1_ROW, key=by_depth, ignore_index=True)
    heads = dict(_HEADINGS)
    if not holds_paper_data(tables):
        del heads["papers"]
    caption = "Latent units: smallest to largest that is done, and how many sizes."
    return TextTable("table-1", "Table 1. Experiments", caption, heads, frame, tables.data_hash)


def _networks(described: pd.DataFrame) -> pd.DataFrame:
    """TABLE_1_ROW with the trials asked for, done, their seeds and their latent sizes in words."""
    done = described[described["state"] == "done"].groupby(TABLE_1_ROW)
    found = described.groupby(TABLE_1_ROW)["key"].count().rename("trials").to_frame()
    found["done"] = done["key"].count()
    found["seeds"] = done["seed"].nunique()
    sizes = done["latent_size"].agg(["min", "max", "nunique"])
    words = [_span(int(low), int(high), int(n)) for low, high, n in sizes.itertuples(index=False)]
    found["sizes"] = pd.Series(words, index=sizes.index, dtype="object")
    return found.reset_index()


def _span(low: int, high: int, sizes: int) -> str:
    return str(low) if sizes == 1 else f"{low} to {high} ({sizes})"
