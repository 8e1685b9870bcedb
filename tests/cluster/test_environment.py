"""The environment as an input: the real command under limits, variables and users that stop Ray, or seem to."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from aesweep.cluster.address import require_head
from aesweep.cluster.errors import ClusterError
from tests.fresh_process import command_environment

SECONDS = 60  # on a busy machine; without the checks it is Ray that waits, for minutes
MINI = """
name: mini
data: {dataset: digits}
blocks:
  - {model: dae, latent_size: 2, filters: 4, epochs: 1, batch_size: 256}
evaluation: {samples: 200, reference_size: 200}
"""
FORGET = ("HOME", "USER", "LOGNAME", "LNAME", "USERNAME", "AESWEEP_DATA")


def run(
    words: list[str],
    cwd: Path,
    variables: Mapping[str, str] | None = None,
    forget: tuple[str, ...] = (),
    prefix: tuple[str, ...] = (),
    seconds: float = SECONDS,
) -> subprocess.CompletedProcess[str]:
    """`aesweep WORDS` with variables set or forgotten, started by the command `prefix`."""
    environment = {k: v for k, v in command_environment(**(variables or {})).items() if k not in forget}
    command = [*prefix, sys.executable, "-m", "aesweep.sweep.cli", *words]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )


def run_all(
    commands: list[list[str]], cwd: Path, forget: tuple[str, ...], prefix: tuple[str, ...]
) -> subprocess.CompletedProcess[str]:
    """Several commands in one process, which prints their exit codes: a process for each takes long to load the same code."""
    program = (
        "import json, sys\nfrom tests.in_process import run_aesweep\n"
        "ended = [run_aesweep(*words) for words in json.loads(sys.argv[1])]\n"
        "print(*(one.err for one in ended), file=sys.stderr)\nprint(*(one.code for one in ended))\n"
    )
    environment = {k: v for k, v in command_environment().items() if k not in forget}
    words = [*prefix, sys.executable, "-c", program, json.dumps(commands)]
    return subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)


def limited(option: str, value: object) -> tuple[str, ...]:
    return ("bash", "-c", f'ulimit {option} {value} && exec "$@"', "bash")


def namespace(*options: str) -> tuple[str, ...]:
    """`unshare OPTIONS`, or the test is skipped where this machine does not allow that."""
    command = ("unshare", *options)
    try:
        allowed = subprocess.run([*command, "true"], capture_output=True, check=False, timeout=10).returncode == 0
    except OSError:
        allowed = False
    if not allowed:
        pytest.skip(f"this machine does not allow {' '.join(command)}")
    return command


def launch(spec: Path, tmp_path: Path, *more: str) -> list[str]:
    return ["launch", str(spec), "--store", str(tmp_path / "store"), "--data", str(tmp_path / "data"), *more]


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "mini.yaml"
    path.write_text(MINI)
    return path


def assert_refused(
    done: subprocess.CompletedProcess[str], first: str, second: str, trouble: str = "cannot be used"
) -> None:
    """Exit code 2 and two lines that begin so."""
    lines = done.stderr.splitlines()
    assert (done.returncode, len(lines)) == (2, 2), done.stderr
    assert lines[0] == f"{first} {trouble}." and lines[1].startswith(second), done.stderr


def test_a_user_without_name_home_and_data_folder_of_his_own_can_plan_and_look(
    tmp_path: Path, small_store: Path
) -> None:
    nobody = namespace("-U", "--map-user=54321", "--map-group=54321")
    store = shutil.copytree(small_store, tmp_path / "store")  # `report` may fold its tables
    commands = [
        ["--help"],
        ["plan", "quickstart", "--data", "d"],
        ["plan", "quickstart", "--set", "data_dir=d"],
        ["status", str(store)],
        ["report", str(store), "--out", str(tmp_path / "report")],
    ]
    done = run_all(commands, tmp_path, FORGET, nobody)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "0 0 0 0 0", done.stdout

    done = run(["plan", "quickstart"], tmp_path, forget=FORGET, prefix=nobody)
    remedy = "Without it, user 54321 has no folder for data sets. Set AESWEEP_DATA, or give --data"
    assert_refused(done, "HOME", remedy, "is missing")


def test_a_home_that_may_not_be_looked_into_is_named(tmp_path: Path) -> None:
    nobody = namespace("-U", "--map-user=54321", "--map-group=54321")
    home = tmp_path / "home"
    home.mkdir(mode=0)
    done = run(["plan", "quickstart"], tmp_path, {"HOME": str(home)}, forget=("AESWEEP_DATA",), prefix=nobody)
    assert_refused(done, f"--data: '{home}/.cache/aesweep'", "It cannot be read (Permission denied")
    assert run(["plan", "quickstart", "--data", "d"], tmp_path, {"HOME": str(home)}, prefix=nobody).returncode == 0


def test_a_user_who_does_not_exist_is_named(tmp_path: Path) -> None:
    done = run(["plan", "quickstart"], tmp_path, {"AESWEEP_DATA": "~nosuchuser/data"})
    assert_refused(done, "AESWEEP_DATA: '~nosuchuser/data'", "There is no such user; give the folder in full.")


# What would stop Ray, or make it wait: limits and namespaces, variables, the address; what is said. One of a kind is not slow.
TROUBLES = [
    pytest.param(limited("-v", 2000000), {}, "local", "ulimit -v: 2000000", "A local Ray needs ", id="address space"),
    pytest.param(
        limited("-f", 100000),
        {},
        "local",
        "ulimit -f: 100000",
        "A local Ray needs 262144",
        id="file size",
        marks=pytest.mark.slow,
    ),
    pytest.param(limited("-f", 1000), {}, "local", "ulimit -f: 1000", "A local Ray needs 262144", id="no file fits"),
    pytest.param(
        limited("-n", 32),
        {},
        "local",
        "ulimit -n: 32",
        "A local Ray needs 64 or more",
        id="open files",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        ("unshare", "-r", "-n"), {}, "local", "loopback interface: '127.0.0.1'", "Ray's processes talk", id="loopback"
    ),
    pytest.param(
        ("unshare", "-r", "-m", "bash", "-c", 'mount -t tmpfs -o ro none /dev/shm && exec "$@"', "bash"),
        {},
        "local",
        "shared memory: '/dev/shm'",
        "Ray's object store is a file there",
        id="shared memory",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        (),
        {"RAY_memory_usage_threshold": "much", "RAY_TMPDIR": "/tmp"},
        "local",
        "RAY_memory_usage_threshold: 'much'",
        "Ray cannot be loaded with this value (signal 11)",
        id="a value that kills Ray",
    ),
    pytest.param(
        (),
        {"RAY_NUM_REDIS_GET_RETRIES": "x"},
        "local",
        "RAY_NUM_REDIS_GET_RETRIES: 'x'",
        "Ray cannot be loaded with this value (ValueError: invalid literal",
        id="a value that is no number",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        (),
        {"RAY_LOGGER_LEVEL": "nonsense"},
        "local",
        "RAY_LOGGER_LEVEL: 'nonsense'",
        "Ray knows debug, info, warning, error and critical.",
        id="a value that ends Ray's agents",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        (),
        {"RAY_ADDRESS": "http://127.0.0.1:8265"},
        "auto",
        "RAY_ADDRESS: 'http://127.0.0.1:8265'",
        "With --address auto it must be HOST:PORT of the head.",
        id="an address of the dashboard",
        marks=pytest.mark.slow,
    ),
    pytest.param(
        (),
        {"RAY_ADDRESS": "127.0.0.1:1"},
        "auto",
        "RAY_ADDRESS: '127.0.0.1:1'",
        "No Ray cluster can be reached there ([Errno 111] Connection refused). Correct the variable, unset it",
        id="an address of a Ray that is gone",
    ),
]


@pytest.mark.parametrize(("prefix", "variables", "address", "first", "second"), TROUBLES)
def test_what_would_stop_ray_is_named_before_ray_starts_and_before_data_are_prepared(
    prefix: tuple[str, ...],
    variables: dict[str, str],
    address: str,
    first: str,
    second: str,
    spec: Path,
    tmp_path: Path,
) -> None:
    if prefix[:1] == ("unshare",):
        namespace(*prefix[1:3])
    done = run(launch(spec, tmp_path, "--address", address), tmp_path, variables, prefix=prefix)
    assert_refused(done, first, second)
    assert not (tmp_path / "store").exists() and not (tmp_path / "data").exists()


def test_doctor_finds_every_trouble_in_the_words_of_a_launch(tmp_path: Path) -> None:
    variables = {"RAY_ADDRESS": "x", "RAY_ROTATION": "1", "RAY_memory_usage_threshold": "much", "COLUMNS": "300"}
    done = run(["doctor", "--data", "d", "--address", "auto"], tmp_path, variables, seconds=2 * SECONDS)
    assert done.returncode == 1, done.stderr
    failed = [line for line in done.stdout.splitlines() if line.startswith("fail")]
    assert [line.split()[1:3] for line in failed] == [["RAY_ADDRESS", "x"], ["RAY_memory_usage_threshold", "much"]]
    assert "With --address auto it must be HOST:PORT of the head." in failed[0]


def test_doctor_shows_a_missing_home_among_its_findings(tmp_path: Path) -> None:
    nobody = namespace("-U", "-n", "--map-user=54321", "--map-group=54321")
    done = run(["doctor"], tmp_path, {"COLUMNS": "300"}, FORGET, nobody, seconds=2 * SECONDS)
    assert done.returncode == 1, done.stderr
    failed = [line.split("  ")[1].strip() for line in done.stdout.splitlines() if line.startswith("fail")]
    assert failed == ["data folder", "loopback interface"]


def test_the_number_of_processes_is_compared_with_those_that_run(tmp_path: Path, spec: Path) -> None:
    if os.getuid() != 0 or not Path("/sys/fs/cgroup/pids").is_dir():
        pytest.skip("only root can limit a group of processes")
    group = Path("/sys/fs/cgroup/pids") / f"aesweep-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        pytest.skip("this machine does not let tests make cgroups")
    try:
        (group / "pids.max").write_text("100")
        enter = ("bash", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "bash")
        done = run(launch(spec, tmp_path), tmp_path, prefix=enter)
        assert_refused(done, f"{group}/pids.max: 100", "It holds ")
    finally:
        group.rmdir()


@pytest.mark.slow
def test_a_sweep_runs_for_a_user_without_a_name_whose_variables_speak_of_another_cluster(
    tmp_path: Path, spec: Path
) -> None:
    """With a home for reading only as well: what a container or a compute node may look like, all at once."""
    namespace("-r", "-m")
    home = tmp_path / "home"
    home.mkdir()
    readonly = 'mount -t tmpfs -o ro none "$HOME" && exec unshare -U --map-user=54321 --map-group=54321 "$@"'
    cluster = {
        "RAY_ADDRESS": "192.0.2.1:6379",
        "RAY_AUTH_TOKEN_PATH": "/nonexistent/token",
        "RAY_JOB_CONFIG_JSON_ENV_VAR": "{",
        "RAY_OVERRIDE_RESOURCES": "nonsense",
        "RAY_REDIS_ADDRESS": "192.0.2.1:6379",
        "RAY_USE_TLS": "1",
    }
    prefix = ("unshare", "-r", "-m", "bash", "-c", readonly, "bash")
    done = run(launch(spec, tmp_path), tmp_path, {"HOME": str(home), **cluster}, FORGET[1:], prefix, seconds=240)
    assert done.returncode == 0, done.stderr
    assert "1 done" in done.stderr


HTTP2_SETTINGS_FRAME = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
TLS_HANDSHAKE_FAILURE = bytes([0x15, 3, 1, 0, 2, 2, 40])


@pytest.mark.parametrize(
    ("answer", "tls", "said"),
    [
        (HTTP2_SETTINGS_FRAME, "", None),
        (HTTP2_SETTINGS_FRAME, "1", "RAY_USE_TLS: '1' cannot be used.\nThe Ray at 127.0.0.1:{port} does not use TLS."),
        (TLS_HANDSHAKE_FAILURE, "1", None),
        (TLS_HANDSHAKE_FAILURE, "0", "--address: 'there' cannot be used.\nWhat answers at 127.0.0.1:{port} uses TLS."),
        (b"", "1", None),
        (
            b"HTTP/1.1 400 Bad Request",
            "0",
            "--address: 'there' cannot be used.\nWhat answers at 127.0.0.1:{port} is no Ray",
        ),
    ],
)
def test_a_head_that_uses_tls_or_not_is_told_before_ray_tries_for_minutes(
    answer: bytes, tls: str, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_USE_TLS", tls)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(target=_answer_once, args=(server, answer), daemon=True).start()
        if said is None:
            require_head("--address", "there", f"127.0.0.1:{port}")
            return
        with pytest.raises(ClusterError) as error:
            require_head("--address", "there", f"127.0.0.1:{port}")
    assert str(error.value).startswith(said.format(port=port))


def _answer_once(server: socket.socket, answer: bytes) -> None:
    link, _ = server.accept()
    with link:
        link.recv(1000)
        link.sendall(answer)


@pytest.mark.skipif(os.getuid() == 0, reason="the number of root's processes is not limited")
def test_a_limit_of_processes_is_compared_with_those_of_the_user(tmp_path: Path, spec: Path) -> None:
    done = run(launch(spec, tmp_path), tmp_path, prefix=limited("-u", 200))
    assert_refused(done, "ulimit -u: 200", f"User {os.getuid()} has ")


@pytest.mark.slow  # the default suite does that with a home for reading only
def test_a_sweep_runs_without_any_home(tmp_path: Path, spec: Path) -> None:
    nobody = namespace("-U", "--map-user=54321", "--map-group=54321")
    done = run(launch(spec, tmp_path), tmp_path, forget=FORGET, prefix=nobody, seconds=240)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("option", "value"), [("-v", 7_000_000), ("-f", 300_000), ("-n", 64)])
def test_a_sweep_runs_under_a_limit_that_is_just_high_enough(
    option: str, value: int, tmp_path: Path, spec: Path
) -> None:
    done = run(launch(spec, tmp_path), tmp_path, prefix=limited(option, value), seconds=240)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_token_of_a_local_ray_is_in_a_private_file_and_ends_with_it(tmp_path: Path) -> None:
    program = (
        "import os, stat, ray\n"
        "from aesweep.cluster.connect import connect\n"
        "seen = []\n"
        "for turn in range(2):\n"
        "    with connect('local', num_cpus=1):\n"
        "        read = ray.remote(num_cpus=0)(lambda: (os.environ['RAY_AUTH_TOKEN_PATH'], 'RAY_AUTH_TOKEN' in os.environ))\n"
        "        path, in_environment = ray.get(read.remote())\n"
        "        seen.append(open(path).read())\n"
        "        print(oct(stat.S_IMODE(os.stat(path).st_mode)), len(seen[-1]) >= 32, in_environment)\n"
        "    print(os.path.exists(path), [name for name in os.environ if name.startswith('RAY_AUTH')])\n"
        "print(seen[0] != seen[1])\n"
    )
    environment = command_environment(HOME=str(tmp_path))
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert time.monotonic() - started < 240
    assert done.stdout.splitlines() == [*["0o600 True False", "False []"] * 2, "True"]
    assert not (tmp_path / ".ray").exists()
