"""What a vendor says of campaigns, as we keep it: answers in the vendors' shapes, values made up, over several pages."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sync.destinations import registry
from sync.records import Campaign, CampaignDay, CampaignEvent, SyncObject

Reply = Callable[[str, dict[str, str]], Any]


@pytest.fixture
def serving() -> Iterator[Callable[[Reply], str]]:
    """A vendor that answers a path and its parameters with what a function says; gives its address."""
    servers = []

    def of(reply: Reply) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                asked = {name: values[0] for name, values in parse_qs(url.query).items()}
                body = json.dumps(reply(url.path, asked)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return None

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield of
    for server in servers:
        server.shutdown()
        server.server_close()


def pulled(kind: str, object_kind: str, base_url: str, **settings: str) -> list[Any]:
    destination: Any = registry.create(
        kind,
        name=kind,
        settings={**settings, "base_url": base_url},
        target=SyncObject(object_kind, "x"),
    )
    return list(destination.pull(dt.datetime(2026, 11, 1)))


# -- Klaviyo: developers.klaviyo.com/en/reference/get_campaigns, .../get_events --------------------------


def klaviyo(path: str, asked: dict[str, str]) -> Any:
    next_page = {"self": "x", "next": f"http://other.example{path}?page[cursor]=2&filter={asked.get('filter', '')}"}  # fmt: skip
    if path == "/api/campaigns":
        channel = asked["filter"].split("'")[1]
        row = {
            "type": "campaign",
            "id": f"C-{channel}",
            "attributes": {
                "name": f"Sale {channel}",
                "status": "Sent",
                "send_time": None if channel == "sms" else "2026-11-05T09:00:00+02:00",
                "scheduled_at": "2026-11-06T10:00:00+00:00",
            },
        }
        return {"data": [row], "links": {"self": "x", "next": None}}
    if path == "/api/metrics":
        if "page[cursor]" not in asked:
            metric = {"name": "Clicked Email", "integration": {"name": "Klaviyo"}}
            return {"data": [{"id": "M1", "attributes": metric}], "links": next_page}
        metric = {"name": "Opened Push", "integration": {"name": "Klaviyo"}}
        return {"data": [{"id": "M2", "attributes": metric}], "links": {}}
    metric_id = asked["filter"].split('"')[1]
    assert "greater-or-equal(datetime,2026-11-01T00:00:00Z)" in asked["filter"]
    page = asked.get("page[cursor]", "1")
    people = [
        {"external_id": "p1", "email": "a@shop.example"},
        {"email": "b@shop.example"},
        {"phone_number": "+4930"},
        {},
    ]
    properties = [{"$campaign": "C-email"}, {"$flow": "F1"}, {"$message": "X1"}, {}]
    rows = [
        {
            "type": "event",
            "id": f"{metric_id}-{page}-{n}",
            "attributes": {
                "datetime": f"2026-11-0{n + 2}T08:00:00+00:00",
                "event_properties": properties[n],
                **({"uuid": f"U-{metric_id}-{page}-{n}"} if n else {}),
            },
            "relationships": {"profile": {"data": {"type": "profile", "id": f"P{n}"}}},
        }
        for n in range(4)
    ]
    included = [
        {"type": "profile", "id": f"P{n}", "attributes": one} for n, one in enumerate(people)
    ]
    return {"data": rows, "included": included, "links": next_page if page == "1" else {}}


def test_klaviyos_campaigns_and_events_are_read(serving: Any) -> None:
    rows = pulled("klaviyo", "list", serving(klaviyo), api_key="x")
    campaigns = [
        (one.campaign_id, one.campaign_name, one.channel, one.status, one.started_at)
        for one in rows
        if isinstance(one, Campaign)
    ]
    assert campaigns == [
        ("C-email", "Sale email", "email", "Sent", dt.datetime(2026, 11, 5, 7)),
        ("C-sms", "Sale sms", "sms", "Sent", dt.datetime(2026, 11, 6, 10)),
        ("C-mobile_push", "Sale mobile_push", "push", "Sent", dt.datetime(2026, 11, 5, 7)),
    ]
    events = [
        (one.event_id, one.kind, one.channel, one.campaign_id, one.recipient_type, one.recipient, one.occurred_at)
        for one in rows
        if isinstance(one, CampaignEvent)
    ]  # fmt: skip
    wanted = []
    for metric, kind, channel in (("M1", "clicked", "email"), ("M2", "opened", "push")):
        for page in "12":
            wanted += [
                (f"{metric}-{page}-0", kind, channel, "C-email", "profile_id", "p1", dt.datetime(2026, 11, 2, 8)),
                (f"U-{metric}-{page}-1", kind, channel, "F1", "email", "b@shop.example", dt.datetime(2026, 11, 3, 8)),
                (f"U-{metric}-{page}-2", kind, channel, "X1", "phone", "+4930", dt.datetime(2026, 11, 4, 8)),
                (f"U-{metric}-{page}-3", kind, channel, None, "klaviyo_id", "P3", dt.datetime(2026, 11, 5, 8)),
            ]  # fmt: skip
    assert events == wanted


# -- Meta: developers.facebook.com/documentation/ads-commerce/marketing-api/insights -----------------------


def meta(path: str, asked: dict[str, str]) -> Any:
    first = "after" not in asked
    paging = {"cursors": {"after": "A2"}, "next": "https://graph.example/next"} if first else {}
    number = 1 if first else 2
    if path == "/v25.0/act_77/campaigns":
        row = {
            "id": f"c{number}",
            "name": f"Autumn {number}",
            "effective_status": "PAUSED",
            "start_time": "2026-11-02T08:00:00+0100",
        }
        return {"data": [row], "paging": paging}
    assert path == "/v25.0/act_77/insights"
    assert json.loads(asked["time_range"])["since"] == "2026-11-01"
    assert (asked["level"], asked["time_increment"]) == ("campaign", "1")
    row = {
        "campaign_id": f"c{number}",
        "date_start": f"2026-11-0{number}",
        "date_stop": "2026-11-09",
        "account_currency": "EUR",
        "spend": f"{number}2.34",
        "impressions": f"{number}000",
        "clicks": f"{number}5",
        "actions": [
            {"action_type": "purchase", "value": f"{number}.5"},
            {"action_type": "link_click", "value": "99"},
        ],
    }
    return {"data": [row], "paging": paging}


def test_metas_campaigns_and_days_are_read(serving: Any) -> None:
    rows = pulled("meta", "audience", serving(meta), access_token="x", ad_account_id="act_77")
    campaigns = [
        (one.campaign_id, one.campaign_name, one.channel, one.status, one.started_at)
        for one in rows
        if isinstance(one, Campaign)
    ]
    assert campaigns == [
        (f"c{n}", f"Autumn {n}", "ads", "PAUSED", dt.datetime(2026, 11, 2, 7)) for n in (1, 2)
    ]
    days = [
        (one.campaign_id, one.date, one.spend, one.currency, one.impressions, one.clicks, one.conversions)
        for one in rows
        if isinstance(one, CampaignDay)
    ]  # fmt: skip
    assert days == [
        ("c1", dt.date(2026, 11, 1), 12.34, "EUR", 1000, 15, 1.5),
        ("c2", dt.date(2026, 11, 2), 22.34, "EUR", 2000, 25, 2.5),
    ]


# -- OneSignal: documentation.onesignal.com/reference/view-messages ------------------------------------------


def onesignal(path: str, asked: dict[str, str]) -> Any:
    assert path == "/notifications"
    offset, limit = int(asked["offset"]), int(asked["limit"])
    counts = [
        {"successful": 1, "converted": 1, "failed": 0, "errored": 0, "received": 1},
        {"successful": 0, "converted": 0, "failed": 1, "errored": 0},
        {"successful": 0, "converted": 0, "failed": 0, "errored": 1},
    ]
    every = [
        {
            "id": f"N{n}",
            "name": "Reminder",
            "include_aliases": {"external_id": [f"p{n}"]},
            "data": {"key": f"t{n}"},
            "queued_at": 1763625600 - n,  # 2025-11-20 08:00:00 UTC, newest first
            "completed_at": 1795161600 - n,  # 2026-11-20 08:00:00 UTC
            **counts[n % 3],
        }
        for n in range(limit + 2)
    ]
    return {"total_count": len(every), "notifications": every[offset : offset + limit]}


def test_onesignals_messages_are_read_to_the_last_page(serving: Any) -> None:
    rows = pulled("onesignal", "message", serving(onesignal), api_key="x", app_id="A")
    events = {
        (one.event_id, one.kind, one.campaign_id, one.recipient, one.touchpoint_id, one.occurred_at)
        for one in rows
        if isinstance(one, CampaignEvent)
    }
    kinds = [["delivered", "clicked", "received"], ["unsubscribed"], ["errored"]]
    at = dt.datetime(2026, 11, 20, 8)
    assert events == {
        (f"N{n}:{kind}:p{n}", kind, "Reminder", f"p{n}", f"t{n}", at - dt.timedelta(seconds=n))
        for n in range(52)
        for kind in kinds[n % 3]
    }
    assert {one.channel for one in rows} == {"push"}
