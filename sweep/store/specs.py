"""The specs that were launched into a store."""

from typing import Any

from aesweep.sweep.store.layout import LATEST
from aesweep.sweep.store.reading import StoredRecords
from aesweep.sweep.store.records import is_latest, is_spec, sealed_json_bytes


class StoredSpecs(StoredRecords):
    """`sweeps/`: every spec, and which one was launched last."""

    def write_spec(self, spec_hash: str, spec: dict[str, Any], evaluation: str, latest: bool = True) -> None:
        """Record a launched spec; with `latest` make it that, and remember the evaluation id that it resolved to.

        A spec with the same hash asks for the same results; only where and how it runs may have changed, and the
        newest is kept.
        """
        files = {f"sweeps/{spec_hash}.json": spec, LATEST: {"spec": spec_hash, "evaluation": evaluation}}
        for name, value in files.items():
            if (latest or name != LATEST) and self.storage.read(name) != sealed_json_bytes(value):
                self.storage.write(name, sealed_json_bytes(value))

    def latest_spec(self) -> dict[str, Any] | None:
        """The spec launched last, None in an empty store."""
        latest = self.read_json(LATEST, is_latest)
        return self.read_json(f"sweeps/{latest['spec']}.json", is_spec) if latest else None

    def latest_evaluation(self) -> str:
        """Id of the evaluation that the latest launch asked for, "" in an empty store."""
        return (self.read_json(LATEST, is_latest) or {}).get("evaluation", "")

    def specs(self) -> list[dict[str, Any]]:
        """Every spec launched here, the latest last."""
        return self.launched()[0]

    def launched(self) -> tuple[list[dict[str, Any]], str]:
        """Every spec launched here, the latest last, and the id of the evaluation that the latest launch asked for."""
        latest = self.read_json(LATEST, is_latest) or {}
        names = [name for name in self.storage.names("sweeps") if name != "latest.json" and name.endswith(".json")]
        names.sort(key=lambda name: name == f"{latest.get('spec')}.json")
        specs = [spec for name in names if (spec := self.read_json(f"sweeps/{name}", is_spec))]
        return specs, latest.get("evaluation", "")
