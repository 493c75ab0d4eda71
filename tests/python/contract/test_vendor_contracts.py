"""Every request of every destination against the vendor's own API description, where those are at hand."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sync.destinations import registry
from sync.destinations.base import (
    ErasesPeople,
    KnowsFields,
    PollsJobs,
    PullsResults,
    ReadsBack,
)
from sync.destinations.google_reports import pulled
from sync.destinations.http import HttpClient
from sync.errors import DestinationError
from sync.records import Mode, Record, SyncObject

from .conftest import records

ROOT = Path(__file__).parents[3]
FOLDER = Path(os.environ.get("HEADWATER_CONTRACTS") or ROOT.parent / "shared" / "contracts")
VENDORS = [
    "google_data_manager",
    "hubspot",
    "klaviyo",
    "mailchimp",
    "meta",
    "onesignal",
    "pinterest",
]
BELOW = {"mailchimp": "/3.0", "pinterest": "/v5"}  # what their addresses have behind the host
CALLED = {"pinterest": "643"}  # whose objects are ids
JOBS = {("klaviyo", "suppression"): "create:123"}
SPECS = {"google_data_manager": "google_datamanager"}
# Not of the public client that HubSpot's description is made from; the destination does without an answer.
UNDESCRIBED = {
    "/",
    "/oauth/v2/private-apps/get/access-token-info",
    "/email/public/v1/events",
    "/v25/customers/1/googleAds:search",  # of another API, below
}

pytestmark = [
    pytest.mark.contracts,
    pytest.mark.skipif(
        not (FOLDER / "serve").exists(),
        reason="no API descriptions: HEADWATER_CONTRACTS names no folder with `serve`",
    ),
]


@contextlib.contextmanager
def mock(vendor: str, log: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(FOLDER / "serve"), SPECS.get(vendor, vendor)]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--log", str(log)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        base_url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(base_url + "/__ready")
                break
            if process.poll() is not None:
                pytest.fail(f"the mock stopped: {process.stderr.read().decode()[-400:]}")
            time.sleep(0.2)
        yield base_url
    finally:
        process.terminate()
        process.wait(10)


def exercise(vendor: str, base_url: str) -> None:
    """Call whatever the destination can do; the mock's example answers may make no sense to us, its log is what counts."""
    for object_kind, able in registry.declaration(vendor).objects.items():
        settings: dict[str, Any] = {
            **registry.sandbox_settings(vendor, base_url=base_url, directory="/nowhere"),
            "base_url": base_url + BELOW.get(vendor, ""),
        }
        destination: Any = registry.create(
            vendor,
            name=vendor,
            settings=settings,
            target=SyncObject(object_kind, CALLED.get(vendor, "Lapsed buyers")),
        )
        rows = records(able, 3)
        known = [Record(row.key, row.identifiers, row.fields, remote_id="123") for row in rows]
        calls = [destination.check]
        if able.modes == {Mode.EVENT}:
            calls.append(lambda to=destination, rows=rows: to.send(rows))
        else:
            calls.append(lambda to=destination, rows=rows: to.upsert(rows))
            if able.modes & {Mode.MIRROR, Mode.REMOVE}:
                calls.append(lambda to=destination, rows=known: to.remove(rows))
                calls.append(lambda to=destination, rows=rows[2:]: to.remove(rows))
            moved = [replace(row, has_new_address=True) for row in known]
            calls.append(lambda to=destination, rows=moved: to.upsert(rows))
        if Mode.UPDATE_ONLY in able.modes:
            calls.append(lambda to=destination, rows=known: to.update(rows))
        if Mode.CREATE_ONLY in able.modes:
            calls.append(lambda to=destination, rows=rows: to.create(rows))
        if isinstance(destination, ReadsBack):
            calls.append(lambda to=destination, rows=known: to.there(rows))
        if isinstance(destination, ErasesPeople):
            calls.append(lambda to=destination, rows=known: to.erase(rows))
        if isinstance(destination, KnowsFields):
            calls.append(lambda to=destination: to.unknown_fields(["first_name"]))
        if isinstance(destination, PollsJobs):
            job = JOBS.get((vendor, object_kind), "123")
            calls.append(lambda to=destination, job=job: to.poll(job))
        if isinstance(destination, PullsResults):
            calls.append(lambda to=destination: list(to.pull(dt.datetime(2026, 1, 1))))
        for call in calls:
            with contextlib.suppress(
                DestinationError, KeyError, TypeError, ValueError, AttributeError
            ):
                call()


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_request_is_what_the_vendor_describes(vendor: str, tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    with mock(vendor, log) as base_url:
        exercise(vendor, base_url)
    sent = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(sent) >= len(registry.declaration(vendor).objects) * 2, "the mock saw requests"
    wrong = [
        f"{row['method']} {row['path']}: {row['violations']}"
        for row in sent
        if not row["valid"]
        and row["path"].partition("?")[0] not in UNDESCRIBED
        and not row["path"].startswith("/crm/v4/associations/")
    ]
    assert not wrong, "\n".join(wrong)


def test_reports_of_google_ads_are_asked_for_as_it_describes(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    with mock("google_ads", log) as base_url:
        client = HttpClient(base_url, vendor="google_ads", headers={"Authorization": "Bearer x"})
        asked = pulled(client, "1234567890", {"developer-token": "x"}, dt.datetime(2026, 11, 1))
        with contextlib.suppress(DestinationError, KeyError, TypeError, ValueError):
            list(asked)
    sent = [json.loads(line) for line in log.read_text().splitlines() if "__" not in line]
    assert sent
    assert [row["violations"] for row in sent if not row["valid"]] == []
