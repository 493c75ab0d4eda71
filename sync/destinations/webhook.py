"""Webhook: batches of rows as JSON to a URL of yours, signed.

Each request is `{"sync": ..., "action": "upsert" | "remove" | "event" | "erase", "rows": [...]}`. With a `signing_secret`, the header
X-Headwater-Signature says when it was sent, under which id, and who signed all of it (`signing.py`). `Idempotency-Key` is the same for
the same batch. Answer 200, 201, 202 or 204 with no body or a JSON object to take every row, with `{"failed": [{"key", "status",
"message"}]}`
in it to refuse some. Whatever else comes (a page, half a document, a redirect, an object with `error` or the status of one) takes nothing.
Rows of `erase` are people to delete for good, also out of events that were sent before: by key and identifiers, without fields.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import SecretStr

from sync.destinations.answers import Answer
from sync.destinations.base import (
    Declaration,
    Delivery,
    Erasure,
    ObjectType,
    PartialFailure,
    RateLimit,
)
from sync.destinations.http import HttpClient, Limiter
from sync.destinations.settings import Address, Settings, fingerprint
from sync.destinations.signing import HEADER, signature
from sync.destinations.values import json_bytes
from sync.errors import UnexpectedAnswerError
from sync.records import Accepted, BatchResult, Mode, Record, RowError, SyncObject

TAKEN = Answer(frozenset({200, 201, 202, 204}), empty=True)


class WebhookSettings(Settings):
    """The address, and what shows it that a request is ours."""

    url: Address
    token: SecretStr | None = None
    signing_secret: SecretStr | None = None


class Webhook:
    """Sends rows to one URL."""

    declaration: ClassVar[Declaration] = Declaration(
        name="webhook",
        title="Webhook",
        api_version="1",
        objects={
            "record": ObjectType(
                modes=frozenset({Mode.UPSERT, Mode.MIRROR, Mode.ADD, Mode.REMOVE}),
                batch_rows=500,
                batch_bytes=1_000_000,
                identifiers=frozenset(),
                member="row",
                nested=True,
                partial_failure=PartialFailure.PER_ROW,
            ),
            "event": ObjectType(
                modes=frozenset({Mode.EVENT}),
                batch_rows=500,
                batch_bytes=1_000_000,
                identifiers=frozenset(),
                member="event",
                nested=True,
                partial_failure=PartialFailure.PER_ROW,
                delivery=Delivery.AT_LEAST_ONCE,
            ),
        },
        rate_limits={"default": RateLimit(requests=600, seconds=60, parallel=4)},
        erasure=Erasure("the receiver is sent the action `erase`"),
        settings_help={
            "url": "where to POST",
            "token": "sent as Authorization: Bearer, optional",
            "signing_secret": "key of X-Headwater-Signature, optional",
        },
    )
    settings_type: ClassVar[type[WebhookSettings]] = WebhookSettings
    sandbox_settings: ClassVar[dict[str, str]] = {}

    def __init__(self, settings: WebhookSettings, target: SyncObject, limiter: Limiter) -> None:
        self.target = target
        self._secret = settings.signing_secret
        self._url = settings.url
        headers = {"Content-Type": "application/json"}
        if settings.token:
            headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"
        self.http = HttpClient(settings.url, vendor="webhook", headers=headers, limiter=limiter)

    def check(self) -> str:
        self._post("check", [])
        return "the URL answers"

    def account(self) -> str:
        return fingerprint(self._url)

    def upsert(self, records: Sequence[Record]) -> BatchResult:
        return self._send("upsert", records)

    def remove(self, records: Sequence[Record]) -> BatchResult:
        return self._send("remove", records)

    def send(self, records: Sequence[Record]) -> BatchResult:
        return self._send("event", records)

    def erase(self, records: Sequence[Record]) -> BatchResult:
        return self._send("erase", records)

    def _send(self, action: str, records: Sequence[Record]) -> BatchResult:
        if not records:
            return BatchResult(requests=0)
        answer = self._post(action, records)
        refused = _refused(answer or {})
        if unknown := set(refused) - {record.key for record in records}:
            raise UnexpectedAnswerError(
                f"webhook: the answer refuses {len(unknown)} rows that were not sent: nothing counts as taken."
            )
        return BatchResult(
            accepted=[Accepted(record.key) for record in records if record.key not in refused],
            failed=[
                RowError(record.key, refused[record.key], "refused by the webhook")
                for record in records
                if record.key in refused
            ],
        )

    def _post(self, action: str, records: Sequence[Record]) -> Any:
        rows = [
            {
                "key": record.key,
                "identifiers": record.identifiers,
                "fields": record.fields,
                "idempotency_key": record.idempotency_key,
                **({} if record.into is None else {"merged_into": record.into.key}),
            }
            for record in records
        ]
        body = json_bytes({"sync": self.target.name, "action": action, "rows": rows})
        headers = {"Idempotency-Key": hashlib.sha256(body).hexdigest()}
        if self._secret:
            headers[HEADER] = signature(self._secret.get_secret_value(), body)
        return self.http.request("POST", "", data=body, headers=headers, answer=TAKEN)


_REFUSAL = re.compile(
    r"(http[ /]?)?(err|fail|reject|refuse|den(y|ied)|invalid|forbidden|unauthori|unsuccess|not |nok$|bad |[45]\d\d(\.0)?$)",
    re.I,
)


_WRONG = ("err", "fail", "exception", "fault", "reject")
_ASKING = re.compile(r"^(is|has|with)(_|(?=[A-Z]))")  # `hasErrors`, `is_error`


def _denies(name: str, value: object) -> bool:
    """Whether a member of an answer says that something went wrong: in one of the ways in which receivers say it."""
    if isinstance(value, dict):
        return any(map(_denies, value, value.values()))
    word = _ASKING.sub("", name).lower()
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        # One word a row; what is within may be the row itself, which some receivers give back.
        words = [pair for one in value if isinstance(one, dict) for pair in one.items()]
        return word.startswith(_WRONG) or any(
            _denies(*pair) for pair in words if not isinstance(pair[1], dict | list)
        )
    if word in ("ok", "success", "succeeded", "successful"):
        return str(value).lower() in ("false", "no", "0", "none")
    if word in (
        "status",
        "statuscode",
        "status_code",
        "http_status",
        "code",
        "result",
        "state",
        "outcome",
    ):
        return value is False or (
            isinstance(value, str | int | float) and bool(_REFUSAL.match(str(value)))
        )
    if word in ("accepted", "valid", "delivered"):
        return value is False
    return word.startswith(_WRONG) and bool(value)


def _refused(answer: dict[str, Any]) -> dict[str, str]:
    """The status of each refused key; a key alone may stand for its row.

    Raises:
        UnexpectedAnswerError: the answer says that something went wrong, and not which rows are refused.
    """
    rows = answer.get("failed") or []
    if not isinstance(rows, list) or (not rows and any(map(_denies, answer, answer.values()))):
        raise UnexpectedAnswerError(
            "webhook: the answer speaks of an error and names no refused row: nothing counts as taken.",
            'name refused rows as {"failed": [{"key": ..., "status": ...}]}, or answer with a status of 400 or more.',
        )
    found = {}
    for row in rows:
        key, status = (row.get("key"), row.get("status")) if isinstance(row, dict) else (row, None)
        found[str(key)] = str(status or "refused")
    return found
