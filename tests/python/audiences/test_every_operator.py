"""Who is in an audience, beside an independent evaluation in Python: random definitions of every operator, on worlds full of nulls."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import duckdb
import pytest
import yaml

from tests.python.audiences.project import compiled_models, make_project

NOW = dt.datetime(2026, 6, 30, 12)
PEOPLE, COMPANIES = ["p1", "p2", "p3", "p4", "p5", "p6"], ["a1", "a2", "a3"]
TABLES = {
    "profiles": "profile_id text, country text, value double, score integer, vip boolean, seen timestamp, born date",
    "accounts": "account_id text, plan text, size integer",
    "account_contacts": "account_id text, profile_id text",
    "profile_product_lines": "profile_id text, product_line text, order_count integer",
    "event_order_placed": "event_id text, profile_id text, order_id text, status text, revenue_eur double, occurred_at timestamp",
    "event_product_ordered": "event_id text, profile_id text, order_id text, product_line text, revenue_eur double, occurred_at timestamp",
    "event_page_viewed": "event_id text, profile_id text, page text, occurred_at timestamp",
    "audience_people": "profile_id text, is_holdout boolean, qualified_at timestamp",
    "audience_companies": "account_id text, is_holdout boolean, qualified_at timestamp",
}
EVENTS: list[dict[str, Any]] = [
    {"name": "order_placed", "properties": ["order_id", "status", "revenue_eur"], "parts": {"event": "product_ordered", "by": "order_id"}},
    {"name": "product_ordered", "properties": ["order_id", "product_line", "revenue_eur"]},
    {"name": "page_viewed", "properties": ["page"]},
]  # fmt: skip
for event in EVENTS:
    event |= {"model": f"event_{event['name']}", "key": "event_id", "time": "occurred_at", "entity": "person"}  # fmt: skip
TEXTS = ["DE", "NO", "a%b", "it's", "01"]
LINES = ["outdoor", "home", "kids"]
Row = dict[str, Any]
World = dict[str, list[Row]]


# -- worlds and definitions ---------------------------------------------------------------------------------------------------


def world_of(chance: random.Random) -> World:
    def maybe(*values: Any) -> Any:
        return chance.choice([*values, None])

    def when() -> Any:
        return maybe(*(NOW - dt.timedelta(days=days) for days in (-1, 0, 1, 5, 10, 10, 40, 90)))

    orders = [
        {"event_id": f"o{n}", "profile_id": maybe(*PEOPLE, *PEOPLE[:2]), "order_id": f"o{n}", "status": maybe("shipped", "returned"),
         "revenue_eur": maybe(0, 10, 25.5), "occurred_at": when()}
        for n in range(chance.randint(0, 14))
    ]  # fmt: skip
    lines = [
        order | {"event_id": f"{order['event_id']}/{n}", "order_id": maybe(order["order_id"], order["order_id"]),
                 "product_line": maybe(*LINES), "revenue_eur": maybe(5, 10)}
        for order in orders for n in range(chance.randint(0, 3))
    ]  # fmt: skip
    return {
        "profiles": [
            {"profile_id": one, "country": maybe(*TEXTS), "value": maybe(0, 10, 25.5), "score": maybe(1, 2, 3), "vip": maybe(True, False),
             "seen": when(), "born": maybe(dt.date(1990, 2, 28), dt.date(2000, 1, 1))}
            for one in PEOPLE
        ],
        "accounts": [{"account_id": one, "plan": maybe("free", "plus"), "size": maybe(1, 5)} for one in COMPANIES],
        "account_contacts": [{"account_id": maybe(*COMPANIES), "profile_id": maybe(*PEOPLE)} for _ in range(chance.randint(0, 8))],
        "profile_product_lines": [
            {"profile_id": maybe(*PEOPLE), "product_line": maybe(*LINES), "order_count": maybe(0, 1, 2)}
            for _ in range(chance.randint(0, 9))
        ],
        "event_order_placed": orders,
        "event_product_ordered": [{key: line[key] for key in columns_of("event_product_ordered")} for line in lines],
        "event_page_viewed": [
            {"event_id": f"v{n}", "profile_id": maybe(*PEOPLE), "page": maybe("/a", "/b"), "occurred_at": when()}
            for n in range(chance.randint(0, 12))
        ],
        "audience_people": [{"profile_id": maybe(*PEOPLE), "is_holdout": False, "qualified_at": NOW} for _ in range(chance.randint(0, 4))],
        "audience_companies": [{"account_id": maybe(*COMPANIES), "is_holdout": False, "qualified_at": NOW}
                               for _ in range(chance.randint(0, 3))],
    }  # fmt: skip


def columns_of(table: str) -> list[str]:
    return [column.split()[0] for column in TABLES[table].split(", ")]


def comparison_of(chance: random.Random, kind: str) -> Row:
    numbers, days = [0, 1, 2, 10, 25.5], ["1 day", "10 days", "12 hours", "6 weeks"]
    low, high = sorted(chance.sample(numbers, 2))
    by_kind: dict[str, list[Row]] = {
        "text": [
            {"equals": chance.choice(TEXTS)}, {"not_equals": chance.choice(TEXTS)}, {"in": chance.sample(TEXTS, 2)},
            {"not_in": chance.sample(TEXTS, 2)},
            {"contains": chance.choice(["%", "'", "E"])}, {"starts_with": chance.choice(["0", "a%", "N"])},
        ],
        "number": [
            {chance.choice(["equals", "not_equals", ">", ">=", "<", "<="]): chance.choice(numbers)}, {"between": [low, high]},
            {"in": [low, high]}, {"not_in": [low, high]}, {">=": low, "<": high},
        ],
        "boolean": [{"equals": chance.choice([True, False])}, {"not_equals": chance.choice([True, False])}],
        "time": [
            {"within": chance.choice(days)}, {"older_than": chance.choice(days)}, {"before": "2026-06-20"},
            {"on_or_after": "2026-06-20 14:00:00+02:00"}, {"before": "2026-06-20T07:00:00-05:00"},
            {"within": "6 weeks", "older_than": "10 days"},
            {">": "2026-06-20 12:00:00"}, {"between": ["2026-06-20 12:00:00Z", "2026-06-29"]},
        ],
    }  # fmt: skip
    return chance.choice([*by_kind[kind], *by_kind[kind], {"is_null": chance.choice([True, False])}])  # fmt: skip


def did_of(chance: random.Random) -> Row:
    event = chance.choice(EVENTS)
    condition: Row = {"did": event["name"]}
    if chance.random() < 0.4:
        condition["within"] = chance.choice(["10 days", "6 weeks"])
    if chance.random() < 0.5:
        where = {
            "order_placed": [{"status": "shipped"}, {"product_line": "outdoor"},
                             {"product_line": LINES[:2], "status": {"not_equals": "returned"}},

                             {"revenue_eur": {">=": 10}}, {"product_line": {"is_null": True}}],
            "product_ordered": [{"product_line": ["outdoor", "kids"]}, {"revenue_eur": {">": 5}}],
            "page_viewed": [{"page": "/a"}, {"page": {"is_null": True}}],
        }  # fmt: skip
        condition["where"] = chance.choice(where[event["name"]])
    count = chance.choice(["", "at_least", "at_most", "exactly", "exactly", "both"])
    if count == "both":
        condition |= {"at_least": 1, "at_most": 2}
    elif count:
        condition[count] = chance.randint(1 if count == "at_least" else 0, 2)
    alone = count == "at_most" or condition.get("exactly") == 0
    more = chance.choice(["", "sum", "avg", "first", "last", "then"])
    if more in ("sum", "avg") and not alone and event["name"] != "page_viewed":
        if "product_line" not in condition.get("where", {}) or event["name"] == "product_ordered":
            condition[more] = {"property": "revenue_eur", **comparison_of(chance, "number")}
    elif more in ("first", "last") and not alone:
        condition[more] = comparison_of(chance, "time")
        if "older_than" in condition[more]:
            condition.pop("within", None)
    elif more == "then" and not alone:
        condition["then"] = {"did": chance.choice(EVENTS)["name"]}
        if chance.random() < 0.5:
            condition["then"]["within"] = chance.choice(["4 days", "30 days"])
    return condition


def definition_of(chance: random.Random, entity: str, depth: int = 0) -> Row:
    kinds = [
        "trait",
        "trait",
        "member_of",
        *(["did", "did", "did", "account", "product_line"] if entity == "person" else ["contacts"]),
    ]
    kind = chance.choice(kinds + (["all", "any", "not", "not"] if depth < 3 else []))
    if kind in ("all", "any"):
        return {
            kind: [definition_of(chance, entity, depth + 1) for _ in range(chance.randint(1, 3))]
        }
    if kind == "not":
        return {"not": definition_of(chance, entity, depth + 1)}
    if kind == "did":
        return did_of(chance)
    if kind == "account":
        return {"account": definition_of(chance, "account", depth + 1)}
    if kind == "contacts":
        return {
            "contacts": {
                "at_least": chance.randint(1, 2),
                "who": definition_of(chance, "person", depth + 1),
            }
        }
    if kind == "product_line":
        where = chance.choice(
            [
                {},
                {"where": {"order_count": {">=": 1}}},
                {"where": {"order_count": {"is_null": True}}},
            ]
        )
        return {"product_line": chance.choice([*LINES, "any", "all"]), **where}
    if kind == "member_of":
        return {"member_of": "audience_people" if entity == "person" else "audience_companies"}
    traits = [
        ("country", "text"),
        ("value", "number"),
        ("score", "number"),
        ("vip", "boolean"),
        ("seen", "time"),
        ("born", "time"),
    ]
    trait, type_ = chance.choice(
        traits if entity == "person" else [("plan", "text"), ("size", "number")]
    )
    return {"trait": trait, **comparison_of(chance, type_)}


# -- the evaluation -----------------------------------------------------------------------------------------------------------

UNITS = {"minute": 1, "hour": 60, "day": 1440, "week": 10080}


def length(text: str) -> dt.timedelta:
    amount, unit = text.split()
    return dt.timedelta(minutes=int(amount) * UNITS[unit.rstrip("s")])


def moment(value: Any) -> Any:
    """A date, a time or their text as an instant without a zone, in UTC."""
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value.replace("Z", "+00:00"))
    elif isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    return value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value


COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "equals": lambda value, told: value == told,
    "not_equals": lambda value, told: value != told,
    "in": lambda value, told: value in told,
    "not_in": lambda value, told: value not in told,
    "contains": lambda value, told: told in value,
    "starts_with": lambda value, told: value.startswith(told),
    "between": lambda value, told: told[0] <= value <= told[1],
    ">": lambda value, told: value > told,
    ">=": lambda value, told: value >= told,
    "<": lambda value, told: value < told,
    "<=": lambda value, told: value <= told,
    "within": lambda value, told: NOW - length(told) <= value <= NOW,
    "older_than": lambda value, told: value < NOW - length(told),
    "before": lambda value, told: value < told,
    "on_or_after": lambda value, told: value >= told,
}


def meets(value: Any, operators: Row) -> bool:
    is_time = isinstance(value, dt.date)
    for operator, told in operators.items():
        if operator == "is_null" or value is None:
            if operator != "is_null" or (value is None) != told:
                return False
            continue
        if is_time and operator not in ("within", "older_than"):
            told = [moment(one) for one in told] if isinstance(told, list) else moment(told)
        if not COMPARED[operator](moment(value) if is_time else value, told):
            return False
    return True


def where_met(row: Row, where: Row) -> bool:
    return all(
        meets(row[column], told if isinstance(told, dict) else {"in": told} if isinstance(told, list) else {"equals": told})
        for column, told in where.items()
    )  # fmt: skip


def happened(world: World, person: str, condition: Row) -> list[Row]:
    event = next(one for one in EVENTS if one["name"] == condition["did"])
    own = {
        name: told
        for name, told in condition.get("where", {}).items()
        if name in event["properties"]
    }
    of_parts = {name: told for name, told in condition.get("where", {}).items() if name not in own}
    found = []
    for row in world[event["model"]]:
        if row["profile_id"] != person or row["occurred_at"] is None or row["occurred_at"] > NOW:
            continue
        if "within" in condition and row["occurred_at"] < NOW - length(condition["within"]):
            continue
        parts = [
            line
            for line in world["event_product_ordered"]
            if line["order_id"] is not None and line["order_id"] == row.get("order_id")
        ]
        if where_met(row, own) and (
            not of_parts or any(where_met(line, of_parts) for line in parts)
        ):
            found.append(row)
    return found


def did(world: World, person: str, condition: Row) -> bool:
    rows = happened(world, person, condition)
    if "then" in condition:
        later = happened(
            world, person, {key: told for key, told in condition["then"].items() if key != "within"}
        )
        longest = length(condition["then"].get("within", "52000 weeks"))
        rows = [
            row for row in rows
            if any(row["occurred_at"] < one["occurred_at"] <= row["occurred_at"] + longest for one in later)
        ]  # fmt: skip
    count = len(rows)
    if count < condition.get("at_least", 0 if {"at_most", "exactly"} & condition.keys() else 1):
        return False
    if count > condition.get("at_most", count) or count != condition.get("exactly", count):
        return False
    for figure in {"sum", "avg"} & condition.keys():
        numbers = [row["revenue_eur"] for row in rows if row["revenue_eur"] is not None]
        total = sum(numbers) if figure == "sum" else sum(numbers) / max(len(numbers), 1)
        if not meets(
            total if numbers else None,
            {key: told for key, told in condition[figure].items() if key != "property"},
        ):
            return False
    return all(
        meets(end(row["occurred_at"] for row in rows) if rows else None, condition[key])
        for key, end in (("first", min), ("last", max))
        if key in condition
    )


def holds(world: World, one: str, entity: str, condition: Row) -> bool:
    kind = next(
        key
        for key in condition
        if key
        in ("all", "any", "not", "trait", "did", "member_of", "account", "contacts", "product_line")
    )
    told = condition[kind]
    contacts = world["account_contacts"]
    if kind in ("all", "any"):
        return (all if kind == "all" else any)(holds(world, one, entity, inner) for inner in told)
    if kind == "not":
        return not holds(world, one, entity, told)
    if kind == "trait":
        table, key = (
            ("profiles", "profile_id") if entity == "person" else ("accounts", "account_id")
        )
        row = next(row for row in world[table] if row[key] == one)
        return meets(
            row[told], {name: value for name, value in condition.items() if name != "trait"}
        )
    if kind == "did":
        return did(world, one, condition)
    if kind == "member_of":
        return any(one in row.values() for row in world[told])
    if kind == "account":
        theirs = {row["account_id"] for row in contacts if row["profile_id"] == one} - {None}
        return any(holds(world, account, "account", told) for account in theirs)
    if kind == "contacts":
        theirs = {row["profile_id"] for row in contacts if row["account_id"] == one} - {None}
        return (
            sum(holds(world, person, "person", told["who"]) for person in theirs)
            >= told["at_least"]
        )
    every = {row["product_line"] for row in world["profile_product_lines"]} - {None}
    met = {
        row["product_line"]
        for row in world["profile_product_lines"]
        if row["profile_id"] == one and where_met(row, condition.get("where", {}))
    } - {None}
    return bool(met) and (met == every if told == "all" else told == "any" or told in met)


# -- the two beside each other ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def audiences(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[duckdb.DuckDBPyConnection, dict[str, tuple[str, Row, str]]]:
    """Per audience: its entity, its definition and its SQL."""
    folder = tmp_path_factory.mktemp("operators")
    database = folder / "operators.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema analytics")
        for table, columns in TABLES.items():
            connection.execute(f"create table analytics.{table} ({columns})")
    make_project(
        folder,
        database,
        dict.fromkeys(TABLES, "select 1 as one"),
        {"cdp_events": EVENTS, "cdp_as_of": str(NOW)},
    )
    chance = random.Random(20261128)
    definitions: dict[str, tuple[str, Row]] = {}
    for number in range(240):
        entity = "account" if number % 4 == 3 else "person"
        definitions[f"audience_n{number}"] = entity, definition_of(chance, entity)
    for name, (entity, definition) in definitions.items():
        text = yaml.safe_dump(
            {"entity": entity, **definition}, sort_keys=False, width=10_000, allow_unicode=True
        )
        (folder / "models" / f"{name}.sql").write_text(
            f"{{% set definition %}}\n{text}{{% endset %}}\n{{{{ headwater.audience(definition) }}}}\n"
        )
    compiled = compiled_models(folder)
    opened = duckdb.connect(str(database))
    return opened, {name: (*told, compiled[name]) for name, told in definitions.items()}


@pytest.mark.parametrize("seed", range(12))
def test_an_audience_holds_who_meets_it_whatever_is_null(
    audiences: tuple[duckdb.DuckDBPyConnection, dict[str, tuple[str, Row, str]]], seed: int
) -> None:
    connection, definitions = audiences
    world = world_of(random.Random(seed))
    for table, rows in world.items():
        connection.execute(f"delete from analytics.{table}")
        if rows:
            places = ", ".join("?" * len(columns_of(table)))
            connection.executemany(
                f"insert into analytics.{table} values ({places})", [[row[name] for name in columns_of(table)] for row in rows]
            )  # fmt: skip
    wrong = {}
    for name, (entity, definition, sql) in definitions.items():
        got = [row[0] for row in connection.execute(sql).fetchall()]
        wanted = [
            one
            for one in (PEOPLE if entity == "person" else COMPANIES)
            if holds(world, one, entity, definition)
        ]
        if sorted(got) != wanted:
            wrong[name] = (definition, got, wanted)
    assert wrong == {}


def test_the_definitions_use_every_operator(
    audiences: tuple[duckdb.DuckDBPyConnection, dict[str, tuple[str, Row, str]]],
) -> None:
    text = yaml.safe_dump([definition for _, definition, _ in audiences[1].values()])
    words = ["all", "any", "not", "trait", "did", "member_of", "account", "contacts", "product_line", "equals", "not_equals", "in",
             "not_in",
             "contains", "starts_with", "between", "is_null", "'>'", "'>='", "<", "<=", "within", "older_than", "before", "on_or_after",
             "at_least", "at_most", "exactly", "sum", "avg", "first", "last", "then", "where"]  # fmt: skip
    assert [word for word in words if f"{word}:" not in text] == []
