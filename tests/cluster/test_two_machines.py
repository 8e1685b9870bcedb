"""The files that start clusters, on two machines that are namespaces of this one (two_machines.sh): with the real programs.

They need root and Debian's slurm-wlm and munge, or openssh-server and rsync; without those they are skipped.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from aesweep.cluster.render import render
from aesweep.sweep.store.store import open_store
from tests.fresh_process import REPOSITORY

MACHINES = REPOSITORY / "tests" / "cluster" / "two_machines.sh"
BIN = Path(sys.executable).parent
SPEC = """
name: two
data: {dataset: digits}
base: {filters: 4, epochs: 8, batch_size: 64}
blocks:
  - {name: all, model: dae, latent_size: 2..5}
evaluation: {extractor: random-conv-64, samples: 100, priors: [mvg]}
"""
SLURM = """
ClusterName=two
SlurmctldHost=node1
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=gpu
ReturnToService=2
NodeName=node[1-2] CPUs=1 State=UNKNOWN
PartitionName=all Nodes=node[1-2] Default=YES State=UP
"""
BY_SLURM = """
export SLURM_CONF={folder}/slurm.conf
mkdir -p /run/munge && chown munge /run/munge && runuser -u munge -- munged --force
until munge -n >/dev/null 2>&1; do :; done
on 1 sh -c 'mkdir -p ~/.ray && printf %032d 1 >~/.ray/auth_token' # what a Ray of the user's left behind
on 1 slurmctld
on 1 slurmd -N node1
on 2 slurmd -N node2
until on 1 sinfo --noheader --states=idle --format %D | grep -q 2; do :; done
on 1 sbatch --wait --output={folder}/said --chdir={folder} {folder}/job
"""
BY_SSH = """
mkdir -p /run/sshd
chmod 700 ~/.ssh
ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519
cp ~/.ssh/id_ed25519.pub {folder}/keys && chmod 600 {folder}/keys
for i in 1 2; do
    on $i /usr/sbin/sshd -o AuthorizedKeysFile={folder}/keys -o StrictModes=no -o PidFile=/tmp/sshd.pid
done
on 1 sh -c 'mkdir -p ~/.ray && printf %032d 1 >~/.ray/auth_token' # what a Ray of the user's left behind
cd {folder}
mv job this.yaml
eval "$(sed -n 's/^#   //p' this.yaml | sed 's/ray up/ray up --yes/')" >said 2>&1
"""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes namespaces")
pytestmark = [pytest.mark.slow, needs_root]


def _needs(*programs: str) -> pytest.MarkDecorator:
    lacking = [name for name in programs if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    return pytest.mark.skipif(bool(lacking), reason=f"not installed: {', '.join(lacking)}")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that both machines see: each has a /tmp of its own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="aesweep-") as name:
        yield Path(name)


def _run(folder: Path, script: str, kind: str, **values: object) -> str:
    """Render a file and run the script that uses it; what the launch said."""
    (folder / "spec.yaml").write_text(SPEC)
    places = {"spec": folder / "spec.yaml", "store": folder / "store", "data": folder / "data"}
    (folder / "job").write_text(render(kind, **places, **values))
    whole = f". {shlex.quote(str(MACHINES))}\n{script.format(folder=folder)}"
    namespace = ["unshare", "--net", "--pid", "--mount", "--fork", "--mount-proc", "--kill-child"]
    environment = {**os.environ, "PATH": f"{BIN}:/usr/sbin:{os.environ['PATH']}"}
    done = subprocess.run(
        [*namespace, "bash", "-c", whole], env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    said = (folder / "said").read_text() if (folder / "said").exists() else ""
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{said}"
    return said


def _assert_both_trained(store: Path) -> None:
    trials = pd.read_parquet(store / "tables" / "trials.parquet")
    assert list(trials.state) == ["done"] * 4
    opened = open_store(store)
    starts = [
        opened.attempts.read_start(key, attempt) for key in trials.key for attempt in opened.attempts.of(key, "train")
    ]
    assert {start.node for start in starts if start} == {"node1", "node2"}


@_needs("slurmctld", "slurmd", "munged", "ip")
def test_a_slurm_job_uses_all_its_nodes(folder: Path) -> None:
    (folder / "slurm.conf").write_text(SLURM.format(folder=folder))
    for name in ("state", "spool-node1", "spool-node2"):
        (folder / name).mkdir()
    _run(folder, BY_SLURM, "slurm", nodes=2, cpus=1, gpus=0, time="0:10:00", notice_seconds=60)
    _assert_both_trained(folder / "store")


@_needs("sshd", "ssh-keygen", "rsync", "ip")
def test_machines_of_ones_own_are_started_by_ssh(folder: Path) -> None:
    said = _run(folder, BY_SSH, "launcher-onprem", head="10.77.0.1", workers="10.77.0.2", user="root", bin=BIN)
    assert "4 done" in said
    _assert_both_trained(folder / "store")
