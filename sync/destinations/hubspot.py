"""HubSpot: contacts and companies, created or updated by a property that is unique.

Read 2026-11-24: developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide (batch endpoints take 100 records; upsert by
`idProperty`, which must be a property with unique values), .../crm-companies-v3/guide (`domain` is not unique, so companies
are keyed on a property of our own), .../usage-details (private apps: 190 requests in 10 seconds on Professional and up, 100
below). A 207 answer holds results and errors side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import SecretStr

from sync.destinations.base import Declaration, ObjectType, PartialFailure, RateLimit
from sync.destinations.http import HttpClient, Limiter
from sync.destinations.settings import HttpSettings
from sync.destinations.values import plain
from sync.records import Accepted, BatchResult, Mode, Record, RowError, SyncObject

API_VERSION = "v3"
# Our name of a column -> HubSpot's name of the property.
CONTACT_PROPERTIES = {
    "first_name": "firstname",
    "last_name": "lastname",
    "job_title": "jobtitle",
    "street": "address",
    "postal_code": "zip",
    "language": "hs_language",
}
COMPANY_PROPERTIES = {"account_name": "name", "employee_count": "numberofemployees"}
COMPANY_KEY = "headwater_account_id"


class HubspotSettings(HttpSettings):
    access_token: SecretStr
    base_url: str = "https://api.hubapi.com"


def _object(member: str, identifiers: frozenset[str]) -> ObjectType:
    return ObjectType(
        modes=frozenset({Mode.UPSERT, Mode.MIRROR, Mode.ADD, Mode.REMOVE}),
        batch_rows=100,
        identifiers=identifiers,
        member=member,
        partial_failure=PartialFailure.PER_ROW,
        rate_group="crm",
    )


class Hubspot:
    """Fills contacts (unique by e-mail) or companies (unique by our account id). Removing archives the record."""

    declaration: ClassVar[Declaration] = Declaration(
        name="hubspot",
        title="HubSpot",
        api_version=API_VERSION,
        objects={
            "contact": _object("record id", frozenset({"email"})),
            "company": _object("record id", frozenset({"domain"})),
        },
        rate_limits={
            "crm": RateLimit(requests=90, seconds=10, parallel=4),
            "default": RateLimit(requests=90, seconds=10, parallel=2),
        },
        settings_help={
            "access_token": "private app token with crm.objects contacts and companies, read and write, "
            "and crm.schemas.companies.write"
        },
    )
    settings_type: ClassVar[type[HubspotSettings]] = HubspotSettings
    sandbox_settings: ClassVar[dict[str, str]] = {"access_token": "sandbox"}

    def __init__(self, settings: HubspotSettings, target: SyncObject, limiter: Limiter) -> None:
        self.target = target
        self._is_company = target.kind == "company"
        self._objects = "companies" if self._is_company else "contacts"
        self._key_property_exists = not self._is_company
        self.http = HttpClient(
            settings.base_url,
            vendor="hubspot",
            limiter=limiter,
            headers={"Authorization": f"Bearer {settings.access_token.get_secret_value()}"},
        )

    def check(self) -> str:
        self.http.get(f"/crm/v3/objects/{self._objects}", {"limit": 1})
        return f"{self._objects} are readable"

    def upsert(self, records: Sequence[Record]) -> BatchResult:
        if not records:
            return BatchResult(requests=0)
        self._ensure_key_property()
        by_id = {self._id(record): record for record in records}
        if len(by_id) < len(records):
            return self._upsert_first_of_each(records)
        answer = self.http.post(
            f"/crm/v3/objects/{self._objects}/batch/upsert",
            {"inputs": [self._input(record) for record in records]},
            group="crm",
        )
        return _outcome(answer, by_id, self._id_property)

    def remove(self, records: Sequence[Record]) -> BatchResult:
        """Archive records by the ids HubSpot gave; one it no longer has counts as removed."""
        known = [record for record in records if record.remote_id]
        if known:
            self.http.post(
                f"/crm/v3/objects/{self._objects}/batch/archive",
                {"inputs": [{"id": record.remote_id} for record in known]},
                group="crm",
            )
        failed = [
            RowError(record.key, "no_remote_id", "no HubSpot id was kept for this row", False)
            for record in records
            if not record.remote_id
        ]
        return BatchResult(
            accepted=[Accepted(record.key, record.remote_id) for record in known],
            failed=failed,
            requests=1 if known else 0,
        )

    @property
    def _id_property(self) -> str:
        return COMPANY_KEY if self._is_company else "email"

    def _id(self, record: Record) -> str:
        return record.key if self._is_company else record.identifiers.get("email", "").lower()

    def _input(self, record: Record) -> dict[str, Any]:
        names = COMPANY_PROPERTIES if self._is_company else CONTACT_PROPERTIES
        properties: dict[str, Any] = {**record.identifiers}
        properties.update(
            (names.get(name, name), plain(value)) for name, value in record.fields.items()
        )
        properties[self._id_property] = self._id(record)
        # HubSpot takes every property as text; null clears it.
        texts = {name: _text(value) for name, value in properties.items()}
        return {"idProperty": self._id_property, "id": self._id(record), "properties": texts}

    def _upsert_first_of_each(self, records: Sequence[Record]) -> BatchResult:
        """HubSpot refuses a batch that names one record twice; the later rows fail with the reason."""
        first: dict[str, Record] = {}
        repeated = []
        for record in records:
            if first.setdefault(self._id(record), record) is not record:
                repeated.append(record)
        sent = self.upsert(list(first.values()))
        again = [
            RowError(
                record.key, "duplicate", f"another row has the same {self._id_property}", False
            )
            for record in repeated
        ]
        return BatchResult(sent.accepted, [*sent.failed, *again], requests=sent.requests)

    def _ensure_key_property(self) -> None:
        if self._key_property_exists:
            return
        path = "/crm/v3/properties/companies"
        if self.http.get(f"{path}/{COMPANY_KEY}", missing_ok=True) is None:
            self.http.post(
                path,
                {
                    "name": COMPANY_KEY,
                    "label": "Headwater account id",
                    "groupName": "companyinformation",
                    "type": "string",
                    "fieldType": "text",
                    "hasUniqueValue": True,
                },
            )
        self._key_property_exists = True


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _outcome(answer: Any, by_id: Mapping[str, Record], id_property: str) -> BatchResult:
    accepted = []
    left = dict(by_id)
    for row in (answer or {}).get("results", []):
        record = left.pop(str(row["properties"].get(id_property, "")).lower(), None) or left.pop(
            str(row["properties"].get(id_property, "")), None
        )
        if record is not None:
            accepted.append(Accepted(record.key, str(row["id"])))
    failed = []
    for error in (answer or {}).get("errors", []):
        named = {
            str(value) for values in error.get("context", {}).values() for value in _listed(values)
        }
        for identifier in [known for known in left if known in named]:
            record = left.pop(identifier)
            failed.append(
                RowError(record.key, str(error.get("category", "error")), "refused by HubSpot")
            )
    # What HubSpot neither confirmed nor refused is not known to be there.
    failed += [
        RowError(record.key, "unconfirmed", "HubSpot's answer does not name this row")
        for record in left.values()
    ]
    return BatchResult(accepted, failed)


def _listed(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]
