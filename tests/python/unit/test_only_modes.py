"""update_only makes nobody and create_only changes nobody; who is passed over is neither believed nor a failure."""

from __future__ import annotations

from dataclasses import replace

import pytest
from workbench import MemoryDestination

from sync.config.models import Canary
from sync.records import Accepted, BatchResult, Mode


class Crm(MemoryDestination):
    """Records by key; `there` are known before anybody sends them."""

    def __init__(self, *there: str) -> None:
        super().__init__()
        self.members = dict.fromkeys(there, None)

    def update(self, records):
        return self._part("update", records, lambda one: one.key in self.members)

    def create(self, records):
        return self._part("create", records, lambda one: one.key not in self.members)

    def _part(self, name, records, takes):
        self.calls.append((name, [one.key for one in records]))
        mine = [one for one in records if takes(one)]
        self.members |= {one.key: one for one in mine}
        return BatchResult(
            accepted=[Accepted(one.key, f"r-{one.key}") for one in mine],
            passed_over=[one.key for one in records if one not in mine],
        )


def made(workbench, mode, *there, **more):
    bench = workbench(mode=mode, **more)
    bench.destination = Crm(*there)
    return bench


def test_update_only_sends_to_whom_it_finds_and_asks_again_for_the_others(workbench):
    bench = made(workbench, Mode.UPDATE_ONLY, "a", "b")
    bench.people("a", "b", "c")
    result = bench.push()
    assert (result.status, result.added, result.passed_over) == ("success", 2, 1), result.error
    assert bench.held() == {"a", "b"}
    assert result.warnings == ["1 passed over: the mode leaves them as they are there"]
    bench.destination.members["c"] = None  # somebody else made it
    result = bench.push()
    assert (result.status, result.added, result.passed_over) == ("success", 1, 0)
    assert bench.held() == {"a", "b", "c"}
    assert bench.push().counts.to_send == 0


def test_who_is_gone_there_is_not_held_any_more(workbench):
    bench = made(workbench, Mode.UPDATE_ONLY, "a", "b")
    bench.people("a", "b")
    bench.push()
    del bench.destination.members["a"]
    result = bench.push(full_refresh=True)
    assert (result.status, result.changed, result.passed_over) == ("success", 1, 1), result.error
    assert bench.held() == {"b"}


def test_where_nobody_is_there_it_is_green_and_no_vendor_in_trouble(workbench):
    """Five batches of which no row was taken would stop the push, and rows refused alike would be a fault of the request."""
    bench = made(workbench, Mode.UPDATE_ONLY)
    bench.people(*(f"p{number:02}" for number in range(30)))
    result = bench.push()
    assert (result.status, result.passed_over, result.failed) == ("success", 30, 0), result.error


def test_rows_that_are_not_there_are_no_additions_for_the_guards(workbench):
    bench = made(workbench, Mode.UPDATE_ONLY, "a")
    bench.people("a")
    bench.push()
    bench.people("a", *(f"p{number:03}" for number in range(150)))
    assert bench.push().status == "success"


def test_a_canary_counts_them_as_no_failures(workbench):
    bench = made(workbench, Mode.UPDATE_ONLY, "z", canary=Canary(2))
    bench.people("a", "b", "c", "z")
    assert (bench.push().status, bench.held()) == ("success", {"z"})


def test_create_only_makes_whom_it_lacks_and_asks_once(workbench):
    bench = made(workbench, Mode.CREATE_ONLY, "a")
    bench.people("a", "b")
    result = bench.push()
    assert (result.status, result.added, result.passed_over) == ("success", 1, 1), result.error
    assert bench.destination.members["a"] is None, "left as it was"
    assert bench.push().counts.to_send == 0


def test_another_mode_then_sends_whom_create_only_left_as_they_were(workbench):
    bench = made(workbench, Mode.CREATE_ONLY, "a")
    bench.people("a", "b")
    bench.push()
    bench.definition = replace(bench.definition, mode=Mode.UPSERT)
    assert bench.push().changed == 2
    assert bench.destination.members["a"] is not None


@pytest.mark.parametrize("mode", [Mode.UPDATE_ONLY, Mode.CREATE_ONLY])
def test_nobody_is_taken_out(workbench, mode):
    bench = made(workbench, mode, "a", "b")
    bench.people("a", "b", "c")
    bench.push()
    bench.people("c")
    result = bench.push()
    assert (result.status, result.removed) == ("success", 0)


@pytest.mark.parametrize("mode", [Mode.UPDATE_ONLY, Mode.CREATE_ONLY])
def test_a_vendor_that_does_not_know_the_difference_says_so(workbench, mode):
    bench = made(workbench, mode)
    bench.declare(modes=frozenset({Mode.UPSERT, Mode.MIRROR}))
    bench.people("a")
    result = bench.push()
    assert result.status == "refused"
    assert "can do mirror, upsert" in str(result.error)
