"""A canary: the first rows go alone, and the others only when those were taken."""

from __future__ import annotations

import pytest

from sync.config.definitions import parse_definition
from sync.config.models import Canary, Guards, Model
from sync.errors import AuthError, ConfigError
from sync.records import Mode, RowError

IDS = [f"p{number}" for number in range(9)]


def refusing(*keys: str):
    """A fault: these rows are refused, by the vendor's word for each."""
    return lambda _, records: [
        RowError(record.key, "invalid", "no") for record in records if record.key in keys
    ]


def test_the_first_rows_go_alone_and_the_rest_when_they_were_taken(workbench):
    bench = workbench(canary=Canary(2))
    bench.people(*IDS)
    result = bench.push()
    assert (result.status, result.added) == ("success", 9), result.error
    assert len(bench.destination.calls[0][1]) == 2
    assert bench.held() == set(IDS)


@pytest.mark.parametrize("mode", [Mode.MIRROR, Mode.UPSERT, Mode.ADD, Mode.EVENT])
def test_nothing_more_is_sent_where_they_were_not(workbench, mode):
    """Wrong contents reach two people, and not a million."""
    bench = workbench(mode=mode, canary=Canary(2))
    bench.people(*IDS)
    bench.destination.fault = lambda _, records: [
        RowError(record.key, "invalid", "no") for record in records[:1]
    ]
    result = bench.push()
    sent = {key for _, keys in bench.destination.calls for key in keys}
    assert len(sent) == 2
    assert result.status == "partial"
    assert "1 of the first 2 rows were not taken" in str(result.error)
    assert "canary allows 0 %" in str(result.error)


def test_the_next_push_begins_anew_and_loses_nobody(workbench):
    bench = workbench(canary=Canary(2))
    bench.people(*IDS)
    bench.destination.fault = lambda _, records: [
        RowError(one.key, "invalid", "no") for one in records
    ]
    assert bench.push().added == 0
    bench.destination.fault = None
    result = bench.push()
    assert (result.status, result.added) == ("success", 9), result.error
    assert set(bench.destination.members) == set(IDS) == bench.held()


def test_a_share_of_refusals_may_be_allowed(workbench):
    bench = workbench(canary=Canary(4, 50))
    bench.people(*IDS)
    bench.destination.fault = refusing("p0", "p1")
    result = bench.push()
    assert (result.status, result.added, result.failed) == ("partial", 7, 2)


def test_a_removal_that_fails_lets_nobody_else_be_taken_out(workbench):
    bench = workbench(canary=Canary(2), guards=Guards(max_removals_percent=None, min_rows=0))
    bench.people(*IDS)
    bench.push()
    bench.people("p0")
    bench.destination.calls.clear()
    bench.destination.fault = lambda _, records: [
        RowError(one.key, "invalid", "no") for one in records
    ]
    result = bench.push()
    assert sum(len(keys) for _, keys in bench.destination.calls) == 2
    assert result.removed == 0
    assert bench.held() == set(IDS)


def test_an_answer_that_did_not_come_is_no_success(workbench):
    bench = workbench(canary=Canary(2, 99))

    def fault(_, records):
        raise AuthError("no")

    bench.people(*IDS)
    bench.destination.fault = fault
    assert bench.push().status == "failed"
    assert sum(len(keys) for _, keys in bench.destination.calls) == 2


def test_fewer_rows_than_the_canary_has_are_all_of_it(workbench):
    bench = workbench(canary=Canary(500))
    bench.people(*IDS)
    assert bench.push().added == 9


@pytest.mark.parametrize(
    ("canary", "mode", "said"),
    [
        ({"rows": 0}, "mirror", "canary.rows wants a whole number, 1 or more"),
        ({"rows": 2.5}, "mirror", "must be a whole number"),
        ({}, "mirror", "canary.rows"),
        ({"rows": 5, "max_failed_percent": 100}, "mirror", "wants less than 100"),
        ({"row": 5}, "mirror", "row"),
        ({"rows": 5}, "replace", "canary is for modes that send rows apart"),
    ],
)
def test_a_canary_that_makes_no_sense_is_refused(canary, mode, said):
    meta = {
        "destination": "memory",
        "object": "list",
        "mode": mode,
        "key": ["id"],
        "canary": canary,
    }
    model = Model("model.headwater.m", "m", "m", frozenset())
    with pytest.raises(ConfigError, match=said):
        parse_definition(name="s", meta=meta, model=model, path="x.yml")


def test_a_canary_is_read_as_it_is_written():
    meta = {
        "destination": "memory", "object": "list", "mode": "mirror", "key": ["id"],
        "canary": {"rows": 500, "max_failed_percent": 2},
    }  # fmt: skip
    model = Model("model.headwater.m", "m", "m", frozenset())
    found = parse_definition(name="s", meta=meta, model=model, path="x.yml")
    assert found.canary == Canary(500, 2)
