"""Planning one sync in an open session: counts first, rows only when there are any to send."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from sync.config.models import ConsentTables, SyncDefinition
from sync.destinations.base import Delivery, ObjectType
from sync.engine.plan import capability
from sync.engine.plan.claims import Claims
from sync.engine.plan.edge import Edge
from sync.engine.plan.gates import LIVE, SANDBOX, DbtFailure, RunResults, TableChecks
from sync.engine.plan.guards import MEMORY, Usual, usual
from sync.engine.plan.merged import Merged
from sync.engine.plan.permission import Permission
from sync.engine.plan.planner import (
    FILLING,
    INTENDING,
    REMOVING,
    Counts,
    Mapping,
    PlanQueries,
    Refresh,
    key_text,
    map_columns,
    read_counts,
)
from sync.engine.plan.spool import PlanSpool, Spool
from sync.engine.plan.taken_out import withholding
from sync.engine.scrub import shown_key
from sync.errors import RefusedError, WarehouseError, WarehouseMemoryError
from sync.records import Action, Mode
from sync.state.erasures import Erasures
from sync.state.intents import Intents
from sync.state.journal import Journal
from sync.state.leases import Leases, owner_name
from sync.state.ledger import UNKNOWN, Ledger
from sync.state.places import Places
from sync.state.runs import RunLog
from sync.state.standing import Standing, dbt_failures
from sync.state.tables import Tables
from sync.warehouses.base import Dialect, Session, Warehouse, now_utc

# Rows of a table: a comparison of fewer is made again sooner than it is kept.
WORTH_KEEPING = 20_000


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
    results: str | None = None  # the table of what the sandbox's vendors told of people
    standing: Standing | None = None  # of all syncs as they were at one moment, where that will do
    erasures: Erasures = field(init=False)
    known: frozenset[str] = field(init=False)  # ids of `syncs`

    def __post_init__(self) -> None:
        erasures = Erasures(self.tables, self.warehouse.dialect, environment=self.environment)
        object.__setattr__(self, "erasures", erasures)
        object.__setattr__(self, "known", frozenset(one.sync_id for one in self.syncs))

    def others(self, definition: SyncDefinition) -> list[str]:
        """Ids of other syncs that fill the same object, and did before."""
        return self.places.others(definition, self.known)

    def removers(self, definition: SyncDefinition) -> list[str]:
        """Ids of `remove` syncs that take out of the object which the sync fills."""
        if definition.mode not in FILLING:
            return []
        return self.places.others(replace(definition, mode=Mode.REMOVE), self.known)

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
            doubt=Action.REPEAT if definition.mode is Mode.EVENT else Action.ATTEMPT,
            is_shared=bool(self.others(definition)),
        )

    def log(self, definition: SyncDefinition, run_id: str = "", **settings: Any) -> RunLog:
        """What is kept of a run of the sync."""
        return RunLog(
            self.tables,
            self.warehouse.dialect,
            environment=self.environment,
            sync_name=definition.sync_id,
            run_id=run_id,
            **settings,
        )

    def lease(self, definition: SyncDefinition, run_id: str) -> Leases:
        """The sync's lease, as this run would hold it."""
        return Leases(
            self.tables,
            self.warehouse.dialect,
            environment=self.environment,
            sync_name=definition.sync_id,
            owner=owner_name(run_id),
        )

    @contextmanager
    def at_rest(self, definition: SyncDefinition, run_id: str, *, then: str) -> Iterator[Session]:
        """A session that writes while nobody pushes the sync, for what a person does by hand; `then` is what to do when somebody does.

        Raises:
            RefusedError: the sync is being pushed.
        """
        lease = self.lease(definition, run_id)
        with self.warehouse.session(write=True) as session:
            if (holder := lease.acquire(session, now_utc())) is not None:
                raise RefusedError(
                    "running",
                    f"sync '{definition.name}' is being pushed by {holder}.",
                    hint=then,
                )
            try:
                with lease.held(session, now_utc()):
                    yield session
            finally:
                lease.release(session)

    def held(
        self, session: Session, definition: SyncDefinition, *, is_settled: bool = False
    ) -> str:
        """A query of what the destination holds; what a run that never ended may have done counts as attempts, unless there is none, which
        `is_settled` says.
        """
        ledger = self.ledger(definition)
        unfinished: list[str] = []
        if self.standing:
            unfinished = self.unfinished(session, definition)
        elif not is_settled:
            unfinished = ledger.unfinished_runs(session)
        doubtful = self.doubtful(definition, unfinished) if unfinished else []
        if not doubtful:
            return ledger.state(unfinished)
        return ledger.state(unfinished, self.intents(definition).doubted(doubtful, now_utc()))

    def has_quarantined(self, session: Session, definition: SyncDefinition) -> bool:
        """Whether any row of the sync is quarantined."""
        if standing := self._standing(session):
            return definition.sync_id in standing.quarantined
        return self.log(definition).has_quarantined(session)

    def unfinished(self, session: Session, definition: SyncDefinition) -> list[str]:
        """Runs of the sync that never ended, before this process has written any."""
        if standing := self._standing(session):
            return standing.unfinished.get(definition.sync_id, [])
        return self.ledger(definition).unfinished_runs(session)

    def dbt_failures(self, session: Session) -> list[dict[str, Any]]:
        """What dbt could not build: unique_id, status, failed_at."""
        standing = self._standing(session)
        return standing.dbt_failures if standing else dbt_failures(session, self.tables)

    def at_once(self, session: Session) -> Planning:
        """The same, with how all syncs stand now: for plans that are shown, and never for a push."""
        return replace(self, standing=self._read_standing(session))

    def _standing(self, session: Session) -> Standing | None:
        """Of all syncs, where nobody else can have changed it since; of the one that is asked for, that is before it is pushed."""
        return self.standing or session.while_alone(
            "standing", partial(self._read_standing, session)
        )

    def _read_standing(self, session: Session) -> Standing:
        tables, dialect = self.tables, self.warehouse.dialect
        return Standing.read(session, tables, dialect, environment=self.environment)

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
    kept_both: int = 0  # records of who was merged into another, which stay beside the other's


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
    is_settled: bool = False,
    fingerprint: bool = False,
    results: RunResults | None = None,
    earlier: Sequence[SyncDefinition] = (),
    undo: str | None = None,
) -> Planned:
    """Plan `definition` as the warehouse is now; what others claim, as it is when those that are `earlier` have been pushed.

    `is_settled` says that no run of the sync is left that never ended. What dbt did not build for want of what failed is told by what
    failed: by `results`, where they are given. With `undo`, the id of a run, the plan takes out whom that put in, puts in whom it took out
    and who may be there by now, and does nothing else.

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
            is_settled=is_settled,
            fingerprint=fingerprint,
            earlier=earlier,
            undo=undo,
        )
    except WarehouseMemoryError:
        raise
    except (RefusedError, WarehouseError):
        if results is not None:
            results.check(definition, _known_failures(session, planning, definition))
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
    is_settled: bool,
    fingerprint: bool,
    earlier: Sequence[SyncDefinition],
    undo: str | None,
) -> Planned:
    found = session.columns(definition.model.relation)
    columns = [column.name for column in found]
    mapping = map_columns(definition, columns)
    if offered is not None:
        capability.check_columns(definition, mapping, found, offered)
    kinds = {column.name: column.kind for column in found}
    ledger = planning.ledger(definition)
    log = planning.log(definition)
    others = planning.others(definition)
    held = planning.held(session, definition, is_settled=is_settled)
    claims = None
    if others:
        kept = _kept(planning, session, [one for one in earlier if one.sync_id in others], offered)
        claims = ledger.claims(definition.filled, others, kept=kept)
    queries = _queries(
        planning,
        session,
        definition,
        columns,
        offered=offered,
        held=held,
        quarantined=log.quarantined() if planning.has_quarantined(session, definition) else None,
        full_refresh=full_refresh,
        members=offered.members if offered else (),
        kinds=kinds,
        claims=Claims.on(offered, claims),
        refresh=_refresh(definition, offered),
        by_id=offered is not None and (offered.updates_by_id or offered.merges),
        folds=offered is not None and offered.folds,
        maybe=_maybe(session, definition, offered, ledger, held, planning.warehouse.dialect)
        if spool
        else None,
        merged=_merged(planning, session, definition, offered, held),
        undo=None if undo is None else ledger.undoing(undo),
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
    differing = None
    # A push reads them again; of a first push they are all.
    is_large = checks.row_count >= WORTH_KEEPING
    if spool and sound and is_large and queries.compares and 2 * checks.held > checks.row_count:
        differing = session.keep("differing", queries.differing())
    by_key = queries.counts(differing, rows=checks.row_count)
    counts = read_counts(session.rows(by_key)) if sound else Counts()
    if counts.remove and queries.ask_claims(_wanted(planning, session, definition, offered)):
        differing = None
        counts = read_counts(session.rows(queries.counts()))
    plan = Plan(
        name=definition.name,
        counts=counts,
        checks=checks,
        duplicates=duplicates,
        dbt_failures=_dbt_failures(session, planning, definition),
        before=_usual(session, log, checks.held) if counts.add or counts.remove else Usual(),
        fingerprint=_fingerprint(session, queries, definition) if fingerprint and sound else None,
        others=tuple(others),
        other_keys=_other_keys(planning, definition, offered),
        elsewhere=_elsewhere(session, planning, definition, ledger) if checks.elsewhere else (),
        abandoned=_abandoned(session, planning, definition, ledger, held=counts.held),
        kept_both=_kept_both(planning, session, definition, offered, held),
    )
    planned = Planned(plan, queries.mapping)
    if spool and (counts.to_send or counts.forget):
        marked = bool(counts.remove or counts.change)
        removes = bool(counts.remove or counts.forget)
        sent = queries.sent(differing, marked=marked, removes=removes)
        is_kept = is_large and counts.to_send < counts.unchanged
        sent = (is_kept and session.keep("sent", sent)) or f"({sent})"
        planned.spool = _spooled(
            session, queries.rows(sent, marked=marked), plan, Edge(mapping, kinds)
        )
        if is_intended(definition, offered):
            planned.intents = queries.intents(sent, marked=marked)
    return planned


def _queries(
    planning: Planning,
    session: Session,
    definition: SyncDefinition,
    columns: Sequence[str],
    *,
    offered: ObjectType | None,
    held: str,
    quarantined: str | None = None,
    **settings: Any,
) -> PlanQueries:
    """The plan's SQL, asked of nobody who is erased or kept out."""
    ledger, salts = planning.ledger(definition), planning.erasures.salts(session)
    return PlanQueries(
        definition,
        columns,
        held=held,
        in_ledger=ledger.counts(held),
        quarantined=quarantined,
        dialect=planning.warehouse.dialect,
        people=planning.people,
        erased=partial(planning.erasures.asked, salts=salts) if salts else None,
        taken_out=_taken_out(planning, definition, columns, offered),
        **settings,
    )


def settled(
    planning: Planning,
    session: Session,
    definition: SyncDefinition,
    offered: ObjectType,
) -> tuple[Mapping, Spool]:
    """The rows that the destination took as the table has them now, on disk; values that can go nowhere are left out."""
    from sync.arrow import pc

    found = session.columns(definition.model.relation)
    kinds = {column.name: column.kind for column in found}
    held = planning.held(session, definition)
    columns = [column.name for column in found]
    queries = _queries(
        planning, session, definition, columns, offered=offered, held=held, kinds=kinds
    )
    edge, spool = Edge(queries.mapping, kinds), Spool()
    try:
        for batch in session.stream(queries.settled()):
            crossed, reasons = edge.cross(batch)
            spool.write(crossed.filter(pc.is_null(reasons)))
        spool.end()
    except BaseException:
        spool.close()
        raise
    return queries.mapping, spool


def _sendable(
    planning: Planning,
    session: Session,
    definition: SyncDefinition,
    offered: ObjectType | None,
) -> str | None:
    """A query of (sync_key, identifiers) of what a sync's table has and its plan would not withhold: who refuses is wanted by nobody."""
    columns = [column.name for column in session.columns(definition.model.relation)]
    if not columns:
        return None
    try:
        held = planning.held(session, definition)
        return _queries(planning, session, definition, columns, offered=offered, held=held).wanted()
    except RefusedError:  # its own plan says what is wrong with it
        return None


def _taken_out(
    planning: Planning,
    definition: SyncDefinition,
    columns: Sequence[str],
    offered: ObjectType | None,
) -> Permission | None:
    """Whom a `remove` sync keeps out of the object, where there is one."""
    removers = planning.removers(definition)
    if not removers:
        return None
    there = replace(definition, mode=Mode.REMOVE)
    is_known_by_key = offered is None or not (offered.found_by or offered.members)
    place = f"{there.place}." if is_known_by_key else f"{there.filled}-"
    dialect = planning.warehouse.dialect
    return withholding(
        planning.ledger(definition).taken_out(place, removers),
        offered=offered,
        key=key_text(definition, dialect),
        identifiers=map_columns(definition, columns).identifiers,
        dialect=dialect,
    )


def _kept(
    planning: Planning,
    session: Session,
    earlier: Sequence[SyncDefinition],
    offered: ObjectType | None,
) -> dict[str, str]:
    """By id, a query of the keys that each of these syncs holds on to: whoever else it has will be let go of when it is pushed."""
    kept = {}
    for one in earlier:
        if one.mode in REMOVING and (wanted := _sendable(planning, session, one, offered)):
            kept[one.sync_id] = f"select sync_key from ({wanted}) as of_earlier"
    return kept


def is_intended(definition: SyncDefinition, offered: ObjectType | None) -> bool:
    """Whether what is about to be sent is written down before. Of events too, that may be there and go again: whoever is erased meanwhile
    is erased there. Not where each batch is claimed before it is sent, nor of who is only asked to be taken out.
    """
    if definition.mode is Mode.EVENT:
        return (
            offered is None or capability.delivery(definition, offered) is not Delivery.AT_MOST_ONCE
        )
    return definition.mode in INTENDING


def _wanted(
    planning: Planning,
    session: Session,
    definition: SyncDefinition,
    offered: ObjectType | None,
) -> str | None:
    """A query of what the tables of other syncs want in the same object; asked only of a plan that could take it out."""
    if definition.mode not in (Mode.MIRROR, Mode.UPSERT):
        return None
    parts = []
    for other in planning.sharing(definition):
        if other.mode in FILLING:
            there = replace(other, account=definition.account)
            if wanted := _sendable(planning, session, there, offered):
                parts.append(wanted)
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


def _merged(
    planning: Planning,
    session: Session,
    definition: SyncDefinition,
    offered: ObjectType | None,
    held: str,
) -> Merged | None:
    """Who became whom, where the destination can be told, or let go of whoever is gone, and has somebody who is another by now."""
    aliases = planning.people.aliases
    if aliases is None or offered is None or not offered.lets_go or not tells_merges(definition):
        return None
    # Seldom is there any, and to look for them among all that is compared takes as long as the rest of a plan.
    anybody = session.rows(
        f"select 1 as one from {aliases} as ids inner join ({held}) as held "
        "on held.sync_key = ids.old_id where ids.old_id <> ids.live_id limit 1"
    )
    if not anybody:
        return None
    return Merged(aliases, makes_one=offered.merges, is_found=bool(offered.found_by))


def _maybe(
    session: Session,
    definition: SyncDefinition,
    offered: ObjectType | None,
    ledger: Ledger,
    held: str,
    dialect: Dialect,
) -> str | None:
    """As whom rows may be there whose last answer was lost, where there are such rows and a record is to follow its address."""
    if offered is None or not (offered.updates_by_id or offered.folds):
        return None
    if definition.mode not in (Mode.UPSERT, Mode.MIRROR, Mode.UPDATE_ONLY):
        return None
    unknown = dialect.literal(UNKNOWN)
    if not session.rows(
        f"select 1 as one from ({held}) as held where row_hash = {unknown} limit 1"
    ):
        return None
    return ledger.maybe_there()


def tells_merges(definition: SyncDefinition) -> bool:
    """Whether the sync tells its destination who became somebody else: in modes that keep records, of rows with one key."""
    keeps = definition.mode in (Mode.UPSERT, Mode.MIRROR)
    return keeps and definition.tells_merges and len(definition.key) == 1


def _kept_both(
    planning: Planning,
    session: Session,
    definition: SyncDefinition,
    offered: ObjectType | None,
    held: str,
) -> int:
    """Records of those who were merged into others that stay beside the others', where the destination can let go of neither."""
    aliases = planning.people.aliases
    if aliases is None or offered is None or offered.lets_go or not tells_merges(definition):
        return 0
    found = session.rows(
        f"select count(*) as row_count from {aliases} as ids "
        f"inner join ({held}) as gone on gone.sync_key = ids.old_id "
        f"inner join ({held}) as kept on kept.sync_key = ids.live_id where ids.old_id <> ids.live_id"
    )
    return int(str(found[0]["row_count"]))


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


def _usual(session: Session, log: RunLog, held: int) -> Usual:
    """What the sync usually adds, held a day ago and has taken out since; asked only of a plan that adds or takes out."""
    now = now_utc()
    return usual(
        log.past(session, now - MEMORY),
        held=held,
        now=now,
        is_old=log.is_older_than(session, now - MEMORY),
    )


def _known_failures(
    session: Session, planning: Planning, definition: SyncDefinition
) -> dict[str, DbtFailure]:
    try:
        return _dbt_failures(session, planning, definition)
    except WarehouseError:
        return {}  # the first build failed before it made the table


def _dbt_failures(
    session: Session, planning: Planning, definition: SyncDefinition
) -> dict[str, DbtFailure]:
    """By node; what was built for the sandbox is a failure to a live push alone. A push to the sandbox fails by what was built for live,
    once the sandbox's vendors have told of somebody who wants nothing more.
    """
    found = {
        row["unique_id"]: DbtFailure(row["status"], row["failed_at"])
        for row in planning.dbt_failures(session)
    }
    if planning.environment == "live":
        return found
    model = definition.model.unique_id
    known = {one: failure for one, failure in found.items() if failure.status != SANDBOX}
    if model not in found and planning.results and _has_told(session, planning):
        known[model] = DbtFailure(LIVE, now_utc())
    return known


def _has_told(session: Session, planning: Planning) -> bool:
    literal = planning.warehouse.dialect.literal
    return bool(
        session.rows(
            f"select 1 as one from {planning.results} where environment = {literal(planning.environment)} "
            "and kind in ('unsubscribed', 'complained', 'bounced') limit 1"
        )
    )


def _spooled(session: Session, rows: str, plan: Plan, edge: Edge) -> PlanSpool:
    counts = plan.counts
    spool = PlanSpool(session.stream(rows), edge)
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
