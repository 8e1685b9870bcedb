"""The files that start clusters hold against the programs and schemas that will read them."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray
import yaml

from aesweep.cluster.errors import ClusterError
from aesweep.cluster.render import FILES, render, template_values
from aesweep.cluster.temporary import LONGEST_SOCKET, SOCKET_BYTES
from tests.fresh_process import REPOSITORY
from tests.in_process import run_aesweep
from tests.waiting import wait_until

PLACES = {"store": "/shared/runs/paper", "data": "/shared/data"}
VALUES: dict[str, dict[str, Any]] = {
    "slurm": {**PLACES, "nodes": 4, "cpus": 64, "gpus": 4},
    "kuberay": {**PLACES, "image": "registry.example/aesweep:0.1.0", "claim": "runs", "nodes": 2},
    "launcher-onprem": {
        **PLACES,
        "head": "10.0.0.1",
        "workers": "10.0.0.2,10.0.0.3",
        "user": "ml",
        "bin": "/opt/aesweep/bin",
    },
    "launcher-aws": {
        **PLACES,
        "image": "registry.example/aesweep:0.1.0",
        "store": "s3://bucket/runs/paper",
        "nodes": 2,
    },
    "launcher-gcp": {
        "image": "registry.example/aesweep:0.1.0",
        "store": "gs://bucket/runs/paper",
        "data": "/shared/data",
        "project": "my-project-1",
        "nodes": 2,
        "gpus": 1,
    },
    "skypilot": {
        "image": "registry.example/aesweep:0.1.0",
        "store": "s3://bucket/runs/paper",
        "data": "/shared/data",
        "nodes": 2,
        "gpus": 8,
    },
    "dockerfile": {"image": "aesweep:0.1.0"},
}
LAUNCHERS = ["launcher-onprem", "launcher-aws", "launcher-gcp"]


@pytest.mark.parametrize("kind", FILES)
def test_every_file_is_filled_completely(kind: str) -> None:
    text = render(kind, **VALUES[kind])
    assert "<<" not in text.replace("<<<", "")
    for value in VALUES[kind].values():
        assert str(value) in text


@pytest.mark.parametrize("kind", LAUNCHERS)
def test_launcher_files_fit_rays_own_schema(kind: str) -> None:
    schema = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())
    jsonschema.validate(yaml.safe_load(render(kind, **VALUES[kind])), schema)


@pytest.mark.parametrize("kind", LAUNCHERS)
def test_every_machine_of_a_launched_cluster_has_its_token(kind: str) -> None:
    config = yaml.safe_load(render(kind, **VALUES[kind]))
    assert config["file_mounts"] == {"~/.ray/auth_token": "~/.ray/auth_token"}
    starts = [line for role in ("head", "worker") for line in config[f"{role}_start_ray_commands"] if " start " in line]
    assert len(starts) == 2 and all(line.startswith("RAY_AUTH_MODE=token ") for line in starts)


def test_the_token_of_a_launched_cluster_is_its_users_alone(tmp_path: Path) -> None:
    """The command that makes it, as the file gives it, where Ray's own way of making it lets everybody read."""
    (tmp_path / "ray").write_text("#!/bin/sh\nmkdir -p ~/.ray\necho secret >~/.ray/auth_token\n")
    (tmp_path / "ray").chmod(0o755)
    for kind in LAUNCHERS:
        (command,) = (line[1:] for line in render(kind, **VALUES[kind]).splitlines() if "get-auth-token" in line)
        for _ in range(2):  # also one that an earlier `ray` has left for everybody to read
            environment = {**os.environ, "HOME": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
            subprocess.run(["bash", "-c", command], env=environment, check=True, umask=0)
            modes = [(tmp_path / path).stat().st_mode for path in (".ray", ".ray/auth_token")]
            assert not any(mode & 0o077 for mode in modes)
            for path in (".ray", ".ray/auth_token"):
                (tmp_path / path).chmod(0o777)


def test_rays_folder_on_premises_is_inside_a_private_one_that_nobody_could_make_before(tmp_path: Path) -> None:
    config = yaml.safe_load(render("launcher-onprem", **VALUES["launcher-onprem"]))
    for role in ("head", "worker"):
        (start,) = (line for line in config[f"{role}_start_ray_commands"] if " start " in line)
        found = re.search(r"--temp-dir=(\S+ \S+ \S+)", start)
        assert found, start
        said = subprocess.run(["bash", "-c", f"echo {found[1]}"], capture_output=True, text=True, check=True, umask=0)
        parent = Path(said.stdout.strip()).parent
        assert parent.stat().st_mode & 0o777 == 0o700
        assert len(f"{parent}/ray{LONGEST_SOCKET}") <= SOCKET_BYTES
        parent.rmdir()


def test_a_ray_job_asks_for_a_token() -> None:
    job = yaml.safe_load(render("kuberay", **VALUES["kuberay"]))
    assert job["spec"]["rayClusterSpec"]["authOptions"] == {"mode": "token"}


@pytest.mark.parametrize("secret", ["s3://key:secret@bucket/store", "s3://bucket/store?secret_key=secret"])
def test_no_file_takes_a_secret(secret: str) -> None:
    """What is in a file ends in a command line, which everybody on the machine may read."""
    for kind in ("slurm", "kuberay", "skypilot", *LAUNCHERS):
        for name in ("store", "data", "spec"):
            with pytest.raises(ClusterError, match="cannot be used"):
                render(kind, **{**VALUES[kind], name: secret})


def test_the_on_premises_file_is_accepted_by_rays_launcher() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = prepare_config(yaml.safe_load(render("launcher-onprem", **VALUES["launcher-onprem"])))
    validate_config(config)
    assert config["max_workers"] == 2


def test_the_ray_job_asks_for_the_workers_and_relaunches() -> None:
    job = yaml.safe_load(render("kuberay", **VALUES["kuberay"]))
    assert (job["apiVersion"], job["kind"], job["spec"]["backoffLimit"]) == ("ray.io/v1", "RayJob", 3)
    assert job["spec"]["entrypoint"].split()[:3] == ["aesweep", "launch", "paper"]
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["rayVersion"] == ray.__version__
    (workers,) = cluster["workerGroupSpecs"]
    assert workers["replicas"] == workers["minReplicas"] == workers["maxReplicas"] == 2
    for template in (cluster["headGroupSpec"]["template"], workers["template"]):
        (container,) = template["spec"]["containers"]
        volumes = {volume["name"] for volume in template["spec"]["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
        assert container["image"] == "registry.example/aesweep:0.1.0"
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1


def test_pods_run_as_a_user_that_may_write_to_tmp_and_the_claim_alone() -> None:
    job = yaml.safe_load(render("kuberay", **VALUES["kuberay"], uid=4711))
    cluster = job["spec"]["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        spec = group["template"]["spec"]
        assert spec["securityContext"] == {
            "runAsNonRoot": True, "runAsUser": 4711, "runAsGroup": 4711, "fsGroup": 4711
        }  # fmt: skip
        (container,) = spec["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"]
        assert {"name": "tmp", "emptyDir": {}} in spec["volumes"]
    with pytest.raises(ClusterError, match="uid: 0 cannot be used"):
        render("kuberay", **VALUES["kuberay"], uid=0)


@pytest.mark.parametrize(("more", "most", "scales"), [({}, 2, False), ({"most_nodes": 16}, 16, True)])
def test_an_autoscaler_may_start_more_nodes_where_it_is_told_so(more: dict[str, int], most: int, scales: bool) -> None:
    cluster = yaml.safe_load(render("kuberay", **VALUES["kuberay"], **more))["spec"]["rayClusterSpec"]
    (workers,) = cluster["workerGroupSpecs"]
    assert (workers["minReplicas"], workers["maxReplicas"], cluster["enableInTreeAutoscaling"]) == (2, most, scales)
    aws = yaml.safe_load(render("launcher-aws", **VALUES["launcher-aws"], **more))
    gpu = aws["available_node_types"]["gpu"]
    assert (gpu["min_workers"], gpu["max_workers"], aws["max_workers"]) == (2, most, most)


def test_on_google_cloud_the_region_is_the_zones_and_rays_checks_pass() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = yaml.safe_load(render("launcher-gcp", **{**VALUES["launcher-gcp"], "zone": "europe-west4-b", "gpus": 8}))
    assert config["provider"]["region"] == "europe-west4"
    prepared = prepare_config(config)
    gpu = prepared["available_node_types"]["gpu"]
    assert gpu["resources"]["GPU"] == 8 and gpu["node_config"]["machineType"] == "g2-standard-16"
    validate_config(prepared)


def test_a_sky_job_names_its_machines_and_takes_its_token_from_the_environment() -> None:
    job = yaml.safe_load(render("skypilot", **VALUES["skypilot"], spot="true"))
    assert (job["num_nodes"], job["resources"]["accelerators"], job["resources"]["use_spot"]) == (2, "H100:8", True)
    assert job["secrets"] == {"RAY_AUTH_TOKEN": None}
    subprocess.run(["bash", "-n"], input=job["run"], text=True, check=True)


# Programs in place of the real ones: they write down how they are called. The head's port is open at once.
PRETENDED = """#!/bin/bash
echo "$(basename "$0") $* | $RAY_AUTH_MODE ${RAY_ADDRESS:-none}" >>"$SAID"
"""


@pytest.mark.parametrize("rank", [0, 1])
def test_each_machine_of_a_sky_job_joins_one_ray_and_the_first_one_launches(tmp_path: Path, rank: int) -> None:
    for name in ("ray", "aesweep", "pkill"):
        (tmp_path / name).write_text(PRETENDED)
        (tmp_path / name).chmod(0o755)
    run = yaml.safe_load(render("skypilot", **VALUES["skypilot"]))["run"].replace("/dev/tcp/$head/$port", "/dev/null")
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "SAID": str(tmp_path / "said"),
        "SKYPILOT_NODE_IPS": "10.0.0.1\n10.0.0.2",
        "SKYPILOT_NODE_RANK": str(rank),
        "SKYPILOT_NUM_GPUS_PER_NODE": "8",
    }
    subprocess.run(["bash", "-c", run], env=environment, check=True, timeout=60)
    said = [re.sub(r"/tmp/aesweep-\w+", "FOLDER", line) for line in (tmp_path / "said").read_text().splitlines()]
    head = "10.0.0.1:6399"
    if rank:
        assert said == [f"ray start --address={head} --num-gpus=8 --temp-dir=FOLDER --block | token none"]
        return
    assert said == [
        "ray start --head --port=6399 --num-gpus=8 --temp-dir=FOLDER --include-dashboard=false | token none",
        f"aesweep wait gpus=16 | token {head}",
        f"aesweep launch paper --store s3://bucket/runs/paper --data /shared/data --address auto | token {head}",
        f"pkill -f -- FOLDER | token {head}",
    ]


def test_a_sky_job_does_not_keep_its_results_on_machines_that_are_taken_away() -> None:
    with pytest.raises(
        ClusterError, match=r"store: '/shared/runs' cannot be used.\nA folder is gone with the machines"
    ):
        render("skypilot", **{**VALUES["skypilot"], "store": "/shared/runs"})


def test_a_notice_fits_into_the_time_of_a_slurm_job() -> None:
    assert "@59999\n" in render("slurm", **VALUES["slurm"], notice_seconds=59_999)
    for time in ("0:05:01", "0:00:00"):  # the latter is no limit at all
        assert "@300\n" in render("slurm", **VALUES["slurm"], time=time)


def test_fewer_nodes_at_most_than_at_least_are_refused() -> None:
    with pytest.raises(ClusterError, match=r"most_nodes: '1' cannot be used.\nGive at least `nodes`, 2."):
        render("kuberay", **VALUES["kuberay"], most_nodes=1)


def test_the_image_copies_only_what_the_source_tree_has() -> None:
    lines = render("dockerfile", image="aesweep").splitlines()
    sources = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert {"sweep", "models", "evaluation", "cluster", "analysis", "constraints.txt"} <= set(sources)
    assert [source for source in sources if source != "README.md" and not (REPOSITORY / source).exists()] == []


def test_the_slurm_script_is_valid_bash() -> None:
    text = render("slurm", **VALUES["slurm"])
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)


# Programs of Slurm and Ray as the script calls them; the driver notes the signals that it gets.
PROGRAMS = {
    "scontrol": '#!/bin/sh\nif [ "$1" = show ]; then echo node1; echo node2; else echo "$@" >>"$LOG"; fi\n',
    "srun": '#!/bin/sh\nwhile [ "$1" != bash ]; do shift; done\nSLURM_NODEID=0 exec "$@"\n',
    "ray": (
        '#!/bin/sh\necho "$@" >>"$LOG"\necho "$RAY_AUTH_MODE ${#RAY_AUTH_TOKEN}" >>"$LOG.auth"\n'
        'stat -c "%n %a" "$RAY_TMPDIR" >"$LOG.folder"\nwhile [ "$1" != -- ]; do shift; done\nshift\n"$@"\n'
    ),
    "aesweep": (
        f"#!{sys.executable}\n"
        "import os, signal, sys, time\n"
        "def stop(number, frame):\n"
        "    print('driver got', signal.Signals(number).name, file=open(os.environ['LOG'], 'a'))\n"
        "    sys.exit(3)\n"
        "signal.signal(signal.SIGINT, stop)\n"
        "print('driver', *sys.argv[1:], file=open(os.environ['LOG'], 'a'))\n"
        "if os.environ['ENDS'] == '1':\n"
        "    sys.exit(1)\n"
        "signal.pause()\n"
    ),
}


def _start_slurm_job(folder: Path, ends: bool, **programs: str) -> tuple[subprocess.Popen[bytes], Path]:
    """Run the script as the batch shell would; gives the process and the log of its programs."""
    for name, text in {**PROGRAMS, **programs}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    log = folder / "log"
    script = folder / "job.sbatch"
    script.write_text(render("slurm", **VALUES["slurm"]))
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "LOG": str(log), "ENDS": str(int(ends))}
    environment |= {"SLURM_JOB_NODELIST": "node[1-2]", "SLURM_JOB_ID": "12345", "TMPDIR": str(folder)}
    return subprocess.Popen(["bash", str(script)], env=environment), log


def test_a_notice_from_slurm_stops_the_driver_in_order_and_requeues_the_job(tmp_path: Path) -> None:
    job, log = _start_slurm_job(tmp_path, ends=False)
    wait_until(lambda: log.exists() and "driver launch" in log.read_text(), 30, "the driver runs")

    job.send_signal(signal.SIGUSR1)

    assert job.wait(timeout=30) == 3
    lines = log.read_text().splitlines()
    assert lines[0].startswith("symmetric-run --address node1:22345 --min-nodes 4 --num-cpus=64 --num-gpus=4 -- bash")
    assert lines[1:] == [
        "driver launch paper --store /shared/runs/paper --data /shared/data --address auto",
        "driver got SIGINT",
        "requeue 12345",
    ]
    folder = Path((tmp_path / "log.folder").read_text().split()[0])
    assert re.fullmatch(r"/tmp/aesweep-12345-[0-9a-f]{8}", str(folder)), "short, whatever TMPDIR is"
    assert (tmp_path / "log.folder").read_text().split()[1] == "700"
    assert not folder.exists()
    assert (tmp_path / "log.auth").read_text() == "token 64\n", "a secret of this job"


def test_a_notice_from_slurm_before_the_driver_runs_ends_the_job_and_requeues_it(tmp_path: Path) -> None:
    """Nodes take minutes to join; a notice that comes then must not be lost until the time limit ends the job for good."""
    starting = '#!/bin/sh\necho "starting $$" >>"$LOG"\nexec sleep 60\n'
    job, log = _start_slurm_job(tmp_path, ends=False, ray=starting)
    wait_until(lambda: log.exists() and "starting" in log.read_text(), 30, "Ray starts")

    job.send_signal(signal.SIGUSR1)

    assert job.wait(timeout=30) != 0
    started, requeued = log.read_text().splitlines()
    assert requeued == "requeue 12345"
    os.kill(int(started.split()[1]), signal.SIGKILL)  # Slurm itself ends what is left of a step


def test_a_slurm_job_that_ends_by_itself_is_not_requeued_and_keeps_its_exit_code(tmp_path: Path) -> None:
    job, log = _start_slurm_job(tmp_path, ends=True)
    assert job.wait(timeout=30) == 1
    assert "requeue" not in log.read_text()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"store": "relative/path"}, "store: 'relative/path' cannot be used.\nGive an absolute path"),
        ({"store": "/a; rm -rf /"}, "store: '/a; rm -rf /' cannot be used."),
        ({"spec": "$(id)"}, "spec: '$(id)' cannot be used."),
        ({"spec": "--debug"}, "spec: '--debug' cannot be used."),
        ({"spec": "faces.yaml"}, "spec: 'faces.yaml' cannot be used.\nGive a preset or the absolute path"),
        ({"time": "0:05:00"}, "notice_seconds: 300 cannot be used.\nThe job ends after 300 seconds (time=0:05:00)."),
        ({"time": "1-00:00:00", "notice_seconds": 65536}, "notice_seconds: 65536 cannot be used."),
        ({"nodes": 0}, "nodes: 0 cannot be used.\nGive a whole number of at least 1."),
        ({"name": "a\nb"}, "name: 'a\\nb' cannot be used."),
        ({"nodse": 2}, "The file 'slurm' has no such value. It has: cpus, data"),
        ({"data": None}, "data is missing.\nGive an absolute path that all nodes see"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ClusterError) as caught:
        render("slurm", **{**PLACES, **values})
    assert message in str(caught.value)


def test_an_unknown_kind_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ClusterError, match="Choose one of: slurm, kuberay"):
        render("pbs")


def test_the_command_prints_a_file_or_two_lines() -> None:
    good = run_aesweep("render", "dockerfile", "image=a")
    assert (good.code, good.out) == (0, render("dockerfile", image="a"))
    bad = run_aesweep("render", "slurm", "store")
    assert (bad.code, bad.err) == (2, "argument: 'store' cannot be used.\nGive name=value.\n")
    listing = run_aesweep("render").out
    assert all(kind in listing and all(v in listing for v in template_values(kind)) for kind in FILES)
