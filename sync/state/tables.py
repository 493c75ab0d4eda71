"""The tables that hold what was sent, when and in which run: names from the manifest, shapes for appending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sync.arrow import pa
    from sync.config.manifest import Manifest

# Column -> Arrow type alias, in the order of macros/sync/create_sync_tables.sql, whose DDL is the only one. A `word` is one of a few
# texts, kept once: half of what an acknowledgement weighs would be words that all have.
SHAPES: dict[str, dict[str, str]] = {
    "acknowledgements": {
        "environment": "word",
        "sync_name": "word",
        "sync_key": "string",
        "action": "word",
        "row_hash": "string",
        "definition_hash": "word",
        "identifiers": "string",
        "remote_id": "string",
        "run_id": "word",
        "batch_number": "int64",
        "acknowledged_at": "timestamp",
    },
    "runs": {
        "environment": "string",
        "run_id": "string",
        "sync_name": "string",
        "command": "string",
        "mode": "string",
        "status": "string",
        "started_at": "timestamp",
        "finished_at": "timestamp",
        "added": "int64",
        "changed": "int64",
        "removed": "int64",
        "unchanged": "int64",
        "failed": "int64",
        "withheld": "int64",
        "message": "string",
    },
    "batches": {
        "environment": "string",
        "run_id": "string",
        "sync_name": "string",
        "batch_number": "int64",
        "action": "string",
        "row_count": "int64",
        "failed_count": "int64",
        "request_count": "int64",
        "seconds": "float64",
        "finished_at": "timestamp",
    },
    "failures": {
        "environment": "string",
        "run_id": "string",
        "sync_name": "string",
        "sync_key": "string",
        "action": "string",
        "status": "string",
        "message": "string",
        "payload_hash": "string",
        "attempts": "int64",
        "quarantined": "bool",
        "failed_at": "timestamp",
    },
    "withheld": {
        "environment": "string",
        "run_id": "string",
        "sync_name": "string",
        "reason": "string",
        "row_count": "int64",
    },
    "places": {
        "environment": "string",
        "sync_name": "string",
        "destination": "string",
        "place": "string",
        "account": "string",
        "object": "string",
        "key_columns": "string",
        "connection": "string",
        "seen_at": "timestamp",
    },
    "identity_answers": {
        "entity": "string",
        "action": "string",
        "left_key": "string",
        "right_key": "string",
        "author": "string",
        "reason": "string",
        "answered_at": "timestamp",
    },
    "erasure_requests": {
        "environment": "string",
        "request_id": "string",
        "identifier_type": "string",
        "identifier_value_sha256": "string",
        "requested_at": "timestamp",
        "salt": "string",
        "scope": "string",
    },
    "erasure_tasks": {
        "environment": "string",
        "task_id": "string",
        "request_id": "string",
        "destination": "string",
        "account": "string",
        "object_kind": "string",
        "object_name": "string",
        "sync_name": "string",
        "sync_key": "string",
        "identifiers": "string",
        "remote_id": "string",
        "status": "string",
        "detail": "string",
        "job": "string",
        "attempts": "int64",
        "made_at": "timestamp",
        "asked_at": "timestamp",
        "answered_at": "timestamp",
    },
    "campaigns": {
        "environment": "string",
        "destination": "string",
        "campaign_id": "string",
        "campaign_name": "string",
        "channel": "string",
        "status": "string",
        "started_at": "timestamp",
        "raw": "string",
        "pulled_at": "timestamp",
    },
    "campaign_events": {
        "environment": "string",
        "destination": "string",
        "event_id": "string",
        "campaign_id": "string",
        "kind": "string",
        "recipient_type": "string",
        "recipient": "string",
        "touchpoint_id": "string",
        "occurred_at": "timestamp",
        "raw": "string",
        "pulled_at": "timestamp",
        "channel": "string",
    },
    "campaign_daily": {
        "environment": "string",
        "destination": "string",
        "campaign_id": "string",
        "date": "date32",
        "spend": "float64",
        "currency": "string",
        "impressions": "int64",
        "clicks": "int64",
        "conversions": "float64",
        "raw": "string",
        "pulled_at": "timestamp",
    },
}


@dataclass(frozen=True, slots=True)
class ResultTables:
    """Relation names of the raw source that `pull` fills."""

    campaigns: str
    campaign_events: str
    campaign_daily: str

    @classmethod
    def of(cls, manifest: Manifest) -> ResultTables:
        """Found among the manifest's sources.

        Raises:
            ConfigError: the project does not declare them.
        """
        return cls(**{name: manifest.source("campaigns", name) for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class Tables:
    """Relation names of everything `sync` writes, as dbt quotes them."""

    ledger: str
    acknowledgements: str
    intents: str
    runs: str
    batches: str
    failures: str
    withheld: str
    places: str
    leases: str
    dbt_failures: str
    cursors: str
    identity_answers: str
    erasure_requests: str
    erasure_tasks: str

    @classmethod
    def of(cls, manifest: Manifest) -> Tables:
        """Found among the manifest's sources.

        Raises:
            ConfigError: the project does not declare them.
        """
        return cls(**{name: manifest.source("sync", name) for name in cls.__slots__})


def arrow_table(shape: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """`rows` as Arrow with the types of table `shape`; a column that no row has is null."""
    columns = {name: [row.get(name) for row in rows] for name in SHAPES[shape]}
    return arrow_columns(shape, columns)


def arrow_columns(shape: str, columns: Mapping[str, Any]) -> pa.Table:
    """Columns as Arrow with the types of table `shape`; a value that is no list or tuple is that of every row."""
    from sync.arrow import pa

    count = next((len(column) for column in columns.values() if _is_many(column)), 1)
    return pa.table(
        {name: arrow_column(shape, name, columns[name], count) for name in SHAPES[shape]}
    )


def arrow_column(shape: str, name: str, column: Any, count: int) -> pa.Array:
    """One column of table `shape`; a value that is no list or tuple is that of all `count` rows."""
    from sync.arrow import pa

    alias = SHAPES[shape][name]
    if _is_many(column):
        return pa.array(column, type=_arrow_type(alias))
    return _constant(alias, column, count)


@lru_cache(maxsize=32, typed=True)  # most columns of a batch are those of the batch before
def _constant(alias: str, value: Any, count: int) -> pa.Array:
    from sync.arrow import pa

    return pa.repeat(pa.array([value], type=_arrow_type(alias))[0], count)


@cache
def _arrow_type(alias: str) -> pa.DataType:
    from sync.arrow import pa

    return {
        "word": pa.dictionary(pa.int8(), pa.string()),
        "string": pa.string(),
        "int64": pa.int64(),
        "float64": pa.float64(),
        "bool": pa.bool_(),
        "timestamp": pa.timestamp("us"),
        "date32": pa.date32(),
    }[alias]


def _is_many(column: object) -> bool:
    return isinstance(column, list | tuple)
