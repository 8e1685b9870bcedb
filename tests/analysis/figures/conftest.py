"""Results that several files draw."""

from pathlib import Path

import pytest

from aesweep.analysis.data.published import published_tables
from aesweep.analysis.data.results import Results, all_results
from tests.analysis.figures.drawn import FID, only_results, paper_trials
from tests.analysis.typed import MakeStore


@pytest.fixture
def paper(make_store: MakeStore) -> Results:
    return only_results(make_store(paper_trials(), evaluations=(FID,), latent_points=1, pictures=False))


@pytest.fixture
def small(small_store: Path) -> Results:
    return only_results(small_store)


@pytest.fixture
def published() -> dict[str, Results]:
    return {results.data: results for results in all_results(published_tables())}
