"""Arguments and options that several verbs share, with the help text that teaches them."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

argument, option = partial(typer.Argument, show_default=False), partial(typer.Option, show_default=False)
"""Typer's own, for values whose default the help text tells in words, or that have none."""

DATA_DEFAULT = "\\[default: $AESWEEP_DATA, else ~/.cache/aesweep]"
Spec = Annotated[
    str,
    argument(
        metavar="SPEC", help="A preset (quickstart, paper, paper-cifar10, paper-celeba) or a YAML file (docs/specs.md)."
    ),
]
StoreArgument = Annotated[str, argument(metavar="STORE", help="Folder of results, or s3://bucket/folder.")]
StoreOption = Annotated[
    str, option("--store", metavar="DIR", help="Folder of results, or s3://bucket/folder; made when missing.")
]
Overrides = Annotated[
    list[str] | None,
    option("--set", metavar="K=V", help="Change a field in every block: --set epochs=5 --set seeds=0..2"),
]
Only = Annotated[
    list[str] | None,
    option("--only", metavar="KEY|BLOCK", help="Only trials with this key (or its start), or this block of the spec."),
]
Data = Annotated[
    Path | None,
    option("--data", metavar="DIR", help=f"Folder of data sets and weights. {DATA_DEFAULT}"),
]
Address = Annotated[
    str,
    typer.Option(
        help="Ray cluster: local (start one here), auto (the one of this machine) or HOST:PORT.", metavar="ADDRESS"
    ),
]
MaxConcurrent = Annotated[
    int | None,
    option(min=1, metavar="N", help="Most trials that train at once. \\[default: as many as fit]"),
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Also run trials again that failed.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
