"""One sync's push: plan and gate, send, acknowledge. The warehouse is held at both ends and never in between."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from sync.config.models import SyncDefinition
from sync.destinations.base import Delivery, ObjectType, ReplacesAll
from sync.engine import capability, gates
from sync.engine.acknowledge import Acknowledger
from sync.engine.connect import Connection, Connector
from sync.engine.gates import RunResults
from sync.engine.plan import Plan, Planned, Planning, plan_sync
from sync.engine.planner import Counts
from sync.engine.retry import CircuitBreaker, Retrier, RetryPolicy
from sync.engine.rows import Batch, PlannedRow, RowReader, batched
from sync.engine.scrub import scrub
from sync.engine.sender import BatchSender, Outcome, is_fatal
from sync.engine.spool import Spool
from sync.errors import AuthError, DestinationError, HeadwaterError, RefusedError
from sync.records import Mode
from sync.state.journal import Journal
from sync.state.leases import Leases, owner_name
from sync.state.runs import RunLog
from sync.state.tables import Tables
from sync.warehouses.base import Session, Warehouse, now_utc


@dataclass(frozen=True, slots=True)
class PushOptions:
    """What the command line asks of one run."""

    environment: str = "live"
    dry_run: bool = False
    allow_removals: bool = False
    skip_gates: bool = False
    full_refresh: bool = False
    expected: dict[str, str] = field(default_factory=dict)  # sync -> fingerprint of a saved plan
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    breaker_limit: int = 5


@dataclass(slots=True)
class SyncResult:
    """How one sync ended."""

    name: str
    status: str  # success, partial, failed, refused, skipped
    counts: Counts = field(default_factory=Counts)
    added: int = 0
    changed: int = 0
    removed: int = 0
    failed: int = 0
    requests: int = 0
    batches: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    previous_status: str | None = None
    error: HeadwaterError | None = None

    @property
    def message(self) -> str | None:
        return self.error.message if self.error else None

    def figures(self) -> dict[str, int]:
        """The numbers a row of `runs` has."""
        return {
            "added": self.added,
            "changed": self.changed,
            "removed": self.removed,
            "unchanged": self.counts.unchanged,
            "failed": self.failed,
            "withheld": sum(self.counts.withheld.values()),
        }


class Watcher:
    """Told how a push goes on; the command line draws it, tests count it."""

    def planned(self, name: str, rows: int) -> None: ...
    def advanced(self, name: str, rows: int) -> None: ...
    def ended(self, result: SyncResult) -> None: ...
    def log(self, event: str, **facts: object) -> None: ...
    def bug(self, error: Exception) -> None: ...


@dataclass(slots=True)
class PushContext:
    """What all syncs of a run share."""

    warehouse: Warehouse
    tables: Tables
    connector: Connector
    run_results: RunResults
    options: PushOptions
    stop: threading.Event
    run_id: str = field(default_factory=lambda: new_run_id())
    watcher: Watcher = field(default_factory=Watcher)
    journal: Path = Path(".headwater/journal")


def new_run_id() -> str:
    """Sorts by time, so that of two runs the later one is known by its name too."""
    return f"{now_utc():%Y%m%d-%H%M%S-%f}-{uuid.uuid4().hex[:6]}"


class Pusher:
    """Pushes one sync."""

    def __init__(self, context: PushContext, definition: SyncDefinition) -> None:
        self._context = context
        self._definition = definition
        self._options = context.options
        self._warehouse = context.warehouse
        dialect, environment = context.warehouse.dialect, context.options.environment
        self._log = RunLog(
            context.tables,
            dialect,
            environment=environment,
            sync_name=definition.name,
            run_id=context.run_id,
            definition_hash=definition.definition_hash,
            quarantine_after=definition.quarantine_after,
        )
        self._lease = Leases(
            context.tables,
            dialect,
            environment=environment,
            sync_name=definition.name,
            owner=owner_name(context.run_id),
        )
        self._journal = Journal(
            context.journal, environment=environment, sync_name=definition.name,
            run_id=context.run_id,
        )  # fmt: skip
        self._planning = Planning(
            warehouse=context.warehouse, tables=context.tables, environment=environment
        )
        self._result = SyncResult(definition.name, "success")
        self._claimed = False
        self._started_at = now_utc()

    def push(self) -> SyncResult:
        """Push; whatever goes wrong is in the result."""
        began, result = time.monotonic(), self._result
        try:
            self._push()
        except RefusedError as error:
            result.status, result.error = "refused", error
            if error.reason != "running":  # that run has a row of its own
                self._record_end()
        except HeadwaterError as error:
            result.status, result.error = "failed", error
            self._record_end()
        result.seconds = time.monotonic() - began
        self._context.watcher.ended(result)
        return result

    def _push(self) -> None:
        definition, result = self._definition, self._result
        declaration = self._context.connector.declaration(definition.destination)
        offered = capability.object_type(definition, declaration)
        if self._options.full_refresh and definition.mode is Mode.EVENT:
            raise RefusedError(
                "full_refresh_events",
                f"sync '{definition.name}' sends events, each once for ever: --full-refresh would "
                "send them twice.",
                hint="--exclude it.",
            )
        connection = None
        if not self._options.dry_run:
            connection = self._context.connector.connect(definition.destination, definition.object)
        planned = self._plan(hashed=declaration.hashed)
        try:
            result.counts = planned.plan.counts
            if planned.spool is None:
                return
            self._context.watcher.planned(definition.name, planned.plan.counts.to_send)
            if connection is None:
                self._count_requests(planned, offered)
                return
            self._send(planned, connection, offered)
        finally:
            planned.close()

    # -- plan ----------------------------------------------------------------------------------

    def _plan(self, *, hashed: bool) -> Planned:
        """Plan and gate in one session; what is to be sent is spooled, and the run is on record before anything is sent."""
        options, definition = self._options, self._definition
        with self._warehouse.session(write=not options.dry_run) as session:
            if not options.dry_run:
                self._take_lease(session)
            planned = plan_sync(
                self._planning, session, definition, hashed=hashed,
                full_refresh=options.full_refresh, spool=True,
                fingerprint=definition.name in options.expected,
            )  # fmt: skip
            try:
                self._gate(planned.plan)
            except BaseException:
                planned.close()
                raise
            if options.dry_run:
                return planned
            self._result.previous_status = self._log.last_status(session)
            if planned.spool is None:
                self._result.counts = planned.plan.counts
                self._finish_empty(session)
            else:
                self._log.start(
                    session, command="push", mode=definition.mode.value, now=self._started_at
                )
        return planned

    def _take_lease(self, session: Session) -> None:
        holder = self._lease.acquire(session, now_utc())
        if holder is not None:
            raise RefusedError(
                "running",
                f"sync '{self._definition.name}' is being pushed by {holder}.",
                hint="wait for it to end; a lease whose process died expires by itself.",
            )
        ledger = self._planning.ledger(self._definition)
        recovered = self._recover(session)
        unfinished = sorted({*ledger.unfinished_runs(session), *recovered})
        if unfinished:
            session.execute(
                *ledger.compaction(unfinished), self._log.interrupt(unfinished, now_utc())
            )
            self._context.watcher.log("recovered", sync=self._definition.name, runs=len(unfinished))

    def _recover(self, session: Session) -> list[str]:
        """Fold in what a run that was killed, or could not write, kept on disk."""
        context = self._context
        return self._journal.recover(session, context.tables, context.warehouse.dialect)

    def _gate(self, plan: Plan) -> None:
        definition, options = self._definition, self._options
        expected = options.expected.get(definition.name)
        if expected is not None and expected != plan.fingerprint:
            raise RefusedError(
                "plan_changed",
                f"sync '{definition.name}': what would be sent now is not what the plan says.",
                hint="make a new plan with: sync plan --out plan.json",
            )
        gates.check_table(definition, plan.checks, plan.duplicates)
        if options.skip_gates:
            self._context.watcher.log("gates_skipped", sync=definition.name)
            return
        self._context.run_results.check(definition)
        built_at = self._context.run_results.built_at(definition)
        gates.check_freshness(definition, built_at, now_utc())
        try:
            gates.check_guards(
                definition, plan.checks.row_count, plan.counts, resend=options.full_refresh
            )
        except RefusedError as error:
            if error.reason != "too_many_removals" or not options.allow_removals:
                raise
            self._context.watcher.log(
                "removals_allowed", sync=definition.name, removals=plan.counts.remove
            )

    def _count_requests(self, planned: Planned, offered: ObjectType) -> None:
        for batch in self._batches(planned, offered):
            self._result.batches += 1
            self._context.watcher.advanced(self._definition.name, len(batch.rows))

    # -- send ----------------------------------------------------------------------------------

    def _send(self, planned: Planned, connection: Connection, offered: ObjectType) -> None:
        retrier = Retrier(self._options.policy, self._context.stop)
        # One cheap call with the credentials, before rows go out with them.
        try:
            retrier.call(connection.destination.check)
        except AuthError as error:
            raise RefusedError(
                "credentials",
                f"sync '{self._definition.name}': {scrub(error.message)}",
                hint=error.hint or "sync check tries credentials and sends nothing.",
            ) from error
        breaker = CircuitBreaker(self._options.breaker_limit)
        delivery = capability.delivery(self._definition, offered)
        sender = BatchSender(
            connection.destination, mode=self._definition.mode, delivery=delivery,
            retrier=retrier, breaker=breaker,
        )  # fmt: skip
        acknowledger = Acknowledger(
            self._warehouse, self._log, self._lease, self._journal, self._result,
            retrier=retrier, watcher=self._context.watcher,
            intends=self._definition.mode in (Mode.UPSERT, Mode.MIRROR),
        )  # fmt: skip
        if planned.spool is not None:
            acknowledger.forget(RowReader(self._definition, planned.mapping), planned.spool)
        if self._definition.mode is Mode.REPLACE:
            self._replace(planned, connection, offered, sender, acknowledger)
        else:
            slots = self._context.connector.limits.slots(
                connection.credential, connection.declaration, offered.rate_group
            )
            limit = connection.declaration.rate_limits.get(offered.rate_group)
            parallel = max(1, limit.parallel if limit else 4)
            claims = self._definition.mode is Mode.EVENT and delivery is Delivery.AT_MOST_ONCE
            self._stream(
                self._batches(planned, offered), sender, acknowledger,
                breaker=breaker, slots=slots, parallel=parallel, claims=claims,
            )  # fmt: skip
        self._claimed = self._definition.mode is Mode.EVENT and delivery is Delivery.AT_MOST_ONCE
        self._end(breaker)

    def _stream(
        self, batches: Iterator[Batch], sender: BatchSender, acknowledger: Acknowledger, *,
        breaker: CircuitBreaker, slots: threading.Semaphore, parallel: int, claims: bool,
    ) -> None:  # fmt: skip
        """Keep `parallel` requests in flight; acknowledge what came back while others are under way."""

        def send(batch: Batch) -> Outcome:
            with slots:
                intended = acknowledger.intend(batch)
                return acknowledger.journal(sender.send(batch), intended, claimed=claims)

        in_flight: set[Future[Outcome]] = set()
        exhausted = False
        with ThreadPoolExecutor(parallel, thread_name_prefix=self._definition.name) as pool:
            try:
                while in_flight or not exhausted:
                    while not exhausted and len(in_flight) < 2 * parallel:
                        batch = None if self._halted(breaker) else next(batches, None)
                        if batch is None:
                            exhausted = True
                            break
                        if claims:
                            acknowledger.claim(batch)
                        in_flight.add(pool.submit(send, batch))
                    if not in_flight:
                        break
                    done, in_flight = wait(
                        in_flight, max(0.0, acknowledger.seconds_left), FIRST_COMPLETED
                    )
                    acknowledger.take(future.result() for future in done)
                    self._note_errors(acknowledger)
                acknowledger.flush()
            except BaseException:
                for future in in_flight:
                    future.cancel()
                raise

    def _replace(
        self, planned: Planned, connection: Connection, offered: ObjectType, sender: BatchSender,
        acknowledger: Acknowledger,
    ) -> None:  # fmt: skip
        """Write the whole set beside the old one and put it in its place; acknowledged only then."""
        destination = connection.destination
        assert isinstance(destination, ReplacesAll)  # noqa: S101 - the declaration says so
        refused: set[str] = set()
        mapping = planned.mapping
        destination.begin(self._context.run_id, [*mapping.identifiers, *mapping.fields])
        try:
            for batch in self._batches(planned, offered):
                if batch.action == "remove":
                    continue
                if self._context.stop.is_set():
                    destination.abort()
                    self._result.interrupted = True
                    return
                outcome = sender.send(batch)
                if outcome.error is not None:
                    raise outcome.error
                refused.update(error.key for error in outcome.failed)
                acknowledger.take_refusals(outcome)
            destination.commit()
        except DestinationError:
            destination.abort()
            raise
        acknowledger.take_all(self._batches(planned, offered), refused)

    def _batches(self, planned: Planned, offered: ObjectType) -> Iterator[Batch]:
        """Removals first: who must not be there leaves before anybody joins."""
        assert planned.spool is not None  # noqa: S101
        reader = RowReader(self._definition, planned.mapping, weigh=offered.batch_bytes is not None)
        number = 0
        for action, spool in (("remove", planned.spool.removals), ("write", planned.spool.writes)):
            for batch in batched(
                _rows(reader, spool), action=action, max_rows=offered.batch_rows,
                max_bytes=offered.batch_bytes, first=number + 1,
            ):  # fmt: skip
                number = batch.number
                yield batch

    def _halted(self, breaker: CircuitBreaker) -> bool:
        if self._context.stop.is_set():
            self._result.interrupted = True
            return True
        return breaker.is_open or is_fatal(self._undecided)

    @property
    def _undecided(self) -> DestinationError | None:
        error = self._result.error
        return error if isinstance(error, DestinationError) else None

    def _note_errors(self, acknowledger: Acknowledger) -> None:
        if acknowledger.error is not None:
            self._result.error = acknowledger.error

    # -- end -----------------------------------------------------------------------------------

    def _end(self, breaker: CircuitBreaker) -> None:
        """Compact the ledger, close the run and give the lease back, in one unit."""
        result = self._result
        undone = result.counts.to_send - result.added - result.changed - result.removed
        if breaker.is_open and result.error is None:
            result.error = DestinationError(
                f"stopped after {self._options.breaker_limit} batches of which no row was taken.",
                hint=f"sync failures --select {result.name}",
            )
        if result.interrupted and result.error is None:
            result.error = HeadwaterError(
                f"interrupted; {undone:,} rows are left.", hint="push again: it goes on from here."
            )
        if undone == 0 and result.error is None:
            result.status = "success"
        else:
            taken = result.added + result.changed + result.removed
            result.status = "partial" if taken else "failed"
            result.failed = result.failed if result.interrupted else undone
        self._finish(result.message)

    def _finish(self, message: str | None) -> None:
        ledger = self._planning.ledger(self._definition)
        with self._warehouse.session(write=True) as session:
            self._log.write_withheld(session, self._result.counts.withheld)
            session.execute(
                *ledger.compaction([self._context.run_id], once=not self._claimed),
                self._log.finish(
                    status=self._result.status,
                    message=message,
                    counts=self._result.figures(),
                    now=now_utc(),
                ),
            )
            self._lease.release(session)

    def _finish_empty(self, session: Session) -> None:
        """Nothing to send: the run is over within the session that planned it."""
        with session.transaction():
            self._record(session, "success", None)
            self._log.write_withheld(session, self._result.counts.withheld)
            self._lease.release(session)

    def _record_end(self) -> None:
        """Put a run that was refused or failed on record; a warehouse that cannot take it is told by the error itself."""
        result = self._result
        if self._options.dry_run:
            return
        try:
            with self._warehouse.session(write=True) as session:
                ledger = self._planning.ledger(self._definition)
                self._recover(session)
                if self._context.run_id in ledger.unfinished_runs(session):
                    session.execute(
                        *ledger.compaction([self._context.run_id]),
                        self._log.finish(
                            status=result.status, message=result.message,
                            counts=result.figures(), now=now_utc(),
                        ),
                    )  # fmt: skip
                else:
                    result.previous_status = self._log.last_status(session)
                    self._record(session, result.status, result.message)
                self._lease.release(session)
        except HeadwaterError as error:
            self._context.watcher.log("not_recorded", sync=result.name, message=error.message)

    def _record(self, session: Session, status: str, message: str | None) -> None:
        self._log.record(
            session,
            command="push",
            mode=self._definition.mode.value,
            started_at=self._started_at,
            finished_at=now_utc(),
            status=status,
            message=message,
            counts=self._result.figures(),
        )


def _rows(reader: RowReader, spool: Spool) -> Iterator[list[PlannedRow]]:
    return reader.read(spool.batches())
