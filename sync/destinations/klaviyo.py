"""Klaviyo: profiles, with or without a list, who may be written to, and events that start flows.

Read 2026-11-24: developers.klaviyo.com/en/reference/bulk_import_profiles (10,000 profiles and 5 MB a job, burst 10/s, steady
150/m), .../get_bulk_import_profiles_job, .../remove_profiles_from_list (1,000 profiles), .../bulk_create_events (1,000
events, `unique_id` makes an event unique per profile and metric), .../get_events; API description revision 2026-07-15.

Read 2026-11-28, for the error table: developers.klaviyo.com/en/docs/rate_limits_and_error_handling (401 and 403 credentials, 429 limits,
410 a revision that has ended), and the description's codes of import errors. What metrics mean stands in klaviyo_metrics.
Read 2026-11-29: github.com/klaviyo/klaviyo-api-node/issues/75 (`duplicate_profile`, with 409: an identifier is another profile's).
Read 2026-11-29: community.klaviyo.com/developer-group-64/api-endpoint-to-know-what-are-the-scopes-of-the-api-key-6536 (a key does not tell
its scopes, so that a check reads what a sync writes), .../reference/bulk_create_events (`time`, cut to the second).

Erasure, read 2026-11-29: developers.klaviyo.com/en/reference/request_profile_deletion and .../data_privacy_api_overview (one identifier a
request, email, phone_number or id; for good; it follows once the request is taken; 3 a second and 60 a minute; scope data-privacy:write).

Merging, read 2026-11-29: .../reference/merge_profiles (one source a request, which is deleted; a while after it is taken; 10 a second and
150 a minute; scope profiles:write).

The bulk import cannot clear a field: a null is left out (.../docs/use_klaviyos_bulk_profile_import_api).
Being on a list is not consent: the bulk import leaves a profile's subscriptions as they are. Subscriptions are klaviyo_subscriptions.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import SecretStr

from sync.destinations import klaviyo_subscriptions as subscriptions
from sync.destinations.answers import NO_CONTENT, Answer, Fault, Verdict, Verdicts
from sync.destinations.base import (
    Declaration,
    Delivery,
    Erasure,
    ObjectType,
    PartialFailure,
    RateLimit,
)
from sync.destinations.http import HttpClient, Limiter
from sync.destinations.klaviyo_jobs import JOB_MADE, attributes_of, unfinished
from sync.destinations.klaviyo_metrics import is_soft, meaning
from sync.destinations.settings import Address, HttpSettings
from sync.destinations.values import chunks, merged_one_by_one, plain, utc
from sync.errors import UnexpectedAnswerError
from sync.records import (
    OTHER,
    Accepted,
    BatchResult,
    Campaign,
    CampaignEvent,
    JobStatus,
    Mode,
    Record,
    Result,
    RowError,
    SyncObject,
    Value,
)

REVISION = "2026-07-15"
IDENTIFIERS = {"email": "email", "phone": "phone_number"}
ATTRIBUTES = frozenset({"first_name", "last_name", "organization", "locale", "title", "image"})
LOCATION = {
    "street": "address1",
    "city": "city",
    "region": "region",
    "country": "country",
    "postal_code": "zip",
    "time_zone": "timezone",
}
CHANNELS = {"email": "email", "sms": "sms", "mobile_push": "push"}  # Klaviyo's name -> ours
PAGE = Answer(fields=(("data", list),))
MADE = Answer(frozenset({201}), (("data.id", str),))
DELETION_TAKEN = Answer(frozenset({202}), form=(dict, list), empty=True)
EVENTS_TAKEN = Answer(frozenset({202}), empty=True)
VERDICTS = Verdicts(
    {
        (409, None): Verdict(Fault.ROW),
        (None, "invalid"): Verdict(Fault.ROW),
        (410, None): Verdict(
            Fault.CONFIGURATION, f"API revision {REVISION} has ended; update headwater."
        ),
    }
)
HAPPENED_AT = "occurred_at"  # column that is an event's time; without it, Klaviyo takes the time of the request
REMOVE_ROWS = 1000
LOOKUP_ROWS = 100


class KlaviyoSettings(HttpSettings):
    """The account, by its private key."""

    api_key: SecretStr
    resubscribe: bool = False
    base_url: Address = "https://a.klaviyo.com"


def _profiles(*modes: Mode) -> ObjectType:
    return ObjectType(
        modes=frozenset({Mode.UPSERT, Mode.ADD, Mode.REMOVE, *modes}),
        batch_rows=10_000,
        batch_bytes=4_500_000,
        identifiers=frozenset(IDENTIFIERS),
        member="vendor profile id",
        found_by=tuple(IDENTIFIERS),
        merges=True,
        conflicts={"duplicate_profile": ("phone", "email")},
        nested=True,
        partial_failure=PartialFailure.BY_POLLING,
        rate_group="bulk",
        latency="minutes",
    )


class Klaviyo:
    """Fills one list, profiles, subscriptions or suppressions, or sends one metric's events."""

    declaration: ClassVar[Declaration] = Declaration(
        name="klaviyo",
        title="Klaviyo",
        api_version=REVISION,
        objects={
            "list": _profiles(Mode.MIRROR),
            "profile": _profiles(),
            **subscriptions.OBJECTS,
            "event": ObjectType(
                modes=frozenset({Mode.EVENT}),
                batch_rows=1000,
                batch_bytes=4_500_000,
                identifiers=frozenset(IDENTIFIERS),
                member="event",
                nested=True,
                partial_failure=PartialFailure.ALL_OR_NOTHING,
                delivery=Delivery.EXACTLY_ONCE,
                rate_group="bulk",
            ),
        },
        rate_limits={
            "bulk": RateLimit(requests=140, seconds=60, parallel=4),
            "reads": RateLimit(requests=140, seconds=60, parallel=4),
            "merges": RateLimit(requests=140, seconds=60, parallel=1),
            "privacy": RateLimit(requests=55, seconds=60, parallel=1),
            "default": RateLimit(requests=60, seconds=60, parallel=2),
        },
        pulls=True,
        erasure=Erasure("the profile is deleted by a privacy request", whole_account=True),
        asks_account=True,
        settings_help={
            "api_key": "private key with scopes lists, profiles, events, campaigns, metrics; "
            "subscriptions to subscribe and suppress; data-privacy to erase people",
            "resubscribe": "true subscribes those too who have unsubscribed in Klaviyo, or are suppressed there: false without it",
        },
        verdicts=VERDICTS,
    )
    settings_type: ClassVar[type[KlaviyoSettings]] = KlaviyoSettings
    sandbox_settings: ClassVar[dict[str, str]] = {"api_key": "sandbox"}

    def __init__(self, settings: KlaviyoSettings, target: SyncObject, limiter: Limiter) -> None:
        self.target = target
        self._list_id: str | None = None
        self.http = HttpClient(
            settings.base_url,
            vendor="klaviyo",
            limiter=limiter,
            verdicts=VERDICTS,
            headers={
                "Authorization": f"Klaviyo-API-Key {settings.api_key.get_secret_value()}",
                "revision": REVISION,
                "Accept": "application/vnd.api+json",
                "Content-Type": "application/vnd.api+json",
            },
        )
        self._suppressions = subscriptions.Suppressions(self.http, self._with_subscriptions)
        self._subscriptions: subscriptions.Subscriptions | None = None
        if (channel := subscriptions.CHANNELS.get(target.kind)) is not None:
            self._subscriptions = subscriptions.Subscriptions(
                self.http,
                channel,
                self._with_subscriptions,
                self.list_id if target.name else None,
                resubscribes=settings.resubscribe,
            )

    def check(self) -> str:
        if self.target.kind == "event":
            self.http.get("/api/events", {"page[size]": 1, "fields[event]": "uuid"}, answer=PAGE)
            return f"API revision {REVISION}, events are readable"
        self.http.get(
            "/api/profiles", {"page[size]": 1, "fields[profile]": "external_id"}, answer=PAGE
        )
        if self.target.kind != "list" and not self._subscribes_to_list:
            return f"API revision {REVISION}, profiles are readable"
        there = "is there" if self._found() else "will be made"
        return f"API revision {REVISION}, list '{self.target.name}' {there}"

    def account(self) -> str:
        """The account's id, by the scope `accounts:read`.

        https://developers.klaviyo.com/en/reference/get_accounts, read 2026-11-28.
        """
        answer = self.http.get("/api/accounts", {"fields[account]": "timezone"}, answer=PAGE)
        return str(answer["data"][0]["id"])

    @property
    def _subscribes_to_list(self) -> bool:
        return self._subscriptions is not None and bool(self.target.name)

    def upsert(self, records: Sequence[Record]) -> BatchResult:
        if not records:
            return BatchResult(requests=0)
        if self._subscriptions is not None:
            return self._subscriptions.subscribe(records)
        if self.target.kind == "suppression":
            return self._suppressions.ask("create", records)
        data: dict[str, Any] = {
            "type": "profile-bulk-import-job",
            "attributes": {"profiles": {"data": [_profile(record) for record in records]}},
        }
        if self.target.kind == "list":
            data["relationships"] = {"lists": {"data": [{"type": "list", "id": self.list_id()}]}}
        job = self.http.post(
            "/api/profile-bulk-import-jobs", {"data": data}, group="bulk", answer=JOB_MADE
        )
        return BatchResult(pending=[record.key for record in records], job=job["data"]["id"])

    def poll(self, job: str) -> JobStatus:
        if self.target.kind == "suppression":
            return self._suppressions.poll(job)
        path = f"/api/profile-bulk-import-jobs/{job}"
        attributes = attributes_of(self.http, path)
        if (status := unfinished(attributes)) is not None:
            return status
        counts = [attributes.get(f"{name}_count") for name in ("total", "completed", "failed")]
        if counts[0] is None or not all(one is None or type(one) is int for one in counts):
            raise UnexpectedAnswerError(
                "klaviyo: a job that is complete does not say of how many profiles."
            )
        failed = []
        if counts[2]:
            for error in self._pages(f"{path}/import-errors", {"page[size]": LOOKUP_ROWS}):
                payload = error["attributes"].get("original_payload") or {}
                attributes_sent = payload.get("attributes", payload)
                if key := attributes_sent.get("external_id"):
                    failed.append(
                        RowError(key, error["attributes"]["code"], error["attributes"]["title"])
                    )
        # The ids of those taken would cost a request per 100 rows; a removal asks for the few it needs.
        return JobStatus(
            done=True,
            failed=failed,
            total_count=counts[0],
            taken_count=counts[1],
            failed_count=counts[2],
        )

    def remove(self, records: Sequence[Record]) -> BatchResult:
        """Take profiles off the list; they stay in the account, and so does their consent. Of other objects, what they are is undone."""
        if self._subscriptions is not None:
            return self._subscriptions.unsubscribe(records)
        if self.target.kind == "suppression":
            return self._suppressions.ask("delete", records)
        if self.target.kind == "profile":
            return self.erase(records)
        known = {record.key: record.remote_id for record in records if record.remote_id}
        left = {record.key: record.key for record in records if record.key not in known}
        known.update(self._look_up("external_id", left))
        # Another system may have set an external id of its own: the address that was sent still finds the profile.
        for name, attribute in IDENTIFIERS.items():
            left = {
                record.identifiers[name]: record.key
                for record in records
                if record.key not in known and name in record.identifiers
            }
            known.update(self._look_up(attribute, left))
        before = self.http.requests_sent
        for ids in chunks(sorted(set(known.values())), REMOVE_ROWS):
            self.http.request(
                "DELETE",
                f"/api/lists/{self.list_id()}/relationships/profiles",
                json={"data": [{"type": "profile", "id": profile_id} for profile_id in ids]},
                group="bulk",
                missing_ok=True,
                answer=NO_CONTENT,
            )
        return BatchResult(
            accepted=[Accepted(record.key, known.get(record.key)) for record in records],
            requests=self.http.requests_sent - before,
        )

    def merge(self, records: Sequence[Record]) -> BatchResult:
        """Make one profile of two; Klaviyo cannot undo it, and does it a while after the request is taken.

        Description of merge_profiles, revision 2026-07-15, read 2026-11-29: one source a request, 10 a second and 150 a minute.
        """
        before = self.http.requests_sent
        kept = {record.key: record.into for record in records if record.into is not None}
        # By our own id alone: an address or a number may be somebody else's by now.
        ids = {*kept, *(one.key for one in kept.values())}
        profiles_of = self._look_up("external_id", {one: one for one in ids})

        lacks = "Klaviyo does not have the profile that it was merged into"

        def merge(source: str, target: str) -> str:
            profiles = {"data": [{"type": "profile", "id": source}]}
            told = {
                "type": "profile-merge", "id": target, "relationships": {"profiles": profiles},
            }  # fmt: skip
            self.http.post("/api/profile-merge", {"data": told}, group="merges", answer=MADE)
            return target

        result = merged_one_by_one(records, profiles_of, profiles_of, merge, lacks=lacks)
        return replace(result, requests=self.http.requests_sent - before)

    def there(self, records: Sequence[Record]) -> Collection[str]:
        """Those who are on the list, by the address that their profile has now, or were sent with where no profile has their key.

        Description of get_profiles_for_list, revision 2026-07-15, read 2026-11-29: found by `email` and `phone_number`, a hundred a page.
        """
        if not records:
            return set()
        if self._subscriptions is not None:
            return self._subscriptions.subscribed(records)
        if self.target.kind == "suppression":
            return self._suppressions.suppressed(records)
        list_id = self._found() if self.target.kind == "list" else None
        if list_id is None and self.target.kind == "list":
            return set()
        known = {
            record.key: {
                attribute: record.identifiers.get(name) for name, attribute in IDENTIFIERS.items()
            }
            for record in records
        }
        for profile in self._with_any("/api/profiles", "external_id", known):
            if (key := str(profile["attributes"].get("external_id"))) in known:
                known[key] = profile["attributes"]
        members = "/api/profiles" if list_id is None else f"/api/lists/{list_id}/profiles"
        found: set[str] = set()
        for attribute in ("email", "phone_number"):
            # A number may be a household's: it says who somebody is only where there is no address.
            asked: dict[str, list[str]] = {}
            for key, has in known.items():
                if (value := has.get(attribute)) and (attribute == "email" or not has.get("email")):
                    asked.setdefault(str(value).lower(), []).append(key)
            for member in self._with_any(members, attribute, asked):
                found.update(asked.get(str(member["attributes"].get(attribute)).lower(), ()))
        return found

    def erase(self, records: Sequence[Record]) -> BatchResult:
        """Ask for the deletion of every profile that has the key, an address or a number of the row."""
        if not records:
            return BatchResult(requests=0)
        before = self.http.requests_sent
        ids = {record.remote_id for record in records if record.remote_id}
        wanted = {"external_id": {record.key for record in records}}
        for name, attribute in IDENTIFIERS.items():
            wanted[attribute] = {
                record.identifiers[name] for record in records if name in record.identifiers
            }
        for attribute, values in wanted.items():
            ids.update(self._look_up(attribute, {value: value for value in values}).values())
        for profile_id in sorted(ids):
            self._delete(profile_id)
        return BatchResult(
            accepted=[Accepted(record.key) for record in records],
            requests=self.http.requests_sent - before,
        )

    def _delete(self, profile_id: str) -> None:
        # The description wants the attributes, also where the id says who it is.
        profile = {"data": {"type": "profile", "id": profile_id, "attributes": {}}}
        job = {"type": "data-privacy-deletion-job", "attributes": {"profile": profile}}
        self.http.post(
            "/api/data-privacy-deletion-jobs",
            {"data": job},
            group="privacy",
            missing_ok=True,
            answer=DELETION_TAKEN,
        )

    def send(self, records: Sequence[Record]) -> BatchResult:
        if not records:
            return BatchResult(requests=0)
        self.http.post(
            "/api/event-bulk-create-jobs",
            {
                "data": {
                    "type": "event-bulk-create-job",
                    "attributes": {
                        "events-bulk-create": {"data": [self._event(record) for record in records]}
                    },
                }
            },
            group="bulk",
            answer=EVENTS_TAKEN,
        )
        return BatchResult(accepted=[Accepted(record.key) for record in records])

    def pull(self, since: dt.datetime) -> Iterator[Result]:
        for theirs, channel in CHANNELS.items():
            yield from self._campaigns(theirs, channel)
        for metric in self._pages("/api/metrics"):
            attributes = metric["attributes"]
            integration = (attributes.get("integration") or {}).get("name")
            if found := meaning(attributes.get("name") or "", integration):
                yield from self._events_of(
                    metric["id"], attributes.get("name") or "", *found, since
                )

    def _campaigns(self, theirs: str, channel: str) -> Iterator[Result]:
        for row in self._pages(
            "/api/campaigns", {"filter": f"equals(messages.channel,'{theirs}')"}
        ):
            attributes = row["attributes"]
            yield Campaign(
                campaign_id=row["id"],
                campaign_name=attributes["name"],
                channel=channel,
                status=attributes["status"],
                started_at=utc(attributes.get("send_time") or attributes.get("scheduled_at")),
                raw=json.dumps(row),
            )

    def _events_of(
        self, metric_id: str, name: str, kind: str, channel: str | None, since: dt.datetime
    ) -> Iterator[Result]:
        condition = (
            f'equals(metric_id,"{metric_id}"),'
            f"greater-or-equal(datetime,{since.strftime('%Y-%m-%dT%H:%M:%SZ')})"
        )
        for page in self._documents(
            "/api/events", {"filter": condition, "include": "profile", "sort": "datetime"}
        ):
            people = {row["id"]: row["attributes"] for row in page.get("included", [])}
            for row in page["data"]:
                person_id = row["relationships"]["profile"]["data"]["id"]
                person = people.get(person_id, {})
                recipient_type, recipient = _recipient(person, person_id)
                properties = row["attributes"].get("event_properties") or {}
                yield CampaignEvent(
                    event_id=row["attributes"].get("uuid") or row["id"],
                    campaign_id=properties.get("$campaign")
                    or properties.get("$flow")
                    or properties.get("$message"),
                    kind=name if kind == OTHER or is_soft(kind, properties) else kind,
                    recipient_type=recipient_type,
                    recipient=recipient,
                    occurred_at=utc(row["attributes"]["datetime"]) or since,
                    raw=json.dumps({**row["attributes"], "metric": name}),
                    channel=channel,
                )

    def list_id(self) -> str:
        """Id of the list by its name, made if there is none."""
        found = self._found()
        if found is None:
            made = self.http.post(
                "/api/lists",
                {"data": {"type": "list", "attributes": {"name": self.target.name or ""}}},
                answer=MADE,
            )
            self.http.made()
            found = self._list_id = str(made["data"]["id"])
        return found

    def _found(self) -> str | None:
        """Id of the list, where there is one."""
        if self._list_id is None:
            name = (self.target.name or "").replace("\\", "\\\\").replace('"', '\\"')
            params = {"filter": f'equals(name,"{name}")'}
            found = self.http.get("/api/lists", params, answer=PAGE)["data"]
            self._list_id = str(found[0]["id"]) if found else None
        return self._list_id

    def _look_up(self, attribute: str, wanted: Mapping[str, str]) -> dict[str, str]:
        """Profile ids by key, for keys by the value that `attribute` has."""
        found: dict[str, str] = {}
        for profile in self._with_any("/api/profiles", attribute, wanted):
            if key := wanted.get(str(profile["attributes"].get(attribute))):
                found[key] = profile["id"]
        return found

    def _with_any(
        self,
        path: str,
        attribute: str,
        values: Collection[str],
        more: Mapping[str, Any] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Profiles whose `attribute` is one of `values`."""
        for some in chunks(sorted(values), LOOKUP_ROWS):
            listed = ",".join(json.dumps(value) for value in some)
            asked = {"filter": f"any({attribute},[{listed}])", "page[size]": LOOKUP_ROWS}
            yield from self._pages(path, {**asked, **(more or {})})

    def _with_subscriptions(
        self, attribute: str, values: Collection[str]
    ) -> Iterator[dict[str, Any]]:
        more = {"additional-fields[profile]": "subscriptions"}
        return self._with_any("/api/profiles", attribute, values, more)

    def _event(self, record: Record) -> dict[str, Any]:
        fields = dict(record.fields)
        event: dict[str, Any] = {
            "properties": {name: plain(value) for name, value in fields.items()},
            "metric": {
                "data": {"type": "metric", "attributes": {"name": self.target.name or record.key}}
            },
            "unique_id": record.idempotency_key or record.key,
        }
        if isinstance(at := fields.get(HAPPENED_AT), dt.datetime):
            event["time"] = plain(at)
        external_id = fields.get("external_id") or fields.get("profile_id")
        profile: dict[str, Any] = {
            IDENTIFIERS[name]: value
            for name, value in record.identifiers.items()
            if name in IDENTIFIERS
        }
        if external_id:
            profile["external_id"] = str(external_id)
        return {
            "type": "event-bulk-create",
            "attributes": {
                "profile": {"data": {"type": "profile", "attributes": profile}},
                "events": {"data": [{"type": "event", "attributes": event}]},
            },
        }

    def _pages(self, path: str, params: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        for page in self._documents(path, params):
            yield from page["data"]

    def _documents(
        self, path: str, params: dict[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        page, followed = self.http.get(path, params, group="reads", answer=PAGE), ""
        while page is not None:
            yield page
            following = str((page.get("links") or {}).get("next") or "")
            # A link out of the API, or to where it stands, would be followed for ever.
            onward = "/api/" in following and following != followed
            page = self.http.get(following, group="reads", answer=PAGE) if onward else None
            followed = following


def _profile(record: Record) -> dict[str, Any]:
    attributes: dict[str, Any] = {"external_id": record.key}
    location: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    for name, identifier in record.identifiers.items():
        attributes[IDENTIFIERS.get(name, name)] = identifier
    for name, value in record.fields.items():
        if value is None:
            continue  # the bulk import takes no null
        _place(name, value, attributes, location, properties)
    if location:
        attributes["location"] = location
    if properties:
        attributes["properties"] = properties
    return {"type": "profile", "attributes": attributes}


def _place(
    name: str,
    value: Value,
    attributes: dict[str, Any],
    location: dict[str, Any],
    properties: dict[str, Any],
) -> None:
    if name in ATTRIBUTES:
        attributes[name] = plain(value)
    elif name in LOCATION:
        location[LOCATION[name]] = plain(value)
    else:
        properties[name] = plain(value)


def _recipient(person: dict[str, Any], person_id: str) -> tuple[str, str]:
    if person.get("external_id"):
        return "profile_id", str(person["external_id"])
    if person.get("email"):
        return "email", str(person["email"])
    if person.get("phone_number"):
        return "phone", str(person["phone_number"])
    return "klaviyo_id", person_id
