"""Pulling: a cursor with a look-back, merged by natural key, the same shape for every vendor."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from workbench import QUICK, TABLES, MemoryConnector

from sync.engine.pull import PullContext, Puller
from sync.errors import AuthError, TransientError
from sync.records import Campaign, CampaignDay, CampaignEvent, SyncObject
from sync.state.tables import ResultTables
from sync.warehouses.base import now_utc

NOON = dt.datetime(2026, 3, 1, 12)
RESULTS = ResultTables(**{name: f"analytics_sync.{name}" for name in ResultTables.__slots__})


class Reporting:
    def __init__(self, results):
        self.results, self.asked, self.errors = results, [], []

    def check(self):
        return ""

    def upsert(self, records): ...

    def pull(self, since):
        self.asked.append(since)
        yield from self.results[:1]
        if self.errors:
            raise self.errors.pop(0)
        yield from self.results[1:]


@pytest.fixture
def pull(bench):
    destination = Reporting(
        [
            Campaign("c1", "Spring", "email", "sent", NOON),
            CampaignEvent("e1", "c1", "opened", "email", "a@example.com", NOON),
            CampaignEvent("e1", "c1", "opened", "email", "a@example.com", NOON),
            CampaignDay("c1", NOON.date(), 1.5, "EUR", 10, 2, None),
        ]
    )
    bench.declaration = replace(bench.declaration, pulls=True)

    def once(**changes):
        connector = MemoryConnector(destination, bench.declaration)
        context = PullContext(
            warehouse=bench.warehouse, tables=TABLES, results=RESULTS, connector=connector,
            environment="live", run_id="run", policy=QUICK, **changes,
        )  # fmt: skip
        return Puller(context, "memory", SyncObject("list")).pull()

    once.destination = destination
    return once


def counted(bench):
    return [
        bench.rows(f"select count(*) from analytics_sync.{name}")[0][0]
        for name in ("campaigns", "campaign_events", "campaign_daily")
    ]


def test_pulling_twice_leaves_each_result_once(bench, pull):
    assert pull().status == "success"
    assert counted(bench) == [1, 1, 1]
    assert pull().status == "success"
    assert counted(bench) == [1, 1, 1]


def test_a_restated_figure_replaces_the_old_one(bench, pull):
    pull()
    pull.destination.results[-1] = CampaignDay("c1", NOON.date(), 9.0, "EUR", 10, 2, None)
    pull()
    assert bench.rows("select spend from analytics_sync.campaign_daily") == [(9.0,)]


def test_the_next_pull_reads_from_the_cursor_less_the_look_back(bench, pull):
    pull()
    pull(look_back_days=2.0)
    first, second = pull.destination.asked
    assert second - first > dt.timedelta(days=80)
    ((cursor,),) = bench.rows("select cursor_at from analytics_sync.cursors")
    assert second < cursor - dt.timedelta(days=1.9)


@pytest.mark.parametrize("days_before", [0.5, 2, 30])
def test_a_pull_from_a_day_never_leaves_a_gap_behind_the_cursor(bench, pull, days_before):
    """Else the unsubscribes between the cursor and that day would never be read."""
    pull()
    ((cursor,),) = bench.rows("select cursor_at from analytics_sync.cursors")
    pull(since=cursor - dt.timedelta(days=days_before))
    ((moved,),) = bench.rows("select cursor_at from analytics_sync.cursors")
    assert moved > cursor
    assert pull(since=moved + dt.timedelta(seconds=1)).status == "success"
    assert bench.rows("select cursor_at from analytics_sync.cursors") == [(moved,)]


def test_a_first_pull_from_a_day_leaves_what_is_older_to_the_next(bench, pull):
    pull(since=dt.datetime.now(dt.UTC).replace(tzinfo=None) - dt.timedelta(days=1))
    assert bench.rows("select count(*) from analytics_sync.cursors") == [(0,)]
    pull(since=dt.datetime(2020, 1, 1))
    assert bench.rows("select count(*) from analytics_sync.cursors") == [(1,)]


def test_an_error_half_way_is_tried_again_from_the_start(bench, pull):
    pull.destination.errors = [TransientError("reset")]
    assert pull().status == "success"
    assert counted(bench) == [1, 1, 1]


def test_kinds_that_nothing_counts_are_kept_counted_and_shown(bench, pull):
    from sync.state.history import RunHistory

    pull.destination.results += [
        CampaignEvent("e2", "c1", "Dropped Email", "email", "a@example.com", NOON, channel="email"),
        CampaignEvent("e3", "c1", "Dropped Email", "email", "b@example.com", NOON),
        CampaignEvent("e4", "c1", "teleported", "email", "b@example.com", NOON),
    ]
    result = pull()
    assert (result.status, result.other) == ("success", {"Dropped Email": 2, "teleported": 1})
    kept = bench.rows("select kind, channel from analytics_sync.campaign_events order by event_id")
    assert kept == [("opened", None), ("other", "email"), ("other", None), ("other", None)]
    with bench.warehouse.session() as session:
        (last,) = RunHistory(TABLES, bench.warehouse.dialect, environment="live").pulls(
            session, now_utc()
        )
    assert (last["destination"], last["status"]) == ("memory", "success")
    assert "Dropped Email 2, teleported 1" in last["message"]


def test_a_failed_pull_moves_no_cursor(bench, pull):
    pull.destination.errors = [AuthError("401")]
    assert pull().status == "failed"
    assert bench.rows("select count(*) from analytics_sync.cursors") == [(0,)]
    assert bench.rows("select status, command from analytics_sync.runs") == [("failed", "pull")]


def test_a_bug_of_a_destination_is_on_record_and_quotes_nothing(bench, pull):
    pull.destination.errors = [OverflowError("a@example.com")]
    result = pull()
    assert (result.status, type(result.error).__name__) == ("failed", "UnexpectedError")
    [(status, message)] = bench.rows("select status, message from analytics_sync.runs")
    assert status == "failed"
    assert "OverflowError" in message
    assert "example.com" not in message
