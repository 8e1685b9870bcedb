"""What the chaos benchmark finds in the stores when all is over, and the page that says so."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from page import footer, today

from aesweep.cluster.capacity import allowed_cpus
from aesweep.sweep.store.store import DamagedFileError, Store

# What does not depend on when and in how many attempts a sweep ran.
SAME = {
    "trials": ["key", "state", "final_loss", "final_reconstruction", "final_kl", "test_bce", "mean_image_bce"],
    "epochs": ["key", "epoch", "learning_rate", "loss", "reconstruction", "kl"],
    "scores": ["key", "evaluation", "source", "split", "metric", "value", "n", "n_reference", "sampling_seed", "note"],
    "latents": ["key", "split", "index", "dimension_a", "dimension_b", "z_a", "z_b"],
}
NAMES = ("key", "epoch", "evaluation", "source", "split", "metric", "sampling_seed", "index")
"""Columns that name a row."""


@dataclass
class Findings:
    """What the stores say, and how commands ended."""

    events: Counter[str] = field(default_factory=Counter)
    launches: int = 0
    verbs: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    """How often `prune` saw a driver at work."""
    stores: int = 0
    files: int = 0
    """Committed files that were read and hashed."""
    rows_lost: int = 0
    rows_doubled: int = 0
    rows_made_up: int = 0
    different: int = 0
    missing: list[str] = field(default_factory=list)
    """Committed files that are not there, or not as their commit says, and what was set aside as damaged."""
    given_up: list[str] = field(default_factory=list)
    """Failures that the stores hold, each a trial that was given up."""
    endings: list[str] = field(default_factory=list)
    """Commands that ended in a way that the documentation does not name."""
    left_behind: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        counts = self.rows_lost + self.rows_doubled + self.rows_made_up + self.different
        return not (counts or self.missing or self.given_up or self.endings or self.left_behind)


def compare(store: Store, undisturbed: Path, findings: Findings) -> None:
    """Count what is lost, doubled, missing or different, and what was given up."""
    for table, columns in SAME.items():
        _compare_table(table, columns, Path(str(store.root)), undisturbed, findings)
    findings.missing += [str(path.relative_to(str(store.root))) for path in Path(str(store.root)).rglob("*.damaged-*")]
    for key in store.trials.known_keys():
        _read_committed_files(store, key, findings)
        findings.given_up += [
            f"{key}, {one.stage}: {one.type}: {one.message[:200]}" for one in store.attempts.failures(key)
        ]


def _compare_table(table: str, columns: list[str], root: Path, undisturbed: Path, findings: Findings) -> None:
    ours, theirs = (_read(folder, table, columns) for folder in (root, undisturbed))
    names = [name for name in NAMES if name in columns]
    findings.rows_doubled += int(ours.duplicated(names).sum())
    merged = theirs.merge(ours.drop_duplicates(names), on=names, how="outer", indicator=True, suffixes=("", "_ours"))
    findings.rows_lost += int((merged["_merge"] == "left_only").sum())
    findings.rows_made_up += int((merged["_merge"] == "right_only").sum())
    for name in (name for name in columns if name not in names):
        a, b = merged[name], merged[f"{name}_ours"]
        findings.different += int((~((a == b) | (a.isna() & b.isna())) & (merged["_merge"] == "both")).sum())


def _read(root: Path, table: str, columns: list[str]) -> pd.DataFrame:
    """Some columns of one table; no rows where that is not there."""
    path = root / "tables" / f"{table}.parquet"
    return pd.read_parquet(path, columns=columns) if path.exists() else pd.DataFrame(columns=columns)


def _read_committed_files(store: Store, key: str, findings: Findings) -> None:
    """Read and hash every file that a commit of the trial names."""
    evaluations = store.commits.scored(key)
    commits = (store.commits.training(key), *(store.commits.scores(key, one) for one in evaluations))
    for commit in (commit for commit in commits if commit is not None):
        for name, record in commit.files.items():
            findings.files += 1
            try:
                store.attempts.read_file(key, commit.attempt, name, record)
            except DamagedFileError:
                findings.missing.append(f"{key}/{commit.attempt}/{name}")


def page(findings: Findings, what: str, interval: float, seed: int, seconds: float, plain: float, name: str) -> str:
    """The Markdown page. `what` describes the sweep, `plain` is the time of an undisturbed one."""
    kinds = "\n".join(f"| {kind} | {count} |" for kind, count in findings.events.items())
    verbs = ", ".join(f"{verb} {count}" for verb, count in findings.verbs.items())

    def listed(found: list[str]) -> str:
        return "; ".join([str(len(found)), *(line.replace("|", "/") for line in found)])

    return f"""# Chaos: {findings.events.total()} kills and pauses, {name} ({allowed_cpus()} cores), {today()}

{what}
It ran in {findings.stores} stores, in turns on a cluster of two raylets, with one slot and a temporary folder of their own
each, and on a local Ray, while something was killed or suspended every {interval:g} s on average (seed {seed}),
{seconds / 60:.0f} minutes in all. Undisturbed, it takes {plain:.0f} s.
A dead driver's command was given again, never with `--retry-failed`: {findings.launches} launches. Beside them ran {verbs};
`prune` saw a driver at work {findings.refused} times and refused.

| kill or pause | count |
|---|---|
{kinds}

| what | count |
|---|---|
| rows lost | {findings.rows_lost} |
| rows doubled | {findings.rows_doubled} |
| rows that the undisturbed sweep has not | {findings.rows_made_up} |
| numbers that differ from the undisturbed sweep | {findings.different} |
| committed files missing or damaged, of {findings.files} that were read and hashed | {listed(findings.missing)} |
| trials given up | {listed(findings.given_up)} |
| commands that ended otherwise than documented | {listed(findings.endings)} |
| processes, temporary and progress files, folders of Ray left behind | {listed(findings.left_behind)} |

Compared exactly, without tolerance: {"; ".join(f"{table}: {', '.join(columns)}" for table, columns in SAME.items())}.

{footer("ray", "torch", "pandas", "pyarrow")}
"""
