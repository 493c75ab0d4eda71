"""All rules of a model's columns are one data test, which says at the end of a build which of them are broken."""

from __future__ import annotations

import json

import pytest

from tests.python.commands import dbt
from tests.python.guest import Project

ROWS = "select 'a' as id, 'red' as colour, 1 as size, 'p1' as parent"
BROKEN = f"""{ROWS}
union all select 'a', 'blue', 2, 'p1'
union all select 'b', 'blue', 2, 'p2'
union all select null, null, null, null
union all select null, null, null, null"""
RULES = {
    "unique": ["id", ["colour", "size"], "colour"],
    "not_null": ["id", "size"],
    "accepted_values": {"colour": ["red", "gre'en"], "size": [1, 3]},
    "relationships": {"parent": {"to": "ref('parents')", "field": "parent_id"}},
}


def kept(rules: dict[str, object], name: str, model: str, **config: object) -> dict[str, object]:
    told = {"name": name, "arguments": rules} | ({"config": config} if config else {})
    return {"name": model, "data_tests": [{"headwater.column_rules": told}]}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("rules"), kept=True)
    project.models = {
        "right": ROWS,
        "broken": BROKEN,
        "looked_at_in_part": BROKEN,
        "parents": "select 'p1' as parent_id union all select 'p1'",
    }
    project.write()
    described = [
        kept(RULES, "right_column_rules", "right"),
        kept(RULES, "broken_column_rules", "broken"),
        kept(RULES, "part_column_rules", "looked_at_in_part", where="colour = 'red'"),
    ]
    (project.folder / "models/rules.yml").write_text(json.dumps({"models": described}))
    return project


def test_what_is_broken_fails_the_build_and_is_said(shop: Project) -> None:
    failed = shop.build()
    assert failed == ["broken_column_rules: Got 8 results, configured to fail if != 0"]
    said = (shop.folder / "logs/dbt.log").read_text()
    lines = {
        line.partition("broken_column_rules: ")[2]
        for line in said.splitlines()
        if "broken_column_rules: " in line and line.endswith(" rows")
    }
    # Two nulls are no repetition of one column, and are one of several, as with dbt's own tests and unique_combination.
    assert lines == {
        "unique: id: 1 rows",
        "unique: colour, size: 2 rows",
        "unique: colour: 1 rows",
        "not_null: id: 2 rows",
        "not_null: size: 2 rows",
        "accepted_values: colour: 2 rows",
        "accepted_values: size: 2 rows",
        "relationships: parent: 1 rows",
    }


def test_without_a_rule_it_is_refused(shop: Project) -> None:
    described = [kept({}, "nothing_column_rules", "right")]
    (shop.folder / "models/rules.yml").write_text(json.dumps({"models": described}))
    with pytest.raises(AssertionError, match="names no rule"):
        dbt(
            "compile", "--project-dir", str(shop.folder), "--profiles-dir", str(shop.folder),
            environment={},
        )  # fmt: skip
