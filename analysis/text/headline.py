"""What must be known before the numbers are read, and the best network of each model under each score."""

from collections.abc import Iterable, Sequence

import pandas as pd

from aesweep.analysis.axes.sweep import Sweep
from aesweep.analysis.data.evaluations import Evaluation
from aesweep.analysis.data.ranking import FEW_SEEDS, NETWORK, Ranking, rank, with_scores
from aesweep.analysis.data.results import Results, notices
from aesweep.analysis.data.scores import SCORES, SOURCE_NAMES
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.data.trials import MODEL_NAMES, short_names
from aesweep.analysis.text.summary import lowest
from aesweep.analysis.text.text_tables import Heading, TextTable, format_score
from aesweep.sweep.tables.schemas import STILL_IMPROVING


def warnings(tables: Tables, sweeps: Sequence[Sweep]) -> list[str]:
    """What must be known before the numbers are read: wishes that were not met, models that learnt nothing."""
    found = list(dict.fromkeys(notice for one in sweeps for notice in one.layout.notices))
    nothing_learnt = tables.trials.loc[tables.trials["test_bce"] >= tables.trials["mean_image_bce"], "key"]
    useless = len(nothing_learnt)
    trained = int(tables.trials["test_bce"].notna().sum())
    if useless:
        which = (
            "The only trained model reconstructs"
            if trained == 1
            else f"{useless:,} of {trained:,} trained models{_shared(sweeps, nothing_learnt)} reconstruct"
        )
        found.append(
            f"{which} the test images no better than the mean training image does: the scores of such models say little. "
            "Compare “Test BCE” with “Mean-image BCE” in the table of trials; more epochs may help."
        )
    if improving := int((tables.trials["late_improvement"] > STILL_IMPROVING).sum()):
        found.append(
            f"{improving:,} of {trained:,} trained models were still improving fast at the end of their training (more than "
            f"{STILL_IMPROVING:.0%} of the fall of the loss came in the last tenth of the epochs, at least one): more epochs would "
            "help them."
        )
    return found


def _shared(sweeps: Sequence[Sweep], keys: pd.Series) -> str:
    """What several of these trials have in common among the fields that vary: `, all with beta 1,`; "" for nothing."""
    every = next(
        (one.layout.axes for one in sweeps if len(keys) > 1 and keys.isin(one.layout.axes.trials["key"]).all()), None
    )
    if every is None:
        return ""
    mine = every.trials["key"].isin(keys).to_numpy()
    places = [(axis, set(axis.places[mine].tolist())) for axis in every.every]
    words = [axis.phrase(*found) for axis, found in places if len(found) == 1 and min(found) >= 0]
    return f", all with {' and '.join(words)}," if words else ""


def best_table(tables: Tables, evaluation: Evaluation, results: Iterable[Results] = ()) -> TextTable:
    """One row per data set, score and model: the network with the lowest mean over seeds, and its interval."""
    trials = with_scores(tables, evaluation)
    ranked = [
        (str(data), score, str(model), ranking)
        for (data, model), part in trials.groupby(["data", "model"])
        for score in SCORES
        if (ranking := rank(part, score)) is not None
    ]
    rows = [_best_row(*one) for one in ranked]
    frame = pd.DataFrame(rows, columns=[*_BEST, *NETWORK[1:]])
    order = frame["score"].map({name: place for place, name in enumerate(SCORES)})
    frame = frame.assign(order=order).sort_values(["data", "order", "model"], kind="stable", ignore_index=True)
    frame["network"] = short_names(frame)
    headings = {"data": Heading("Data"), "score_name": Heading("Score"), "model_name": Heading("Model")}
    headings |= {
        "value": Heading("Lowest mean", "score"),
        "interval": Heading("±, 95 %"),
        "seeds": Heading("Seeds", "whole"),
    }
    headings |= {"network": Heading("Reached by"), "as_good": Heading("As good", "whole")}
    what = (
        "The network with the lowest mean over training seeds (f filters, d depth, z latent units), and how many others may "
        "be as good; the lowest of the models in bold. ± needs two seeds."
    )
    few = FEW_SEEDS if any(ranking.few_seeds for *_, ranking in ranked) else ""
    caption = " ".join(filter(None, [what, few, notices(results, evaluation)]))
    shown = frame[[*_BEST, "network"]]
    bold = lowest(shown, ["data", "score"], ["value"])
    title = f"Best networks: {evaluation.title}"
    return TextTable(f"best-{evaluation.slug}", title, caption, headings, shown, tables.data_hash, bold)


_BEST = ["data", "score", "score_name", "model", "model_name", "value", "half_width", "interval", "seeds", "as_good"]


def _best_row(data: str, score: str, model: str, ranking: Ranking) -> dict[str, object]:
    network = ranking.networks.iloc[0]
    half = ranking.best.half_width
    return {
        **{name: network[name] for name in NETWORK},
        "data": data,
        "score": score,
        "score_name": SOURCE_NAMES[score],
        "model": model,
        "model_name": MODEL_NAMES.get(model, model),
        "value": network["mean"],
        "half_width": half,
        "interval": format_score(half),
        "seeds": network["seeds"],
        "as_good": float(len(ranking.as_good)) if ranking.known else float("nan"),
    }
