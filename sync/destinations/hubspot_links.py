"""HubSpot: what hangs on contacts and companies: who works where, whose a deal is, tasks, and events of the team's own.

Read 2026-11-29: developers.hubspot.com/docs/api-reference/legacy/crm/associations/associate-records/batch/create-default-associations and
.../get-associations (v4: inputs of `from` and `to`, 100 a request here; results name each pair that is made; a default association is there
between HubSpot's own objects), .../delete-associations; .../crm/objects/tasks/guide (hs_timestamp is needed; 204 is the association to a
contact, 192 to a company, HUBSPOT_DEFINED); .../legacy/events/send-event-data (POST /events/v3/send/batch, eventName with the portal's
prefix, 204; Enterprise). That an event of one `uuid` counts once is not said.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sync.destinations.answers import NO_CONTENT, Answer
from sync.destinations.base import Delivery, ObjectType, PartialFailure
from sync.destinations.http import HttpClient
from sync.destinations.values import plain
from sync.records import Accepted, BatchResult, Mode, Record, RowError

COMPANY_KEY = "headwater_account_id"
CONTACTS, COMPANIES = "contacts", "companies"
RESULTS = Answer(frozenset({200, 201, 207}), (("results", list), ("status", str)))
MADE = Answer(frozenset({201}), (("results", list), ("status", str)))
HAPPENED_AT = "occurred_at"
TASK_PROPERTIES = {
    "subject": "hs_task_subject",
    "body": "hs_task_body",
    "status": "hs_task_status",
    "priority": "hs_task_priority",
    "type": "hs_task_type",
    "owner_id": "hubspot_owner_id",
}
TASK_OF = {CONTACTS: 204, COMPANIES: 192}  # types of an association, HUBSPOT_DEFINED
Pair = tuple[str, str]

OBJECTS = {
    "association": ObjectType(
        modes=frozenset({Mode.UPSERT, Mode.ADD, Mode.MIRROR, Mode.REMOVE}),
        batch_rows=100,
        identifiers=frozenset({"email", "account_id"}),
        member="pair of a contact and a company",
        members=(("email", "account_id"),),
        open_fields=False,
        rate_group="crm",
    ),
    "task": ObjectType(
        modes=frozenset({Mode.EVENT}),
        batch_rows=100,
        identifiers=frozenset({"email", "account_id"}),
        member="task",
        open_fields=False,
        known_fields=frozenset({HAPPENED_AT, *TASK_PROPERTIES}),
        partial_failure=PartialFailure.ALL_OR_NOTHING,
        delivery=Delivery.AT_LEAST_ONCE,
        rate_group="crm",
    ),
    "event": ObjectType(
        modes=frozenset({Mode.EVENT}),
        batch_rows=100,
        identifiers=frozenset({"email"}),
        member="event",
        partial_failure=PartialFailure.ALL_OR_NOTHING,
        delivery=Delivery.AT_LEAST_ONCE,
        rate_group="crm",
    ),
}


class Links:
    """Finds contacts and companies by what the team knows them by, and ties to them."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def contacts(self, records: Sequence[Record]) -> dict[str, str]:
        """Ids of contacts by key, of rows that have an address which HubSpot has."""
        wanted = {
            one.key: one.identifiers["email"].lower()
            for one in records
            if one.identifiers.get("email")
        }
        return self._found(CONTACTS, "email", wanted)

    def companies(self, records: Sequence[Record]) -> dict[str, str]:
        """Ids of companies by key, of rows whose account id a company has."""
        wanted = {
            one.key: one.identifiers["account_id"]
            for one in records
            if one.identifiers.get("account_id")
        }
        return self._found(COMPANIES, COMPANY_KEY, wanted)

    def _found(self, kind: str, name: str, wanted: Mapping[str, str]) -> dict[str, str]:
        if not wanted:
            return {}
        values = sorted(set(wanted.values()))
        body = {
            "inputs": [{"id": value} for value in values],
            "idProperty": name,
            "properties": [name],
            "propertiesWithHistory": [],
        }
        path = f"/crm/v3/objects/{kind}/batch/read"
        rows = self._http.post(path, body, group="crm", answer=RESULTS)["results"]
        ids = {str((row.get("properties") or {}).get(name)).lower(): str(row["id"]) for row in rows}
        return {key: ids[value.lower()] for key, value in wanted.items() if value.lower() in ids}

    def tie(self, one: str, other: str, pairs: Iterable[Pair]) -> set[Pair]:
        """Associate records of two kinds by default; gives the pairs that are made, or were there."""
        inputs = [{"from": {"id": a}, "to": {"id": b}} for a, b in sorted(set(pairs))]
        if not inputs:
            return set()
        path = f"/crm/v4/associations/{one}/{other}/batch/associate/default"
        rows = self._http.post(path, {"inputs": inputs}, group="crm", answer=RESULTS)["results"]
        named = {(str(row["from"]["id"]), str(row["to"]["id"])) for row in rows}
        return named | {(b, a) for a, b in named}  # it names both directions, or one

    def untie(self, one: str, other: str, pairs: Iterable[Pair]) -> None:
        """Take associations away; what is not there is as it should be."""
        to: dict[str, list[dict[str, str]]] = {}
        for a, b in sorted(set(pairs)):
            to.setdefault(a, []).append({"id": b})
        inputs = [{"from": {"id": a}, "to": others} for a, others in to.items()]
        if inputs:
            path = f"/crm/v4/associations/{one}/{other}/batch/archive"
            self._http.post(path, {"inputs": inputs}, group="crm", answer=NO_CONTENT)

    def tied(self, one: str, other: str, ids: Collection[str]) -> set[Pair]:
        """Pairs that are there."""
        if not ids:
            return set()
        path = f"/crm/v4/associations/{one}/{other}/batch/read"
        found: set[Pair] = set()
        asked: list[dict[str, str]] = [{"id": known} for known in sorted(ids)]
        while asked:
            rows = self._http.post(path, {"inputs": asked}, group="crm", answer=RESULTS)["results"]
            before, asked = asked, []
            for row in rows:
                known = str(row["from"]["id"])
                found |= {(known, str(to["toObjectId"])) for to in row.get("to") or []}
                after = ((row.get("paging") or {}).get("next") or {}).get("after")
                if after and {"id": known, "after": after} not in before:
                    asked.append({"id": known, "after": after})
        return found

    # -- objects of their own ----------------------------------------------------------------------

    def associate(self, records: Sequence[Record]) -> BatchResult:
        """Tie the contact of each row to its company."""
        return self._associations(records, ties=True)

    def part(self, records: Sequence[Record]) -> BatchResult:
        """Take the ties away; the contact and the company stay, and who is not there is tied to nobody."""
        return self._associations(records, ties=False)

    def _associations(self, records: Sequence[Record], *, ties: bool) -> BatchResult:
        before = self._http.requests_sent
        pairs = self._pairs(records)
        done: set[Pair] = set(pairs.values())
        if ties:
            done = self.tie(CONTACTS, COMPANIES, pairs.values())
        else:
            self.untie(CONTACTS, COMPANIES, pairs.values())
        accepted, failed = [], []
        for record in records:
            if not ties or pairs.get(record.key) in done:
                accepted.append(Accepted(record.key))
            elif record.key in pairs:
                failed.append(RowError(record.key, "not_associated", "HubSpot did not tie the two"))
            else:
                said = "HubSpot has not both the contact and the company"
                failed.append(RowError(record.key, "not_there", said))
        return BatchResult(accepted, failed, requests=self._http.requests_sent - before)

    def associated(self, records: Sequence[Record]) -> set[str]:
        """Keys of those whose contact is tied to their company."""
        pairs = self._pairs(records)
        there = self.tied(CONTACTS, COMPANIES, {contact for contact, _ in pairs.values()})
        return {key for key, pair in pairs.items() if pair in there}

    def _pairs(self, records: Sequence[Record]) -> dict[str, Pair]:
        contacts, companies = self.contacts(records), self.companies(records)
        return {key: (contacts[key], companies[key]) for key in contacts if key in companies}

    def make_tasks(self, records: Sequence[Record]) -> BatchResult:
        """Make a task of each row, at the contact or company that it names."""
        before = self._http.requests_sent
        contacts, companies = self.contacts(records), self.companies(records)
        inputs, accepted, failed = list[dict[str, Any]](), list[Accepted](), list[RowError]()
        for record in records:
            ties = [
                {
                    "to": {"id": ids[record.key]},
                    "types": [
                        {
                            "associationCategory": "HUBSPOT_DEFINED",
                            "associationTypeId": TASK_OF[kind],
                        }
                    ],
                }
                for kind, ids in ((CONTACTS, contacts), (COMPANIES, companies))
                if record.key in ids
            ]
            if not ties:
                said = "HubSpot has neither the contact nor the company"
                failed.append(RowError(record.key, "not_there", said))
            elif not isinstance(record.fields.get(HAPPENED_AT), dt.datetime):
                said = f"{HAPPENED_AT} is no timestamp: it says when the task is due"
                failed.append(RowError(record.key, "no_time", said, False))
            else:
                inputs.append({"properties": _task(record), "associations": ties})
                accepted.append(Accepted(record.key))
        if inputs:
            path = "/crm/v3/objects/tasks/batch/create"
            self._http.post(path, {"inputs": inputs}, group="crm", answer=MADE)
        return BatchResult(accepted, failed, requests=self._http.requests_sent - before)

    def send_events(self, name: str, records: Sequence[Record]) -> BatchResult:
        """Send each row as an event of the contact that has its address."""
        failed = [
            RowError(record.key, "no_identifier", "the row has no e-mail", False)
            for record in records
            if not record.identifiers.get("email")
        ]
        nameless = {error.key for error in failed}
        records = [record for record in records if record.key not in nameless]
        if not records:
            return BatchResult(failed=failed, requests=0)
        events = []
        for record in records:
            fields = {**record.fields}
            at = fields.pop(HAPPENED_AT, None)
            event: dict[str, Any] = {
                "eventName": name,
                "email": record.identifiers["email"],
                "uuid": record.idempotency_key or record.key,
                "properties": {
                    name: text(value) for name, value in fields.items() if value is not None
                },
            }
            if isinstance(at, dt.datetime):
                event["occurredAt"] = plain(at)
            events.append(event)
        self._http.post("/events/v3/send/batch", {"inputs": events}, group="crm", answer=NO_CONTENT)
        return BatchResult([Accepted(record.key) for record in records], failed)


def _task(record: Record) -> dict[str, str]:
    properties = {
        TASK_PROPERTIES[name]: text(value)
        for name, value in record.fields.items()
        if name in TASK_PROPERTIES and value is not None
    }
    return {
        "hs_task_status": "NOT_STARTED",
        **properties,
        "hs_timestamp": text(record.fields[HAPPENED_AT]),
    }


def text(value: Any) -> str:
    """HubSpot takes every property as text; an empty one clears it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(plain(value))
