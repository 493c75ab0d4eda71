"""From a plan's Arrow batches to records, and to batches no larger than the destination takes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sync.config.models import SyncDefinition
from sync.engine.planner import Mapping
from sync.records import Mode, Record

if TYPE_CHECKING:
    import pyarrow as pa

# Idempotency keys are the same for the same sync and key for ever: never change this.
_NAMESPACE = uuid.UUID("6f8f4c1e-6f0a-5f0b-9d5c-0d6f6f1f4a11")


@dataclass(slots=True)
class PlannedRow:
    """A record with what the ledger will say of it once it is accepted."""

    action: str
    record: Record
    row_hash: str | None


def idempotency_key(sync_name: str, key: str) -> str:
    """A UUID that names one event of one sync."""
    return str(uuid.uuid5(_NAMESPACE, f"{sync_name}\x1f{key}"))


class RowReader:
    """Makes records of a plan's rows."""

    def __init__(self, definition: SyncDefinition, mapping: Mapping) -> None:
        self._name = definition.name
        self._with_key = definition.mode is Mode.EVENT
        self._held_identifiers = definition.mode is not Mode.REMOVE
        places = {column: f"m_{number}" for number, column in enumerate(mapping.columns)}
        self._identifiers = [(name, places[name]) for name in mapping.identifiers]
        self._fields = [
            (vendor, places[column], definition.nulls.sends(vendor))
            for vendor, column in mapping.fields.items()
        ]

    def read(self, batches: Iterable[pa.RecordBatch]) -> Iterator[PlannedRow]:
        """Every row of `batches`."""
        for batch in batches:
            yield from self._rows(batch)

    def _rows(self, batch: pa.RecordBatch) -> Iterator[PlannedRow]:
        columns = {name: batch.column(i).to_pylist() for i, name in enumerate(batch.schema.names)}
        identifiers = [(name, columns[place]) for name, place in self._identifiers]
        fields = [(name, columns[place], send) for name, place, send in self._fields]
        actions, keys, hashes = columns["action"], columns["sync_key"], columns["row_hash"]
        remote_ids, held = columns["remote_id"], columns["held_identifiers"]
        name, with_key = self._name, self._with_key
        for index, action in enumerate(actions):
            key = keys[index]
            known: dict[str, str] = {}
            values: dict[str, Any] = {}
            if action == "remove" and self._held_identifiers:
                known = json.loads(held[index]) if held[index] else {}
            else:
                for identifier, column in identifiers:
                    value = column[index]
                    if value is not None:
                        known[identifier] = value if type(value) is str else str(value)
                if action != "remove":
                    for vendor, column, send in fields:
                        value = column[index]
                        if value is not None or send:
                            values[vendor] = value
            record = Record(
                key,
                known,
                values,
                remote_ids[index],
                idempotency_key(name, key) if with_key else None,
            )
            yield PlannedRow(action, record, hashes[index])


@dataclass(slots=True)
class Batch:
    """Rows for one request, in one direction. `number` is unique in a run."""

    number: int
    action: str
    rows: list[PlannedRow]
    too_large: bool = False  # one row that is larger than any request may be

    @property
    def records(self) -> list[Record]:
        return [row.record for row in self.rows]


def batched(
    rows: Iterable[PlannedRow], *, action: str, max_rows: int, max_bytes: int | None, first: int
) -> Iterator[Batch]:
    """Batches of at most `max_rows` rows and about `max_bytes` bytes of JSON, numbered from `first`."""
    held: list[PlannedRow] = []
    number, size = first, 0
    for row in rows:
        weight = _weight(row.record) if max_bytes else 0
        if max_bytes and weight > max_bytes:
            yield Batch(number, action, [row], too_large=True)
            number += 1
            continue
        if held and (len(held) >= max_rows or (max_bytes and size + weight > max_bytes)):
            yield Batch(number, action, held)
            number, held, size = number + 1, [], 0
        held.append(row)
        size += weight
    if held:
        yield Batch(number, action, held)


def _weight(record: Record) -> int:
    content = [record.key, dict(record.identifiers), dict(record.fields)]
    return len(json.dumps(content, default=str, ensure_ascii=False).encode("utf-8"))
