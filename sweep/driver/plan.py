"""What a launch has to do: what its spec asks for minus what the store holds. Imports neither torch nor Ray."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.priors.costs import prior_flops
from aesweep.evaluation.volume import evaluation_bytes, images_scored, reference_bytes, trial_bytes
from aesweep.models.config import TrialConfig, network_of
from aesweep.models.cost import (
    cpu_hours,
    fit_core_hours,
    fit_flops,
    flops_per_image,
    gpu_hours,
    gpu_idle_seconds,
    parameter_counts,
    training_flops,
)
from aesweep.models.data.datasets import source_sizes
from aesweep.models.errors import InputError
from aesweep.sweep.spec.images import data_source
from aesweep.sweep.spec.sweep_spec import SweepSpec
from aesweep.sweep.store.drivers import living_drivers, running_trials
from aesweep.sweep.store.store import STATES, Stage, State, Store, TrialState


def count_trials(number: int) -> str:
    """`1 trial`, `1,116 trials`."""
    return f"{number:,} trial{'s' * (number != 1)}"


@dataclass(frozen=True)
class PlannedTrial:
    """One trial of a spec, with what the store knows of it."""

    config: TrialConfig
    block: str
    state: State
    reason: str
    """Why it failed; "" unless it did."""
    gpu_hours: float
    """Estimated training cost, hours of one GPU of the class that `aesweep.models.cost` names."""
    disk_bytes: int
    """What the finished trial keeps in the store: weights, latents, priors, pictures, scores."""
    fit_flops: int = 0
    """Estimated operations of one iteration of its mixtures; 0 where none is asked for."""
    training_flops: int = 0
    """Operations of its training: what it costs on a CPU, whose steps have no constant part."""
    gpu_idle_seconds: float = 0.0
    """Seconds of `gpu_hours` in which the GPU waits for the next kernel."""
    cpu_hours: float = 0.0
    """Estimated training cost, hours of one CPU thread."""
    images_train: int = 0
    """Training images."""
    images_scored: int = 0
    """Images that one evaluation decodes and measures."""
    evaluation_bytes: int = 0
    """The part of `disk_bytes` that the evaluation adds."""
    failed_stage: Stage | None = None
    """What failed; None unless something did."""
    round: int = 0
    """0 for the first seed of its network in the spec, 1 for the second, …"""

    def to_json(self) -> dict[str, object]:
        """The object that `plan --json` prints."""
        parameters = parameter_counts(self.config)
        return {
            "key": self.config.key,
            "name": self.config.name,
            "block": self.block,
            "config": self.config.to_json(),
            "state": self.state,
            "reason": self.reason,
            "parameters_encoder": parameters.encoder,
            "parameters_decoder": parameters.decoder,
            "flops_per_image": flops_per_image(self.config),
            "gpu_hours": self.gpu_hours,
            "cpu_hours": self.cpu_hours,
            "disk_bytes": self.disk_bytes,
            "images_train": self.images_train,
            "images_scored": self.images_scored,
            "fit_core_hours": fit_core_hours(self.fit_flops),
        }


@dataclass(frozen=True)
class Plan:
    """A spec against a store."""

    trials: tuple[PlannedTrial, ...]
    evaluation: EvaluationConfig
    retry_failed: bool
    shared_bytes: int = 0
    """What all trials on a data set share: features of the real images."""

    @cached_property
    def to_train(self) -> list[PlannedTrial]:
        """Trials whose training is missing: the first seed of every network, then the second, …, each dearest first.

        So there is a first look at everything as early as can be, and no long trial is started last.
        """
        wanted = [t for t in self.trials if t.state in ("pending", "running") or self._retries(t, "train")]
        return sorted(wanted, key=lambda t: (t.round, -t.gpu_hours))

    @cached_property
    def to_score(self) -> list[PlannedTrial]:
        """Trained trials whose scores are missing, in rounds of seeds like `to_train`, the dearest fit first."""
        wanted = [t for t in self.trials if t.state == "trained" or self._retries(t, "evaluate")]
        return sorted(wanted, key=lambda t: (t.round, -t.fit_flops))

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return not self.to_train and not self.to_score

    def counts(self) -> dict[State, int]:
        """Trials by state, every state named."""
        found = Counter(t.state for t in self.trials)
        return {state: found[state] for state in STATES}

    def _retries(self, trial: PlannedTrial, stage: Stage) -> bool:
        return self.retry_failed and trial.failed_stage == stage


def make_plan(
    spec: SweepSpec,
    store: Store | None,
    evaluation: EvaluationConfig,
    *,
    retry_failed: bool = False,
    only: Sequence[str] = (),
) -> Plan:
    """Compare a spec with a store (None: with nothing done).

    `only` keeps the trials of the blocks named so, or whose key or name starts so; `InputError` where that names nothing.
    """
    keys = selected_keys(spec, only) if only else None
    chosen = [(config, block) for config, block in spec.trials if keys is None or config.key in keys]
    sizes: dict[str, tuple[int, int]] = {}
    trials = []
    states = [TrialState()] * len(chosen)
    if store is not None:
        listed, running, asked = store.snapshot(), running_trials(living_drivers(store)), evaluation.id
        states = listed.storage.map(lambda one: listed.state(one[0].key, asked, running), chosen)
    rounds = seed_rounds(config for config, _ in spec.trials)
    costs: dict[object, _Cost] = {}  # by network: a large sweep is many seeds of few of them
    for (config, block), (state, reason, failed) in zip(chosen, states, strict=True):
        network = network_of(config)
        if (cost := costs.get(network)) is None:
            identity = f"{config.dataset} {config.data_identity} {config.data.version}"
            if identity not in sizes:
                sizes[identity] = source_sizes(config, data_source(config, spec.execution))
            costs[network] = cost = _cost(config, evaluation, *sizes[identity])
        trials.append(PlannedTrial(config, block, state, reason, *cost, failed, rounds[config]))
    shared = sum(reference_bytes(evaluation, *both) for both in sizes.values())
    return Plan(tuple(trials), evaluation, retry_failed, shared)


class _Cost(NamedTuple):
    """What `PlannedTrial` says of a network."""

    gpu_hours: float
    disk_bytes: int
    fit_flops: int
    training_flops: int
    gpu_idle_seconds: float
    cpu_hours: float
    images_train: int
    images_scored: int
    evaluation_bytes: int


def _cost(config: TrialConfig, evaluation: EvaluationConfig, train: int, test: int) -> _Cost:
    """The cost of a trial whose data set has `train` and `test` images."""
    fit = fit_flops(train, config.latent_size, further_components(evaluation))
    fit += prior_flops(evaluation, train, config.latent_size)
    return _Cost(
        gpu_hours(config, train),
        trial_bytes(config, evaluation, train, test),
        fit,
        training_flops(config, train),
        gpu_idle_seconds(config, train),
        cpu_hours(config, train),
        train,
        images_scored(evaluation, train, test),
        evaluation_bytes(config, evaluation, train, test),
    )


def further_components(evaluation: EvaluationConfig) -> int:
    """Components of all mixtures that metrics fit on a trial's latents, together."""
    heldout = "heldout_likelihood" in evaluation.metrics and "gmm" in evaluation.priors
    return heldout * evaluation.gmm_components + sum(evaluation.mixture_sizes) * ("mixtures" in evaluation.metrics)


def seed_rounds(trials: Iterable[TrialConfig]) -> dict[TrialConfig, int]:
    """Which seed of its network each trial is, counted from 0 in the order given."""
    seen: Counter[object] = Counter()
    rounds = {}
    for config in trials:
        network = network_of(config)
        rounds[config] = seen[network]
        seen[network] += 1
    return rounds


def selected_keys(spec: SweepSpec, only: Sequence[str]) -> set[str]:
    """Keys of the trials that the words of `--only` name: a block has all its trials, any other word begins keys or names."""
    blocks = {block.name: block.trials for block in spec.blocks}
    keys = {config.key for config, _ in spec.trials}
    names: dict[str, str] = {}
    selected: set[str] = set()
    for word in only:
        if word in blocks:
            found = {config.key for config in blocks[word]}
        else:
            found = {word} if word in keys else {key for key in keys if word and key.startswith(word)}
        if word and not found:
            names = names or {config.name: config.key for config, _ in spec.trials}
            found = {key for name, key in names.items() if name.startswith(word)}
        if not found:
            remedy = f"Give the start of a trial's key or name, or a block of the spec: {', '.join(blocks)}."
            raise InputError("--only", word, remedy)
        selected |= found
    return selected
