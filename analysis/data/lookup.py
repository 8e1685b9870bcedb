"""Rows of a frame by the values of its columns. Claims ask for the same networks thousands of times, so answers are kept."""

import numpy as np
import pandas as pd


class Lookup:
    """Finds rows and columns of a frame that nobody changes; each question is answered once."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self._equal: dict[tuple[str, object], np.ndarray] = {}
        self._rows: dict[frozenset[tuple[str, object]], np.ndarray] = {}
        self._frames: dict[frozenset[tuple[str, object]], pd.DataFrame] = {}
        self._columns: dict[str, np.ndarray] = {}

    def rows(self, columns: dict[str, object]) -> np.ndarray:
        """Places of the rows with these values, int, ascending; read only."""
        asked = frozenset(columns.items())
        if asked not in self._rows:
            chosen = np.ones(len(self._frame), dtype=bool)
            for name, value in asked:
                chosen &= self._has(name, value)
            self._rows[asked] = chosen.nonzero()[0]
        return self._rows[asked]

    def frame(self, columns: dict[str, object]) -> pd.DataFrame:
        """The rows with these values; read only."""
        asked = frozenset(columns.items())
        if asked not in self._frames:
            self._frames[asked] = self._frame.take(self.rows(columns))
        return self._frames[asked]

    def values(self, column: str) -> np.ndarray:
        """A column of numbers, float, one per row of the frame; read only."""
        if column not in self._columns:
            self._columns[column] = self._frame[column].to_numpy(dtype=float)
        return self._columns[column]

    def by_seed(self, column: str, rows: np.ndarray) -> pd.DataFrame:
        """These rows as a table: index latent size, a column per training seed; means of equal ones, nulls left out."""
        values = self.values(column)[rows]
        kept = ~np.isnan(values)
        sizes, seeds = (self._frame[name].to_numpy()[rows[kept]] for name in ("latent_size", "seed"))
        (index, place), (columns, seed) = (np.unique(one, return_inverse=True) for one in (sizes, seeds))
        cells, shape = place * len(columns) + seed, (len(index), len(columns))
        counts = np.bincount(cells, minlength=shape[0] * shape[1])
        with np.errstate(invalid="ignore"):  # 0 / 0: a size that this seed was not trained at
            means = np.bincount(cells, values[kept], minlength=len(counts)) / counts
        return pd.DataFrame(
            means.reshape(shape), pd.Index(index, name="latent_size"), pd.Index(columns, name="seed"), copy=False
        )

    def _has(self, name: str, value: object) -> np.ndarray:
        if (name, value) not in self._equal:
            self._equal[name, value] = (self._frame[name] == value).to_numpy(dtype=bool)
        return self._equal[name, value]
