"""Planning one sync in an open session: counts first, rows only when there are any to send."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from sync.config.models import ConsentTables, SyncDefinition
from sync.destinations.base import ObjectType
from sync.engine.plan import capability
from sync.engine.plan.claims import Claims
from sync.engine.plan.edge import Edge
from sync.engine.plan.gates import SANDBOX, DbtFailure, RunResults, TableChecks
from sync.engine.plan.guards import MEMORY, Usual, usual
from sync.engine.plan.planner import (
    FILLING,
    INTENDING,
    REMOVING,
    Counts,
    Mapping,
    PlanQueries,
    Refresh,
    map_columns,
    read_counts,
    wanted_by,
)
from sync.engine.plan.spool import PlanSpool
from sync.engine.scrub import shown_key
from sync.errors import RefusedError, WarehouseError, WarehouseMemoryError
from sync.records import Mode
from sync.state.erasures import Erasures
from sync.state.intents import Intents
from sync.state.journal import Journal
from sync.state.ledger import Ledger
from sync.state.places import Places
from sync.state.runs import RunLog
from sync.state.tables import Tables
from sync.warehouses.base import Session, Warehouse, now_utc


@dataclass(frozen=True, slots=True)
class Planning:
    """What all plans of a run share."""

    warehouse: Warehouse
    tables: Tables
    environment: str
    places: Places
    journal: Path  # of this machine
    people: ConsentTables = field(default_factory=ConsentTables)
    syncs: tuple[SyncDefinition, ...] = ()  # every one that the project defines
    erasures: Erasures = field(init=False)

    def __post_init__(self) -> None:
        erasures = Erasures(self.tables, self.warehouse.dialect, environment=self.environment)
        object.__setattr__(self, "erasures", erasures)

    @property
    def known(self) -> frozenset[str]:
        """Their ids."""
        return frozenset(one.sync_id for one in self.syncs)

    def others(self, definition: SyncDefinition) -> list[str]:
        """Ids of other syncs that fill the same object, and did before."""
        return self.places.others(definition, self.known)

    def sharing(self, definition: SyncDefinition) -> list[SyncDefinition]:
        """Other syncs that fill the same object, and those that are about to, which no place is known of."""
        before = self.others(definition)
        target = (definition.destination, definition.object.kind, definition.object.name)
        return [
            one
            for one in self.syncs
            if one.sync_id in before
            or (
                one.sync_id != definition.sync_id
                and (one.destination, one.object.kind, one.object.name) == target
            )
        ]

    def intents(self, definition: SyncDefinition) -> Intents:
        """What runs of the sync are about to do."""
        return Intents(
            self.tables,
            self.warehouse.dialect,
            environment=self.environment,
            sync_name=definition.sync_id,
        )

    def held(self, session: Session, definition: SyncDefinition) -> str:
        """A query of what the destination holds; what a run that never ended may have done counts as attempts."""
        ledger = self.ledger(definition)
        unfinished = ledger.unfinished_runs(session)
        doubtful = self.doubtful(definition, unfinished) if unfinished else []
        if not doubtful:
            return ledger.state(unfinished)
        return ledger.state(unfinished, self.intents(definition).doubted(doubtful, now_utc()))

    def doubtful(self, definition: SyncDefinition, unfinished: list[str]) -> list[str]:
        """Of these runs those whose intents may have been done: where no journal knows it, or another sync that fills the object has
        counted on them.
        """
        if self.others(definition):
            return unfinished
        journal = Journal(
            self.journal, environment=self.environment, sync_name=definition.sync_id, run_id=""
        )
        return sorted({*unfinished} - journal.whole())

    def ledger(self, definition: SyncDefinition) -> Ledger:
        """The sync's part of the ledger."""
        return Ledger(
            self.tables,
            self.warehouse.dialect,
            environment=self.environment,
            sync_name=definition.sync_id,
            mode=definition.mode.value,
            place=definition.place,
            former_place=definition.former_place,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What a push would do."""

    name: str
    counts: Counts
    checks: TableChecks
    duplicates: list[str]
    dbt_failures: dict[str, DbtFailure]
    before: Usual = field(default_factory=Usual)
    fingerprint: str | None = None
    others: tuple[str, ...] = ()  # ids of syncs that fill the same object
    other_keys: tuple[str, ...] = ()  # of these, what names its rows by another key
    elsewhere: tuple[tuple[str, int], ...] = ()  # where rows of this sync are now, and how many
    abandoned: tuple[
        tuple[str, int], ...
    ] = ()  # syncs that nothing defines, with rows in this object


@dataclass(slots=True)
class Planned:
    """A plan, and its rows where they were asked for and there are any."""

    plan: Plan
    mapping: Mapping
    spool: PlanSpool | None = None
    intents: str | None = (
        None  # a query of what is to be sent, where it must be written down before
    )

    def close(self) -> None:
        """Give the spool's disk space back."""
        if self.spool is not None:
            self.spool.close()


def plan_sync(
    planning: Planning,
    session: Session,
    definition: SyncDefinition,
    *,
    hashed: bool = False,
    offered: ObjectType | None = None,
    full_refresh: bool = False,
    spool: bool = False,
    fingerprint: bool = False,
    results: RunResults | None = None,
) -> Planned:
    """Plan `definition` as the warehouse is now. What dbt did not build for want of what failed is told by what failed: by
    `results`, where they are given.

    Raises:
        RefusedError: its table or a column is missing, or the world changes while it is read.
        WarehouseError: the warehouse refuses a query.
    """
    try:
        return _planned(
            planning,
            session,
            definition,
            hashed=hashed,
            offered=offered,
            full_refresh=full_refresh,
            spool=spool,
            fingerprint=fingerprint,
        )
    except WarehouseMemoryError:
        raise
    except (RefusedError, WarehouseError):
        if results is not None:
            results.check(
                definition, _known_failures(session, planning.tables, planning.environment)
            )
        raise


def _planned(
    planning: Planning,
    session: Session,
    definition: SyncDefinition,
    *,
    hashed: bool,
    offered: ObjectType | None,
    full_refresh: bool,
    spool: bool,
    fingerprint: bool,
) -> Planned:
    found = session.columns(definition.model.relation)
    columns = [column.name for column in found]
    mapping = map_columns(definition, columns)
    if offered is not None:
        capability.check_columns(definition, mapping, found, offered)
    kinds = {column.name: column.kind for column in found}
    ledger = planning.ledger(definition)
    log = RunLog(
        planning.tables,
        planning.warehouse.dialect,
        environment=planning.environment,
        sync_name=definition.sync_id,
        run_id="",
    )
    others = planning.others(definition)
    held = planning.held(session, definition)
    salts = planning.erasures.salts(session)
    queries = PlanQueries(
        definition,
        columns,
        held=held,
        elsewhere=ledger.elsewhere(),
        former=ledger.former(),
        quarantined=log.quarantined() if log.has_quarantined(session) else None,
        dialect=planning.warehouse.dialect,
        full_refresh=full_refresh,
        members=offered.members if offered else (),
        people=planning.people,
        kinds=kinds,
        claims=Claims.on(offered, ledger.claims(definition.filled, others) if others else None),
        refresh=_refresh(definition, offered),
        erased=partial(planning.erasures.asked, salts=salts) if salts else None,
        by_id=offered is not None and offered.updates_by_id,
    )
    checks = TableChecks(
        **{
            name: int(number or 0)
            for name, number in session.rows(queries.checks(hashed=hashed))[0].items()
        }
    )
    duplicates: list[str] = []
    if checks.row_count - checks.null_keys != checks.key_count:
        duplicates = [
            shown_key(str(row["sync_key"]), sync=definition.sync_id, columns=definition.key)
            for row in session.rows(queries.duplicates())
        ]
        if not duplicates:  # two keys had one hash
            checks = replace(checks, key_count=checks.row_count - checks.null_keys)
    sound = not duplicates and not checks.null_keys and not checks.clear_identifiers
    counts = read_counts(session.rows(queries.counts())) if sound else Counts()
    if counts.remove and queries.ask_claims(_wanted(planning, session, definition)):
        counts = read_counts(session.rows(queries.counts()))
    plan = Plan(
        name=definition.name,
        counts=counts,
        checks=checks,
        duplicates=duplicates,
        dbt_failures=_dbt_failures(session, planning.tables, planning.environment),
        before=_usual(session, log, held) if counts.add or counts.remove else Usual(),
        fingerprint=_fingerprint(session, queries, definition) if fingerprint and sound else None,
        others=tuple(others),
        other_keys=_other_keys(planning, definition, offered),
        elsewhere=_elsewhere(session, planning, definition, ledger) if checks.elsewhere else (),
        abandoned=_abandoned(session, planning, definition, ledger, held=counts.held),
    )
    planned = Planned(plan, queries.mapping)
    if spool and (counts.to_send or counts.forget):
        planned.spool = _spooled(session, queries, plan, Edge(mapping, kinds))
        if definition.mode in INTENDING:
            planned.intents = queries.intents(marked=bool(counts.remove or counts.change))
    return planned


def _wanted(planning: Planning, session: Session, definition: SyncDefinition) -> str | None:
    """A query of what the tables of other syncs want in the same object; asked only of a plan that could take it out."""
    if definition.mode is not Mode.MIRROR:
        return None
    parts = []
    for other in planning.sharing(definition):
        columns = [column.name for column in session.columns(other.model.relation)]
        if other.mode in FILLING and columns:
            with suppress(RefusedError):  # its own plan says what is wrong with it
                parts.append(wanted_by(other, columns, planning.warehouse.dialect))
    return " union all ".join(parts) or None


def _other_keys(
    planning: Planning, definition: SyncDefinition, offered: ObjectType | None
) -> tuple[str, ...]:
    """Syncs that fill the same object under another key, where nothing but the key says who is the same."""
    if offered is None or offered.found_by or offered.members or definition.mode not in REMOVING:
        return ()
    return tuple(
        one.name
        for one in planning.sharing(definition)
        if one.mode in FILLING and one.key != definition.key
    )


def _refresh(definition: SyncDefinition, offered: ObjectType | None) -> Refresh | None:
    """When rows that did not change are sent again, so that the vendor does not forget them."""
    days = definition.refresh_days or (offered.refresh_days if offered else None)
    return Refresh(days, now_utc()) if days else None


def _elsewhere(
    session: Session, planning: Planning, definition: SyncDefinition, ledger: Ledger
) -> tuple[tuple[str, int], ...]:
    """Where rows are that are not here, in words where they were kept."""
    found = []
    for row in session.rows(ledger.places_elsewhere()):
        known = planning.places.described(definition.sync_id, row["place"])
        found.append((str(known or "a place of before"), int(row["row_count"])))
    return tuple(found)


def _abandoned(
    session: Session, planning: Planning, definition: SyncDefinition, ledger: Ledger, *, held: int
) -> tuple[tuple[str, int], ...]:
    """Asked of a sync that was never pushed: whether it may be one that had another name."""
    if held or planning.places.last(definition.sync_id):
        return ()
    rows = session.rows(ledger.abandoned(definition.filled, planning.known))
    return tuple((row["sync_name"], int(row["row_count"])) for row in rows)


def _usual(session: Session, log: RunLog, held: str) -> Usual:
    """What the sync usually adds, held a day ago and has taken out since; asked only of a plan that adds or takes out."""
    now = now_utc()
    rows = session.rows(f"select count(*) as row_count from ({held}) as held")
    return usual(
        log.past(session, now - MEMORY),
        held=int(rows[0]["row_count"]),
        now=now,
        is_old=log.is_older_than(session, now - MEMORY),
    )


def _known_failures(session: Session, tables: Tables, environment: str) -> dict[str, DbtFailure]:
    try:
        return _dbt_failures(session, tables, environment)
    except WarehouseError:
        return {}  # the first build failed before it made the table


def _dbt_failures(session: Session, tables: Tables, environment: str) -> dict[str, DbtFailure]:
    """By node; what was built for the sandbox is a failure to a live push alone."""
    rows = session.rows(f"select unique_id, status, failed_at from {tables.dbt_failures}")
    return {
        row["unique_id"]: DbtFailure(row["status"], row["failed_at"])
        for row in rows
        if environment == "live" or row["status"] != SANDBOX
    }


def _spooled(session: Session, queries: PlanQueries, plan: Plan, edge: Edge) -> PlanSpool:
    counts = plan.counts
    marked = bool(counts.remove or counts.change)
    removes = bool(counts.remove or counts.forget)
    spool = PlanSpool(session.stream(queries.rows(marked=marked, removes=removes)), edge)
    seen = spool.seen
    wanted = {"add": counts.add, "change": counts.change, "remove": counts.remove}
    if any(seen.get(action, 0) != number for action, number in wanted.items()):
        spool.close()
        raise RefusedError(
            "changed_while_read",
            f"sync '{plan.name}': its table changed while it was read.",
            hint="a dbt run is under way; push when it is done.",
        )
    return spool


def _fingerprint(session: Session, queries: PlanQueries, definition: SyncDefinition) -> str:
    rows = session.rows(queries.fingerprint())
    if not rows:
        raise WarehouseError("the plan has no fingerprint.")
    how = f"{definition.mode.value}-{definition.definition_hash}"
    return f"{rows[0]['row_count']}-{rows[0]['content'] or 0}-{how}"
