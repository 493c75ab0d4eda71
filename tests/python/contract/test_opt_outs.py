"""Every name under which a vendor reports that somebody wants no more, per channel.

The names are not ours: each is one that the vendor's help pages or public accounts and connectors show, with the place. The server here
knows nothing of the module that maps them.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sync.destinations import registry
from sync.records import CampaignEvent, Record, SyncObject

from .conftest import Bench

# (metric, what records it, kind, channel). Read 2026-11-28.
METRICS = [
    # help.klaviyo.com/hc/en-us/articles/360036974872, e-mail metrics reference
    ("Unsubscribed", "Klaviyo", "unsubscribed", "email"),
    ("Unsubscribed from list", "Klaviyo", "unsubscribed", "email"),
    ("Marked email as spam", "Klaviyo", "complained", "email"),
    ("Bounced email", "Klaviyo", "bounced", "email"),
    ("Dropped email", "Klaviyo", "Dropped email", "email"),
    ("Merged profile", "Klaviyo", "Merged profile", None),
    # a public connector (tap-klaviyo): EVENT_MAPPINGS
    ("Unsubscribed from List", "Klaviyo", "unsubscribed", "email"),
    ("Updated Email Preferences", "Klaviyo", "Updated Email Preferences", "email"),
    # an account of 2026, listed in public
    ("Unsubscribed from Email Marketing", "Klaviyo", "unsubscribed", "email"),
    ("Clicked email to unsubscribe", "Klaviyo", "Clicked email to unsubscribe", "email"),
    ("Skipped Send", "Klaviyo", "Skipped Send", None),
    # help.klaviyo.com/hc/en-us/articles/24263920096027, suppressed profiles
    ("Manually Suppressed from email marketing", "Klaviyo", "unsubscribed", "email"),
    ("Manually Unsuppressed from Email Marketing", "Klaviyo", "Manually Unsuppressed from Email Marketing", "email"),
    # topics of the webhooks API, which are named after metrics
    ("Unsubscribed from SMS Marketing", "Klaviyo", "unsubscribed", "sms"),
    ("Failed to Deliver SMS", "Klaviyo", "Failed to Deliver SMS", "sms"),
    ("Received SMS", "Klaviyo", "delivered", "sms"),
    ("Bounced Push", "Klaviyo", "Bounced Push", "push"),
    # names that nobody has listed: a refusal all the same, whoever records it
    ("Unsubscribes", "Klaviyo", "unsubscribed", None),
    ("SMS opt-outs", "Klaviyo", "unsubscribed", "sms"),
    ("Push unsubscription", "Klaviyo", "unsubscribed", "push"),
    ("Opted out of WhatsApp", "Klaviyo", "unsubscribed", "sms"),
    ("Unsubscribed from Push Notifications", "Klaviyo", "unsubscribed", "push"),
    ("Newsletter: opt-out", "API", "unsubscribed", None),
    ("A kind of tomorrow", "Klaviyo", "A kind of tomorrow", None),
    ("A kind of nobody", None, "A kind of nobody", None),
    # a shop's events are not about messages
    ("Placed Order", "Shopify", None, None),
    ("Viewed Product", "API", None, None),
    ("Subscribed to List", "Klaviyo", "Subscribed to List", None),
]  # fmt: skip


@pytest.fixture
def account() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            rows: list[Any] = []
            included: list[Any] = []
            if url.path == "/api/metrics":
                rows = [
                    {"type": "metric", "id": f"M{number}", "links": {}, "attributes": {
                        "name": name, "integration": by and {"name": by, "category": "Internal"}}}
                    for number, (name, by, *_) in enumerate(METRICS)
                ]  # fmt: skip
            elif url.path == "/api/events":
                asked = parse_qs(url.query)["filter"][0].split('"')[1]
                rows = [{
                    "type": "event", "id": f"E{asked}",
                    "attributes": {"datetime": "2026-11-20T08:00:00+00:00", "event_properties": {}},
                    "relationships": {"profile": {"data": {"type": "profile", "id": "P1"}}},
                }]  # fmt: skip
                included = [
                    {"type": "profile", "id": "P1", "attributes": {"email": "one@shop.example"}}
                ]
            body = json.dumps({"data": rows, "included": included, "links": {}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("counts", "kinds"),
    [
        # documentation.onesignal.com/docs/push-notification-message-reports
        ({"successful": 0, "failed": 1}, {"unsubscribed"}),
        ({"successful": 1, "failed": 1}, {"delivered", "failed"}),
        ({"successful": 0, "errored": 1}, {"errored"}),
        ({"successful": 1, "converted": 1, "received": 1}, {"delivered", "clicked", "received"}),
    ],
)
def test_what_a_push_message_came_to(counts: dict[str, int], kinds: set[str]) -> None:
    from sync.destinations.onesignal import _results

    row = {
        "id": "N1", "completed_at": 1763625600, "name": "Reminder",
        "include_aliases": {"external_id": ["p1"]}, **counts,
    }  # fmt: skip
    events = [
        one for one in _results(row, dt.datetime(2025, 1, 1)) if isinstance(one, CampaignEvent)
    ]
    assert {event.kind for event in events} == kinds
    assert {event.channel for event in events} == {"push"}


@pytest.mark.parametrize(
    ("properties", "soft"),
    [({"Bounce Type": "Soft"}, True), ({"Bounce Type": "Hard"}, False), ({}, False)],
)
def test_a_bounce_that_passes_suppresses_nobody(properties: dict[str, str], soft: bool) -> None:
    from sync.destinations.klaviyo_metrics import is_soft

    assert is_soft("bounced", properties) == soft
    assert not is_soft("unsubscribed", {"Bounce Type": "Soft"})


def test_opt_outs_of_the_stand_in_come_under_several_names_and_all_arrive(bench: Bench) -> None:
    from sync.sandbox import clock

    sent = bench.destination("klaviyo", "event")
    rows = [
        Record(f"k{number}", {"email": f"p{number}@shop.example"}, {}, None, f"key-{number}")
        for number in range(1000)
    ]
    sent.send(rows)
    store = bench.store()
    keys = [event["event_id"] for event in store.events("klaviyo")]
    store.close()
    left = [
        key for key in keys if any(kind == "unsubscribed" for kind, _ in clock.outcomes(key, clock.now()))
    ]  # fmt: skip
    found = [
        row
        for row in sent.pull(dt.datetime(2020, 1, 1))
        if isinstance(row, CampaignEvent) and row.kind == "unsubscribed"
    ]
    assert len(found) == len(left) > 4
    assert len({json.loads(row.raw)["metric"] for row in found}) > 2


@pytest.fixture
def pulled(account: str) -> dict[str, CampaignEvent]:
    destination: Any = registry.create(
        "klaviyo",
        name="klaviyo",
        settings={"api_key": "x", "base_url": account},
        target=SyncObject("list", "x"),
    )
    return {
        row.event_id: row
        for row in destination.pull(dt.datetime(2026, 11, 1))
        if isinstance(row, CampaignEvent)
    }


@pytest.mark.parametrize("number", range(len(METRICS)), ids=[row[0] for row in METRICS])
def test_what_a_metric_says_of_people_is_read(
    pulled: dict[str, CampaignEvent], number: int
) -> None:
    name, _, kind, channel = METRICS[number]
    found = pulled.get(f"EM{number}")
    if kind is None:
        assert found is None
        return
    assert found is not None, "nothing about a message is dropped"
    assert (found.kind, found.channel) == (kind, channel)
    assert json.loads(found.raw)["metric"] == name, "what it was called is kept"
