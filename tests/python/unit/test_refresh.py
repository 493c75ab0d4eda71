"""Memberships that fade: where a vendor forgets members, they are sent again in time, spread over days, and at no other time."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest

from sync.config.definitions import _days, _Reader
from sync.destinations import registry
from sync.errors import ConfigError
from sync.records import Mode
from sync.warehouses.base import now_utc

PEOPLE = [f"p{number:03}" for number in range(160)]


def age(bench, days):
    """As if all were sent so many days ago."""
    at = now_utc() - dt.timedelta(days=days)
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute("update analytics_sync.ledger set acknowledged_at = ?", [at])


@pytest.fixture
def fading(workbench):
    def of(**definition):
        bench = workbench(**definition)
        bench.declare(refresh_days=500, batch_rows=1000)
        bench.people(*PEOPLE)
        bench.push()
        return bench

    return of


def planned(bench):
    return bench.plan(offered=bench.declaration.objects["list"]).counts


@pytest.mark.parametrize(
    ("days", "least", "most"),
    [(0, 0, 0), (449, 0, 0), (455, 1, 30), (475, 50, 110), (499, 130, 160), (501, 160, 160)],
)
def test_rows_that_did_not_change_are_sent_again_in_time_and_not_all_at_once(
    fading, days, least, most
):
    bench = fading()
    age(bench, days)
    counts = planned(bench)
    assert least <= counts.change <= most
    assert counts.change + counts.unchanged == len(PEOPLE)
    assert (counts.add, counts.remove) == (0, 0)


def test_who_was_sent_again_is_not_due_any_more(fading):
    bench = fading()
    age(bench, 475)
    due = planned(bench).change
    bench.destination.calls.clear()
    result = bench.push()
    assert (result.status, result.changed) == ("success", due)
    assert sum(len(keys) for _, keys in bench.destination.calls) == due
    assert planned(bench).change == 0


@pytest.mark.parametrize("mode", [Mode.ADD, Mode.EVENT])
def test_what_is_sent_once_is_not_refreshed(fading, mode):
    bench = fading(mode=mode)
    age(bench, 900)
    assert planned(bench).change == 0


def test_a_sync_may_say_sooner(fading):
    bench = fading(refresh_days=30)
    age(bench, 31)
    assert planned(bench).change == len(PEOPLE)


def test_a_vendor_that_keeps_members_is_sent_nothing_again(fading):
    bench = fading()
    bench.declare(batch_rows=1000)
    age(bench, 5000)
    assert planned(bench).change == 0


def test_google_forgets_and_says_so():
    audience = registry.declaration("google_data_manager").objects["audience"]
    assert audience.refresh_days is not None
    assert 400 < audience.refresh_days < 540


@pytest.mark.parametrize("value", [0, -3, "soon"])
def test_days_are_a_number(value):
    with pytest.raises(ConfigError, match="refresh_days"):
        _days(_Reader("x", "exposures.yml"), value)
