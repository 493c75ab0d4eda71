"""What was sent to one person, or for one key: every acknowledgement, oldest first."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sync.state.tables import Tables
    from sync.warehouses.base import Session, Warehouse


@dataclass(frozen=True, slots=True)
class PeopleTables:
    """Relations that tell who somebody is; None where the project has no such model."""

    identifiers: str | None
    aliases: str | None
    touchpoints: str | None


def known_ids(
    session: Session, literal: Callable[[str], str], people: PeopleTables, told: str
) -> list[str]:
    """Every id of whoever is `told`: an id, old or new, or an identifier value in any case. Itself where nobody is known by it."""
    found = {told}
    if people.identifiers:
        value = literal(told.strip().lower())
        rows = session.rows(
            f"select profile_id from {people.identifiers} where lower(identifier_value) = {value}"
        )
        found |= {str(row["profile_id"]) for row in rows}
    if people.aliases:
        listed = ", ".join(map(literal, sorted(found)))
        rows = session.rows(
            f"select distinct siblings.old_id from {people.aliases} as known "
            f"inner join {people.aliases} as siblings on siblings.entity = known.entity "
            "and siblings.live_id = known.live_id "
            f"where known.old_id in ({listed}) or known.live_id in ({listed})"
        )
        found |= {str(row["old_id"]) for row in rows}
    return sorted(found)


class Sent:
    """Reads one environment's acknowledgements."""

    def __init__(
        self, warehouse: Warehouse, tables: Tables, people: PeopleTables, *, environment: str
    ) -> None:
        self._literal = warehouse.dialect.literal
        self._tables = tables
        self._people = people
        self._environment = environment

    def ids(self, session: Session, told: str) -> list[str]:
        """Every id of whoever is `told`: an id, old or new, or an identifier value in any case. Itself where nobody is known by it."""
        return known_ids(session, self._literal, self._people, told)

    def rows(
        self, session: Session, told: str, ids: Sequence[str], *, limit: int
    ) -> list[dict[str, Any]]:
        """What was sent under these ids, in touchpoints of theirs, or with the identifier `told`, the latest last: at most `limit` rows."""
        value = told.strip().lower()
        listed = self._listed(ids)
        begins = " or ".join(
            f"substr(sent.sync_key, 1, {len(one) + 1}) = {self._literal(one + '|')}" for one in ids
        )
        theirs = f"sent.sync_key in ({listed}) or {begins}"
        if self._people.touchpoints:
            theirs += (
                f" or sent.sync_key in (select touchpoint_id from {self._people.touchpoints} "
                f"where profile_id in ({listed}))"
            )
        theirs_by_id = theirs
        if "@" in value or value.startswith("+"):
            theirs += f" or lower(sent.identifiers) like {self._literal(f'%{value}%')}"
        found = session.rows(
            "select sent.acknowledged_at, sent.sync_name, sent.action, sent.sync_key, sent.run_id, "
            f"sent.identifiers, sent.remote_id, case when {theirs_by_id} then 1 else 0 end as by_id "
            f"from {self._tables.acknowledgements} as sent "
            f"where sent.environment = {self._literal(self._environment)} and ({theirs}) "
            f"order by sent.acknowledged_at desc, sent.run_id desc limit {int(limit)}"
        )
        # A sign of the pattern stands for others too.
        return [row for row in found[::-1] if row["by_id"] or _was_sent_with(row, value)]

    def _listed(self, ids: Sequence[str] | set[str]) -> str:
        return ", ".join(map(self._literal, sorted(ids)))


def _was_sent_with(row: dict[str, Any], value: str) -> bool:
    identifiers = json.loads(row["identifiers"] or "{}")
    return any(str(one).lower() == value for one in identifiers.values())
