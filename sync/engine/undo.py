"""The reverse of a run: what a push can do of it, through its gates, and what has none.

A sync that mirrors its table put somebody in and can take them out; whom it took out it puts in again where the table has them and they
may be sent. What a field was before is kept nowhere, an event cannot be called back, and who is not in the table any more is not put back:
nobody knows whether they may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sync.config.models import SyncDefinition
from sync.destinations.base import Declaration
from sync.engine.plan import capability
from sync.engine.plan.plan import Planning, plan_sync
from sync.errors import ConfigError
from sync.records import Action, Mode

CHANGED = "changed: what they were before is kept nowhere"
SENT = "events: they cannot be called back"
PUT_IN = "put in: the sync's mode takes nobody out"
TOOK_OUT = "taken out: they are not in the table, or may not be sent"
LEFT = "put in: they are out again"
UNSURE = "in doubt: nobody knows whether they arrived"


@dataclass(slots=True)
class Undone:
    """What the reverse of a run comes to, of one sync."""

    name: str
    remove: int = 0
    add: int = 0
    cannot: dict[str, int] = field(default_factory=dict)  # why -> rows


def reversible_syncs(
    planning: Planning, definitions: Sequence[SyncDefinition], run_id: str
) -> list[SyncDefinition]:
    """Of these syncs those that the run pushed, and that take out whom they put in.

    Raises:
        ConfigError: there is no such run, or nothing of it has a reverse.
    """
    pushed = syncs_of(planning, definitions, run_id)
    found = [one for one in pushed if one.mode is Mode.MIRROR]
    if not found:
        raise ConfigError(
            f"run {run_id} pushed {', '.join(one.name for one in pushed)}, of which nothing can be undone.",
            f"sync undo {run_id} says why.",
        )
    return found


def syncs_of(
    planning: Planning, definitions: Sequence[SyncDefinition], run_id: str
) -> list[SyncDefinition]:
    """Of these syncs those that the run pushed.

    Raises:
        ConfigError: it is no run of them.
    """
    literal = planning.warehouse.dialect.literal
    mine = f"environment = {literal(planning.environment)} and command = 'push'"
    with planning.warehouse.session() as session:
        rows = session.rows(
            f"select sync_name from {planning.tables.runs} where {mine} and run_id = {literal(run_id)}"
        )
        last = session.rows(
            f"select run_id, max(started_at) as started_at from {planning.tables.runs} where {mine} "
            "group by run_id order by started_at desc limit 3"
        )
    names = {str(row["sync_name"]) for row in rows}
    found = [one for one in definitions if one.sync_id in names]
    if not found:
        listed = ", ".join(str(row["run_id"]) for row in last)
        raise ConfigError(
            f"there is no push {run_id} of these syncs in {planning.environment}.",
            f"the last runs are {listed}." if listed else "nothing was pushed yet.",
        )
    return found


def undone(
    planning: Planning, definition: SyncDefinition, declaration: Declaration, run_id: str
) -> Undone:
    """What a push would do to undo the run, and what has no reverse."""
    found = Undone(definition.name)
    offered = capability.object_type(definition, declaration)
    with planning.warehouse.session() as session:
        rows = session.rows(planning.ledger(definition).acknowledged_in(run_id))
        did = {str(row["action"]): int(row["row_count"]) for row in rows}
        if definition.mode is Mode.MIRROR:
            counts = plan_sync(
                planning,
                session,
                definition,
                hashed=declaration.hashed,
                offered=offered,
                undo=run_id,
            ).plan.counts
            found.remove, found.add = counts.remove, counts.add + counts.change
            here = counts.add + counts.change + counts.unchanged
            found.cannot[LEFT] = did.get(Action.ADD.value, 0) - counts.remove
            found.cannot[TOOK_OUT] = did.get(Action.REMOVE.value, 0) - here
        else:
            why = SENT if definition.mode is Mode.EVENT else PUT_IN
            found.cannot[why] = did.get(Action.ADD.value, 0)
            found.cannot[TOOK_OUT] = did.get(Action.REMOVE.value, 0)
    found.cannot[CHANGED] = did.get(Action.CHANGE.value, 0)
    found.cannot[UNSURE] = sum(
        did.get(one.value, 0) for one in (Action.ATTEMPT, Action.REPEAT, Action.CLAIM)
    )
    found.cannot = {why: count for why, count in found.cannot.items() if count > 0}
    return found
