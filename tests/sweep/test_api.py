"""The Python API: three names that are always functions."""

import importlib

import sweep


def test_the_names_stay_functions_whatever_was_imported_before() -> None:
    for module in ("sweep.run", "sweep.load", "sweep.store", "sweep.cli"):
        importlib.import_module(module)
    for _ in range(2):
        assert all(callable(getattr(sweep, name)) for name in sweep.__all__)
