"""Words that the command line cannot use, in the two lines of every other bad input: what and where, then the remedy.

Typer tells them in a box of five lines or more. Its errors are known here by their names and attributes, since newer
versions of it bring classes of their own and older ones those of click.
"""

import re
from collections.abc import Sequence
from typing import Any

from aesweep.models.errors import InputError, one_line
from aesweep.sweep.spec.fields import nearest


def explain_usage(error: Any, words: Sequence[str]) -> tuple[str, str]:
    """The two lines for an error of Typer's with the words after `aesweep`."""
    context = error.ctx
    verb = next((word for word in words if not word.startswith("-")), "")
    command = f"aesweep {verb}".strip()
    match type(error).__name__:
        case "NoSuchOption":
            remedy = _unknown_option(error.option_name, command, context)
            return _unusable(command if context.parent else "aesweep", error.option_name, remedy)
        case "MissingParameter":
            return _missing(command, error.param)
        case "BadParameter":
            value = _given(context, error.param, words)
            return _unusable(_title(error.param), value, _remedy(error.message, value))
        case "BadOptionUsage":
            remedy = "It needs a value." if "requires" in error.message else "It takes no value."
            return _unusable(command, error.option_name, f"{remedy} See {command} --help.")
    if context.parent is None:
        return _unknown_verb(verb, context.command.list_commands(context))
    extra = re.search(r" \((.*)\)$", error.message)  # "Got unexpected extra argument(s) (b c)"
    return _unusable(command, extra[1] if extra else error.message, f"That is too much. See {command} --help.")


def _unusable(field: str, value: object, remedy: str) -> tuple[str, str]:
    first, _, second = str(InputError(field, value, remedy)).partition("\n")
    return first, second


def _unknown_option(option: str, command: str, context: Any) -> str:
    if context.parent is None:
        command = "aesweep"
    elif option in ("--debug", "--version"):
        return f"It stands before the verb: {command.replace(' ', f' {option} ')} …"
    known = [name for param in context.command.params for name in param.opts if name.startswith("--")]
    return f"There is no such option. {nearest(option, [*known, '--help'])}See {command} --help."


def _unknown_verb(verb: str, verbs: Sequence[str]) -> tuple[str, str]:
    choice = f"Give one of {', '.join(verbs)}."
    if not verb:
        return "aesweep: no verb is given.", choice
    return _unusable("aesweep", verb, f"There is no such verb. {nearest(verb, verbs) or choice}".strip())


def _missing(command: str, param: Any) -> tuple[str, str]:
    what = f"{param.opts[0]} {param.metavar}" if param.opts[0].startswith("-") else _title(param)
    return f"{command}: {_title(param)} is missing.", one_line(f"Give {what}: {param.help}")


def _title(param: Any) -> str:
    """What a user calls it: --store, or the STORE of the help text."""
    return param.opts[0] if param.opts[0].startswith("-") else param.metavar or param.name.upper()


def _given(context: Any, param: Any, words: Sequence[str]) -> object:
    """The value that was given for `param`: Typer does not say, so the words are taken apart once more."""
    after = list(words[words.index(context.info_name) + 1 :])
    values, _, _ = context.command.make_parser(context).parse_args(after)
    return values.get(param.name)


def _remedy(message: str, value: object) -> str:
    """Typer's reason as a sentence on the value: "It is not one of 'mvg', 'gmm'."."""
    text = message.removeprefix("Value error, ").replace(f"{value!r} is", "It is", 1).replace(f"{value} is", "It is", 1)
    text = re.sub("^Input should", "It should", text).partition(", unable to")[0]
    return f"{text.rstrip('.')}."
