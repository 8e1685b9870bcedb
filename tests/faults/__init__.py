"""Faults that tests inject into commands and Ray workers, which run in processes of their own.

Python imports `sitecustomize` when it starts. The environments made here put the one in this folder first on the path, for
a command and for every process that it starts, so the product needs no hooks. sitecustomize.py says what the words mean.
"""

import os
from pathlib import Path

from tests.fresh_process import REPOSITORY

PATH = os.pathsep.join((str(Path(__file__).parent), str(REPOSITORY)))


def dying(moment: str) -> dict[str, str]:
    """An environment in which the first process that reaches the moment kills the driver and then itself."""
    return {"PYTHONPATH": PATH, "FAULTS_DEATH": moment}


def failing(faults: str) -> dict[str, str]:
    """An environment in which single trials fail."""
    return {"PYTHONPATH": PATH, "FAULTS_IN_TRIALS": faults}
