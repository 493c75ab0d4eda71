"""Google Data Manager's conversions: events of a conversion action, with value, currency and the order's id.

Read 2026-11-29: developers.google.com/data-manager/api/reference/rest/v1/events/ingest (2,000 events a request; transactionId,
eventTimestamp, userData, adIdentifiers, currency, conversionValue, eventSource, consent), .../devguides/events/google-ads/offline (the
product's destination is the id of a conversion action of the type UPLOAD_CLICKS; one malformed event has the whole request refused), and
google/ads/datamanager/v1/processing_errors.proto (DUPLICATE_TRANSACTION_ID: an event of this order and action is there already).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sync.destinations.values import plain
from sync.records import Record, RowError

CLICKS = frozenset({"gclid", "gbraid", "wbraid"})
FIELDS = frozenset({"occurred_at", "value", "currency"})
SOURCES = ("WEB", "APP", "IN_STORE", "PHONE", "MESSAGE", "OTHER")
# What Google has already counts as taken: a repeat of it changes nothing.
THERE_ALREADY = frozenset(
    f"PROCESSING_ERROR_REASON_{reason}"
    for reason in ("DUPLICATE_TRANSACTION_ID", "DUPLICATE_GCLID")
)
# Refusals of one event.
ROW_REASONS = tuple(
    f"PROCESSING_ERROR_REASON_{reason}"
    for reason in (
        "EVENT_TOO_OLD", "INVALID_EVENT", "INVALID_GCLID", "INVALID_GBRAID", "INVALID_WBRAID",
        "DENIED_CONSENT", "NO_CONSENT", "UNKNOWN_CONSENT",
    )
)  # fmt: skip


def event(
    record: Record, user: list[dict[str, Any]], consent: dict[str, str] | None, source: str
) -> dict[str, Any] | RowError:
    """One conversion as Google takes it, or why it is not sent."""
    at = record.fields.get("occurred_at")
    if not isinstance(at, dt.datetime):
        return RowError(record.key, "no_time", "occurred_at is no timestamp", False)
    clicks = {name: value for name, value in record.identifiers.items() if name in CLICKS}
    if not user and not clicks:
        return RowError(record.key, "no_identifier", "no identifier Google takes", False)
    made: dict[str, Any] = {
        "transactionId": record.key,
        "eventTimestamp": plain(at),
        "eventSource": source,
    }
    if user:
        made["userData"] = {"userIdentifiers": user}
    if clicks:
        made["adIdentifiers"] = clicks
    if consent is not None:
        made["consent"] = consent
    value = record.fields.get("value")
    if value is not None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return RowError(record.key, "no_value", "value is no number", False)
        made["conversionValue"] = value
    if currency := record.fields.get("currency"):
        made["currency"] = str(currency)
    return made
