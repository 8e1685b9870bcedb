"""The deterministic autoencoder of Section 3: reconstruction alone, with what Table 1 varies on it."""

from aesweep.models.objectives.objective import Objective
from aesweep.models.plugins.plugin import BUILT_IN

OBJECTIVE = Objective(
    name="dae",
    version=BUILT_IN,
    title="DAE",
    meaning="the reconstruction",
    source="the paper, Section 3",
    scaled=False,
)
