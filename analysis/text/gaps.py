"""What a complete report would also hold, each gap with its reason and the command that fills it.

Cells of the paper's tables, trials that are not finished, distances of an evaluation that has not seen a trial; the scores of
all metrics that were asked for are in `missing_scores.py`.
"""

import shlex

import numpy as np
import pandas as pd

from aesweep.analysis.commands import evaluate, every_spec, resume
from aesweep.analysis.data.evaluations import FID_EXTRACTOR, Evaluation, evaluations_of, frechet_rows
from aesweep.analysis.data.paper import DATA_NAMES, EXPERIMENTS, SETTINGS, Experiment
from aesweep.analysis.data.published import published_scores
from aesweep.analysis.data.results import Results
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.data.trials import MODEL_NAMES
from aesweep.analysis.text.missing_scores import GAP, missing_scores, unmeasured
from aesweep.analysis.text.paper_tables import holds_paper_data
from aesweep.analysis.text.text_tables import Heading, TextTable

_SETTABLE = [name for name, value in SETTINGS.items() if isinstance(value, int | float)]


def gaps(tables: Tables, results: list[Results]) -> TextTable:
    """Cells and figures of the paper first, then unfinished trials, then single scores."""
    trials = tables.described[["key", "name", "state", "sweep", "latest"]]
    parts = [_paper_gaps(tables, results), _unfinished(trials, tables), missing_scores(tables)]
    parts += [_unscored(tables, trials, evaluation) for evaluation in evaluations_of(tables).shown]
    parts.append(unmeasured(tables))
    frame = pd.concat(parts, ignore_index=True).astype("str")
    heads = {"what": Heading("Missing"), "reason": Heading("Reason"), "command": Heading("Command", "code")}
    caption = "" if len(frame) else "Nothing is missing."
    return TextTable("missing", "What is missing", caption, heads, frame, tables.data_hash)


def _paper_gaps(tables: Tables, results: list[Results]) -> pd.DataFrame:
    """Cells of Tables 2 and 3, and networks of Table 1 without a score: once the store has data of the paper."""
    if not holds_paper_data(tables):
        return pd.DataFrame(columns=GAP)
    scored = {r.data: r for r in results if r.beside_published}
    rows = [_gap(tables, scored.get(e.data), e) for e in EXPERIMENTS]
    return pd.DataFrame([row for row in rows if row], columns=GAP)


def _gap(tables: Tables, results: Results | None, experiment: Experiment) -> dict[str, str] | None:
    """What the report lacks of one line of Table 1; None where it has all."""
    columns = {"model": experiment.model, "filters": experiment.filters, "depth": experiment.depth}
    network = {**columns, "network": experiment.network}
    sizes = set() if results is None else set(results.by_seed("gmm", **network).index.astype(int))
    wanted = _printed_sizes(experiment)
    if sizes and wanted <= sizes:
        return None
    lacking = sorted(wanted - sizes)
    at = f" at {', '.join(map(str, lacking))} latent units" if lacking and sizes else ""
    words = [MODEL_NAMES[experiment.model], f"{experiment.filters} filters", f"depth {experiment.depth}"]
    words += [experiment.network] if experiment.network else []
    asked = tables.described
    for name, value in {**network, "data": experiment.data}.items():
        asked = asked[asked[name] == value]
    asked = asked[asked["latent_size"].isin(lacking)] if sizes else asked
    done = bool(len(asked)) and bool((asked["state"] == "done").all())
    return {
        "what": f"{DATA_NAMES[experiment.data]}: {', '.join(words)}{at} ({_places(experiment)})",
        "reason": "no FID" if done else ("not finished" if len(asked) else "not in this store"),
        "command": _fill(tables, experiment, asked, done),
    }


def _fill(tables: Tables, experiment: Experiment, asked: pd.DataFrame, done: bool) -> str:
    """The command that computes the scores of a line of Table 1; `asked` are the line's trials in the store."""
    store = tables.quoted
    if done:
        return evaluate(store, asked, "--extractor", FID_EXTRACTOR)
    if len(asked):
        return resume(store, asked)
    trials = tables.described[tables.described["data"] == experiment.data]
    settings = [
        f"--set {name}={values[0]:g}"
        for name in _SETTABLE
        if len(values := trials[name].unique()) == 1 and values[0] != SETTINGS[name]
    ]
    command = ["aesweep", "launch", experiment.preset, "--store", store, "--only", shlex.quote(experiment.block)]
    return " ".join([*command, *settings, "--add"])


def _printed_sizes(experiment: Experiment) -> set[int]:
    """Latent sizes at which the paper prints scores of a network."""
    printed = published_scores()
    for name in ("data", "model", "filters", "depth", "network"):
        printed = printed[printed[name] == getattr(experiment, name)]
    return set(printed["latent_size"].astype(int))


def _places(experiment: Experiment) -> str:
    """Where in the report the network would be shown."""
    match experiment.network:
        case "frozen latent":
            return "Figure 3"
        case network if "latent norm" in network:
            return "Figure 4" + (", Table 2" if network.startswith("batch") else "")
        case network if "noise" in network:
            return "the claims about noise"
    return "Figures 1 to 5, Tables 2 and 3" if experiment.depth == "1" else "Figures 2 and 5"


def _unfinished(trials: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    rows = trials[trials["state"] != "done"]
    latest = trials.loc[trials["latest"].ne(False), "sweep"]
    replaced = rows["latest"].eq(False) & rows["sweep"].isin(latest) & (rows["state"] == "failed")
    last = tables.last_failures.set_index("key")
    reasons = rows["key"].map((last["type"] + ": " + last["message"]).astype("object")).astype("object")
    waiting = {"pending": "not started yet", "running": "training now", "trained": "trained, waits for its scores"}
    failed = rows["state"] == "failed"
    reason = rows["state"].map(waiting).where(~failed, reasons.fillna("failed, no reason recorded"))
    reason = reason.where(~replaced, "replaced: a corrected spec of the same name no longer asks for it")
    what = rows["name"] + np.where(rows["state"] == "trained", ": scores", ": model and scores")
    commands: pd.Series = f"aesweep resume {tables.quoted}" + every_spec(rows) + np.where(failed, " --retry-failed", "")
    commands = commands.where((rows["state"] != "running") & (rows["sweep"] != "none") & ~replaced, "")
    return pd.DataFrame({"what": what, "reason": reason, "command": commands})


def _unscored(tables: Tables, trials: pd.DataFrame, evaluation: Evaluation) -> pd.DataFrame:
    """Finished trials that this evaluation has not seen (they were scored under another one)."""
    rows = trials[(trials["state"] == "done") & ~trials["key"].isin(frechet_rows(tables, evaluation)["key"])]
    what = rows["name"] + ": " + evaluation.title
    commands = f"aesweep evaluate {tables.quoted}" + every_spec(rows) + f" --evaluation {evaluation.id}"
    commands = commands.where(rows["sweep"] != "none", "")
    return pd.DataFrame({"what": what, "reason": f"not scored by evaluation {evaluation.name}", "command": commands})
