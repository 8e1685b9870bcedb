"""The command line `aesweep`: its verbs, and the one place where errors become two lines and exit code 2."""

import io
import sys
from typing import Annotated

import typer

from aesweep.models.errors import InputError, one_line
from aesweep.sweep.commands import launching, results, setup, trained_models
from aesweep.sweep.commands.usage import explain_usage
from aesweep.sweep.version import aesweep_version

app = typer.Typer(
    name="aesweep",
    help="Train, score and compare autoencoders on a Ray cluster, and lose nothing. "
    "Start with: aesweep launch quickstart --store runs/quickstart",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for verb in (
    launching.plan,
    launching.launch,
    launching.resume,
    results.stop,
    results.status,
    results.tables,
    results.report,
    trained_models.evaluate,
    trained_models.sample,
    setup.fetch,
    setup.doctor,
    setup.render,
    setup.wait,
    results.prune,
):
    app.command()(verb)

# An error of a layer that imports nothing of ours is told by these attributes.
_ERROR_PARTS = ("field", "value", "remedy")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(aesweep_version())
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before the verb; `main` reads --debug itself."""


def main() -> None:
    """Run the command line; the exit code is 0 (all done), 1 (a trial failed or work is left), 2 (bad input) or 130 (stopped)."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.encoding == "utf-8":
        sys.stdout.reconfigure(errors="surrogateescape")  # a path that is not UTF-8 is printed as it is on disk
    try:
        sys.exit(app(standalone_mode=len(sys.argv) == 1))  # alone it prints the help, and Typer ends the program
    except typer.Abort as abort:  # what Typer makes of an end of input: it would say no more than "Aborted."
        error: BaseException = abort.__cause__ or abort
    except Exception as other:
        error = other
    if isinstance(error, KeyboardInterrupt):
        sys.exit(launching.STOPPED)
    if "--debug" in sys.argv and not _is_usage(error):
        raise error
    sys.exit(_explain(error))


def _is_usage(error: BaseException) -> bool:
    """Whether Typer could not use the words of the command line."""
    return hasattr(error, "format_message") and hasattr(error, "ctx")


def _explain(error: BaseException) -> int:
    """Print an error in one or two lines; the exit code."""
    if _is_usage(error):
        print(*explain_usage(error, sys.argv[1:]), sep="\n", file=sys.stderr)
        return 2
    if isinstance(error, InputError) or all(hasattr(error, part) for part in _ERROR_PARTS):
        first, _, remedy = str(error).partition("\n")
        print(one_line(first), one_line(remedy), sep="\n", file=sys.stderr)
        return 2
    what = one_line(f"aesweep stopped: {type(error).__name__}: {error}")
    print(what, "Show where with: aesweep --debug …", sep="\n", file=sys.stderr)
    return 1


if __name__ == "__main__":
    main()
