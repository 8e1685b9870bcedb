import pytest

from aesweep.evaluation.config import METRICS, EvaluationConfig
from aesweep.models.errors import InputError


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"metrics": ("fid",)}, "metrics.*fid.*Choose from: frechet"),
        ({"metrics": (["kid"],)}, "metrics.*kid.*Choose from: frechet"),
        ({"bootstrap": 1}, "bootstrap.*jackknife, or at least 2 replicates"),
        ({"bootstrap": -1}, "bootstrap.*from 0 to"),
        ({"kid_subset_size": 1}, "kid_subset_size.*from 2 to"),
        ({"prdc_neighbours": 0}, "prdc_neighbours.*from 1 to"),
        ({"iwae_samples": 0}, "iwae_samples.*from 1 to"),
        ({"mixture_sizes": 10}, "mixture_sizes.*10.*Give a list"),
        ({"mixture_sizes": ()}, "mixture_sizes.*different whole numbers from 1"),
        ({"mixture_sizes": (1, 0)}, r"mixture_sizes.*\[1, 0\].*different whole numbers from 1"),
        ({"mixture_sizes": (1, 1)}, r"mixture_sizes.*\[1, 1\].*different whole numbers from 1"),
        ({"mixture_sizes": (1, True)}, "mixture_sizes.*different whole numbers from 1"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_field_value_and_remedy(settings: dict, words: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(InputError, match=f"(?s){words}"):
        EvaluationConfig(**settings)


def test_kernel_distances_are_called_kid_only_where_the_distance_is_a_fid() -> None:
    assert EvaluationConfig(extractor="inception-2015").kernel_name == "kid"
    assert EvaluationConfig(extractor="inception-2015", extractor_sha256="0" * 64).kernel_name == "kd"
    assert EvaluationConfig().kernel_name == "kd"


def test_only_metrics_of_pictures_need_a_feature_network() -> None:
    needed = [m for m in METRICS if EvaluationConfig(metrics=(m,), extractor="inception-2015").needs_features]
    features = ["frechet", "kid", "prdc", "frechet_infinity", "frechet_infinity_both", "inception_score"]
    assert needed == [*features, "interpolation", "path_length", "memorisation", "mixtures"]


def test_the_order_of_mixture_sizes_is_no_other_evaluation_and_their_default_leaves_old_ids_as_they_were() -> None:
    sizes = (EvaluationConfig(mixture_sizes=given) for given in ((1, 100), (100, 1)))
    assert len({one.id for one in sizes}) == 1
    assert EvaluationConfig(mixture_sizes=(1, 2, 5, 10, 20, 50, 100), iwae_samples=64).id == EvaluationConfig().id
    assert EvaluationConfig(mixture_sizes=(1, 100)).id != EvaluationConfig().id
