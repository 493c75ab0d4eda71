"""What the loop holds, from the raw records to the results, read from the tables dbt built and the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sync.config.manifest import Manifest
from sync.config.models import SyncDefinition
from sync.state.tables import Tables
from sync.state.unread import UnreadColumn, unread_columns
from sync.warehouses.base import Session, Warehouse

# Models of the audiences' folder that are no audience.
AUDIENCE_RECORDS = ("audience_holdouts", "audience_memberships")
KINDS = ("delivered", "opened", "clicked", "bounced", "unsubscribed", "converted")


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of the whole loop. Nothing in it names a person."""

    records: Mapping[str, int]  # records of persons by source
    profiles: int
    reachable: int  # profiles with an e-mail address or a phone number
    accounts: int
    audiences: list[dict[str, Any]]  # name, size, holdout
    journeys: list[dict[str, Any]]  # journey, node, people
    syncs: list[dict[str, Any]]  # name, destination, object, held, sent, withheld
    campaigns: list[dict[str, Any]]  # destination, campaign, channel, events by kind, figures
    unread: list[UnreadColumn]  # what staging could not read, per model and column
    missing: list[str] = field(default_factory=list)  # models that were not built yet


def collect(
    manifest: Manifest, warehouse: Warehouse, syncs: list[SyncDefinition], *, environment: str
) -> Report:
    """Read every figure in one session. A model that is not there yet is named in `missing` and counts nothing."""
    with warehouse.session() as session:
        reader = _Reader(manifest, session)
        records = reader.rows(
            "profile_records", "select source_name, count(*) as n from {} group by 1 order by 1"
        )
        return Report(
            records={str(row["source_name"]): int(row["n"]) for row in records},
            profiles=reader.count("profiles"),
            reachable=reader.reachable(),
            accounts=reader.count("accounts"),
            audiences=reader.audiences(),
            journeys=reader.journeys(),
            syncs=_syncs(session, warehouse, Tables.of(manifest), syncs, environment),
            campaigns=reader.campaigns(),
            unread=unread_columns(session, manifest),
            missing=reader.missing,
        )


class _Reader:
    """Small queries over the project's models, by name."""

    def __init__(self, manifest: Manifest, session: Session) -> None:
        self._manifest, self._session = manifest, session
        self.missing: list[str] = []

    def rows(self, model: str, query: str) -> list[dict[str, Any]]:
        relation = self._manifest.relation(model)
        if relation is None or not self._session.columns(relation):
            self.missing.append(model)
            return []
        return self._session.rows(query.format(relation))

    def count(self, model: str, where: str = "") -> int:
        rows = self.rows(model, "select count(*) as n from {} " + where)
        return int(rows[0]["n"]) if rows else 0

    def has(self, model: str, *names: str) -> list[str]:
        """Those of the columns that the model has: which attributes there are is a company's own affair."""
        relation = self._manifest.relation(model)
        columns = self._session.columns(relation) if relation else []
        return [name for name in names if name in {column.name for column in columns}]

    def reachable(self) -> int:
        addresses = self.has("profiles", "email", "phone")
        there = " or ".join(f"{name} is not null" for name in addresses)
        return self.count("profiles", f"where {there}") if addresses else 0

    def audiences(self) -> list[dict[str, Any]]:
        found = []
        for name in self._of_kind("audience"):
            if name in AUDIENCE_RECORDS:
                continue
            held = "0"
            if self.has(name, "is_holdout"):
                held = "coalesce(sum(case when is_holdout then 1 else 0 end), 0)"
            rows = self.rows(name, f"select count(*) as size, {held} as held from {{}}")
            if rows:
                found.append(
                    {"name": name, "size": int(rows[0]["size"]), "holdout": int(rows[0]["held"])}
                )
        return found

    def journeys(self) -> list[dict[str, Any]]:
        query = (
            "select node, node_type, count(*) as people, min(happened_at) as first_at from {} "
            "where node_type in ('entry', 'touchpoint', 'goal', 'exit') group by 1, 2 order by 4, 1"
        )
        return [
            {
                "journey": name,
                "node": row["node"],
                "type": row["node_type"],
                "people": int(row["people"]),
            }
            for name in self._of_kind("journey")
            for row in self.rows(name, query)
        ]

    def campaigns(self) -> list[dict[str, Any]]:
        counts = ", ".join(f"{kind}_count as {kind}" for kind in KINDS)
        query = (
            f"select destination, coalesce(campaign_name, campaign_id) as campaign, channel, {counts}, "
            "impression_count as impressions, ad_click_count as clicks, spend, currency from {} order by 1, 2"
        )
        return self.rows("campaigns", query)

    def _of_kind(self, kind: str) -> list[str]:
        """Models that their macro says are of the kind; an audience may be plain SQL, and is known by its name."""
        return [
            model.name
            for model in self._manifest.models()
            if kind in model.meta or (kind == "audience" and model.name.startswith("audience_"))
        ]


def _syncs(
    session: Session,
    warehouse: Warehouse,
    tables: Tables,
    definitions: list[SyncDefinition],
    environment: str,
) -> list[dict[str, Any]]:
    where = f"environment = {warehouse.dialect.literal(environment)}"
    held = _by_sync(
        session, f"select sync_name, count(*) as n from {tables.ledger} where {where} group by 1"
    )
    sums = f"select sync_name, sum(added + changed + removed) as n from {tables.runs} where {where} group by 1"
    sent = _by_sync(session, sums)
    withheld = _by_sync(
        session,
        "select sync_name, withheld as n from (select sync_name, withheld, row_number() over "
        "(partition by sync_name order by started_at desc, run_id) as place "
        f"from {tables.runs} where {where} and command = 'push') as latest where place = 1",
    )
    return [
        {
            "name": one.name,
            "destination": one.destination,
            "object": one.object.name or one.object.kind,
            "held": held.get(one.sync_id, 0),
            "sent": sent.get(one.sync_id, 0),
            "withheld": withheld.get(one.sync_id, 0),
        }
        for one in definitions
    ]


def _by_sync(session: Session, query: str) -> dict[str, int]:
    return {str(row["sync_name"]): int(row["n"] or 0) for row in session.rows(query)}
