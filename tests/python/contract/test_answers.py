"""What the stand-ins answer, against the vendors' own descriptions: question and answer must not be one belief."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, request

from sync.destinations import registry
from sync.destinations.base import KnowsFields, PullsResults
from sync.errors import RejectedError
from sync.records import Mode, Record, SyncObject
from sync.sandbox import app as sandbox_app

from .conftest import Bench, records, settled
from .content import hubspot_there
from .descriptions import description, violations

# Operations that the descriptions at hand leave out.
UNDESCRIBED = {
    "/account-info/v3/details",
    "/oauth/v2/private-apps/get/access-token-info",
    "/api/accounts",
    "/email/public/v1/events",
    "/v25/customers/1/googleAds:search",  # of another API
}
Answers = list[tuple[str, str, int, bytes]]


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """(method, path below the vendor's name, status, body) of whatever the sandbox answers."""
    seen: Answers = []
    create_app = sandbox_app.create_app

    def watched(*arguments: Any, **options: Any) -> Flask:
        app = create_app(*arguments, **options)

        @app.after_request
        def keep(answer: Response) -> Response:
            path = "/" + request.path.split("/", 2)[2]
            seen.append((request.method, path, answer.status_code, answer.get_data()))
            return answer

        return app

    monkeypatch.setattr(sandbox_app, "create_app", watched)
    return seen


@pytest.fixture
def watched(answered: Answers, tmp_path: Path) -> Iterator[Bench]:
    with contextlib.ExitStack() as until:
        yield Bench(tmp_path, until)


def live(bench: Bench, vendor: str) -> None:
    """A life of each of a vendor's objects: looked at, filled, refused in part, emptied, and its results read."""
    for object_kind, able in registry.declaration(vendor).objects.items():
        rows = records(able, 30)
        destination = bench.destination(vendor, object_kind)
        destination.target = SyncObject(object_kind, f"Lapsed {object_kind}")
        destination.account()
        destination.check()
        if isinstance(destination, KnowsFields):
            bench.faults.shares = {"unknown_property": 1}
            destination.unknown_fields(["first_name"])
            bench.faults.shares = {}
        if object_kind in ("deal", "association", "task"):
            hubspot_there(bench.url("hubspot"), rows)
        verb = destination.send if able.modes == {Mode.EVENT} else destination.upsert
        taken = settled(destination, verb(rows))
        bench.faults.shares = {"refuse_rows": 0.5}
        with contextlib.suppress(RejectedError):  # by who names no row
            settled(destination, verb(rows))
        bench.faults.shares = {}
        if able.modes != {Mode.EVENT}:
            ids = {row.key: row.remote_id for row in taken.accepted}
            known = [
                Record(row.key, row.identifiers, remote_id=ids.get(row.key)) for row in rows[:5]
            ]
            settled(destination, destination.remove(known))
            settled(destination, destination.remove(rows[5:10]))
        if isinstance(destination, PullsResults):
            list(destination.pull(dt.datetime(2020, 1, 1)))


@pytest.mark.contracts
@pytest.mark.parametrize(
    "vendor", ["google_data_manager", "hubspot", "klaviyo", "meta", "onesignal"]
)
def test_every_answer_is_one_that_the_vendor_describes(
    watched: Bench, answered: Answers, vendor: str
) -> None:
    if not description(vendor).exists():
        pytest.skip("no API descriptions: HEADWATER_CONTRACTS names no folder beside `specs`")
    live(watched, vendor)
    assert len(answered) > 5
    wrong = {
        f"{method} {path} {status}: {problem}"
        for method, path, status, body in answered
        if path not in UNDESCRIBED and not path.startswith("/crm/v4/associations/")
        for problem in violations(vendor, method, path, status, body)
    }
    assert not wrong, "\n".join(sorted(wrong))
