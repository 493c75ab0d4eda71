"""Wrong rules are named where they are; wrong data ends in a conflicts row; nothing hangs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.python.identity.lab import PERSON, BuildError, Lab


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("bad") / "lab", variables={"cdp_as_of": "2026-11-24"})
    lab.build(command="seed")
    return lab


@pytest.fixture
def lab(built: Lab) -> Lab:
    built.forget()
    return built


def change(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def apply(person: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        place: Any = person
        for parent in parents:
            place = place[int(parent)] if parent.isdigit() else place[parent]
        place[last] = value

    return apply


WRONG = {
    "an unknown rule": (
        change("identifiers.email.limt", 3),
        "cdp_identity.person.identifiers.email: 'limt' is not one of tier,",
        "did you mean 'limit'?",
    ),
    "a limit that is no number": (
        change("identifiers.email.limit", "many"),
        "cdp_identity.person.identifiers.email.limit: 'many' is not a whole number of at least 1",
    ),
    "a merge limit above the limit": (
        change("identifiers.email.merge_limit", 9),
        "email.merge_limit: 9 is above the limit of 3",
    ),
    "an undeclared identifier": (
        change("records.0.identifiers.emails", "email"),
        "records[0].identifiers: 'emails' is not one of customer_id, user_id, email,",
        "did you mean 'email'?",
    ),
    "a source without a key": (
        change("records.0.record_key", None),
        "records[0]: 'record_key' is missing",
    ),
    "an unknown normaliser": (
        change("identifiers.email.normaliser", "normalise_emial"),
        "there is no macro 'normalise_emial'",
        "did you mean 'normalise_email'?",
    ),
    "SQL in a name": (
        change("identifiers.x'; drop table y; --", {"tier": 1}),
        "is not a name of lower-case letters",
    ),
    "records that are no list": (change("records", {}), "'records' is missing"),
    "a model that is not there": (change("records.0.model", "nowhere"), "nowhere"),
    "a cycle": (change("records.0.model", "profile_records"), "cycle"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_rules_stop_the_build_and_say_where(lab: Lab, name: str) -> None:
    apply, *words = WRONG[name]
    person = copy.deepcopy(PERSON)
    apply(person)
    try:
        lab.configure({"person": person}, {"cdp_as_of": "2026-11-24"})
        with pytest.raises(BuildError) as error:
            lab.build("--select", "identity_records", command="compile")
        for word in words:
            assert word.lower() in str(error.value).lower().replace("\n", " ")
    finally:
        lab.configure({"person": PERSON}, {"cdp_as_of": "2026-11-24"})


def test_no_records_at_all_builds_empty_tables(lab: Lab) -> None:
    lab.build()
    assert lab.groups() == {}


def test_identifiers_of_a_wrong_type_and_all_nulls_are_no_error(lab: Lab) -> None:
    lab.load([("records", str(number), None, None, None, None, None, None) for number in range(5)])
    lab.execute("alter table raw.records alter customer_id type integer")
    lab.execute("update raw.records set customer_id = 7 where record_id in ('1', '2')")
    try:
        lab.build(command="run")
        groups = lab.groups()
        assert groups["1"] == groups["2"]
        assert len(set(groups.values())) == 4
    finally:
        lab.load([])


def test_blank_values_link_nobody(lab: Lab) -> None:
    lab.load([("records", str(n), " ", "", "  ", "null", "n/a", "2026-01-01") for n in range(3)])
    lab.build(command="run")
    assert len(set(lab.groups().values())) == 3


def test_one_value_on_a_hundred_thousand_records_is_a_conflict_and_not_a_profile(lab: Lab) -> None:
    lab.load([])
    lab.execute(
        "insert into raw.records select 'records', 'r' || i, null, null, 'all@web.org', null, null, "
        "timestamp '2026-01-01' from range(100000) as numbers (i)"
    )
    lab.build(command="run")
    assert lab.query("select count(distinct entity_id) from analytics.identity_entity_records") == [
        (100_000,)
    ]
    assert lab.query(
        "select dropped_reason, count(*) from analytics.identity_conflicts group by all"
    ) == [("too_many_records", 100_000)]


def test_overrides_that_contradict_or_name_nobody_are_conflicts(lab: Lab) -> None:
    lab.load(
        [
            ("records", "1", "c1", None, "a@web.org", None, None, "2026-01-01"),
            ("records", "2", "c2", None, "b@web.org", None, None, "2026-01-01"),
            ("records", "3", "c3", None, "shared@web.org", None, None, "2026-01-01"),
            ("records", "4", None, None, "shared@web.org", None, None, "2026-01-01"),
        ]
    )
    before = (lab.directory / "seeds/identity_overrides.csv").read_text()
    decisions = [
        "person,link,records:1,records:2,me,same person",
        "person,do_not_link,records:2,records:1,you,not the same",
        "person,do_not_link,records:3,records:4,me,two people",
        "person,link,records:1,records:nobody,me,gone",
        "person,link,records:1,records:1,me,itself",
    ]
    (lab.directory / "seeds/identity_overrides.csv").write_text(
        before.strip() + "\n" + "\n".join(decisions) + "\n"
    )
    try:
        lab.build(command="seed")
        lab.build(command="run")
        groups = lab.groups()
        assert groups["1"] == groups["2"], "a link by hand is never shed, not even for a limit"
        assert groups["3"] != groups["4"]
        found = lab.query(
            "select distinct dropped_reason from analytics.identity_conflicts order by all"
        )
        assert [reason for (reason,) in found] == [
            "contradicts_link",
            "do_not_link",
            "same_record",
            "unknown_record",
        ]
    finally:
        (lab.directory / "seeds/identity_overrides.csv").write_text(before)
        lab.build(command="seed")


def test_a_third_entity_needs_configuration_only(lab: Lab) -> None:
    household = {
        "identifiers": {"address": {"tier": 1, "limit": 2}},
        "records": [
            {
                "source_name": "homes",
                "model": "fixture_records",
                "record_key": "record_id",
                "first_seen_at": "seen_at",
                "needs_identifier": True,
                "identifiers": {"address": {"column": "phone", "normaliser": "normalise_address"}},
            }
        ],
    }
    lab.load(
        [
            ("records", "1", "c1", None, None, "Main Street 1", None, "2026-01-01"),
            ("records", "2", "c2", None, None, "main st. 1", None, "2026-01-01"),
            ("records", "3", "c3", None, None, None, None, "2026-01-01"),
        ]
    )
    variables = {"cdp_as_of": "2026-11-24"}
    try:
        lab.configure({"person": PERSON, "household": household}, variables)
        lab.build(command="run")
        homes = lab.groups("household")
        assert homes["1"] == homes["2"]
        assert "3" not in homes, "a record without an identifier founds no household"
        assert len(set(lab.groups("person").values())) == 3
    finally:
        lab.configure({"person": PERSON}, variables)
