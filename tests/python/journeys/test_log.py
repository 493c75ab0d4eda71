"""The log outlives what happens to it: a full refresh, a table dropped by hand, a day of the past; conditions look since the entry."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.python.commands import BuildError
from tests.python.integration.hook import Hook
from tests.python.journeys.lab import JourneyLab
from tests.python.journeys.test_edits import due, journey


def test_a_full_refresh_loses_nothing(lab: Callable[..., JourneyLab]) -> None:
    tried = lab(journey("first", "2d", "second"))
    path = tried.folder / "models/engine/audience_memberships.sql"
    path.write_text("{{ headwater.audience_memberships() }}")
    tried.people("a", "b")
    tried.build("2026-03-01 12:00:00")
    before = tried.log("step_id", "happened_at")
    tried.execute("update raw.people set is_member = false where profile_id = 'a'")
    tried.build("2026-03-02 12:00:00", "--full-refresh")
    assert tried.log("step_id", "happened_at") == before
    stays = "select entity_id, exited_at is null from analytics.audience_memberships order by 1"
    assert tried.query(stays) == [("a", False), ("b", True)]


@pytest.mark.long
@pytest.mark.parametrize(
    "cut", [*(pytest.param(cut, marks=pytest.mark.long) for cut in ("", "added")), "dropped"]
)
def test_a_log_of_before_gets_its_boolean(lab: Callable[..., JourneyLab], cut: str) -> None:
    """Logs once said 'yes' and 'no'; a build that was stopped while it retyped is gone on with."""
    tried = lab(journey("first", "2d", "second"))
    tried.people("a")
    tried.people("held", is_holdout=True)
    tried.build("2026-03-01 12:00:00")
    before = tried.log("step_id", "is_holdout")
    log = "alter table analytics.journey_tried"
    if cut == "dropped":
        tried.execute(f"{log} rename column is_holdout to is_holdout__retyped")
    else:
        tried.execute(
            f"{log} alter column is_holdout type varchar using case when is_holdout then 'yes' else 'no' end"
        )
        if cut == "added":
            tried.execute(f"{log} add column is_holdout__retyped boolean")
    tried.build("2026-03-01 12:00:00")
    assert tried.log("step_id", "is_holdout") == before
    tried.build("2026-03-03 12:00:00")
    assert tried.log("profile_id", "is_holdout", where="node = 'second'") == [
        ("a", False),
        ("held", True),
    ]


def test_what_undoes_the_keeping_is_refused(lab: Callable[..., JourneyLab]) -> None:
    tried = lab(journey("first", "2d", "second"))
    path = tried.folder / "models/engine/journey_tried.sql"
    path.write_text(path.read_text() + "{{ config(materialized='table') }}\n")
    with pytest.raises(BuildError, match="would not outlive a full refresh"):
        tried.build("2026-03-01 12:00:00")


@pytest.mark.parametrize("how", ["dropped", pytest.param("renamed", marks=pytest.mark.long)])
def test_a_lost_log_stops_the_build_when_messages_were_sent(
    lab: Callable[..., JourneyLab], hook: Hook, how: str
) -> None:
    tried = lab(journey("first", "2d", "second"))
    tried.people("a", "b")
    tried.build("2026-03-01 12:00:00")
    assert tried.sync("push")["hook_mails"]["added"] == 2
    if how == "dropped":
        tried.execute("drop table analytics.journey_tried")
    else:
        tried.execute("create schema elsewhere")
        path = tried.folder / "models/engine/journey_tried.sql"
        path.write_text("{{ config(schema='elsewhere') }}\n" + path.read_text())
    with pytest.raises(BuildError, match="'hook_mails' has sent 2 of its touchpoints"):
        tried.build("2026-03-02 12:00:00")
    told = {"cdp_journeys_start_over": ["journey_tried"]}
    tried.build("2026-03-02 12:00:00", variables=told)
    assert tried.plan() == (0, {})
    tried.sync("push")
    assert len(hook.events) == 2


@pytest.mark.long
def test_a_log_that_was_never_sent_from_may_begin_again(lab: Callable[..., JourneyLab]) -> None:
    tried = lab(journey("first", "2d", "second"))
    tried.people("a")
    tried.build("2026-03-01 12:00:00")
    tried.execute("drop table analytics.journey_tried")
    tried.build("2026-03-02 12:00:00")
    assert due(tried, "first") == {"a"}


@pytest.mark.long
def test_a_day_before_the_logs_last_is_refused(lab: Callable[..., JourneyLab]) -> None:
    tried = lab(journey("first", "2d", "second"))
    tried.people("a")
    tried.build("2026-03-05 12:00:00")
    before = tried.log()
    tried.people("b")
    with pytest.raises(
        BuildError, match="2026-03-04 12:00:00 UTC, but 2 steps of the log are later"
    ):
        tried.step("2026-03-04 12:00:00")
    assert tried.log() == before
    tried.step("2026-03-05 12:00:00")
    assert due(tried, "first") == {"a", "b"}
    tried.people("c")
    tried.build("2026-03-04 12:00:00", variables={"cdp_journeys_allow_earlier_as_of": True})
    assert due(tried, "first") == {"a", "b", "c"}


@pytest.mark.parametrize(("since", "stays"), [("", True), (", since: ever", False)])
def test_what_was_before_the_entry_does_not_count(
    lab: Callable[..., JourneyLab], since: str, stays: bool
) -> None:
    condition = f"{{did: order_placed, within: 30 days{since}}}"
    tried = lab(
        journey(
            "first", f"  - {{name: bought, goal: {condition}}}",
            f"  - {{name: later, wait: {{until: {condition}, timeout: 3 days}}}}", "second",
            more=f"exit_when: {condition}",
        )
    )  # fmt: skip
    tried.people("a")
    tried.order("a", "2026-02-27 10:00:00")
    tried.build("2026-03-01 12:00:00")
    assert due(tried, "first") == ({"a"} if stays else set())
    assert bool(tried.log(where="node_type = 'exit'")) is not stays


def test_a_wait_for_an_event_ends_with_its_own_time_whenever_the_build_is(
    lab: Callable[..., JourneyLab],
) -> None:
    tried = lab(
        journey(
            "first", "  - {name: order, wait: {until: {did: order_placed}, timeout: 3 days}}", "1d", "second",
        )
    )  # fmt: skip
    tried.people("in_time", "too_late", "never")
    tried.build("2026-03-01 12:00:00")
    tried.order("in_time", "2026-03-02 12:00:00")
    tried.order("too_late", "2026-03-04 12:00:01")
    tried.step("2026-03-05 12:00:00")
    assert tried.log("profile_id", "outcome", where="node = 'order'") == [
        ("in_time", "happened"), ("never", "timeout"), ("too_late", "timeout"),
    ]  # fmt: skip
    assert due(tried, "second") == {"never", "too_late"}, "their day began when the time was up"


@pytest.mark.long
@pytest.mark.parametrize(
    ("wait", "early", "late"),
    [
        pytest.param(
            "3 days", "2026-03-04 11:00:00", "2026-03-04 10:59:59", marks=pytest.mark.long
        ),
        pytest.param(
            "2 hours", "2026-03-01 13:54:00", "2026-03-01 13:53:59", marks=pytest.mark.long
        ),
        ("10 minutes", "2026-03-01 12:09:30", "2026-03-01 12:09:29"),
    ],
)
def test_a_schedule_that_is_early_delays_nobody(
    lab: Callable[..., JourneyLab], wait: str, early: str, late: str
) -> None:
    tried = lab(journey("first", f"  - {{name: pause, wait: {{for: {wait}}}}}", "second"))
    tried.people("a")
    tried.build("2026-03-01 12:00:00")
    tried.step(late)
    assert due(tried, "second") == set()
    tried.step(early)
    assert due(tried, "second") == {"a"}
