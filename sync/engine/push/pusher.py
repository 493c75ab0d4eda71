"""One sync's push: plan and gate, send, acknowledge. The warehouse is held at both ends and never in between."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import chain, count, takewhile

from sync.config.models import SyncDefinition
from sync.destinations.base import Delivery, ObjectType, PartialFailure
from sync.engine.account import located, located_for_plan, settings_of
from sync.engine.connect import Connection
from sync.engine.context import PushContext, SyncResult
from sync.engine.plan import capability, gates, guards
from sync.engine.plan.plan import Plan, Planned, plan_sync
from sync.engine.plan.spool import PlanSpool
from sync.engine.preflight import check_fields
from sync.engine.push.acknowledge import Acknowledger
from sync.engine.push.record import RunRecord
from sync.engine.push.rows import (
    Batch,
    Phase,
    PlannedRow,
    RowReader,
    apart,
    batched,
    parted,
)
from sync.engine.push.sender import BatchSender
from sync.engine.push.stream import Stream
from sync.engine.retry import CircuitBreaker, Retrier, with_memory
from sync.engine.scrub import scrub
from sync.errors import (
    AuthError,
    DestinationError,
    HeadwaterError,
    RefusedError,
    UnexpectedError,
    WarehouseLockedError,
)
from sync.records import Action, Mode
from sync.warehouses.base import Session, now_utc

QUARANTINED = "quarantined"  # the plan's reason for rows that failed too often
# Batches whose jobs are waited for at once; a job may take half an hour, and a slot is held only while it is asked.
JOBS = 12


class Pusher:
    """Pushes one sync."""

    def __init__(self, context: PushContext, definition: SyncDefinition) -> None:
        self._context = context
        self._definition = definition
        self._options = context.options
        self._warehouse = context.warehouse
        self._planning = context.planning
        self._result = SyncResult(definition.name, "success")
        self._record = RunRecord(context, definition, self._result)
        self._stream: Stream | None = None
        self._turn = ExitStack()  # at the object, until the run's end is on record
        self._once = True  # each key is acknowledged once in this run
        self._lost_before = 0  # events of earlier runs of which nobody knows

    def push(self) -> SyncResult:
        """Push; whatever goes wrong is in the result."""
        began, result = time.monotonic(), self._result
        with self._turn:
            self._push_to_its_end()
        result.seconds = time.monotonic() - began
        self._context.watcher.ended(result)
        return result

    def _push_to_its_end(self) -> None:
        result, definition = self._result, self._definition
        try:
            self._push()
            if not self._options.dry_run:
                self._record.forget_unrecorded()
        except RefusedError as error:
            result.status, result.error = "refused", error
            if error.reason != "running":  # that run has a row of its own
                self._record_end()
        except HeadwaterError as error:
            # What stopped the sending says more than that its end could not be written down either.
            result.status, result.error = "failed", result.error or error
            result.interrupted = self._is_interruption(error)
            self._record_end()
        except BaseException as error:
            # A bug, ours or a destination's, or the end of the process: the run ends on record all the same.
            result.status, result.error = "failed", UnexpectedError.of(definition.name, error)
            self._context.watcher.bug(error)
            self._record_end()
            if not isinstance(error, Exception):
                raise

    def _is_interruption(self, error: HeadwaterError) -> bool:
        """It was told to stop while it waited for the warehouse."""
        return isinstance(error, WarehouseLockedError) and self._context.stop.is_set()

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
        if self._options.undo is not None:
            result.notes.append(f"--undo {self._options.undo}")
        if self._options.full_refresh:
            result.notes.append("--full-refresh")
            self._context.watcher.log("full_refresh", sync=definition.name)
        connection = None
        if not self._options.dry_run:
            connection = self._context.connector.connect(definition.destination, definition.object)
        self._locate(connection)
        self._turn.enter_context(self._context.turns.of(self._definition.filled))
        planned = self._plan(hashed=declaration.hashed, offered=offered)
        try:
            result.counts = planned.plan.counts
            if planned.spool is None:
                return
            self._context.watcher.planned(definition.name, planned.plan.counts.to_send)
            if connection is None:
                self._count_requests(planned, offered)
                return
            with self._warehouse.let_go():
                self._send(planned, planned.spool, connection, offered)
        finally:
            planned.close()

    def _locate(self, connection: Connection | None) -> None:
        """From here on the sync is the one that fills its object at that account."""
        context, definition = self._context, self._definition
        places = self._planning.places
        places.load(self._warehouse)
        settings = ""
        if connection is None:
            self._definition = located_for_plan(definition, context.connector, places)
        else:
            retrier = Retrier(self._options.policy, context.stop)
            self._definition = retrier.call(partial(located, definition, connection, places))
            settings = settings_of(connection)
        self._record.locate(self._definition, settings=settings)

    # -- plan ----------------------------------------------------------------------------------

    def _plan(self, *, hashed: bool, offered: ObjectType) -> Planned:
        """A plan; what had too little memory begins anew, for nothing has been sent."""
        return with_memory(partial(self._plan_once, hashed=hashed, offered=offered))

    def _plan_once(self, *, hashed: bool, offered: ObjectType) -> Planned:
        """Plan and gate in one session; what is to be sent is spooled, and the run is on record before anything is sent."""
        options, definition = self._options, self._definition
        with self._warehouse.session(write=not options.dry_run) as session:
            if not options.dry_run:
                self._record.prepare(session)
            planned = plan_sync(
                self._planning,
                session,
                definition,
                hashed=hashed,
                offered=offered,
                full_refresh=options.full_refresh,
                spool=True,
                is_settled=not options.dry_run,
                fingerprint=definition.name in options.expected,
                results=None if options.skip_gates else self._context.run_results,
                earlier=self._context.tried,
                undo=options.undo,
            )
            try:
                self._gate(planned.plan)
                if options.dry_run:
                    self._context.tried.append(definition)
                else:
                    self._begin(session, planned)
            except BaseException:
                planned.close()
                raise
        return planned

    def _begin(self, session: Session, planned: Planned) -> None:
        """Before anything is sent, the run is on record and so is what it may send; with nothing to send it is over."""
        record, result = self._record, self._result
        result.previous_status = record.log.last_status(session)
        if self._definition.mode is Mode.EVENT:
            self._lost_before = record.log.count_unknown(session)
        if planned.spool is not None:
            record.begin(session, planned)
            return
        result.counts = planned.plan.counts
        if error := self._left_behind():
            result.status, result.error = "partial", error
        record.finish_empty(session, planned)

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
        gates.check_place(
            definition,
            elsewhere=plan.elsewhere,
            abandoned=plan.abandoned,
            others=plan.others,
            other_keys=plan.other_keys,
        )
        if options.skip_gates:
            gates.check_definitions(definition, skips_gates=True)
            self._context.run_results.check_laws(definition, plan.dbt_failures)
            self._result.notes.append("--skip-gates")
            self._context.watcher.log("gates_skipped", sync=definition.name)
            return
        gates.check_plan(
            definition,
            plan.checks,
            plan.counts,
            self._context.run_results,
            failures=plan.dbt_failures,
            before=plan.before,
            now=now_utc(),
            allowed=options.allowed,
        )
        self._note_allowed(plan)

    def _note_allowed(self, plan: Plan) -> None:
        """Put on record which flags let something pass, where they did."""
        for what in sorted(self._options.allowed):
            if what == "changes" and not self._options.allow_changes:
                continue
            if guards.passed(what, self._definition, plan.counts, plan.before):
                self._result.notes.append(guards.FLAGS[what])
                self._context.watcher.log(f"{what}_allowed", sync=self._definition.name)

    def _count_requests(self, planned: Planned, offered: ObjectType) -> None:
        assert planned.spool is not None  # noqa: S101
        if refused := planned.spool.refused.rows:
            self._result.status, self._result.failed = "partial", refused
            self._result.error = HeadwaterError(
                f"sync '{self._definition.name}': {refused:,} rows hold values that cannot be sent: "
                f"{planned.spool.refused_why}.",
                hint="the others would go; docs/sync.md lists what goes how.",
            )
        for batch in self._batches(planned, offered):
            self._result.batches += 1
            if batch.action != Action.OUTDATED:
                self._context.watcher.advanced(self._definition.name, len(batch.rows))

    def _batches(self, planned: Planned, offered: ObjectType) -> Iterator[Batch]:
        return chain.from_iterable(phase.batches for phase in self._phases(planned, offered))

    def _phases(self, planned: Planned, offered: ObjectType) -> Iterator[Phase]:
        """Who was merged into another, removals, then identifiers that changed, then what is written: who must not be there leaves before
        anybody joins, and who is written by id lets go of an address before another is found by it.
        """
        assert planned.spool is not None  # noqa: S101
        reader, spool, number = self._reader(planned, offered), planned.spool, count(1)

        def removed() -> Iterator[list[PlannedRow]]:
            return reader.read(spool.removals.batches())

        def written() -> Iterator[list[PlannedRow]]:
            return reader.read(spool.writes.batches())

        removals, writes = [removed()], [written()]
        if offered.merges:
            removals = apart(removed, lambda one: one.into is not None)
        if offered.updates_by_id:
            writes = apart(written, lambda one: one.has_new_address)
        for action, rows in (
            *((Action.REMOVE, one) for one in removals),
            (Action.OUTDATED, reader.read_outdated(spool.outdated.batches())),
            *(("write", one) for one in writes),
        ):
            part: Iterable[list[PlannedRow]] = rows
            removes = action == Action.REMOVE
            canary = None if action == Action.OUTDATED else self._definition.canary
            if canary is not None:
                first, part = parted(rows, canary.rows)
                yield Phase(self._cut(first, action, offered, number), removes, is_canary=True)
            yield Phase(self._cut(part, action, offered, number), removes)

    def _cut(
        self,
        rows: Iterable[list[PlannedRow]],
        action: str,
        offered: ObjectType,
        numbers: Iterator[int],
    ) -> Iterator[Batch]:
        return batched(
            rows,
            action=action,
            max_rows=offered.batch_rows,
            max_bytes=offered.batch_bytes,
            numbers=numbers,
        )

    def _reader(self, planned: Planned, offered: ObjectType) -> RowReader:
        return RowReader(
            self._definition,
            planned.mapping,
            weigh=offered.batch_bytes is not None,
            members=offered.members,
            by_id=offered.updates_by_id or offered.merges,
            null_fields=offered.null_fields,
        )

    # -- send ----------------------------------------------------------------------------------

    def _send(
        self, planned: Planned, spool: PlanSpool, connection: Connection, offered: ObjectType
    ) -> None:
        result = self._result
        retrier = Retrier(self._options.policy, self._context.stop)
        if self._record.settles:
            retrier.pause(self._options.policy.settle_seconds)
        # One cheap call with the credentials, before rows go out with them.
        try:
            retrier.call(connection.destination.check)
        except AuthError as error:
            raise RefusedError(
                "credentials",
                f"sync '{self._definition.name}': {scrub(error.message)}",
                hint=error.hint or "sync check tries credentials and sends nothing.",
            ) from error
        unfit = self._unfit(retrier, connection, planned, spool)
        breaker = CircuitBreaker(self._options.breaker_limit)
        delivery = capability.delivery(self._definition, offered)
        claims = self._definition.mode is Mode.EVENT and delivery is Delivery.AT_MOST_ONCE
        limits, group = connection.declaration.rate_limits, offered.rate_group
        acknowledger = Acknowledger(
            self._warehouse,
            self._record.log,
            self._record.lease,
            self._record.journal,
            self._result,
            retrier=retrier,
            watcher=self._context.watcher,
            lost=self._lost(),
            claims=claims,
            creates=self._definition.mode is Mode.CREATE_ONLY,
        )
        sender = BatchSender(
            connection.destination,
            mode=self._definition.mode,
            delivery=delivery,
            retrier=retrier,
            breaker=breaker,
            job_seconds=offered.job_seconds,
            slots=self._context.connector.limits.slots(
                connection.credential, connection.declaration, group
            ),
            conflicts=offered.conflicts,
            left_out=self._definition.left_out_on_conflict,
            merges=offered.merges,
            permit=acknowledger.check_lease,
        )
        stream = self._stream = Stream(
            sender,
            acknowledger,
            self._result,
            breaker=breaker,
            stop=self._context.stop,
            canary=self._definition.canary,
        )
        with acknowledger:
            acknowledger.refuse(spool)
            acknowledger.forget(self._reader(planned, offered), spool)
            acknowledger.doubt(self._reader(planned, offered), spool)
            if self._definition.mode is Mode.REPLACE:
                stream.replace(
                    connection.destination,
                    self._context.run_id,
                    planned.mapping,
                    lambda: self._batches(planned, offered),
                )
                if not result.interrupted:
                    acknowledger.forget_refused(spool)
            else:
                requests = max(1, limits[group].parallel if group in limits else 4)
                polls = offered.partial_failure is PartialFailure.BY_POLLING
                phases = self._phases(planned, offered)
                if unfit:  # who must go goes all the same
                    phases = takewhile(lambda phase: phase.removes, phases)
                stream.send(
                    phases,
                    claims=claims,
                    parallel=max(requests, JOBS) if polls else requests,
                )
        ahead = claims or acknowledger.wrote_ahead
        self._once = not (ahead or spool.outdated.rows or spool.doubted.rows)
        result.error = result.error or unfit
        self._end(breaker, left=spool.refused_unchanged + acknowledger.dropped)

    def _lost(self) -> Action | None:
        """What a row is whose answer was lost: it may be there, or goes again whatever became of it."""
        if self._definition.mode is Mode.EVENT:
            return Action.REPEAT
        is_counted = self._record.intends and self._definition.mode is not Mode.REPLACE
        return Action.ATTEMPT if is_counted else None

    def _unfit(
        self, retrier: Retrier, connection: Connection, planned: Planned, spool: PlanSpool
    ) -> RefusedError | None:
        """Why nothing can be written: the vendor lacks a field. Who must go goes all the same.

        Raises:
            RefusedError: the same, where nobody must.
        """
        if not spool.writes.rows:
            return None
        try:
            retrier.call(partial(check_fields, self._definition, connection, planned.mapping))
        except RefusedError as error:
            if not spool.removals.rows:
                raise
            return error
        return None

    # -- end -----------------------------------------------------------------------------------

    def _end(self, breaker: CircuitBreaker, *, left: int) -> None:
        """What the run came to; `left` are rows beyond those to be sent."""
        result = self._result
        undone = result.counts.to_send - result.added - result.changed - result.removed
        undone += left - result.passed_over
        if breaker.is_open and result.error is None:
            result.error = DestinationError(
                f"stopped after {self._options.breaker_limit} batches of which no row was taken.",
                hint=f"sync failures --select {result.name}",
            )
        if result.error is None and undone == 0:
            result.error = self._left_behind()
        # All may have been done when it was asked to stop.
        result.interrupted = result.interrupted and undone > 0
        if result.interrupted and result.error is None:
            result.error = HeadwaterError(
                f"interrupted; {undone:,} rows are left.", hint="push again: it goes on from here."
            )
        if undone == 0 and result.error is None:
            result.status = "success"
        else:
            taken = result.added + result.changed + result.removed + result.passed_over
            result.status = "partial" if taken else "failed"
            result.failed = result.failed if result.interrupted else undone
        self._finish()

    def _left_behind(self) -> HeadwaterError | None:
        """Rows that wait for a person: no push is green while one does."""
        name, aside = self._result.name, self._result.counts.withheld.get(QUARANTINED, 0)
        found = [
            f"{count:,} {what}"
            for count, what in (
                (aside, "quarantined rows are not sent"),
                (self._lost_before, "events may have been sent or not"),
            )
            if count
        ]
        if not found:
            return None
        return HeadwaterError(
            f"sync '{name}': {' and '.join(found)}.",
            hint=f"sync failures --select {name} lists them; --retry sends the quarantined ones again, --dismiss leaves "
            "all of them as they are.",
        )

    def _finish(self) -> None:
        self._record.finish(once=self._once)

    def _record_end(self) -> None:
        if not self._options.dry_run:
            self._record.end(began=self._stream is not None and self._stream.began)
