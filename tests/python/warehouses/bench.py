"""The workbench of the engine's own tests on any warehouse: a schema with sync's tables, and a destination in memory.

    python -m tests.python.warehouses.bench TARGET FOLDER SCHEMA

pushes and is killed by kill -9 once the destination has taken the third batch, before anybody knows that it has.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from sync.records import Record
from sync.state.tables import SHAPES, Tables
from sync.warehouses.base import Warehouse
from sync.warehouses.registry import open_warehouse
from tests.python.unit.workbench import Workbench
from tests.python.warehouses.conftest import target_of

KILLED_AT_BATCH = 3
LEDGER = {
    name: kind
    for name, kind in SHAPES["acknowledgements"].items()
    if name not in ("action", "batch_number")
}
LEASES = {
    "environment": "string", "sync_name": "string", "owner": "string", "expires_at": "timestamp",
}  # fmt: skip
INTENTS = dict.fromkeys(
    ("environment", "sync_name", "run_id", "sync_key", "definition_hash", "identifiers",
     "outdated_identifiers", "remote_id"), "string",
)  # fmt: skip
FAILURES = {"unique_id": "string", "status": "string", "failed_at": "timestamp"}
STATE = {"ledger": LEDGER, "leases": LEASES, "intents": INTENTS, "dbt_failures": FAILURES} | {
    name: shape for name, shape in SHAPES.items() if name in Tables.__slots__
}


class WarehouseBench(Workbench):
    """A workbench whose tables are in a schema of a given warehouse; where they are there already, they are kept."""

    def __init__(self, folder: Path, warehouse: Warehouse, schema: str, **definition: Any) -> None:
        self._given = warehouse
        self.tables = Tables(**{name: f"{schema}.{name}" for name in Tables.__slots__})
        self.relation = f"{schema}.sync_memory"
        super().__init__(folder, **definition)

    def _open(self) -> Warehouse:
        dialect = self._given.dialect
        bigquery = dialect.name == "bigquery"
        types = {
            "string": dialect.string, "word": dialect.string, "timestamp": dialect.timestamp,
            "bool": "boolean",
            "int64": "int64" if bigquery else "bigint", "float64": "float64" if bigquery else "double",
        }  # fmt: skip
        with self._given.session(write=True) as session:
            for name, shape in STATE.items():
                columns = ", ".join(f"{column} {types[kind]}" for column, kind in shape.items())
                session.execute(
                    f"create table if not exists {getattr(self.tables, name)} ({columns})"
                )
        return self._given

    def table(self, rows: Sequence[Mapping[str, Any]] | str) -> None:
        """Replace the activation table: rows of profile_id and whatever else."""
        assert not isinstance(rows, str)
        string = self.warehouse.dialect.string
        names = ("profile_id", "email", "withheld_reason", "row_hash")
        found: dict[str, list[str | None]] = {name: [] for name in names}
        for row in rows:
            email = row.get("email", f"{row['profile_id']}@example.com")
            values = (row["profile_id"], email, None, hashlib.md5(email.encode()).hexdigest())
            for name, value in zip(names, values, strict=True):
                found[name].append(value)
        columns = ", ".join(f"{name} {string}" for name in names)
        with self.warehouse.session(write=True) as session:
            session.execute(f"create or replace table {self.relation} ({columns})")
            session.append(
                self.relation, pa.table({k: pa.array(v, pa.string()) for k, v in found.items()})
            )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.warehouse.session() as session:
            return [tuple(row.values()) for row in session.rows(query)]

    def ledger(self) -> dict[str, Mapping[str, str]]:
        """What the destination is known to hold: key -> the identifiers that were sent."""
        rows = self.rows(f"select sync_key, identifiers from {self.tables.ledger}")
        return {key: json.loads(identifiers) for key, identifiers in rows}

    def sent(self) -> dict[str, list[str]]:
        """Keys by verb, in order of sending; forgotten once told."""
        found: dict[str, list[str]] = {}
        for verb, keys in self.destination.calls:
            found.setdefault(verb, []).extend(keys)
        self.destination.calls.clear()
        return found


def received_file(folder: Path) -> Path:
    """Where a push that is killed leaves what its destination took."""
    return folder / "received"


def push_and_die(name: str, folder: Path, schema: str) -> None:
    """Push, and be killed."""
    bench = WarehouseBench(folder, open_warehouse(target_of(name, folder), notify=print), schema)

    def die(number: int, records: Sequence[Record]) -> None:
        with received_file(folder).open("a") as file:
            file.writelines(f"{record.key}\n" for record in records)
        if number == KILLED_AT_BATCH:
            os.kill(os.getpid(), signal.SIGKILL)

    bench.destination.fault_after = die
    bench.push()


if __name__ == "__main__":
    push_and_die(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
