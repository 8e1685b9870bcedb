"""The command line `aesweep`: its verbs, and the one place where errors become two lines and exit code 2."""

import atexit
import errno
import gc
import re
import signal
import sys
from typing import Annotated, Any

import typer

from aesweep.models.errors import one_line
from aesweep.sweep.commands import (
    explaining,
    exporting,
    forgetting,
    launching,
    listing,
    pairs,
    results,
    setup,
    trained_models,
    verifying,
)
from aesweep.sweep.commands.explore import explore
from aesweep.sweep.console import lost_output, use_standard_streams
from aesweep.sweep.version import aesweep_version

HELP = """Train, score and compare autoencoders on a Ray cluster, and lose nothing.

Start with: aesweep launch quickstart --store runs/quickstart

\b
* Error bars over seeds everywhere; one seed decides nothing.
* Only what is missing or failed runs again.
* Exact resume: an interrupted training continues where it stopped.
* Offline: no account and no server.
* Plain Parquet: every loss, score and failure is a row that pandas reads.
"""
app = typer.Typer(
    name="aesweep",
    help=HELP,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
VERBS = (
    launching.plan, launching.launch, launching.resume, results.stop, results.status, listing.list_trials,
    results.tables, results.report, explore.explore,
    trained_models.evaluate, trained_models.sample, exporting.export, explaining.why,
    setup.fetch, setup.doctor, setup.render, setup.wait, results.prune, verifying.verify, forgetting.forget,
    pairs.diff, pairs.merge,
)  # fmt: skip
SMALL_OBJECTS = 50_000
"""New objects between two searches for cycles. The rows of a large store live to the end, and Python's 700 searches them too often."""
GONE = (errno.EPIPE, errno.EIO)  # the reader of a pipe or the terminal went away: nobody misses the rest
NAMES = {function: function.__name__.removesuffix("_trials") for function in VERBS}
for function, name in NAMES.items():
    app.command(name)(function)


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
    use_standard_streams()
    gc.set_threshold(SMALL_OBJECTS)
    try:
        _run()
    except SystemExit as end:
        atexit.register(_ignore_signals)  # Python takes half a second to end, and what was said must stay true
        lost = lost_output()
        if end.code or lost is None or lost.errno in GONE:
            raise
        _say(f"stdout: the output could not be written ({lost.strerror}).", "Make room, or send it elsewhere.")
        sys.exit(2)


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _run() -> None:
    """Run one verb; ends with `SystemExit`."""
    try:
        sys.exit(app(standalone_mode=len(sys.argv) == 1))  # alone it prints the help, and Typer ends the program
    except typer.Abort as abort:  # what Typer makes of an end of input: it would say no more than "Aborted."
        error: BaseException = abort.__cause__ or abort
    except Exception as other:
        error = other
    if isinstance(error, KeyboardInterrupt):
        sys.exit(launching.STOPPED)
    # Typer's own, whose classes change with versions.
    is_usage = hasattr(error, "format_message") and hasattr(error, "ctx")
    if "--debug" in sys.argv and not is_usage:
        raise error
    code, what, remedy = _explain_usage(error) if is_usage else _explain(error)
    _say(what, remedy)
    sys.exit(code)


def _say(what: str, remedy: str) -> None:
    print(one_line(what), one_line(remedy), sep="\n", file=sys.stderr)


def _explain_usage(error: Any) -> tuple[int, str, str]:
    """Exit code and two lines for words that Typer cannot use: its own message without its box, and where help is."""
    verb = next((word for word in sys.argv[1:] if word in NAMES.values()), "")
    command = f"aesweep {verb}".strip()
    remedy = _about_stray_words(sys.argv[2:], error.format_message()) or f"See {command} --help."
    if verb and getattr(error, "option_name", "") in ("--debug", "--version"):
        remedy = f"Give it before the verb: aesweep {error.option_name} {verb} …"
    reasons = error.__cause__.errors() if hasattr(error.__cause__, "errors") else []  # pydantic's; they hold the value
    message = " ".join(error.format_message().replace("Value error, ", "").split())
    given = f" (given: {reasons[0]['input']!r})" if reasons else ""
    return 2, f"{command}: {message}{given}", remedy


def _about_stray_words(given: list[str], message: str) -> str:
    """What was probably meant by words that no argument takes; "" where nobody knows."""
    found = re.search(r"unexpected extra argument\S* \((.+)\)", message)
    if found is None:
        return ""
    for option in ("--set", "--filter"):
        for name, value, follows in zip(given, given[1:], given[2:], strict=False):
            if name == option and "=" not in value and not follows.startswith("-"):
                return f"Write {option} {value}={follows}, with an equals sign."
    stray = found[1].split()[0]
    return f"Write --set {stray}." if "=" in stray else ""


def _explain(error: BaseException) -> tuple[int, str, str]:
    """Exit code and two lines for any other error."""
    if all(hasattr(error, part) for part in ("field", "value", "remedy")):  # told so, whichever layer raised it
        first, _, remedy = str(error).partition("\n")
        return 2, first, remedy
    return 1, f"aesweep stopped: {type(error).__name__}: {error}", "Show where with: aesweep --debug …"


if __name__ == "__main__":
    main()
