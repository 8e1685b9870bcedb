"""Tables 1 to 3 of the paper from a store: its networks; their scores as ours, printed, difference.

In Tables 2 and 3 a network has up to three lines: ours (mean over training seeds), the paper's as it was printed, and
the difference. Ours has as many decimals as the printed number next to it. The lowest value of each column within a width is
bold, as in the paper: in Table 2 the printed values of rivals that were not trained here take part. Printed numbers are shown
next to FIDs on the paper's data sets only; other stores get the same tables of their own numbers.
"""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from aesweep.analysis.data.optimum import optimum
from aesweep.analysis.data.paper import DATA_NAMES, EXPERIMENTS
from aesweep.analysis.data.published import RIVALS, published_scores
from aesweep.analysis.data.results import Results
from aesweep.analysis.data.scores import PRIORS, SAMPLE_SCORES, SCORES, SOURCE_NAMES
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.data.trials import MODEL_NAMES, by_depth
from aesweep.analysis.text.text_tables import MISSING, Heading, TextTable, format_score

ROW = ["filters", "model", "network", "latent_size"]
"""Columns that name a row of Tables 2 and 3; their depth is 1."""
TABLE_3_SCORES = tuple(name for name in SCORES if name != "reconstruction_train")
_NAMES = MODEL_NAMES | {
    "sigma-vae": "σ-VAE", "rae": "RAE", "rae-l2": "RAE-L2", "rae-gp": "RAE-GP", "rae-sn": "RAE-SN", "wae": "WAE-MMD", "eae": "EAE",
    "gmm-dae": "GMM-DAE",
}  # fmt: skip
"""The titles of the objectives that aesweep has; a test compares them."""
_ORDER = list(_NAMES)
_MEANT = {"cifar10-32": "rae-l2", "celeba-64": "rae-sn"}
"""Whose numbers the paper prints as RAE's: those of the variant that is the best on these data in RAE's own Table 1."""
_QUOTED_NAMES = RIVALS | dict.fromkeys(_MEANT.values(), RIVALS["rae"])
"""What the paper calls a rival that was not trained here."""
_SHORT_NETWORKS = {"": "", "batch latent norm": " (BN)"}
QUOTED = (
    "The paper quotes its rivals' numbers from three papers with other networks, losses, schedules and numbers of images: a "
    "difference of 15 from one of them says nothing about an implementation (docs/rivals.md)."
)
"""What to know before comparing ours with the number of a rival."""
OURS, PAPER, DIFFERENCE = "ours", "paper", "difference"
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
    """One row per network and data set. The paper's networks are in it, trained or not, once the store has its data."""
    ours = _networks(tables.described)
    paper = pd.DataFrame(EXPERIMENTS)[TABLE_1_ROW].assign(papers="yes")
    paper["filters"] = paper["filters"].astype("float64")
    frame = ours.merge(paper, on=TABLE_1_ROW, how="outer" if holds_paper_data(tables) else "left")
    frame["papers"] = frame["papers"].fillna("no")
    frame[["seeds", "done", "trials"]] = frame[["seeds", "done", "trials"]].fillna(0)
    frame["sizes"] = frame["sizes"].fillna(MISSING)
    frame["data_name"] = frame["data"].replace(DATA_NAMES)
    frame["model_name"] = frame["model"].replace(_NAMES)
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


def table_2(results: Results) -> TextTable | None:
    """All widths at the comparison size, with the rivals; None where there is nothing to compare."""
    size = results.comparison_size
    ours = results.of(depth="1", latent_size=size)
    ours = ours[ours["network"].isin(list(_SHORT_NETWORKS))]
    printed = _printed("2", results)
    rows = pd.concat([ours[ROW], printed[ROW]]).drop_duplicates()
    title = f"Table 2. {results.title}: {results.evaluation.title} at {size} latent units"
    return _table("table-2", title, results, cells(results, rows, SCORES, printed), SCORES)


def table_3(results: Results) -> TextTable | None:
    """Every width and model at its best latent sizes, with those that the paper lists.

    Best are the sizes with the lowest MVG and the lowest GMM score, and for VAEs the lowest N(0, I) score: the rule
    that the paper's rows follow (a DAE's N(0, I) samples are poor at every size, and not what it is chosen for).
    """
    printed = _printed("3", results)
    best = best_sizes(results)
    rows = pd.concat([best[ROW], printed[ROW]]).drop_duplicates()
    title = f"Table 3. {results.title}: {results.evaluation.title} at the best latent sizes"
    found = cells(results, rows, TABLE_3_SCORES, printed).merge(best, on=ROW, how="left")
    return _table("table-3", title, results, found, TABLE_3_SCORES)


def best_sizes(results: Results) -> pd.DataFrame:
    """One row per plain network and latent size that is its best under some score: ROW and `best_in`, in words."""
    found: dict[tuple[str, float, str, float], list[str]] = {}
    for model, filters in results.plain[["model", "filters"]].drop_duplicates().itertuples(index=False):
        for score in SAMPLE_SCORES if model == "vae" else PRIORS:
            best = optimum(results, score, model=model, filters=filters, depth="1", network="")
            if best is not None:
                words = SOURCE_NAMES[score] + (f" ({best.smooth.words})" if best.smooth else "")
                found.setdefault((filters, model, "", float(best.size)), []).append(words)
    return pd.DataFrame([(*row, ", ".join(words)) for row, words in found.items()], columns=[*ROW, "best_in"])


def cells(results: Results, rows: pd.DataFrame, scores: Iterable[str], printed: pd.DataFrame) -> pd.DataFrame:
    """One line per row and score.

    Columns: ROW, score, ours, ours_std, seeds, printed (text), published, difference, bold, paper_bold.
    """
    ours = results.of(depth="1").melt(id_vars=ROW, value_vars=list(scores), var_name="score")
    ours = ours.groupby([*ROW, "score"])["value"].agg(ours="mean", ours_std="std", seeds="count").reset_index()
    paper = printed.rename(columns={"column": "score", "value": "published"})
    paper = paper[[*ROW, "score", "printed", "published", "paper_bold"]]
    frame = rows.merge(pd.DataFrame({"score": list(scores)}), how="cross")
    frame = frame.merge(ours, on=[*ROW, "score"], how="left").merge(paper, on=[*ROW, "score"], how="left")
    frame["seeds"] = frame["seeds"].fillna(0).astype(int)
    frame["paper_bold"] = frame["paper_bold"].eq(True)
    frame["difference"] = frame["ours"] - frame["published"]
    frame["bold"] = _lowest(frame)
    order = {model: place for place, model in enumerate(_ORDER)}
    keys = frame.assign(place=frame["model"].map(order)).sort_values(["filters", "place", "network", "latent_size"])
    return frame.loc[keys.index].reset_index(drop=True)


def _lowest(frame: pd.DataFrame) -> pd.Series:
    """Where ours is the lowest of its width and score, printed values of untrained rivals included, and not the only value."""
    value = frame["ours"].fillna(frame["published"].where(~frame["model"].isin(list(MODEL_NAMES))))
    groups = value.groupby([frame["filters"], frame["score"]])
    return frame["ours"].eq(groups.transform("min")) & (groups.transform("count") > 1)


def _printed(table: str, results: Results) -> pd.DataFrame:
    """The paper's cells of one table on these data; none where they are not comparable with ours."""
    scores = published_scores(table)
    scores = scores[(scores["data"] == results.data) & results.beside_published]
    return scores.assign(model=scores["model"].replace("rae", _MEANT.get(results.data, "rae")))


def _table(name: str, title: str, results: Results, found: pd.DataFrame, scores: tuple[str, ...]) -> TextTable | None:
    if found.empty:
        return None
    lines = [line for _, row in found.groupby(ROW, sort=False) for line in _lines(results, row)]
    frame = pd.DataFrame(lines)
    heads = {"filters": Heading("Filters", "number"), "model": Heading("Model")}
    heads["latent_size"] = Heading("Latent units", "number")
    heads |= {"best_in": Heading("Lowest in")} if "best_in" in found else {}
    heads |= {"whose": Heading("")} if frame["whose"].nunique() > 1 else {}
    heads |= {score: Heading(SOURCE_NAMES[score], "number") for score in scores}
    heads |= {"seeds": Heading("Seeds", "number")}
    bold = pd.DataFrame({score: frame[f"{score}_bold"] for score in scores})
    slug = f"{name}-{results.evaluation.slug}-{results.data}"
    tidy = found.assign(data=results.data, evaluation=results.evaluation.id, metric=results.evaluation.metric)
    return TextTable(slug, title, _caption(results, found), heads, frame, results.data_hash, bold, tidy)


def _lines(results: Results, row: pd.DataFrame) -> Iterable[dict[str, object]]:
    """The lines of one network: ours, but for a rival without a score; the paper's and the difference where it printed one."""
    first = row.iloc[0]
    has_ours = first["model"] in MODEL_NAMES or row["ours"].notna().any()
    titles = _NAMES if has_ours else _QUOTED_NAMES
    model = titles.get(first["model"], first["model"]) + _SHORT_NETWORKS[first["network"]]
    names = {"filters": f"{first['filters']:.0f}", "model": model, "latent_size": f"{first['latent_size']:.0f}"}
    names["best_in"] = first["best_in"] if isinstance(first.get("best_in"), str) else MISSING
    least, most = row["seeds"].min(), row["seeds"].max()
    seeds = f"{most}" if least == most else f"{least}–{most}"
    nothing = dict.fromkeys([*names, "seeds"], "")
    printed = row["printed"].notna().any()
    if has_ours:
        texts = [_written(results, *cell) for cell in row[["ours", "ours_std", "printed"]].itertuples(index=False)]
        yield {**names, "whose": OURS, "seeds": seeds, **_cells(row, texts, row["bold"])}
    if printed:
        texts = row["printed"].fillna(MISSING).tolist()
        yield {
            **(nothing if has_ours else names),
            "whose": PAPER,
            "seeds": "",
            **_cells(row, texts, row["paper_bold"]),
        }
    if printed and row["difference"].notna().any():
        pairs = zip(row["difference"], row["printed"], strict=True)
        texts = [MISSING if pd.isna(value) else f"{value:+.{decimals(paper)}f}" for value, paper in pairs]
        yield {**nothing, "whose": DIFFERENCE, **_cells(row, texts, np.zeros(len(row), dtype=bool))}


def _cells(row: pd.DataFrame, texts: list[str], bold: Iterable[bool]) -> dict[str, object]:
    scores = row["score"].tolist()
    marks = {f"{score}_bold": bool(mark) for score, mark in zip(scores, bold, strict=True)}
    return {**dict(zip(scores, texts, strict=True)), **marks}


def _written(results: Results, value: float, std: float, printed: object) -> str:
    """Our mean, with the standard deviation over seeds where there are several."""
    if pd.isna(value):
        return MISSING
    write: Callable[[float], str] = format_score
    if results.beside_published:
        places = decimals(printed) if isinstance(printed, str) else (2 if value < 100 else 1)
        write = f"{{:.{places}f}}".format
    return write(value) if pd.isna(std) else f"{write(value)} ± {write(std)}"


def decimals(printed: str) -> int:
    """Digits after the point of a printed number."""
    return len(printed.partition(".")[2])


def _caption(results: Results, found: pd.DataFrame) -> str:
    parts = ["Lowest value of each width in bold."]
    if found["published"].notna().any():
        parts.append("Paper: as printed, its own bold. Difference: ours minus paper.")
    quoted = set(found.loc[found["published"].notna(), "model"]) - set(MODEL_NAMES)
    if quoted:
        parts.append(QUOTED)
    if meant := quoted & set(_MEANT.values()):
        parts.append(f"Its RAE is {' or '.join(_NAMES[model] for model in sorted(meant))}.")
    if (found["seeds"] > 1).any():
        parts.append("Ours: mean ± standard deviation over training seeds.")
    if "best_in" in found:
        parts.append(
            "Lowest in: the columns for which this latent size is the best of its network (MVG, GMM; N(0, I) for VAEs "
            "only); a dash marks a size that only the paper lists."
        )
        if found["best_in"].str.contains("smoothed", na=False).any():
            parts.append(
                "Smoothed: where a Gaussian process through the means is lowest, with a 95 % interval over seeds."
            )
    parts += [f"{results.notice}."] if results.notice else []
    return " ".join(filter(None, [*parts, results.aside_notice]))
