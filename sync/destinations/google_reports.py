"""Google Ads' reports: campaigns, and what they cost, by day.

Read 2026-11-29: developers.google.com/google-ads/api/docs/reporting/overview and API description v25 (googleAds:search by a query, pages of
10,000 rows, nextPageToken; the headers developer-token and login-customer-id), .../fields/v25/campaign (campaign, segments.date,
metrics.cost_micros, impressions, clicks, conversions; customer.currency_code).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any

from sync.destinations.answers import Answer
from sync.destinations.http import HttpClient
from sync.records import Campaign, CampaignDay, Result

API_VERSION = "v25"
CAMPAIGNS = "SELECT campaign.id, campaign.name, campaign.status FROM campaign"
DAYS = (
    "SELECT campaign.id, segments.date, customer.currency_code, metrics.cost_micros, metrics.impressions, "
    "metrics.clicks, metrics.conversions FROM campaign WHERE segments.date BETWEEN '{since}' AND '{until}'"
)
MICROS = 1_000_000
# Without rows there are no results in the document, and still the fields that were asked for.
PAGE = Answer(fields=(("fieldMask", str),))


def pulled(
    http: HttpClient, customer_id: str, headers: Mapping[str, str], since: dt.datetime
) -> Iterator[Result]:
    """Campaigns, and their figures of each day from `since` on."""
    path = f"/{API_VERSION}/customers/{customer_id}/googleAds:search"
    for row in _rows(http, path, CAMPAIGNS, headers):
        campaign = row["campaign"]
        yield Campaign(
            campaign_id=str(campaign["id"]),
            campaign_name=campaign.get("name"),
            channel="ads",
            status=campaign.get("status"),
            started_at=None,
            raw=json.dumps(row),
        )
    first, last = since.date(), dt.datetime.now(dt.UTC).date()
    if first > last:
        return
    for row in _rows(http, path, DAYS.format(since=first, until=last), headers):
        figures = row.get("metrics") or {}
        yield CampaignDay(
            campaign_id=str(row["campaign"]["id"]),
            date=dt.date.fromisoformat(row["segments"]["date"]),
            spend=int(figures.get("costMicros") or 0) / MICROS,
            currency=(row.get("customer") or {}).get("currencyCode"),
            impressions=int(figures.get("impressions") or 0),
            clicks=int(figures.get("clicks") or 0),
            conversions=float(figures.get("conversions") or 0),
            raw=json.dumps(row),
        )


def _rows(
    http: HttpClient, path: str, query: str, headers: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    token: str | None = None
    while True:
        more = {} if token is None else {"pageToken": token}
        page = http.request(
            "POST", path, json={"query": query, **more}, headers=dict(headers), answer=PAGE
        )
        yield from page.get("results") or []
        # A token that leads to itself would be followed for ever.
        if page.get("nextPageToken") in (None, "", token):
            return
        token = str(page["nextPageToken"])
