"""Where results come from: the code and the environment of a launch, collected once and kept in the store.

    git, installed distributions ─┐
    each machine: Python, GPUs …  ─┼─► launches/<driver>.json ◄─ named by train.json and scores/<id>.json
    the command line ─────────────┘

Neither torch nor Ray is imported for it: their versions are those of their distributions.
"""

import hashlib
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import distributions
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from aesweep.cluster.staging import SUFFIXES, package_folder
from aesweep.models.plugins.files import loaded_files
from aesweep.sweep.store.layout import launch_name
from aesweep.sweep.store.records.launches import LaunchRecord, MachineRecord
from aesweep.sweep.store.store import Store
from aesweep.sweep.version import aesweep_version

SECONDS = 20.0
"""How long git and nvidia-smi may take; after that, what they would have said is unknown."""
CONTAINER = "AESWEEP_CONTAINER"
"""Environment variable with the digest of the container's image, which a process in it cannot find out by itself."""
SECRET = ("--notify",)
"""Options whose values are not kept: the address of a webhook is a password."""
SHOWN = {
    "python": "Python", "ray": "Ray", "torch": "torch", "cuda": "CUDA", "cudnn": "cuDNN", "gpus": "GPUs",
    "gpu_driver": "GPU driver", "container": "container", "system": "system",
}  # fmt: skip
"""Fields of a machine in the order in which people read them."""


def write_launch(store: Store, launch: str, spec: str, evaluation: str, machines: Iterable[MachineRecord]) -> None:
    """Keep the code and the environment of a launch under its name."""
    commit, changed = _commit(package_folder().resolve())
    kinds = {machine.model_copy(update={"host": ""}): machine for machine in machines}
    record = LaunchRecord(
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        aesweep=aesweep_version(),
        command=tuple(map(_storable, without_secrets(sys.argv))),
        spec=spec,
        evaluation=evaluation,
        commit=commit,
        changed=changed,
        code_sha256=_code_sha256(package_folder()),
        plugins={_storable(Path(f.path).name): hashlib.sha256(f.source).hexdigest() for f in loaded_files()},
        packages=tuple(sorted({f"{name}=={version}" for name, version in _installed()}, key=str.lower)),
        machines=tuple(kinds.values()),
    )
    store.records.write(launch_name(launch), record)


def read_launch(store: Store, launch: str) -> LaunchRecord | None:
    """The record of a launch that a commit names; None where there is none, as for commits of older versions."""
    if not re.fullmatch(r"[0-9A-Za-z_][0-9A-Za-z_.-]*", launch):
        return None
    return store.records.read(launch_name(launch), LaunchRecord)


def this_machine() -> MachineRecord:
    """What this process runs on."""
    versions = {name.lower(): version for name, version in _installed()}
    gpus, driver = _gpus()
    cudnn = next((version for name, version in versions.items() if name.startswith("nvidia-cudnn")), "")
    return MachineRecord(
        host=_storable(socket.gethostname()),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        ray=versions.get("ray", ""),
        torch=versions.get("torch", ""),
        cuda=_cuda(),
        cudnn=cudnn,
        gpus=gpus,
        gpu_driver=driver,
        container=_storable(_container()),
    )


def describe(record: LaunchRecord) -> dict[str, str]:
    """The code and the environment in words, without the names of machines; what is unknown is left out."""
    state = {None: "", True: ", with changes that are not committed", False: ""}[record.changed]
    code = f"commit {record.commit}{state}" if record.commit else ""
    found = {
        "aesweep": record.aesweep,
        "code": "; ".join(filter(None, [code, f"SHA-256 {record.code_sha256[:16]}"])),
        "command": " ".join(record.command),
    }
    for field, title in SHOWN.items():
        values = dict.fromkeys(str(getattr(machine, field)) for machine in record.machines)
        found[title] = ", ".join(filter(None, values))
    found |= {f"plug-ins in {name}": f"SHA-256 {sha256[:16]}" for name, sha256 in record.plugins.items()}
    return {title: text for title, text in found.items() if text}


def without_secrets(words: Sequence[str]) -> list[str]:
    """A command line of aesweep with `…` in place of values that others must not see; of another program its name alone."""
    kept = [Path(word).name for word in words[:1]]
    if kept not in (["aesweep"], ["cli.py"]):
        return kept
    for before, word in pairwise(words):
        option, equals, _ = word.partition("=")
        hidden = before in SECRET or (equals and option in SECRET)
        kept.append(f"{option}=…" if hidden and option in SECRET else "…" if hidden else word)
    return kept


def _installed() -> list[tuple[str, str]]:
    """Name and version of every distribution; what an interrupted pip left behind has none."""
    named = []
    for found in distributions():
        with suppress(FileNotFoundError):  # of importlib_metadata, which Ray loads; Python's own gives an empty text
            about = found.metadata
            named += [(about["Name"], found.version)] if "Name" in about else []
    return named


def _commit(folder: Path) -> tuple[str, bool | None]:
    """The commit that the code was checked out from, and whether it was changed; ("", None) for code that git does not know."""
    if _said("git", "-C", str(folder), "ls-files", "--error-unmatch", "__init__.py") is None:
        return "", None  # installed, though perhaps below a folder that is a tree of git
    commit, changes = _said("git", "-C", str(folder), "rev-parse", "HEAD"), None
    if commit is not None:
        top = _said("git", "-C", str(folder), "rev-parse", "--show-toplevel") or str(folder)
        changes = _said("git", "-C", top.strip(), "status", "--porcelain", "--untracked-files=normal")
    return (commit or "").strip(), None if changes is None else bool(changes.strip())


def _code_sha256(package: Path) -> str:
    """SHA-256 of the names and bytes of the files that workers get (staging.py)."""
    digest = hashlib.sha256()
    for folder, inner, names in os.walk(package, followlinks=True):
        inner[:] = sorted(name for name in inner if not name.startswith((".", "__pycache__")))
        for path in (Path(folder, name) for name in sorted(names)):
            if path.suffix in SUFFIXES:
                digest.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _cuda() -> str:
    """The version of CUDA that torch was built for, from its file of versions: importing torch takes seconds."""
    spec = find_spec("torch")
    file = Path(spec.origin).with_name("version.py") if spec is not None and spec.origin else None
    found = re.search(r"^cuda\b[^=\n]*= '([0-9.]+)'", file.read_text(), re.M) if file and file.is_file() else None
    return found[1] if found else ""


def _gpus() -> tuple[str, str]:
    """Names and number of GPUs, and the version of their driver; ("", "") without any."""
    said = _said("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader") or ""
    rows = [line.rpartition(",") for line in said.splitlines() if "," in line]
    names = [name.strip() for name, _, _ in rows]
    found = ", ".join(f"{names.count(name)} × {name}" for name in dict.fromkeys(names))
    return found, ", ".join(dict.fromkeys(version.strip() for _, _, version in rows))


def _container() -> str:
    """The container's image: what its environment says, or what Apptainer and Podman leave in it."""
    given = os.environ.get(CONTAINER) or os.environ.get("APPTAINER_CONTAINER") or ""
    podman = Path("/run/.containerenv")
    if given or not podman.is_file():
        return given
    found = re.search(r'^imageid="([0-9a-f]+)"', podman.read_text(errors="replace"), re.M)
    return f"sha256:{found[1]}" if found else ""


def _said(*command: str) -> str | None:
    """What a program prints; None where it is missing, fails or takes too long."""
    if shutil.which(command[0]) is None:
        return None
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=True, env=environment
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _storable(text: str) -> str:
    """Text that every JSON reader takes: no half of a surrogate pair."""
    return text.encode(errors="replace").decode()
