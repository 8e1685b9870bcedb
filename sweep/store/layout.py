"""Where things are in a store, and what attempts are called.

STORE/store.json                      the format of the store
      sweeps/<spec hash>.json         every spec launched here; latest.json names the newest
      launches/<driver>.json          the code and the environment of one launch
      merges/<driver>.json            trials that `aesweep merge` copied from another store
      claims/<hash>.json              what a launch will be judged by, frozen before it trains
      trials/<key>/config.json
                   attempts/<id>/     one try (`train-0001-…` or `score-0001-<evaluation>-…`): checkpoint, model,
                                      log, priors, pictures
                   train.json         THE COMMIT of training: its attempt, files with SHA-256, history, cost
                   scores/<id>.json   THE COMMIT of one evaluation
                   failures/<…>.json
                   epochs.json        epochs of an unfinished training, to look at; no result
                   pruned.json        attempts whose files `aesweep prune` removed: they count, and never commit
      verified.json                   what the last `aesweep verify` found
      references/ progress/ tables/ report/ trackers/
"""

import re
from collections.abc import Iterable
from typing import Literal

from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import data_name

STORE_FORMAT = 1
MARK = "store.json"
LATEST = "sweeps/latest.json"
FOLDED = "tables/folded.json"
"""What the tables were made from; `commits` holds the version of every commit that was read and found whole."""

TABLES = ("trials", "epochs", "terms", "scores", "evaluations", "latents", "failures")
"""The tables, in the order in which they are shown."""

CLAIMS = "claims"
"""What launches will be judged by."""

LAUNCHES = "launches"
"""The code and the environment of each launch."""

MERGES = "merges"
"""Which trials came from other stores."""

VERIFIED = "verified.json"
"""What the last `aesweep verify` found."""

TRACKERS = "trackers"
"""What TensorBoard, MLflow and other trackers write; nothing reads it."""

PUBLISHER = "tables/publisher.json"
"""Who publishes the tables, or did last."""

MODEL = "model.safetensors"
LATENTS = "latents.npz"
PICTURES = "samples"
PICTURE_NAME = rf"{PICTURES}/[0-9A-Za-z][0-9A-Za-z_.-]{{0,80}}\.png"
"""Pattern of the names of pictures: what another store names may lead nowhere else."""
CHECKPOINT = "checkpoint.pt"
START = "start.json"
END = "end.json"
LOG = "log.txt"

Stage = Literal["train", "evaluate"]
PREFIX: dict[Stage, str] = {"train": "train", "evaluate": "score"}
_ID = re.compile(r"[0-9a-f]{12}")
_ATTEMPT = re.compile(r"(?P<stage>train|score)-\d+(-(?P<evaluation>[0-9A-Za-z]+))?-[0-9a-f]{6}")


def table_name(table: str) -> str:
    """The file of a table."""
    return f"tables/{table}.parquet"


def is_key(name: str) -> bool:
    """Whether a name is a trial's key."""
    return _ID.fullmatch(name) is not None


def is_evaluation(name: str) -> bool:
    """Whether a name is the id of an evaluation."""
    return _ID.fullmatch(name) is not None


def spec_name(spec_hash: str) -> str:
    """A spec that was launched."""
    return f"sweeps/{spec_hash}.json"


def claims_name(frozen_hash: str) -> str:
    """The claims that a launch froze."""
    return f"{CLAIMS}/{frozen_hash}.json"


def launch_name(launch: str) -> str:
    """The record of a launch, by the name that its commits give."""
    return f"{LAUNCHES}/{launch}.json"


def config_name(key: str) -> str:
    """The configuration of a trial."""
    return f"trials/{key}/config.json"


def training_name(key: str) -> str:
    """The commit of a trial's training."""
    return f"trials/{key}/train.json"


def scores_name(key: str, evaluation: str) -> str:
    """The commit of one evaluation."""
    return f"trials/{key}/scores/{evaluation}.json"


def commit_name(key: str, stage: Stage, evaluation: str = "") -> str:
    """The commit of a training, or of one evaluation."""
    return training_name(key) if stage == "train" else scores_name(key, evaluation)


def epochs_name(key: str) -> str:
    """The epochs of a trial that is not trained yet."""
    return f"trials/{key}/epochs.json"


def pruned_name(key: str) -> str:
    """The names of a trial's attempts whose folders were removed."""
    return f"trials/{key}/pruned.json"


def attempt_folder(key: str, attempt: str) -> str:
    """The folder of one attempt."""
    return f"trials/{key}/attempts/{attempt}"


def attempt_number(attempt: str) -> int:
    """Its place among the attempts of its trial and stage, from 1."""
    return int(attempt.split("-")[1])


def attempts_of(names: Iterable[str], stage: Stage, evaluation: str = "") -> list[str]:
    """The names that are attempts at this stage, and at this evaluation where one is given."""
    mine = [m for name in names if (m := _ATTEMPT.fullmatch(name)) and m["stage"] == PREFIX[stage]]
    return [m[0] for m in mine if not evaluation or m["evaluation"] == evaluation]


def stage_of(attempt: str) -> tuple[Stage, str]:
    """What an attempt tries: a stage, and the evaluation where it is one."""
    found = _ATTEMPT.fullmatch(attempt)
    if found is None:
        raise ValueError(f"{attempt!r} is no attempt")
    return ("train", "") if found["stage"] == PREFIX["train"] else ("evaluate", found["evaluation"])


def extractor_name(config: TrialConfig, extractor: str, recipe: str) -> str:
    """The weights of a feature network that was trained on the labels of a data set, by the SHA-256 of its recipe."""
    return f"references/{data_name(config)}-{extractor}-{recipe[:8]}-weights.npz"


def prior_file(prior: str) -> str:
    """The file of one fitted prior."""
    return f"priors-{prior}.npz"
