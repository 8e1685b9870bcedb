"""The version of aesweep, also from a source tree that is not installed."""

from importlib.metadata import PackageNotFoundError, version


def aesweep_version() -> str:
    """The installed version, `source` without an installation."""
    try:
        return version("aesweep")
    except PackageNotFoundError:
        return "source"
