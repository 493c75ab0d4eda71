"""Webhook: batches of rows as JSON to a URL of yours, signed.

Each request is `{"sync": ..., "action": "upsert" | "remove" | "event", "rows": [...]}`. With a `signing_secret`, the header
X-Headwater-Signature is `sha256=` and the HMAC-SHA256 of the body in hex (RFC 2104). `Idempotency-Key` is the same for the same
batch. Answer 2xx to take every row, or `{"failed": [{"key", "status", "message"}]}` to refuse some.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import SecretStr

from sync.destinations.base import Declaration, Delivery, ObjectType, PartialFailure, RateLimit
from sync.destinations.http import HttpClient, Limiter
from sync.destinations.settings import Settings
from sync.destinations.values import json_bytes
from sync.records import Accepted, BatchResult, Mode, Record, RowError, SyncObject


class WebhookSettings(Settings):
    url: str
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
        headers = {"Content-Type": "application/json"}
        if settings.token:
            headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"
        self.http = HttpClient(settings.url, vendor="webhook", headers=headers, limiter=limiter)

    def check(self) -> str:
        self._post("check", [])
        return "the URL answers"

    def upsert(self, records: Sequence[Record]) -> BatchResult:
        return self._send("upsert", records)

    def remove(self, records: Sequence[Record]) -> BatchResult:
        return self._send("remove", records)

    def send(self, records: Sequence[Record]) -> BatchResult:
        return self._send("event", records)

    def _send(self, action: str, records: Sequence[Record]) -> BatchResult:
        if not records:
            return BatchResult(requests=0)
        answer = self._post(action, records)
        refused = {}
        if isinstance(answer, dict):
            refused = {str(row.get("key")): row for row in answer.get("failed") or []}
        return BatchResult(
            accepted=[Accepted(record.key) for record in records if record.key not in refused],
            failed=[
                RowError(
                    record.key,
                    str(refused[record.key].get("status", "refused")),
                    "refused by the webhook",
                )
                for record in records
                if record.key in refused
            ],
        )

    def _post(self, action: str, records: Sequence[Record]) -> Any:
        rows = [
            {
                "key": record.key,
                "identifiers": dict(record.identifiers),
                "fields": dict(record.fields),
                "idempotency_key": record.idempotency_key,
            }
            for record in records
        ]
        body = json_bytes({"sync": self.target.name, "action": action, "rows": rows})
        headers = {"Idempotency-Key": hashlib.sha256(body).hexdigest()}
        if self._secret:
            mac = hmac.new(self._secret.get_secret_value().encode(), body, hashlib.sha256)
            headers["X-Headwater-Signature"] = f"sha256={mac.hexdigest()}"
        return self.http.request("POST", "", data=body, headers=headers)
