"""OneSignal: a tag on users is the audience, and messages (push, e-mail, SMS) go to one user each.

Read 2026-11-24: documentation.onesignal.com/reference/rate-limits (users 1,000 requests a second, messages 150 a second on free
plans, views 1 a second), .../reference/idempotent-notification-requests (`idempotency_key` is a UUID of version 3 or 4; a
repeat returns the first answer), .../reference/update-user (tags; an empty value deletes one), .../reference/create-user,
.../reference/push-notification. API description 5.12.0.

Errors are sentences, so that their status alone tells whose fault they are (docs.rs/onesignal-rust-api, errors, and API description
5.12.0, read 2026-11-28: 403 any key that is not valid, 409 an alias that is another user's, 503 passing).

Results, read 2026-11-28: documentation.onesignal.com/docs/push-notification-message-reports and the description of NotificationWithMeta.
`failed` counts devices that are unsubscribed, `errored` those that an error kept from it and that are tried again: no bounce for good.

Read 2026-11-29, API description 5.12.0: a message needs `contents` unless it has a `template_id`; target_channel email and sms, with
email_subject (required), email_body unless there is a template_id, email_preheader, sms_from, and custom_data of 2,048 bytes (e-mail:
10,000) in place of data. A message that is read back does not say its channel, so that its name does.

Erasure, read 2026-11-29: documentation.onesignal.com/reference/delete-user (the user with all properties, subscriptions and aliases, for
good, shortly after the request was accepted), and API description 5.12.0.

An answer of 200 with an empty `id` means that nobody was reached. Users are known by external id, which is our profile id.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import SecretStr

from sync.destinations.answers import Answer, Fault, Verdict, Verdicts
from sync.destinations.base import (
    Declaration,
    Delivery,
    Erasure,
    ObjectType,
    PartialFailure,
    RateLimit,
)
from sync.destinations.http import HttpClient, Limiter
from sync.destinations.settings import Address, HttpSettings
from sync.destinations.values import one_by_one, plain, utc
from sync.errors import UnexpectedAnswerError
from sync.records import (
    Accepted,
    BatchResult,
    Campaign,
    CampaignEvent,
    Mode,
    Record,
    Result,
    RowError,
    SyncObject,
)

API_VERSION = "1"
PAGE = 50
CHANNELS = {"message": "push", "email": "email", "sms": "sms"}  # kind of object -> target_channel
# By channel: the fields that are text of the message, and where they go; one of the last two must be there.
PLACES = {
    "push": {
        "title": "headings", "url": "url", "message": "contents", "template_id": "template_id",
    },
    "email": {
        "title": "email_subject", "preheader": "email_preheader", "message": "email_body", "template_id": "template_id",
    },
    "sms": {"message": "contents", "template_id": "template_id"},
}  # fmt: skip
TRANSLATED = frozenset({"contents", "headings"})  # a text in each language


LISTED = Answer(fields=(("notifications", list),))
# 202: taken, and not yet made (.../reference/create-user).
TAGGED = Answer(frozenset({200, 201, 202}), (("identity.external_id", str),))
# The description has 200 and no body, the page says that the deletion follows shortly after the request was accepted.
DELETED = Answer(frozenset({200, 202}), form=(dict, list), empty=True)
UNTAGGED = Answer(frozenset({200, 202}), (("properties", dict),))
USER = Answer(fields=(("identity", dict),))
SENT = Answer()
VERDICTS = Verdicts({(409, None): Verdict(Fault.ROW)})


class OneSignalSettings(HttpSettings):
    """The app and its key."""

    api_key: SecretStr
    app_id: str
    sms_from: str | None = None
    base_url: Address = "https://api.onesignal.com"


def _messages() -> ObjectType:
    return ObjectType(
        modes=frozenset({Mode.EVENT}),
        batch_rows=100,
        identifiers=frozenset({"profile_id"}),
        member="message",
        partial_failure=PartialFailure.PER_ROW,
        delivery=Delivery.EXACTLY_ONCE,
        rate_group="messages",
    )


class OneSignal:
    """Sets one tag on users, or sends messages of one channel."""

    declaration: ClassVar[Declaration] = Declaration(
        name="onesignal",
        title="OneSignal",
        api_version=API_VERSION,
        objects={
            "tag": ObjectType(
                modes=frozenset({Mode.UPSERT, Mode.MIRROR, Mode.ADD, Mode.REMOVE}),
                batch_rows=100,
                identifiers=frozenset({"profile_id"}),
                member="tag",
                partial_failure=PartialFailure.PER_ROW,
                rate_group="users",
            ),
            **{kind: _messages() for kind in CHANNELS},
        },
        rate_limits={
            "users": RateLimit(requests=900, seconds=1, parallel=8),
            "messages": RateLimit(requests=140, seconds=1, parallel=4),
            "default": RateLimit(requests=1, seconds=1),
        },
        pulls=True,
        verdicts=VERDICTS,
        erasure=Erasure("the user is deleted, with tags and subscriptions", whole_account=True),
        settings_help={
            "api_key": "app API key",
            "app_id": "id of the app, a UUID",
            "sms_from": "number that SMS are sent from, as the app has it",
        },
    )
    settings_type: ClassVar[type[OneSignalSettings]] = OneSignalSettings
    sandbox_settings: ClassVar[dict[str, str]] = {
        "api_key": "sandbox",
        "app_id": "00000000-0000-4000-8000-000000000001",
    }

    def __init__(self, settings: OneSignalSettings, target: SyncObject, limiter: Limiter) -> None:
        self.target = target
        self.app_id = settings.app_id
        self._sms_from = settings.sms_from
        self.http = HttpClient(
            settings.base_url,
            vendor="onesignal",
            limiter=limiter,
            verdicts=VERDICTS,
            headers={"Authorization": f"Key {settings.api_key.get_secret_value()}"},
        )

    def check(self) -> str:
        if self.target.kind in CHANNELS:
            self.http.get("/notifications", {"app_id": self.app_id, "limit": 1}, answer=LISTED)
            return "the app's messages are readable"
        # Nobody is called this: that the vendor says so shows that it let us ask.
        path = f"/apps/{self.app_id}/users/by/external_id/headwater-check"
        self.http.get(path, group="users", missing_ok=True, answer=USER)
        return "the app's users are readable"

    def account(self) -> str:
        return self.app_id

    def upsert(self, records: Sequence[Record]) -> BatchResult:
        return one_by_one(records, self._set_tags)

    def remove(self, records: Sequence[Record]) -> BatchResult:
        return one_by_one(records, self._drop_tag)

    def send(self, records: Sequence[Record]) -> BatchResult:
        return one_by_one(records, self._message)

    def erase(self, records: Sequence[Record]) -> BatchResult:
        return one_by_one(records, self._delete_user)

    def pull(self, since: dt.datetime) -> Iterator[Result]:
        offset = 0
        while True:
            page = self.http.get(
                "/notifications",
                {"app_id": self.app_id, "limit": PAGE, "offset": offset},
                answer=LISTED,
            )
            rows = page["notifications"]
            for row in rows:
                yield from _results(row, since)
            offset += len(rows)
            # Newest first: a page that ends before `since` is the last one that matters.
            if (
                not rows
                or offset >= page.get("total_count", 0)
                or (_sent_at(rows[-1]) or since) < since
            ):
                return

    def _set_tags(self, record: Record) -> Accepted | RowError:
        external_id = _external_id(record)
        tags = {name: _tag(value) for name, value in record.fields.items()}
        tags[self.target.name or "audience"] = "true"
        # Creating a user that is there updates it.
        answer = self.http.post(
            f"/apps/{self.app_id}/users",
            {"identity": {"external_id": external_id}, "properties": {"tags": tags}},
            group="users",
            answer=TAGGED,
        )
        if answer["identity"]["external_id"] != external_id:
            raise UnexpectedAnswerError("onesignal: the answer names another user.")
        return Accepted(record.key, answer["identity"].get("onesignal_id"))

    def _drop_tag(self, record: Record) -> Accepted | RowError:
        self.http.request(
            "PATCH",
            f"/apps/{self.app_id}/users/by/external_id/{quote(_external_id(record), safe='')}",
            json={"properties": {"tags": {self.target.name or "audience": ""}}},
            group="users",
            missing_ok=True,
            answer=UNTAGGED,
        )
        return Accepted(record.key)

    def _delete_user(self, record: Record) -> Accepted | RowError:
        self.http.request(
            "DELETE",
            f"/apps/{self.app_id}/users/by/external_id/{quote(_external_id(record), safe='')}",
            group="users",
            missing_ok=True,
            answer=DELETED,
        )
        return Accepted(record.key)

    def _message(self, record: Record) -> Accepted | RowError:
        channel = CHANNELS[self.target.kind]
        places = PLACES[channel]
        fields = {name: plain(value) for name, value in record.fields.items()}
        said = {
            name: str(value)
            for name, value in fields.items()
            if name in places and value not in (None, "")
        }
        if not said.keys() & {"message", "template_id"}:
            why = "the row has neither message nor template_id"
            return RowError(record.key, "no_text", why, retryable=False)
        if channel == "email" and "title" not in said:
            why = "the row has no title, which is an e-mail's subject"
            return RowError(record.key, "no_text", why, retryable=False)
        more = {name: value for name, value in fields.items() if name not in places}
        body: dict[str, Any] = {
            "app_id": self.app_id,
            "target_channel": channel,
            "name": _name(self.target.name or channel, channel),
            "include_aliases": {"external_id": [_external_id(record)]},
            "idempotency_key": _uuid(record.idempotency_key or record.key),
            "data" if channel == "push" else "custom_data": {"key": record.key, **more},
        }
        for name, place in places.items():
            if name in said:
                body[place] = {"en": said[name]} if place in TRANSLATED else said[name]
        if channel == "sms" and self._sms_from is not None:
            body["sms_from"] = self._sms_from
        answer = self.http.post("/notifications", body, group="messages", answer=SENT)
        if not isinstance(answer.get("id"), str) or (not answer["id"] and not answer.get("errors")):
            raise UnexpectedAnswerError("onesignal: the answer to a message has no id.")
        if not answer["id"] or _is_nobody(answer.get("errors")):
            return RowError(
                record.key, "nobody_reached", "no subscribed device for this user", False
            )
        return Accepted(record.key, str(answer["id"]))


def _name(name: str, channel: str) -> str:
    """What a message is called, by which its channel is known again."""
    return name if channel == "push" else f"{name} ({channel})"


def _channel(name: str) -> str:
    return next((one for one in ("email", "sms") if name.endswith(f" ({one})")), "push")


def _is_nobody(errors: Any) -> bool:
    """Whether the one person addressed is unknown: the message has an id all the same."""
    return isinstance(errors, dict) and bool(errors.get("invalid_aliases"))


def _external_id(record: Record) -> str:
    return record.identifiers.get("profile_id") or str(
        record.fields.get("profile_id") or record.key
    )


def _tag(value: Any) -> str:
    """Tags are text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    shown = plain(value)
    return "" if shown is None else str(shown)


def _uuid(idempotency_key: str) -> str:
    return str(uuid.uuid3(uuid.NAMESPACE_OID, idempotency_key))


def _sent_at(row: dict[str, Any]) -> dt.datetime | None:
    return utc(row.get("completed_at") or row.get("send_after") or row.get("queued_at"))


def _results(row: dict[str, Any], since: dt.datetime) -> Iterator[Result]:
    at = _sent_at(row)
    if at is None or at < since:
        return
    name = str(row.get("name") or "push")
    channel = _channel(name)
    yield Campaign(
        campaign_id=name,
        campaign_name=name,
        channel=channel,
        status="sent",
        started_at=at,
        raw=json.dumps({"name": name}),
    )
    recipients = ((row.get("include_aliases") or {}).get("external_id")) or []
    touchpoint_id = (row.get("data") or {}).get("key")
    for kind, count in _counts(row).items():
        for recipient in recipients if count else []:
            yield CampaignEvent(
                event_id=f"{row['id']}:{kind}:{recipient}",
                campaign_id=name,
                kind=kind,
                recipient_type="profile_id",
                recipient=str(recipient),
                occurred_at=at,
                touchpoint_id=touchpoint_id,
                raw=json.dumps({"id": row["id"], **{kind: count}}),
                channel=channel,
            )


def _counts(row: dict[str, Any]) -> dict[str, int]:
    """What became of a message to one person, by kind. Who was reached on one device has not left push by leaving on another."""
    reached = int(row.get("successful") or 0)
    unsubscribed = "failed" if reached else "unsubscribed"
    return {
        "delivered": reached,
        "clicked": int(row.get("converted") or 0),
        unsubscribed: int(row.get("failed") or 0),
        "errored": int(row.get("errored") or 0),
        "received": int(row.get("received") or 0),
    }
