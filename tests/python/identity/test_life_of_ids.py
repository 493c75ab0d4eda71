"""Ids through merges, splits, retirement and return, with what the history says of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.python.identity.lab import PERSON, Lab

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
    assert groups["b"] == bob, "a part has the id again that it had before the merge"
    assert events(lab) == [("split", bob, anna, None, "record_or_value_gone")]
    assert aliases(lab) == {anna: anna, bob: bob}
    new = bob

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


@pytest.mark.long
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


@pytest.mark.long
def test_every_data_test_of_the_layer_passes_on_small_data(lab: Lab) -> None:
    lab.load([ANNA, ANNA_TICKET, BOB, BRIDGE])
    lab.build()


@pytest.fixture
def decide(lab: Lab) -> Iterator[Callable[..., None]]:
    """Writes decisions as a person would, and has dbt read them."""
    path = lab.directory / "seeds/identity_overrides.csv"
    before = path.read_text()

    def write(*decisions: str) -> None:
        path.write_text(before.strip() + "\n" + "".join(f"{line}\n" for line in decisions))
        lab.build("--select", "identity_overrides", command="seed")

    yield write
    path.write_text(before)
    lab.build("--select", "identity_overrides", command="seed")


def aliases(lab: Lab) -> dict[str, str | None]:
    return dict(lab.query("select old_id, live_id from analytics.identity_aliases"))


@pytest.mark.long
def test_a_pair_kept_apart_later_splits_and_a_decision_taken_back_joins_again(
    lab: Lab, decide: Callable[..., None]
) -> None:
    lab.load([ANNA, ANNA_TICKET, BOB, BRIDGE])
    lab.build(command="run")
    (one,) = set(lab.groups().values())

    decide("person,do_not_link,records:a,records:b,me,two people")
    lab.build(command="run")
    groups = lab.groups()
    new = groups["b"]
    assert groups["a"] == groups["t"] == one != new
    assert [event[:3] for event in events(lab)] == [("split", new, one)]
    assert "do_not_link" in {
        reason for (reason,) in lab.query("select dropped_reason from analytics.identity_conflicts")
    }

    decide()
    lab.build(command="run")
    assert set(lab.groups().values()) == {one}
    assert [event[:3] for event in events(lab)] == [("merge", new, one)]
    assert aliases(lab) == {one: one, new: one}


MINE = ("records", "a", "c1", None, "anna@web.org", None, None, "2026-01-01")
THEIRS = ("records", "b", None, "u1", "anna@web.org", None, None, "2026-03-01")
THEIRS_BEFORE = ("records", "b", None, "u1", "bob@web.org", None, None, "2026-03-01")
APART = "person,do_not_link,records:a,records:b,me,two people"


def owners(lab: Lab, value: str) -> list[str]:
    """The ids that are known by a value."""
    return [
        entity_id
        for (entity_id,) in lab.query(
            "select entity_id from analytics.identity_entity_identifiers "
            f"where identifier_value = '{value}'"
        )
    ]


def test_an_undone_merge_gives_each_the_id_and_the_values_it_had(
    lab: Lab, decide: Callable[..., None]
) -> None:
    """The second one is the larger part by then, and still is not the first one."""
    orders = [("records", f"o{n}", None, "u1", None, None, None, "2026-04-01") for n in range(3)]
    lab.load([MINE, ANNA_TICKET, THEIRS_BEFORE])
    lab.build(command="run")
    before = lab.groups()
    mine, theirs = before["a"], before["b"]

    lab.load([MINE, ANNA_TICKET, THEIRS, *orders])
    lab.build(command="run")
    assert set(lab.groups().values()) == {mine}

    for full in ([], ["--full-refresh"]):
        decide(APART)
        lab.build(*full, command="run")
        groups = lab.groups()
        assert groups["a"] == groups["t"] == mine
        assert {groups[name] for name in ("b", "o0", "o1", "o2")} == {theirs}
        assert owners(lab, "anna@web.org") == [mine]
        assert aliases(lab) == {mine: mine, theirs: theirs}
        assert events(lab) == [("split", theirs, mine, "email", "do_not_link")]
        conflicts = lab.query(
            "select record_key, dropped_reason from analytics.identity_conflicts order by all"
        )
        assert conflicts == [("records:b", "do_not_link")]
        lab.build(*full, command="run")
        assert lab.groups() == groups
        if not full:
            decide()
            lab.build(command="run")
            assert set(lab.groups().values()) == {mine}


@pytest.mark.long
def test_a_record_that_changes_hands_takes_nobodys_id_along(lab: Lab) -> None:
    """It was the first one's, joined both, and is the second one's: as many records of the first id on either side."""
    firsts = ("records", "x", None, None, "anna@web.org", None, None, "2026-02-01")
    lab.load([ANNA, BOB, firsts])
    lab.build(command="run")
    own = lab.groups()
    assert own["x"] == own["a"] != own["b"]
    lab.load([ANNA, BOB, BRIDGE])
    lab.build(command="run")
    assert set(lab.groups().values()) == {own["a"]}
    lab.load([ANNA, BOB, (*BRIDGE[:4], None, *BRIDGE[5:])])
    lab.build(command="run")
    assert lab.groups() == {"a": own["a"], "b": own["b"], "x": own["b"]}


def test_a_value_of_two_with_equal_claims_is_nobodys(lab: Lab, decide: Callable[..., None]) -> None:
    lab.load([MINE, (*THEIRS[:-1], MINE[-1])])
    decide(APART)
    lab.build(command="run")
    assert owners(lab, "anna@web.org") == []


@pytest.mark.long  # test_properties has two to four
def test_three_that_were_merged_are_taken_apart_one_by_one(
    lab: Lab, decide: Callable[..., None]
) -> None:
    """Each decision gives back one id, and who is still one with another stays so."""
    a = ("records", "a", "c1", None, None, "+491", None, "2026-01-01")
    b = ("records", "b", None, "u1", None, "+492", None, "2026-01-02")
    c = ("records", "c", None, "u2", None, "+493", None, "2026-01-03")
    lab.load([a, b, c])
    lab.build(command="run")
    own = lab.groups()
    b, c = ((*row[:4], "both@web.org", *row[5:]) for row in (b, c))
    lab.load([a, b, c])
    lab.build(command="run")
    assert lab.groups()["c"] == lab.groups()["b"] == own["b"]
    lab.load([(*a[:5], "+492", *a[6:]), b, c])
    lab.build(command="run")
    assert set(lab.groups().values()) == {own["a"]}
    assert set(aliases(lab).values()) == {own["a"]}

    first_from_second = "person,do_not_link,records:a,records:b,me,two people"
    first_from_third = "person,do_not_link,records:a,records:c,me,two people"
    decide(first_from_second, first_from_third)
    lab.build(command="run")
    groups = lab.groups()
    assert groups["a"] == own["a"]
    assert groups["b"] == groups["c"] == own["b"]
    assert {one: aliases(lab)[one] for one in own.values()} == {
        own["a"]: own["a"], own["b"]: own["b"], own["c"]: own["b"],
    }  # fmt: skip

    decide(
        first_from_second,
        first_from_third,
        "person,do_not_link,records:b,records:c,me,two people",
    )
    lab.build(command="run")
    groups = lab.groups()
    assert groups == own
    assert owners(lab, "both@web.org") == [own["b"]]
    lab.build("--full-refresh", command="run")
    assert lab.groups() == groups


@pytest.mark.long
def test_a_value_blocked_later_splits_whom_it_joined(lab: Lab, decide: Callable[..., None]) -> None:
    lab.load([ANNA, ANNA_TICKET, BOB, BRIDGE])
    lab.build(command="run")
    (one,) = set(lab.groups().values())

    decide("person,block_value,phone,+4930123,me,the number of a shop")
    lab.build(command="run")
    groups = lab.groups()
    assert groups["a"] == groups["t"] == groups["x"] == one != groups["b"]
    assert events(lab) == [("split", groups["b"], one, "phone", "blocked_value")]


def test_a_blocked_value_that_nobody_has_is_a_conflict_and_not_silence(
    lab: Lab, decide: Callable[..., None]
) -> None:
    lab.load([ANNA, BOB])
    decide(
        "person,block_value,email,Anna@Web.org,me,not as the models write it",
        "person,block_value,emial,anna@web.org,me,no such type",
        "persn,block_value,email,anna@web.org,me,no such entity",
    )
    lab.build(command="run")
    found = lab.query(
        "select entity, identifier_value, dropped_reason from analytics.identity_conflicts "
        "order by all"
    )
    assert {reason for *_, reason in found} == {"unknown_value"}
    assert [value for _, value, _ in found].count("anna@web.org") == 2


@pytest.mark.long
def test_an_edge_that_expires_splits_without_any_new_record(lab: Lab) -> None:
    old = [
        ("records", "phone", "c1", None, None, None, "d1", "2026-01-10"),
        ("records", "tablet", None, "u1", None, None, "d1", "2026-01-10"),
    ]
    lab.load(old)
    lab.build(command="run")
    (one,) = set(lab.groups().values())

    try:
        lab.configure({"person": PERSON}, {"cdp_as_of": "2027-02-01"})
        lab.build(command="run")
        groups = lab.groups()
        assert one in groups.values()
        (new,) = set(groups.values()) - {one}
        assert events(lab) == [("split", new, one, "device_id", "expired")]
    finally:
        lab.configure({"person": PERSON}, {"cdp_as_of": "2026-11-24"})


@pytest.mark.long
def test_an_id_that_merged_twice_leads_to_the_one_that_lives(lab: Lab) -> None:
    """Aliases are followed to the end, and a retirement at the end retires them all."""
    carl = ("records", "c", None, "u2", None, "+4930999", None, "2026-01-05")
    second = ("records", "y", None, None, "anna@web.org", "+4930999", None, "2026-03-01")
    lab.load([ANNA, BOB, carl])
    lab.build(command="run")
    first = lab.groups()
    lab.load([ANNA, BOB, carl, ("records", "z", None, None, None, "+4930999", "d9", "2026-02-01"),
              ("records", "zz", None, None, None, "+4930123", "d9", "2026-02-01")])  # fmt: skip
    lab.build(command="run")
    middle = lab.groups()
    assert middle["b"] == middle["c"], "bob and carl share a device"
    lab.load([ANNA, BOB, carl, BRIDGE, second])
    lab.build(command="run")
    assert set(lab.groups().values()) == {first["a"]}
    assert {aliases(lab)[one] for one in first.values()} == {first["a"]}

    lab.load([])
    lab.build(command="run")
    assert set(aliases(lab).values()) == {None}


def test_a_record_under_another_key_keeps_its_id_where_its_values_say_so(lab: Lab) -> None:
    """A migration gives every customer another key; who has nothing else is new."""
    rows = [
        ("records", "c1", "c1", None, "anna@web.org", "+4930123", None, "2026-01-01"),
        ("records", "c2", "c2", None, None, "+4930456", None, "2026-01-02"),
        ("records", "c3", "c3", None, None, None, None, "2026-01-03"),
        ("records", "c4", "c4", None, "bob@web.org", "+4930789", None, "2026-01-04"),
    ]
    lab.load(rows)
    lab.build(command="run")
    first = lab.groups()
    moved = [(source, f"k{key}", f"k{key}", *rest) for source, key, _, *rest in rows[:3]]
    # The address of the fourth goes with one record, the telephone with another.
    parts = [
        ("records", "k4", "k4", None, "bob@web.org", None, None, "2026-01-04"),
        ("records", "k5", "k5", None, None, "+4930789", None, "2026-01-04"),
    ]
    lab.load([*moved, *parts])
    lab.build(command="run")
    then = lab.groups()
    assert (then["kc1"], then["kc2"], then["k4"]) == (first["c1"], first["c2"], first["c4"])
    assert then["kc3"] not in first.values()
    assert then["k5"] not in first.values()
    assert {event[0] for event in events(lab)} == {"create", "retire"}
    lab.load(rows)
    lab.build(command="run")
    back = lab.groups()
    assert {back[key] == first[key] for key in ("c1", "c2", "c3", "c4")} == {True}
    # Of who is gone no value is kept, not even as a number.
    assert lab.query(
        "select count(*) from analytics.identity_assignments where not is_present and value_1_node is not null"
    ) == [(0,)]


def test_a_key_that_a_source_gives_twice_breaks_no_later_build(lab: Lab) -> None:
    lab.load([ANNA, ANNA, BOB])
    for _ in range(2):
        lab.build(command="run")
    groups = lab.groups()
    lab.load([ANNA, BOB])
    lab.build(command="run")
    assert lab.groups() == groups
    assert lab.query("select count(*) from analytics.identity_assignments") == [(2,)]
