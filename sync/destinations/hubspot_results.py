"""What became of HubSpot's marketing e-mails.

Read 2026-11-29: developers.hubspot.com/docs/api-reference/legacy/marketing/emails/email-events (GET /email/public/v1/events from
`startTimestamp` in milliseconds, pages by `offset` while `hasMore`; types SENT, DELIVERED, OPEN, CLICK, BOUNCE, SPAMREPORT,
STATUSCHANGE; the scope content).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator

from sync.destinations.answers import Answer
from sync.destinations.http import HttpClient
from sync.records import OTHER, CampaignEvent, Result

PAGE = Answer(fields=(("events", list), ("hasMore", bool)))
KINDS = {
    "SENT": "sent",
    "DELIVERED": "delivered",
    "OPEN": "opened",
    "CLICK": "clicked",
    "BOUNCE": "bounced",
    "SPAMREPORT": "complained",
}
LIMIT = 1000
MILLISECONDS = 1000


def pulled(http: HttpClient, since: dt.datetime) -> Iterator[Result]:
    """Events of recipients at or after `since`."""
    start = int(since.replace(tzinfo=dt.UTC).timestamp() * MILLISECONDS)
    offset: str | None = None
    while True:
        asked: dict[str, int | str] = {"startTimestamp": start, "limit": LIMIT}
        page = http.get(
            "/email/public/v1/events",
            asked if offset is None else {**asked, "offset": offset},
            group="default",
            answer=PAGE,
        )
        for row in page["events"]:
            yield CampaignEvent(
                event_id=str(row["id"]),
                campaign_id=str(row["emailCampaignId"]) if row.get("emailCampaignId") else None,
                kind=_kind(row),
                recipient_type="email",
                recipient=str(row["recipient"]),
                occurred_at=dt.datetime.fromtimestamp(
                    row["created"] / MILLISECONDS, dt.UTC
                ).replace(tzinfo=None),
                raw=json.dumps(row),
                channel="email",
            )
        # A page that leads to itself would be followed for ever.
        following = page.get("offset")
        if not page["hasMore"] or not following or following == offset:
            return
        offset = str(following)


def _kind(row: dict[str, object]) -> str:
    """Ours, or the vendor's own word; a change of status is an opt-out where it says so."""
    kind = str(row.get("type") or OTHER)
    if kind == "STATUSCHANGE" and row.get("portalSubscriptionStatus") == "UNSUBSCRIBED":
        return "unsubscribed"
    return KINDS.get(kind, kind)
