"""The examples of docs/extending.md, installed as a package of their own and run through one sweep.

The package is installed below a folder of the test and found through PYTHONPATH. Only the launch is a process of its own, with a Ray
of its own: here, the package is not on the path, as on the machine of somebody who got the store.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

from aesweep.models.errors import InputError
from aesweep.models.plugins.files import forget_files, load_files
from aesweep.sweep.launch import launch
from aesweep.sweep.load import load_data, load_model, load_prior
from tests.fresh_process import REPOSITORY, command_environment
from tests.in_process import Ended, run_aesweep

GUIDE = (REPOSITORY / "docs" / "extending.md").read_text(encoding="utf-8")
SPEC = """
name: extended
data: {dataset: stripes}
base: {architecture: dense, filters: 2, latent_size: 3, epochs: 1, batch_size: 250, parameters: {units: 4}}
blocks: [{name: all, model: sparse}]
evaluation:
  extractor: mean-colours
  samples: 100
  reference_size: 100
  priors: [mvg, laplace]
  metrics: [frechet, heldout_likelihood, brightness]
  options: {laplace: {spread: 1.5}}
"""


def examples() -> dict[str, str]:
    """The Python files of the guide by name, each announced as `name.py` or by a link before its block."""
    announced = r"(?:`|\]\(examples/)(\w+\.py)(?:`|\)\)):\n\n```python\n(.*?)```"
    return dict(re.findall(announced, GUIDE, re.DOTALL))


def examples_named() -> list[str]:
    """The names that the examples have in a spec."""
    return [name.removesuffix(".py").replace("_", "-") for name in examples()]


@dataclass(frozen=True)
class Extended:
    """A finished sweep with the plug-ins of the guide."""

    site: Path
    store: Path
    spec: Path
    said: str


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Extended:
    folder = tmp_path_factory.mktemp("extended")
    package, site, store, spec = (folder / name for name in ("package", "site", "store", "spec.yaml"))
    (package / "my_plugins").mkdir(parents=True)
    (package / "my_plugins" / "__init__.py").touch()
    for name, text in examples().items():
        (package / "my_plugins" / name).write_text(text)
    (package / "pyproject.toml").write_text(re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)[-1])
    install = "-m pip install --quiet --no-deps --no-build-isolation --no-index --disable-pip-version-check --target"
    subprocess.run([sys.executable, *install.split(), site, package], check=True, capture_output=True, timeout=120)
    spec.write_text(SPEC)
    found = command_environment(PYTHONPATH=f"{REPOSITORY}:{site}")
    command = [sys.executable, "-m", "aesweep.sweep.cli", "launch", str(spec), "--store", str(store)]
    ended = subprocess.run(command, env=found, cwd=folder, capture_output=True, text=True, timeout=280, check=False)
    assert ended.returncode == 0, ended.stderr
    return Extended(site, store, spec, ended.stderr)


@pytest.fixture(autouse=True)
def _no_files() -> Iterator[None]:
    yield
    forget_files()


def test_one_file_and_one_line_are_all_that_a_plugin_takes() -> None:
    files = examples()
    (package,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)[-1:]
    lines = tomllib.loads(package)["project"]["entry-points"]
    named = [
        entry.partition(":")[0].removeprefix("my_plugins.") for group in lines.values() for entry in group.values()
    ]
    assert sorted(f"{name}.py" for name in named) == sorted(files), "one file and one line each"
    assert len(files) == len(lines) == 6 and all(len(group) == 1 for group in lines.values())


def test_a_sweep_scores_with_the_plugins_of_a_package(extended: Extended) -> None:
    scores = pq.read_table(extended.store / "tables" / "scores.parquet").to_pylist()
    found = {(row["source"], row["metric"]): row for row in scores}
    assert found["laplace", "fd"]["value"] > 0 and found["laplace", "fd"]["extractor"] == "mean-colours"
    assert found["laplace", "heldout_loglikelihood"]["value"] > found["mvg", "heldout_loglikelihood"]["value"] - 5
    for source in ("reconstruction", "mvg", "laplace"):
        row = found[source, "brightness"]
        assert 0 < row["value"] < 255 and row["stderr"] > 0 and row["stderr_of"] == "images"
        assert "version of brightness 1.0" in row["changed_settings"]
    assert "version of laplace 1.0, options.laplace.spread 1.5" in found["laplace", "fd"]["changed_settings"]
    assert found["mvg", "fd"]["changed_settings"] == "version of mean-colours 1.0"
    (trial,) = pq.read_table(extended.store / "tables" / "trials.parquet").to_pylist()
    assert (trial["model"], trial["architecture"], trial["dataset"]) == ("sparse", "dense", "stripes")
    assert trial["plugin_versions"] == "architecture dense 1.0, dataset stripes 1.0, objective sparse 1.0"
    assert (trial["channels"], trial["image_size"], trial["images_train"], trial["images_test"]) == (1, 32, 500, 100)
    assert trial["parameters"] == "penalty 0.001, units 4"
    encoder, decoder = 1024 * 8 + 8 + 8 * 3 + 3, 3 * 8 + 8 + 8 * 1024 + 1024
    assert (trial["parameters_encoder"], trial["parameters_decoder"]) == (encoder, decoder)
    assert trial["flops_per_image"] == 2 * (2 * 1024 * 8 + 2 * 3 * 8)


def test_a_store_can_be_read_and_reported_where_its_plugins_are_not_installed(extended: Extended) -> None:
    for verb in ("status", "tables", "report"):
        ended = run_aesweep(verb, extended.store)
        assert ended.code == 0, ended.err
    page = (extended.store / "report" / "index.html").read_text()
    assert "laplace" in page and "brightness" in page


def refused(ended: Ended) -> str:
    assert ended.is_refused_clearly, (ended.out, ended.err)
    return ended.err


def test_what_has_to_run_a_missing_plugin_says_which(extended: Extended) -> None:
    for verb in ("resume", "evaluate"):
        said = refused(run_aesweep(verb, extended.store))
        assert any(f"'{name}'" in said for name in examples_named())
        assert "no such plug-in is here" in said and "--plugins FILE" in said
    key = next((extended.store / "trials").iterdir()).name
    with pytest.raises(InputError, match=r"'laplace'.*\n.*no such plug-in is here"):
        load_prior(extended.store, key, "laplace")
    assert "stripes" in refused(run_aesweep("plan", extended.spec))


def test_every_verb_about_one_trial_names_the_missing_plugin_and_how_to_give_it(
    extended: Extended, tmp_path: Path
) -> None:
    key = next((extended.store / "trials").iterdir()).name
    said = [
        refused(run_aesweep("sample", extended.store, key, "--prior", "mvg")),
        refused(run_aesweep("export", extended.store, key, "--to", tmp_path / "model")),
        run_aesweep("why", extended.store, key).out,
    ]
    for words in said:
        assert any(f"'{name}'" in words for name in examples_named()), words
        assert "no such plug-in is here" in words and "--plugins FILE" in words, words


def test_the_same_plugins_in_files_find_their_results_again(extended: Extended, tmp_path: Path) -> None:
    files = []
    for name, text in examples().items():
        (tmp_path / name).write_text(text)
        files += ["--plugins", str(tmp_path / name)]
    ended = run_aesweep("resume", extended.store, *files)
    assert ended.code == 0 and "Nothing to do" in ended.err, ended.err
    key = next((extended.store / "trials").iterdir()).name
    assert load_prior(extended.store, key, "laplace").sample(5, 0).shape == (5, 3)
    model, images = load_model(extended.store, key), load_data(extended.store, key)
    assert (images.test.shape, model.decode(torch.zeros(2, 3)).shape) == ((100, 32, 32, 1), (2, 1, 32, 32))


def test_a_plugin_that_the_workers_lack_is_refused_before_the_launch(
    extended: Extended, tmp_path: Path, ray_cluster: None
) -> None:
    for name, text in examples().items():
        (tmp_path / name).write_text(text)
    load_files(tmp_path / name for name in examples())
    with pytest.raises(InputError, match=r"The machine .* does not have it"):
        launch(str(extended.spec), tmp_path / "store")
    assert not list((tmp_path / "store").glob("trials/*/attempts/*"))
