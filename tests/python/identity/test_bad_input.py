"""Wrong rules are named where they are; wrong data ends in a conflicts row; nothing hangs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.python.commands import BuildError
from tests.python.identity.lab import PERSON, ROOT, Lab


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
    "an unknown kind": (
        change("identifiers.email.kind", "domains"),
        "email.kind: 'domains' is not one of email, phone, domain, tax_id, plain",
        "did you mean 'domain'?",
    ),
    "an attribute of no kind": (
        change("attributes", {"birthday": {}}),
        "cdp_identity.person.attributes.birthday.kind: 'birthday' is not one of first_name,",
        "did you mean 'birth_date'?",
    ),
    "allowed values that are one": (
        change("identifiers.email.allowed_values", "a@b.c"),
        "email.allowed_values: 'a@b.c' is not a list of values",
    ),
    "a confirmation by nothing it carries": (
        change("records.0.identifiers.email", {"column": "email", "confirmed_by": ["user"]}),
        "identifiers.email.confirmed_by: 'user' is not one of",
        "did you mean 'user_id'?",
    ),
    "an undeclared identifier": (
        change("records.0.identifiers.emails", "email"),
        "records of person, fixture_records.identifiers: 'emails' is not one of customer_id, user_id, email,",
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
    "records that are no list": (change("records", {"a": "b"}), "records: expected a list"),
    "two sources of one name": (
        lambda person: person["records"].append(dict(person["records"][0])),
        "source_name 'records' is used twice, by fixture_records and fixture_records; record keys would meet",
    ),
    "an entity without identifiers": (
        lambda person: person.update(identifiers={}),
        "cdp_identity.person: 'identifiers' is missing",
    ),
    "a tier that is taken": (
        change("identifiers.email.tier", 99),
        "email.tier: 99 is too high; tiers go from 1 to 98",
    ),
    "a limit for what is new at each visit": (
        change("identifiers.customer_id.disposable", True),
        "customer_id.limit: an id that is new at each visit takes no limit",
    ),
    "a flag that is neither column nor truth": (
        change("records.0.identifiers.email", {"column": "email", "disposable_when": 3}),
        "identifiers.email.disposable_when: '3' is neither a column of true and false, nor true",
    ),
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


TYPES = {
    "customer_id": ("integer", "7"),
    "user_id": ("date", "date '2026-01-01'"),
    "email": ("boolean", "true"),
    "phone": ("decimal(10, 2)", "7.50"),
    "device_id": ("timestamp", "timestamp '2026-01-01 10:00:00'"),
}


def test_identifiers_of_other_types_link_as_their_text_and_nulls_link_nobody(lab: Lab) -> None:
    lab.load([("records", str(n), None, None, None, None, None, "2026-11-01") for n in range(13)])
    for number, (column, (kind, value)) in enumerate(TYPES.items()):
        lab.execute(f"alter table raw.records alter {column} type {kind} using null")
        pair = f"('{2 * number}', '{2 * number + 1}')"
        lab.execute(f"update raw.records set {column} = {value} where record_id in {pair}")
    try:
        lab.build(command="run")
        groups = lab.groups()
        for number in range(len(TYPES)):
            assert groups[f"{2 * number}"] == groups[f"{2 * number + 1}"]
        assert len(set(groups.values())) == len(TYPES) + 3
    finally:
        lab.load([])


def test_a_column_that_is_not_there_is_named(lab: Lab) -> None:
    person = copy.deepcopy(PERSON)
    person["records"][0]["identifiers"]["email"] = "e_mail"
    try:
        lab.configure({"person": person}, {"cdp_as_of": "2026-11-24"})
        with pytest.raises(BuildError) as error:
            lab.build("--select", "+identity_records", command="run")
        assert "identity_records" in str(error.value)
        assert "e_mail" in str(error.value)
    finally:
        lab.configure({"person": PERSON}, {"cdp_as_of": "2026-11-24"})


def test_blank_values_link_nobody(lab: Lab) -> None:
    lab.load([("records", str(n), " ", "", "  ", "null", "n/a", "2026-01-01") for n in range(3)])
    lab.build(command="run")
    assert len(set(lab.groups().values())) == 3


def test_a_record_of_the_future_is_told_and_owns_no_number(lab: Lab) -> None:
    """A date still to come would be the latest for ever."""
    lab.load(
        [
            ("records", "0", "c0", None, None, None, "d1", "2099-01-01"),
            ("records", "1", "c1", None, None, None, "d1", "2026-01-01"),
        ]
    )
    lab.build(command="run")
    assert lab.query(
        "select claim_rank from (select record_key, row_number() over (order by claim desc) as claim_rank "
        "from analytics.int_identity__identifiers_unpivoted join analytics.identity_records using (record_node) "
        "where identifier_type = 'device_id') where record_key = 'records:0'"
    ) == [(2,)]
    lab.build("--select", "identity_records_are_of_the_past", command="test")  # a warning
    with pytest.raises(BuildError, match="identity_records_are_of_the_past"):
        lab.build("--warn-error", "--select", "identity_records_are_of_the_past", command="test")


@pytest.mark.long
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
            *(("records", n, f"c{n}", None, None, None, None, "2026-01-01") for n in "567"),
        ]
    )
    before = (lab.directory / "seeds/identity_overrides.csv").read_text()
    decisions = [
        "person,link,records:1,records:2,me,same person",
        "person,do_not_link,records:2,records:1,you,not the same",
        "person,do_not_link,records:3,records:4,me,two people",
        "person,link,records:1,records:nobody,me,gone",
        "person,link,records:1,records:1,me,itself",
        "person,dont_link,records:1,records:3,me,mistyped",
        # Around a corner: five is one with six and six with seven, but five is not seven.
        "person,link,records:5,records:6,me,same",
        "person,link,records:6,records:7,me,same",
        "person,do_not_link,records:7,records:5,you,not the same",
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
        joined = dict(lab.query("select entity_id, joined_by from analytics.identity_confidence"))
        assert (joined[groups["1"]], joined[groups["3"]]) == ("decided", "single")
        assert groups["5"] == groups["6"] == groups["7"]
        found = lab.query(
            "select distinct dropped_reason from analytics.identity_conflicts order by all"
        )
        assert [reason for (reason,) in found] == [
            "contradicts_link",
            "do_not_link",
            "same_record",
            "unknown_action",
            "unknown_record",
        ]
    finally:
        (lab.directory / "seeds/identity_overrides.csv").write_text(before)
        lab.build(command="seed")


def test_what_a_normaliser_of_an_identifier_cannot_read_is_counted(lab: Lab) -> None:
    person = copy.deepcopy(PERSON)
    person["identifiers"]["email"]["normaliser"] = "normalise_email"
    lab.load([
        ("records", str(n), f"c{n}", None, "ann(at)x.example" if n == 0 else f"Ann{n}@X.example", None, None, "2026-01-01")
        for n in range(12)
    ])  # fmt: skip
    variables = {"cdp_as_of": "2026-11-24"}
    try:
        lab.configure({"person": person}, variables)
        lab.build("--select", "+identity_records", command="run")
        counted = "select column_name, value_count, unread_count, shapes from analytics_sync.unread_values"
        assert lab.query(counted) == [("email", 12, 1, "aaa(aa)a.aaaaaaa")]
    finally:
        lab.configure({"person": PERSON}, variables)


@pytest.mark.long
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
        for table in ("identity_entity_identifiers", "identity_history"):
            found = lab.query(f"select distinct entity_id from analytics.{table} "
                              "where entity = 'household' and entity_id is not null")  # fmt: skip
            assert found == [(homes["1"],)]
        assert lab.query(
            "select old_id, live_id from analytics.identity_aliases where entity = 'household'"
        ) == [(homes["1"], homes["1"])]
    finally:
        lab.configure({"person": PERSON}, variables)


def test_rules_without_any_limit_build(lab: Lab) -> None:
    """`case else null end` is no SQL."""
    person = copy.deepcopy(PERSON)
    for rule in person["identifiers"].values():
        for name in ("limit", "merge_limit"):
            rule.pop(name, None)
    lab.load([("records", "1", "c1", None, "a@web.org", None, None, "2026-01-01")])
    try:
        lab.configure({"person": person}, {"cdp_as_of": "2026-11-24"})
        lab.build(command="run")
        assert len(lab.groups()) == 1
    finally:
        lab.configure({"person": PERSON}, {"cdp_as_of": "2026-11-24"})


def test_what_leaves_staging_as_it_was_typed_is_told_by_model_and_column(lab: Lab) -> None:
    """A count of rows alone says neither which source forgot it nor what of it."""
    name = "assert_identifiers_leave_staging_normalised"
    copied = lab.directory / "tests" / "dbt" / f"{name}.sql"
    copied.write_text((ROOT / "tests" / "dbt" / "staging" / f"{name}.sql").read_text())
    lab.changed()
    try:
        lab.load(
            [
                ("records", "1", "c1", None, "A@web.org ", "0171 1234567", None, "2026-01-01"),
                ("records", "2", "c2", None, "a@web.org", "0171/1234567", None, "2026-01-01"),
            ]
        )
        with pytest.raises(BuildError) as raised:
            lab.build("--select", "+identity_records", f"{name}")
        assert "fixture_records, column email: 1 values are no normalised email" in str(
            raised.value
        )
        assert "fixture_records, column phone: 2 values are no normalised phone" in str(
            raised.value
        )
        assert "headwater.normalise_phone(...)" in str(raised.value)
        assert "1234567" not in str(raised.value)
        lab.load([("records", "1", "c1", None, "a@web.org", "+491711234567", None, "2026-01-01")])
        lab.build("--select", "+identity_records", f"{name}")
    finally:
        copied.unlink()
        lab.changed()
