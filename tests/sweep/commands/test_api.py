"""The Python API: names that are always functions."""

import importlib

import aesweep


def test_the_names_stay_functions_whatever_was_imported_before() -> None:
    for module in ("launch", "load", "store.store", "cli"):
        importlib.import_module(f"aesweep.sweep.{module}")
    for _ in range(2):
        assert all(callable(getattr(aesweep, name)) for name in aesweep.__all__)
