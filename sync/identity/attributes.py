"""Why a golden attribute is what it is: every value that was there for it, and by which rule each lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sync.errors import ConfigError, SelectionError, closest
from sync.identity.mask import mask
from sync.state.people import People

if TYPE_CHECKING:
    from sync.config.manifest import Manifest
    from sync.warehouses.base import Session, Warehouse

MODEL = "profile_attribute_candidates"
Row = Mapping[str, Any]
# Rule -> what two values are told apart by, and how the one that lost is spoken of.
RULES: dict[str, tuple[Callable[[Row], Any], Callable[[Row, Row], str]]] = {
    "valid": (lambda row: row["is_valid"], lambda _lost, _won: "it bounced, and the other works"),
    "most_recent": (
        lambda row: row["last_seen_at"],
        lambda _lost, won: f"the other record changed later, {won['last_seen_at']}",
    ),
    "first": (
        lambda row: row["first_seen_at"],
        lambda _lost, won: f"the other record is older, of {won['first_seen_at']}",
    ),
    "most_frequent": (
        lambda row: row["value_count"],
        lambda lost, won: f"{lost['value_count']} records give it, {won['value_count']} the other",
    ),
    "source_priority": (
        lambda row: row["source_rank"],
        lambda lost, won: f"{won['source_name']} is trusted more than {lost['source_name']}",
    ),
    "min": (lambda row: row["value"], lambda _lost, _won: "the other is smaller"),
    "max": (lambda row: row["value"], lambda _lost, _won: "the other is larger"),
}


def explain_attribute(
    warehouse: Warehouse,
    session: Session,
    manifest: Manifest,
    told: str,
    attribute: str,
    *,
    show_values: bool,
) -> dict[str, Any]:
    """The values of one attribute of one person, the golden one first.

    Raises:
        SelectionError: nobody or several people are known by `told`, or there is no such attribute.
        ConfigError: the project lacks the model.
    """
    relation = manifest.relation(MODEL)
    if relation is None:
        raise ConfigError(f"the project has no model {MODEL}, which says what values there were.")
    people = People.of(warehouse, manifest)
    profile_id = people.one(session, told)
    literal = warehouse.dialect.literal
    rows = session.rows(
        f"select value, source_name, record_key, rules, source_rank, value_count, is_valid, is_chosen, first_seen_at, "
        f"last_seen_at from {relation} where profile_id = {literal(profile_id)} "
        f"and attribute = {literal(attribute)} "
        "order by case when is_chosen then 0 else 1 end, last_seen_at desc, record_key"
    )
    if not rows:
        known = [
            str(row["attribute"])
            for row in session.rows(f"select distinct attribute from {relation} order by 1")
        ]
        if attribute not in known:
            raise SelectionError(
                f"'{attribute}' is no golden attribute of anybody{closest(attribute, known)}.",
                hint=f"those are {', '.join(known)}.",
            )
    won = next((row for row in rows if row["is_chosen"]), None)
    rules = str(rows[0]["rules"] or "") if rows else ""
    return {
        "profile_id": profile_id,
        "attribute": attribute,
        "rules": rules,
        "values": [
            {
                "value": _shown(str(row["value"]), show_values),
                "source": row["source_name"],
                "record": row["record_key"],
                "first_seen_at": row["first_seen_at"],
                "last_seen_at": row["last_seen_at"],
                "is_golden": bool(row["is_chosen"]),
                "why": _why(row, won, rules),
            }
            for row in rows
        ],
    }


def _why(row: Row, won: Row | None, rules: str) -> str:
    if row["is_chosen"]:
        return "it won"
    if won is None:
        return (
            f"no record was chosen, since it {rules}"
            if rules.startswith("follows ")
            else "none was chosen"
        )
    if row["value"] == won["value"]:
        return "the same value, of another record"
    if rules.startswith("follows "):
        return f"{rules.removeprefix('follows ')} comes from another record, and so does this"
    for rule in rules.split(", "):
        told_apart, say = RULES.get(rule, (None, None))
        if told_apart and say and told_apart(row) != told_apart(won):
            return f"{rule}: {say(row, won)}"
    if row["last_seen_at"] != won["last_seen_at"]:
        return f"a tie: the other record changed later, {won['last_seen_at']}"
    return "a tie: the other record's key comes first"


def _shown(value: str, show: bool) -> str | None:
    return mask("email" if "@" in value else "value", value, show=show)
