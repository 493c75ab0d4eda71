"""Whose address changes is the same person at the vendor: written by the id it gave, and not made a second time."""

from __future__ import annotations

import duckdb
import pytest
from workbench import MemoryDestination, object_type

from sync.errors import TransientError
from sync.records import Accepted, BatchResult, RowError


class Crm(MemoryDestination):
    """Records by id, found by e-mail; one address is one record's."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, str] = {}
        self.made = 0
        self.refuses: set[str] = set()
        self.forgets_answers = False

    def upsert(self, records):
        with self.lock:
            self.calls.append(("upsert", [record.key for record in records]))
            taken, failed = [], []
            for record in records:
                email = record.identifiers["email"]
                owner = next((one for one, held in self.records.items() if held == email), None)
                known = record.remote_id if record.has_new_address else None
                if record.remote_id is None and owner is None:
                    before = {former["email"] for former in record.formers}
                    known = next((one for one, at in self.records.items() if at in before), None)
                if record.key in self.refuses:
                    failed.append(RowError(record.key, "refused", "no"))
                elif known in self.records and owner not in (None, known):
                    failed.append(RowError(record.key, "CONFLICT", "another has it"))
                else:
                    if known not in self.records:
                        known = owner
                    if known is None:
                        self.made += 1
                        known = f"id-{self.made}"
                    self.records[known] = email
                    self.members[record.key] = record
                    taken.append(Accepted(record.key, known))
        if self.forgets_answers:
            raise TransientError("lost")
        return self._result(taken, failed)

    def _result(self, taken, failed):
        return BatchResult(taken, failed)

    def remove(self, records):
        return self._call("remove", records, lambda one: self.records.pop(one.remote_id, None))


@pytest.fixture
def bench(workbench):
    made = workbench()
    made.destination = Crm()
    made.declare(found_by=("email",), updates_by_id=True)
    return made


def table(bench, **emails):
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute(
            "create or replace table sync_memory (profile_id varchar, email varchar, row_hash varchar)"
        )
        for key, name in emails.items():
            connection.execute(
                "insert into sync_memory values (?, ?, md5(?))", [key, f"{name}@shop.example", name]
            )


def push(bench, status="success"):
    result = bench.push(allow_removals=True, allow_additions=True)
    assert result.status == status, result.error
    return result


def there(bench):
    return sorted(held.partition("@")[0] for held in bench.destination.records.values())


def test_the_record_that_is_there_gets_the_new_address(bench):
    table(bench, ada="ada", ben="ben")
    push(bench)
    before = dict(bench.destination.records)
    table(bench, ada="ada.new", ben="ben")
    assert push(bench).changed == 1
    assert there(bench) == ["ada.new", "ben"]
    assert set(bench.destination.records) == set(before)


def test_an_address_that_stays_is_no_new_one(bench):
    table(bench, ada="ada")
    push(bench)
    bench.push(full_refresh=True)
    assert not bench.destination.members["ada"].has_new_address


def test_who_takes_over_an_address_comes_after_the_one_who_had_it(bench):
    """Ada's old address is another's now: written first, it would be found on Ada's record, which then moves away with it."""
    table(bench, **{f"p{number}": f"p{number}" for number in range(7)}, zoe="zoe")
    push(bench)
    table(bench, **{f"p{number}": f"p{number}" for number in range(7)}, zoe="zoe.new", aaron="zoe")
    push(bench)
    assert there(bench) == [*(f"p{number}" for number in range(7)), "zoe", "zoe.new"]


def test_who_wants_an_address_that_moves_in_the_same_push_gets_it_with_the_next(bench):
    table(bench, ada="ada", zoe="zoe")
    push(bench)
    table(bench, ada="zoe", zoe="zoe.new")
    if bench.push().status != "success":  # whoever came first
        push(bench)
    assert there(bench) == ["zoe", "zoe.new"]


def test_a_lost_answer_makes_no_second_record(bench):
    """Nobody knows which address the record has, so that the ledger's own are believed no more."""
    table(bench, ada="ada")
    push(bench)
    table(bench, ada="ada.new")
    bench.destination.refuses = {"ada"}
    bench.destination.forgets_answers = True
    push(bench, "failed")
    bench.destination.refuses, bench.destination.forgets_answers = set(), False
    push(bench)
    assert there(bench) == ["ada.new"]


@pytest.mark.parametrize("taken", [True, False])
def test_who_was_made_without_an_answer_is_not_left_under_the_address_of_before(bench, taken):
    """The vendor gave an id that nobody got to know: it is looked for by the address that was sent."""
    table(bench, ada="ada", ben="ben")
    bench.destination.forgets_answers = True
    bench.destination.refuses = set() if taken else {"ada"}
    push(bench, "failed")
    bench.destination.forgets_answers, bench.destination.refuses = False, set()
    table(bench, ada="ada.new", ben="ben")
    push(bench)
    assert there(bench) == ["ada.new", "ben"]
    assert push(bench).counts.to_send == 0


def test_who_was_made_without_an_answer_leaves_an_address_to_who_has_it_now(bench):
    table(bench, ada="ada")
    bench.destination.forgets_answers = True
    push(bench, "failed")
    bench.destination.forgets_answers = False
    table(bench, ada="ada.new", ben="ada")
    push(bench)
    assert there(bench) == ["ada", "ada.new"]


def test_a_sync_that_sends_no_address_is_planned_after_a_lost_answer(workbench):
    """Nothing that it sends is what the vendor finds a record by."""
    bench = workbench()
    bench.destination = Crm()
    bench.declare(found_by=("phone",), updates_by_id=True)
    table(bench, ada="ada")
    bench.destination.forgets_answers = True
    push(bench, "failed")
    bench.destination.forgets_answers = False
    push(bench)
    assert there(bench) == ["ada"]


class AddressBook(MemoryDestination):
    """An address is the record, and the one before goes into the one that is written."""

    def __init__(self) -> None:
        super().__init__()
        self.records: set[str] = set()
        self.loses: str | None = None  # the address of whose request the answer is lost

    def upsert(self, records):
        for record in records:
            self.records.add(record.identifiers["email"])
            if record.identifiers["email"] == self.loses:
                raise TransientError("lost")
            self.records -= {former["email"] for former in record.formers}
        return BatchResult([Accepted(record.key) for record in records])

    def merge(self, records):
        raise AssertionError


def test_a_lost_answer_leaves_no_address_of_before_where_the_address_is_the_record(workbench):
    bench = workbench()
    book = bench.destination = AddressBook()
    bench.declare(found_by=("email",), merges=True)
    for before, after in ((None, "ada"), ("ada.er", "ada.new")):
        if before:
            table(bench, one=before)
            push(bench)
        table(bench, one=after)
        book.loses = f"{after}@shop.example"
        push(bench, "failed")
        book.loses = None
        table(bench, one=f"{after}.er")
        push(bench)
        assert book.records == {f"{after}.er@shop.example"}
    assert push(bench).counts.to_send == 0


def test_an_id_of_two_rows_says_of_neither_who_it_is(bench):
    """Ada could not be moved, and Ben was found by her old address: moved now, she would take his record along."""
    table(bench, ada="ada")
    push(bench)
    bench.destination.refuses = {"ada"}
    table(bench, ada="ada.new", ben="ada")
    push(bench, "partial")
    bench.destination.refuses = set()
    push(bench)
    assert there(bench) == ["ada", "ada.new"]


def test_a_record_that_is_gone_is_made_again(bench):
    table(bench, ada="ada")
    push(bench)
    bench.destination.records.clear()
    table(bench, ada="ada.new")
    push(bench)
    assert there(bench) == ["ada.new"]


def test_a_vendor_that_does_not_say_so_gets_what_it_got(workbench):
    bench = workbench()
    table(bench, ada="ada")
    push(bench)
    table(bench, ada="ada.new")
    push(bench)
    assert not bench.destination.members["ada"].has_new_address
    assert not object_type().updates_by_id
