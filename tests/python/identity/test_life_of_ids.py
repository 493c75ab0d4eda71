"""Ids through merges, splits, retirement and return, with what the history says of each."""

from __future__ import annotations

from typing import Any

import pytest

from tests.python.identity.lab import Lab

ANNA = ("records", "a", "c1", None, "anna@web.org", None, None, "2026-01-01")
ANNA_TICKET = ("records", "t", None, None, "anna@web.org", None, None, "2026-01-02")
BOB = ("records", "b", None, "u1", None, "+4930123", None, "2026-01-03")
BRIDGE = ("records", "x", None, None, "anna@web.org", "+4930123", None, "2026-02-01")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("ids") / "lab", variables={"cdp_as_of": "2026-11-24"})
    lab.build(command="seed")
    return lab


@pytest.fixture
def lab(built: Lab) -> Lab:
    built.forget()
    return built


def events(lab: Lab) -> list[tuple[Any, ...]]:
    """The last run's events: event, id, other id, cause."""
    return lab.query(
        "select event, entity_id, other_id, cause_type, cause_reason "
        "from analytics.identity_history where event <> 'build' and run_number = "
        "(select max(run_number) from analytics.identity_history) order by all"
    )


def test_an_id_outlives_merge_split_retirement_and_return(lab: Lab) -> None:
    lab.load([ANNA, ANNA_TICKET, BOB])
    lab.build(command="run")
    first = lab.groups()
    anna, bob = first["a"], first["b"]
    assert {event for event, *_ in events(lab)} == {"create"}

    lab.load([ANNA, ANNA_TICKET, BOB, BRIDGE])
    lab.build(command="run")
    assert set(lab.groups().values()) == {anna}, "the older one survives"
    assert events(lab) == [("merge", bob, anna, "phone", "shared")]
    assert dict(lab.query("select old_id, live_id from analytics.identity_aliases")) == {
        anna: anna,
        bob: anna,
    }

    lab.load([ANNA, ANNA_TICKET, BOB])
    lab.build(command="run")
    groups = lab.groups()
    assert groups["a"] == groups["t"] == anna, "the largest part keeps the id"
    assert groups["b"] not in {anna, bob}, "an id is never used twice"
    assert events(lab) == [("split", groups["b"], anna, None, "record_or_value_gone")]
    new = groups["b"]

    lab.load([ANNA, ANNA_TICKET])
    lab.build(command="run")
    assert events(lab) == [("retire", new, None, None, "records_gone")]
    assert lab.query(f"select live_id from analytics.identity_aliases where old_id = '{new}'") == [
        (None,)
    ]

    lab.load([ANNA, ANNA_TICKET, BOB])
    lab.build(command="run")
    assert lab.groups()["b"] == new
    assert events(lab) == [("restore", new, None, None, "records_came")]


def test_a_full_refresh_keeps_ids_history_and_aliases(lab: Lab) -> None:
    lab.load([ANNA, BOB])
    lab.build(command="run")
    lab.load([ANNA, BOB, BRIDGE])
    lab.build(command="run")
    tables = ["identity_entity_records", "identity_aliases", "identity_history"]
    before = [lab.query(f"from analytics.{table} order by all") for table in tables]
    lab.build("--full-refresh", command="run")
    assert [lab.query(f"from analytics.{table} order by all") for table in tables] == before


def test_a_value_that_turns_ambiguous_later_splits_and_the_history_names_it(lab: Lab) -> None:
    shared = "family@web.org"
    lab.load(
        [
            ("records", "1", "c1", None, shared, None, None, "2026-01-01"),
            ("records", "2", None, None, shared, None, None, "2026-01-01"),
        ]
    )
    lab.build(command="run")
    assert lab.groups()["1"] == lab.groups()["2"]

    lab.load(
        [
            ("records", "1", "c1", None, shared, None, None, "2026-01-01"),
            ("records", "2", None, None, shared, None, None, "2026-01-01"),
            ("records", "3", "c2", None, shared, None, None, "2026-01-01"),
            ("records", "4", "c3", None, shared, None, None, "2026-01-01"),
        ]
    )
    lab.build(command="run")
    assert len(set(lab.groups().values())) == 4
    assert ("email", "ambiguous") in {(kind, reason) for *_, kind, reason in events(lab)}
    conflicts = lab.query(
        "select record_key, dropped_reason from analytics.identity_conflicts order by all"
    )
    assert conflicts == [(f"records:{number}", "ambiguous") for number in range(1, 5)]


def test_every_data_test_of_the_layer_passes_on_small_data(lab: Lab) -> None:
    lab.load([ANNA, ANNA_TICKET, BOB, BRIDGE])
    lab.build()
