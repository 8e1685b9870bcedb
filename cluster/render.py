"""Files that start a cluster: a Slurm script, a KubeRay job, launcher and SkyPilot files, a Dockerfile, with checked values.

Problem: such files are copied, half edited and fail on the cluster, an hour later.
Decision: one template per kind, `<<name>>` where a value belongs; every value is checked by a pattern before it is set, so
that none can break out of its place in YAML or shell; missing and unknown names are refused.
Consequence: `aesweep render slurm nodes=4 store=/shared/runs/paper …` prints a file that is valid as it stands.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import ray

from aesweep.cluster.errors import ClusterError

TEMPLATES = Path(__file__).resolve().parent / "templates"
FILES = {
    "slurm": "slurm.sbatch",
    "kuberay": "kuberay.yaml",
    "launcher-onprem": "launcher-onprem.yaml",
    "launcher-aws": "launcher-aws.yaml",
    "launcher-gcp": "launcher-gcp.yaml",
    "skypilot": "skypilot.yaml",
    "dockerfile": "Dockerfile",
}
_PLACE = re.compile(r"<<([a-z_]+)>>")


class _Rule(NamedTuple):
    """What one value looks like; `default` None means that it must be given, a name the value of that name."""

    pattern: str
    expected: str
    default: str | None = None


_NAME = r"[a-z]([a-z0-9-]{0,45}[a-z0-9])?"
_COUNT = r"[1-9][0-9]{0,5}"
_PATH = r"(/[\w./+-]*|(s3|gs)://[\w./+-]+)"
_HOST = r"[A-Za-z0-9][A-Za-z0-9.-]*"
RULES = {
    "name": _Rule(_NAME, "lower-case letters, digits and dashes, a letter first", "aesweep"),
    "spec": _Rule(r"[a-z][a-z0-9-]*|/[\w./+-]*", "a preset or the absolute path of a YAML file", "paper"),
    "store": _Rule(_PATH, "an absolute path that all nodes see, or s3://… or gs://…"),
    "data": _Rule(r"/[\w./+-]*", "an absolute path that all nodes see"),
    "nodes": _Rule(_COUNT, "a whole number of at least 1", "1"),
    "most_nodes": _Rule(_COUNT, "the most nodes that an autoscaler may start, at least `nodes`", "nodes"),
    "cpus": _Rule(_COUNT, "CPUs per node, at least 1", "16"),
    "gpus": _Rule(r"[0-9]{1,3}", "GPUs per node", "1"),
    "memory": _Rule(r"[1-9][0-9]*(Gi|Mi)", "memory per node, such as 64Gi", "64Gi"),
    "time": _Rule(r"([0-9]+-)?[0-9]{1,2}:[0-9]{2}:[0-9]{2}", "Slurm's D-HH:MM:SS", "1-00:00:00"),
    "notice_seconds": _Rule(
        r"[1-9][0-9]{0,3}|[1-5][0-9]{4}", "seconds before the end at which Slurm gives notice, at most 59999", "300"
    ),
    "image": _Rule(r"[a-z0-9][\w./:@-]*", "a container image"),
    "mount": _Rule(r"/[\w./-]*", "the folder where the volume is mounted", "/shared"),
    "claim": _Rule(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", "the name of a PersistentVolumeClaim"),
    "uid": _Rule(r"[1-9][0-9]{0,8}", "a user id other than root's that may write to the claim", "1000"),
    "relaunches": _Rule(r"[0-9]{1,3}", "how often a failed job is tried again", "3"),
    "ray_version": _Rule(r"[0-9]+\.[0-9]+\.[0-9]+", "the version of Ray in the image, such as 2.60.0", ray.__version__),
    "head": _Rule(_HOST, "the host name or IP of the head"),
    "workers": _Rule(rf"{_HOST}(, ?{_HOST})*", "host names or IPs, separated by commas"),
    "key": _Rule(r"[~/][\w./-]+", "the private key for ssh, such as ~/.ssh/id_rsa", "~/.ssh/id_ed25519"),
    "user": _Rule(r"[a-z_][a-z0-9_-]*", "a user name for ssh"),
    "bin": _Rule(r"/[\w./+-]+", "the bin folder of the virtual environment, on every machine"),
    "region": _Rule(r"[a-z]{2}(-[a-z]+)+-[0-9]", "an AWS region, such as us-west-2", "us-west-2"),
    "instance": _Rule(r"[a-z0-9-]+\.[a-z0-9-]+", "an AWS instance type", "g6.4xlarge"),
    "head_instance": _Rule(r"[a-z0-9-]+\.[a-z0-9-]+", "an AWS instance type", "m7i.xlarge"),
    "zone": _Rule(r"[a-z]+-[a-z]+[0-9]+-[a-z]", "a zone of Google Cloud, such as us-central1-a", "us-central1-a"),
    "project": _Rule(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", "the id of a project in Google Cloud"),
    "machine": _Rule(r"[a-z0-9]+(-[a-z0-9]+){1,3}", "a machine type of Google Cloud with GPUs", "g2-standard-16"),
    "head_machine": _Rule(r"[a-z0-9]+(-[a-z0-9]+){1,3}", "a machine type of Google Cloud", "n2-standard-4"),
    "source_image": _Rule(
        r"projects/[a-z0-9-]+/global/images/[\w/.-]+",
        "a boot image with Docker, and with NVIDIA's container toolkit for the GPUs",
        "projects/deeplearning-platform-release/global/images/family/common-cu123",
    ),
    "gpu_type": _Rule(r"[A-Za-z][A-Za-z0-9-]{0,30}", "a GPU as `sky show-gpus` names it, such as H100", "H100"),
    "spot": _Rule(r"true|false", "true or false: machines that may be taken away, at a lower price", "false"),
    "python_version": _Rule(r"3\.(1[1-9]|[2-9][0-9])", "a Python version of 3.11 or newer", "3.11"),
}


def template_values(kind: str) -> list[str]:
    """The names that the template of `kind` has places for, sorted. Raises `ClusterError` for an unknown kind."""
    return sorted(set(_PLACE.findall(_template(kind))).intersection(RULES))


def render(kind: str, **values: object) -> str:
    """The text of the file of `kind`; names and defaults of `values` are in `RULES`.

    Raises `ClusterError` for an unknown kind or name, a value that does not fit its rule, and a missing value that has no
    default.
    """
    wanted = template_values(kind)
    for name, value in values.items():
        if name not in wanted:
            raise ClusterError(name, value, f"The file {kind!r} has no such value. It has: {', '.join(wanted)}.")
    filled = {name: _checked(name, _value(name, values)) for name in wanted}
    if "most_nodes" in filled:
        if int(filled["most_nodes"]) < int(filled["nodes"]):
            raise ClusterError("most_nodes", filled["most_nodes"], f"Give at least `nodes`, {filled['nodes']}.")
        filled["autoscaling"] = str(filled["most_nodes"] != filled["nodes"]).lower()
    if "notice_seconds" in filled:
        _check_notice(int(filled["notice_seconds"]), filled["time"])
    if kind == "skypilot" and filled["store"].startswith("/"):
        remedy = "A folder is gone with the machines, and the results with it. Give s3://… or gs://…."
        raise ClusterError("store", filled["store"], remedy)
    if "zone" in filled:
        filled["gcp_region"] = filled["zone"].rpartition("-")[0]
    return _PLACE.sub(lambda place: filled[place[1]], _template(kind))


def _check_notice(seconds: int, time: str) -> None:
    """Raise `ClusterError` for a notice that Slurm would give as soon as a job begins: it would train nothing, again and again."""
    days, _, clock = time.rpartition("-")
    hours, minutes, rest = map(int, clock.split(":"))
    limit = 86_400 * int(days or 0) + 3600 * hours + 60 * minutes + rest
    if limit and seconds >= limit:  # without a limit there is no end to give notice of
        remedy = f"The job ends after {limit:,} seconds (time={time}). Give fewer, or more time."
        raise ClusterError("notice_seconds", seconds, remedy)


def describe_kinds() -> str:
    """The kinds of files and their values with defaults, a line each."""
    lines = ["aesweep render KIND name=value …"]
    for kind in FILES:
        lines.append(f"  {kind}: " + " ".join(f"{n}={RULES[n].default or '…'}" for n in template_values(kind)))
    return "\n".join(lines)


def parse_values(words: Sequence[str]) -> dict[str, str]:
    """`name=value` words as a mapping. Raises `ClusterError` for a word of another form."""
    for word in words:
        if "=" not in word:
            raise ClusterError("argument", word, "Give name=value.")
    return dict(word.split("=", 1) for word in words)


def _template(kind: str) -> str:
    if kind not in FILES:
        raise ClusterError("kind", kind, f"Choose one of: {', '.join(FILES)}.")
    return (TEMPLATES / FILES[kind]).read_text(encoding="utf-8")


def _value(name: str, values: Mapping[str, object]) -> object:
    default = RULES[name].default
    return values[name] if name in values else _value(default, values) if default in RULES else default


def _checked(name: str, value: object) -> str:
    rule = RULES[name]
    if value is None:
        raise ClusterError(name, None, f"Give {rule.expected}: {name}=…")
    if not re.fullmatch(rule.pattern, str(value), re.ASCII):
        raise ClusterError(name, value, f"Give {rule.expected}.")
    return str(value)
