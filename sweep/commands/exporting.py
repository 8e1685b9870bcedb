"""`export`: a trained model as a folder that a colleague can load without aesweep."""

from pathlib import Path
from typing import Annotated

import typer

from aesweep.models.errors import one_line
from aesweep.sweep.commands import options
from aesweep.sweep.commands.options import argument, option
from aesweep.sweep.store.store import open_store


def export(
    store: options.StoreArgument,
    key: Annotated[str, argument(metavar="KEY", help="Key or name of a trained trial, or the beginning of one.")],
    to: Annotated[Path, option("--to", metavar="DIR", help="Folder to write: new, empty or an older export.")],
    onnx: Annotated[bool, option("--onnx", help="Also write encoder.onnx and decoder.onnx.")] = False,
    push: Annotated[
        str | None,
        option(metavar="ORG/NAME", help="Also upload it to the Hugging Face Hub (a new repository is private)."),
    ] = None,
    plugins: options.Plugins = None,
) -> None:
    """Write a trained model as a folder that needs torch alone: weights, code, priors, a model card.

    Example:  aesweep export runs/quickstart 2ad120 --to exported/digits
    """
    from aesweep.sweep.export.folder import require_place, write_folder
    from aesweep.sweep.export.hub import push as push_to_hub
    from aesweep.sweep.export.hub import require_hub

    opened, folder = open_store(store).only_looking(), to.absolute()
    require_place(folder)
    if push is not None:
        require_hub(push)
    from aesweep.sweep.export.export import make_export  # torch from here on
    from aesweep.sweep.export.onnx_files import require_onnx

    if onnx:
        require_onnx()
    made = make_export(opened, key, onnx)
    write_folder(folder, made.files)
    for name, why in made.left_out.items():
        typer.echo(f"Left out: {one_line(name)}: {one_line(why)}", err=True)
    typer.echo(f"Export of {made.config.name}: {folder}")
    if push is not None:
        typer.echo(f"Uploaded: {push_to_hub(folder, push)}")
