"""From a plan's Arrow batches to records, and to batches no larger than the destination takes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from sync.config.models import SyncDefinition
from sync.engine.plan import membership, planner
from sync.engine.plan.edge import JSON_TEXT
from sync.engine.plan.merged import INTO
from sync.records import Action, Mode, Record

if TYPE_CHECKING:
    from sync.arrow import pa

_ESCAPED = r'["\\\x00-\x1f]'  # what JSON writes otherwise than it is
_quoted = json.encoder.encode_basestring

# Idempotency keys are the same for the same sync and key for ever: never change this.
_NAMESPACE = uuid.UUID("6f8f4c1e-6f0a-5f0b-9d5c-0d6f6f1f4a11")


@dataclass(slots=True)
class PlannedRow:
    """A record with what the ledger will say of it once it is accepted."""

    action: str
    record: Record
    row_hash: str | None
    sent: str | None  # the identifiers the ledger will say were sent, as JSON text
    weight: int = 0  # bytes as JSON, never underestimated by much
    stays: bool = False  # a removal that asks nothing: others keep all that it would take out


def idempotency_key(sync_name: str, key: str) -> str:
    """A UUID that names one event of one sync."""
    return str(uuid.uuid5(_NAMESPACE, f"{sync_name}\x1f{key}"))


class RowReader:
    """Makes records of a plan's rows."""

    def __init__(
        self,
        definition: SyncDefinition,
        mapping: planner.Mapping,
        *,
        weigh: bool = False,
        members: membership.Sets = (),
        by_id: bool = False,
        null_fields: frozenset[str] = frozenset(),
    ) -> None:
        """`null_fields` are sent as null whatever the sync says.

        `weigh` says that batches are limited by bytes too; `members` which sets of identifiers are members each; `by_id` that who has
        other identifiers is written by the id that the vendor gave, or made one with who had them.
        """
        self._weigh = weigh
        self._members = members
        self._by_id = by_id
        self._names = 64 + sum(len(name) + 8 for name in (*mapping.identifiers, *mapping.fields))
        self._name = definition.sync_id
        self._with_key = definition.mode is Mode.EVENT
        self._held_identifiers = definition.mode is not Mode.REMOVE
        places = mapping.field_places
        self._identifiers = list(mapping.identifier_places.items())
        self._fields = [(vendor, places[column]) for vendor, column in mapping.fields.items()]
        self._sent_nulls = frozenset(
            vendor
            for vendor in mapping.fields
            if definition.nulls.sends(vendor) or vendor in null_fields
        )

    def read(self, batches: Iterable[pa.RecordBatch]) -> Iterator[list[PlannedRow]]:
        """The rows of each of `batches`."""
        for batch in batches:
            yield self._rows(batch)

    def read_outdated(self, batches: Iterable[pa.RecordBatch]) -> Iterator[list[PlannedRow]]:
        """Removals of the identifiers that rows had and have no more, and that nobody else keeps."""
        for batch in batches:
            columns = batch.select(
                ["sync_key", "held_identifiers", "remote_id", "leaving", "shared"]
            ).to_pydict()
            rows = []
            for key, text, remote_id, leaving, shared in zip(*columns.values(), strict=True):
                held = json.loads(text)
                names = membership.outdated(held, leaving - shared, self._members)
                record = Record(key, names, {}, remote_id)
                rows.append(PlannedRow(Action.OUTDATED, record, None, text, len(text)))
            yield rows

    def read_held(self, batches: Iterable[pa.RecordBatch]) -> Iterator[list[PlannedRow]]:
        """Rows as the ledger has them."""
        for batch in batches:
            columns = batch.select(["sync_key", "held_identifiers", "remote_id"]).to_pydict()
            yield [
                PlannedRow(Action.ATTEMPT, Record(key, json.loads(text), {}, remote_id), None, text)
                for key, text, remote_id in zip(*columns.values(), strict=True)
            ]

    def _rows(self, batch: pa.RecordBatch) -> list[PlannedRow]:
        columns = {kind.name: _values(batch, i) for i, kind in enumerate(batch.schema)}
        actions, keys = columns["action"], columns["sync_key"]
        removing = bool(actions) and actions[0] == Action.REMOVE  # a spool has one kind
        fields: Iterable[dict[str, Any]]
        if removing and self._held_identifiers:
            sent = columns["held_identifiers"]
            known = [json.loads(text) if text else {} for text in sent]
        else:
            sent = json_texts(batch, self._identifiers)
            named = [(name, columns[place]) for name, place in self._identifiers]
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
        rows = list(map(PlannedRow, actions, records, columns["row_hash"], sent, weights))
        assert len(rows) == batch.num_rows  # noqa: S101 - `map` ends with the shortest
        if removing and any(columns.get("shared", ())):
            self._keep_shared(rows, columns)
        if removing and any(columns.get("into_key", ())):
            self._name_who_stays(rows, columns)
        if self._by_id and not removing:
            for row, held in zip(rows, columns["held_identifiers"], strict=True):
                if _differ(held, row):
                    row.record = replace(
                        row.record,
                        has_new_address=row.record.remote_id is not None,
                        formers=_formers(held),
                    )
        return rows

    def _name_who_stays(self, rows: list[PlannedRow], columns: dict[str, list[Any]]) -> None:
        """Who was merged into whom, as the destination last took that row."""
        told = zip(*(columns[name] for name in INTO), strict=True)
        for row, (key, text, remote_id) in zip(rows, told, strict=True):
            if key is not None:
                into = Record(key, json.loads(text) if text else {}, {}, remote_id)
                row.record = replace(row.record, into=into)

    def _keep_shared(self, rows: list[PlannedRow], columns: dict[str, list[Any]]) -> None:
        """Who leaves takes nobody along: an identifier that somebody else keeps is not named."""
        for row, leaving, shared in zip(rows, columns["leaving"], columns["shared"], strict=True):
            if shared:
                left = membership.without_shared(row.record.identifiers, shared, self._members)
                row.record = replace(row.record, identifiers=left)
                row.stays = leaving == shared


def _formers(held: str | None) -> tuple[dict[str, str], ...]:
    """The identifiers that a row was last taken with; a list are those that it may be there with."""
    found = json.loads(held) if held else []
    return tuple(found) if isinstance(found, list) else (found,)


def _differ(held: str | None, row: PlannedRow) -> bool:
    """Whether a row has other identifiers than it was last taken with, or nobody knows with which."""
    return held is None or (held != row.sent and json.loads(held) != row.record.identifiers)


def apart(
    read: Callable[[], Iterator[list[PlannedRow]]], first: Callable[[Record], bool]
) -> list[Iterator[list[PlannedRow]]]:
    """Those rows that go first, and the others: `read` gives all of them, and is called for each."""

    def chosen(wanted: bool) -> Iterator[list[PlannedRow]]:
        for chunk in read():
            yield [row for row in chunk if first(row.record) is wanted]

    return [chosen(True), chosen(False)]


def _values(batch: pa.RecordBatch, index: int) -> list[Any]:
    values: list[Any] = batch.column(index).to_pylist()
    if batch.schema.field(index).metadata == JSON_TEXT:
        return [None if text is None else json.loads(text) for text in values]
    return values


def json_texts(batch: pa.RecordBatch, named: Sequence[tuple[str, str]]) -> list[str | None]:
    """Per row the values of `named` (name, column) as one JSON object, names sorted, nulls left out; None without any."""
    from sync.arrow import pa, pc

    if not named:
        return [None] * batch.num_rows
    members = []
    for name, place in sorted(named):
        column = batch.column(place)
        if pc.any(pc.match_substring_regex(column, _ESCAPED)).as_py():
            values = [None if value is None else _quoted(value) for value in column.to_pylist()]
            column = pa.array(values, pa.string())
        else:
            column = pc.binary_join_element_wise('"', column, '"', "")
        member = pc.binary_join_element_wise(f", {_quoted(name)}: ", column, "")
        members.append(pc.fill_null(member, ""))
    # Not `null_handling="skip"`: pyarrow 26 leaves out rows that are all null.
    joined = pc.binary_join_element_wise(*members, "").to_pylist()
    return [f"{{{text[2:]}}}" if text else None for text in joined]


def _mappings(
    count: int, named: list[tuple[str, list[Any]]], sent_nulls: frozenset[str]
) -> list[dict[str, Any]]:
    """Per row the values by name; a null is left out unless its name is in `sent_nulls`."""
    if not named:
        return [{} for _ in range(count)]
    names = [name for name, _ in named]
    if len(named) == 1 and None not in named[0][1]:
        (name,) = names
        return [{name: value} for value in named[0][1]]
    rows = zip(*(column for _, column in named), strict=True)
    if not any(None in column for name, column in named if name not in sent_nulls):
        return list(map(dict, map(zip, repeat(names), rows)))  # half the time of a comprehension
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
        """The rows as a destination takes them."""
        return [row.record for row in self.rows]


def batched(
    chunks: Iterable[list[PlannedRow]],
    *,
    action: str,
    max_rows: int,
    max_bytes: int | None,
    numbers: Iterator[int],
) -> Iterator[Batch]:
    """Batches of at most `max_rows` rows and about `max_bytes` bytes of JSON, numbered as `numbers` says."""
    held, size = list[PlannedRow](), 0
    for chunk in chunks:
        for row in chunk:
            weight = row.weight
            if max_bytes and weight > max_bytes:
                yield Batch(next(numbers), action, [row], too_large=True)
                continue
            if len(held) >= max_rows or (max_bytes and held and size + weight > max_bytes):
                yield Batch(next(numbers), action, held)
                held, size = [], 0
            held.append(row)
            size += weight
    if held:
        yield Batch(next(numbers), action, held)


@dataclass(frozen=True, slots=True)
class Phase:
    """Batches that begin when those before them have been answered; of a canary, they decide whether any follow."""

    batches: Iterator[Batch]
    removes: bool
    is_canary: bool = False


def parted(
    chunks: Iterable[list[PlannedRow]], rows: int
) -> tuple[list[list[PlannedRow]], Iterator[list[PlannedRow]]]:
    """The first `rows` rows, and the others."""
    others, first, left = iter(chunks), list[list[PlannedRow]](), rows
    rest: list[list[PlannedRow]] = []
    while left > 0 and (chunk := next(others, None)) is not None:
        first.append(chunk[:left])
        rest = [chunk[left:]] if len(chunk) > left else []
        left -= len(first[-1])
    return first, chain(rest, others)


def _weights(batch: pa.RecordBatch, names: int) -> list[int]:
    """About how many bytes each row is as JSON: text counts with its escapes, a number for 24, `names` for what names them."""
    from sync.arrow import pa, pc

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
