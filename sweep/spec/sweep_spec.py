"""What a sweep asks for: named blocks of trials, one way of scoring, one way of running.

A spec is expanded when it is read; from then on it is a plain list of frozen configurations, so what was launched can
be stored, compared and run again without the YAML file, the preset or the images that it came from. `hash` names what
is asked for; where and how it runs is stored with it but does not enter the hash. Imports no torch, no Ray, and
pydantic only for YAML and `--set`.
"""

import pickle
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from aesweep.evaluation.config import INCEPTION_SHA256, EvaluationConfig, with_new_names, with_stored_names
from aesweep.evaluation.extractor_descriptions import EXTRACTORS
from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError, nearest
from aesweep.models.identity import content_hash
from aesweep.models.plugins.plugin import PluginError
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.ranges import MOST_TRIALS
from aesweep.sweep.spec.report_wishes import ReportWishes

SPEC_FORMAT = 1
"""Version of the stored JSON; another one is refused."""


@dataclass(frozen=True)
class Block:
    """Trials that belong together, such as one line of Table 1."""

    name: str
    trials: tuple[TrialConfig, ...]

    def __post_init__(self) -> None:
        _check_name(self.name)
        object.__setattr__(self, "trials", tuple(dict.fromkeys(self.trials)))
        if not self.trials:
            raise InputError("trials", [], f"Give the block {self.name!r} at least one trial.")


@dataclass(frozen=True, kw_only=True)
class SweepSpec:
    """One sweep. Raises `InputError` at construction, naming the field and the value."""

    name: str
    blocks: tuple[Block, ...]
    extractor: str = "auto"
    """Feature network of the scores; `auto` is `inception-2015` where its weights are, else `random-conv-64`."""
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `EvaluationConfig` that the sweep sets, but for the extractor."""
    execution: ExecutionConfig = field(default_factory=ExecutionConfig)
    report: ReportWishes = field(default_factory=ReportWishes)
    """What it asks of its report. Stored, but not part of the hash."""
    claims: str = ""
    """Absolute path of the user's own claims, a program. Not part of the hash and never stored: a store names no code to run."""

    def __post_init__(self) -> None:
        _check_name(self.name)
        object.__setattr__(self, "blocks", tuple(self.blocks))
        if not self.blocks:
            raise InputError("blocks", [], "Give at least one block of trials.")
        names = [block.name for block in self.blocks]
        for index, name in enumerate(names):
            if name in names[:index]:
                place = f'blocks[{index}] "{name}": name'
                raise InputError(place, name, "Another block has this name; give a new one.")
        object.__setattr__(self, "evaluation", with_new_names(self.evaluation))
        used = extractor_uses(self.extractor, self.evaluation.get("plugin_versions", ()))
        # The constructor checks the values and gives them their final types, so that a stored spec equals the original.
        checked = EvaluationConfig(**self.evaluation)
        if self.extractor != "auto":
            checked.require_metrics_of(self.extractor)
        evaluation = {name: getattr(checked, name) for name in sorted(self.evaluation) if name != "plugin_versions"}
        if uses := tuple(sorted({*checked.plugin_versions, *used})):
            evaluation["plugin_versions"] = uses  # so that a stored spec can be read where the plug-ins are not
        object.__setattr__(self, "evaluation", evaluation)

    @cached_property
    def trials(self) -> tuple[tuple[TrialConfig, str], ...]:
        """Every trial once, in order, with the name of the first block that asks for it."""
        found: dict[TrialConfig, str] = {}
        for block in self.blocks:
            for trial in block.trials:
                found.setdefault(trial, block.name)
        return tuple(found.items())

    @property
    def plugin_versions(self) -> tuple[str, ...]:
        """The plug-ins that training and scoring need, with their versions, as `Registry.uses` gives them."""
        of_trials = {use for trial, _ in self.trials for use in trial.plugin_versions}
        return tuple(sorted({*of_trials, *self.evaluation.get("plugin_versions", ())}))

    @property
    def lone_seed(self) -> str:
        """A question where `seeds: 5` may have been meant as five seeds; "" otherwise."""
        seeds = {trial.seed for trial, _ in self.trials}
        seed = seeds.pop()
        if seeds or seed < 2:
            return ""
        return f"Seeds: every trial has one seed, number {seed}. For {seed} seeds, write 0..{seed - 1}."

    @cached_property
    def hash(self) -> str:
        """12 hex digits of what is asked for: name, blocks, trials and scoring, but not how it runs."""
        asked = {
            "name": self.name,
            "blocks": [[block.name, [trial.key for trial in block.trials]] for block in self.blocks],
            "extractor": next(
                iter(extractor_uses(self.extractor, self.evaluation.get("plugin_versions", ()))), self.extractor
            ),
            "evaluation": EvaluationConfig(**self.evaluation).id,
        }
        return content_hash(asked)

    def evaluation_config(self, *, require_weights: bool = True) -> EvaluationConfig:
        """How the trials are scored, the extractor settled by the weights in `execution.data_dir`.

        Without `require_weights` an extractor that the spec names is taken at its word, so that a sweep can be planned
        on a machine without its weights; with it, `InputError` where they are missing or wrong.
        """
        from aesweep.evaluation.networks.weights import resolve_extractor

        if self.extractor == "inception-2015" and not require_weights:
            name, sha256 = self.extractor, INCEPTION_SHA256
        else:
            name, sha256 = resolve_extractor(self.extractor, Path(self.execution.data_dir))
        evaluation = EvaluationConfig(**{**self.evaluation, "extractor": name, "extractor_sha256": sha256})
        evaluation.require_metrics_of(name)
        return evaluation

    def with_trials_of(self, others: Iterable["SweepSpec"]) -> "SweepSpec":
        """The spec with a further block of the trials that only these ask for; itself where there are none."""
        folders = {identity: path for one in others for identity, path in one.execution.folders.items()}
        mine = {trial for trial, _ in self.trials}
        further = tuple(trial for one in others for trial, _ in one.trials if trial not in mine)
        if not further:
            return self
        execution = replace(self.execution, folders={**folders, **self.execution.folders})
        name = "trials of other specs"
        while name in {block.name for block in self.blocks}:
            name += "'"
        return replace(self, blocks=(*self.blocks, Block(name, further)), execution=execution)

    def scored_like(self, evaluation: EvaluationConfig) -> "SweepSpec":
        """The spec with the settings of this evaluation; the extractor's weights are those at hand."""
        names = {field.name for field in fields(evaluation)} - {"extractor", "extractor_sha256"}
        settings = {name: getattr(evaluation, name) for name in names}
        return replace(self, extractor=evaluation.extractor, evaluation=settings)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values: all fields of the first trial as `base`, of every trial those that differ from it."""
        base = self.blocks[0].trials[0].to_json()

        def differing(trial: TrialConfig) -> dict[str, Any]:
            return {name: value for name, value in trial.to_json().items() if value != base[name]}

        return {
            "format": SPEC_FORMAT,
            "name": self.name,
            "extractor": self.extractor,
            "evaluation": with_stored_names(self.evaluation),
            "execution": self.execution.to_json(),
            **({"report": wishes} if (wishes := self.report.to_json()) else {}),
            "base": base,
            "blocks": [{"name": block.name, "trials": list(map(differing, block.trials))} for block in self.blocks],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "SweepSpec":
        """Read `to_json` back, exactly; no file is looked at. `InputError` for another format or unknown fields."""
        if not isinstance(data, Mapping) or data.get("format") != SPEC_FORMAT:
            found = data.get("format") if isinstance(data, Mapping) else data
            remedy = f"This version of aesweep reads spec format {SPEC_FORMAT}; use the version that wrote the store."
            raise InputError("format", found, remedy)
        try:
            asked = sum(len(block["trials"]) for block in data["blocks"])
            if asked > MOST_TRIALS:
                raise InputError("number of trials", asked, f"A spec holds at most {MOST_TRIALS:,}.")
            make = once_per_network(lambda fields: _build(TrialConfig, fields))
            blocks = tuple(
                Block(block["name"], tuple(make({**data["base"], **trial}) for trial in block["trials"]))
                for block in data["blocks"]
            )
            return cls(
                name=data["name"],
                blocks=blocks,
                extractor=data["extractor"],
                evaluation=_known(EvaluationConfig, with_new_names(data["evaluation"])),
                execution=_build(ExecutionConfig, data["execution"]),
                report=_build(ReportWishes, data.get("report", {})),
            )
        except (KeyError, TypeError, AttributeError) as error:
            remedy = "The stored spec is damaged; launch the original spec again."
            raise InputError("spec", str(error), remedy) from None


def once_per_network(make: Callable[[dict[str, Any]], TrialConfig]) -> Callable[[dict[str, Any]], TrialConfig]:
    """`make`, which makes a trial of its fields, called once for all seeds of a network: a large sweep is many seeds of few."""
    networks: dict[bytes, TrialConfig] = {}

    def trial(fields: dict[str, Any]) -> TrialConfig:
        others = {name: value for name, value in fields.items() if name != "seed"}
        network = pickle.dumps(others)  # never loaded: bytes that differ where values do, 1 and 1.0 and true included
        if network not in networks:
            networks[network] = make(others)
        made = networks[network]
        return made.with_seed(fields.get("seed", made.seed))

    return trial


def extractor_uses(extractor: object, recorded: Collection[str] = ()) -> tuple[str, ...]:
    """The plug-in that an extractor is, as `Registry.uses`. Raises `InputError` for an unknown name."""
    if extractor == "auto":
        return ()
    try:
        if not isinstance(extractor, str):
            raise InputError("extractor", extractor, f"Choose one of: {', '.join(EXTRACTORS.names())}.")
        return EXTRACTORS.uses([extractor], recorded, "extractor")
    except PluginError:
        raise
    except InputError as error:
        near = nearest(extractor, EXTRACTORS.names()) if isinstance(extractor, str) and extractor else ""
        remedy = near + error.remedy.replace(": ", ": auto, ", 1)
        raise InputError(error.field, error.value, remedy) from None


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name.strip() or len(name) > 80 or not name.isprintable():
        raise InputError("name", name, 'Give 1 to 80 printable characters, such as "width study" (numbers in quotes).')


def _known(owner: type, values: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in values.items():
        if name not in _names(owner):
            remedy = "This version of aesweep does not know the field; use the one that wrote the store."
            raise InputError(name, value, remedy)
    return dict(values)


@cache
def _names(owner: type) -> set[str]:
    return {field.name for field in fields(owner)}


def _build(owner: type, values: Mapping[str, Any]) -> Any:
    return owner(**_known(owner, values))
