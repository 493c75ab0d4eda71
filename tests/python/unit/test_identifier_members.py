"""Audiences whose members are their identifiers: nobody's old hash stays, and nobody is taken out with somebody else."""

from __future__ import annotations

import contextlib
import random

import duckdb
import pytest
from workbench import Killed, MemoryDestination

from sync.config.models import Guards
from sync.errors import TransientError
from sync.records import Mode, RowError

MEMBERS = (("email",), ("phone",))


class Audience(MemoryDestination):
    """Keeps values alone, as Meta and Google do: no key of ours, so nothing is replaced by being sent again."""

    def __init__(self):
        super().__init__()
        self.values = set()

    def upsert(self, records):
        return self._call("upsert", records, lambda record: self.values.update(self._of(record)))

    def remove(self, records):
        def drop(record):
            assert record.identifiers, "a removal that names nobody"
            self.values.difference_update(self._of(record))

        return self._call("remove", records, drop)

    def _of(self, record):
        return {(name, value) for name, value in record.identifiers.items()}


def push_until_killed(bench):
    """A push that may be killed; its lease is then that of a process that is no more."""
    with contextlib.suppress(Killed), bench.killable():
        return bench.push()
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute("delete from analytics_sync.leases")
    return None


@pytest.fixture
def audience(workbench):
    def make(**definition):
        settings = {"identifiers": ("email", "phone"),
                    "guards": Guards(min_rows=0, max_removals_percent=None)}  # fmt: skip
        bench = workbench(**(settings | definition))
        bench.destination = Audience()
        bench.declare(members=MEMBERS, batch_rows=3)
        return bench

    return make


def fill(bench, **people):
    """The table: key -> e-mail, or (e-mail, phone)."""
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute(
            "create or replace table sync_memory (profile_id varchar, email varchar, "
            "phone varchar, row_hash varchar)"
        )
        for key, given in people.items():
            email, phone = given if isinstance(given, tuple) else (given, None)
            connection.execute(
                "insert into sync_memory values (?, ?, ?, md5(?))",
                [key, email, phone, f"{email}|{phone}"],
            )


def wanted(people):
    found = set()
    for given in people.values():
        email, phone = given if isinstance(given, tuple) else (given, None)
        found |= {("email", email)} if email else set()
        found |= {("phone", phone)} if phone else set()
    return found


@pytest.mark.parametrize("mode", [Mode.MIRROR, Mode.UPSERT])
def test_an_outdated_identifier_is_removed_before_the_new_one_is_written(audience, mode):
    bench = audience(mode=mode)
    fill(bench, a=("old", "1"), b="b")
    bench.push()
    fill(bench, a=("new", "1"), b="b")
    result = bench.push()
    assert (result.status, result.changed, result.removed) == ("success", 1, 0)
    assert bench.destination.values == wanted({"a": ("new", "1"), "b": "b"})
    assert [name for name, _ in bench.destination.calls[1:]] == ["remove", "upsert"]
    assert bench.plan().counts.to_send == 0


def test_an_identifier_that_is_absent_now_is_outdated(audience):
    bench = audience()
    fill(bench, a=("e", "1"))
    bench.push()
    fill(bench, a=("e", None))
    bench.push()
    assert bench.destination.values == {("email", "e")}


def test_an_identifier_that_the_sync_no_longer_maps_is_outdated(audience):
    bench = audience()
    fill(bench, a=("e", "1"))
    bench.push()
    narrow = audience(identifiers=("email",))
    narrow.destination = bench.destination
    narrow.push()
    assert bench.destination.values == {("email", "e")}


def test_removing_one_of_two_who_share_an_identifier_leaves_the_other_in(audience):
    bench = audience()
    fill(bench, a=("shared", "1"), b=("shared", "2"))
    bench.push()
    fill(bench, b=("shared", "2"))
    assert bench.push().removed == 1
    assert bench.destination.values == wanted({"b": ("shared", "2")})
    assert bench.held() == {"b"}
    fill(bench)
    bench.push()
    assert bench.destination.values == set()


def test_a_removal_of_what_another_keeps_in_full_asks_nothing_and_is_done(audience):
    bench = audience()
    fill(bench, a="shared", b="shared")
    bench.push()
    calls = len(bench.destination.calls)
    fill(bench, b="shared")
    result = bench.push()
    assert (result.status, result.removed) == ("success", 1)
    assert len(bench.destination.calls) == calls
    assert bench.held() == {"b"}


def test_a_removal_that_asked_nothing_and_was_not_marked_is_done_by_the_next_push(audience):
    """Kept with what it asked for, which is nothing, it could never be asked for again."""
    bench = audience()
    fill(bench, a="shared", b="shared", z="z")
    bench.push()
    fill(bench, b="shared")
    bench.destination.fault = lambda *_: (_ for _ in ()).throw(Killed())
    assert push_until_killed(bench) is None
    bench.destination.fault = None
    fill(bench)
    assert bench.push().status == "success"
    assert bench.destination.values == set()


def test_a_changed_identifier_that_another_keeps_stays(audience):
    bench = audience()
    fill(bench, a="shared", b="shared")
    bench.push()
    fill(bench, a="own", b="shared")
    bench.push()
    assert bench.destination.values == {("email", "own"), ("email", "shared")}


def test_who_left_in_upsert_mode_keeps_a_shared_identifier(audience):
    """Upsert never removes: the row that left is a member still."""
    bench = audience(mode=Mode.UPSERT)
    fill(bench, a="shared", b="shared")
    bench.push()
    fill(bench, b="own")
    bench.push()
    assert bench.destination.values == {("email", "own"), ("email", "shared")}


def test_an_identifier_that_passes_to_somebody_new_is_in_at_the_end(audience):
    bench = audience()
    fill(bench, a="h", z="z")
    bench.push()
    fill(bench, b="h", z="z")  # two profiles became one, under another id
    result = bench.push()
    assert (result.added, result.removed) == (1, 1)
    assert bench.destination.values == {("email", "h"), ("email", "z")}
    fill(bench, z="h")
    bench.push()
    assert bench.destination.values == {("email", "h")}


def test_nothing_is_written_before_every_removal_is_answered(audience):
    """In flight side by side, a removal could land after the addition of the same hash."""
    bench = audience()
    bench.declare(members=MEMBERS, batch_rows=1)
    fill(bench, **{f"a{n}": f"h{n}" for n in range(12)})
    bench.push()
    before = len(bench.destination.calls)
    fill(bench, **{f"b{n}": f"h{n}" for n in range(12)})
    bench.push()
    names = [name for name, _ in bench.destination.calls[before:]]
    assert names == ["remove"] * 12 + ["upsert"] * 12
    assert len(bench.destination.values) == 12


@pytest.mark.parametrize("lost", ["refused", "before", "after"])
def test_a_row_is_not_written_while_its_outdated_identifier_may_be_there(audience, lost):
    """Marked with the new identifiers, the old one would be forgotten and stay for ever."""
    bench = audience()
    fill(bench, a="old", b="b")
    bench.push()
    fill(bench, a="new", b="b2", c="c")

    def fault(_, records):
        if any(("email", "old") in bench.destination._of(record) for record in records):
            if lost != "refused":
                raise TransientError("reset")
            return [RowError(record.key, "no", "no") for record in records if record.key == "a"]

    kind = "fault_after" if lost == "after" else "fault"
    setattr(bench.destination, kind, fault)
    bench.declare(members=MEMBERS, batch_rows=1)
    assert bench.push().status == "partial"
    assert ("email", "new") not in bench.destination.values
    setattr(bench.destination, kind, None)
    assert bench.push().status == "success"
    assert bench.destination.values == wanted({"a": "new", "b": "b2", "c": "c"})


def test_a_row_with_an_outdated_identifier_that_leaves_after_a_crash_leaves_as_a_whole(audience):
    bench = audience()
    fill(bench, a=("old", "1"), b="b")
    bench.push()
    fill(bench, a=("new", "1"), b="b")

    def killed(number, records):
        if number > 2:
            raise Killed

    bench.destination.fault = killed  # after the old one was taken out
    assert push_until_killed(bench) is None
    bench.destination.fault = None
    fill(bench, b="b")
    assert bench.push().status == "success"
    assert bench.destination.values == {("email", "b")}


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 8))]
)
def test_whatever_happens_the_audience_is_the_table_once_it_has_healed(audience, seed):
    """Random tables with shared and moving identifiers, lost answers, refusals and processes that end anywhere."""
    chance = random.Random(seed)
    bench = audience(quarantine_after=10_000)
    bench.declare(members=MEMBERS, batch_rows=2)
    people = {}

    def die_or_lose(most):
        draw = chance.random()
        if draw < 0.1:
            raise Killed
        if draw < most:
            raise TransientError("reset")

    def fault(_, records):
        die_or_lose(0.25)
        return [RowError(r.key, "no", "no") for r in records if chance.random() < 0.1]

    def fault_after(_, records):
        die_or_lose(0.2)

    for _ in range(8):
        people = {
            f"k{n}": (
                chance.choice(["e1", "e2", "e3", f"own{n}", None]),
                chance.choice(["p1", "p2", None]),
            )
            for n in range(7)
            if chance.random() < 0.75
        }
        fill(bench, **people)
        bench.destination.fault, bench.destination.fault_after = fault, fault_after
        push_until_killed(bench)
        if chance.random() < 0.4:
            bench.destination.fault = bench.destination.fault_after = None
            assert bench.push().status == "success"
            assert bench.destination.values == wanted(people)
            assert bench.maybe() == set()
    bench.destination.fault = bench.destination.fault_after = None
    assert bench.push().status == "success"
    assert bench.destination.values == wanted(people)
    fill(bench)
    bench.push()
    assert bench.destination.values == set()


class Lowering(Audience):
    """Finds an address whatever its case, as vendors do."""

    def _of(self, record):
        return {(name, value.strip().lower()) for name, value in record.identifiers.items()}


@pytest.mark.parametrize("found_by", [(), ("email",)])
def test_one_address_in_two_spellings_stays_with_the_other_row(audience, found_by):
    bench = audience()
    bench.destination = Lowering()
    bench.declare(members=() if found_by else MEMBERS, found_by=found_by, batch_rows=3)
    fill(bench, a="Anna@example.com", b="anna@example.com ", c="c@example.com")
    bench.push()
    fill(bench, b="anna@example.com ", c="c@example.com")
    bench.push()
    assert bench.destination.values == wanted({"b": "anna@example.com", "c": "c@example.com"})
    # The same person in another spelling is nobody who leaves.
    fill(bench, b="ANNA@example.com", c="c@example.com")
    bench.push()
    assert ("email", "anna@example.com") in bench.destination.values
    fill(bench, c="c@example.com")
    bench.push()
    assert bench.destination.values == wanted({"c": "c@example.com"})
