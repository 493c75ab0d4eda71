"""Growth far over the usual stops a sync: in one push or in many, until a person lets it pass for one run."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from sync.config.models import Guards
from sync.engine.plan.guards import DAY, FLAGS, Usual, usual
from sync.errors import AuthError, TransientError
from sync.records import Mode
from sync.state.runs import PastRun

NOW = dt.datetime(2026, 11, 28, 12)
EVENTS = {"mode": Mode.EVENT, "delivery": "at_least_once"}


def grown(bench, count):
    """The table with `count` people or events."""
    bench.table(
        "select 'p' || cast(n as varchar) as profile_id, 'p' || cast(n as varchar) || '@example.com' "
        f"as email, 1 as score, cast(null as varchar) as withheld_reason, md5(cast(n as varchar)) "
        f"as row_hash from range({count}) as numbers(n)"
    )


def pushed(bench, count, **options):
    grown(bench, count)
    return bench.push(**options)


def aged(bench, hours):
    """Everything that was done so far was done that much earlier."""
    import duckdb

    with duckdb.connect(str(bench.path)) as connection:
        connection.execute(
            f"update analytics_sync.runs set started_at = started_at - interval {hours} hour, "
            f"finished_at = finished_at - interval {hours} hour"
        )


def last_message(bench):
    return bench.rows("select message from analytics_sync.runs order by started_at desc limit 1")[
        0
    ][0]


@pytest.mark.parametrize("mode", [Mode.UPSERT, Mode.MIRROR, Mode.ADD])
def test_an_audience_that_grows_elevenfold_overnight_is_refused(workbench, mode):
    bench = workbench(mode=mode)
    assert pushed(bench, 40).status == "success"
    aged(bench, 24)
    calls = len(bench.destination.calls)
    result = pushed(bench, 440)
    assert (result.status, result.error.reason) == ("refused", "too_many_additions")
    assert "400 rows within a day; it held 40 before; its guards allow 100" in result.message
    assert "--allow-additions" in result.error.hint
    assert len(bench.destination.calls) == calls


def test_growth_in_many_pushes_of_one_hour_is_refused_too(bench):
    pushed(bench, 300)
    aged(bench, 48)
    ends = []
    for count in range(360, 3000, 60):
        ends.append(pushed(bench, count).status)
        aged(bench, 1)
        if ends[-1] == "refused":
            break
    assert ends == ["success"] * 2 + ["refused"]  # 150 a day are half of 300


def test_removals_in_many_pushes_of_one_day_are_refused_too(bench):
    pushed(bench, 100)
    aged(bench, 48)
    assert pushed(bench, 90).removed == 10
    aged(bench, 1)
    result = pushed(bench, 75)
    assert (result.status, result.error.reason) == ("refused", "too_many_removals")
    assert "25 removals (25 % of 100) within a day, 10 of them made already" in result.message
    assert pushed(bench, 75, allow_removals=True).removed == 15
    aged(bench, 1)
    # A person has looked; it begins anew, and the next day too.
    assert pushed(bench, 61).removed == 14
    assert pushed(bench, 50).status == "refused"
    aged(bench, 23)
    assert pushed(bench, 50).removed == 11


def test_half_as_many_again_a_day_passes_every_day(bench):
    for count in (300, 450, 675, 1012):
        assert pushed(bench, count).status == "success"
        aged(bench, 23)  # the schedule is a little early


def test_a_first_load_passes_in_however_many_pushes_it_comes(bench):
    def down(number, records):
        if number > 40:
            raise AuthError("memory: POST answered 401.")

    bench.destination.fault = down
    assert pushed(bench, 500).status == "partial"
    bench.destination.fault = None
    assert pushed(bench, 500).status == "success"
    assert len(bench.destination.members) == 500


def test_an_empty_first_push_is_no_first_load(workbench):
    bench = workbench(guards=Guards(min_rows=0))
    assert pushed(bench, 0).status == "success"
    assert pushed(bench, 400).status == "success"
    assert pushed(bench, 1400).status == "refused"


def test_small_numbers_are_no_nuisance(bench):
    pushed(bench, 2)
    assert pushed(bench, 102).status == "success"
    assert pushed(bench, 103).status == "refused"


def test_additions_are_allowed_for_one_run_and_that_is_on_record(bench):
    pushed(bench, 40)
    result = pushed(bench, 440, allow_additions=True)
    assert (result.status, result.added) == ("success", 400)
    assert "--allow-additions" in last_message(bench)
    assert pushed(bench, 450).status == "success"  # an ordinary push after it is not punished
    assert pushed(bench, 1450).status == "refused"


def test_the_flag_that_was_not_needed_is_not_on_record(bench):
    pushed(bench, 40)
    pushed(bench, 45, allow_additions=True)
    assert last_message(bench) is None


@pytest.mark.parametrize("flag", ["allow_removals", "allow_events", "allow_changes"])
def test_no_other_flag_lets_additions_pass(bench, flag):
    pushed(bench, 40)
    assert pushed(bench, 440, **{flag: True}).error.reason == "too_many_additions"


def test_a_set_that_is_replaced_is_guarded(workbench):
    bench = workbench(mode=Mode.REPLACE)
    pushed(bench, 40)
    assert pushed(bench, 440).error.reason == "too_many_additions"


def test_what_a_killed_push_added_counts(bench):
    import duckdb

    pushed(bench, 300)
    aged(bench, 48)
    pushed(bench, 440)
    with duckdb.connect(str(bench.path)) as connection:  # as a process leaves it that was killed
        connection.execute(
            "update analytics_sync.runs set status = 'running', added = null, unchanged = null "
            "where added = 140"
        )
    grown(bench, 480)
    assert bench.plan().before.added == 140
    assert bench.push().status == "refused"


def test_removals_acknowledged_by_a_push_that_broke_count(bench):
    """Its own sums stop at the row that broke it; the record of what was acknowledged does not."""
    pushed(bench, 100)
    aged(bench, 48)

    def breaks(number, records):
        if len(bench.destination.members) <= 88:
            raise AttributeError("a fault of the destination's own")

    bench.destination.fault_after = breaks
    pushed(bench, 82)
    gone = bench.rows(
        "select count(distinct sync_key) from analytics_sync.acknowledgements where action = 'remove'"
    )[0][0]
    assert gone
    bench.destination.fault_after = None
    grown(bench, 70)
    assert bench.plan().before.removed == gone


def lose(number, records):
    raise TransientError("the answer was lost")


def test_growth_whose_answers_were_lost_is_growth(workbench):
    """The push may have added all of it, and the next one calls the same rows changes."""
    bench = workbench(guards=Guards(free_additions=40))
    pushed(bench, 60)
    aged(bench, 48)
    bench.destination.fault_after = lose
    assert pushed(bench, 75).status == "failed"
    grown(bench, 115)
    before = bench.plan().before
    assert (before.held, before.added) == (60, 15)
    result = bench.push()
    assert (result.status, result.error.reason) == ("refused", "too_many_additions")
    assert "55 rows within a day, 15 of them sent already; it held 60 before" in result.message


def test_rows_that_were_there_are_no_growth_when_an_answer_is_lost(bench):
    pushed(bench, 400)
    bench.table(
        "select 'p' || cast(n as varchar) as profile_id, 'p' || cast(n as varchar) || '@example.com' "
        "as email, 2 as score, cast(null as varchar) as withheld_reason, 'other' as row_hash "
        "from range(420) as numbers(n)"
    )
    bench.destination.fault_after = lose
    assert bench.push().status == "failed"
    bench.destination.fault_after = None
    before = bench.plan().before
    assert before.held == 400
    assert before.added <= 20
    assert bench.push().status == "success"


def test_events_fifty_one_fold_are_refused(workbench):
    bench = workbench(**EVENTS)
    pushed(bench, 20)
    aged(bench, 24)
    result = pushed(bench, 20 + 1020)
    assert (result.status, result.error.reason) == ("refused", "too_many_events")
    assert "1,020 events within a day; the busiest day had 20" in result.message
    assert len(bench.destination.events) == 20
    assert pushed(bench, 1040, allow_events=True).added == 1020
    assert "--allow-events" in last_message(bench)


def test_a_backlog_is_no_usual_day_for_long(workbench):
    bench = workbench(**EVENTS)
    total = 5000
    pushed(bench, total)
    for _ in range(4):
        aged(bench, 24)
        total += 40
        assert pushed(bench, total).status == "success"
    aged(bench, 24)
    assert pushed(bench, total + 51 * 40).error.reason == "too_many_events"


def test_events_that_trickle_in_are_counted_by_the_day(workbench):
    bench = workbench(**EVENTS)
    pushed(bench, 90)
    aged(bench, 24)
    ends = [pushed(bench, 90 + 30 * n).status for n in range(1, 8)]
    assert ends == ["success"] * 6 + ["refused"]  # twice the busiest day


@pytest.mark.parametrize(
    ("guards", "count", "status"),
    [
        (Guards(max_additions_percent=None), 4000, "success"),
        (Guards(max_additions_percent=2000.0), 440, "success"),
        (Guards(free_additions=0), 61, "refused"),
        (Guards(free_additions=0), 60, "success"),
        (Guards(max_additions=30), 71, "refused"),
        (Guards(max_additions=40, max_additions_percent=None), 81, "refused"),
    ],
)
def test_a_sync_may_set_its_own_guards(workbench, guards, count, status):
    bench = workbench(guards=guards)
    pushed(bench, 40, allow_additions=True)
    aged(bench, 24)
    assert pushed(bench, count).status == status


def test_a_number_of_rows_holds_for_a_first_push_too(workbench):
    bench = workbench(guards=Guards(max_additions=30))
    assert pushed(bench, 40).error.reason == "too_many_additions"


@pytest.mark.parametrize(
    ("guards", "named"),
    [
        (Guards(max_events=10, max_events_percent=None), "{max_events: ...}"),
        (Guards(), "{max_events_percent: ...}"),
        (
            Guards(max_events=10, max_events_percent=0.0),
            "{max_events: ..., max_events_percent: ...}",
        ),
    ],
)
def test_the_hint_names_the_guard_that_stopped_it(workbench, guards, named):
    bench = workbench(**EVENTS, guards=guards)
    pushed(bench, 10)
    aged(bench, 24)
    assert f"say so in guards: {named} in " in pushed(bench, 500).error.hint


def test_who_must_go_is_never_held_up_by_it(workbench):
    bench = workbench(mode=Mode.REMOVE)
    pushed(bench, 40)
    assert pushed(bench, 4000).status == "success"


def test_allowed_changes_are_on_record(workbench):
    bench = workbench(guards=Guards(max_changes_percent=50.0))
    bench.people("a", "b")
    bench.push()
    bench.people("a", "b", score=2)
    assert "--allow-changes" in bench.push().error.hint
    assert bench.push(allow_changes=True).changed == 2
    assert "--allow-changes" in last_message(bench)


def test_the_usual_is_found_however_runs_are_spread():
    """However a day's additions are cut into pushes, they are counted once and against what was held before them."""
    for seed in range(200):
        rng = random.Random(seed)
        first = rng.randrange(1, 5000)
        parts = [rng.randrange(0, 400) for _ in range(rng.randrange(1, 30))]
        taken = [rng.randrange(0, 5) for _ in parts]
        at = sorted(NOW - DAY * rng.random() * 0.99 for _ in parts)
        runs = [PastRun(NOW - 3 * DAY, "success", added=first)] + [
            PastRun(moment, "success", added=part, removed=gone, unchanged=first)
            for moment, part, gone in zip(at, parts, taken, strict=True)
        ]
        held = first + sum(parts) - sum(taken)
        found = usual(runs, held=held, now=NOW)
        assert found == Usual(
            is_begun=True, added=sum(parts), held=first, busiest=first, removed=sum(taken)
        )


def test_every_guard_has_a_flag_and_the_flag_a_help_line(capsys):
    from sync.cli.main import run

    run(["push", "--help"])
    told = capsys.readouterr().out
    assert all(flag in told for flag in FLAGS.values())


def test_plan_says_what_push_would(bench):
    from sync.engine.plan import gates

    pushed(bench, 40)
    grown(bench, 440)
    plan = bench.plan()
    with pytest.raises(gates.RefusedError) as refused:
        gates.check_plan(
            bench.definition, plan.checks, plan.counts, bench.run_results,
            failures={}, before=plan.before, now=NOW,
        )  # fmt: skip
    assert refused.value.reason == "too_many_additions"
