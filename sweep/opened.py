"""A store as a notebook sees it: its tables as pandas frames, and its trained models."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from aesweep.models.errors import InputError
from aesweep.sweep.store import store as stores

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"


@dataclass(frozen=True)
class OpenedStore:
    """A store that is read, as `open_store` gives it. Each call reads the store again, so a running sweep shows its progress.

    `load_model`, `load_prior` and `load_data` take it as well. Its methods raise `InputError` for a store without tables.
    """

    store: stores.Store

    @property
    def root(self) -> str:
        """Its folder or address."""
        return self.store.root

    def trials(self) -> "pd.DataFrame":
        """One row per trial: its key, name, state, configuration, losses and cost (docs/tables.md#trials)."""
        return self._table("trials")

    def epochs(self) -> "pd.DataFrame":
        """One row per epoch, with the name of its trial; those of running trainings have the `state` "unfinished"."""
        return self._with_names("epochs")

    def scores(self, per: Literal["row", "trial", "network"] = "row", evaluation: str | None = None) -> "pd.DataFrame":
        """The scores of one evaluation.

        Args:
            per: `row` gives the rows of the table `scores`, with the names of their trials. `trial` gives one value for each
                trial, source, split and metric: the mean over sampling seeds, with its standard error. `network` gives the
                mean over training seeds, with its standard error and 95 % interval, as in the report: the networks of one model
                on the same data share their variance if their spreads are similar. Errors that are not known are null.
            evaluation: Id of an evaluation; by default that of the latest launch. `all` gives those of every evaluation,
                which are never averaged.
        """
        rows = self._with_names("scores")
        chosen = self.store.trials.latest_evaluation() if evaluation is None else evaluation
        if chosen != ALL:
            known = sorted(rows["evaluation"].unique())
            if evaluation is not None and evaluation not in known:
                raise InputError("evaluation", evaluation, f"Give one of: {', '.join([*known, ALL])}.")
            rows = rows[rows["evaluation"] == chosen].reset_index(drop=True)
        match per:
            case "row":
                return rows
            case "trial" | "network":
                from aesweep.analysis.data.averages import per_network, per_trial

                return (per_trial if per == "trial" else per_network)(rows, self.trials())
        raise InputError("per", per, "Give row, trial or network.")

    def _with_names(self, table: str) -> "pd.DataFrame":
        names = self.trials()[["key", "name"]]
        return names.merge(self._table(table), on="key", how="right")

    def _table(self, table: str) -> "pd.DataFrame":
        from aesweep.analysis.data.tables import shown_frame
        from aesweep.sweep.tables.published import read_table
        from aesweep.sweep.tables.schemas import ADDED, COLUMNS

        frame = shown_frame(read_table(self.store, table))
        added = {name: value for name, value in ADDED.get(table, {}).items() if name not in frame}
        return frame.assign(**added)[[column.name for column in COLUMNS[table] if column.name in {*frame, *added}]]


def open_store(store: str | Path) -> OpenedStore:
    """Open a store to read it, at a folder or an address (`s3://bucket/folder`). Nothing in it is changed.

    Raises `InputError` where there is no store.
    """
    return OpenedStore(stores.open_store(store).only_looking())
