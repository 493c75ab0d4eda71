"""Which household a person is of, and how many are in it: the models on records that a test writes."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.python.profiles.models_alone import models_alone
from tests.python.warehouses.conftest import ROOT

TABLES = (
    "create schema analytics; create table analytics.identity_entity_records "
    "(entity text, record_key text, entity_id text, first_seen_at timestamp, last_seen_at timestamp);"
    "create table analytics.profile_records (profile_id text);"
    "create table analytics.identity_records as select 'person' as entity, 'r9' as record_key, 'r6' as merged_key "
    "union all select 'person', 'r10', 'r6';"
)
RULES = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["cdp_identity"] | {
    "household": {"identifiers": {"address_key": {"tier": 1}}}
}
# Ada lives with Ben; Cy moved from theirs to another, where two of his records are; Dan moved lately, and the source merged two
# rows of his that say nothing any more; Eve has no address.
RECORDS = [
    ("r1", "ada", "elm", 1), ("r2", "ben", "elm", 1), ("r3", "cy", "elm", 9), ("r4", "cy", "oak", 2), ("r5", "cy", "oak", 3),
    ("r6", "dan", "elm", 1), ("r7", "dan", "fir", 2), ("r8", "eve", None, 1), ("r9", "dan", "elm", 1), ("r10", "dan", "elm", 1),
]  # fmt: skip


def test_a_person_is_of_the_household_that_most_of_their_records_name_then_of_the_latest(
    tmp_path: Path,
) -> None:
    opened = models_alone(
        tmp_path, ["profile_households", "household_totals"], TABLES, cdp_identity=RULES
    )
    for key, person, household, day in RECORDS:
        at = f"2026-01-0{day}"
        for entity, entity_id in (("person", person), ("household", household)):
            if entity_id:
                opened.execute(
                    "insert into analytics.identity_entity_records values (?, ?, ?, ?, ?)",
                    [entity, key, entity_id, at, at],
                )
        opened.execute("insert into analytics.profile_records values (?)", [person])
    people = opened.execute("select * from analytics.profile_households order by 1").fetchall()
    assert people == [
        ("ada", "elm", 2), ("ben", "elm", 2), ("cy", "oak", 1), ("dan", "fir", 1), ("eve", None, None),
    ]  # fmt: skip
    totals = opened.execute(
        "select household_id, person_count, record_count from analytics.household_totals order by 1"
    ).fetchall()
    assert totals == [("elm", 2, 6), ("fir", 1, 1), ("oak", 1, 2)]
