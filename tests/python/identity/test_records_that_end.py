"""A record that its source deleted is gone; one that it merged away is whoever it became, and says nothing of its own any more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.python.commands import BuildError

from .lab import PERSON, Lab
from .test_erasure import ask

# In these tests a record's user id is the record it was merged into, and the device id says that it was deleted.
RECORDS = {
    **PERSON["records"][0],
    "merged_into": "user_id",
    "deleted_when": "device_id = 'deleted'",
    "identifiers": {"customer_id": "record_id", "email": "email", "phone": "phone"},
}
ENDING: dict[str, Any] = {
    "person": {
        "identifiers": {
            name: PERSON["identifiers"][name] for name in ("customer_id", "email", "phone")
        } | {"customer_id": {"tier": 1, "exclusive": True, "limit": 9, "merge_limit": 9}},
        "records": [RECORDS],
    }
}  # fmt: skip


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    made = Lab(tmp_path_factory.mktemp("ending"), ENDING)
    made.build(command="seed")
    return made


def row(
    key: str, email: str | None = None, phone: str | None = None, *, into: str | None = None,
    deleted: bool = False,
) -> Any:  # fmt: skip
    return ("crm", key, None, into, email, phone, "deleted" if deleted else None, "2026-01-01")


def test_each_end_is_as_it_was_declared(lab: Lab) -> None:
    lab.load([
        row("a", "ada@x.example"),
        # Merged away, and deleted with it as some sources do; its address is somebody else's by now.
        row("b", "cy@x.example", "+4915111111111", into="a", deleted=True), row("c", "cy@x.example"),
        row("d", into="b"),  # a merge of a merge
        row("e", "bo@x.example", deleted=True), row("f", "bo@x.example", "+4915222222222"),
        row("g", into="e"), row("h", into="nowhere"), row("i", into="i"),  # to the deleted, to nobody, to itself
        row("j", into="k"), row("k", into="j"),  # round in a circle
        row("l1", into="j"),  # into the circle
        *(row(f"m{n}", into=f"m{n - 1}" if n > 1 else "f") for n in range(1, 41)),  # merged once a year and again
    ])  # fmt: skip
    lab.build(command="run")
    groups = lab.groups()
    chain = {f"m{n}" for n in range(1, 41)}
    assert {groups.pop(key) for key in chain} == {groups["f"]}
    assert set(groups) == {"a", "b", "c", "d", "f", "i"}
    assert groups["a"] == groups["b"] == groups["d"]
    assert len({groups[key] for key in "acfi"}) == 4
    held = lab.query(
        "select distinct identifier_value from analytics.int_identity__identifiers_unpivoted"
    )
    assert {value for (value,) in held} - chain == {
        "a", "b", "c", "d", "f", "i", "ada@x.example", "cy@x.example", "bo@x.example", "+4915222222222",
    }  # fmt: skip

    # Whose merge leads to no row of the source, or round in a circle, is told.
    lab.build("--select", "identity_merges_lead_to_somebody", "--store-failures", command="test")
    told = lab.query("select * from dbt_test__audit.identity_merges_lead_to_somebody")
    assert told == [("records", 4)]

    # A correction that comes late: the merge is undone, and what was deleted is there again.
    before = groups
    lab.load([row("a", "ada@x.example"), row("b", "bea@x.example"), row("e", "eve@x.example")])
    lab.build(command="run")
    groups = lab.groups()
    assert set(groups) == {"a", "b", "e"}
    assert len(set(groups.values())) == 3
    assert groups["a"] == before["a"]


def test_what_a_merged_row_says_still_finds_whom_it_was_merged_into(lab: Lab) -> None:
    lab.load([
        row("a", "ada@x.example"), row("b", " Old@X.example", "+4915199900171", into="a"), row("d", "older@x.example", into="b"),
        row("e", "gone@x.example", into="nowhere"), row("f", "none@none.com", "0", into="a"), row("g", "null", into="a"),
    ])  # fmt: skip
    lab.build(command="run")
    person = lab.groups()["a"]
    found = lab.query("select * from analytics.profile_identifiers_merged_away")
    # Not the placeholders, and not of a row that leads to nobody.
    assert set(found) == {
        ("email", "old@x.example", person), ("phone", "+4915199900171", person), ("email", "older@x.example", person),
        *(("customer_id", key, person) for key in "bdfg"),
    }  # fmt: skip
    try:
        ask(lab, ("record", "records:a"))
        lab.build(command="run")
        assert lab.query("select * from analytics.profile_identifiers_merged_away") == []
    finally:
        lab.execute("delete from raw.erasure_requests")


def test_what_is_merged_into_somebody_erased_is_nobody(lab: Lab) -> None:
    lab.load([
        row("a", "ada@x.example"), row("b", into="a"), row("c", "cy@x.example"),
        row("n", "new@x.example", into="b"),  # came after the request
    ])  # fmt: skip
    try:
        ask(lab, ("record", "records:a"), ("record", "records:b"))
        lab.build(command="run")
        assert set(lab.groups()) == {"c"}
    finally:
        lab.execute("delete from raw.erasure_requests")


def test_who_decides_by_hand_that_they_are_two_is_heard(lab: Lab) -> None:
    lab.load([row("a", "ada@x.example"), row("b", into="a")])
    path = lab.directory / "seeds/identity_overrides.csv"
    given = path.read_text()
    try:
        path.unlink()
        path.write_text(
            given.splitlines()[0]
            + "\nperson,do_not_link,records:a,records:b,me,a wrong merge in the CRM\n"
        )
        lab.build("--select", "identity_overrides", command="seed")
        lab.build(command="run")
        groups = lab.groups()
        assert groups["a"] != groups["b"]
    finally:
        path.write_text(given)


def test_a_column_that_is_none_is_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    wrong = {"person": {**ENDING["person"], "records": [{**RECORDS, "merge_into": "user_id"}]}}
    lab = Lab(tmp_path_factory.mktemp("wrong"), wrong)
    with pytest.raises(BuildError, match="merged_into"):
        lab.build("--select", "identity_records", command="compile")
