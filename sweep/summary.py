"""One line of text for one trial's scores."""

from typing import Any


def score_line(rows: list[dict[str, Any]]) -> str:
    """For instance `fd: reconstruction (train) 0.12, mvg 1.2, gmm 0.8; latents: loglikelihood_gap 0.03`."""
    frechet = [row for row in rows if row["metric"] in ("fid", "fd")]
    distances = [_named(row, _source(row)) for row in frechet]
    # The other measures of latents are read against their nulls, which is for the table and not for one line.
    latents = [_named(row, row["metric"]) for row in rows if row["metric"] == "loglikelihood_gap"]
    parts = [f"{frechet[0]['metric']}: {', '.join(distances)}"] if distances else []
    parts += [f"latents: {', '.join(latents)}"] if latents else []
    return "; ".join(parts) or "no scores"


def _source(row: dict[str, Any]) -> str:
    return f"{row['source']} ({row['split']})" if row["source"] == "reconstruction" else str(row["source"])


def _named(row: dict[str, Any], name: str) -> str:
    return f"{name} none" if row["value"] is None else f"{name} {row['value']:.4g}"
