"""Why two records are one person, or are not; and what one person is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sync.errors import SelectionError, closest
from sync.identity.graph import Edge, IdentityGraph, Member, Step, shortest_path, unwind
from sync.identity.mask import mask

REASONS = {
    "blocked_value": "is on the list of values that identify nobody",
    "blocked_pattern": "has the shape of a value that identifies nobody",
    "placeholder": "stands for nothing",
    "shared_host": "is a host at which anybody may have a place",
    "unconfirmed": "is not what the {entity} it is filed under says of itself",
    "too_many_records": "is on more records than one {entity} has",
    "ambiguous": "is shared: it is seen with ids of more than one {entity}",
    "spread": "is on records of many people, by their names and birth dates",
    "contradicted": "is also that of somebody whose name or birth date is another",
    "expired": "was last seen too long ago to count",
    "limit": "would have given one {entity} more {detail} values than a merge may give",
    "do_not_link": "would have joined two records that somebody decided to keep apart",
    "over_limit": "is beyond the number of {detail} values that one {entity} may have",
    "contradicts_link": "contradicts a link made by hand, which is never undone",
}


def explain_pair(
    graph: IdentityGraph, left: str, right: str, *, show_values: bool = False
) -> dict[str, Any]:
    """The path between two records, or why there is none."""
    one, other = _record(graph, left), _record(graph, right)
    result: dict[str, Any] = {
        "entity": graph.entity,
        "left": _member(one),
        "right": _member(other),
        "together": one.entity_id is not None and one.entity_id == other.entity_id,
    }
    ids = [member.entity_id for member in (one, other) if member.entity_id]
    members = (
        {member.node: member for member in [one, other, *graph.members_of(*ids)]}
        if ids
        else {member.node: member for member in (one, other)}
    )
    edges = graph.edges(list(members.values()))
    kept = [edge for edge in edges if edge.dropped_reason is None]
    steps = unwind(shortest_path(kept, one.node, other.node), one.node, other.node)
    if not steps:
        steps = unwind(shortest_path(edges, one.node, other.node), one.node, other.node)
    result["path"] = [_step(graph, step, members, show_values) for step in steps]
    result["reasons"] = (
        [] if result["together"] else _reasons(graph, one, other, steps, show_values)
    )
    return result


def explain_one(graph: IdentityGraph, name: str, *, show_values: bool = False) -> dict[str, Any]:
    """The records of one entity, how each joined, its values, what was dropped, and its history."""
    found = graph.members_by_key(name)
    entity_id = found[0].entity_id if found else graph.live_id(name)
    if entity_id is None:
        if found:
            return {
                "entity": graph.entity,
                "entity_id": None,
                "records": [_member(found[0])],
                "identifiers": [],
                "dropped": _dropped(graph, graph.edges(found), show_values),
                "history": [],
            }
        raise _unknown(graph, name)
    members = graph.members_of(entity_id)
    by_node = {member.node: member for member in members}
    edges = graph.edges(members)
    kept = [edge for edge in edges if edge.dropped_reason is None]
    reached = shortest_path(kept, members[0].node)
    records = []
    for member in members:
        step = reached.get(member.node)
        joined = _step(graph, step, by_node, show_values) if step else None
        records.append({**_member(member), "joined": joined})
    return {
        "entity": graph.entity,
        "entity_id": entity_id,
        "records": records,
        "identifiers": _identifiers(kept, show_values),
        "dropped": _dropped(graph, edges, show_values),
        "history": list(graph.history(entity_id)),
    }


def _record(graph: IdentityGraph, key: str) -> Member:
    found = graph.members_by_key(key)
    if not found:
        raise _unknown(graph, key)
    return found[0]


def _unknown(graph: IdentityGraph, name: str) -> SelectionError:
    sources = graph.sources()
    near = closest(name.partition(":")[0], sources)
    return SelectionError(
        f"there is no record or id '{name}' of entity '{graph.entity}'",
        hint=f"records are written <source>:<id>, and the sources of {graph.entity} are "
        f"{', '.join(sources)}{near}.",
    )


def _member(member: Member) -> dict[str, Any]:
    return {
        "record": member.key,
        "source": member.source_name,
        "entity_id": member.entity_id,
        "first_seen_at": member.first_seen_at,
        "last_seen_at": member.last_seen_at,
    }


def _step(
    graph: IdentityGraph, step: Step, members: Mapping[int, Member], show: bool
) -> dict[str, Any]:
    start, end = members.get(step.start.record), members.get(step.end.record)
    dropped = step.dropped
    return {
        "from": start.key if start else None,
        "to": end.key if end else None,
        "identifier_type": step.start.identifier_type,
        "value": mask(step.start.identifier_type, step.start.text, show=show),
        "tier": step.start.tier,
        "weight": step.start.strength,
        "links": dropped is None,
        "reason": _why(graph, dropped) if dropped else None,
    }


def _why(graph: IdentityGraph, edge: Edge) -> str:
    words = REASONS.get(edge.dropped_reason or "", edge.dropped_reason or "")
    return words.format(entity=graph.entity, detail=edge.dropped_detail or edge.identifier_type)


def _reasons(
    graph: IdentityGraph, one: Member, other: Member, steps: Sequence[Step], show: bool
) -> list[str]:
    if one.entity_id is None or other.entity_id is None:
        lone = one if one.entity_id is None else other
        return [f"{lone.key} has no usable identifier, and its source may not stand alone."]
    if not steps:
        return ["They share no value, directly or through the records of either."]
    told = []
    for step in steps:
        dropped = step.dropped
        if dropped is not None:
            value = mask(dropped.identifier_type, dropped.text, show=show) or ""
            told.append(f"{dropped.identifier_type} {value} {_why(graph, dropped)}.")
    return list(dict.fromkeys(told))


def _identifiers(kept: Sequence[Edge], show: bool) -> list[dict[str, Any]]:
    counts: dict[tuple[str, int, str | None], int] = {}
    for edge in kept:
        if edge.text is not None:
            key = (edge.identifier_type, edge.value, edge.text)
            counts[key] = counts.get(key, 0) + 1
    return [
        {"identifier_type": kind, "value": mask(kind, text, show=show), "records": count}
        for (kind, _, text), count in sorted(
            counts.items(), key=lambda item: (item[0][0], -item[1])
        )
    ]


def _dropped(graph: IdentityGraph, edges: Sequence[Edge], show: bool) -> list[dict[str, Any]]:
    found = {
        (edge.identifier_type, edge.value): {
            "identifier_type": edge.identifier_type,
            "value": mask(edge.identifier_type, edge.text, show=show),
            "dropped_reason": edge.dropped_reason,
            "reason": _why(graph, edge),
        }
        for edge in edges
        if edge.dropped_reason is not None
    }
    return [found[key] for key in sorted(found)]
