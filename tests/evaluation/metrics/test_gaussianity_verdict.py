"""What the report calls not Gaussian: none of many Gaussian trials, clusters, and nothing that is negligible."""

import numpy as np
import pytest

from tests.evaluation.metrics.simulated_latents import common_radius, heavy_and_light, judged, normal

pytestmark = pytest.mark.usefixtures("one_blas_thread")


def test_270_gaussian_trials_are_not_called_anything_else() -> None:
    # Four standard deviations of 32 simulated data sets called one of them so in 40 to 65 % of sweeps.
    found = judged({f"trial {i}": normal(200, 2 + i % 7, seed=i) for i in range(270)})
    assert len(found) == 270 and found["complete"].all()
    assert not found["detected"].any() and not found["far"].any()
    for level in (0.3, 0.1, 0.02):
        assert (found["p_any"] < level).mean() < level + 3 * (level / 270) ** 0.5


def test_clusters_are_far_from_gaussian_and_t_100_is_not() -> None:
    generator = np.random.default_rng(0)
    centres = 3.25 * generator.normal(size=(3, 8))
    clusters = centres[generator.integers(3, size=3000)] + generator.normal(size=(3000, 8))
    t = generator.normal(size=(10_000, 8)) * (100 / generator.chisquare(100, size=(10_000, 1))) ** 0.5
    found = judged({"clusters": clusters, "t": t})
    assert found["detected"].tolist() == [True, True]
    assert found["far"].to_dict() == {"clusters": True, "t": False}
    negligible = dict(zip(found.index, found["p_for"].to_numpy(dtype=float), strict=True))
    assert negligible["t"] < 1e-6 < 0.9 < negligible["clusters"]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("d", [16, 64, 256, 512, 768])
def test_the_verdict_is_calibrated_at_the_papers_sizes(d: int) -> None:
    n = 10_000
    kinds = {
        "isotropic": np.random.default_rng(d).normal(size=(n, d)).astype("f4"),
        "correlated": normal(n, d),
        "of many scales": normal(n, d, seed=1) * np.geomspace(1e-3, 1e3, d, dtype="f4"),
        "mixed mildly heavy and light coordinates": heavy_and_light(n, d),
        "a common log-normal radius": common_radius(n, d),
    }
    found = judged(kinds)["detected"].to_dict()
    assert found == {name: name not in ("isotropic", "correlated", "of many scales") for name in kinds}
