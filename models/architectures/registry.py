"""All architectures by name: those of aesweep, and plug-ins. Imports no torch."""

from aesweep.models.architectures import conv, resnet
from aesweep.models.architectures.architecture import Architecture
from aesweep.models.plugins.registry import Registry

ARCHITECTURES = Registry(Architecture, (conv.ARCHITECTURE, resnet.ARCHITECTURE))
