"""A store's tables -> pandas -> figures, tables and one HTML page.

Reads `STORE/tables/*.parquet` and the sample pictures, nothing else of a store. Of our other folders it imports only the
files that say what the tables hold, read them, and follow no link in a store (`sweep/tables/schemas.py`,
`sweep/tables/reading.py`, `sweep/store/beneath.py`), and neither torch nor Ray: a laptop with pandas and matplotlib can draw
the report of a sweep that ran on a cluster.
"""

from aesweep.lazy import lazy_names

_PUBLIC = {
    "ReportError": "aesweep.analysis.errors",
    "Tables": "aesweep.analysis.data.tables",
    "load_tables": "aesweep.analysis.data.tables",
    "sensitivity": "aesweep.analysis.claims.sensitivity",
    "write_report": "aesweep.analysis.report",
    "write_pair": "aesweep.analysis.pair_report",
}
__all__ = ["ReportError", "Tables", "load_tables", "sensitivity", "write_pair", "write_report"]
__getattr__ = lazy_names(__name__, _PUBLIC)
