"""Everything that is known of one person and everybody who was told, as they may ask for it (GDPR, article 15)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sync.config.models import Described, SyncDefinition
from sync.state.people import People
from sync.state.sent import PeopleTables, Sent
from sync.warehouses.base import now_utc

if TYPE_CHECKING:
    from sync.config.manifest import Manifest
    from sync.state.tables import Tables
    from sync.warehouses.base import Session, Warehouse

PERSON = "profile_id"
IDS = (PERSON, "entity_id", "live_id")  # what a table calls whose its rows are
ALL = 1_000_000  # lines of what was sent


def everything_on(
    warehouse: Warehouse,
    session: Session,
    manifest: Manifest,
    tables: Tables,
    told: str,
    *,
    environment: str,
) -> dict[str, Any]:
    """The person behind `told` as one document: `records` (rows of the models that say who people are), `tables` (rows of whatever else has
    their id), `recipients` (the syncs that sent them somewhere) and `sent` (each time).

    Raises:
        SelectionError: nobody is known by it, or several people are.
        ConfigError: the project lacks the models by which people are found.
    """
    profile_records = manifest.relation("profile_records")
    profile_id = People.of(warehouse, manifest).one(session, told)
    people = PeopleTables(
        identifiers=manifest.relation("profile_identifiers"),
        aliases=manifest.consent_tables().aliases,
        touchpoints=manifest.relation("int_campaigns__touchpoints"),
    )
    history = Sent(warehouse, tables, people, environment=environment)
    ids = history.ids(session, profile_id)
    literal = warehouse.dialect.literal
    listed = ", ".join(map(literal, ids))
    found, built, not_built = [], list[Described](), []
    for table in manifest.described():
        columns = {column.name.lower() for column in session.columns(table.relation)}
        if columns:
            built.append(table)
        else:
            not_built.append(table.name)
            continue
        whose = next((name for name in IDS if name in columns), None)
        rows = whose and session.rows(f"select * from {table.relation} where {whose} in ({listed})")
        if rows:
            found.append(_shown(table, rows))
    if answers := _answers(warehouse, session, tables, profile_records, listed):
        found.append(answers)
    sent = [_line(row) for row in history.rows(session, profile_id, ids, limit=ALL)]
    return {
        "made_at": now_utc(),
        "environment": environment,
        PERSON: profile_id,
        "former_ids": [one for one in ids if one != profile_id],
        "records": _records(warehouse, session, built, profile_records, listed),
        "tables": found,
        "recipients": _recipients(manifest.syncs(), sent),
        "sent": sent,
        "not_built": not_built,
    }


def _records(
    warehouse: Warehouse,
    session: Session,
    built: Sequence[Described],
    profile_records: str | None,
    listed: str,
) -> list[dict[str, Any]]:
    """The rows that the person is made of, by the models that hold them."""
    literal, found = warehouse.dialect.literal, []
    for table in built:
        key = table.record.get("key")
        if not key or "person" not in table.record:
            continue
        theirs = (
            f"select source_record_id from {profile_records} where {PERSON} in ({listed}) "
            f"and source_name = {literal(table.source_name)}"
        )
        rows = session.rows(
            f"select * from {table.relation} where {warehouse.dialect.text(str(key))} in ({theirs})"
        )
        if rows:
            found.append(_shown(table, rows))
    return found


def _answers(
    warehouse: Warehouse,
    session: Session,
    tables: Tables,
    profile_records: str | None,
    listed: str,
) -> dict[str, Any] | None:
    """What people said of records of theirs, whether they are one person's."""
    names = [column.name for column in session.columns(tables.identity_answers)]
    if not names:
        return None
    theirs = f"select record_key from {profile_records} where {PERSON} in ({listed})"
    person = warehouse.dialect.literal("person")
    rows = session.rows(
        f"select * from {tables.identity_answers} where entity = {person} "
        f"and (left_key in ({theirs}) or right_key in ({theirs})) order by answered_at"
    )
    told = "What people said of two records, one person's or not (sync review-matches)."
    described = Described("identity_answers", tables.identity_answers, told, {}, {})
    return _shown(described, rows) if rows else None


def _shown(table: Described, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "table": table.name,
        "description": table.description,
        "columns": {name: table.columns.get(name, "") for name in rows[0]},
        "rows": [dict(row) for row in rows],
    }


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("acknowledged_at", "sync_name", "action", "identifiers", "remote_id", "run_id")
    return {name: row[name] for name in names}


def _recipients(
    definitions: Sequence[SyncDefinition], sent: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """By sync: where, for what, which fields, and when first and last."""
    known = {one.sync_id: one for one in definitions}
    found: dict[str, dict[str, Any]] = {}
    for line in sent:
        name = str(line["sync_name"])
        entry = found.setdefault(
            name, {**_purpose(known.get(name), name), "first": line["acknowledged_at"]}
        )
        entry["last"] = line["acknowledged_at"]
        entry["last_action"] = line["action"]
    return list(found.values())


def _purpose(definition: SyncDefinition | None, name: str) -> dict[str, Any]:
    if definition is None:  # no exposure defines it any more
        return {"sync": name, "destination": None}
    return {
        "sync": definition.name,
        "destination": definition.destination,
        "object": " ".join(filter(None, (definition.object.kind, definition.object.name))),
        "description": definition.description,
        "consent": definition.consent
        and {"channel": definition.consent.channel, "purpose": definition.consent.purpose},
        "fields": [*definition.identifiers, *definition.fields],
    }
