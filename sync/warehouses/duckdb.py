"""DuckDB: one writing process or many reading ones, so the file is held only while a session is open.

Measured (2 cores, 1M-row file): opening, appending 5,000 rows and closing takes 0.05 s, opening to read 0.02 s. What DuckDB
says when another process holds the file: "Conflicting lock is held in <program> (PID <n>)"
(https://duckdb.org/docs/stable/connect/concurrency, read 2026-11-24).
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from sync import private
from sync.config.models import Column
from sync.config.profiles import Target
from sync.errors import (
    ConfigError,
    UnprovenError,
    WarehouseError,
    WarehouseLockedError,
    WarehouseMemoryError,
)
from sync.records import Kind, Proof
from sync.warehouses.base import Dialect, Sampler
from sync.warehouses.duckdb_sample import DuckDBSample

if TYPE_CHECKING:
    from sync.arrow import pa

BATCH_ROWS = 4_096
_UNCONVERTED = "DuckDB could not convert a value to its column's type."
_MEMORY = "give it more: settings: {memory_limit: 2GB} of the target in profiles.yml."
# Folding the log in would also write tables anew that lost rows, all 1M of a ledger for 10,000: 0.5 s and 45 MB instead of 0.03 s and none.
# The next dbt build does it as it ends.
_NO_VACUUM = "set max_vacuum_tasks = 0"
LOCK_SECONDS = 1800.0  # a dbt build may hold the file for long; --lock-timeout changes it
NOTICE_SECONDS = 15.0
LINGER_SECONDS = 0.1  # the file stays open for the next session of this process: many syncs with nothing to do are one opening
STOPPING_SECONDS = 3.0  # a container is killed ten seconds, or thirty, after it was told to stop
# `settings: {memory_limit}` of the dbt target decides instead. What needs more is given it.
LEAST_MEGABYTES, MOST_MEGABYTES = 28, 2000
# A plan over more than that is several times faster where it need not spill, if the machine has it (docs/performance.md).
LARGE_MEGABYTES = 300

GIVEN = "given_rows"
T = TypeVar("T")


def open_warehouse(target: Target, *, notify: Callable[[str], None]) -> DuckDBWarehouse:
    """The file that the dbt target names; a relative path is relative to the project, as for dbt.

    Raises:
        ConfigError: the target is in memory, which no second process can read.
    """
    named = target.text("path", ":memory:")
    if named == ":memory:":
        raise ConfigError(
            f"target '{target.name}' is an in-memory DuckDB, which ends with dbt.",
            hint="set `path:` in profiles.yml to a file.",
        )
    path = named if "://" in named or named.startswith("md:") else str(target.project_dir / named)
    settings = target.settings.get("settings") or {}
    return DuckDBWarehouse(
        path,
        memory_limit=str(settings.get("memory_limit", "")) or None,
        lock_seconds=float(target.settings.get("lock_timeout_seconds", LOCK_SECONDS)),
        notify=notify,
    )


class DuckDBWarehouse:
    """One file. Sessions of one process take turns, so that the file is free between them."""

    dialect = Dialect(
        name="duckdb",
        string="varchar",
        counted_as="case when {0} is not null then hash({0}) end",
        # 64 bits of a key that is the same anyway; a join of 1M rows takes half the time and memory.
        compared_as="hash({0})",
        one_writer=True,
        group_rows=30_000,  # 8 MB less at the peak of a push of 1M rows than with 50,000
    )

    def __init__(
        self,
        path: str,
        *,
        memory_limit: str | None = None,
        lock_seconds: float = LOCK_SECONDS,
        notify: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.path = path
        self._memory_limit = memory_limit
        self._lock_seconds = lock_seconds
        self._notify = notify
        self._stop = threading.Event()
        self._stopped_at: float | None = None
        self._sleep = sleep
        self._turn = threading.Lock()
        self._enough = LEAST_MEGABYTES
        self._needed = 0  # megabytes that a plan over this file needs
        self._is_at_ease = False
        self._wrote = False
        self._limited = ""  # what the connection that is open was given last
        self._lingering: duckdb.DuckDBPyConnection | None = None
        self._remembered: dict[str, Any] = {}  # while the connection is open
        self._lingers_writing = False
        self._lingers_until: threading.Timer | None = None
        self._keeping, self._sending = 0, 0  # how many `keep_open` and `let_go` are under way

    @contextmanager
    def session(self, *, write: bool = False) -> Iterator[DuckDBSession]:
        """The file, held for the length of the `with`; read-only sessions share it with other readers."""
        with self._turn:
            session = DuckDBSession(
                lambda: self._connect(write),
                more_memory=self._more_memory,
                connection=self._taken_up(write),
                remembered=self._remembered,
            )
            try:
                yield session
            except BaseException:
                session.close()
                raise
            else:
                # The next may need less; one after a failure begins with what that one asked for.
                self._enough = LEAST_MEGABYTES
                self._linger(session, write)
            finally:
                self._wrote = self._wrote or write

    def _taken_up(self, write: bool) -> duckdb.DuckDBPyConnection | None:
        """The connection of the session before, where it is open yet and will do."""
        if self._lingers_until is not None:
            self._lingers_until.cancel()
        connection, self._lingering = self._lingering, None
        if connection is None:
            return None
        if write and not self._lingers_writing:
            connection.close()
            return None
        if self._limited != self._limit():  # setting it takes 4 ms
            self._limit_memory(connection)
        return connection

    def _limit_memory(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._limited = self._limit()
        connection.execute(f"set memory_limit = {self.dialect.literal(self._limited)}")

    def _linger(self, session: DuckDBSession, write: bool) -> None:
        if not self._keeping or self._sending:
            session.close()
            return
        session.let_go_of_kept()
        self._lingers_writing = write or (self._lingers_writing and session.is_taken_up)
        self._lingering = session.connection
        self._lingers_until = threading.Timer(LINGER_SECONDS, self._close_lingering)
        self._lingers_until.daemon = True
        self._lingers_until.start()

    def _close_lingering(self) -> None:
        with self._turn:
            if self._lingering is not None:
                self._lingering.close()
                self._lingering = None

    def sampler(self) -> Sampler | None:
        """Some people of the file in memory, which leaves the file free."""
        return partial(DuckDBSample, self.path)

    def at_ease(self) -> None:
        """Sessions begin with half of what DuckDB would take by itself: a question that spills is several times slower."""
        self._is_at_ease = True

    @contextmanager
    def keep_open(self) -> Iterator[None]:
        """Within, the file stays open for a moment after a session: many syncs with nothing to do are one opening, not one each."""
        with self._turn:
            self._keeping += 1
        try:
            yield
        finally:
            with self._turn:
                self._keeping -= 1
            if not self._keeping:
                self.close()

    @contextmanager
    def let_go(self) -> Iterator[None]:
        """Within, the file is free as soon as a session ends."""
        with self._turn:
            self._sending += 1
        self._close_lingering()
        try:
            yield
        finally:
            with self._turn:
                self._sending -= 1

    def heed(self, stop: threading.Event) -> None:
        """Once `stop` is set, wait for the file's holder for some seconds more: what was sent may still be marked then."""
        self._stop, self._stopped_at = stop, None

    def close(self) -> None:
        """Fold the log into the file; where another process holds it by now, that one will."""
        if self._wrote and Path(f"{self.path}.wal").exists():
            with self._turn, suppress(duckdb.Error):
                connection = self._taken_up(write=True) or duckdb.connect(
                    self.path, config={"memory_limit": self._limit()}
                )
                with closing(connection):
                    connection.execute(_NO_VACUUM)
                    connection.execute("checkpoint")
        self._close_lingering()
        self._wrote = False

    def _connect(self, write: bool) -> duckdb.DuckDBPyConnection:
        if "://" not in self.path and not Path(self.path).exists():
            raise WarehouseError(
                f"no DuckDB file at {self.path}.", hint="run dbt build first; it makes the file."
            )
        private.beside(self.path)  # the log, and what spills to disk
        waited, pause, said = 0.0, 0.05, -NOTICE_SECONDS
        while True:
            try:
                connection = duckdb.connect(self.path, read_only=not write)
                break
            except duckdb.IOException as error:
                holder = _lock_holder(error)
                if holder is None:
                    raise WarehouseError(
                        f"DuckDB cannot open {self.path}: {_line(error)}"
                    ) from error
                if self._is_told_to_stop():
                    raise WarehouseLockedError(
                        f"interrupted while {Path(self.path).name} was held by {holder}.",
                        hint="push again when that one is done: it goes on from here.",
                    ) from error
                if waited >= self._lock_seconds:
                    raise WarehouseLockedError(
                        f"{self.path} is held by {holder}; waited {waited:.0f} s.",
                        hint="DuckDB lets one process write: wait for that one, or stop it.",
                    ) from error
                if waited - said >= NOTICE_SECONDS:
                    self._notify(f"Waiting for {Path(self.path).name}: it is held by {holder}.")
                    said = waited
                self._rest(pause)
                waited += pause
                pause = min(pause * 1.5, 0.5) * random.uniform(0.8, 1.2)  # noqa: S311
        self._remembered.clear()  # others may have written before it was opened
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set preserve_insertion_order = false")
        connection.execute("set streaming_buffer_size = '1MB'")  # 10 MB otherwise, and no faster
        if write:
            # Folding the log in writes over a part of the file, and a kill in that very moment breaks it (decision 0108): seldom, then.
            # DuckDB does it by itself when there are 16 MB, `close` when the process is done.
            connection.execute("pragma disable_checkpoint_on_shutdown")
            connection.execute(_NO_VACUUM)
        self._needed = _needed_megabytes(connection, at_ease=self._is_at_ease)
        self._limit_memory(connection)
        return connection

    def _rest(self, seconds: float) -> None:
        if self._sleep is not None:
            self._sleep(seconds)
        elif self._stop.is_set():
            time.sleep(seconds)
        else:
            self._stop.wait(seconds)

    def _is_told_to_stop(self) -> bool:
        if not self._stop.is_set():
            return False
        now = time.monotonic()
        self._stopped_at = self._stopped_at or now
        return now - self._stopped_at >= STOPPING_SECONDS

    def _limit(self) -> str:
        return self._memory_limit or _megabytes(self._share())

    def _share(self) -> int:
        """Megabytes that a session is given; beyond it DuckDB spills to disk."""
        needed = max(self._enough, self._needed)
        return needed if self._is_at_ease else min(MOST_MEGABYTES, needed)

    def _more_memory(self, times: float) -> str | None:
        """`times` as much, in the session after this one too if this one fails; None when it has all that it may have."""
        if self._memory_limit or self._share() >= MOST_MEGABYTES:
            return None
        self._enough = int(self._share() * times)
        self._limited = ""  # the session sets it
        return _megabytes(self._share())


class DuckDBSession:
    """One open connection."""

    def __init__(
        self,
        connect: Callable[[], duckdb.DuckDBPyConnection],
        *,
        more_memory: Callable[[float], str | None],
        connection: duckdb.DuckDBPyConnection | None = None,
        remembered: dict[str, Any] | None = None,
    ) -> None:
        """`connection` is one that is open already, and `remembered` what was asked for `while_alone` since it is."""
        self._connect = connect
        self.is_taken_up = connection is not None
        self._connection = connection if connection is not None else connect()
        self._more_memory = more_memory
        self._in_transaction = False
        self._remembered = {} if remembered is None else remembered
        self._kept: set[str] = set()
        self._readers: list[pa.RecordBatchReader] = []

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """What is open, for the session after this one."""
        return self._connection

    def close(self) -> None:
        """Let the file go. Rows that were not read to their end would hold it, and who opens it next waits for ever."""
        for reader in self._readers:
            reader.close()
        self._connection.close()

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Every row of a small result."""

        def read() -> list[dict[str, Any]]:
            result = self._connection.execute(query)
            names = [column[0].lower() for column in result.description or ()]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

        with _translated():
            return self._with_memory(read)

    def stream(self, query: str) -> Iterator[pa.RecordBatch]:
        """Arrow batches of at most `BATCH_ROWS` rows."""

        def begin() -> tuple[list[pa.RecordBatch], pa.RecordBatchReader]:
            reader = self._connection.sql(query).to_arrow_reader(BATCH_ROWS)
            self._readers.append(reader)
            with _arrows_words():
                return list(islice(reader, 1)), reader

        with _translated():
            first, others = self._with_memory(begin)
            yield from first
            try:
                with _arrows_words():
                    yield from others
            except duckdb.OutOfMemoryException:
                self._more_memory(2)  # the rows before were taken: whoever asked may begin anew
                raise
            others.close()
            self._readers.remove(others)

    def keep(self, name: str, query: str) -> str | None:
        """A temporary table, which is no part of the file."""
        relation = f"temp.{name}"

        def run() -> None:
            self._connection.execute(f"create or replace temporary table {relation} as {query}")

        with _translated():
            self._with_memory(run)
        self._kept.add(relation)
        return relation

    def let_go_of_kept(self) -> None:
        """Give back what `keep` takes, of a connection that stays open."""
        while self._kept:
            self._connection.execute(f"drop table if exists {self._kept.pop()}")

    def while_alone(self, name: str, read: Callable[[], T]) -> T | None:
        """Kept with the connection: the file is its own."""
        if name not in self._remembered:
            self._remembered[name] = read()
        found: T = self._remembered[name]
        return found

    def columns(self, relation: str) -> list[Column]:
        """Columns of a relation, in order; none when it does not exist."""
        try:
            found = self._connection.sql(f"select * from {relation} limit 0")
        except duckdb.CatalogException:
            return []
        return [
            Column(name=name.lower(), type=str(kind), kind=_kind(kind), stored=name)
            for name, kind in zip(found.columns, found.types, strict=True)
        ]

    def execute(self, *statements: str) -> None:
        """Run statements in one transaction."""
        self._unit(*statements)

    def append(self, relation: str, rows: pa.Table) -> None:
        """Insert rows; columns are matched by name."""
        self._unit(f"insert into {relation} by name select * from {GIVEN}", given=rows)

    def merge(self, relation: str, rows: pa.Table, *, keys: Sequence[str]) -> None:
        """Insert rows, replacing those with the same keys."""
        matched = " and ".join(f"held.{key} = given.{key}" for key in keys)
        self._unit(
            f"delete from {relation} as held where exists "
            f"(select 1 from {GIVEN} as given where {matched})",
            f"insert into {relation} by name select * from {GIVEN}",
            given=rows,
        )

    @contextmanager
    def transaction(self, *, proof: Proof | None = None) -> Iterator[None]:
        """All or none; nests by joining the outer one."""
        with _translated(), self._joined():
            if proof is not None:
                found = self._connection.execute(proof.statement).fetchone()
                if not found or not found[0]:
                    raise UnprovenError("another has come between: nothing is written.")
            yield

    @contextmanager
    def _joined(self) -> Iterator[None]:
        if self._in_transaction:
            yield
            return
        self._connection.execute("begin transaction")
        self._in_transaction = True
        try:
            yield
            self._connection.execute("commit")
        except BaseException:
            with suppress(duckdb.Error):  # a failed commit has rolled back already
                self._connection.execute("rollback")
            raise
        finally:
            self._in_transaction = False

    def _unit(self, *statements: str, given: pa.Table | None = None) -> None:
        """Run statements, all or none."""

        def run() -> None:
            with self._registered(given), self._joined():
                for statement in statements:
                    self._connection.execute(statement)

        with _translated():
            self._with_memory(run, writes=True)

    def _with_memory(self, work: Callable[[], T], *, writes: bool = False) -> T:
        """What `work` returns; it is begun anew with more memory where it had too little. Within a transaction only whoever began
        that can begin anew, with a session that has more then.
        """
        while True:
            try:
                return work()
            except duckdb.OutOfMemoryException:
                # A statement is soon tried again; a transaction is not, and only a few times.
                anew = writes or self._in_transaction
                limit = self._more_memory(2 if anew else 1.25)
                if limit is None or self._in_transaction:
                    raise
                if writes:
                    # What ran out of memory leaves rows marked as deleted by a transaction that is no more, and whoever deletes them
                    # next meets "Conflict on tuple deletion" (DuckDB 2.0, tried 2026-11-28). They are gone with the connection.
                    self._connection.close()
                    self._connection = self._connect()
                else:
                    self._connection.execute(f"set memory_limit = '{limit}'")

    @contextmanager
    def _registered(self, rows: pa.Table | None) -> Iterator[None]:
        if rows is None:
            yield
            return
        self._connection.register(GIVEN, rows)
        try:
            yield
        finally:
            self._connection.unregister(GIVEN)


@contextmanager
def _arrows_words() -> Iterator[None]:
    """Arrow's errors, which have DuckDB's words and may quote data, as DuckDB's."""
    try:
        yield
    except OSError as error:
        if "Out of Memory" in str(error):
            raise duckdb.OutOfMemoryException(_line(error)) from error
        raise WarehouseError("DuckDB could not go on with a result it had begun.") from error


@contextmanager
def _translated() -> Iterator[None]:
    """DuckDB's errors as ours; a message's first line only, since the rest quotes data."""
    try:
        yield
    except duckdb.CatalogException as error:
        raise WarehouseError(
            f"DuckDB: {_line(error)}", hint="run dbt build first; it makes the tables."
        ) from error
    except duckdb.ConversionException as error:
        raise WarehouseError(_UNCONVERTED) from error
    except duckdb.OutOfMemoryException as error:
        used = re.search(r"\([^()]*used\)", _line(error))
        said = f" {used[0]}" if used else ""
        raise WarehouseMemoryError(f"DuckDB ran out of memory{said}.", hint=_MEMORY) from error
    except duckdb.Error as error:
        raise WarehouseError(f"DuckDB: {_line(error)}") from error


# What DuckDB calls what (https://duckdb.org/docs/stable/sql/data_types/overview, read 2026-11-28).
_KINDS = {
    **dict.fromkeys(("varchar", "uuid", "enum", "null"), Kind.TEXT),
    **dict.fromkeys(("tinyint", "smallint", "integer", "bigint"), Kind.WHOLE),
    **dict.fromkeys(("utinyint", "usmallint", "uinteger", "ubigint"), Kind.WHOLE),
    **dict.fromkeys(("hugeint", "uhugeint", "bignum", "varint"), Kind.WIDE),
    **dict.fromkeys(("float", "double"), Kind.FLOAT),
    **dict.fromkeys(
        ("timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns", "timestamp with time zone"),
        Kind.TIMESTAMP,
    ),
    "decimal": Kind.DECIMAL,
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "time": Kind.TIME,
}
# Arrow has no such numbers: these would arrive as others.
_ONLY_AS_TEXT = frozenset({"uhugeint", "bignum", "varint"})


def _kind(found: Any) -> Kind:
    """What a DuckDB type holds; a list or object of what cannot go cannot go."""
    if found.id == "decimal" and dict(found.children)["scale"] == 0:
        return Kind.WIDE
    if found.id not in ("list", "array", "struct", "map"):
        return _KINDS.get(found.id, Kind.OTHER)
    inner = [child for _, child in found.children if not isinstance(child, int)]
    if found.id == "map" and _kind(inner[0]) is not Kind.TEXT:
        return Kind.OTHER
    sound = all(_kind(one) is not Kind.OTHER and one.id not in _ONLY_AS_TEXT for one in inner)
    return Kind.NESTED if sound else Kind.OTHER


def _needed_megabytes(connection: duckdb.DuckDBPyConnection, *, at_ease: bool) -> int:
    """What a plan needs, by how much of the file holds data; the rest of it, which may be most, is free. Of a large file as much as keeps
    it from spilling, but a third at most of what DuckDB would take by itself, which is by the machine and its container; half of that for
    whoever is `at_ease`.
    """
    found = connection.execute(
        "select used_blocks * block_size, parse_formatted_bytes(current_setting('memory_limit')) "
        "from pragma_database_size() where database_name = current_database()"
    ).fetchone()
    filled, whole = ((number or 0) // 2**20 for number in found or (0, 0))
    if at_ease:
        return whole // 2
    least = filled // 3
    return least if filled <= LARGE_MEGABYTES else max(least, min(filled * 3 // 2, whole // 3))


def _megabytes(number: int) -> str:
    return f"{number}MB"


def _line(error: Exception) -> str:
    return str(error).splitlines()[0].strip()


def _lock_holder(error: Exception) -> str | None:
    """Who holds the file, in words, or None when the error is another."""
    text = str(error)
    if "lock" not in text.lower():
        return None
    found = re.search(r"held in (\S+) \(PID (\d+)\)", text)
    if found:
        return f"{Path(found[1]).name} (PID {found[2]})"
    return "another process"
