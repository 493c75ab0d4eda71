"""A push: what reaches the destination, what the ledger says of it, and that the two are one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync.config.models import Guards
from sync.records import BatchResult, Mode, RowError, SyncObject


def test_first_push_adds_everyone_and_the_ledger_says_so(bench):
    bench.people("a", "b", "c", "d")
    result = bench.push()
    assert (result.status, result.added) == ("success", 4), result.error
    assert set(bench.destination.members) == {"a", "b", "c", "d"} == bench.held()


def test_a_second_push_of_the_same_table_sends_nothing(bench):
    bench.people("a", "b")
    bench.push()
    calls = len(bench.destination.calls)
    result = bench.push()
    assert (result.status, result.counts.unchanged) == ("success", 2)
    assert len(bench.destination.calls) == calls


def test_only_changed_rows_are_sent_again(bench):
    bench.table([{"profile_id": "a"}, {"profile_id": "b"}])
    bench.push()
    bench.table([{"profile_id": "a"}, {"profile_id": "b", "score": 9}])
    result = bench.push()
    assert result.changed == 1
    assert bench.destination.calls[-1] == ("upsert", ["b"])
    assert bench.destination.members["b"].fields == {"score": 9}


def test_mirror_removes_who_left_with_the_identifiers_that_were_sent(workbench):
    bench = workbench(guards=Guards(max_removals_percent=None))
    bench.people("a", "b", email="old@example.com")
    bench.push()
    bench.people("a", email="new@example.com")
    removed = []
    bench.destination.fault = lambda _, records: removed.extend(
        dict(record.identifiers) for record in records if record.key == "b"
    )
    result = bench.push()
    assert result.removed == 1, result.error
    assert removed == [{"email": "old@example.com"}]
    assert bench.held() == {"a"} == set(bench.destination.members)


def test_removed_and_back_is_an_add(workbench):
    bench = workbench(guards=Guards(max_removals_percent=None))
    bench.people("a", "b")
    bench.push()
    bench.people("a")
    bench.push()
    bench.people("a", "b")
    result = bench.push()
    assert (result.added, result.changed, result.removed) == (1, 0, 0)
    assert bench.held() == {"a", "b"}


def test_upsert_never_removes(workbench):
    bench = workbench(mode=Mode.UPSERT)
    bench.people("a", "b")
    bench.push()
    bench.people("a")
    assert bench.push().removed == 0
    assert set(bench.destination.members) == {"a", "b"}


def test_events_are_sent_once_for_ever_even_when_the_row_changes(workbench):
    bench = workbench(mode=Mode.EVENT)
    bench.people("a")
    bench.push()
    bench.people("a", "b", score=7)
    assert bench.push().added == 1
    bench.people("b")
    assert bench.push().status == "success"
    assert [event.key for event in bench.destination.events] == ["a", "b"]
    assert bench.destination.events[0].idempotency_key


def test_replace_sends_the_whole_set_when_one_row_differs(workbench):
    bench = workbench(mode=Mode.REPLACE, guards=Guards(max_removals_percent=None))
    bench.people("a", "b", "c")
    bench.push()
    bench.people("a", "b", "d")
    result = bench.push()
    assert (result.status, result.added, result.removed) == ("success", 1, 1), result.error
    assert set(bench.destination.members) == {"a", "b", "d"} == bench.held()
    assert bench.push().counts.unchanged == 3


def test_remove_takes_out_each_listed_person_once_and_forgets_who_left_the_list(workbench):
    bench = workbench(mode=Mode.REMOVE)
    bench.people("a", "b")
    assert bench.push().removed == 2
    assert bench.push().removed == 0
    bench.people("b")
    assert bench.push().removed == 0
    assert bench.held() == {"b"}
    bench.people("a", "b")
    assert bench.push().removed == 1


def test_add_sends_new_rows_only(workbench):
    bench = workbench(mode=Mode.ADD)
    bench.people("a")
    bench.push()
    bench.people("a", "b", score=5)
    assert (bench.push().added, bench.held()) == (1, {"a", "b"})
    assert bench.destination.members["a"].fields == {"score": 1}


def test_a_withheld_row_is_not_sent_and_is_counted_by_reason(bench):
    bench.table([{"profile_id": "a"}, {"profile_id": "b", "withheld_reason": "no_consent"}])
    result = bench.push()
    assert result.counts.withheld == {"no_consent": 1}
    assert set(bench.destination.members) == {"a"}
    rows = bench.rows("select reason, row_count from analytics_sync.withheld")
    assert rows == [("no_consent", 1)]


def test_a_row_withheld_after_it_was_sent_is_removed_in_mirror_mode(workbench):
    bench = workbench(guards=Guards(max_removals_percent=None))
    bench.people("a", "b")
    bench.push()
    bench.table([{"profile_id": "a"}, {"profile_id": "b", "withheld_reason": "suppressed"}])
    result = bench.push()
    assert (result.removed, result.counts.withheld) == (1, {"suppressed": 1})
    assert set(bench.destination.members) == {"a"}


@pytest.mark.parametrize("nobody", [None, "", "  "])
def test_a_row_without_identifiers_is_withheld(bench, nobody):
    bench.table([{"profile_id": "a"}, {"profile_id": "b", "email": nobody}])
    assert bench.push().counts.withheld == {"no_identifier": 1}
    assert set(bench.destination.members) == {"a"}


def test_full_refresh_sends_all_again(bench):
    bench.people("a", "b")
    bench.push()
    assert bench.push(full_refresh=True).changed == 2


def refusing(bench, refused, status="invalid"):
    """Refuse the rows whose keys are in `refused`, each by its name."""
    taken = type(bench.destination).upsert

    def upsert(records):
        good = [record for record in records if record.key not in refused]
        accepted = list(taken(bench.destination, good).accepted) if good else []
        failed = [RowError(r.key, status, "no") for r in records if r.key in refused]
        return BatchResult(accepted=accepted, failed=failed)

    bench.destination.upsert = upsert


def test_full_refresh_heals_what_is_quarantined(bench):
    bench.people("a", "b", "c")
    refused = {"b", "c"}
    refusing(bench, refused)
    for _ in range(6):
        bench.push()
    refused.clear()
    assert (bench.push().status, bench.held()) == ("partial", {"a"})
    result = bench.push(full_refresh=True)
    assert (result.status, result.added, bench.held()) == ("success", 2, {"a", "b", "c"})
    assert bench.push().status == "success"


def test_what_the_whole_vendor_says_later_is_not_booked_on_a_row_that_failed_once(bench):
    bench.people("a", "b", "c")
    refusing(bench, {"b", "c"})
    assert bench.push().failed == 2
    refusing(bench, {"a", "b", "c"}, status="expired")
    for _ in range(6):
        assert bench.push().status == "failed"
    refusing(bench, set())
    assert (bench.push().status, bench.held()) == ("success", {"a", "b", "c"})


def test_full_refresh_refuses_events(workbench):
    bench = workbench(mode=Mode.EVENT)
    bench.people("a")
    bench.push()
    result = bench.push(full_refresh=True)
    assert (result.status, result.error.reason) == ("refused", "full_refresh_events")


def test_null_fields_are_left_out_unless_the_sync_sends_them(workbench):
    from sync.config.models import Nulls

    bench = workbench(nulls=Nulls("omit", {"city": "send"}))
    bench.table(
        "select 'a' as profile_id, 'a@example.com' as email, cast(null as varchar) as city, "
        "cast(null as bigint) as score, 'x' as row_hash"
    )
    bench.push()
    assert bench.destination.members["a"].fields == {"city": None}


def test_dry_run_sends_and_writes_nothing(bench):
    bench.people("a", "b", "c", "d")
    result = bench.push(dry_run=True)
    assert (result.batches, bench.destination.calls) == (2, [])
    assert bench.rows("select count(*) from analytics_sync.runs") == [(0,)]
    assert bench.held() == set()


def test_environments_have_ledgers_of_their_own(bench):
    bench.people("a")
    bench.push(environment="sandbox")
    assert bench.push(environment="live").added == 1


def test_two_syncs_with_the_same_keys_know_nothing_of_each_other(workbench):
    one, other = (
        workbench(name=name, object=SyncObject("list", name)) for name in ("one", "other")
    )
    one.people("a", "b")
    one.push()
    assert other.push().added == 2
    other.people("a", "b", "c")
    one.push()
    assert one.plan().counts.unchanged == 3
    assert other.plan().counts.add == 1


def test_a_saved_plan_is_refused_once_the_sync_goes_elsewhere(workbench):
    """The same rows to another list are not what was shown."""
    bench = workbench()
    bench.people("a")
    saved = {"memory_people": bench.plan(fingerprint=True).fingerprint}
    moved = workbench(object=SyncObject("list", "Others"))
    assert moved.push(expected=saved).error.reason == "plan_changed"
    assert bench.push(expected=saved).status == "success"


def test_an_idempotency_key_is_the_same_for_ever():
    """A vendor that remembers it takes an event of last year for a repeat; another key would send it twice."""
    from sync.engine.push.rows import idempotency_key

    assert idempotency_key("memory_people", "a") == "671a1315-9bd2-5494-8cd1-842c4987c346"


MOVES = {
    "another list": {"object": SyncObject("list", "Others")},
    "another direction": {"mode": Mode.REMOVE},
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_a_sync_that_moved_is_refused_while_the_ledger_knows_people_at_the_old_place(bench, move):
    bench.people("a", "b")
    bench.push()
    bench.definition = replace(bench.definition, **move)
    calls = len(bench.destination.calls)
    result = bench.push()
    assert (result.status, result.error.reason) == ("refused", "moved")
    assert "2 in list 'People' of account memory main" in result.error.message
    assert len(bench.destination.calls) == calls


def test_a_sync_that_moved_sends_all_to_the_new_place_once_the_old_one_is_let_go(bench):
    bench.people("a", "b")
    bench.push()
    bench.people("a", "c")
    bench.definition = replace(bench.definition, object=SyncObject("list", "Others"))
    bench.migrate("start over")
    result = bench.push()
    assert (result.status, result.added, result.removed) == ("success", 2, 0)
    assert bench.held() == {"a", "c"}
    assert bench.push().counts.unchanged == 2


def test_who_was_in_an_audience_is_taken_out_by_a_sync_that_is_to_remove_now(bench):
    bench.people("a", "b")
    bench.push()
    bench.definition = replace(bench.definition, mode=Mode.REMOVE)
    bench.migrate("start over")
    result = bench.push()
    assert (result.status, result.removed) == ("success", 2)
    assert bench.destination.members == {}


def test_a_move_back_before_a_push_is_no_move(bench):
    bench.people("a", "b")
    bench.push()
    before = bench.definition
    bench.definition = replace(before, object=SyncObject("list", "Others"))
    assert bench.push().status == "refused"
    bench.definition = before
    assert bench.push().counts.unchanged == 2


def test_events_stay_sent_wherever_they_were_sent(workbench):
    bench = workbench(mode=Mode.EVENT)
    bench.people("a")
    bench.push()
    bench.definition = replace(bench.definition, object=SyncObject("list", "Others"))
    assert bench.push().error.reason == "moved"
    bench.migrate("keep")
    assert bench.push().counts.unchanged == 1


def test_a_ledger_of_before_places_were_kept_counts_as_here(bench):
    bench.people("a", "b")
    bench.push()
    with bench.warehouse.session(write=True) as session:
        session.execute("update analytics_sync.ledger set definition_hash = 'an old hash'")
    assert bench.push().changed == 2
