"""Results back from a destination: read from a cursor with a look-back, merged by natural key, three shapes for every vendor."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from sync.destinations.base import PullsResults
from sync.engine.connect import Connector
from sync.engine.context import Watcher
from sync.engine.retry import Retrier, RetryPolicy
from sync.engine.scrub import scrub
from sync.errors import HeadwaterError, UnexpectedError
from sync.records import (
    EVENT_KINDS,
    OTHER,
    Campaign,
    CampaignDay,
    CampaignEvent,
    Result,
    SyncObject,
)
from sync.state.cursors import Cursors
from sync.state.runs import PULL_OF, RunLog
from sync.state.tables import ResultTables, Tables, arrow_table
from sync.warehouses.base import Warehouse, now_utc

LOOK_BACK_DAYS = 3.0  # vendors restate opens and spend for days
FIRST_DAYS = 90.0
CHUNK_ROWS = 10_000
_SHAPES: dict[type, tuple[str, tuple[str, ...]]] = {
    Campaign: ("campaigns", ("campaign_id",)),
    CampaignEvent: ("campaign_events", ("event_id",)),
    CampaignDay: ("campaign_daily", ("campaign_id", "date")),
}


@dataclass(slots=True)
class PullResult:
    """What one destination gave."""

    destination: str
    status: str = "success"
    campaigns: int = 0
    events: int = 0
    days: int = 0
    other: dict[str, int] = field(
        default_factory=dict
    )  # events of kinds nothing counts, by their name
    since: dt.datetime | None = None
    seconds: float = 0.0
    error: HeadwaterError | None = None

    @property
    def note(self) -> str | None:
        """What a person should know of a pull that succeeded."""
        if not self.other:
            return None
        listed = ", ".join(f"{name} {count:,}" for name, count in sorted(self.other.items()))
        return f"{sum(self.other.values()):,} events are kept and counted by nothing: {listed}."

    @property
    def rows(self) -> int:
        return self.campaigns + self.events + self.days


@dataclass(slots=True)
class PullContext:
    """What all destinations of a run share."""

    warehouse: Warehouse
    tables: Tables
    results: ResultTables
    connector: Connector
    environment: str
    run_id: str
    look_back_days: float = LOOK_BACK_DAYS
    since: dt.datetime | None = None  # --since: instead of the cursor
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    stop: threading.Event = field(default_factory=threading.Event)
    watcher: Watcher = field(default_factory=Watcher)


class Puller:
    """Pulls one destination."""

    def __init__(self, context: PullContext, name: str, target: SyncObject) -> None:
        self._context = context
        self._name = name
        self._target = target
        dialect = context.warehouse.dialect
        self._cursors = Cursors(context.tables, dialect, environment=context.environment)
        self._log = RunLog(
            context.tables,
            dialect,
            environment=context.environment,
            sync_name=f"{PULL_OF}{name}",
            run_id=context.run_id,
        )
        self._result = PullResult(name)

    def pull(self) -> PullResult:
        """Pull; whatever goes wrong is in the result. What was merged before an error stays: the next pull merges over it."""
        self._context.warehouse.heed(self._context.stop)
        began, started_at, result = time.monotonic(), now_utc(), self._result
        try:
            self._pull(started_at)
        except HeadwaterError as error:
            result.status, result.error = "failed", error
        except Exception as error:
            self._context.watcher.bug(error)
            result.status = "failed"
            result.error = UnexpectedError.of(f"{PULL_OF}{self._name}", error)
        result.seconds = time.monotonic() - began
        self._record(started_at)
        return result

    def _pull(self, started_at: dt.datetime) -> None:
        connection = self._context.connector.connect(self._name, self._target)
        destination = connection.destination
        assert isinstance(destination, PullsResults)  # noqa: S101 - the declaration says so
        with self._context.warehouse.session() as session:
            cursor = self._cursors.read(session, self._name)
        due = self._due(cursor, started_at)
        since = self._context.since or due
        self._result.since = since
        retrier = Retrier(self._context.policy, self._context.stop)

        def read() -> None:
            # From the start again after an error: merging twice is merging once.
            self._result.campaigns = self._result.events = self._result.days = 0
            self._result.other = {}
            for chunk in _chunks(destination.pull(since)):
                self._merge(chunk)

        retrier.call(read)
        # What began after the cursor leaves a gap, which the next pull has to read.
        if since <= (cursor or due):
            with self._context.warehouse.session(write=True) as session:
                session.execute(*self._cursors.moved(self._name, started_at, now_utc()))

    def _due(self, cursor: dt.datetime | None, now: dt.datetime) -> dt.datetime:
        """Where a pull begins that is told nothing else."""
        if cursor is None:
            return now - dt.timedelta(days=FIRST_DAYS)
        return cursor - dt.timedelta(days=self._context.look_back_days)

    def _merge(self, chunk: list[Result]) -> None:
        """Merge some results; of two with the same key the later one counts."""
        pulled_at, others = now_utc(), dict[str, str]()
        with self._context.warehouse.session(write=True) as session:
            for kind, (shape, key) in _SHAPES.items():
                unique: dict[tuple[Any, ...], dict[str, Any]] = {}
                for result in chunk:
                    if type(result) is kind:
                        row = self._row(result, pulled_at)
                        unique[tuple(row[name] for name in key)] = row
                        if isinstance(result, CampaignEvent) and result.kind not in EVENT_KINDS:
                            others[row["event_id"]] = scrub(result.kind)
                if unique:
                    session.merge(
                        getattr(self._context.results, shape),
                        arrow_table(shape, list(unique.values())),
                        keys=("environment", "destination", *key),
                    )
                self._count(kind, len(unique))

        for name, count in Counter(others.values()).items():
            self._result.other[name] = self._result.other.get(name, 0) + count

    def _row(self, result: Result, pulled_at: dt.datetime) -> dict[str, Any]:
        row = {item.name: getattr(result, item.name) for item in fields(result)}
        if isinstance(result, CampaignEvent) and result.kind not in EVENT_KINDS:
            row["kind"] = OTHER
        for name, value in row.items():
            if isinstance(value, dt.datetime):
                row[name] = _naive(value)
        if not isinstance(row["raw"], str):
            row["raw"] = json.dumps(row["raw"], ensure_ascii=False, default=str)
        return row | {
            "environment": self._context.environment,
            "destination": self._name,
            "pulled_at": pulled_at,
        }

    def _count(self, kind: type, count: int) -> None:
        if kind is Campaign:
            self._result.campaigns += count
        elif kind is CampaignEvent:
            self._result.events += count
        else:
            self._result.days += count

    def _record(self, started_at: dt.datetime) -> None:
        result = self._result
        try:
            with self._context.warehouse.session(write=True) as session:
                self._log.record(
                    session,
                    command="pull",
                    mode="pull",
                    started_at=started_at,
                    finished_at=now_utc(),
                    status=result.status,
                    message=result.error.message if result.error else result.note,
                    counts={"added": result.rows},
                )
        except HeadwaterError as error:
            result.error = result.error or error
            result.status = "failed"


def _chunks(results: Iterator[Result]) -> Iterator[list[Result]]:
    chunk: list[Result] = []
    for result in results:
        chunk.append(result)
        if len(chunk) >= CHUNK_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _naive(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment
