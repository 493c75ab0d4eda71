"""Who a sync's ledger says is there, and who the vendor says is: read alone, and repaired by the next push, through the same gates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from sync.config.models import SyncDefinition
from sync.destinations.base import ReadsBack
from sync.destinations.values import chunks
from sync.engine.account import located
from sync.engine.connect import Connection
from sync.engine.context import new_run_id
from sync.engine.plan import capability
from sync.engine.plan.plan import Planning
from sync.engine.plan.planner import FILLING
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
    repaired: bool = False
    why_not: str | None = None  # why nothing was read


def audit(
    planning: Planning,
    definition: SyncDefinition,
    connection: Connection,
    retrier: Retrier,
    *,
    repair: bool = False,
) -> Audited:
    """Ask the vendor for everybody whom the sync's ledger has there.

    With `repair`, whom it does not have counts as in doubt, so that the next push sends them again; nothing is sent here.

    Raises:
        RefusedError: the sync is being pushed.
        DestinationError: the vendor does not answer.
    """
    found, destination = Audited(definition.name), connection.destination
    offered = capability.object_type(definition, connection.declaration)
    if definition.mode not in FILLING or definition.mode is Mode.REPLACE:
        found.why_not = f"mode {definition.mode.value} keeps nobody there that could be asked for"
        return found
    if not isinstance(destination, ReadsBack):
        found.why_not = f"{connection.declaration.title} is not asked who is there"
        return found
    planning.places.load(planning.warehouse)
    definition = retrier.call(partial(located, definition, connection, planning.places))
    with planning.warehouse.session() as session:
        rows = list(session.rows(planning.held(session, definition)))
    found.held = len(rows)
    found.doubted = sum(row["row_hash"] == UNKNOWN for row in rows)
    for batch in chunks(list(_records(rows)), offered.batch_rows):
        there = retrier.call(partial(destination.there, batch))
        found.missing += [record.key for record in batch if record.key not in there]
    if repair and found.missing:
        _doubt(planning, definition, found)
    return found


def _records(rows: list[dict[str, object]]) -> Iterator[Record]:
    for row in rows:
        if row["row_hash"] != UNKNOWN:
            known = json.loads(str(row["identifiers"])) if row["identifiers"] else {}
            remote_id = row["remote_id"]
            yield replace(
                Record(str(row["sync_key"]), known),
                remote_id=None if remote_id is None else str(remote_id),
            )


def _doubt(planning: Planning, definition: SyncDefinition, found: Audited) -> None:
    run_id, ledger = new_run_id(), planning.ledger(definition)
    with planning.at_rest(definition, run_id, then="audit when that is over.") as session:
        session.execute(*map(ledger.doubting, chunks(found.missing, KEYS)))
        planning.log(definition, run_id).note(
            session,
            command="audit",
            mode=definition.mode.value,
            now=now_utc(),
            message=f"{len(found.missing):,} of {found.held:,} rows are not there: the next push sends them",
        )
    found.repaired = True
