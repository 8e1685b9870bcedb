"""A store whose files are damaged in any way is looked at, or refused in two lines; nothing beside it is touched.

Each example takes a copy of a small store, damages one to three of its files and runs commands on it in this process.
Meanwhile an audit hook sees every file that Python opens, lists, moves or removes. `-m slow` takes a thousand examples
and the report. What each kind of damage leads to stands in test_damage.py.
"""

import json
import os
import random
import resource
import shutil
import signal
import socket
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aesweep.models.errors import InputError
from aesweep.sweep.load import load_model
from aesweep.sweep.store.records import sealed_json_bytes
from tests.in_process import Ended, run_aesweep
from tests.small_store import DONE, FAILED, HALF
from tests.watching import nothing_happens_in

some = settings(
    max_examples=120,
    deadline=None,  # loading a library counts for the first example; pytest-timeout ends a hang
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
a_thousand = settings(some, max_examples=1000)

# Damage

Damage = Callable[[random.Random, bytes, str], bytes]


def truncated(rng: random.Random, data: bytes, outside: str) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def flipped(rng: random.Random, data: bytes, outside: str) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 8])):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def replaced(rng: random.Random, data: bytes, outside: str) -> bytes:
    return rng.choice(
        [b"", b"null", b"[]", b"[1, 2]", b"{}", b"7", b'"text"', b"true", b"NaN", b"1e999", b"9" * 5000, b"[" * 100_000,
         b'{"a":' * 100_000, b"\xff\xfe\x00", "ä".encode("latin-1"), b"\0" * 100, b"\x80\x04.", b"PK\x05\x06" + b"\0" * 18,
         b"PAR1", b"\x89PNG\r\n\x1a\n", rng.randbytes(300), f'"{outside}"'.encode()]
    )  # fmt: skip


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def odd_values(outside: str) -> list[Any]:
    return [
        None, True, False, 0, -1, 1, 3.5, 10**30, 2**63, 1e308, -1e308, float("nan"), float("inf"), "", " ", "x", "none",
        "../../outside/file", "../" * 12 + outside.lstrip("/"), outside, f"{outside}/file", ".", "..", "a/b", "a\0b", "a\nb",
        "\ud800", "\x1b[2J", "[/red]", "[bold", "x" * 5000, "2020-01-01", "0000-99-99", "999999999999", [], {}, [[]], [None],
        {"": 1}, {"../../outside/file": "x"}, {outside: outside}, deep(50), ["dae"], [1] * 1000,
    ]  # fmt: skip


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in a JSON tree; of long lists the first and last items."""
    keys = list(tree) if isinstance(tree, dict) else sorted({*range(min(3, len(tree))), len(tree) - 1} - {-1})
    for key in keys:
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from places(tree[key])


def edited(rng: random.Random, data: bytes, outside: str) -> bytes:
    """JSON with one to three values changed; with the old seal, without one, or sealed anew."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):  # damaged before, perhaps by a thousand brackets
        return flipped(rng, data, outside)
    if not isinstance(tree, dict | list):  # replaced before, by a bare number or null
        return flipped(rng, data, outside)
    for _ in range(rng.randint(1, 3)):
        found = list(places(tree))
        if not found:
            break
        container, key = rng.choice(found)
        value = rng.choice(odd_values(outside))
        match rng.randrange(6):
            case 0:
                del container[key]
            case 1 if isinstance(container, dict):
                container[rng.choice(["", "x", "../../outside/file", outside, "key", "0" * 12])] = container.pop(key)
            case 2 if isinstance(container, dict):
                container[rng.choice(["x", "../../outside/file", outside, "format", "name", "0" * 12])] = value
            case _:
                container[key] = value
    return json.dumps(tree, indent=1).encode() if isinstance(tree, list) else resealed(rng, tree)


def resealed(rng: random.Random, record: dict[str, Any]) -> bytes:
    """JSON with the seal that the record has, without one, or sealed anew."""
    match rng.randrange(3):
        case 1:
            record.pop("seal", None)
        case 2:
            with suppress(ValueError):  # not a number
                return sealed_json_bytes(record)
            record.pop("seal", None)
    return json.dumps(record, indent=1).encode()


def other_kind(rng: random.Random, path: Path, outside: Path) -> str:
    """Something else than a regular file in the place of a file or a folder."""
    if rng.random() < 0.3 and path.name != "store.json":  # the store itself is the reader's choice
        path = path.parent
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    match rng.randrange(7):
        case 0:
            path.symlink_to(outside)
        case 1:
            path.symlink_to(rng.choice(sorted(outside.iterdir())))
        case 2:
            path.symlink_to(rng.choice(["/dev/zero", "/dev/stdin", "/proc/self/mem", path.name, "nowhere"]))
        case 3:
            os.mkfifo(path)
        case 4:
            (path / "/".join(["d"] * 60)).mkdir(parents=True)
        case 5:
            with path.open("wb") as file:
                file.truncate(rng.choice([2**31, 2**42]) if path.suffix in (".json", ".png") else 2**43)
        case _:
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(short := f"/tmp/fuzz-{os.getpid()}-{rng.randrange(10**9)}")
                os.replace(short, path)
    return f"another kind for {path}"


def damage(rng: random.Random, store: Path, outside: Path, how_many: int) -> list[str]:
    """Damage files of the store; what was done."""
    if rng.random() < 0.3:
        return [other_kind(rng, rng.choice(sorted(path for path in store.rglob("*") if path.is_file())), outside)]
    files = sorted(path for path in store.rglob("*") if path.is_file())
    records = [path for path in files if path.suffix == ".json"]
    done = []
    for _ in range(how_many):
        path = rng.choice(records if rng.random() < 0.6 else files)
        kind: Damage = rng.choice(
            [edited, edited, edited, flipped, truncated, replaced]
            if path.suffix == ".json"
            else [flipped, truncated, replaced]
        )
        path.write_bytes(kind(rng, path.read_bytes(), str(outside)))
        done.append(f"{kind.__name__} {path.relative_to(store)}")
    return done


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the copied store, with files that a wrong path could lead to."""
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in ("file", "file.json", "config.json", "train.json", "x"):
        (folder / name).write_text('{"spec": "x"}')
    return folder


def test_the_watch_sees_what_python_opens(outside: Path) -> None:
    with pytest.raises(AssertionError), nothing_happens_in(outside):
        (outside / ".." / "outside" / "file").read_bytes()


# What must hold


def strict_json(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def holds(ended: Ended, may_refuse: bool) -> None:
    if ended.code:
        assert ended.is_refused_clearly, (ended.code, ended.err)
        assert may_refuse, ended.err
    else:
        assert all(line.isprintable() for line in ended.out.splitlines())


def look_at(verb: str, rng: random.Random, store: Path, spec: Path, may_refuse: bool) -> None:
    """Run one command on a damaged store."""
    match verb:
        case "json":
            ended = run_aesweep("status", store, "--json")
            holds(ended, may_refuse)
            assert ended.code or sum(strict_json(ended.out)["counts"].values()) <= 3
        case "plan":
            holds(run_aesweep("plan", spec, "--store", store), may_refuse)
        case "sample":
            way = rng.choice([["--prior", "mvg"], ["--prior", "gmm"], ["--reconstruct"], ["--interpolate"]])
            picture = store.parent / "picture.png"
            holds(run_aesweep("sample", store, DONE.key[:8], "-n", 4, *way, "--out", picture), may_refuse=True)
        case "load":
            with suppress(InputError):
                load_model(store, rng.choice([DONE, HALF, FAILED]).key)
        case _:
            holds(run_aesweep(verb, store), may_refuse)


@pytest.fixture
def spec_file(tmp_path: Path, data_dir: Path) -> Path:
    """The small store's spec as YAML."""
    lines = [
        "name: small",
        "base: {filters: 2, epochs: 2, batch_size: 512, learning_rates: [1e-3], learning_rate_drops: []}",
        "blocks: [{name: done, latent_size: 2}, {name: others, latent_size: [3, 4]}]",
        "evaluation: {extractor: random-conv-64, samples: 50, reference_size: 60, gmm_components: 2}",
    ]
    path = tmp_path / "small.yaml"
    path.write_text("\n".join(lines))
    return path


def check_one(
    seed: int, small_store: Path, outside: Path, spec: Path, verbs: tuple[str, ...], how_many: int = 2
) -> None:
    """Damage a copy of the store and look at it. Only a damaged store.json may make `status` and `tables` refuse."""
    rng = random.Random(seed)
    store = outside.parent / "store"
    shutil.rmtree(store, ignore_errors=True)
    shutil.copytree(small_store, store)
    done = damage(rng, store, outside, rng.choice([1, 1, 2, 3]))
    mark = store / "store.json"
    lost = done[0].startswith("another kind")  # what stands in the place of a folder cannot be written into
    lost = lost or not mark.is_file() or mark.read_bytes() != (small_store / "store.json").read_bytes()
    try:
        with nothing_happens_in(outside):
            for verb in rng.sample(verbs, min(how_many, len(verbs))):
                look_at(verb, rng, store, spec, lost)
    except BaseException as error:
        error.add_note(f"after: {', '.join(done)}")
        raise


seeds = st.integers(0, 2**63)
LOOKS = ("status", "json", "tables", "plan", "sample", "load")


@some
@given(seeds)
def test_a_damaged_store_is_looked_at_or_refused(small_store: Path, outside: Path, spec_file: Path, seed: int) -> None:
    check_one(seed, small_store, outside, spec_file, LOOKS, how_many=1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@a_thousand
@given(seeds)
def test_a_thousand_damaged_stores_are_looked_at_or_refused(
    small_store: Path, outside: Path, spec_file: Path, seed: int
) -> None:
    check_one(seed, small_store, outside, spec_file, LOOKS)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(some, max_examples=40)
@given(seeds)
def test_a_damaged_store_is_reported_or_refused(small_store: Path, outside: Path, spec_file: Path, seed: int) -> None:
    check_one(seed, small_store, outside, spec_file, ("report",))


# In a process of its own, with limits

SECONDS, GIGABYTES = 10, 2


def run_limited(action: Callable[[], None]) -> str:
    """Run in a forked child with limits of time and memory; the traceback, or how it was ended, "" where all is well."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            most = pages * resource.getpagesize() + GIGABYTES * 2**30
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
            signal.alarm(30 * SECONDS)  # a machine that has other work too
            action()
            code = 0
        except BaseException:
            os.write(writer, traceback.format_exc()[-4000:].encode(errors="replace"))
        finally:
            os._exit(code)
    os.close(writer)
    with open(reader, "rb") as file:
        said = file.read().decode()
    _, status = os.waitpid(child, 0)
    return said or ("" if status == 0 else f"ended by signal {os.WTERMSIG(status)}")


def check_limited(start: int, count: int, small_store: Path, outside: Path, spec: Path, verbs: tuple[str, ...]) -> None:
    found = {}
    for seed in range(start, start + count):
        if said := run_limited(lambda seed=seed: check_one(seed, small_store, outside, spec, verbs)):  # type: ignore[misc]
            found[seed] = said
    assert not found, (
        f"{len(found)} of {count}: " + "\n".join(f"seed {seed}: {said}" for seed, said in found.items())[:9000]
    )


def test_limits_end_what_takes_too_much() -> None:
    assert "MemoryError" in run_limited(lambda: print(len(bytes(3 * 2**30))))
    assert run_limited(lambda: None) == ""


def test_some_stores_are_looked_at_within_limits(small_store: Path, outside: Path, spec_file: Path) -> None:
    check_limited(0, 12, small_store, outside, spec_file, LOOKS)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_thousand_stores_are_looked_at_within_limits(small_store: Path, outside: Path, spec_file: Path) -> None:
    run_aesweep("report", small_store, "--out", outside.parent / "warm")  # so that no child imports the libraries again
    check_limited(1000, 2000, small_store, outside, spec_file, (*LOOKS, "prune", "report"))
