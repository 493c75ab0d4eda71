"""`sync forget` over a project that dbt built: one, a file, a table, by hand, and the proof."""

from __future__ import annotations

import hashlib

import pytest
from hook import running_hook

from sync.config.manifest import Manifest
from sync.state.people import MODELS


@pytest.fixture
def people(lab, monkeypatch):
    """p0 to p9 are known by the addresses that the syncs send; p8 and p9 share a telephone."""
    relation = Manifest.relation
    monkeypatch.setattr(
        Manifest, "relation",
        lambda self, name: f"analytics.{name}" if name in MODELS else relation(self, name),
    )  # fmt: skip
    lab.sql(
        "create table analytics.int_profiles__identifier_holders as "
        "select 'email' as identifier_type, email as identifier_value, profile_id from analytics.sync_files__people "
        "union all select 'phone', '+4930123', profile_id from analytics.sync_files__people where profile_id in ('p8', 'p9') "
        "union all select 'profile_id', profile_id, profile_id from analytics.sync_files__people"
    )
    lab.sql(
        "create table analytics.profile_identifiers as select * from analytics.int_profiles__identifier_holders"
    )
    lab.sql(
        "create table analytics.profile_records as select 'shop:' || profile_id as record_key, profile_id "
        "from analytics.sync_files__people"
    )
    lab.sql(
        "create table analytics.identity_aliases as select 'person' as entity, profile_id as old_id, "
        "profile_id as live_id from analytics.sync_files__people"
    )
    return lab


def built(lab):
    """As the next dbt build leaves it."""
    for name in MODELS:
        column = "live_id" if name == "identity_aliases" else "profile_id"
        lab.sql(f"delete from analytics.{name} where {column} in ('p1', 'p2')")
    for name in ("files__people", "hook__people", "hook__events"):
        lab.sql(f"delete from analytics.sync_{name} where profile_id in ('p1', 'p2')")


def test_the_report_goes_green_only_when_everything_is_proven(people, answer, capsys, monkeypatch):
    lab = people
    with running_hook() as hook:
        monkeypatch.setenv("HOOK_URL", hook.url)
        assert lab.sync("push", "--json") == 0
        answer()
        access = lab.folder / ".headwater" / "access"
        access.mkdir(parents=True, exist_ok=True)
        for name in ("person-p1.json", "person-p1.html", "person-p3.json"):
            (access / name).write_text("all that is known")
        assert lab.sync("forget", "p1@example.com", "p2", "--json") == 0
        assert [one.name for one in access.iterdir()] == ["person-p3.json"]
        told = answer()["forgotten"]
        assert [(one["people"], one["records"], one["destinations"]) for one in told] == [
            (1, 1, ["files", "hook"])
        ] * 2
        assert "p1@example.com" not in str(told)
        assert lab.sync("forget", "--report", "--json") == 1
        proof = answer()["requests"][0]
        assert proof["destinations"]["hook"]["pending"] == 2  # a record and an event
        assert set(proof["warehouse"]) == {
            "identifiers, until dbt build", "records, until dbt build", "rows of what was sent, until sync push",
        }  # fmt: skip
        assert lab.sync("push", "--select", "hook_people", "--json") == 0
        assert answer()["erasures"] == {"answered": 6, "asked": 0, "pending": 0, "cannot": 0}
        assert set(hook.erased) == {"p1", "p2"}
        assert set(hook.members) == {f"p{number}" for number in range(10)} - {"p1", "p2"}
        assert set(lab.exported()) == {f"p{number}" for number in range(10)} - {"p1", "p2"}
        assert lab.sync("forget", "--report", "--json") == 1
        assert "identifiers, until dbt build" in answer()["requests"][0]["warehouse"]
        built(lab)
        assert lab.sync("forget", "--report") == 0
        shown = capsys.readouterr()
        assert "Everybody who asked is erased" in shown.err
        assert "p1@" not in shown.out + shown.err
        for name in ("ledger", "acknowledgements", "intents", "erasure_tasks"):
            assert lab.sql(
                f"select count(*) from analytics_sync.{name} as t where cast(t as varchar) like '%p1@%'"
            ) == [(0,)], name


def test_a_destination_that_refuses_keeps_the_push_red_until_somebody_confirms(people, answer):
    lab = people
    lab.sync("push", "--json", "--select", "files_people")
    answer()
    lab.sql(
        "insert into analytics_sync.acknowledgements (environment, sync_name, sync_key, action, identifiers, run_id, "
        "acknowledged_at) values ('live', 'hook_people', 'p1', 'add', '{}', 'r', current_timestamp::timestamp)"
    )
    lab.sync("forget", "p1", "--json")
    request = answer()["forgotten"][0]["request_id"]
    assert lab.sync("push", "--select", "files_people", "--attempts", "1", "--json") == 1
    assert answer()["erasures"]["pending"] == 1  # nothing listens at the hook
    built(lab)
    assert lab.sync("forget", "--report", "--json") == 1
    answer()
    assert lab.sync("forget", "--confirm", "hook", "--request", request) == 0
    assert lab.sync("forget", "--report", "--json") == 0


def test_a_value_of_several_people_is_nobodys_until_one_is_named(people, answer, capsys):
    lab = people
    assert lab.sync("forget", "+4930123") == 1
    shown = capsys.readouterr()
    assert "2 people are known by it" in shown.err
    assert "--everybody: p8, p9." in shown.err
    assert lab.sql("select count(*) from analytics_sync.erasure_requests") == [(0,)]
    assert lab.sync("forget", "p8") == 0
    assert "others have 1 too" in capsys.readouterr().err
    kinds = lab.sql(
        "select distinct identifier_type, scope from analytics_sync.erasure_requests order by 1"
    )
    assert ("phone", "erase") not in kinds
    assert ("email", "erase") in kinds
    assert lab.sync("forget", "+4930123", "--everybody", "--json") == 0
    assert answer()["forgotten"][0]["people"] == 2


def test_a_placeholder_is_nobodys_whoever_has_it(people, capsys, monkeypatch):
    of = Manifest.relation
    monkeypatch.setattr(
        Manifest, "relation",
        lambda self, name: "analytics.identity_values" if name == "identity_values" else of(self, name),
    )  # fmt: skip
    people.sql(
        "create table analytics.identity_values as select 'person' as entity, 'email' as identifier_type, "
        "'p3@example.com' as identifier_value, 'placeholder' as dropped_reason"
    )
    assert people.sync("forget", "P3@example.com") == 1
    said = capsys.readouterr()
    assert "Error: P***@e***: that is a placeholder or a blocked value" in said.err
    assert "by an id: p3" in said.err
    assert people.sql("select count(*) from analytics_sync.erasure_requests") == [(0,)]
    assert people.sync("forget", "p3") == 0  # by id


def test_an_address_of_a_row_that_was_merged_away_finds_whom_it_became(people, answer, monkeypatch):
    of = Manifest.relation
    name = "profile_identifiers_merged_away"
    monkeypatch.setattr(
        Manifest,
        "relation",
        lambda self, one: f"analytics.{name}" if one == name else of(self, one),
    )
    people.sql(
        f"create table analytics.{name} as select * from (values ('email', 'old@example.com', 'p1'), "
        "('email', 'p2@example.com', 'p1'), ('phone', '+4930999', 'p3'), ('phone', '+4930999', 'p4')) "
        "as merged (identifier_type, identifier_value, profile_id)"
    )
    assert people.sync("forget", "Old@example.com", "p2@example.com", "+49 30 999", "--json") == 1
    told = answer()["forgotten"]
    assert [one["people"] for one in told] == [1, 1, 2]  # p2's address is p2's, whoever had it
    assert told[2]["profile_ids"] == ["p3", "p4"]
    requests = people.sql("select identifier_type, scope from analytics_sync.erasure_requests where request_id = "
                          f"'{told[0]['request_id']}' order by all")  # fmt: skip
    assert ("email", "erase") in requests
    assert people.sync("export-person", "old@example.com", "--json") in (0, 1)
    assert "profile_id" not in answer()  # found, and told by a file


def test_ids_of_several_people_are_told_as_they_are(people, answer, capsys):
    lab, ids = people, ["0f" * 16, "ab" * 16]
    for one in ids:
        lab.sql(
            f"insert into analytics.int_profiles__identifier_holders values ('phone', '+4930777', '{one}')"
        )
    assert lab.sync("forget", "+4930777") == 1
    assert f"{ids[0]}, {ids[1]}." in capsys.readouterr().err


@pytest.mark.parametrize(
    "told",
    [
        "P9 <P9@Example.com>",
        "mailto:p9@example.com",
        "+49 30 123-456",
        "0049 (0)30/123 456",
        "tel:+49.30.123456",
    ],
)
def test_an_address_and_a_telephone_are_found_however_they_are_written(people, answer, told):
    lab = people
    lab.sql(
        "insert into analytics.int_profiles__identifier_holders values ('phone', '+4930123456', 'p9')"
    )
    assert lab.sync("forget", told, "--json") == 0
    assert [one["people"] for one in answer()["forgotten"]] == [1]


@pytest.mark.parametrize(
    "told", ["030 123456", "(030) 123-456", "030123456", "212 813-9305", "+49 171"]
)
def test_a_telephone_without_its_country_is_refused_and_kept_nowhere(people, capsys, told):
    lab = people
    assert lab.sync("forget", told) == 1
    assert "in full" in capsys.readouterr().err
    assert lab.sql("select count(*) from analytics_sync.erasure_requests") == [(0,)]


def test_a_telephone_that_nobody_has_yet_is_kept_out_as_identifiers_hold_it(people, answer):
    lab = people
    assert lab.sync("forget", "+49 30 999-111", "0049 30 999112", "7001", "--json") == 0
    answer()
    hashed = lab.sql(
        "select identifier_value_sha256, salt from analytics_sync.erasure_requests where identifier_type = 'phone'"
    )
    wanted = {
        hashlib.sha256(f"{salt}{number}".encode()).hexdigest()
        for _, salt in hashed
        for number in ("+4930999111", "+4930999112")
    }
    assert len(wanted & {one for one, _ in hashed}) == 2


def test_a_file_and_a_table_name_many(people, answer, tmp_path):
    lab = people
    path = tmp_path / "requests.csv"
    path.write_text(
        "\ufeffEmail,asked\np1@example.com,2026-01-02\n\nnobody@x.example,\np1@example.com,\n"
    )
    assert lab.sync("forget", "--file", str(path), "--json") == 0
    assert [one["people"] for one in answer()["forgotten"]] == [1, 0]
    lab.sql("create table analytics.requests as select 'p3' as who union all select null")
    table = ["forget", "--table", "analytics.requests"]
    assert lab.sync(*table) == 2
    assert lab.sync(*table, "--column", "who", "--json") == 0
    assert [one["people"] for one in answer()["forgotten"]] == [1]


def test_a_row_that_nobody_of_ours_wrote_keeps_the_report_red(people, answer):
    lab = people
    lab.sql(
        "insert into analytics_sync.erasure_requests (environment, request_id, identifier_type, identifier_value_sha256, "
        "requested_at) values ('live', 'old', 'email', sha256('p1@example.com'), current_timestamp::timestamp)"
    )
    assert lab.sync("forget", "--report", "--json") == 1
    assert "was not written by sync forget" in str(answer()["requests"][0]["warehouse"])


def test_nobody_is_named_is_a_mistake_of_use(people, capsys):
    assert people.sync("forget") == 2
    assert people.sync("forget", " ", "") == 2
    assert "sync forget anna@example.com" in capsys.readouterr().err


def test_a_report_on_nobody_says_so(people, capsys):
    assert people.sync("forget", "--report") == 0
    assert "Nobody has asked to be forgotten." in "".join(capsys.readouterr())


def test_a_report_on_a_request_that_is_not_there_is_not_green(people, capsys):
    assert people.sync("forget", "p1") == 0
    assert people.sync("forget", "--report", "--request", "f-mistyped") == 2
    assert "there is no request 'f-mistyped'" in capsys.readouterr().err


def test_a_request_that_met_nobody_is_not_told_as_somebody_who_is_gone(people, answer, capsys):
    for who in ("mistyped@example.com", "p99"):
        assert people.sync("forget", who) == 0
    capsys.readouterr()
    assert people.sync("forget", "--report", "--json") == 0
    assert [one["was_known"] for one in answer()["requests"]] == [False, False]
    people.sync("forget", "--report")
    told = capsys.readouterr()
    assert "nobody was known by it" in told.out
    assert "2 of 2 requests met nobody" in told.err
    assert people.sync("forget", "p1", "--json") == 0
    answer()
    people.sync("forget", "--report", "--json")
    assert [one["was_known"] for one in answer()["requests"]].count(True) == 1
