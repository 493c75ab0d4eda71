"""What becomes of rows that a sync sent to another account or object, or under another key, than it has now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sync.config.models import SyncDefinition
from sync.engine.context import new_run_id
from sync.engine.plan.plan import Plan, Planning
from sync.engine.plan.planner import keys_of
from sync.errors import HeadwaterError
from sync.records import Mode
from sync.state.places import Place
from sync.warehouses.base import Session, now_utc

KEEP, START_OVER = "keep", "start over"


@dataclass(frozen=True, slots=True)
class Migration:
    """A sync whose rows are elsewhere; `definition` has the account that it reaches now."""

    planning: Planning
    definition: SyncDefinition
    plan: Plan

    @property
    def is_due(self) -> bool:
        """Whether there is anything to decide."""
        return bool(self.plan.elsewhere or self.plan.abandoned)

    @property
    def new_key(self) -> bool:
        """Whether rows are known by another key now: events that were sent cannot be told from others then."""
        last = self.planning.places.last(self.definition.sync_id)
        return last is not None and last.key != ", ".join(self.definition.key)

    @property
    def turned(self) -> str | None:
        """The mode by which the rows came to be known, where what it said of them is not what the mode says now: who was put in was not
        taken out, and neither is an event.
        """
        ledger = self.planning.ledger(self.definition)
        with self.planning.warehouse.session() as session:
            modes = sorted(str(row["mode"]) for row in session.rows(ledger.modes_elsewhere()))
        filled = self.definition.filled
        turned = (one for one in modes if replace(self.definition, mode=Mode(one)).filled != filled)
        return next(turned, None)

    def choices(self) -> dict[str, str]:
        """What can be done, each in words."""
        name, elsewhere = self.definition.name, sum(count for _, count in self.plan.elsewhere)
        if not elsewhere:
            former = self.plan.abandoned[0][0]
            return {
                START_OVER: f"'{name}' is another sync than '{former}', whose rows stay where they are; nobody takes them out",
            }
        start_over = (
            f"every row of the table is sent (a guard may want --allow-additions); the {elsewhere:,} rows stay where they are, "
            "and nobody takes them out"
        )
        is_event, turned = self.definition.mode is Mode.EVENT, self.turned
        if turned and not is_event:
            return {START_OVER: start_over}
        keep = f"the {elsewhere:,} rows are here too, and count as sent: the account or the object has another name, or was copied"
        if is_event and (self.new_key or turned):
            keep = (
                f"all {self.plan.checks.row_count:,} rows of the table count as sent, "
                "and what comes from now on is sent"
            )
        elif self.new_key:
            keep = f"the {elsewhere:,} rows count as sent; who is known by a new key is added, and the old key leaves"
        return {KEEP: keep, START_OVER: start_over}

    def run(self, choice: str) -> str:
        """Do it, and put it on record; returns what was done.

        Raises:
            HeadwaterError: the choice is none here.
            RefusedError: the sync is being pushed.
        """
        choices = self.choices()
        if choice not in choices:
            if turned := self.turned:
                raise HeadwaterError(
                    f"sync '{self.definition.name}' was of mode {turned} and is of mode {self.definition.mode.value} now: "
                    "what the one did is not what the other says was done.",
                    hint=f"--start-over: {choices[START_OVER]}.",
                )
            former = self.plan.abandoned[0][0]
            raise HeadwaterError(
                f"sync '{self.definition.name}' keeps the state of '{former}' when it says so itself.",
                hint=f"say `id: {former}` in its `sync:` and run dbt parse.",
            )
        run_id = new_run_id()
        statements = self._statements(choice, run_id)
        with self.planning.at_rest(
            self.definition, run_id, then="migrate when that is over."
        ) as session:
            session.execute(*statements)
            self._record(session, choice, run_id)
        return f"{choice}: {choices[choice]}"

    def _statements(self, choice: str, run_id: str) -> Sequence[str]:
        definition = self.definition
        ledger = self.planning.ledger(definition)
        if choice == START_OVER:
            return [ledger.leaving_elsewhere()]
        if definition.mode is not Mode.EVENT or not (self.new_key or self.turned):
            return [ledger.bringing()]
        keys = keys_of(definition, self.planning.warehouse.dialect)
        counted = ledger.taking(
            keys,
            definition_hash=definition.definition_hash,
            run_id=run_id,
            now=now_utc(),
        )
        return [ledger.leaving_elsewhere(), counted]

    def _record(self, session: Session, choice: str, run_id: str) -> None:
        self.planning.places.keep(session, Place.of(self.definition), now_utc())
        listed = "; ".join(f"{count:,} rows of {where}" for where, count in self.plan.elsewhere)
        self.planning.log(self.definition, run_id).note(
            session,
            command="migrate",
            mode=self.definition.mode.value,
            now=now_utc(),
            message=f"{choice}: {listed}" if listed else choice,
        )
