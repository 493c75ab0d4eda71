"""What `sync audience` answers comes from the rule tree that builds the audience, and agrees with the evaluation in Python."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager

from sync.audiences import answers
from sync.audiences.compiled import Compiled, Compiler
from sync.cli.main import run
from sync.config.project import find_project
from sync.errors import ConfigError
from tests.python.audiences.evaluation import holds
from tests.python.audiences.project import compiled_models, fill, make_world_project
from tests.python.audiences.worlds import (
    COMPANIES,
    PEOPLE,
    Row,
    definition_of,
    one_event_of,
    world_of,
)

KNOWN = """\
entity: person
all:
  - trait: country
    in: [DE, "NO"]
  - any:
      - did: order_placed
        at_least: 2
        within: 90 days
      - {trait: vip, equals: true}
  - not: {did: page_viewed, within: 7 days}
"""


class Reader:
    """The part of a session that answers need."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def rows(self, query: str) -> list[dict[str, Any]]:
        found = self._connection.execute(query)
        names = [one[0] for one in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


Shop = tuple[Path, Path, dict[str, tuple[Row, Compiled]]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A project, its empty tables, and random definitions with what dbt compiled of each."""
    folder = tmp_path_factory.mktemp("questions")
    database = make_world_project(folder)
    with duckdb.connect(str(database)) as connection:
        connection.execute("create table analytics.audience_known (profile_id text)")
    chance = random.Random(18)
    definitions = {}
    for number in range(60):
        entity = "account" if number % 4 == 3 else "person"
        definitions[f"n{number}"] = {"entity": entity, **definition_of(chance, entity)}
    for number in range(20):
        entity = "account" if number % 4 == 3 else "person"
        told = {"some": []}
        while "some" in str(told):
            told = one_event_of(chance, entity)
        definitions[f"one_event{number}"] = {"entity": entity, **told}
    for name, definition in definitions.items():
        text = yaml.safe_dump(definition, sort_keys=False, width=10_000, allow_unicode=True)
        (folder / "models" / f"questions_{name}.sql").write_text(
            f"{{% set definition %}}\n{text}{{% endset %}}\n"
            f"{{{{ headwater.audience_questions(definition, '{name}') }}}}\n"
        )
    known = (
        f"{{% set definition %}}\n{KNOWN}{{% endset %}}\n{{{{ headwater.audience(definition) }}}}\n"
    )
    (folder / "models" / "audience_known.sql").write_text(known)
    compiled = compiled_models(folder)
    DuckDBConnectionManager.close_all_connections()
    made = {
        name: (definition, Compiled.of(json.loads(compiled[f"questions_{name}"])))
        for name, definition in definitions.items()
    }
    return folder, database, made


def at(definition: Row, path: str) -> Row:
    """The condition of a definition that a leaf's path names."""
    node: Any = {key: value for key, value in definition.items() if key not in ("entity", "zone")}
    for word in path.split(".")[:-1]:
        found = re.fullmatch(r"(\w+)(?:\[(\d+)\])?", word)
        assert found
        node = node[found[1]]
        node = node[int(found[2]) - 1] if found[2] else node
    assert path.split(".")[-1] in node
    return dict(node)


def whole(definition: Row, met: Callable[[str], bool], path: str = "") -> bool:
    """A definition by which of its leaves are met."""
    keys = [key for key in definition if key not in ("entity", "zone")]
    for kind in ("all", "any"):
        if kind in keys:
            parts = [
                whole(one, met, f"{path}{kind}[{n}].")
                for n, one in enumerate(definition[kind], start=1)
            ]
            return all(parts) if kind == "all" else any(parts)
    if "not" in keys:
        return not whole(definition["not"], met, f"{path}not.")
    return met(path)


def everybody(entity: str) -> list[str]:
    return PEOPLE if entity == "person" else COMPANIES


@pytest.mark.parametrize("seed", range(3))
def test_each_person_meets_the_leaves_that_they_meet(shop: Shop, seed: int) -> None:
    _, database, definitions = shop
    connection = duckdb.connect(str(database))
    world = world_of(random.Random(seed))
    fill(connection, world)
    wrong = []
    for name, (definition, compiled) in definitions.items():
        rows = {
            row[compiled.key]: row
            for row in Reader(connection).rows(compiled.rows)
            if row[compiled.key] is not None
        }
        zone = {"zone": definition["zone"]} if "zone" in definition else {}
        for one in everybody(compiled.entity):
            row = rows[one]
            met = {
                leaf.path.rpartition(".")[0] + "." if "." in leaf.path else "": holds(
                    world, one, compiled.entity, {**zone, **at(definition, leaf.path)}
                )
                for leaf in compiled.leaves
            }
            places = list(met)
            wanted = [*met.values(), whole(definition, met.__getitem__)]
            got = [row[f"leaf_{leaf.number}"] for leaf in compiled.leaves] + [row["is_met"]]
            for leaf, place in zip(compiled.leaves, places, strict=True):
                other = {**met, place: not met[place]}
                wanted.append(whole(definition, other.__getitem__))
                got.append(row[f"would_{leaf.number}"])
            if got != wanted or row["is_member"] != holds(world, one, compiled.entity, definition):
                wrong.append((name, one, definition, got, wanted))
    connection.close()
    assert wrong == []


def test_a_difference_is_counted_by_cause_and_adds_up(shop: Shop) -> None:
    _, database, definitions = shop
    connection = duckdb.connect(str(database))
    chance = random.Random(3)
    world = world_of(random.Random(3))
    fill(connection, world)
    seen = set()
    for entity in ("person", "account"):
        ours = [one for one in definitions.values() if one[1].entity == entity]
        for (old, was), (new, now) in zip(ours, [*ours[1:], ours[0]], strict=True):
            held = set(chance.sample([*everybody(entity), "gone"], 3))
            connection.execute(
                f"create or replace table analytics.held as select unnest({list(held)}) as {was.key}"
            )
            found = answers.diff(Reader(connection), was, now, "analytics.held")  # type: ignore[arg-type]
            before, after = (
                {one for one in everybody(entity) if holds(world, one, entity, told)}
                for told in (old, new)
            )
            assert found["before"] == len(held)
            assert found["after"] == len(after)
            assert found["enters"] == len(after - held)
            assert found["leaves"] == len(held - after)
            for moves, people in (("enters", after - held), ("leaves", held - after)):
                by_cause: dict[str, int] = {}
                for cause in found["causes"]:
                    if cause["moves"] == moves:
                        by_cause[cause["because"]] = (
                            by_cause.get(cause["because"], 0) + cause["people"]
                        )
                        seen.add((moves, cause["because"]))
                        assert bool(cause["conditions"]) == (cause["because"] == "definition")
                by_data = {
                    one for one in people if one != "gone" and (one in before) == (one in after)
                }
                wanted = {
                    "gone": len(people & {"gone"}),
                    "data": len(by_data),
                    "definition": len(people - by_data - {"gone"}),
                }
                assert {**dict.fromkeys(wanted, 0), **by_cause} == wanted
    connection.close()
    assert seen == {(m, b) for m in ("enters", "leaves") for b in ("data", "definition")} | {("leaves", "gone")}  # fmt: skip


def test_what_a_leaf_asks_is_told_apart_though_it_is_read_with_others(shop: Shop) -> None:
    """By its SQL a difference knows the condition again; the place in a shared reading is the same for any."""
    _, _, definitions = shop
    read_together = {
        name for name, (_, compiled) in definitions.items() if "scan_1.meets_" in compiled.rows
    }
    assert len(read_together) > 10
    for name in read_together:
        definition, compiled = definitions[name]
        by_sql = {leaf.sql: at(definition, leaf.path) for leaf in compiled.leaves}
        assert all(at(definition, leaf.path) == by_sql[leaf.sql] for leaf in compiled.leaves), name


def test_a_difference_counts_who_is_held_out_from_now_on(shop: Shop) -> None:
    _, database, definitions = shop
    connection = duckdb.connect(str(database))
    fill(connection, world_of(random.Random(3)))
    reader = Reader(connection)
    for _, compiled in definitions.values():
        counted = f"select count(*) as n from ({compiled.rows}) where is_member and not is_holdout"
        if members := reader.rows(counted)[0]["n"]:
            break
    assert members
    held = replace(compiled, rows=f"select * replace (true as is_holdout) from ({compiled.rows})")
    found = answers.diff(reader, compiled, held, None)  # type: ignore[arg-type]
    assert (found["enters"], found["leaves"]) == (0, 0)
    assert (found["into_holdout"], found["out_of_holdout"]) == (members, 0)
    back = answers.diff(reader, held, compiled, None)  # type: ignore[arg-type]
    assert (back["into_holdout"], back["out_of_holdout"]) == (0, members)
    connection.close()


def test_the_parts_of_a_preview_add_up(shop: Shop) -> None:
    _, database, definitions = shop
    connection = duckdb.connect(str(database))
    world = world_of(random.Random(1))
    fill(connection, world)
    for definition, compiled in definitions.values():
        found = answers.preview(Reader(connection), compiled)  # type: ignore[arg-type]
        members = [
            one
            for one in everybody(compiled.entity)
            if holds(world, one, compiled.entity, definition)
        ]
        assert found["members"] == len(members)
        assert all(one["keeps"] + one["drops"] == found["of"] for one in found["conditions"])
        assert [row[compiled.key] for row in found["examples"]] == members[:10]
    connection.close()


class Table:
    """Answers any question with one row."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return [self.row]


def test_no_text_or_day_of_anybody_is_in_a_preview_whatever_its_column_is_called(
    shop: Shop,
) -> None:
    _, _, definitions = shop
    compiled = next(iter(definitions.values()))[1]
    told = {
        compiled.key: "f00d", "vorname": "Annelise", "mail": "anna@b.example", "geboren": date(1990, 1, 2),
        "labels": ["Annelise"], "card_id": 4711, "latitude": 52.5, "spent_eur": Decimal("12.50"), "is_member": True,
        "last_order_at": datetime(2026, 1, 2), "orders": 3, "street": None,
    }  # fmt: skip
    shown = answers._examples(Table(told), compiled)[0]  # type: ignore[arg-type]
    as_they_are = {
        compiled.key,
        "spent_eur",
        "is_member",
        "last_order_at",
        "orders",
        "street",
    }
    assert {name for name, value in shown.items() if value == told[name]} == as_they_are
    assert "anna" not in str(shown).lower()
    assert "1990" not in str(shown)


@pytest.mark.long
def test_leaves_are_named_and_the_whole_is_a_sentence(shop: Shop) -> None:
    folder, _, _ = shop
    with Compiler(find_project(folder), profiles_dir=folder) as compiler:
        found = compiler.file(folder / "models" / "audience_known.sql", "audience_known")
        read = compiler.definition(yaml.safe_load(KNOWN), "audience_known")
        assert read == found
        definition = folder / "draft.yml"
        definition.write_text(KNOWN.replace("trait: country", "trait: countri"))
        with pytest.raises(ConfigError) as wrong:
            compiler.file(definition, "audience_draft")
        # What dbt finds while it parses is told in the same words as what it finds later.
        definition.write_text(KNOWN.replace("trait: country", "trayt: country"))
        with pytest.raises(ConfigError) as unparsed:
            compiler.file(definition, "audience_draft")
        definition.write_text(KNOWN)
        assert compiler.file(definition, "audience_known") == found
        with pytest.raises(ConfigError, match="plain SQL"):
            compiler.file(folder / "models" / "audience_people.sql", "audience_people")
        asked = {"channel": "sms", "state": "never_asked"}
        points = [(5, {"consent": {"channel": "email"}}), (-2, {"consent": asked})]
        scored = {"score": [{"points": worth, "if": one} for worth, one in points], "at_least": 5}
        score = compiler.definition(scored, "audience_scored")
    assert (
        "all[1].trait (line 3): 'countri' is no column of profiles; did you mean 'country'?"
        in wrong.value.message
    )
    assert "did you mean 'trait'?" in unparsed.value.message
    assert "inline" not in wrong.value.message + unparsed.value.message
    assert [leaf.path for leaf in found.leaves] == [
        "all[1].trait", "all[2].any[1].did", "all[2].any[2].trait", "all[3].not.did",
    ]  # fmt: skip
    assert found.sentence == (
        "people who meet: country is one of DE, NO and (did order_placed at least 2 times within 90 days or vip is true) "
        "and not (did page_viewed within 7 days)"
    )
    assert score.sentence == (
        "people who meet: (at least 5 points of: agreed to email for marketing (5 points); "
        "was never asked about sms for marketing (-2 points))"
    )
    assert [leaf.is_negated for leaf in score.leaves] == [False, True], "nobody is a member by it"


@pytest.mark.long
def test_the_command_says_why_and_leaves_the_last_build_alone(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, database, _ = shop
    connection = duckdb.connect(str(database))
    world = world_of(random.Random(2))
    world["profiles"] = [
        {**row, "country": "DE", "vip": row["profile_id"] == "p1"} for row in world["profiles"]
    ]
    world["event_order_placed"] = []
    world["event_page_viewed"] = []
    fill(connection, world)
    connection.execute("delete from analytics.audience_known")
    connection.close()
    options = ["--project-dir", str(folder), "--profiles-dir", str(folder)]
    results = folder / "target" / "run_results.json"
    before = (results.read_bytes(), (folder / "target" / "manifest.json").read_bytes())
    asked = {}
    for words in (
        ["why", "p2", "known"],
        ["diff", "known"],
        ["list"],
    ):
        assert run(["audience", *words, "--json", *options]) == 0
        asked[words[0]] = json.loads(capsys.readouterr().out)
    assert before == (results.read_bytes(), (folder / "target" / "manifest.json").read_bytes())
    assert asked["why"]["entity_id"] == "p2"
    assert not asked["why"]["is_member"]
    assert [(one["passes"], one["alone"]) for one in asked["why"]["conditions"]] == [
        (True, False), (False, True), (False, True), (True, False),
    ]  # fmt: skip
    assert asked["diff"]["causes"] == [{"moves": "enters", "because": "data", "conditions": [], "people": 1}]  # fmt: skip
    assert {one["name"]: one["entity"] for one in asked["list"]["audiences"]}["audience_known"] == "person"  # fmt: skip
    assert run(["audience", "why", "p2", "knwn", *options]) == 2
    assert "did you mean 'audience_known'?" in capsys.readouterr().err
    assert run(["audience", "why", "known", "p2", *options]) == 2
    assert "the person comes first: sync audience why p2 known" in capsys.readouterr().err
    assert run(["audience", "why", "nobody", "known", *options]) == 2
    assert "nobody known by that" in capsys.readouterr().err
    database.rename(database.with_suffix(".away"))
    try:
        assert run(["audience", "preview", "known", *options]) == 1
        assert "no DuckDB file" in capsys.readouterr().err
        assert not database.exists()
    finally:
        database.with_suffix(".away").rename(database)
