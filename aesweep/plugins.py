"""What a plug-in of your own imports (docs/extending.md). These names stay; the modules behind them may change.

from aesweep.plugins import Metric, Objective, Parameter, Prior, Row

Names that need torch or SciPy are imported when they are first asked for, so that a spec with your plug-ins is read fast.
"""

from typing import TYPE_CHECKING

from aesweep.evaluation.descriptions import Metric, Row
from aesweep.evaluation.extractor_descriptions import FeatureNetwork
from aesweep.evaluation.prior_descriptions import Prior
from aesweep.lazy import lazy_names
from aesweep.models.objectives.objective import Batch, Mixture, Objective, ObjectiveParameter, Terms, Trial, Weights
from aesweep.models.plugins.files import load_files
from aesweep.models.plugins.plugin import Parameter, Plugin, PluginError

if TYPE_CHECKING:
    from aesweep.evaluation.networks.extractor import Extractor
    from aesweep.evaluation.priors.fit import Fit
    from aesweep.evaluation.priors.fitted_prior import FittedPrior, PriorError
    from aesweep.evaluation.subject import Subject, mean_and_error

__all__ = [
    "Batch",
    "Extractor",
    "FeatureNetwork",
    "Fit",
    "FittedPrior",
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
