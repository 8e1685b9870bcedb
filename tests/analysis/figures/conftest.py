"""Results that several files draw."""

from pathlib import Path

import pytest

from aesweep.analysis.data.published import published_tables
from aesweep.analysis.data.results import Results, all_results
from tests.analysis.conftest import Synthetic, write_store
from tests.analysis.figures.drawn import FID, cifar10_trials, only_results, paper_trials


@pytest.fixture(scope="session")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Networks of all of the paper's figures. Nothing that draws changes the results that it gets."""
    synthetic = Synthetic(paper_trials(), evaluations=(FID,), latent_points=1, pictures=False)
    return only_results(write_store(tmp_path_factory.mktemp("paper") / "store", synthetic))


@pytest.fixture(scope="session")
def paper_and_others(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The same, and a network of no other figure: something to draw for every function."""
    trials = [*paper_trials(), *cifar10_trials(conv_norm=False)]
    synthetic = Synthetic(trials, evaluations=(FID,), latent_points=1, pictures=False)
    return only_results(write_store(tmp_path_factory.mktemp("paper") / "store", synthetic))


@pytest.fixture
def small(small_store: Path) -> Results:
    return only_results(small_store)


@pytest.fixture(scope="session")
def published() -> dict[str, Results]:
    return {results.data: results for results in all_results(published_tables())}
