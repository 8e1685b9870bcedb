"""What a plug-in of your own imports (docs/extending.md). These names stay; the modules behind them may change.

from aesweep.plugins import Metric, Objective, Parameter, Prior, Row

Names that need torch or SciPy are imported when they are first asked for, so that a spec with your plug-ins is read fast.
"""

from typing import TYPE_CHECKING

from aesweep.evaluation.descriptions import Metric, Row
from aesweep.evaluation.extractor_descriptions import FeatureNetwork
from aesweep.evaluation.prior_descriptions import Prior
from aesweep.lazy import lazy_names
from aesweep.models.architectures.architecture import Architecture, Cost
from aesweep.models.data.datasets import DataSource
from aesweep.models.datasets.dataset import DataSet
from aesweep.models.errors import InputError
from aesweep.models.objectives.objective import Batch, Mixture, Objective, ObjectiveParameter, Terms, Weights
from aesweep.models.plugins.files import load_files
from aesweep.models.plugins.plugin import Parameter, Plugin, PluginError
from aesweep.models.plugins.trial import Trial

if TYPE_CHECKING:
    from aesweep.evaluation.networks.extractor import Extractor
    from aesweep.evaluation.priors.fit import Fit
    from aesweep.evaluation.priors.fitted_prior import FittedPrior, PriorError
    from aesweep.evaluation.subject import Subject, mean_and_error

__all__ = [
    "Architecture",
    "Batch",
    "Cost",
    "DataSet",
    "DataSource",
    "Extractor",
    "FeatureNetwork",
    "Fit",
    "FittedPrior",
    "InputError",
    "Metric",
    "Mixture",
    "Objective",
    "ObjectiveParameter",
    "Parameter",
    "Plugin",
    "PluginError",
    "Prior",
    "PriorError",
    "Row",
    "Subject",
    "Terms",
    "Trial",
    "Weights",
    "load_files",
    "mean_and_error",
]

_HOMES = {
    "Extractor": "aesweep.evaluation.networks.extractor",
    "Fit": "aesweep.evaluation.priors.fit",
    "FittedPrior": "aesweep.evaluation.priors.fitted_prior",
    "PriorError": "aesweep.evaluation.priors.fitted_prior",
    "Subject": "aesweep.evaluation.subject",
    "mean_and_error": "aesweep.evaluation.subject",
}
__getattr__ = lazy_names(__name__, _HOMES)
