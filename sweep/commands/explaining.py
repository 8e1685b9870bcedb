"""`why`: where the scores of a trial come from, and how to get them again."""

import json
import shlex
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError, one_line
from aesweep.models.plugins.plugin import PluginError
from aesweep.models.plugins.registry import require
from aesweep.sweep.commands import options
from aesweep.sweep.commands.options import argument, option
from aesweep.sweep.driver.outcome import plugin_options, score_line
from aesweep.sweep.provenance import describe, read_launch
from aesweep.sweep.store.records.commits import ScoresRecord, TrainingRecord
from aesweep.sweep.store.records.launches import LaunchRecord
from aesweep.sweep.store.store import Store, open_store

UNKNOWN = "unknown: an older aesweep kept no record of its launch"


@dataclass(frozen=True)
class Origin:
    """Where the scores of one evaluation come from."""

    scores: ScoresRecord
    launch: LaunchRecord | None
    spec: str
    """YAML that asks for the trial and this evaluation; "" where there is none."""
    trouble: str = ""
    """Why there is none."""

    @property
    def command(self) -> str:
        """What makes the scores again, to be pasted into a shell."""
        file = f"again-{self.scores.id}.yaml"
        launch = " ".join(("aesweep launch", file, "--store again", *plugin_options()))
        return f"cat > {file} <<'END'\n{self.spec}END\n{launch}" if self.spec else ""


def why(
    store: options.StoreArgument,
    key: Annotated[str, argument(metavar="KEY", help="Key or name of a trained trial, or the beginning of one.")],
    lock: Annotated[bool, option("--lock", help="Only print the installed packages, for `pip install -r`.")] = False,
    as_json: options.AsJson = False,
    plugins: options.Plugins = None,
) -> None:
    """Show where a trial's scores come from: code and environment, and the command that makes them again.

    Example:  aesweep why runs/quickstart 2ad120
    """
    if lock and as_json:
        raise InputError("--lock", "--json", "Give one of the two: --lock prints lines for pip, and JSON has them too.")
    opened = open_store(store).only_looking()
    config = opened.trials.find(key)
    training = opened.commits.training(config.key)
    if training is None:
        raise InputError("KEY", key, f"It is not trained yet; `aesweep resume {shlex.quote(store)}` trains it.")
    launch, origins = read_launch(opened, training.launch), _origins(opened, config, training)
    if lock:
        _print_lock(launch, store)
    elif as_json:
        typer.echo(json.dumps(_to_json(config, training, launch, origins), indent=1))
    else:
        _print(config, training, launch, origins)


def _origins(store: Store, config: TrialConfig, training: TrainingRecord) -> list[Origin]:
    """One for each evaluation of a trial, that of the latest launch first."""
    latest, found = store.trials.latest_evaluation(), []
    for evaluation in sorted(store.commits.scored(config.key), key=lambda one: (one != latest, one)):
        scores = store.commits.scores(config.key, evaluation)
        if scores is not None:
            spec, trouble = _spec(store, config, training, scores)
            found.append(Origin(scores, read_launch(store, scores.launch), spec, trouble))
    return found


def _spec(store: Store, config: TrialConfig, training: TrainingRecord, scores: ScoresRecord) -> tuple[str, str]:
    """The spec, or why there is none."""
    from aesweep.sweep.spec.again import IMAGES, own_settings, spec_again  # pydantic and YAML from here on

    try:
        settings: dict[str, Any] = dict(scores.evaluation)
        require((*config.plugin_versions, *settings.get("plugin_versions", ())))
        evaluation = EvaluationConfig(**settings)
        if evaluation.id != scores.id:
            return "", "its evaluation is one of another version of aesweep"
        return spec_again(config, evaluation, own_settings(training.execution), _images(store, config) or IMAGES), ""
    except PluginError as error:
        return "", f"it needs the {error.field} '{error.value}'. {error.remedy}"
    except InputError as error:
        return "", error.remedy
    except TypeError:
        return "", "its evaluation has settings that this version of aesweep does not know"


def _images(store: Store, config: TrialConfig) -> str:
    """The folder of a trial's images, where this user has named it to aesweep before; "" otherwise."""
    from aesweep.sweep.spec.own_folders import own_spec

    with suppress(InputError):
        for spec in store.trials.stored_specs(every=True):
            with suppress(InputError):
                folders = own_spec(spec, spec.execution.data_dir).execution.folders
                if config.data_identity in folders:
                    return folders[config.data_identity]
    return ""


def _print(config: TrialConfig, training: TrainingRecord, launch: LaunchRecord | None, origins: list[Origin]) -> None:
    result = training.result
    typer.echo(f"{config.name}\n")
    typer.echo(f"Trained from {result.started[:19]} to {result.ended[:19]} on {one_line(result.device)}")
    settings = f"{result.threads} thread{'s' * (result.threads != 1)}, {one_line(result.precision_used)}"
    resumed = "" if result.resumed_from == "none" else f", resumed ({one_line(result.resumed_with or 'unknown')})"
    typer.echo(f"  {settings}{resumed}")
    _print_environment(launch)
    for origin in origins:
        typer.echo(f"\nEvaluation {one_line(origin.scores.id)}: {len(origin.scores.rows)} scores")
        typer.echo(f"  {one_line(score_line(origin.scores.rows))}")
        if origin.scores.launch != training.launch:
            _print_environment(origin.launch)
        if origin.spec:
            typer.echo(f"\nMake them again, with the same versions and data:\n\n{origin.command}")
        else:
            typer.echo(f"  No command makes them again here: {one_line(origin.trouble)}")
    if not origins:
        typer.echo("\nNot scored yet.")


def _print_environment(launch: LaunchRecord | None) -> None:
    found = describe(launch) if launch is not None else {"environment": UNKNOWN}
    for title, text in found.items():
        typer.echo(f"  {one_line(title)}: {one_line(text)}")


def _print_lock(launch: LaunchRecord | None, store: str) -> None:
    if launch is None:
        raise InputError("--lock", store, f"The environment is {UNKNOWN}.")
    for package in launch.packages:
        typer.echo(one_line(package))


def _to_json(
    config: TrialConfig, training: TrainingRecord, launch: LaunchRecord | None, origins: list[Origin]
) -> dict[str, object]:
    return {
        "key": config.key,
        "name": config.name,
        "training": {"result": training.result.to_json(), "launch": launch.to_json() if launch else None},
        "evaluations": [
            {
                "id": origin.scores.id,
                "launch": origin.launch.to_json() if origin.launch else None,
                "command": origin.command,
                "spec": origin.spec,
                "trouble": origin.trouble,
            }
            for origin in origins
        ],
    }
