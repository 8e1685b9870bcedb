"""Any YAML file and any `--set` gives a plan, or one clear refusal: never a traceback, a hang or a flood of trials.

`aesweep plan` runs in this process. Documents come from three sources: sections built from the fields' names with values
that fit or do not, the examples of the documentation and the presets with slips of hand, and bytes. The default suite
takes some of each, always the same ones; `-m slow` takes a thousand.
"""

import copy
import json
import random
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aesweep.sweep.spec.fields import ALIASES, FIELDS
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.spec.presets import PRESETS
from aesweep.sweep.spec.ranges import MOST_TRIALS
from aesweep.sweep.spec.sweep_spec import SweepSpec
from tests.fresh_process import REPOSITORY
from tests.image_folder import write_image_folder
from tests.in_process import Ended, run_aesweep

MOST_COMPARED = 2000  # trials; more would take seconds
EXAMPLES = sorted((REPOSITORY / "docs" / "examples").glob("*.yaml"))

some = settings(
    max_examples=100,
    deadline=timedelta(seconds=30),  # the largest grid that is allowed takes ten
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
a_thousand = settings(some, max_examples=1000)

# Values


FITTING = {
    "dataset": ["digits", "cifar10", "[digits, celeba]"],
    "model": ["dae", "vae", "[dae, vae]"],
    "depth": ["1", "[1, 2]", "[[3, 3, 2, 1]]", "3-3-2-1", "1..3"],
    "latent_size": ["8", "8..64 x2", "8..32 step 8", "[4, 16..20]", '"16, 32"'],
    "latent_norm": ["none", "batch", "[none, spectral, layer]"],
    "noise_std": ["0", "0.1", "1e-1", "[0.1, .5]"],
    "decoder_first_map": ["min(8f,1024)", "4f", "[8f, 1024]"],
    "learning_rates": ["1e-3", "[1e-3, 1e-4, 1e-5]", "[[1e-3, 1e-4, 1e-5], [1, 2, 3]]"],
    "learning_rate_drops": ["[]", "[0.33, 0.66]", "0.5"],
    "freeze_latent": ["true", "false"],
    "image_size": ["32", "64"],
    "seeds": ["0..2", "[0, 1]"],
    "path": ["./faces", "faces", "."],
    "extractor": ["auto", "random-conv-64", "inception-2015"],
    "priors": ["mvg", "[mvg, gmm]", "[]"],
    "metrics": ["frechet", "gaussianity", "[frechet, gaussianity]"],
    "data_dir": ["./data", "data"],
    "device": ["cpu", "auto"],
    "gpu_share": ["null", "0.5", "1"],
    "resize": ["bilinear", "lanczos"],
    "noise_position": ["image", "decoder_input"],
    "conv_norm": ["true", "false"],
    "compile": ["false"],
    "deterministic": ["false", "true"],
    "bn_momentum": ["0.01", "1", "1e-2"],
    "decoder_first_activation": ["none", "relu"],
    "decoder_depth": ["by_width", "mirrored", "in_order"],
    "reduction": ["mean", "sum"],
    "precision": ["auto", "[fp32, bf16]"],
    "reference_split": ["train", "test"],
    "vae_latents": ["mean", "sample"],
    "samples": ["2", "300"],
    "reference_size": ["2", "300"],
}
BLOCK_NAMES = [
    "name: one", "name: two", "name: one", "name: two", 'name: "[/red]"', 'name: "a\\nb"', 'name: "\\e[1m"', "name: 1",
    f"name: {'n' * 81}",
]  # fmt: skip
ODD = [
    "", "null", "~", "true", "no", "-1", "0", "1", "3.5", "1e3", "1e400", "-0.0", ".nan", ".inf", "-.inf",
    "9" * 400, "9" * 5000, "0x" + "f" * 5000, "0o17", "1_000", "190:20:30", "2020-01-01", "2020-13-45",
    "1..99999", "1..1e9", "0..1", "8..4", "1..2 step 0", "1..2 step -1", "1..1e30 x2", "1..2 x1.0000001", "1e-30..1",
    "..", "1..", "a..b", ",", "1,,2", "a,b", '""', '" "', '"\\0"', '"a\\nb"', '"\\e[31mred"', '"\\u2028"', '"\\ud800"',
    "é", "日本語", "x" * 3000, "~nobody-has-this-name", '"~a\\0b"', "/", "/proc/1/mem", "/dev/zero", "../..", "/" + "a/" * 3000,
    "[]", "[[]]", "[[[]]]", "{}", "{a: 1}", "{? [1]: 2}", "[{}]", "[null]", "[1, [2, [3, [4]]]]", "[1, 1]", "[1, 2, 3, 4]",
    "&a [*a]", "*nothing", "&b 1", "<<: *b", "!!python/object/apply:os.system [id]", "!!python/name:os.system",
    "!!binary aGVsbG8=", "!!set {a, b}", "!!int x", "!!float 1", "!!timestamp 1", "!unknown x", "!!str 8", "!!bool maybe",
    "[" * 40, "[" * 2000, "{" * 40, "\t", "\t8", "# only a comment", "|\n  block\n  text", ">-\n  folded", "'unfinished",
    '"unfinished', "@at", "`tick", "%percent", "dae", "vae", "folder", "celeba", "cifar10", "none", "min(8f,1024)", "8f,(",
]  # fmt: skip
TRIAL_WORDS = (*FIELDS["trial"], *ALIASES)
WORDS = (
    *TRIAL_WORDS, *FIELDS["evaluation"], *FIELDS["execution"],
    "name", "data", "base", "blocks", "evaluation", "execution", "trials", "path",
    "data_identity", "folders", "extractor_sha256", "latent_sizes", "epoch", "yes", "1", "é", '"\\0"', '"a\\nb"',
    '"\\e[2J"', "w" * 900, "__class__", "<<", "{}", "[]", "? a", "- a", "",
)  # fmt: skip

texts = st.text(st.characters(codec="utf-8"), max_size=12)
odd = st.one_of(st.sampled_from(ODD), texts, texts.map(json.dumps), st.floats().map(repr), st.integers().map(str))


def fitting(name: str) -> list[str]:
    """Values that the field takes."""
    return FITTING.get(name, ["1", "2", "16"])


def entries(rng: random.Random, names: tuple[str, ...], most: int) -> list[str]:
    """`field: value` of different fields: mostly known here, with values that mostly fit."""
    chosen = rng.sample(names, min(rng.randint(0, most), len(names)))
    if rng.random() < 0.04:
        chosen.append(rng.choice(WORDS))
    if chosen and rng.random() < 0.03:
        chosen.append(rng.choice(chosen))
    return [f"{name}: {rng.choice(ODD if rng.random() < 0.07 else fitting(name))}" for name in chosen]


@st.composite
def documents(draw: Any) -> str:
    """Sections of a spec, in any order; now and then one twice, none, or something else in its place.

    One drawn seed decides all: Hypothesis alone prefers repeated fields and empty sections, and nearly all is refused.
    """
    rng = draw(st.randoms(use_true_random=True))
    blocks = []
    for _ in range(rng.choice([1, 1, 2, 3])):
        inside = entries(rng, TRIAL_WORDS, 4)
        if rng.random() < 0.3:
            inside.insert(0, rng.choice(BLOCK_NAMES))
        if rng.random() < 0.2:
            trials = ["{" + ", ".join(entries(rng, TRIAL_WORDS, 2)) + "}" for _ in range(rng.randint(1, 2))]
            inside.append(f"trials: [{', '.join(trials)}]")
        blocks.append("{" + ", ".join(inside) + "}")
    sections = [f"blocks: [{', '.join(blocks)}]"]
    for section, names in (
        ("base", TRIAL_WORDS),
        ("data", ("dataset", "image_size", "resize")),
        ("data", ("path",)),
        ("evaluation", FIELDS["evaluation"]),
        ("execution", FIELDS["execution"]),
    ):
        if rng.random() < 0.3:
            sections.append(f"{section}: {{{', '.join(entries(rng, names, 3))}}}")
    if rng.random() < 0.1:
        sections.append(f"{rng.choice(WORDS)}: {rng.choice(ODD)}")
    rng.shuffle(sections)
    return "\n".join(sections) + "\n"


# Slips


def preset_as_yaml(name: str) -> str:
    """A preset written out as the spec file that gives it: the first trial of each block as `base`."""
    spec = PRESETS[name]()
    base = spec.trials[0][0].to_json()
    del base["data_identity"], base["data_label"], base["plugin_versions"]
    blocks = []
    for block in spec.blocks:
        trials = [{k: v for k, v in t.to_json().items() if k in base and v != base[k]} for t in block.trials]
        blocks.append({"name": block.name, "trials": [json.loads(json.dumps(trial)) for trial in trials]})
    tree = {
        "name": spec.name,
        "base": json.loads(json.dumps(base)),
        "blocks": blocks,
        "evaluation": json.loads(json.dumps(dict(spec.evaluation))),
    }
    return yaml.safe_dump(tree, sort_keys=False)


GOOD = [path.read_text(encoding="utf-8") for path in EXAMPLES] + [preset_as_yaml("quickstart")]
MARKS = [*"[]{}:,-#&*!|>'\"%@`? \n\t\r\0.~é\x1b\u2028", "..", " x2", " step 0", "\t- ", "&a ", "*a", "<<: "]


@st.composite
def slips(draw: Any) -> bytes:
    """A good spec after one to four slips: characters lost, added or flipped, lines swapped, values replaced."""
    data = draw(st.sampled_from(GOOD)).encode()
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.integers(0, 6)):
            case 0:
                data = data[:place] + data[place + draw(st.integers(1, 5)) :]
            case 1:
                data = data[:place] + draw(st.sampled_from(MARKS)).encode() + data[place:]
            case 2:
                data = data[:place] + bytes([data[place] ^ (1 << draw(st.integers(0, 7)))]) + data[place + 1 :]
            case 3:
                lines = data.split(b"\n")
                first, second = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
                lines[first], lines[second] = lines[second], lines[first]
                data = b"\n".join(lines)
            case 4:
                lines = data.split(b"\n")
                lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(lines)))
                data = b"\n".join(lines)
            case 5:
                data = data[:place]
            case _:
                values = list(re.finditer(rb"(?<=: )[^{},\n]+", data))
                if values:
                    found = draw(st.sampled_from(values))
                    value = draw(odd).encode("utf-8", "surrogatepass")
                    data = data[: found.start()] + value + data[found.end() :]
        data = data or b"#"
    return bytes(data)


# Changes of the tree


ODD_VALUES: list[Any] = [
    None, True, False, 0, -1, 3, 10**30, 0.5, -0.0, float("nan"), float("inf"), "", " ", "x", "1e-3", "0..3", "3..0",
    "1..1e9", "8..64 x2", "yes", "none", "dae", "folder", "celeba", ",", "a,b", "a\0b", "é", [], [[]], [1, 2], ["dae"],
    [[3, 3, 2, 1]], [3, 3, 2, 1], [None], [[None]], {}, {"a": 1}, {1: 2}, {"path": "x"}, [{}], [{"model": "dae"}],
]  # fmt: skip
FIELD_NAMES = [
    "name", "data", "base", "blocks", "evaluation", "execution", "model", "depth", "latent_size", "seeds", "seed",
    "trials", "path", "dataset", "extractor", "samples", "threads", "data_dir", "learning_rates", "latent_norm",
    "folders", "", "é", True,
]  # fmt: skip


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in the tree."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(items):
        yield tree, key
        if isinstance(value, dict | list):
            yield from places(value)


def mutated(tree: Any, rng: random.Random) -> Any:
    """`tree` with one to three of its parts replaced, removed, renamed, doubled or added."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.randint(1, 3)):
        found = list(places(tree))
        if not found:
            break
        container, key = rng.choice(found)
        match rng.randrange(5):
            case 0:
                container[key] = copy.deepcopy(rng.choice(ODD_VALUES))
            case 1:
                del container[key]
            case 2 if isinstance(container, dict):
                container[rng.choice(FIELD_NAMES)] = container.pop(key)
            case 3:
                container[key] = [container[key], copy.deepcopy(rng.choice(ODD_VALUES))]
            case _:
                if isinstance(container, dict):
                    container[rng.choice(FIELD_NAMES)] = copy.deepcopy(rng.choice(ODD_VALUES))
    return tree


@st.composite
def changes(draw: Any) -> str:
    """A good spec whose parts were replaced, removed, renamed, doubled or added: YAML still, and mostly nonsense."""
    rng = draw(st.randoms(use_true_random=False))
    return yaml.safe_dump(mutated(yaml.safe_load(rng.choice(GOOD)), rng), allow_unicode=True)


overrides = st.one_of(
    st.builds("{}={}".format, st.sampled_from(TRIAL_WORDS), odd),
    st.builds("{}={}".format, st.sampled_from((*FIELDS["evaluation"], *FIELDS["execution"], "name", "path")), odd),
    st.sampled_from([f"{name}={value}" for name, values in FITTING.items() for value in values]),
    st.builds("{}{}={}".format, st.sampled_from(["base.", "evaluation.", "execution.", "data.", "x."]), texts, odd),
    texts,
)

# What must hold


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Path:
    """A folder with a small data set `faces`, where spec files are written."""
    folder = tmp_path_factory.mktemp("specs")
    write_image_folder(folder / "faces")
    return folder


def holds(ended: Ended) -> None:
    """A plan of an allowed size, or a clear refusal."""
    if ended.code:
        assert ended.is_refused_clearly, (ended.code, ended.err)
    else:
        assert ended.err == ""
        title = re.search(r"([\d,]+) trials?", " ".join(ended.out.split()))
        assert title and 1 <= int(title[1].replace(",", "")) <= MOST_TRIALS, ended.out[:300]


def plan(folder: Path, data: bytes) -> Ended:
    """Plan a spec file; one that is planned comes back from the store as it is written there."""
    file = folder / "spec.yaml"
    file.write_bytes(data)
    ended = run_aesweep("plan", file)
    if ended.code == 0 and len((spec := load_spec(file)).trials) <= MOST_COMPARED:
        assert SweepSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
        assert spec.hash and all(trial.name for trial, _ in spec.trials)
    return ended


def test_a_document_of_known_fields_is_planned_or_refused(place: Path) -> None:
    """Some are planned and some refused, or the fuzz would say nothing."""
    codes: list[int] = []

    @some
    @given(documents())
    def one(text: str) -> None:
        ended = plan(place, text.encode("utf-8", "surrogatepass"))
        codes.append(ended.code)
        holds(ended)

    one()
    assert 0.1 < codes.count(0) / len(codes) < 0.9


@some
@given(changes())
def test_a_good_spec_with_another_tree_is_planned_or_refused(place: Path, text: str) -> None:
    holds(plan(place, text.encode("utf-8")))


@some
@given(slips())
def test_a_good_spec_after_slips_is_planned_or_refused(place: Path, data: bytes) -> None:
    holds(plan(place, data))


@some
@given(st.binary(max_size=60))
def test_bytes_are_planned_or_refused(place: Path, data: bytes) -> None:
    holds(plan(place, data))


@some
@given(st.lists(overrides, min_size=1, max_size=3))
def test_an_override_is_applied_or_refused(place: Path, given_overrides: list[str]) -> None:
    holds(run_aesweep("plan", "quickstart", *(f"--set={text}" for text in given_overrides)))


@pytest.mark.slow
@a_thousand
@given(documents())
def test_a_thousand_documents_are_planned_or_refused(place: Path, text: str) -> None:
    holds(plan(place, text.encode("utf-8", "surrogatepass")))


@pytest.mark.slow
@a_thousand
@given(st.one_of(slips(), changes().map(str.encode)))
def test_a_thousand_slips_and_changes_are_planned_or_refused(place: Path, data: bytes) -> None:
    holds(plan(place, data))


@pytest.mark.slow
@a_thousand
@given(st.lists(overrides, min_size=1, max_size=3))
def test_a_thousand_overrides_are_applied_or_refused(place: Path, given_overrides: list[str]) -> None:
    holds(run_aesweep("plan", "quickstart", *(f"--set={text}" for text in given_overrides)))


def test_names_are_printed_as_they_are_also_where_they_look_like_markup(place: Path) -> None:
    ended = plan(place, b'name: "[/red] [bold"\nblocks: [{name: "[/x][red]a"}]')
    assert ended.code == 0, ended.err
    assert "[/red] [bold: 1 trial\n" in ended.out and "[/x][red]a" in ended.out


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_written_as_yaml_gives_the_same_trials(place: Path, name: str) -> None:
    as_preset = json.loads(run_aesweep("plan", name, "--json").out)
    (place / "preset.yaml").write_text(preset_as_yaml(name))
    as_file = json.loads(run_aesweep("plan", place / "preset.yaml", "--json").out)
    assert [trial["key"] for trial in as_file] == [trial["key"] for trial in as_preset]
