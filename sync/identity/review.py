"""What a build did to identities: for whoever releases it."""

from __future__ import annotations

from typing import Any

from sync.identity.graph import IdentityGraph
from sync.identity.mask import mask
from sync.warehouses.base import Session

EVENTS = ("create", "merge", "split", "move", "retire", "restore")


def review(
    graph: IdentityGraph,
    session: Session,
    *,
    runs: int = 1,
    top: int = 10,
    show_values: bool = False,
) -> dict[str, Any]:
    """Events of the last `runs` builds that changed anything, the largest entities and the most shared values."""
    where = f"entity = '{graph.entity}'"
    history, records = graph.tables["identity_history"], graph.tables["identity_entity_records"]
    counted = session.rows(
        f"""
        select event, count(*) as event_count
        from {history}
        where {where} and event <> 'build'
            and run_number > (select max(run_number) from {history}) - {int(runs)}
        group by event
        """
    )
    events = dict.fromkeys(EVENTS, 0) | {
        str(row["event"]): int(row["event_count"]) for row in counted
    }
    live = session.rows(f"select count(distinct entity_id) as ids from {records} where {where}")
    now = int(live[0]["ids"])
    before = max(
        now
        - events["create"]
        - events["split"]
        - events["restore"]
        + events["merge"]
        + events["retire"],
        0,
    )
    changed = events["merge"] + events["split"] + events["move"] + events["retire"]
    largest = session.rows(
        f"select entity_id, count(*) as record_count from {records} where {where} "
        f"group by entity_id order by record_count desc, entity_id limit {int(top)}"
    )
    shared = session.rows(
        f"select identifier_type, identifier_value, record_count, dropped_reason "
        f"from {graph.tables['identity_values']} where {where} "
        f"order by record_count desc, value_node limit {int(top)}"
    )
    return {
        "entity": graph.entity,
        "ids_before": before,
        "ids_now": now,
        "events": events,
        "changed_percent": round(100 * changed / before, 2) if before else None,
        "largest": [dict(row) for row in largest],
        "most_shared": [
            {
                "identifier_type": row["identifier_type"],
                "value": mask(row["identifier_type"], row["identifier_value"], show=show_values),
                "records": row["record_count"],
                "dropped_reason": row["dropped_reason"],
            }
            for row in shared
        ],
    }
