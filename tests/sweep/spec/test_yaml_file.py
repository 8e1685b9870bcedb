"""A sweep written as YAML: what it gives, and how every mistake is answered."""

import shutil
import time
from pathlib import Path

import pytest
from PIL import Image

from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import check_source
from aesweep.models.errors import InputError
from aesweep.sweep.spec.images import data_source
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.spec.sweep_spec import SweepSpec
from tests.fresh_process import REPOSITORY

EXAMPLES = sorted((REPOSITORY / "docs" / "examples").glob("*.yaml"))

VALID = """
name: study
data: {dataset: cifar10}
base: {epochs: 20, filters: 16, seeds: 0..1}
blocks:
  - name: width
    model: [dae, vae]
    filters: [16, 32]
    latent_size: 8..32 step 8
    depth: [1, [3, 3, 2, 1]]
    warmup_learning_rate: 1e-3
  - name: explicit
    trials:
      - {model: dae, latent_size: 12, depth: [3, 3, 2, 1]}
      - {model: vae, latent_size: 12, beta: 0.1}
evaluation: {extractor: auto, samples: 2000, seeds: [0, 1], priors: [mvg]}
execution: {threads: 2, checkpoint_seconds: 60, gpu_share: null}
"""


def load(tmp_path: Path, text: str | bytes) -> SweepSpec:
    path = tmp_path / "spec.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_spec(path, data_dir=tmp_path / "data")


def refusal(tmp_path: Path, text: str | bytes) -> InputError:
    with pytest.raises(InputError) as caught:
        load(tmp_path, text)
    assert len(str(caught.value).splitlines()) == 2, str(caught.value)
    return caught.value


def make_folder(root: Path) -> Path:
    for split, colours in (("train", ("red", "blue")), ("test", ("green",))):
        for colour in colours:
            (root / split / "all").mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), colour).save(root / split / "all" / f"{colour}.png")
    return root


def test_a_block_is_the_product_of_its_lists_and_ranges(tmp_path: Path) -> None:
    spec = load(tmp_path, VALID)
    width, explicit = spec.blocks
    assert (spec.name, width.name, explicit.name) == ("study", "width", "explicit")
    assert len(width.trials) == 2 * 2 * 4 * 2 * 2
    assert {t.latent_size for t in width.trials} == {8, 16, 24, 32}
    assert {t.depth for t in width.trials} == {(1, 1, 1, 1), (3, 3, 2, 1)}
    assert {t.seed for t in width.trials} == {0, 1}
    assert {t.warmup_learning_rate for t in width.trials} == {1e-3}
    assert {t.filters for t in explicit.trials} == {16}
    assert len(explicit.trials) == 4
    assert (spec.extractor, spec.execution.threads, spec.execution.gpu_share) == ("auto", 2, None)
    assert spec.evaluation == {"samples": 2000, "sampling_seeds": (0, 1), "priors": ("mvg",)}


def test_an_explicit_trial_is_the_same_trial_as_one_from_a_product(tmp_path: Path) -> None:
    spec = load(
        tmp_path,
        "blocks: [{name: a, latent_size: 4..8 x2, filters: 8}, {name: b, trials: [{latent_size: 8, filters: 8}]}]",
    )
    assert [block for _, block in spec.trials] == ["a", "a"]
    assert spec.blocks[1].trials == (TrialConfig(latent_size=8, filters=8),)


def test_names_may_be_left_out(tmp_path: Path) -> None:
    spec = load(tmp_path, "blocks: [{model: dae}, {model: vae}]")
    assert spec.name == "spec"
    assert [block.name for block in spec.blocks] == ["block 1", "block 2"]


def test_numbers_that_yaml_reads_as_text_are_numbers(tmp_path: Path) -> None:
    spec = load(tmp_path, 'blocks: [{warmup_learning_rate: 1e-3, latent_size: "16", epochs: 2.0, beta: [1e-2, 1]}]')
    trial = spec.blocks[0].trials[0]
    assert (trial.warmup_learning_rate, trial.latent_size, trial.epochs, trial.beta) == (1e-3, 16, 2, 0.01)
    assert isinstance(trial.epochs, int)


def test_the_data_set_brings_its_image_size(tmp_path: Path) -> None:
    assert load(tmp_path, "data: {dataset: celeba}\nblocks: [{}]").trials[0][0].image_size == 64
    assert load(tmp_path, "data: {dataset: celeba, image_size: 32}\nblocks: [{}]").trials[0][0].image_size == 32
    assert load(tmp_path, "blocks: [{dataset: [digits, celeba]}]").trials[1][0].image_size == 64


def test_a_constant_learning_rate_is_one_rate_and_no_drop(tmp_path: Path) -> None:
    trial = load(tmp_path, "blocks: [{learning_rates: 1e-3, learning_rate_drops: []}]").trials[0][0]
    assert (trial.learning_rates, trial.learning_rate_drops) == ((1e-3,), ())


def test_lists_of_lists_are_several_schedules(tmp_path: Path) -> None:
    trials = load(tmp_path, "blocks: [{learning_rates: [[1e-3, 1e-4, 1e-5], [1e-2, 1e-3, 1e-4]]}]").trials
    assert [t.learning_rates for t, _ in trials] == [(1e-3, 1e-4, 1e-5), (1e-2, 1e-3, 1e-4)]


def test_overrides_apply_to_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(VALID)
    spec = load_spec(tmp_path / "spec.yaml", ["latent_size=5", "seeds=0", "samples=10"])
    assert {t.latent_size for t, _ in spec.trials} == {5}
    assert spec.evaluation["samples"] == 10


def test_a_folder_of_images_is_named_by_its_content(tmp_path: Path) -> None:
    make_folder(tmp_path / "faces")
    text = "data: {dataset: folder, path: ./faces}\nblocks: [{model: [dae, vae]}]"
    spec = load(tmp_path, text)
    identity = spec.trials[0][0].data_identity
    assert len(identity) == 64
    assert {Path(path) for path in spec.execution.folders.values()} == {tmp_path / "faces"}
    assert list(spec.execution.folders) == [identity]

    shutil.move(tmp_path / "faces", tmp_path / "moved")
    moved = load(tmp_path, text.replace("./faces", str(tmp_path / "moved")))
    assert moved.hash == spec.hash
    Image.new("RGB", (8, 8), "white").save(tmp_path / "moved" / "train" / "all" / "red.png")
    assert load(tmp_path, text.replace("./faces", "moved")).hash != spec.hash


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_in_the_documentation_is_a_spec(path: Path, tmp_path: Path) -> None:
    shutil.copy(path, tmp_path / path.name)
    for name in ("faces", "cifar10"):
        make_folder(tmp_path / name)
    spec = load_spec(tmp_path / path.name, data_dir=tmp_path / "data")
    expected = {"cifar10-width": (2 * 3 * 9 + 2 * 7), "minimal": 2, "own-images": 10, "three-seeds": 3 * (8 + 3 + 2)}
    expected |= {"rivals": 3 * (10 + 1 + 3), "rivals-cifar10": 3 * (10 + 1), "cifar10-two-widths": 3 * 2 * 2 * 4}
    assert len(spec.trials) == expected[path.stem]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 7


@pytest.mark.parametrize(
    ("old", "new", "field", "says"),
    [
        ("latent_size: 8..32", "latent_sizes: 8..32", 'blocks[0] "width": latent_sizes', "Did you mean latent_size?"),
        ("blocks:", "block:", "block", "Did you mean blocks?"),
        ("epochs: 20", "epoch: 20", "base: epoch", "Did you mean epochs?"),
        ("samples: 2000", "sample: 2000", "evaluation: sample", "Did you mean samples?"),
        ("threads: 2", "thread: 2", "execution: thread", "Did you mean threads?"),
        ("{dataset:", "{data_set:", "data: data_set", "Did you mean dataset?"),
        ("latent_size: 12, depth", "latent: 12, depth", 'blocks[1] "explicit": trials[0]: latent', "latent_size"),
        ("epochs: 20", "samples: 20", "base: samples", "belongs in evaluation"),
        ("samples: 2000", "epochs: 2", "evaluation: epochs", "belongs in base"),
        ("epochs: 20", "path: ./faces", "base: path", "belongs in data"),
        ("name: study", "filters: 8", "filters", "belongs in base"),
        ("name: study", "name: study\nextractor: classifier", "extractor", "belongs in evaluation"),
        ("epochs: 20", "data_identity: abc", "base: data_identity", "computed"),
        ("8..32 step 8", "-8", 'blocks[0] "width": latent_size', "from 1"),
        ("8..32 step 8", "32..8", 'blocks[0] "width": latent_size', "empty"),
        ("8..32 step 8", "8..x", 'blocks[0] "width": latent_size', "cannot be read"),
        ("8..32 step 8", "0..1e9", 'blocks[0] "width": latent_size', "100,000"),
        ("8..32 step 8", "1..50000", 'blocks[0] "width": number of trials', "100,000"),
        ("8..32 step 8", "[]", 'blocks[0] "width": latent_size', "at least one"),
        ("8..32 step 8", "[[8]]", 'blocks[0] "width": latent_size', "whole number"),
        ("8..32 step 8", "{a: 8}", 'blocks[0] "width": latent_size', "whole number"),
        ("8..32 step 8", "true", 'blocks[0] "width": latent_size', "whole number"),
        ("8..32 step 8", "null", 'blocks[0] "width": latent_size', "whole number"),
        ("8..32 step 8", ".nan", 'blocks[0] "width": latent_size', "whole number"),
        ("8..32 step 8", ".inf", 'blocks[0] "width": latent_size', "whole number"),
        ("8..32 step 8", "2020-01-01", "blocks[0].latent_size", "quotes"),
        ("8..32 step 8", "0x" + "f" * 9000, 'blocks[0] "width": latent_size', "whole number"),
        ("1e-3", ".nan", 'blocks[0] "width": warmup_learning_rate', "positive"),
        ("1e-3", "1e999", 'blocks[0] "width": ', "positive"),
        ("[1, [3, 3, 2, 1]]", "[[3, 3, 2]]", 'blocks[0] "width": depth', "four"),
        ("[1, [3, 3, 2, 1]]", "[3, 3, 2]", 'blocks[0] "width": depth', "[[3, 3, 2]]"),
        ("[1, [3, 3, 2, 1]]", "[3, 3, 2, 1]", 'blocks[0] "width": depth', "[[3, 3, 2, 1]]"),
        ("depth: [3, 3, 2, 1]}", "depth: [3, 3, 2]}", 'blocks[1] "explicit": trials[0]: depth', "four"),
        ("latent_size: 12, depth", "latent_size: [12, 13], depth", 'trials[0]: latent_size', "one value"),
        ("model: [dae, vae]", "model: [dae, vea]", 'blocks[0] "width": model', "Did you mean vae?"),
        ("model: [dae, vae]", "model: 0x" + "f" * 5000, 'blocks[0] "width": model', "Choose one of: dae, vae"),
        ("name: explicit", 'name: "a\\nb\\e[2J"', 'blocks[1] "a', "printable"),
        ("beta: 0.1", "latent_norm: batch", 'blocks[1] "explicit": trials[1]: latent_norm', "VAE"),
        ("name: explicit", "name: width", 'blocks[1] "width": name', "Another block"),
        ("name: explicit", "name: 3", "blocks[1]: name", "quotes"),
        ("name: explicit", "name: null", "blocks[1]: name", "quotes"),
        ("name: study", "name: 7", "name", "quotes"),
        ("name: study", "yes: 7", "field name", "quotes"),
        ("epochs: 20", "on: 20", "base: field name", "quotes"),
        ("epochs: 20", "epochs: 20, epochs: 30", "spec.yaml, line 4", "twice"),
        ("seeds: 0..1", "seeds: 0..1, seed: 3", "base: seed", "twice"),
        ("base: {", "base: [", "spec.yaml, line 4", "not valid YAML"),
        ("dataset: cifar10", "dataset: folder", "data: path", "path: ./faces"),
        ("dataset: cifar10", "dataset: folder, path: ./nowhere", "data: path", "There is no folder"),
        ("dataset: cifar10", "dataset: folder, path: ~nobody-has-this-name", "data: path", "no such user"),
        ("dataset: cifar10", "dataset: folder, path: 3", "data: path", "train/"),
        ("dataset: cifar10", "dataset: cifar10, path: ./x", "data: path", "dataset: folder"),
        ("dataset: cifar10", "dataset: imagenet", "data: dataset", "digits, cifar10, celeba, folder"),
        ("epochs: 20", "dataset: folder", 'blocks[0] "width": dataset', "section data"),
        ("extractor: auto", "extractor: vgg", "evaluation: extractor", "inception-2015"),
        ("samples: 2000", "samples: 1", "evaluation: samples", "from 2"),
        ("seeds: [0, 1], pri", "seeds: [0, 0], pri", "evaluation: sampling_seeds", "different"),
        ("priors: [mvg]", "priors: [mvn]", "evaluation: priors", "Did you mean mvg?"),
        ("priors: [mvg]", "metrics: fid", "evaluation: metrics", "Did you mean frechet?"),
        ("extractor: auto", "extractor: inception", "evaluation: extractor", "Did you mean inception-2015?"),
        ("threads: 2", "device: gpu", "execution: device", "Did you mean cuda?"),
        ("epochs: 20", "learning_rates: 1e-3", "blocks[0] \"width\": learning_rate_drops", "Give [], no fraction between"),
        ("threads: 2", "threads: 0", "execution: threads", "from 1"),
        ("threads: 2", "device: tpu", "execution: device", "cuda"),
        ("gpu_share: null", "gpu_share: 3", "execution: gpu_share", "at most 1"),
        ("data: {dataset: cifar10}", "data: cifar10", "data", "dataset: cifar10"),
        ("data: {dataset: cifar10}", "data:", "data", "leave it out"),
    ],
)  # fmt: skip
def test_a_mistake_is_answered_with_its_place_and_the_remedy(
    tmp_path: Path, old: str, new: str, field: str, says: str
) -> None:
    assert VALID.count(old) >= 1
    error = refusal(tmp_path, VALID.replace(old, new, 1))
    assert field in error.field
    assert says in str(error)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("# only a comment\n", "empty"),
        ("{}", "empty"),
        ("null", "empty"),
        ("[]", "made of fields"),
        ("just words", "made of fields"),
        ("blocks: []", "at least one block"),
        ("blocks:", "list of blocks"),
        ("blocks: {model: dae}", "list of blocks"),
        ("blocks: [dae]", "list of blocks"),
        ("name: nothing else", "list of blocks"),
        ("blocks: [{trials: []}]", "list of trials"),
        ("blocks: [{trials: [12]}]", "trial's fields"),
        ("blocks: [{model: dae}\n", "not valid YAML"),
        ("\tblocks: []", "not valid YAML"),
        ("a: !!python/object:os.system {}", "not valid YAML"),
        ("a: 2020-13-45", "not valid YAML"),
        ("a: !!bool maybe", "not valid YAML"),
        ("a: " + "9" * 6000, "not valid YAML"),
        ("[" * 1000, "not valid YAML"),
        ("? [1, 2]\n: 3", "not valid YAML"),
        ("a: &a [*a]", "levels deep"),
        ("a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" + "".join(
            f"{'bcdefghijkl'[i]}: &{'bcdefghijkl'[i]} [{', '.join(['*' + 'abcdefghijkl'[i]] * 9)}]\n" for i in range(9)
        ), "aliases count"),
        ("a: !!binary aGVsbG8=", "quotes"),
        (b"\xff\xfe\x00", "UTF-8"),
        ("name: Größe".encode("latin-1"), "UTF-8"),
        (b"\0\0\0", "not valid YAML"),
        (b"#" * 5_000_000, "larger than"),
    ],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_what_is_no_spec_is_refused(tmp_path: Path, text: str | bytes, says: str) -> None:
    assert says in str(refusal(tmp_path, text))


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(VALID)
    for source, says in ((tmp_path, "a folder"), (tmp_path / "studdy.yaml", "there is study.yaml")):
        with pytest.raises(InputError) as caught:
            load_spec(source)
        assert says in str(caught.value)
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")  # what an unreadable file is to anyone but root
    with pytest.raises(InputError) as caught:
        load_spec(tmp_path / "loop.yaml")
    assert "cannot be read" in str(caught.value)


def test_a_file_with_a_byte_order_mark_and_windows_line_ends_is_read(tmp_path: Path) -> None:
    assert load(tmp_path, b"\xef\xbb\xbf" + VALID.replace("\n", "\r\n").encode()).name == "study"


def test_a_large_grid_is_read_in_seconds(tmp_path: Path) -> None:
    started = time.process_time()
    spec = load(tmp_path, "blocks: [{latent_size: 1..200, seeds: 0..24}]")
    assert len(spec.trials) == 5000
    assert len(spec.hash) == 12
    assert time.process_time() - started < 10


@pytest.mark.parametrize("written", ["010", "[08, 09, 010]", "-012", "1:30", "[190:20:30]", "1:30.5", "0o17", "+010"])
def test_numbers_that_yaml_reads_as_others_are_refused(tmp_path: Path, written: str) -> None:
    """As octal, or as hours and minutes; 08 and 09, which are no octals, as text."""
    with pytest.raises(InputError) as caught:
        load(tmp_path, f"blocks: [{{model: dae, seeds: {written}}}]")
    assert "line 1" in caught.value.field or "seeds" in caught.value.field
    assert any(word in str(caught.value.value) for word in ("0", ":"))
    assert len(str(caught.value).splitlines()) == 2


def test_numbers_in_quotes_and_plain_zeros_are_read(tmp_path: Path) -> None:
    spec = load(tmp_path, "name: '010'\nblocks: [{model: dae, seeds: [0, 0x10, '7', 1_0], noise_std: [0.5, 0]}]")
    assert spec.name == "010"
    assert sorted({trial.seed for trial, _ in spec.trials}) == [0, 7, 10, 16]


def test_a_plan_needs_no_data_folder_that_can_be_written(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / "faces" / split / "a").mkdir(parents=True)
        for name in "12":
            Image.new("RGB", (8, 8), "red").save(tmp_path / "faces" / split / "a" / f"{name}.png")
    (tmp_path / "data").write_text("a file where the folder should be")
    (tmp_path / "s.yaml").write_text("data: {path: faces}\nblocks: [{model: dae}]")
    assert len(load_spec(tmp_path / "s.yaml", data_dir=tmp_path / "data").trials) == 1


def test_a_folder_of_images_is_read_once_for_its_content(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / "faces" / split / "a").mkdir(parents=True)
        Image.new("RGB", (8, 8), "red").save(tmp_path / "faces" / split / "a" / "1.png")
    (tmp_path / "s.yaml").write_text("data: {path: faces}\nblocks: [{model: dae}]")
    spec = load_spec(tmp_path / "s.yaml", data_dir=tmp_path / "data")
    trial = spec.trials[0][0]
    check_source(trial, data_source(trial, spec.execution))
    assert len(list((tmp_path / "data").rglob("*.json"))) == 1, "what was found out is kept in one place"


@pytest.mark.parametrize(("levels", "width"), [(10, 10), (40, 2), (4, 1000), (2, 100_000)])
def test_merge_keys_that_multiply_are_refused_at_once(tmp_path: Path, levels: int, width: int) -> None:
    """500 bytes could stand for billions of fields."""
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{i}: &a{i} {{<<: [{','.join([f'*a{i - 1}'] * width)}]}}" for i in range(1, levels)]
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join([*lines, f"blocks: [*a{levels - 1}]"]))
    with pytest.raises(InputError, match="merge keys"):
        load_spec(str(path))


def test_a_merge_key_joins_two_mappings(tmp_path: Path) -> None:
    path = tmp_path / "merged.yaml"
    path.write_text("blocks:\n- &a {filters: 2}\n- {<<: *a, latent_size: 3, name: b}")
    assert [(trial.filters, trial.latent_size) for trial, _ in load_spec(str(path)).trials] == [(2, 128), (2, 3)]
