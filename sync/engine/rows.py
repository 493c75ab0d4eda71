"""From a plan's Arrow batches to records, and to batches no larger than the destination takes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
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
    weight: int = 0  # bytes as JSON, never underestimated by much


def idempotency_key(sync_name: str, key: str) -> str:
    """A UUID that names one event of one sync."""
    return str(uuid.uuid5(_NAMESPACE, f"{sync_name}\x1f{key}"))


class RowReader:
    """Makes records of a plan's rows."""

    def __init__(
        self, definition: SyncDefinition, mapping: Mapping, *, weigh: bool = False
    ) -> None:
        """`weigh` says that batches are limited by bytes too."""
        self._weigh = weigh
        self._names = 64 + sum(len(name) + 8 for name in (*mapping.identifiers, *mapping.fields))
        self._name = definition.name
        self._with_key = definition.mode is Mode.EVENT
        self._held_identifiers = definition.mode is not Mode.REMOVE
        places = {column: f"m_{number}" for number, column in enumerate(mapping.columns)}
        self._identifiers = [(name, places[name]) for name in mapping.identifiers]
        self._fields = [(vendor, places[column]) for vendor, column in mapping.fields.items()]
        self._sent_nulls = frozenset(
            vendor for vendor in mapping.fields if definition.nulls.sends(vendor)
        )

    def read(self, batches: Iterable[pa.RecordBatch]) -> Iterator[list[PlannedRow]]:
        """The rows of each of `batches`."""
        for batch in batches:
            yield self._rows(batch)

    def _rows(self, batch: pa.RecordBatch) -> list[PlannedRow]:
        columns = {name: batch.column(i).to_pylist() for i, name in enumerate(batch.schema.names)}
        actions, keys = columns["action"], columns["sync_key"]
        removing = bool(actions) and actions[0] == "remove"  # a spool has one kind
        fields: Iterable[dict[str, Any]]
        if removing and self._held_identifiers:
            known = [json.loads(text) if text else {} for text in columns["held_identifiers"]]
        else:
            named = [(name, _texts(columns[place])) for name, place in self._identifiers]
            known = _mappings(len(keys), named, frozenset())
        if removing:
            fields = [{} for _ in keys]
        else:
            named = [(vendor, columns[place]) for vendor, place in self._fields]
            fields = _mappings(len(keys), named, self._sent_nulls)
        once = (
            [idempotency_key(self._name, key) for key in keys] if self._with_key else repeat(None)
        )
        records = map(Record, keys, known, fields, columns["remote_id"], once)
        weights = _weights(batch, self._names) if self._weigh else repeat(0)
        return list(map(PlannedRow, actions, records, columns["row_hash"], weights))


def _texts(column: list[Any]) -> list[str | None]:
    return [value if value is None or type(value) is str else str(value) for value in column]


def _mappings(
    count: int, named: list[tuple[str, list[Any]]], sent_nulls: frozenset[str]
) -> list[dict[str, Any]]:
    """Per row the values by name; a null is left out unless its name is in `sent_nulls`."""
    if not named:
        return [{} for _ in range(count)]
    names = [name for name, _ in named]
    rows = zip(*(column for _, column in named), strict=True)
    if not any(None in column for name, column in named if name not in sent_nulls):
        return [dict(zip(names, row, strict=True)) for row in rows]
    return [
        {
            name: value
            for name, value in zip(names, row, strict=True)
            if value is not None or name in sent_nulls
        }
        for row in rows
    ]


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
    chunks: Iterable[list[PlannedRow]], *, action: str, max_rows: int, max_bytes: int | None,
    first: int,
) -> Iterator[Batch]:  # fmt: skip
    """Batches of at most `max_rows` rows and about `max_bytes` bytes of JSON, numbered from `first`."""
    number, held, size = first, list[PlannedRow](), 0
    for chunk in chunks:
        for row in chunk:
            weight = row.weight
            if max_bytes and weight > max_bytes:
                yield Batch(number, action, [row], too_large=True)
                number += 1
                continue
            if len(held) >= max_rows or (max_bytes and held and size + weight > max_bytes):
                yield Batch(number, action, held)
                number, held, size = number + 1, [], 0
            held.append(row)
            size += weight
    if held:
        yield Batch(number, action, held)


def _weights(batch: pa.RecordBatch, names: int) -> list[int]:
    """About how many bytes each row is as JSON: text counts with its escapes, a number for 24, `names` for what names them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    constant = names
    texts = []
    for index, kind in enumerate(batch.schema):
        if kind.name.startswith("m_") and not pa.types.is_string(kind.type):
            constant += 24
        elif kind.name.startswith("m_") or kind.name in ("sync_key", "held_identifiers"):
            column = batch.column(index)
            size, length = pc.binary_length(column), pc.utf8_length(column)
            # A character of n bytes is an escape of at most 5n - 4 bytes.
            texts.append(pc.fill_null(pc.subtract(pc.multiply(size, 5), pc.multiply(length, 4)), 0))
    total = texts[0]
    for weight in texts[1:]:
        total = pc.add(total, weight)
    weights: list[int] = pc.add(total, constant).to_pylist()
    return weights
