"""A store on S3: a real server process on loopback, behind a proxy that fails, dawdles and hangs up (s3_server.py)."""

import gc
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.npz import to_npz
from aesweep.models.config import TrialConfig
from aesweep.sweep.driver.plan import make_plan
from aesweep.sweep.driver.recovery import Recovery
from aesweep.sweep.freezing import freeze, frozen_in
from aesweep.sweep.launch import launch
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec
from aesweep.sweep.store import on_s3 as object_storage
from aesweep.sweep.store.attempts import new_start
from aesweep.sweep.store.beneath import MOST_BYTES
from aesweep.sweep.store.layout import FOLDED
from aesweep.sweep.store.on_disk import LocalStorage
from aesweep.sweep.store.on_s3 import ObjectStorage
from aesweep.sweep.store.records.seal import sealed_json_bytes
from aesweep.sweep.store.storage import Storage, StorageError, is_folder
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.store.verify import verify
from tests.faults import dying
from tests.in_process import run_aesweep
from tests.records import folded, scored, trained
from tests.small_store import DONE, FAILED, HALF, make_small_store, small_spec
from tests.sweep.conftest import run_cli, run_main
from tests.sweep.store.s3_server import Fault, Kind, MotoServer, Proxy

BIG = bytes(range(256)) * 4096 * 22  # 23 MB: three parts of a multipart upload
MANY = 300  # trials, each with five files: more than one page of a listing
TRIAL = TrialConfig(filters=4, latent_size=2, epochs=1)
EVALUATION = EvaluationConfig()
TRAINED = trained()
SCORED = scored()


@pytest.fixture
def storage(uri: str) -> ObjectStorage:
    return ObjectStorage(uri)


@pytest.fixture(params=["local", "s3"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """Both kinds of storage, for what they have in common."""
    return LocalStorage(tmp_path / "store") if request.param == "local" else request.getfixturevalue("storage")


def test_files_come_back_and_are_named_and_listed_alike_on_both_kinds(either: Storage) -> None:
    assert (either.read("a/b.json"), either.open("a/b.json"), either.version("a/b.json")) == (None, None, None)
    assert (either.names("a"), either.listing("a", 3), either.exists("")) == ([], {}, False)
    either.write("a/b.json", b"one")
    either.write("a/b.json", b"second")
    either.write("a/deep/er/than/that.txt", b"")
    either.make_folder("a/empty/folder")
    assert either.read("a/b.json") == b"second"
    assert either.read("a/deep/er/than/that.txt") == b""
    assert either.names("a") == ["b.json", "deep", "empty"]
    assert either.exists("") and either.exists("a/deep") and not either.exists("a/dee")
    listed = either.listing("a", 2)
    assert set(listed) == {"a/b.json", "a/deep/er", "a/empty/folder"}
    assert is_folder(listed["a/deep/er"]) and is_folder(listed["a/empty/folder"])
    either.write("a/deep/er/more.txt", b"")
    assert either.listing("a", 2)["a/deep/er"] != listed["a/deep/er"], "a file came into the folder"
    assert listed["a/b.json"] == either.version("a/b.json")
    assert "a/deep/er/than/that.txt" in either.listing("", 8)
    aside = either.set_aside("a/b.json", b"second") or ""
    assert either.read("a/b.json") is None and either.read(aside) == b"second"
    either.remove("a/b.json")
    either.remove(aside)
    either.remove_folder("a/deep")
    either.remove_folder("a/deep")
    assert either.names("a") == ["empty"]


def test_a_file_that_is_too_large_is_an_empty_one_on_both_kinds(either: Storage) -> None:
    for size in (MOST_BYTES[".stop"], MOST_BYTES[".stop"] + 1):
        either.write("progress/a.stop", b"x" * size)
        opened, read = either.open("progress/a.stop"), either.read("progress/a.stop")
        assert opened is not None and read is not None
        with opened:
            assert len(opened.read()) == len(read) == (size if size <= MOST_BYTES[".stop"] else 0)


def test_the_first_commit_wins_on_both_kinds(either: Storage) -> None:
    assert either.commit("train.json", b"one")
    assert not either.commit("train.json", b"two")
    assert either.read("train.json") == b"one"


def test_a_commit_is_one_request_and_one_whose_answer_was_lost_has_won(storage: ObjectStorage, proxy: Proxy) -> None:
    proxy.plan()
    assert storage.commit("one.json", b"1")
    assert [method for method, _ in proxy.requests] == ["PUT"]
    proxy.plan(Fault("drop-response", "PUT", "two.json"))
    assert storage.commit("two.json", b"2") and not storage.commit("two.json", b"3")
    proxy.plan(Fault("drop-response", "PUT", "two.json"))
    assert storage.replace("two.json", b"2", b"4") and not storage.replace("two.json", b"2", b"5")
    assert storage.read("two.json") == b"4"


def test_of_two_commits_at_once_the_one_that_stands_has_won(storage: ObjectStorage) -> None:
    start, won = threading.Barrier(4), []

    def commit(number: int) -> None:
        start.wait()
        if storage.commit("train.json", str(number).encode()):
            won.append(str(number).encode())

    threads = [threading.Thread(target=commit, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [storage.read("train.json")]


@pytest.mark.parametrize("data", [b"small", BIG], ids=["one PUT", "multipart"])
@pytest.mark.parametrize(
    "fault", [Fault("error", "PUT", times=99), Fault("drop-request", "PUT", times=99)], ids=["500", "dropped"]
)
def test_a_write_that_fails_half_way_publishes_nothing(
    storage: ObjectStorage, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, data: bytes, fault: Fault
) -> None:
    monkeypatch.setattr(object_storage, "TRIES", 1)
    part = "partNumber=2" if data is BIG else "model"
    proxy.plan(replace(fault, part=part))
    with pytest.raises(StorageError):
        storage.write("model", data)
    proxy.faults.clear()
    gc.collect()  # a stream that was not closed ends its upload when it goes, if pyarrow lets it
    assert storage.read("model") is None
    assert storage.names("") == []
    storage.write("model", data)
    assert storage.read("model") == data


@pytest.mark.parametrize(
    "fault",
    [
        Fault("error", times=3, status=500),
        pytest.param(Fault("error", times=3, status=503), marks=pytest.mark.slow),
        pytest.param(Fault("drop-request", times=3), marks=pytest.mark.slow),
        Fault("drop-response", times=3),
        pytest.param(Fault("slow", times=2, seconds=1.5), marks=pytest.mark.slow),
    ],
    ids=["500", "503", "dropped request", "dropped answer", "slow"],
)
def test_trouble_that_passes_is_not_noticed(storage: ObjectStorage, proxy: Proxy, fault: Fault) -> None:
    proxy.plan(replace(fault, method="PUT"))
    storage.write("file", b"data")
    proxy.plan(replace(fault, method="GET"))
    assert storage.read("file") == b"data"
    proxy.plan(replace(fault, method="GET"))
    assert storage.names("") == ["file"]


def test_trouble_that_stays_is_told_in_two_lines_with_the_store_and_the_remedy(
    storage: ObjectStorage, uri: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(object_storage, "TRIES", 2)
    proxy.plan(Fault("error", times=1000))
    assert run_main(monkeypatch, "status", uri) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 2
    assert uri in said[0] and "AWS_ENDPOINT_URL" in said[1]
    proxy.plan()
    assert run_main(monkeypatch, "status", "s3://no-such-bucket/store") == 2
    assert "no-such-bucket" in capsys.readouterr().err


def test_an_operation_within_another_one_is_given_up_once(
    storage: ObjectStorage, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_storage, "TRIES", 2)
    storage.write("one.json", b"1")
    proxy.plan(Fault("error", "HEAD", times=1000))
    with pytest.raises(StorageError) as told:
        storage.commit("one.json", b"2")  # it is refused, and looks whose bytes are there
    assert proxy.count("PUT") == 1, "what was tried and failed began again"
    assert len(str(told.value).splitlines()) == 2


def write_finished_store(folder: Path, count: int) -> SweepSpec:
    """A store in which `count` trials are trained and scored and folded, each with five small files."""
    trials = tuple(replace(TRIAL, seed=seed) for seed in range(count))
    store = open_store(folder, create=True)
    for trial in trials:
        at = folder / "trials" / trial.key
        for name, data in (
            ("config.json", sealed_json_bytes(trial.to_json())),
            ("train.json", TRAINED.to_bytes()),
            (f"scores/{EVALUATION.id}.json", SCORED.to_bytes()),
            ("attempts/train-0001-aaaaaa/model.safetensors", b"0"),
            (f"attempts/score-0001-{EVALUATION.id}-bbbbbb/latents.npz", b"0"),
        ):
            (at / name).parent.mkdir(parents=True, exist_ok=True)
            (at / name).write_bytes(data)
    assert store.trials.known_keys()
    return SweepSpec(name="many", blocks=(Block("all", trials),), execution=ExecutionConfig(data_dir="/nowhere"))


def remember_commits(store: Store) -> None:
    """What a fold of the tables leaves behind: the version of every commit that it read."""
    names = [
        f"trials/{key}/{commit}"
        for key in store.trials.known_keys()
        for commit in ("train.json", f"scores/{EVALUATION.id}.json")
    ]
    listed = store.snapshot().storage
    store.storage.write(FOLDED, folded({name: listed.version(name) or "" for name in names}).to_bytes())


@pytest.fixture
def many(tmp_path: Path, server: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[SweepSpec, Proxy]]:
    """A server that holds a store of many finished trials from its start, at s3://bucket/store."""
    spec = write_finished_store(tmp_path / "root" / "store", MANY)
    moto = MotoServer(folder=tmp_path / "root")
    proxy = Proxy(moto.port)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    yield spec, proxy
    proxy.stop()
    moto.stop()


def test_a_trial_that_could_not_reach_its_store_is_tried_again_as_one_whose_machine_died(
    uri: str, tmp_path: Path
) -> None:
    """Its machine may have lost the network while all others write on. A folder is full or gone for everybody."""
    for place in (uri, str(tmp_path / "store")):
        store = open_store(place, create=True)
        store.trials.write_config(DONE)
        recovery = Recovery(store, "a-driver.json", max_process_deaths=1)
        attempt = store.attempts.new(DONE.key, "train")
        store.attempts.write_start(DONE.key, attempt, new_start("a-driver.json"))
        error = StorageError(place, "It does not answer.")
        if place == uri:
            verdict = recovery.after_training(DONE.key, error)
            assert verdict.again and verdict.why == "its machine died or cannot be reached"
        else:
            with pytest.raises(StorageError, match="does not answer"):
                recovery.after_training(DONE.key, error)
        assert store.attempts.failures(DONE.key) == []


def test_a_relaunch_of_many_trials_lists_a_page_per_thousand_files_and_reads_no_commit_again(
    many: tuple[SweepSpec, Proxy], tmp_path: Path
) -> None:
    spec, proxy = many
    local = open_store(tmp_path / "root" / "store")
    started = time.process_time()  # there are no requests to count, and other programs take no part in it
    assert make_plan(spec, local, EVALUATION).counts()["done"] == MANY
    assert time.process_time() - started < MANY * 0.005
    for is_folded in (False, True):
        if is_folded:
            remember_commits(open_store("s3://bucket/store"))
        proxy.plan()
        plan = make_plan(spec, open_store("s3://bucket/store"), EVALUATION)
        assert plan.counts()["done"] == MANY and plan.is_done
        pages = proxy.count("GET", "list-type=2")
        assert 1 < pages <= 5 * MANY / 1000 + 2, "a page per thousand files, and the progress files"
        assert len(proxy.requests) <= pages + 8


def test_a_reference_is_read_once_to_be_verified(uri: str, proxy: Proxy) -> None:
    store = open_store(uri, create=True)
    store.storage.write("references/one.npz", to_npz(mean=np.zeros(9)))
    store.storage.write("references/rotten.npz", b"rotten")
    proxy.plan()
    assert [(one.name, one.stamp) for one in verify(store).findings] == [
        ("references/rotten.npz", hashlib.sha256(b"rotten").hexdigest())
    ]
    assert (proxy.count("GET", "one.npz"), proxy.count("GET", "rotten.npz")) == (1, 1)


def test_a_commit_cut_short_is_found_by_the_next_plan_set_aside_and_committed_anew(
    uri: str, storage: ObjectStorage
) -> None:
    store = open_store(uri, create=True)
    store.trials.write_config(TRIAL)
    store.commits.commit_training(TRIAL.key, TRAINED)
    store.commits.commit_scores(TRIAL.key, EVALUATION.id, SCORED)
    remember_commits(store)
    spec = SweepSpec(name="one", blocks=(Block("all", (TRIAL,)),), execution=ExecutionConfig(data_dir="/nowhere"))
    assert make_plan(spec, open_store(uri), EVALUATION).is_done
    storage.write(f"trials/{TRIAL.key}/train.json", TRAINED.to_bytes()[:40])
    assert make_plan(spec, open_store(uri), EVALUATION).counts()["pending"] == 1
    assert any("damaged" in name for name in storage.names(f"trials/{TRIAL.key}"))
    assert store.commits.commit_training(TRIAL.key, TRAINED)
    assert make_plan(spec, open_store(uri), EVALUATION).is_done


def read_table(store: Store, table: str) -> pd.DataFrame:
    with store.storage.open(f"tables/{table}.parquet") as file:  # type: ignore[union-attr]
        return pd.read_parquet(file)


def test_a_store_on_s3_is_trained_into_planned_looked_at_sampled_reported_and_explored(
    uri: str, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but the launch itself, which takes Ray and half a minute: below, slow."""
    make_small_store(uri, data_dir)
    store = open_store(uri)
    freeze(store, small_spec(data_dir), small_spec(data_dir).evaluation_config().id)  # again: the first one stays
    (frozen,) = frozen_in(store)
    assert frozen.seen == frozenset() and DONE.key in frozen.keys
    trials = read_table(store, "trials").set_index("key")
    assert trials.state.to_dict() == {DONE.key: "done", HALF.key: "running", FAILED.key: "failed"}
    log = store.storage.read(f"trials/{DONE.key}/attempts/{trials.attempt[DONE.key]}/log.txt") or b""
    assert b"epoch 2/2" in log and b"committed" in log
    monkeypatch.chdir(tmp_path)
    counts = json.loads(run_aesweep("status", uri, "--json").out)["counts"]
    assert (counts["done"], counts["running"], counts["failed"]) == (1, 1, 1)
    assert f"{uri}/tables/trials.parquet  3 rows" in run_aesweep("tables", uri).out
    assert run_aesweep("sample", uri, DONE.key[:6], "--prior", "mvg", "-n", 4).code == 0
    assert run_aesweep("report", uri).code == 0
    page = (tmp_path / "store-report" / "index.html").read_text()
    assert "data:image/png" in page and "Which network?" in page
    assert uri in page and str(tmp_path) not in page, "the store is the one on S3, not the copy of its tables"
    assert list(tmp_path.glob(f"store-report/store/{trials.pictures[DONE.key]}/*.png"))
    assert run_aesweep("explore", uri).code == 0
    page = (tmp_path / "store-explore.html").read_text()
    assert "data:image/png" in page and "epoch 2/2" in page and uri in page and str(tmp_path) not in page


@pytest.mark.slow
def test_a_sweep_on_s3_is_launched_found_done_looked_at_and_reported(
    uri: str,
    proxy: Proxy,
    tiny_spec: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # A Ray of its own: one that was started before does not know where this server is.
    done = run_cli("launch", tiny_spec, "--store", uri, "--set", "model=dae", "--set", "epochs=1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    again = launch(str(tiny_spec), uri, overrides=["model=dae", "epochs=1"], console=Console(quiet=True))
    assert (again.exit_code, again.ran) == (0, False)
    store = open_store(uri)
    assert read_table(store, "trials").state.tolist() == ["done"]
    trial = read_table(store, "trials").iloc[0]
    assert b"epoch 1/1" in (store.storage.read(f"trials/{trial.key}/attempts/{trial.attempt}/log.txt") or b"")
    monkeypatch.chdir(tmp_path)
    assert run_main(monkeypatch, "status", uri, "--json") == 0
    assert json.loads(capsys.readouterr().out)["counts"]["done"] == 1
    assert run_main(monkeypatch, "tables", uri) == 0
    assert f"{uri}/tables/trials.parquet  1 rows" in capsys.readouterr().out
    assert run_main(monkeypatch, "report", uri) == 0
    page = (tmp_path / "store-report" / "index.html").read_text()
    assert "data:image/png" in page
    assert list(tmp_path.glob(f"store-report/store/{trial.pictures}/*.png"))


@pytest.mark.slow
@pytest.mark.faults
def test_a_sweep_on_a_bad_day_of_s3_ends_with_the_same_numbers(
    uri: str, proxy: Proxy, tiny_spec: Path, finished_store: Path, tmp_path: Path
) -> None:
    """About every third request fails, is dropped or is slow, while the driver is killed once and launched again."""
    kinds: tuple[tuple[Kind, int], ...] = (("error", 7), ("drop-request", 9), ("drop-response", 11), ("slow", 13))
    proxy.plan(*(Fault(kind, every=every, times=100, seconds=0.5) for kind, every in kinds))
    killed = run_cli("launch", tiny_spec, "--store", uri, cwd=tmp_path, env=dying("after */checkpoint.pt"))
    assert killed.returncode == -9, killed.stderr
    done = run_cli("resume", uri, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sum(100 - fault.times for fault in proxy.faults) > 50, "many requests met a fault"
    columns = ["source", "split", "metric", "value"]
    found, expected = (
        frame.sort_values(["key", *columns[:3]])[columns].reset_index(drop=True)
        for frame in (read_table(open_store(uri), "scores"), read_table(open_store(finished_store), "scores"))
    )
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
