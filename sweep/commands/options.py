"""Arguments and options that several verbs share, with the help text that teaches them."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from aesweep.models.plugins.files import load_files

argument, option = partial(typer.Argument, show_default=False), partial(typer.Option, show_default=False)
"""Typer's own; the help text gives the default where there is one."""


def _load_plugins(files: list[str] | None) -> list[str] | None:
    """Load the files before the verb runs: their names count from then on."""
    load_files(files or (), "--plugins")
    return files


DATA_DEFAULT = "\\[default: $AESWEEP_DATA, or ~/.cache/aesweep]"
_SPEC_HELP = "A preset (quickstart, paper, paper-cifar10, paper-celeba, rivals) or a YAML file (docs/specs.md)."


def _presets(incomplete: str) -> list[str]:
    """What completes a spec, besides the files that the shell offers."""
    from aesweep.sweep.spec.presets import PRESETS

    return [name for name in PRESETS if name.startswith(incomplete)]


def _trackers(incomplete: str) -> list[str]:
    """What completes `--track`."""
    from aesweep.sweep.driver.trackers import PACKAGES

    return [name for name in PACKAGES if name.startswith(incomplete)]


Spec = Annotated[str, argument(metavar="SPEC", help=_SPEC_HELP, autocompletion=_presets)]
StoreArgument = Annotated[str, argument(metavar="STORE", help="Folder of results, or s3://bucket/folder.")]
StoreOption = Annotated[
    str, option("--store", metavar="DIR", help="Folder of results, or s3://bucket/folder; created if missing.")
]
Overrides = Annotated[
    list[str] | None,
    option("--set", metavar="K=V", help="Change a field in every block: --set epochs=5 --set seeds=0..2"),
]
Only = Annotated[
    list[str] | None,
    option(
        "--only",
        metavar="KEY|NAME|BLOCK",
        help="Only the trials of this block, or those whose key or name starts with this.",
    ),
]
Data = Annotated[Path | None, option("--data", metavar="DIR", help=f"Folder of data sets and weights. {DATA_DEFAULT}")]
StoredData = Annotated[
    Path | None,
    option(
        "--data",
        metavar="DIR",
        help="Folder of data sets and weights. \\[default: that of the sweep, if you launched it; see docs/security.md]",
    ),
]
Images = Annotated[
    Path | None,
    option(
        metavar="DIR",
        help="Your folder of images, for a sweep on `data: path` that you did not launch, or whose folder has moved.",
    ),
]
Address = Annotated[
    str,
    typer.Option(metavar="ADDRESS", help="Ray: local (start one here), auto (this machine's cluster) or HOST:PORT."),
]
MaxConcurrent = Annotated[
    int | None,
    option(min=1, metavar="N", help="Maximum number of trials that train at once. \\[default: as many as fit]"),
]
RetryFailed = Annotated[bool, option("--retry-failed", help="Also retry trials that failed.")]
EverySpec = Annotated[bool, option("--all", help="Every spec of this store, not only the latest.")]
Also = Annotated[bool, option("--also", help="Start even though another driver is working on this store.")]
Track = Annotated[
    list[str] | None,
    option(
        metavar="TRACKER",
        help="Also write losses for tensorboard, mlflow or wandb, into STORE/trackers.",
        autocompletion=_trackers,
    ),
]
Notify = Annotated[
    str,
    option(
        metavar="COMMAND|URL",
        help="Send a JSON message when the sweep ends: to a command's input, or to a URL by POST (a Slack webhook).",
    ),
]
Plugins = Annotated[
    list[str] | None,
    option(
        "--plugins",
        metavar="FILE",
        callback=_load_plugins,
        help="A Python file with your plug-ins (docs/extending.md); may be repeated.",
    ),
]
AsJson = Annotated[bool, option("--json", help="Print JSON for programs.")]
