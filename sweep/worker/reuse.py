"""What an evaluation takes over from earlier ones of the same trial instead of encoding and fitting again.

`aesweep evaluate STORE --metrics …` measures more on trials whose latents were encoded and whose priors were fitted
before, in hours where they are wide. Both follow from their inputs alone: latents from the weights and `vae_latents`,
priors from the latents and the mixture's fields. So latents are taken from an evaluation of the very same weights
(by SHA-256), priors from one of the very same latents and fields. Each file is checked against its commit; one that is damaged is
made again. Fits that failed are tried again: the deadline may be another one now.

Every commit names files of its own attempt alone. Where an earlier commit of the trial names the same bytes under the same name
(latents, priors, pictures), the file is not written again: it gets a second name in the new attempt's folder (a hard link). So it
takes room once, and `prune` and `verify` see each name by itself.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.metrics.heldout import FITS
from aesweep.evaluation.prior_descriptions import MIXTURE
from aesweep.evaluation.priors.fitted_prior import FittedPrior
from aesweep.evaluation.rows import ScoreRow
from aesweep.sweep.evaluation_job import EvaluationJob, Files, TrainedAgainError
from aesweep.sweep.store.layout import LATENTS, prior_file
from aesweep.sweep.store.records.commits import ScoresRecord, file_record
from aesweep.sweep.store.store import DamagedFileError

_DEFAULTS = EvaluationConfig().to_json()
"""What a commit means that is older than a field."""
HELDOUT_METRICS = ("heldout_loglikelihood", "train_loglikelihood", *FITS)


def model_hash(job: EvaluationJob) -> str:
    """SHA-256 of the trial's committed weights."""
    training = job.store.commits.training(job.key)
    return training.weights if training else ""


def require_same_weights(job: EvaluationJob, weights: str) -> None:
    """Raise `TrainedAgainError` where the trial's committed weights are others than those of this SHA-256."""
    if model_hash(job) not in ("", weights):
        raise TrainedAgainError("the trial was trained again meanwhile")


def reusable_latents(job: EvaluationJob) -> bytes | None:
    """The latents of an earlier evaluation of the same weights, as its file holds them."""
    weights = model_hash(job)
    for commit in _earlier(job, ["vae_latents"]):
        if weights and commit.model == weights and (data := _read(job, commit, LATENTS)) is not None:
            return data
    return None


def reusable_priors(job: EvaluationJob, encoded: Files) -> dict[str, FittedPrior]:
    """Those of the evaluation's priors that an earlier evaluation fitted on the same latents."""
    found: dict[str, FittedPrior] = {}
    for commit in _of_same_latents(job, encoded):
        for kind in job.evaluation.priors:
            if kind not in found and (prior := _read_prior(job, commit, kind)) is not None:
                found[kind] = prior
    return found


def reusable_heldout(job: EvaluationJob, encoded: Files) -> list[ScoreRow]:
    """The rows of `heldout_likelihood` that an earlier evaluation measured on the same latents.

    None where a fit missed its deadline, which may be another one now.
    """
    if "heldout_likelihood" not in job.evaluation.metrics:
        return []
    for commit in _of_same_latents(job, encoded):
        rows = [row for row in commit.rows if row.metric in HELDOUT_METRICS]
        same = commit.evaluation.get("priors") == list(job.evaluation.priors)
        if rows and same and not any("deadline" in row.note for row in rows):
            return rows
    return []


def write_or_share(job: EvaluationJob, contents: Mapping[str, bytes]) -> Files:
    """Write files of this attempt, or share those of earlier evaluations that hold the same; their entries for the commit."""
    files: Files = {}
    commits = list(_commits(job)) if contents else []
    for name, data in contents.items():
        record = file_record(data)
        owners = (commit.attempt for commit in commits if commit.files.get(name) == record)
        if any(job.store.attempts.share_file(job.key, job.attempt, name, data, owner) for owner in owners):
            files[name] = record
        else:
            files |= job.write(name, data)
    return files


def _of_same_latents(job: EvaluationJob, encoded: Files) -> Iterator[ScoresRecord]:
    for commit in _earlier(job, (*MIXTURE, "options", "plugin_versions")):
        if commit.files.get(LATENTS) == encoded[LATENTS]:
            yield commit


def _earlier(job: EvaluationJob, fields: Iterable[str]) -> Iterator[ScoresRecord]:
    """Commits of the trial's other evaluations that agree in these fields."""
    asked = job.evaluation.to_json()
    for commit in _commits(job):
        if all(_same(commit.evaluation.get(f, _DEFAULTS[f]), asked[f]) for f in fields):
            yield commit


def _commits(job: EvaluationJob) -> Iterator[ScoresRecord]:
    """Commits of the trial's other evaluations."""
    for evaluation in job.store.commits.scored(job.key):
        commit = job.store.commits.scores(job.key, evaluation)
        if commit is not None:
            yield commit


def _same(committed: object, asked: object) -> bool:
    """Whether two values of a field are one: a commit holds lists where a configuration has tuples."""
    return committed == asked or json.dumps(committed) == json.dumps(asked)


def _read(job: EvaluationJob, commit: ScoresRecord, name: str) -> bytes | None:
    """A file that an earlier commit names; None where it is missing or not the one that was committed."""
    if name in commit.files:
        with suppress(DamagedFileError):
            return job.store.attempts.read_file(job.key, commit.attempt, name, commit.files[name])
    return None


def _read_prior(job: EvaluationJob, commit: ScoresRecord, kind: str) -> FittedPrior | None:
    data = _read(job, commit, prior_file(kind))
    with suppress(ValueError):  # committed so: made by hand
        if data is not None and (prior := FittedPrior.from_bytes(data, job.config.latent_size)).kind == kind:
            return prior
    return None
