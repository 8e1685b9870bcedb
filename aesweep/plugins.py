"""What a plug-in of your own imports (docs/extending.md). These names stay; the modules behind them may change.

from aesweep.plugins import Parameter, Plugin, load_files
"""

from aesweep.models.plugins.files import load_files
from aesweep.models.plugins.plugin import Parameter, Plugin, PluginError

__all__ = ["Parameter", "Plugin", "PluginError", "load_files"]
