"""A run as the warehouse has it: its lease, what it is about to send, how it ended, and what runs left that never did."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from sync.config.models import SyncDefinition
from sync.engine.context import PushContext, SyncResult
from sync.engine.plan import capability
from sync.engine.plan.claims import same_records
from sync.engine.plan.plan import Planned
from sync.engine.plan.planner import INTENDING
from sync.engine.retry import with_memory
from sync.engine.scrub import shown_key
from sync.errors import (
    HeadwaterError,
    LeaseLostError,
    RefusedError,
    UnexpectedError,
)
from sync.records import Mode
from sync.state.journal import Journal
from sync.state.leases import LEASE_SECONDS
from sync.state.places import Place
from sync.state.unrecorded import Unrecorded
from sync.warehouses.base import Session, now_utc


class RunRecord:
    """One run of one sync. Whatever it writes proves in the same transaction that the run has its lease still."""

    def __init__(
        self,
        context: PushContext,
        definition: SyncDefinition,
        result: SyncResult,
    ) -> None:
        self._context = context
        planning = self._planning = context.planning
        self._result = result
        self._run_id = context.run_id
        environment, sync_id = context.options.environment, definition.sync_id
        self.lease = planning.lease(definition, context.run_id)
        self.journal = Journal(
            planning.journal, environment=environment, sync_name=sync_id, run_id=context.run_id
        )
        self._unrecorded = Unrecorded(planning.journal, environment=environment, sync_name=sync_id)
        self._is_leased = self._has_intents = False
        self._sends_fields = True  # unless it is known that it sends none
        self.settles = False  # requests of a process that died may still arrive
        self._started_at = now_utc()
        self.locate(definition, settings="")

    def locate(self, definition: SyncDefinition, *, settings: str) -> None:
        """From here on the account is known; `settings` names those by which it was asked for."""
        context = self._context
        self._definition, self._settings = definition, settings
        self._intents = self._planning.intents(definition)
        self.log = self._planning.log(
            definition,
            context.run_id,
            definition_hash=definition.definition_hash,
            quarantine_after=definition.quarantine_after,
            shown=partial(shown_key, sync=definition.sync_id, columns=definition.key),
        )

    @property
    def intends(self) -> bool:
        """Whether what may be there differs from what is."""
        return self._definition.mode in INTENDING

    # -- before anything is sent ---------------------------------------------------------------

    def prepare(self, session: Session) -> None:
        """Settle what runs left that never ended, and take the lease; where nobody else can write as long as the session is open, and
        nothing is to be settled, only `begin` takes it: most syncs have nothing to send.

        Raises:
            RefusedError: another run has it, or that of a sync which fills the same object.
        """
        alone = self._context.warehouse.dialect.one_writer
        if not alone or self._planning.unfinished(session, self._definition):
            self._take_lease(session)
        else:
            self._drop_journals([])

    def _drop_journals(self, unfinished: list[str]) -> None:
        """Let go of what came back, of runs that ended long ago: it says of people what is so no more."""
        for run_id in self.journal.remove_others(unfinished):
            self._context.watcher.log("journal_dropped", sync=self._definition.name, run_id=run_id)

    def _take_lease(self, session: Session) -> None:
        definition = self._definition
        holder = self.lease.acquire(session, now_utc())
        if holder is not None:
            raise RefusedError(
                "running",
                f"sync '{definition.name}' is being pushed by {holder}.",
                hint="wait for it to end; a lease whose process died expires by itself.",
            )
        # Two that fill one object would each leave to the other who leaves both.
        for other in self._planning.others(definition):
            holder = self.lease.holder_of(session, other, now_utc())
            if holder is not None:
                self.lease.release(session)
                raise RefusedError(
                    "running",
                    f"sync '{definition.name}': '{other}', which fills the same object, is being pushed by {holder}.",
                    hint="push this one again when that is over.",
                )
        self._is_leased = True
        unfinished = self._planning.ledger(definition).unfinished_runs(session)
        self._drop_journals(unfinished)
        begun = self.journal.in_flight_at()
        self.settles = begun is not None and time.time() - begun < LEASE_SECONDS
        if unfinished:
            self._recover(session, unfinished)

    def begin(self, session: Session, planned: Planned) -> None:
        """The run is on record, and so is what it may send.

        Raises:
            RefusedError: the table is not the one that was planned any more, or another run has the lease.
        """
        if self._is_leased:
            self._begin(session, planned)
        else:
            # A session that runs out of memory within a transaction ends, so nobody has come between the plan and this.
            try:
                with session.transaction():
                    self._take_lease(session)
                    self._begin(session, planned)
            except BaseException:
                self._is_leased = False
                raise
        if planned.intents:
            self._check_intents(session, planned.plan.counts.to_send)

    def _begin(self, session: Session, planned: Planned) -> None:
        definition = self._definition
        self._sends_fields = bool(planned.mapping.fields)
        if planned.intents and definition.mode is not Mode.REPLACE:
            with suppress(OSError):  # without a journal all intents count
                self.journal.begin()
        with self.lease.held(session, now_utc()):
            self._place_former(session, planned)
            self.log.start(
                session, command="push", mode=definition.mode.value, now=self._started_at
            )
            if planned.intents:
                self._has_intents = True
                session.execute(
                    self._intents.write(
                        planned.intents,
                        run_id=self._run_id,
                        definition_hash=definition.definition_hash,
                    )
                )
            self._keep_place(session)
            self._doubt_gone(session, planned)

    def finish_empty(self, session: Session, planned: Planned) -> None:
        """Nothing to send: the run is over within the session that planned it."""
        with self.lease.released(session) if self._is_leased else session.transaction():
            self._place_former(session, planned)
            self._keep_place(session)
            self._write_row(session)
            self.log.write_withheld(session, self._result.counts.withheld)

    def _doubt_gone(self, session: Session, planned: Planned) -> None:
        """A sync that is gone claims nobody: what this push takes out may be what that one, defined again, believes to be there, and what
        it puts in may be what one of mode `remove` believes to be out.
        """
        if self._definition.mode is Mode.EVENT:
            return
        counts, planning = planned.plan.counts, self._planning
        ledger = planning.ledger(self._definition)
        for mode, is_touched in (
            (Mode.MIRROR, counts.remove or counts.change),
            (Mode.REMOVE, counts.add or counts.change),
        ):
            there = replace(self._definition, mode=mode)
            gone = planning.places.gone(there, planning.known)
            if gone and is_touched:
                session.execute(ledger.doubting_of(there.filled, gone))

    def _check_intents(self, session: Session, expected: int) -> None:
        """They were read after the rows that are to be sent, and must be of the same table."""
        written = session.rows(self._intents.count([self._run_id]))
        if int(written[0]["row_count"]) != expected:
            raise RefusedError(
                "changed_while_read",
                f"sync '{self._definition.name}': its table changed while it was read.",
                hint="a dbt run is under way; push when it is done.",
            )

    def _place_former(self, session: Session, planned: Planned) -> None:
        if planned.plan.checks.former:
            definition = self._definition
            ledger = self._planning.ledger(definition)
            session.execute(ledger.placing(definition.definition_hash, definition.former_hash))

    def _keep_place(self, session: Session) -> None:
        """Where the rows of this sync are is on record from here on."""
        place = Place.of(self._definition, self._settings)
        self._planning.places.keep(session, place, now_utc())

    # -- what never ended ----------------------------------------------------------------------

    def _recover(self, session: Session, unfinished: list[str]) -> None:
        """Bring the ledger up to date with runs that never ended, and end them."""
        doubtful = self._planning.doubtful(self._definition, unfinished)
        # Nobody knows what is on its way still.
        self.settles = self.settles or bool(doubtful)
        with self.lease.held(session, now_utc()):
            self._settle(session, unfinished, doubtful=doubtful)
            session.execute(self.log.interrupt(unfinished, now_utc()))
        self.journal.remove(unfinished)
        self._context.watcher.log("recovered", sync=self._definition.name, runs=len(unfinished))

    def _settle(self, session: Session, run_ids: list[str], *, doubtful: list[str]) -> None:
        """Within a unit: fold into the ledger what runs acknowledged, what their journals have, and of those that are `doubtful`
        what else they may have done.
        """
        context, now = self._context, now_utc()
        self.journal.recover(session, self._planning.tables, context.warehouse.dialect, run_ids)
        session.execute(
            *([self._intents.doubt(doubtful, now)] if doubtful else []),
            self._intents.drop(run_ids),
        )
        ledger = self._planning.ledger(self._definition)
        if self._definition.mode is Mode.EVENT:
            # Their answers nobody will get; they are not sent again.
            self.log.list_unknown(session, ledger.claimed(run_ids), now)
        session.execute(*self._folding(session, run_ids))

    def _folding(self, session: Session, run_ids: list[str], *, once: bool = False) -> list[str]:
        """Statements that fold what runs acknowledged into the ledger. Where one let go of a row since another is the same record, the
        vendor has the values of whichever was written last: the other is sent again.
        """
        definition, planning, context = self._definition, self._planning, self._context
        ledger = planning.ledger(definition)
        replaced = ledger.replaced(run_ids, once=once)
        # Of a table of all that was ever acknowledged DuckDB cannot tell how little a run is, and would hash the ledger instead.
        if kept := session.keep("replaced", replaced):
            replaced = f"select sync_key from {kept}"
        folding = ledger.compaction(run_ids, replaced=replaced, once=once)
        lets_go = self._result.counts.forget or run_ids != [self._run_id]
        if not (lets_go and self._sends_fields):
            return folding
        offered = capability.object_type(
            definition, context.connector.declaration(definition.destination)
        )
        if not (offered.open_fields or offered.known_fields):
            return folding
        names = [definition.sync_id, *planning.others(definition)]
        same = same_records(
            offered,
            ledger.let_go_of(run_ids),
            ledger.held_in(definition.filled, names),
            context.warehouse.dialect,
        )
        # Before it is folded in: what these runs wrote is written last.
        return [ledger.doubting_of(definition.filled, names, same), *folding]

    # -- the end -------------------------------------------------------------------------------

    def finish(self, *, once: bool) -> None:
        """Compact the ledger, close the run and give the lease back, in one unit; `once` says that each key was acknowledged once."""

        def write(session: Session) -> None:
            with self.lease.released(session):
                self.log.write_withheld(session, self._result.counts.withheld)
                session.execute(
                    *self._folding(session, [self._run_id], once=once),
                    *([self._intents.drop([self._run_id])] if self._has_intents else []),
                    self._finished(),
                )

        self._write(write)
        self.journal.end()

    def end(self, *, began: bool) -> None:
        """Put a run that was refused or failed on record; a warehouse that cannot take it is told by the error itself.

        `began` says that something may be at the destination.
        """
        result = self._result
        try:
            self._write(lambda session: self._write_end(session, began=began))
            self.journal.end()
            self._unrecorded.forget()
        except LeaseLostError:
            # Whoever has it has this run on its record, or will; the journal stays for that.
            self._context.watcher.log("lease_lost", sync=result.name)
        except Exception as error:
            told = (
                error
                if isinstance(error, HeadwaterError)
                else UnexpectedError.of(result.name, error)
            )
            self._context.watcher.log("not_recorded", sync=result.name, message=told.message)
            self._unrecorded.keep(
                status=result.recorded_status,
                message=result.recorded or told.message,
                now=now_utc(),
            )

    def forget_unrecorded(self) -> None:
        """This run has ended on record, so an earlier one that did not is past."""
        self._unrecorded.forget()

    def _write_end(self, session: Session, *, began: bool) -> None:
        if not self._is_leased:
            self._result.previous_status = self.log.last_status(session)
            self._write_row(session)
            self.lease.release(session)  # where the answer to its taking was lost
            return
        if self._run_id not in self._planning.ledger(self._definition).unfinished_runs(session):
            self._result.previous_status = self.log.last_status(session)
            with self.lease.released(session):
                self._write_row(session)
            return
        # What has not begun to be sent is surely not there.
        doubtful = self._planning.doubtful(self._definition, [self._run_id]) if began else []
        with self.lease.released(session):
            self._settle(session, [self._run_id], doubtful=doubtful)
            session.execute(self._finished())

    def _write(self, write: Callable[[Session], None]) -> None:
        """In a session of its own; nothing of it is written unless all is."""

        def once() -> None:
            with self._context.warehouse.session(write=True) as session:
                write(session)

        with_memory(once)

    def _finished(self) -> str:
        result = self._result
        return self.log.finish(
            status=result.recorded_status,
            message=result.recorded,
            counts=result.figures(),
            now=now_utc(),
        )

    def _write_row(self, session: Session) -> None:
        """The run as a whole, which is over already."""
        self.log.record(
            session,
            command="push",
            mode=self._definition.mode.value,
            started_at=self._started_at,
            finished_at=now_utc(),
            status=self._result.recorded_status,
            message=self._result.recorded,
            counts=self._result.figures(),
        )
