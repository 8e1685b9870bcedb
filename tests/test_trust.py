"""Loading a store, a spec or data executes nothing and follows no path out of the store."""

import ast
import io
import json
import os
import pickle
import re
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from aesweep.evaluation.latents import Latents
from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.priors.fitted_prior import FittedPrior
from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError
from aesweep.models.training.checkpoint import restore_checkpoint
from aesweep.models.training.trainer import Trainer
from aesweep.sweep.load import load_model
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.spec.yaml_text import _Loader
from aesweep.sweep.store.records.commits import file_record
from aesweep.sweep.store.records.seal import sealed_json_bytes
from aesweep.sweep.store.store import open_store
from aesweep.sweep.worker.training_attempt import TrainingAttempt
from tests.in_process import run_aesweep
from tests.small_store import DONE, HALF, small_spec
from tests.watching import nothing_happens_in

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCES = sorted(
    path for folder in "analysis benchmarks cluster evaluation models sweep".split() for path in (REPOSITORY / folder).rglob("*.py")
)  # fmt: skip


class Bomb:
    """Unpickled, it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


@pytest.fixture
def crater(tmp_path: Path) -> Iterator[Path]:
    """The folder that a bomb would make; checks that none went off."""
    folder = tmp_path / "crater"
    yield folder
    assert not folder.exists()


READ_VARIABLES = {
    "AESWEEP_DATA", "APPTAINER_CONTAINER", "CC", "CONTAINER", "MPLBACKEND", "RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_USE_TLS",
    "TORCHINDUCTOR_CACHE_DIR", "VIRTUAL_ENV", "WANDB_MODE", "XDG_STATE_HOME",
}  # fmt: skip
"""What the product reads from the environment by name."""
BY_CONSTANT = {
    "name",
    "variable",
    "JOB_CONFIG",
    "LOCAL_SWITCH",
    "LOG_LEVEL",
}  # Ray's, of libraries that fit mixtures, or an S3 server's URL


def environment_reads(code: str) -> set[str]:
    """The names of variables that a file reads: literals, and expressions as they are written."""
    found: list[ast.expr] = []
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Call(func=ast.Attribute(value=owner, attr=attribute), args=[name, *_]):
                of_environment = ast.unparse(owner) == "os.environ" and attribute in ("get", "pop", "setdefault")
                found += [name] if of_environment or (ast.unparse(owner), attribute) == ("os", "getenv") else []
            case ast.Subscript(value=owner, slice=name, ctx=ast.Load()) if ast.unparse(owner) == "os.environ":
                found.append(name)
            case ast.Compare(left=name, ops=[ast.In() | ast.NotIn()], comparators=[owner]):
                found += [name] if ast.unparse(owner) == "os.environ" else []
    return {str(name.value) if isinstance(name, ast.Constant) else ast.unparse(name) for name in found}


def test_reads_of_the_environment_are_seen() -> None:
    code = "os.environ.get('A'); os.environ['B']; os.getenv('C', ''); 'D' in os.environ; os.environ.get(E); x.get('F')"
    assert environment_reads(code) == {"A", "B", "C", "D", "E"}


OURS = {"AESWEEP_DATA", "AESWEEP_CONTAINER"}
"""Its own variables: the folder of data sets, and the digest of the container that it runs in."""


def test_the_product_has_no_test_hooks() -> None:
    """What tests inject comes from outside (tests/faults): no variable of the environment makes the product misbehave."""
    product = [path for path in SOURCES if path.parts[len(REPOSITORY.parts)] != "benchmarks"]
    texts = {str(path.relative_to(REPOSITORY)): path.read_text() for path in product}
    assert len(texts) > 100
    assert set().union(*map(environment_reads, texts.values())) == READ_VARIABLES | BY_CONSTANT
    assert {word for text in texts.values() for word in re.findall(r"AESWEEP_\w+", text)} == OURS
    hook = re.compile(r"fail_?point|FAULTS_|sitecustomize|^\s*(from|import) (tests|pytest|unittest)\b", re.MULTILINE)
    assert {name: found.group() for name, text in texts.items() if (found := hook.search(text))} == {}


def test_the_bomb_works(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(tmp_path / "x")))
    assert (tmp_path / "x").is_dir()


def zipped_bomb(crater: Path) -> bytes:
    """A checkpoint as `torch.save` writes it, with a bomb in its pickle."""
    file = io.BytesIO()
    torch.save({"format": 1, "key": HALF.key, "state": Bomb(crater)}, file)
    return file.getvalue()


def arrays_bomb(crater: Path, *names: str) -> bytes:
    """An npz file whose arrays hold objects."""
    file = io.BytesIO()
    arrays: dict[str, Any] = {name: np.array([Bomb(crater)], dtype=object) for name in names}
    np.savez(file, **arrays)
    return file.getvalue()


def test_a_checkpoint_runs_nothing(crater: Path) -> None:
    images = torch.zeros(20, 32, 32, 3, dtype=torch.uint8)
    trainer = Trainer(TrialConfig(filters=2, latent_size=2, epochs=1), images, device=torch.device("cpu"))
    for data in (pickle.dumps(Bomb(crater)), zipped_bomb(crater)):
        with pytest.raises(ValueError, match="damaged"):
            restore_checkpoint(trainer, data)


def test_training_goes_past_a_hostile_checkpoint(
    small_store: Path, tmp_path: Path, data_dir: Path, crater: Path
) -> None:
    shutil.copytree(small_store, tmp_path / "store")
    (path,) = (tmp_path / "store").glob(f"trials/{HALF.key}/attempts/*/checkpoint.pt")
    path.write_bytes(zipped_bomb(crater))
    attempt = TrainingAttempt(open_store(tmp_path / "store"), HALF, small_spec(data_dir).execution)
    attempt.start()
    assert (attempt.resumed_from, attempt.trainer.epoch) == ("none", 0)


@pytest.mark.parametrize(
    ("read", "names"),
    [
        (Latents.from_bytes, "train test"),
        (partial(FittedPrior.from_bytes, latent_size=3), "kind weights means factors note"),
        (FeatureStatistics.from_bytes, "n mean scatter root"),
    ],
    ids=["latents", "prior", "statistics"],
)
def test_arrays_run_nothing(read: Callable[[bytes], object], names: str, crater: Path) -> None:
    for data in (arrays_bomb(crater, *names.split()), pickle.dumps(Bomb(crater))):
        with pytest.raises(ValueError, match="damaged"):
            read(data)


def test_weights_run_nothing_even_where_their_commit_agrees(small_store: Path, tmp_path: Path, crater: Path) -> None:
    shutil.copytree(small_store, tmp_path / "store")
    commit_path = tmp_path / "store/trials" / DONE.key / "train.json"
    commit = json.loads(commit_path.read_text())
    for data in (pickle.dumps(Bomb(crater)), zipped_bomb(crater)):
        (commit_path.parent / "attempts" / commit["attempt"] / "model.safetensors").write_bytes(data)
        commit["files"]["model.safetensors"] = file_record(data).to_json()
        commit_path.write_bytes(sealed_json_bytes(commit))
        with pytest.raises(InputError, match="cannot be loaded"):
            load_model(tmp_path / "store", DONE.key)


@pytest.mark.parametrize(
    "text",
    [
        "blocks: !!python/object/apply:os.mkdir [{crater}]",
        "blocks: [!!python/object/new:os.mkdir [{crater}]]",
        "!!python/object/apply:os.mkdir [{crater}]: 1",
        "name: !!python/name:os.mkdir\nblocks: [{{}}]",
        "name: !!python/module:os\nblocks: [{{}}]",
    ],
)
def test_a_spec_runs_nothing(text: str, tmp_path: Path, crater: Path) -> None:
    (tmp_path / "spec.yaml").write_text(text.format(crater=crater))
    assert run_aesweep("plan", tmp_path / "spec.yaml").is_refused_clearly


def test_an_override_runs_nothing(crater: Path) -> None:
    for value in (f"!!python/object/apply:os.mkdir [{crater}]", "!!python/name:os.mkdir"):
        with pytest.raises(InputError, match="not valid YAML"):
            load_spec("quickstart", [f"epochs={value}"])


OUTWARD = [
    "../../outside",
    "../../../outside/train.json",
    "..",
    ".",
    "a/../../../outside",
    "{outside}",
    "/etc/passwd",
    "C:\\x",
]


@pytest.mark.parametrize("word", OUTWARD)
def test_words_of_a_store_never_become_paths_out_of_it(small_store: Path, tmp_path: Path, word: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "train.json").write_text("{}")
    word = word.format(outside=outside)
    store = tmp_path / "store"
    shutil.copytree(small_store, store)
    (spec_path,) = store.glob("sweeps/[0-9a-f]*.json")
    about = json.loads(spec_path.read_text())
    train = store / "trials" / DONE.key / "train.json"
    commit = json.loads(train.read_text())
    changes = {
        spec_path: {**about, "keys": {**about["keys"], word: "done"}},
        store / "sweeps/latest.json": {"spec": word, "evaluation": word},
        train: {**commit, "attempt": word},
    }
    with nothing_happens_in(outside):
        for path, value in changes.items():
            whole = path.read_bytes()
            path.write_bytes(sealed_json_bytes(value))
            for verb in (["status"], ["tables"], ["sample", word], ["sample", DONE.key, "--out", tmp_path / "x.png"]):
                ended = run_aesweep(verb[0], store, *verb[1:])
                assert ended.code == 0 or ended.is_refused_clearly, ended.err
            path.write_bytes(whole)


def test_the_identity_of_a_folder_is_a_hash_and_no_path() -> None:
    for identity in ("../" * 21 + "x", "A" * 64, "0" * 63, "/" * 64):
        with pytest.raises(InputError):
            TrialConfig(dataset="folder", data_identity=identity)


# What the sources may not do

FORBIDDEN_CALLS = {
    "eval", "exec", "__import__", "pickle.load", "pickle.loads", "pickle.Unpickler", "dill.load", "dill.loads",
    "joblib.load", "marshal.load", "marshal.loads", "shelve.open", "cloudpickle.load", "cloudpickle.loads",
    "pd.read_pickle", "pandas.read_pickle", "yaml.full_load", "yaml.unsafe_load", "yaml.load_all", "yaml.full_load_all",
    "os.system", "os.popen", "subprocess.getoutput", "torch.hub.load", "torch.jit.load", "torch.package.PackageImporter",
}  # fmt: skip


# No files of a store: Tune's own note of a lost trial, which the driver itself has written into its temporary folder, and the
# claims of the user, whose path comes from the user alone (tests/sweep/claims/test_hostile_claims.py).
OWN_FILES = {"sweep/driver/tune_adapter.py": "cloudpickle.loads", "analysis/claims/own.py": "exec"}
OWN_FILES |= {"models/plugins/files.py": "exec"}


def problem(call: ast.Call) -> str:
    """Why a call could run what a file holds; "" where it could not."""
    name = ast.unparse(call.func)
    words = {word.arg: ast.unparse(word.value) for word in call.keywords}
    if name in FORBIDDEN_CALLS:
        return name
    match name:
        case "np.load" | "numpy.load" if words.get("allow_pickle") != "False":
            return f"{name} without allow_pickle=False"
        case "torch.load" if words.get("weights_only") != "True":
            return "torch.load without weights_only=True"
        case "Image.open" if "formats" not in words:  # by content Pillow runs Ghostscript
            return "Image.open without formats"
        case "yaml.load" if [ast.unparse(a) for a in call.args[1:]] not in (["_Loader"], ["yaml.SafeLoader"]):
            return "yaml.load without a safe loader"
    return "shell=True" if words.get("shell", "False") != "False" else ""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_no_source_runs_what_a_file_holds(path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    own = OWN_FILES.get(path.relative_to(REPOSITORY).as_posix())
    found = [f"line {call.lineno}: {what}" for call in calls if (what := problem(call)) and what != own]
    assert found == []


def test_the_scan_finds_what_it_looks_for() -> None:
    for text in (
        "pickle.loads(x)", "eval(x)", "np.load(x)", "np.load(x, allow_pickle=True)", "torch.load(x)", "yaml.load(x, yaml.Loader)",
        "torch.load(x, weights_only=False)", "subprocess.run(x, shell=True)", "yaml.load(x)", "Image.open(x)",
    ):  # fmt: skip
        assert problem(ast.parse(text).body[0].value)  # type: ignore[attr-defined]
    assert not problem(ast.parse("model.eval()").body[0].value)  # type: ignore[attr-defined]


def test_the_loader_of_specs_is_a_safe_one() -> None:
    assert issubclass(_Loader, yaml.SafeLoader)
    assert not issubclass(_Loader, yaml.FullLoader | yaml.UnsafeLoader)


# What Ray listens on
