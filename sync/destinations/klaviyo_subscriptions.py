"""Klaviyo's subscriptions and suppressions: who may be written to.

Read 2026-11-29: developers.klaviyo.com/en/reference/bulk_subscribe_profiles (1,000 profiles a request, 202 without a body; consent
SUBSCRIBED per channel; `historical_import` wants `consented_at`, which is in the past then, and starts neither double opt-in nor flows;
whoever had unsubscribed or was suppressed by hand is so no more), .../bulk_unsubscribe_profiles (1,000; with a list, who is not on it is
unsubscribed from all: so it is always from all here), .../bulk_suppress_profiles and .../bulk_unsuppress_profiles (100; a job, of which
profiles may be skipped; only what was suppressed by hand is taken back), .../get_profiles (`additional-fields[profile]=subscriptions`),
API description 2026-07-15.

Since a subscription would undo somebody's own answer, Klaviyo is asked first: who has unsubscribed there, or is suppressed, is refused,
unless the sync says `resubscribe`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from sync.destinations.answers import Answer
from sync.destinations.base import ObjectType, PartialFailure
from sync.destinations.http import HttpClient
from sync.destinations.klaviyo_jobs import JOB_MADE, attributes_of, unfinished
from sync.destinations.values import plain
from sync.errors import UnexpectedAnswerError
from sync.records import Accepted, BatchResult, JobStatus, Mode, Record, RowError

CONSENTED_AT = "consented_at"  # column that says when they agreed
CHANNELS = {"email_subscription": "email", "sms_subscription": "sms"}
ADDRESSES = {"email": "email", "sms": "phone"}
ATTRIBUTES = {"email": "email", "sms": "phone_number"}
TAKEN = Answer(frozenset({202}), empty=True)
KEYED = frozenset({Mode.UPSERT, Mode.ADD, Mode.MIRROR, Mode.REMOVE})


def _subscription(channel: str) -> ObjectType:
    address = ADDRESSES[channel]
    return ObjectType(
        modes=KEYED,
        batch_rows=1000,
        identifiers=frozenset({address}),
        member="address",
        members=((address,),),
        open_fields=False,
        known_fields=frozenset({CONSENTED_AT}),
        partial_failure=PartialFailure.ALL_OR_NOTHING,
        rate_group="bulk",
        subscribes=channel,
    )


OBJECTS = {
    **{kind: _subscription(channel) for kind, channel in CHANNELS.items()},
    "suppression": ObjectType(
        modes=KEYED,
        batch_rows=100,
        identifiers=frozenset({"email"}),
        member="address",
        members=(("email",),),
        open_fields=False,
        partial_failure=PartialFailure.BY_POLLING,
        rate_group="bulk",
        latency="minutes",
    ),
}
Find = Callable[[str, Collection[str]], Iterator[dict[str, Any]]]


class Subscriptions:
    """Subscribes addresses of one channel, and unsubscribes them."""

    def __init__(
        self,
        http: HttpClient,
        channel: str,
        find: Find,
        list_id: Callable[[], str] | None,
        *,
        resubscribes: bool,
    ) -> None:
        self._http = http
        self._channel = channel
        self._find = find  # profiles with their subscriptions, by values of an attribute
        self._list_id = list_id
        self._resubscribes = resubscribes
        self._address, self._attribute = ADDRESSES[channel], ATTRIBUTES[channel]

    def subscribe(self, records: Sequence[Record]) -> BatchResult:
        """Subscribe whoever has not said no there; with the time of the consent where the row has it."""
        before = self._http.requests_sent
        able, failed = self._able(records)
        now = [record for record in able if record.fields.get(CONSENTED_AT) is None]
        earlier = [record for record in able if record.fields.get(CONSENTED_AT) is not None]
        for rows, is_earlier in ((now, False), (earlier, True)):
            if rows:
                self._post("create", rows, "SUBSCRIBED", is_earlier=is_earlier)
        return BatchResult(
            [Accepted(record.key) for record in able],
            failed,
            requests=self._http.requests_sent - before,
        )

    def unsubscribe(self, records: Sequence[Record]) -> BatchResult:
        """Unsubscribe addresses from all marketing of the channel."""
        if not records:
            return BatchResult(requests=0)
        able = [record for record in records if self._address in record.identifiers]
        if able:
            self._post("delete", able, "UNSUBSCRIBED")
        return BatchResult([Accepted(record.key) for record in records], requests=bool(able))

    def subscribed(self, records: Sequence[Record]) -> set[str]:
        """Keys of those who are subscribed there."""
        said = self._said(records)
        return {
            record.key
            for record in records
            if said.get(self._value(record), {}).get("consent") == "SUBSCRIBED"
        }

    def _able(self, records: Sequence[Record]) -> tuple[list[Record], list[RowError]]:
        able, failed = list[Record](), list[RowError]()
        said = {} if self._resubscribes else self._said(records)
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        for record in records:
            at = record.fields.get(CONSENTED_AT)
            if not self._value(record):
                wrong = RowError(
                    record.key, "no_identifier", f"the row has no {self._address}", False
                )
            elif at is not None and not (isinstance(at, dt.datetime) and at < now):
                told = f"{CONSENTED_AT} is no timestamp of the past"
                wrong = RowError(record.key, "no_time", told, False)
            elif (why := refusal(said.get(self._value(record), {}))) is not None:
                wrong = RowError(record.key, *why, False)
            else:
                able.append(record)
                continue
            failed.append(wrong)
        return able, failed

    def _value(self, record: Record) -> str:
        return record.identifiers.get(self._address, "").lower()

    def _said(self, records: Sequence[Record]) -> dict[str, dict[str, Any]]:
        """What Klaviyo has of each address: its consent to the channel's marketing, and why it is suppressed."""
        wanted = {
            spelling
            for record in records
            if self._value(record)
            for spelling in (record.identifiers[self._address], self._value(record))
        }
        found: dict[str, dict[str, Any]] = {}
        for profile in self._find(self._attribute, wanted) if wanted else ():
            attributes = profile["attributes"]
            channel = (attributes.get("subscriptions") or {}).get(self._channel) or {}
            found[str(attributes.get(self._attribute)).lower()] = channel.get("marketing") or {}
        return found

    def _post(
        self, verb: str, records: Sequence[Record], consent: str, *, is_earlier: bool = False
    ) -> None:
        kind = f"profile-subscription-bulk-{verb}-job"
        attributes: dict[str, Any] = {
            "profiles": {"data": [self._profile(record, consent) for record in records]}
        }
        data: dict[str, Any] = {"type": kind, "attributes": attributes}
        if verb == "create":
            attributes["historical_import"] = is_earlier
            if self._list_id is not None:
                data["relationships"] = {"list": {"data": {"type": "list", "id": self._list_id()}}}
        self._http.post(f"/api/{kind}s", {"data": data}, group="bulk", answer=TAKEN)

    def _profile(self, record: Record, consent: str) -> dict[str, Any]:
        marketing: dict[str, Any] = {"consent": consent}
        if consent == "SUBSCRIBED" and (at := record.fields.get(CONSENTED_AT)) is not None:
            marketing["consented_at"] = plain(at)
        attributes = {
            self._attribute: record.identifiers[self._address],
            "subscriptions": {self._channel: {"marketing": marketing}},
        }
        return {"type": "profile", "attributes": attributes}


def refusal(marketing: Mapping[str, Any]) -> tuple[str, str] | None:
    """Why somebody must not be subscribed: their own answer there, or a suppression. Code and words."""
    if marketing.get("consent") == "UNSUBSCRIBED":
        return "unsubscribed", "they unsubscribed in Klaviyo after, or before, they agreed here"
    if marketing.get("suppression"):
        return "suppressed", "the address is suppressed in Klaviyo"
    return None


class Suppressions:
    """Suppresses addresses of e-mail, and takes back what was suppressed by hand."""

    def __init__(self, http: HttpClient, find: Find) -> None:
        self._http = http
        self._find = find

    def ask(self, verb: str, records: Sequence[Record]) -> BatchResult:
        """Begin a job: `create` suppresses, `delete` takes it back."""
        able = [record for record in records if "email" in record.identifiers]
        failed = [
            RowError(record.key, "no_identifier", "the row has no e-mail", False)
            for record in records
            if "email" not in record.identifiers
        ]
        if not able:
            return BatchResult(failed=failed, requests=0)
        kind = f"profile-suppression-bulk-{verb}-job"
        profiles = [
            {"type": "profile", "attributes": {"email": record.identifiers["email"]}}
            for record in able
        ]
        body = {"data": {"type": kind, "attributes": {"profiles": {"data": profiles}}}}
        made = self._http.post(f"/api/{kind}s", body, group="bulk", answer=JOB_MADE)
        job = f"{verb}:{made['data']['id']}"
        return BatchResult(failed=failed, pending=[record.key for record in able], job=job)

    def poll(self, job: str) -> JobStatus:
        """How a job stands. Whom it skipped is as it was wanted already, or suppressed for another reason."""
        verb, _, job_id = job.partition(":")
        path = f"/api/profile-suppression-bulk-{verb}-jobs/{job_id}"
        attributes = attributes_of(self._http, path)
        if (status := unfinished(attributes)) is not None:
            return status
        counts = [attributes.get(f"{name}_count") for name in ("total", "completed", "skipped")]
        if not all(one is None or type(one) is int for one in counts):
            raise UnexpectedAnswerError("klaviyo: a job does not count its profiles.")
        total, completed, skipped = counts
        taken = None if completed is None else completed + (skipped or 0)
        return JobStatus(done=True, total_count=total, taken_count=taken)

    def suppressed(self, records: Sequence[Record]) -> set[str]:
        """Keys of those who are suppressed there."""
        wanted = {one.identifiers["email"] for one in records if "email" in one.identifiers}
        found = set()
        for profile in self._find("email", wanted) if wanted else ():
            email = (profile["attributes"].get("subscriptions") or {}).get("email") or {}
            if (email.get("marketing") or {}).get("suppression"):
                found.add(str(profile["attributes"].get("email")).lower())
        return {one.key for one in records if one.identifiers.get("email", "").lower() in found}
