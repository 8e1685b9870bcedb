"""Arguments and options that several verbs share, with the help text that teaches them."""

from pathlib import Path
from typing import Annotated

import typer

Spec = Annotated[
    str,
    typer.Argument(
        metavar="SPEC",
        help="A preset (quickstart, paper, paper-cifar10, paper-celeba) or a YAML file (docs/specs.md).",
        show_default=False,
    ),
]
StoreArgument = Annotated[
    str, typer.Argument(metavar="STORE", help="Folder of results, or s3://bucket/folder.", show_default=False)
]
StoreOption = Annotated[
    str,
    typer.Option(
        "--store",
        metavar="DIR",
        help="Folder of results, or s3://bucket/folder; made when missing.",
        show_default=False,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="K=V",
        help="Change a field in every block: --set epochs=5 --set seeds=0..2",
        show_default=False,
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="KEY|BLOCK",
        help="Only trials with this key (or its start), or this block of the spec.",
        show_default=False,
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder of data sets and weights. \\[default: $AESWEEP_DATA, else ~/.cache/aesweep]",
        show_default=False,
    ),
]
Address = Annotated[
    str,
    typer.Option(
        help="Ray cluster: local (start one here), auto (the one of this machine) or HOST:PORT.", metavar="ADDRESS"
    ),
]
MaxConcurrent = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Most trials that train at once. \\[default: as many as fit]", show_default=False
    ),
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Also run trials again that failed.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
