"""What a plug-in of your own imports (docs/extending.md). These names stay; the modules behind them may change.

from aesweep.plugins import Objective, Parameter, load_files
"""

from aesweep.models.objectives.objective import Batch, Mixture, Objective, ObjectiveParameter, Terms, Trial, Weights
from aesweep.models.plugins.files import load_files
from aesweep.models.plugins.plugin import Parameter, Plugin, PluginError

__all__ = [
    "Batch",
    "Mixture",
    "Objective",
    "ObjectiveParameter",
    "Parameter",
    "Plugin",
    "PluginError",
    "Terms",
    "Trial",
    "Weights",
    "load_files",
]
