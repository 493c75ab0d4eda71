"""Why a golden value won: each that lost names the rule it lost by."""

from __future__ import annotations

from types import SimpleNamespace

import duckdb
import pytest

from sync.errors import SelectionError
from sync.identity.attributes import explain_attribute

HOLDERS = "select 'profile_id' as identifier_type, 'p1' as identifier_value, 'p1' as profile_id"
TABLES = {
    "int_profiles__identifier_holders": HOLDERS,
    "profile_identifiers": f"select profile_id, identifier_type, identifier_value from ({HOLDERS})",
    "profile_records": "select 'crm:1' as record_key, 'p1' as profile_id",
    "identity_aliases": "select 'person' as entity, 'p1' as old_id, 'p1' as live_id",
}
COLUMNS = (
    "profile_id", "attribute", "value", "source_name", "record_key", "rules", "source_rank", "value_count",
    "is_valid", "is_chosen", "first_seen_at", "last_seen_at",
)  # fmt: skip


@pytest.fixture
def explained(bench):
    def explain(rules, *rows, attribute="email"):
        """Rows of (value, changes): of record crm:<nth>, all alike but for what changes."""
        with duckdb.connect(str(bench.path)) as connection:
            for name, query in TABLES.items():
                connection.execute(f"create or replace table {name} as {query}")
            connection.execute(
                "create or replace table profile_attribute_candidates (profile_id varchar, attribute varchar, value varchar, "
                "source_name varchar, record_key varchar, rules varchar, source_rank int, value_count bigint, is_valid boolean, "
                "is_chosen boolean, first_seen_at timestamp, last_seen_at timestamp)"
            )
            for number, (value, changes) in enumerate(rows, 1):
                row = {
                    "profile_id": "p1", "attribute": "email", "value": value, "source_name": "crm",
                    "record_key": f"crm:{number}", "rules": rules, "source_rank": 1, "value_count": 1, "is_valid": True,
                    "is_chosen": number == 1, "first_seen_at": "2026-01-01", "last_seen_at": "2026-02-01", **changes,
                }  # fmt: skip
                places = ", ".join("?" * len(COLUMNS))
                connection.execute(
                    f"insert into profile_attribute_candidates values ({places})",
                    [row[name] for name in COLUMNS],
                )
        manifest = SimpleNamespace(relation=lambda name: name)
        with bench.warehouse.session() as session:
            return explain_attribute(
                bench.warehouse, session, manifest, "p1", attribute, show_values=True
            )

    return explain


@pytest.mark.parametrize(
    ("rules", "won", "lost", "why"),
    [
        ("valid, most_recent", {}, {"is_valid": False, "last_seen_at": "2026-03-01"}, "valid: it bounced"),
        ("valid, most_recent", {}, {"last_seen_at": "2026-01-15"}, "most_recent: the other record changed later"),
        ("first", {}, {"first_seen_at": "2026-01-02"}, "first: the other record is older"),
        ("most_frequent, source_priority", {"value_count": 3}, {"value_count": 2}, "most_frequent: 2 records give it, 3"),
        ("most_frequent, source_priority", {}, {"source_rank": 2, "source_name": "shop"},
         "source_priority: crm is trusted more than shop"),
        ("max", {}, {}, "max: the other is larger"),
        ("most_recent", {}, {}, "a tie: the other record's key comes first"),
        ("source_priority", {}, {"last_seen_at": "2026-01-15"}, "a tie: the other record changed later"),
        ("follows street", {}, {}, "street comes from another record"),
    ],
)  # fmt: skip
def test_a_value_that_lost_names_the_rule_it_lost_by(explained, rules, won, lost, why):
    result = explained(rules, ("b@x.example", won), ("a@x.example", lost))
    assert [one["is_golden"] for one in result["values"]] == [True, False]
    assert result["values"][0]["why"] == "it won"
    assert result["values"][1]["why"].startswith(why)


def test_the_same_value_of_another_record_did_not_lose(explained):
    result = explained("most_frequent", ("a@x.example", {}), ("a@x.example", {}))
    assert result["values"][1]["why"] == "the same value, of another record"


def test_an_attribute_that_there_is_not_is_told_with_the_nearest(explained):
    with pytest.raises(SelectionError, match="did you mean 'email'"):
        explained("first", ("a@x.example", {}), attribute="emial")


def test_values_are_masked(bench, explained):
    explained("first", ("anna@x.example", {}))
    manifest = SimpleNamespace(relation=lambda name: name)
    with bench.warehouse.session() as session:
        result = explain_attribute(
            bench.warehouse, session, manifest, "p1", "email", show_values=False
        )
    assert "anna@" not in str(result)
