"""All objectives by name: those of aesweep, in the order of docs/rivals.md, and plug-ins. Imports no torch."""

from aesweep.models.objectives import dae, eae, gmm_dae, rae, rae_gp, rae_l2, rae_sn, sigma_vae, vae, wae
from aesweep.models.objectives.objective import Objective
from aesweep.models.plugins.registry import Registry

OBJECTIVES = Registry(
    Objective,
    [one.OBJECTIVE for one in (dae, vae, sigma_vae, rae, rae_l2, rae_gp, rae_sn, wae, eae, gmm_dae)],
)
