"""What a sync's ledger says is at the vendor, and what the vendor says: read alone, and repaired by the next push, through the same gates.

Missing is who the ledger has there and the vendor has not; changed whose fields there are others than those that were taken; extra who is
there and in no ledger: `ours` are those whom the sync took out before, the others somebody else put there, which is no fault.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from sync.config.models import SyncDefinition
from sync.destinations.base import (
    ComparesFields,
    CountsMembers,
    ListsMembers,
    ObjectType,
    ReadsBack,
)
from sync.destinations.values import chunks
from sync.engine.account import located
from sync.engine.connect import Connection
from sync.engine.context import new_run_id
from sync.engine.plan import capability
from sync.engine.plan.plan import Planning, settled
from sync.engine.plan.planner import FILLING, REMOVING
from sync.engine.push.rows import RowReader
from sync.engine.retry import Retrier
from sync.records import Mode, Record
from sync.state.ledger import UNKNOWN
from sync.warehouses.base import now_utc

KEYS = 500  # that one statement names


@dataclass(slots=True)
class Audited:
    """What an audit of one sync came to."""

    name: str
    held: int = 0  # by the ledger
    doubted: int = 0  # may be there or not by the ledger itself: the next push sends them
    missing: list[str] = field(default_factory=list)  # keys that the vendor does not have
    changed: dict[str, list[str]] | None = None  # keys, and fields; None where nobody can tell
    compared: int = 0  # rows of which the vendor told a value at all
    extra_ours: list[str] | None = None  # keys that were taken out and are there
    extra_others: int | None = None
    matched: int | None = None  # people whom the vendor itself counts
    repaired: bool = False
    why_not: str | None = None  # why nothing was read

    @property
    def drifted(self) -> int:
        """Rows that are not as the ledger says."""
        return len(self.missing) + len(self.changed or ()) + len(self.extra_ours or ())


def audit(
    planning: Planning,
    definition: SyncDefinition,
    connection: Connection,
    retrier: Retrier,
    *,
    repair: bool = False,
) -> Audited:
    """Ask the vendor for everybody whom the sync's ledger has there, what it has of them, and for who else is there.

    What was seen is kept as a run of the command `audit`. With `repair`, whatever drifted counts as in doubt, so that the next push sends
    it again, or takes it out; nothing is sent here.

    Raises:
        RefusedError: the sync is being pushed.
        DestinationError: the vendor does not answer.
    """
    found, destination = Audited(definition.name), connection.destination
    offered = capability.object_type(definition, connection.declaration)
    if definition.mode not in FILLING or definition.mode is Mode.REPLACE:
        found.why_not = f"mode {definition.mode.value} keeps nobody there that could be asked for"
        return found
    if not isinstance(destination, ReadsBack | CountsMembers):
        found.why_not = f"{connection.declaration.title} is not asked who is there"
        return found
    planning.places.load(planning.warehouse)
    definition = retrier.call(partial(located, definition, connection, planning.places))
    if isinstance(destination, CountsMembers):
        found.matched = retrier.call(destination.matched)
    with planning.warehouse.session() as session:
        rows = list(session.rows(planning.held(session, definition)))
    found.held = len(rows)
    found.doubted = sum(row["row_hash"] == UNKNOWN for row in rows)
    if isinstance(destination, ReadsBack):
        for batch in chunks(list(_records(rows)), offered.batch_rows):
            there = retrier.call(partial(destination.there, batch))
            found.missing += [record.key for record in batch if record.key not in there]
    if isinstance(destination, ComparesFields):
        told = _told(planning, definition, destination, offered, retrier, found)
        found.compared = len(told)
        if told:
            found.changed = {key: sorted(names) for key, names in told.items() if names}
    if isinstance(destination, ListsMembers):
        there_now = retrier.call(destination.everybody)
        if there_now is not None:
            _extra(planning, definition, there_now, found)
    _keep(planning, definition, found, repair=repair and bool(found.drifted))
    return found


def _records(rows: Sequence[dict[str, object]]) -> Iterator[Record]:
    for row in rows:
        if row["row_hash"] != UNKNOWN:
            known = json.loads(str(row["identifiers"])) if row["identifiers"] else {}
            remote_id = row["remote_id"]
            yield Record(
                str(row["sync_key"]), known, remote_id=None if remote_id is None else str(remote_id)
            )


def _told(
    planning: Planning,
    definition: SyncDefinition,
    destination: ComparesFields,
    offered: ObjectType,
    retrier: Retrier,
    found: Audited,
) -> dict[str, Sequence[str]]:
    """Rows of which the vendor tells a value, and the fields that are others than were taken; of what the table has otherwise by now
    nobody knows what was taken.
    """
    missing, told = {*found.missing}, dict[str, Sequence[str]]()
    with planning.warehouse.session() as session:
        mapping, spool = settled(planning, session, definition, offered)
    try:
        reader = RowReader(definition, mapping)
        for rows in reader.read(spool.batches()):
            records = [row.record for row in rows if row.record.key not in missing]
            for batch in chunks(records, offered.batch_rows):
                told |= retrier.call(partial(destination.differing, batch))
    finally:
        spool.close()
    return told


def _extra(
    planning: Planning, definition: SyncDefinition, there: Collection[str], found: Audited
) -> None:
    """Who is there and in no ledger: whom this sync took out, and how many others."""
    ledger = planning.ledger(definition)
    with planning.warehouse.session() as session:
        known = {
            str(row["remote_id"]) for row in session.rows(ledger.remote_ids(definition.filled))
        }
        strangers = sorted({*there} - known)
        ours: dict[str, str] = {}
        if definition.mode in REMOVING:
            for some in chunks(strangers, KEYS):
                ours |= {
                    str(row["remote_id"]): str(row["sync_key"])
                    for row in session.rows(ledger.taken_out_here(some))
                }
    found.extra_ours = sorted({*ours.values()})
    found.extra_others = len(strangers) - len(ours)


def _keep(planning: Planning, definition: SyncDefinition, found: Audited, *, repair: bool) -> None:
    """Write down what was seen, and with `repair` let the next push mend it."""
    run_id, ledger = new_run_id(), planning.ledger(definition)
    said = f"{found.held:,} held, {len(found.missing):,} missing"
    for count, what in (
        (None if found.changed is None else len(found.changed), "changed"),
        (None if found.extra_ours is None else len(found.extra_ours), "taken out and there"),
        (found.extra_others, "of others"),
        (found.matched, "counted there"),
    ):
        said += f", {count:,} {what}" if count is not None else ""
    at_rest = planning.at_rest(definition, run_id, then="audit when that is over.")
    with at_rest if repair else planning.warehouse.session(write=True) as session:
        if repair:
            doubted = [*found.missing, *(found.changed or ())]
            statements = [*map(ledger.doubting, chunks(doubted, KEYS))]
            statements += map(ledger.recalling, chunks(found.extra_ours or [], KEYS))
            session.execute(*statements)
            said += ": the next push mends it"
        planning.log(definition, run_id).note(
            session,
            command="audit",
            mode=definition.mode.value,
            now=now_utc(),
            message=said,
            counts={
                "unchanged": found.held - found.doubted - found.drifted,
                "failed": len(found.missing),
                "changed": len(found.changed or ()),
                "added": len(found.extra_ours or ()),
            },
        )
    found.repaired = repair
