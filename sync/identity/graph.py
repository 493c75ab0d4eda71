"""The part of the identity graph around some records, read once and walked in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sync.config.manifest import Manifest
from sync.errors import ConfigError
from sync.warehouses.base import Dialect, Session

_MODELS = (
    "identity_records",
    "identity_entity_records",
    "identity_values",
    "identity_edges",
    "identity_links",
    "identity_aliases",
    "identity_history",
)


@dataclass(frozen=True, slots=True)
class Edge:
    """A record carries a value. `dropped_reason` says why that links nobody; None when it does."""

    record: int
    value: int
    identifier_type: str
    tier: int
    text: str | None = field(repr=False)
    strength: float | None = None
    dropped_reason: str | None = None
    dropped_detail: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A record, and the entity it is in; none when it lacks an identifier that it needs."""

    node: int
    key: str
    source_name: str
    entity_id: str | None
    first_seen_at: Any
    last_seen_at: Any


class IdentityGraph:
    """Reads the identity tables of one entity kind (person, account, ...)."""

    def __init__(self, session: Session, dialect: Dialect, manifest: Manifest, entity: str) -> None:
        self._session = session
        self._literal = dialect.literal
        self.entity = entity
        self.tables: dict[str, str] = {}
        for model in _MODELS:
            relation = manifest.relation(model)
            if relation is None:
                raise ConfigError(
                    f"the project has no model '{model}'",
                    hint="run dbt build, or update the project.",
                )
            self.tables[model] = relation
        self._check_entity()

    def _check_entity(self) -> None:
        known = self._session.rows(
            f"select distinct entity from {self.tables['identity_records']} order by 1"
        )
        names = [str(row["entity"]) for row in known]
        if self.entity not in names:
            raise ConfigError(
                f"there are no records of entity '{self.entity}'; there are: {', '.join(names)}",
                hint="entities are the keys of vars: cdp_identity in dbt_project.yml.",
            )

    def sources(self) -> list[str]:
        """Names of the sources that have records of this entity."""
        rows = self._session.rows(
            f"select distinct source_name from {self.tables['identity_records']} "
            f"where entity = {self._literal(self.entity)} order by 1"
        )
        return [str(row["source_name"]) for row in rows]

    def members_by_key(self, *keys: str) -> list[Member]:
        """The records of these keys."""
        listed = ", ".join(self._literal(key) for key in keys)
        return self._members(f"records.record_key in ({listed})")

    def members_of(self, *ids: str) -> list[Member]:
        """The records of these entities, the oldest first."""
        listed = ", ".join(self._literal(one) for one in ids)
        return self._members(f"resolved.entity_id in ({listed})")

    def live_id(self, old_id: str) -> str | None:
        """What an id stands for now."""
        rows = self._session.rows(
            f"select live_id from {self.tables['identity_aliases']} "
            f"where old_id = {self._literal(old_id)} and entity = {self._literal(self.entity)}"
        )
        return rows[0]["live_id"] if rows else None

    def edges(self, members: Sequence[Member]) -> list[Edge]:
        """Every edge of these records, kept or dropped, links made by hand or by probability included."""
        if not members:
            return []
        nodes = ", ".join(str(member.node) for member in members)
        rows = self._session.rows(
            f"""
            select
                edges.record_node,
                edges.value_node,
                edges.identifier_type,
                edges.tier,
                vals.identifier_value,
                links.strength,
                coalesce(edges.dropped_reason, links.dropped_reason) as dropped_reason,
                links.dropped_detail
            from {self.tables["identity_edges"]} as edges
            left join {self.tables["identity_links"]} as links
                on edges.record_node = links.record_node and edges.value_node = links.value_node
            left join {self.tables["identity_values"]} as vals on edges.value_node = vals.value_node
            where edges.record_node in ({nodes})
            union all
            select
                links.record_node,
                links.value_node,
                links.identifier_type,
                links.tier,
                cast(null as {"string" if self._is_bigquery() else "varchar"}) as identifier_value,
                links.strength,
                links.dropped_reason,
                links.dropped_detail
            from {self.tables["identity_links"]} as links
            where links.record_node in ({nodes}) and links.identifier_type in ('manual_link', 'match')
            order by 1, 2
            """
        )
        return [
            Edge(
                row["record_node"],
                row["value_node"],
                row["identifier_type"],
                row["tier"],
                row["identifier_value"],
                row["strength"],
                row["dropped_reason"],
                row["dropped_detail"],
            )
            for row in rows
        ]

    def history(self, entity_id: str) -> Sequence[Mapping[str, Any]]:
        """What happened to an id, the oldest first."""
        one = self._literal(entity_id)
        return self._session.rows(
            "select event, entity_id, other_id, cause_type, cause_reason, record_count, happened_at "
            f"from {self.tables['identity_history']} where entity = {self._literal(self.entity)} "
            f"and (entity_id = {one} or other_id = {one}) order by run_number, event, event_id"
        )

    def _is_bigquery(self) -> bool:
        return "`" in next(iter(self.tables.values()))

    def _members(self, condition: str) -> list[Member]:
        rows = self._session.rows(
            f"""
            select
                records.record_node, records.record_key, records.source_name, resolved.entity_id,
                records.first_seen_at, records.last_seen_at
            from {self.tables["identity_records"]} as records
            left join {self.tables["identity_entity_records"]} as resolved
                on records.record_node = resolved.record_node
            where records.entity = {self._literal(self.entity)} and {condition}
            order by records.first_seen_at, records.record_key
            """
        )
        return [
            Member(
                row["record_node"],
                row["record_key"],
                row["source_name"],
                row["entity_id"],
                row["first_seen_at"],
                row["last_seen_at"],
            )
            for row in rows
        ]


@dataclass(frozen=True, slots=True)
class Step:
    """From one record to the next by a value both carry: the edges of either end."""

    start: Edge
    end: Edge

    @property
    def dropped(self) -> Edge | None:
        """The end that keeps this value from linking; None when it links."""
        return next((edge for edge in (self.start, self.end) if edge.dropped_reason), None)


def shortest_path(edges: Sequence[Edge], start: int, goal: int | None = None) -> dict[int, Step]:
    """The last step on a shortest path from `start` to each record that can be reached, or to `goal` alone."""
    by_record: dict[int, list[Edge]] = {}
    by_value: dict[int, list[Edge]] = {}
    for edge in edges:
        by_record.setdefault(edge.record, []).append(edge)
        by_value.setdefault(edge.value, []).append(edge)
    reached: dict[int, Step] = {}
    seen_values: set[int] = set()
    queue = deque([start])
    while queue:
        record = queue.popleft()
        if record == goal:
            break
        for edge in sorted(by_record.get(record, ()), key=lambda one: (one.tier, one.value)):
            if edge.value in seen_values:
                continue
            seen_values.add(edge.value)
            for other in by_value[edge.value]:
                if other.record != start and other.record not in reached:
                    reached[other.record] = Step(edge, other)
                    queue.append(other.record)
    return reached


def unwind(reached: Mapping[int, Step], start: int, goal: int) -> list[Step]:
    """The steps from `start` to `goal`; none when it was not reached."""
    steps: list[Step] = []
    record = goal
    while record != start:
        if record not in reached:
            return []
        steps.append(reached[record])
        record = reached[record].start.record
    return steps[::-1]
