"""State that needs no local file: a process that is killed and whose folder is gone with it leaves nothing behind.

The workbench's runs are of one process; `push_until_killed` makes of one what kill -9 leaves, and `throw_away` what is left where
a container had no volume.
"""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace

import duckdb
import pytest
from test_identifier_members import MEMBERS, audience, fill, wanted  # noqa: F401 - a fixture
from workbench import Delivery, Killed, Workbench

from sync.config.models import Guards
from sync.errors import AuthError, TransientError, WarehouseError, WarehouseMemoryError
from sync.records import Mode, RowError
from sync.state.runs import RunLog

OPEN = Guards(min_rows=0, max_removals_percent=None, max_additions_percent=None)


def die(*_):
    raise Killed


def throw_away(bench: Workbench) -> None:
    shutil.rmtree(bench.path.parent / "journal", ignore_errors=True)


def push_until_killed(bench: Workbench, *, folder: bool = False):
    """A push that may be killed; its lease is then that of a process that is no more, and its folder is gone."""
    try:
        with bench.killable():
            return bench.push()
    except Killed:
        with duckdb.connect(str(bench.path)) as connection:
            connection.execute("delete from analytics_sync.leases")
        if not folder:
            throw_away(bench)
        return None


def heal(bench: Workbench):
    bench.destination.fault = bench.destination.fault_after = None
    result = bench.push()
    assert result.status == "success", result.message
    assert bench.rows("select * from analytics_sync.intents") == []
    assert not list((bench.path.parent / "journal").rglob("*.*"))
    return result


def intents(bench: Workbench) -> dict[str, str | None]:
    return dict(bench.rows("select sync_key, identifiers from analytics_sync.intents"))


@pytest.fixture
def mirror(workbench) -> Workbench:
    bench = workbench(guards=OPEN)
    bench.declare(batch_rows=1)
    return bench


@pytest.mark.parametrize("folder", [False, True], ids=["thrown away", "kept"])
def test_who_was_sent_before_the_kill_is_taken_out_when_they_leave(mirror, folder):
    mirror.people("a", "b")
    mirror.destination.fault_after = die
    assert push_until_killed(mirror, folder=folder) is None
    assert mirror.destination.members
    mirror.people("z")
    heal(mirror)
    assert set(mirror.destination.members) == {"z"} == mirror.held()


def test_what_is_intended_is_written_as_the_acknowledgement_would_be(mirror):
    """Identifiers as JSON text, letter by letter, nulls left out; those of a removal are those that were sent."""
    rows = [("a", 'quo"te\\ Zoë\n🌊'), ("b", "b@example.com")]
    mirror.definition = replace(mirror.definition, identifiers=("phone", "email"))
    query = " union all ".join(
        f"select '{key}' as profile_id, '{email}' as email, "
        f"cast(null as varchar) as phone, 1 as score, 'h' as row_hash, cast(null as varchar) as withheld_reason"
        for key, email in rows
    )
    seen = {}

    def look(*_):
        if not seen:
            seen.update(intents(mirror))

    mirror.table(query)
    mirror.destination.fault = look
    mirror.push()
    assert seen == dict(mirror.rows("select sync_key, identifiers from analytics_sync.ledger"))
    assert json.loads(seen["a"]) == {"email": rows[0][1]}
    seen.clear()
    mirror.table(f"select * from ({query}) where profile_id = 'b'")
    mirror.push()
    assert seen == {"a": json.dumps({"email": rows[0][1]}, ensure_ascii=False)}
    assert intents(mirror) == {}


@pytest.mark.parametrize("where", ["start", "first request"])
def test_a_process_that_dies_before_it_sends_loses_nothing(mirror, where, monkeypatch):
    mirror.people("a", "b")
    if where == "start":
        mirror.destination.credentials_error = Killed()
    else:
        mirror.destination.fault = die
    assert push_until_killed(mirror) is None
    assert set(intents(mirror)) == {"a", "b"}
    mirror.destination.credentials_error = None
    mirror.people("b", "c")
    heal(mirror)
    assert set(mirror.destination.members) == {"b", "c"} == mirror.held()


def test_a_start_that_is_tried_again_keeps_its_journal(mirror, monkeypatch):
    """The warehouse had too little memory to take the intents at first; without the file all of them would be in doubt."""
    start, tries = RunLog.start, []

    def too_little_memory_once(log, *arguments, **settings):
        tries.append(1)
        if len(tries) == 1:
            raise WarehouseMemoryError("too little memory.")
        start(log, *arguments, **settings)

    monkeypatch.setattr(RunLog, "start", too_little_memory_once)
    mirror.declare(batch_rows=1)
    mirror.people("a", "b", "c")
    mirror.destination.fault = lambda number, _: die() if number == 3 else None
    assert push_until_killed(mirror, folder=True) is None
    assert len(tries) == 2
    heal(mirror)
    sent = [
        key
        for _, keys in mirror.destination.calls[:2] + mirror.destination.calls[3:]
        for key in keys
    ]
    assert sorted(sent) == ["a", "b", "c"]


@pytest.mark.parametrize("folder", [False, True], ids=["thrown away", "kept"])
def test_who_was_added_before_the_kill_is_remembered(workbench, folder):
    """An `add` sync never takes out, but whoever is erased, or wanted by another sync, must be known to be there."""
    bench = workbench(mode=Mode.ADD, guards=OPEN)
    bench.people("a", "b")
    bench.destination.fault_after = die
    assert push_until_killed(bench, folder=folder) is None
    bench.people("b", "c")
    heal(bench)
    assert set(bench.destination.members) == {"a", "b", "c"} == bench.held() | bench.maybe()
    assert bench.maybe() == {"a"}
    assert bench.push().counts.to_send == 0


@pytest.mark.parametrize("folder", [False, True], ids=["thrown away", "kept"])
def test_an_event_that_may_have_arrived_is_remembered_and_goes_again(workbench, folder):
    """It must not count as sent, and whoever is erased before it goes again is erased at the vendor too."""
    bench = workbench(mode=Mode.EVENT, delivery="exactly_once", guards=OPEN)
    bench.declare(delivery=Delivery.EXACTLY_ONCE)
    bench.people("a", "b")
    bench.destination.fault_after = die
    assert push_until_killed(bench, folder=folder) is None
    if not folder:
        assert set(intents(bench)) == {"a", "b"}
    bench.people("b", "c")
    assert bench.plan().counts.add == 2
    heal(bench)
    assert bench.held() == {"b", "c"}
    told = bench.rows("select sync_key, action, identifiers from analytics_sync.acknowledgements")
    assert ("a", "repeat", '{"email": "a@example.com"}') in told
    assert bench.maybe() == set()


def test_an_event_whose_answer_was_lost_is_remembered(workbench):
    bench = workbench(mode=Mode.EVENT, delivery="at_least_once", guards=OPEN)
    bench.people("a", "b")

    def lost(*_):
        raise TransientError("reset")

    bench.destination.fault_after = lost
    assert bench.push().status == "failed"
    told = bench.rows("select sync_key, action from analytics_sync.acknowledgements")
    assert sorted(told) == [("a", "repeat"), ("b", "repeat")]
    heal(bench)
    assert bench.held() == {"a", "b"}


def test_a_journal_that_is_whole_says_that_the_rest_was_not_sent(mirror):
    """No removal of who was never there, and additions that are called so."""
    mirror.people(*(f"p{number}" for number in range(20)))
    mirror.destination.fault = lambda number, _: die() if number == 5 else None
    assert push_until_killed(mirror, folder=True) is None
    there = len(mirror.destination.members)
    result = heal(mirror)
    assert result.added >= 20 - there - 2
    assert result.added + result.changed + result.counts.unchanged == 20


def test_a_plan_counts_what_a_dead_run_may_have_done(mirror):
    mirror.people("a", "b")
    mirror.destination.fault_after = die
    push_until_killed(mirror)
    mirror.people("b", "c")
    counts = mirror.plan().counts
    assert (counts.add, counts.change, counts.remove) == (1, 1, 1)
    result = heal(mirror)
    assert (result.added, result.changed, result.removed) == (1, 1, 1)


def test_a_removal_whose_answer_was_lost_is_made_good_when_the_person_is_back(mirror):
    mirror.people("a", "b")
    mirror.push()
    mirror.people("b")
    mirror.destination.fault_after = die
    assert push_until_killed(mirror) is None
    assert set(mirror.destination.members) == {"b"}
    mirror.people("a", "b")
    heal(mirror)
    assert set(mirror.destination.members) == {"a", "b"} == mirror.held()


def test_a_change_that_is_taken_back_is_sent_again(mirror):
    mirror.people("a", score=1)
    mirror.push()
    mirror.people("a", score=2)
    mirror.destination.fault_after = die
    assert push_until_killed(mirror) is None
    mirror.people("a", score=1)
    heal(mirror)
    assert mirror.destination.members["a"].fields["score"] == 1


def test_a_whole_set_that_may_be_in_force_is_written_again(workbench):
    bench = workbench(mode=Mode.REPLACE, guards=OPEN)
    bench.people("a", "b")
    bench.push()
    bench.people("b", "c")
    commit = bench.destination.commit

    def killed():
        commit()
        raise Killed

    bench.destination.commit = killed
    assert push_until_killed(bench, folder=True) is None
    bench.destination.commit = commit
    assert set(bench.destination.members) == {"b", "c"}
    bench.people("a", "b")
    heal(bench)
    assert set(bench.destination.members) == {"a", "b"} == bench.held()


@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_whole_set_whose_last_answer_was_lost_is_written_again(workbench, lost):
    bench = workbench(mode=Mode.REPLACE, guards=OPEN)
    bench.people("a", "b")
    bench.push()
    bench.people("b", "c")
    commit = bench.destination.commit

    def reset():
        if lost == "after":
            commit()
        raise TransientError("reset")

    bench.destination.commit = reset
    assert bench.push().status == "failed"
    bench.destination.commit = commit
    bench.people("a", "b")
    heal(bench)
    assert set(bench.destination.members) == {"a", "b"} == bench.held()


def test_a_push_that_is_refused_before_it_sends_leaves_nothing_in_doubt(workbench):
    for mode in (Mode.MIRROR, Mode.REPLACE):
        bench = workbench(mode=mode)
        bench.people("a")
        bench.destination.credentials_error = AuthError("401")
        assert bench.push().status == "refused"
        assert (bench.held(), bench.maybe(), intents(bench)) == (set(), set(), {})
        bench.path.unlink()


def test_what_a_mirror_left_in_doubt_is_sent_by_a_sync_that_only_adds(mirror):
    mirror.people("a", "b")
    mirror.destination.fault = die
    assert push_until_killed(mirror) is None
    mirror.definition = replace(mirror.definition, mode=Mode.ADD)
    heal(mirror)
    assert set(mirror.destination.members) == {"a", "b"} == mirror.held()


def test_a_warehouse_that_does_not_take_what_is_intended_is_sent_nothing(mirror):
    with duckdb.connect(str(mirror.path)) as connection:
        connection.execute("drop table analytics_sync.intents")
    mirror.people("a")
    result = mirror.push()
    assert (result.status, mirror.destination.calls) == ("failed", [])
    assert "run dbt build" in result.error.hint


def test_requests_that_nobody_kept_are_given_time_to_arrive(mirror, monkeypatch):
    from sync.engine.retry import Retrier

    mirror.people("a")
    mirror.destination.fault = die
    push_until_killed(mirror)
    pauses = []
    monkeypatch.setattr(Retrier, "pause", lambda _, seconds: pauses.append(seconds) or True)
    mirror.options = replace(
        mirror.options, policy=replace(mirror.options.policy, settle_seconds=5.0)
    )
    heal(mirror)
    assert pauses == [5.0]


def test_a_whole_set_that_refuses_a_row_it_had_does_not_count_it_as_there(workbench):
    bench = workbench(mode=Mode.REPLACE, guards=OPEN)
    bench.people("a", "b")
    bench.push()
    bench.people("a", "b", "c")
    bench.destination.fault = lambda _, records: [
        RowError(record.key, "no", "no") for record in records if record.key == "a"
    ]
    assert bench.push().status == "partial"
    assert set(bench.destination.members) == {"b", "c"} == bench.held()
    heal(bench)
    assert set(bench.destination.members) == {"a", "b", "c"} == bench.held()


# -- journals of elsewhere -------------------------------------------------------------------------


def test_a_journal_of_another_day_is_not_replayed(mirror):
    """An old removal would take a newer addition out of the ledger, and its row would stay for ever."""
    mirror.people("a", "b")
    mirror.push()
    mirror.people("b")
    mirror.destination.fault_after = die
    assert push_until_killed(mirror, folder=True) is None
    there = mirror.path.parent / "journal"
    away = there.rename(mirror.path.parent / "elsewhere")
    mirror.people("a", "b")
    heal(mirror)
    if there.exists():
        shutil.rmtree(there)
    away.rename(there)
    assert list(there.rglob("*.journal"))
    said = []
    mirror.watcher.log = lambda event, **facts: said.append(event)
    mirror.people("b")
    heal(mirror)
    assert "journal_dropped" in said
    assert set(mirror.destination.members) == {"b"} == mirror.held()


def test_a_journal_counts_as_long_as_its_run_could_not_be_ended(mirror, monkeypatch):
    """Its groups were refused, and so was its end: the run is unfinished still, and what it kept is true."""
    mirror.people("a", "b", "c")

    def broken(*_, **__):
        raise WarehouseError("disk full")

    monkeypatch.setattr(RunLog, "write", broken)
    monkeypatch.setattr(RunLog, "finish", broken)
    assert mirror.push().status == "failed"
    assert mirror.rows("select status from analytics_sync.runs") == [("running",)]
    monkeypatch.undo()
    with duckdb.connect(str(mirror.path)) as connection:
        connection.execute("delete from analytics_sync.leases")
    calls = len(mirror.destination.calls)
    assert heal(mirror).counts.unchanged == 3
    assert len(mirror.destination.calls) == calls
    assert mirror.held() == {"a", "b", "c"}


def test_what_a_journal_missed_is_in_doubt(mirror, monkeypatch):
    """The disk refused it, and the warehouse is not written ahead, as in the cloud: the intents say what the journal does not."""
    from sync.state.journal import Journal

    mirror.warehouse.dialect = replace(mirror.warehouse.dialect, group_seconds=60.0)
    mirror.people("a", "b", "c", "d")
    write = Journal.write

    def full(self, number, table):
        if number > 2:
            raise OSError(28, "no space")
        write(self, number, table)

    monkeypatch.setattr(Journal, "write", full)
    mirror.destination.fault_after = lambda number, _: die() if number == 4 else None
    assert push_until_killed(mirror, folder=True) is None
    monkeypatch.undo()
    assert len(mirror.destination.members) >= 3
    mirror.people("z")
    heal(mirror)
    assert set(mirror.destination.members) == {"z"} == mirror.held()


@pytest.mark.parametrize("cloud", [False, True], ids=["file", "cloud"])
def test_a_journal_that_cannot_even_be_called_incomplete_stops_the_cloud(
    mirror, monkeypatch, cloud
):
    from sync.state.journal import Journal

    if cloud:
        mirror.warehouse.dialect = replace(mirror.warehouse.dialect, group_seconds=60.0)

    def full(*_):
        raise OSError(30, "read-only")

    monkeypatch.setattr(Journal, "write", full)
    monkeypatch.setattr(Journal, "resign", full)
    mirror.people("a", "b")
    result = mirror.push()
    if cloud:
        assert (result.status, mirror.destination.calls) == ("failed", [])
        assert "could not be written down" in result.message
    else:
        assert (result.status, mirror.held()) == ("success", {"a", "b"})


# -- by chance -------------------------------------------------------------------------------------


class Chances:
    """What may happen to a request, by a seed."""

    def __init__(self, bench: Workbench, chance: random.Random) -> None:
        self._chance = chance
        bench.destination.fault, bench.destination.fault_after = self._fault, self._after

    def _fault(self, _, records):
        self._may_end(0.2)
        return [RowError(r.key, "no", "no") for r in records if self._chance.random() < 0.1]

    def _after(self, *_):
        self._may_end(0.15)

    def _may_end(self, most):
        draw = self._chance.random()
        if draw < 0.08:
            raise Killed
        if draw < most:
            raise TransientError("reset")


def seeds(few: int, many: int) -> list[object]:
    """`few` of them, and in make test-long `many`."""
    return [
        seed if seed < few else pytest.param(seed, marks=pytest.mark.long) for seed in range(many)
    ]


@pytest.mark.parametrize("seed", seeds(1, 12))
@pytest.mark.parametrize("mode", [Mode.MIRROR, Mode.UPSERT, Mode.REPLACE])
def test_whatever_is_killed_and_thrown_away_the_sink_is_the_table(workbench, mode, seed):
    chance = random.Random(f"{mode}{seed}")
    bench = workbench(mode=mode, quarantine_after=10_000, guards=OPEN)
    bench.declare(batch_rows=2)
    bench.warehouse.dialect = replace(bench.warehouse.dialect, group_rows=chance.choice([1, 3, 99]))
    rows = []
    for _ in range(10):
        rows = [
            {"profile_id": f"k{n}", "score": chance.randint(1, 2)}
            for n in range(9)
            if chance.random() < 0.7
        ]
        bench.table(rows)
        Chances(bench, chance)
        push_until_killed(bench, folder=chance.random() < 0.3)
        if chance.random() < 0.3:
            heal(bench)
            _check(bench, rows, mode)
    heal(bench)
    _check(bench, rows, mode)


def _check(bench, rows, mode):
    there = {key: record.fields["score"] for key, record in bench.destination.members.items()}
    table = {row["profile_id"]: row["score"] for row in rows}
    assert {key: there.get(key) for key in table} == table
    if mode is Mode.UPSERT:  # who left stays, and is known to be, or may be, there
        assert bench.held() <= there.keys() <= bench.held() | bench.maybe()
    else:
        assert there.keys() == table.keys() == bench.held()
        assert bench.maybe() == set()


@pytest.mark.parametrize("seed", seeds(1, 16))
def test_whatever_is_killed_and_thrown_away_the_audience_is_the_table(audience, seed):  # noqa: F811
    """Members that are their identifiers: shared, moving, taken back, and never left behind."""
    chance = random.Random(seed)
    bench = audience(quarantine_after=10_000)
    bench.declare(members=MEMBERS, batch_rows=2)
    bench.warehouse.dialect = replace(bench.warehouse.dialect, group_rows=chance.choice([1, 3, 99]))
    people = {}
    for _ in range(10):
        people = {
            f"k{n}": (
                chance.choice(["e1", "e2", "e3", f"own{n}", f"new{n}", None]),
                chance.choice(["p1", "p2", None]),
            )
            for n in range(7)
            if chance.random() < 0.75
        }
        fill(bench, **people)
        Chances(bench, chance)
        push_until_killed(bench, folder=chance.random() < 0.3)
        if chance.random() < 0.3:
            heal(bench)
            assert bench.destination.values == wanted(people)
            assert bench.maybe() == set()
    heal(bench)
    assert bench.destination.values == wanted(people)
    fill(bench)
    heal(bench)
    assert bench.destination.values == set()


@pytest.mark.parametrize("mode", [Mode.MIRROR, pytest.param(Mode.UPSERT, marks=pytest.mark.long)])
@pytest.mark.parametrize("dies_at", [1, 2, 3, 4])
@pytest.mark.parametrize("then", ["stays", "leaves", "back"])
def test_a_changed_member_is_nowhere_left_behind(audience, mode, dies_at, then):  # noqa: F811
    """Old and new identifiers may both be there, and nobody knows: each must go when the person does."""
    bench = audience(mode=mode)
    bench.declare(members=MEMBERS, batch_rows=1)
    fill(bench, a=("old", "1"), b="b")
    bench.push()
    fill(bench, a=("new", "1"), b="b2")
    bench.destination.calls.clear()
    bench.destination.fault_after = lambda number, _: die() if number == dies_at else None
    assert push_until_killed(bench) is None
    if then == "leaves":
        fill(bench, b="b2")
        heal(bench)
        if mode is Mode.MIRROR:
            assert bench.destination.values == wanted({"b": "b2"})
        fill(bench, a=("new", "1"), b="b2")  # in upsert mode, who left is known as before
    elif then == "back":
        fill(bench, a=("old", "1"), b="b")
    heal(bench)
    kept = {"a": ("old", "1"), "b": "b"} if then == "back" else {"a": ("new", "1"), "b": "b2"}
    assert bench.destination.values == wanted(kept)


def test_a_journal_that_comes_back_goes_though_there_is_nothing_to_send(workbench):
    """It holds addresses of people who may have left since."""
    bench = workbench()
    bench.people("a")
    assert bench.push().added == 1
    folder = bench.path.parent / "journal" / "live" / "memory_people"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run_of_old.journal").write_bytes(b"whatever it says")
    assert bench.push().status == "success"
    assert not list(folder.iterdir())
