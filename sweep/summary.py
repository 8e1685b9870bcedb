"""One line of text for one trial's scores."""

from typing import Any


def score_line(rows: list[dict[str, Any]]) -> str:
    """For instance `fd: reconstruction (train) 0.12, mvg 1.2, gmm 0.8; latents: loglikelihood_gap 0.03`.

    Only the distances, and of the latents what can be read alone: other measures are compared with a null or with others.
    """
    frechet = [row for row in rows if row["metric"] in ("fid", "fd")]
    latents = [_named(row, row["metric"]) for row in rows if row["metric"] == "loglikelihood_gap"]
    held_out = [_named(row, row["source"]) for row in rows if row["metric"] == "heldout_loglikelihood"]
    parts = [f"{frechet[0]['metric']}: {', '.join(_named(row, _source(row)) for row in frechet)}"] if frechet else []
    parts += [f"latents: {', '.join(latents)}"] if latents else []
    parts += [f"held-out log-likelihood: {', '.join(held_out)}"] if held_out else []
    return "; ".join(parts) or _count(rows)


def _count(rows: list[dict[str, Any]]) -> str:
    return f"{len(rows)} scores" if rows else "no scores"


def _source(row: dict[str, Any]) -> str:
    return f"{row['source']} ({row['split']})" if row["source"] == "reconstruction" else str(row["source"])


def _named(row: dict[str, Any], name: str) -> str:
    return f"{name} none" if row["value"] is None else f"{name} {row['value']:.4g}"
