"""Imports matplotlib although MPLBACKEND names a backend that is not installed here.

A notebook's kernel sets MPLBACKEND for every command that a cell starts. In another environment than the kernel's that
backend is missing, and matplotlib fails at its import. No figure here needs a backend, so such a name is ignored; any other
one is chosen as matplotlib itself would have.
"""

import os
from contextlib import suppress

_wanted = os.environ.pop("MPLBACKEND", "")
try:
    import matplotlib
finally:
    os.environ.update({"MPLBACKEND": _wanted} if _wanted else {})
if _wanted:
    with suppress(ValueError):
        matplotlib.rcParams["backend"] = _wanted
