"""`sync undo`: the reverse of a run is what the run did and nothing else, and what has no reverse is named."""

from __future__ import annotations

import pytest

from sync.engine.account import located_for_plan
from sync.engine.undo import (
    CHANGED,
    LEFT,
    PUT_IN,
    SENT,
    TOOK_OUT,
    reversible_syncs,
    syncs_of,
    undone,
)
from sync.errors import ConfigError
from sync.records import Mode


def ids_of_runs(bench):
    rows = bench.rows(
        "select run_id from analytics_sync.runs where command = 'push' order by started_at, run_id"
    )
    return [run_id for (run_id,) in rows]


def shown(bench, run_id):
    planning = bench.planning()
    planning.places.load(planning.warehouse)
    there = located_for_plan(bench.definition, bench.context().connector, planning.places)
    found = undone(planning, there, bench.declaration, run_id)
    return found.remove, found.add, found.cannot


@pytest.fixture
def bench(workbench):
    made = workbench(mode=Mode.MIRROR)
    made.people("ada", "ben", "cem")
    made.push()
    return made


def test_whom_a_run_put_in_is_taken_out_and_nobody_else(bench):
    bench.people("ada", "ben", "cem", "dan", "eve")
    bench.push(allow_additions=True)
    run = ids_of_runs(bench)[-1]
    bench.people("ada", "ben", "cem", "dan", "eve", "fay")  # what came since is not the run's
    assert shown(bench, run) == (2, 0, {})
    result = bench.push(undo=run, allow_removals=True)
    assert (result.status, result.removed, result.added, result.changed) == ("success", 2, 0, 0)
    assert set(bench.destination.members) == {"ada", "ben", "cem"}
    assert shown(bench, run) == (0, 0, {LEFT: 2})
    # The table has them still: the push after is a push.
    assert bench.push(allow_additions=True).added == 3


def test_whom_a_run_took_out_is_put_in_where_the_table_has_them_again(bench):
    bench.people("ada")
    bench.push(allow_removals=True)
    run = ids_of_runs(bench)[-1]
    assert shown(bench, run) == (0, 0, {TOOK_OUT: 2})
    bench.people("ada", "ben", "dan")
    assert shown(bench, run) == (0, 1, {TOOK_OUT: 1})
    result = bench.push(undo=run, allow_additions=True)
    assert (result.status, result.added, result.removed) == ("success", 1, 0)
    assert set(bench.destination.members) == {"ada", "ben"}


def test_what_may_not_be_sent_is_not_put_back(bench):
    bench.people("ada", "cem")
    bench.push(allow_removals=True)
    run = ids_of_runs(bench)[-1]
    people = [{"profile_id": one} for one in ("ada", "cem")]
    bench.table([*people, {"profile_id": "ben", "withheld_reason": "no_consent"}])
    assert shown(bench, run) == (0, 0, {TOOK_OUT: 1})
    bench.push(undo=run, allow_additions=True)
    assert set(bench.destination.members) == {"ada", "cem"}


def test_removals_pass_their_guard(bench):
    run = ids_of_runs(bench)[-1]
    assert bench.push(undo=run).status == "refused"
    assert set(bench.destination.members) == {"ada", "ben", "cem"}


@pytest.mark.parametrize(
    ("mode", "why"), [(Mode.UPSERT, PUT_IN), (Mode.ADD, PUT_IN), (Mode.EVENT, SENT)]
)
def test_what_has_no_reverse_is_named(workbench, mode, why):
    made = workbench(mode=mode, options={"delivery": "at_least_once"} if mode is Mode.EVENT else {})
    made.people("ada", "ben")
    made.push(allow_events=True)
    run = ids_of_runs(made)[-1]
    assert shown(made, run) == (0, 0, {why: 2})
    with pytest.raises(ConfigError, match="nothing can be undone"):
        reversible_syncs(made.planning(), [made.definition], run)


def test_changes_are_named(bench):
    bench.table(
        [
            {"profile_id": one, "email": f"{one}@shop.example", "score": 2}
            for one in ("ada", "ben", "cem")
        ]
    )
    bench.push(allow_changes=True)
    assert shown(bench, ids_of_runs(bench)[-1]) == (0, 0, {CHANGED: 3})


def test_a_run_that_is_none_is_said(bench):
    with pytest.raises(ConfigError, match="there is no push nothing") as caught:
        syncs_of(bench.planning(), [bench.definition], "nothing")
    assert ids_of_runs(bench)[-1] in (caught.value.hint or "")
