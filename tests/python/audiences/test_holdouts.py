"""Holdouts in each group alike, who was held out stays so, and whom every audience holds out."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from tests.python.audiences.project import compiled_models, make_project, make_tables
from tests.python.audiences.worlds import EVENTS, NOW, TABLES
from tests.python.rows import insert

AUDIENCES = {
    "by_country": "entity: person\ntrait: value\n'>=': 0\nholdout: {percent: 10, salt: spring, per: country}\n",
    "by_two": "entity: person\ntrait: value\n'>=': 0\nholdout: {percent: 25, per: [country, vip]}\nglobal_holdout: may_be_in\n",
    "plain": "entity: person\ntrait: value\n'>=': 0\nholdout: {percent: 10, salt: spring}\n",
    "few": "entity: person\ntrait: value\n'>=': 0\nlimit: {top: 100, by: value}\nholdout: {percent: 20, salt: x, per: country}\n",
    "exempt": "entity: person\ntrait: value\n'>=': 0\nglobal_holdout: may_be_in\n",
}
SQL = "{{% set definition %}}\n{}{{% endset %}}\n{{{{ headwater.audience(definition) }}}}\n"


def in_hash(salt: str, person: str, percent: float) -> bool:
    text = f"holdout|{salt}|{person}"
    digits = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8]
    return int(digits, 16) < percent / 100 * 2**32


def person_of(number: int) -> tuple[str, str | None, bool]:
    return f"p{number:04}", ["DE", "FR", "AT", None][min(number % 7, 3)], number % 2 == 0


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> tuple[duckdb.DuckDBPyConnection, dict[str, str]]:  # fmt: skip
    folder = Path(tmp_path_factory.mktemp("holdouts"))
    database = folder / "holdouts.duckdb"
    tables = {
        **TABLES,
        "audience_memberships": TABLES["audience_memberships"] + ", is_holdout boolean",
    }
    make_tables(database, tables)
    variables = {
        "cdp_events": EVENTS, "cdp_as_of": str(NOW), "cdp_global_holdout": {"person": {"percent": 5, "salt": "everybody"}},
    }  # fmt: skip
    make_project(folder, database, dict.fromkeys(tables, "select 1 as one"), variables)
    for name, text in AUDIENCES.items():
        (folder / "models" / f"audience_{name}.sql").write_text(SQL.format(text))
        (folder / "models" / f"asked_{name}.sql").write_text(
            f"{{% set definition %}}\n{text}{{% endset %}}\n"
            f"select * from ({{{{ headwater.audience_rows(headwater.compiled_audience(definition, 'audience_{name}')) }}}}) "
            f"as judged where judged.is_member\n"
        )
    return duckdb.connect(str(database)), compiled_models(folder)


def add(connection: duckdb.DuckDBPyConnection, numbers: range) -> None:
    rows = [[*person_of(number), number] for number in numbers]
    insert(connection, "analytics.profiles", rows, "profile_id, country, vip, value")


def test_shares_are_those_of_each_group_and_nobody_changes_sides(
    held: tuple[duckdb.DuckDBPyConnection, dict[str, str]],
) -> None:
    connection, compiled = held
    connection.execute("delete from analytics.profiles")
    people = {person_of(number)[0]: person_of(number)[1:] for number in range(2000)}
    before: dict[str, dict[str, bool]] = {name: {} for name in AUDIENCES}
    for numbers in (range(300), range(300, 420), range(420, 2000)):
        add(connection, numbers)
        for name, told in (("by_country", 10), ("by_two", 25)):
            rows = connection.execute(compiled[f"audience_{name}"]).fetchall()
            asked = connection.execute(f"select profile_id, is_holdout from ({compiled[f'asked_{name}']})").fetchall()  # fmt: skip
            found = {row[0]: row[1] for row in rows}
            assert dict(asked) == found, "preview says what the build does"
            assert {one: found[one] for one in before[name]} == before[name]
            everywhere = {
                one for one in found if name == "by_country" and in_hash("everybody", one, 5)
            }
            assert {one for one in everywhere if not found[one]} == set()
            group = {one: people[one][:1] if name == "by_country" else people[one] for one in found}
            sizes, shares = Counter(group.values()), Counter(group[one] for one in found if found[one])  # fmt: skip
            for one, size in sizes.items():
                least = sum(1 for person in everywhere if group[person] == one)
                assert abs(shares[one] - max(least, size * told / 100)) <= 1, (name, one, size, shares[one])  # fmt: skip
            before[name] = found
            connection.execute(f"delete from analytics.audience_memberships where audience_name = 'audience_{name}'")  # fmt: skip
            insert(
                connection, "analytics.audience_memberships",
                [[f"audience_{name}", "person", one, NOW, is_held] for one, is_held in found.items()],
                "audience_name, entity, entity_id, entered_at, is_holdout",
            )  # fmt: skip


def test_whom_every_audience_holds_out_and_which_may_have_them(
    held: tuple[duckdb.DuckDBPyConnection, dict[str, str]],
) -> None:
    connection, compiled = held
    connection.execute("delete from analytics.profiles")
    add(connection, range(500))
    everybody = [person_of(number)[0] for number in range(500)]

    def held_out(name: str) -> set[str]:
        rows = connection.execute(compiled[f"audience_{name}"]).fetchall()
        return {row[0] for row in rows if row[1]}

    everywhere = {one for one in everybody if in_hash("everybody", one, 5)}
    spring = {one for one in everybody if in_hash("spring", one, 10)}
    assert everywhere
    assert held_out("plain") == everywhere | spring
    assert held_out("exempt") == set()
    rows = connection.execute(compiled["audience_few"]).fetchall()
    assert len(rows) == 100
    assert 18 <= sum(row[1] for row in rows) <= 26
