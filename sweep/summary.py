"""One line of text for one trial's scores."""

from typing import Any


def score_line(rows: list[dict[str, Any]]) -> str:
    """For instance `fd: reconstruction 0.12 train 0.15 test, standard_normal 9.1, mvg 1.2, gmm 0.8`."""
    parts = []
    for row in rows:
        value = "none" if row["value"] is None else f"{row['value']:.4g}"
        split = f" ({row['split']})" if row["source"] == "reconstruction" else ""
        parts.append(f"{row['source']}{split} {value}")
    return f"{rows[0]['metric']}: {', '.join(parts)}" if rows else "no scores"
