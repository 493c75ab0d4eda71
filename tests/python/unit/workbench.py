"""A warehouse with one activation table, and a destination in memory: everything a push needs, without dbt or HTTP."""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import duckdb

from sync.config.models import ConsentTables, Model, SyncDefinition
from sync.destinations.base import Declaration, Delivery, ObjectType, PartialFailure, RateLimit
from sync.engine.account import located_for_plan
from sync.engine.connect import Connection
from sync.engine.context import PushContext, PushOptions, SyncResult, Watcher
from sync.engine.limits import Limits
from sync.engine.migrate import Migration
from sync.engine.plan.gates import RunResults
from sync.engine.plan.plan import Plan, Planning, plan_sync
from sync.engine.push.pusher import Pusher
from sync.engine.retry import RetryPolicy
from sync.engine.run import push_all
from sync.records import Accepted, BatchResult, JobStatus, Mode, Record, RowError, SyncObject
from sync.state.places import Places
from sync.state.tables import SHAPES, Tables
from sync.warehouses.base import Warehouse
from sync.warehouses.duckdb import DuckDBWarehouse

TYPES = {
    "word": "varchar",
    "string": "varchar", "int64": "bigint", "float64": "double", "bool": "boolean",
    "timestamp": "timestamp", "date32": "date",
}  # fmt: skip
LEDGER = (
    "environment varchar, sync_name varchar, sync_key varchar, row_hash varchar, "
    "definition_hash varchar, identifiers varchar, remote_id varchar, run_id varchar, "
    "acknowledged_at timestamp"
)
INTENTS = (
    "environment varchar, sync_name varchar, run_id varchar, sync_key varchar, definition_hash varchar, "
    "identifiers varchar, outdated_identifiers varchar, remote_id varchar"
)
TABLES = Tables(**{name: f"analytics_sync.{name}" for name in Tables.__slots__})
ALL_MODES = frozenset(Mode)
QUICK = RetryPolicy(
    attempts=3, base_seconds=0.001, max_seconds=0.002, poll_seconds=0.001, settle_seconds=0
)


def object_type(**changes: Any) -> ObjectType:
    settings: dict[str, Any] = {
        "modes": ALL_MODES, "batch_rows": 3, "identifiers": frozenset({"email", "phone"}),
        "member": "row", "rate_group": "default",
    }  # fmt: skip
    return ObjectType(**(settings | changes))


@cache
def _empty() -> bytes:
    """A file with sync's tables and nothing in them: made once, for it takes a tenth of a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute("create schema analytics_sync")
            connection.execute(f"create table analytics_sync.ledger ({LEDGER})")
            connection.execute(f"create table analytics_sync.intents ({INTENTS})")
            connection.execute(
                "create table analytics_sync.leases "
                "(environment varchar, sync_name varchar, owner varchar, expires_at timestamp)"
            )
            connection.execute(
                "create table analytics_sync.cursors (environment varchar, destination varchar, "
                "cursor_at timestamp, updated_at timestamp)"
            )
            connection.execute(
                "create table analytics_sync.dbt_failures "
                "(unique_id varchar, status varchar, failed_at timestamp)"
            )
            for name, shape in SHAPES.items():
                columns = ", ".join(f'"{column}" {TYPES[kind]}' for column, kind in shape.items())
                connection.execute(f"create table analytics_sync.{name} ({columns})")
        return path.read_bytes()


class Killed(BaseException):
    """Stands for kill -9 within `Workbench.killable`: nothing is tidied up after it."""


class MemoryDestination:
    """Holds what it was sent. `fault(call_number, records)` may raise, or return rows to refuse."""

    declaration: ClassVar[Declaration] = Declaration(
        name="memory", title="Memory", api_version="1", objects={"list": object_type()},
        rate_limits={"default": RateLimit(requests=0, seconds=0, parallel=2)},
    )  # fmt: skip

    def __init__(self) -> None:
        self.members: dict[str, Record] = {}
        self.events: list[Record] = []
        self.calls: list[tuple[str, list[str]]] = []
        self.fault: Callable[[int, Sequence[Record]], Sequence[RowError] | None] | None = None
        self.fault_after: Callable[[int, Sequence[Record]], None] | None = None
        self.jobs: dict[str, list[JobStatus]] = {}
        self.job_rows: Callable[[Sequence[Record]], str | None] = lambda _: None
        self.credentials_error: Exception | None = None
        self.account_id = "main"
        self.lock = threading.Lock()
        self._staged: dict[str, Record] | None = None

    def account(self) -> str:
        return self.account_id

    def check(self) -> str:
        if self.credentials_error:
            raise self.credentials_error
        return "memory"

    def upsert(self, records: Sequence[Record]) -> BatchResult:
        def take(record: Record) -> None:
            self.members[record.key] = record

        return self._call("upsert", records, take)

    def remove(self, records: Sequence[Record]) -> BatchResult:
        return self._call("remove", records, lambda record: self.members.pop(record.key, None))

    def send(self, records: Sequence[Record]) -> BatchResult:
        return self._call("send", records, self.events.append)

    def begin(self, run_id: str, columns: Sequence[str]) -> None:
        self._staged = {}

    def write(self, records: Sequence[Record]) -> BatchResult:
        def take(record: Record) -> None:
            assert self._staged is not None
            self._staged[record.key] = record

        return self._call("write", records, take)

    def commit(self) -> None:
        assert self._staged is not None
        self.members, self._staged = self._staged, None

    def abort(self) -> None:
        self._staged = None

    def poll(self, job: str) -> JobStatus:
        return self.jobs[job].pop(0)

    def _call(
        self, name: str, records: Sequence[Record], take: Callable[[Record], Any]
    ) -> BatchResult:
        with self.lock:
            self.calls.append((name, [record.key for record in records]))
            number = len(self.calls)
            refused = (self.fault(number, records) if self.fault else None) or []
            keys = {error.key for error in refused}
            for record in records:
                if record.key not in keys:
                    take(record)
            if self.fault_after:
                self.fault_after(number, records)
            job = self.job_rows(records)
        good = [record.key for record in records if record.key not in keys]
        if job:
            return BatchResult(failed=tuple(refused), pending=tuple(good), job=job)
        return BatchResult(
            accepted=tuple(Accepted(key, f"r-{key}") for key in good), failed=tuple(refused)
        )


class MemoryConnector:
    """Gives out one destination in memory."""

    def __init__(self, destination: MemoryDestination, declaration: Declaration) -> None:
        self.destination = destination
        self._declaration = declaration
        self.limits = Limits()

    def declaration(self, name: str) -> Declaration:
        return self._declaration

    def connect(self, name: str, target: SyncObject) -> Connection:
        return Connection(self.destination, self._declaration, "credential", type="memory")


class Workbench:
    """One sync of table `sync_memory`, its warehouse and its destination."""

    tables = TABLES
    relation = "sync_memory"

    def __init__(
        self, folder: Path, hold: Callable[[Path], None] = lambda _: None, **definition: Any
    ) -> None:
        """`hold` is given the file once it is there."""
        self.path = folder / "workbench.duckdb"
        self._hold = hold
        self.notes: list[str] = []
        self.warehouse = self._open()
        settings: dict[str, Any] = {
            "name": "memory_people", "destination": "memory", "object": SyncObject("list", "People"),
            "mode": Mode.MIRROR, "key": ("profile_id",), "identifiers": ("email",),
            "model": Model("model.headwater.sync_memory", "sync_memory", self.relation, frozenset()),
            "path": "models/activation/_activation__exposures.yml",
        }  # fmt: skip
        self.definition = SyncDefinition(**(settings | definition))
        self.destination = MemoryDestination()
        self.declaration = MemoryDestination.declaration
        self.stop = threading.Event()
        self.options = PushOptions(policy=QUICK)
        self.watcher = Watcher()
        self.consent_tables = ConsentTables()
        self.results: str | None = None  # the table of what vendors told
        self.family = [self]  # whose definitions the project has
        self.run_results = RunResults(folder / "run_results.json")

    def _open(self) -> Warehouse:
        """The warehouse, with sync's tables in it."""
        if not self.path.exists():
            self.path.with_name(f"{self.path.name}.wal").unlink(missing_ok=True)
            self.path.write_bytes(_empty())
        self._hold(self.path)
        return DuckDBWarehouse(str(self.path), notify=self.notes.append)

    def declare(self, **changes: Any) -> None:
        """Change what the destination says of its list."""
        self.declaration = replace(self.declaration, objects={"list": object_type(**changes)})

    def table(self, rows: Sequence[Mapping[str, Any]] | str) -> None:
        """Replace the activation table: rows of profile_id and whatever else, or a query."""
        with duckdb.connect(str(self.path)) as connection:
            if isinstance(rows, str):
                connection.execute(f"create or replace table sync_memory as {rows}")
                return
            connection.execute("begin")  # one write of the log instead of one per row
            connection.execute(
                "create or replace table sync_memory (profile_id varchar, email varchar, "
                "score bigint, withheld_reason varchar, row_hash varchar)"
            )
            for row in rows:
                email = row.get("email", f"{row['profile_id']}@example.com")
                score = row.get("score", 1)
                connection.execute(
                    "insert into sync_memory values (?, ?, ?, ?, md5(?))",
                    [row["profile_id"], email, score, row.get("withheld_reason"),
                     f"{email}{score}"],
                )  # fmt: skip
            connection.execute("commit")

    def agreed(self, *ids: str, suppressed: Mapping[str, tuple[str, str]] | None = None) -> None:
        """Who agreed to e-mail marketing, and who is suppressed: id -> (channel, reason)."""
        self.consent_tables = ConsentTables("profile_consent", "profile_suppressions")
        with duckdb.connect(str(self.path)) as connection:
            connection.execute(
                "create or replace table profile_consent "
                "(profile_id varchar, channel varchar, purpose varchar, state varchar)"
            )
            connection.execute(
                "create or replace table profile_suppressions "
                "(profile_id varchar, channel varchar, reason varchar)"
            )
            for one in ids:
                connection.execute(
                    "insert into profile_consent values (?, 'email', 'marketing', 'opted_in')",
                    [one],
                )
            for one, (channel, reason) in (suppressed or {}).items():
                connection.execute(
                    "insert into profile_suppressions values (?, ?, ?)", [one, channel, reason]
                )

    def people(self, *ids: str, **columns: Any) -> None:
        """Replace the activation table by these people."""
        self.table([{"profile_id": one, **columns} for one in ids])

    def planning(self, environment: str | None = None) -> Planning:
        environment = environment or self.options.environment
        return Planning(
            warehouse=self.warehouse,
            tables=self.tables,
            environment=environment,
            places=Places(self.tables, self.warehouse.dialect, environment=environment),
            journal=self.path.parent / "journal",
            people=self.consent_tables,
            syncs=tuple(one.definition for one in self.family),
            results=self.results,
        )

    def plan(self, **options: Any) -> Plan:
        return self._planned(**options).plan

    def migrate(self, choice: str) -> str:
        """What `sync migrate` does once a person has chosen."""
        return self._planned().run(choice)

    def _planned(self, **options: Any) -> Migration:
        planning, connector = self.planning(), MemoryConnector(self.destination, self.declaration)
        planning.places.load(self.warehouse)
        with self.warehouse.session() as session:
            definition = located_for_plan(self.definition, connector, planning.places)
            planned = plan_sync(planning, session, definition, **options)
        planned.close()
        return Migration(planning, definition, planned.plan)

    def push(self, **options: Any) -> SyncResult:
        context = self.context(**options)
        return push_all(context, [self.definition])[0]

    @contextmanager
    def killable(self) -> Iterator[None]:
        """Within, what raises `Killed` leaves the run and its lease as a process does that is no more."""
        record_end = Pusher._record_end

        def unless_killed(pusher: Pusher) -> None:
            if not isinstance(sys.exc_info()[1], Killed):
                record_end(pusher)

        with patch.object(Pusher, "_record_end", unless_killed):
            try:
                yield
            finally:
                self.stop.clear()  # the next process has an event of its own

    def context(self, **options: Any) -> PushContext:
        environment = options.get("environment", self.options.environment)
        return PushContext(
            planning=self.planning(environment),
            connector=MemoryConnector(self.destination, self.declaration),
            run_results=self.run_results,
            options=replace(self.options, **options),
            stop=self.stop,
            watcher=self.watcher,
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.path), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def held(self) -> set[str]:
        """Keys that the destination is known to hold."""
        query = (
            f"select sync_key from {self.tables.ledger} where row_hash <> '?' or row_hash is null"
        )
        return {row[0] for row in self.rows(query)}

    def maybe(self) -> set[str]:
        """Keys that may be there: they were sent and no answer came."""
        query = f"select sync_key from {self.tables.ledger} where row_hash = '?'"
        return {row[0] for row in self.rows(query)}


__all__ = ["TABLES", "Delivery", "MemoryDestination", "PartialFailure", "Workbench", "object_type"]
