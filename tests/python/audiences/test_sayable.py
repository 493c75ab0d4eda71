"""What marketers ask for can be said, and means what they ask: each ask on a small company, beside the evaluation in Python."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
import yaml

from tests.python.audiences.evaluation import Scope, holds, of_row
from tests.python.audiences.project import compiled_models, make_project, make_tables
from tests.python.audiences.worlds import (
    COMPANIES,
    EVENTS,
    NOW,
    PEOPLE,
    TABLES,
    Row,
    World,
    contact_tables_of,
)
from tests.python.examples import EXAMPLES
from tests.python.rows import insert

HOUSEHOLDS = ["h1", "h2", "h3", "h4"]
ASKS: list[Row] = [
    ask
    for name in ("sayable_asks.yml", "sayable_more.yml")
    for ask in yaml.safe_load((Path(__file__).parent / name).read_text())
]
SHOP = {
    **{name: TABLES[name] for name in TABLES if name not in ("profiles", "accounts")},
    "profiles": "profile_id text, country text, birth_date date, signed_up_at timestamp, trial_ends_at timestamp, "
    "first_order_at timestamp, last_order_at timestamp, spent_eur double, order_count integer, returned_count integer, "
    "tags text[], latitude double, longitude double, household_id text",
    "campaign_pages": "page text, is_on boolean",
    "shops": "latitude double, longitude double, is_open boolean",
    "accounts": "account_id text, renewal_date date, seats integer, seats_used integer",
    "households": "household_id text, size integer, country text",
    "deliveries": "household_id text, delivered_at timestamp",
    "opportunities": "account_id text, stage text, stage_since timestamp, amount_eur double",
    "event_product_added": "event_id text, profile_id text, cart_id text, occurred_at timestamp",
    "event_app_used": "event_id text, profile_id text, feature text, occurred_at timestamp",
}  # fmt: skip
POOLS: dict[str, list[Any]] = {
    "profile_id": [*PEOPLE, *PEOPLE[:3]], "account_id": COMPANIES, "country": ["DE", "FR"], "status": ["shipped", "returned"],
    "revenue_eur": [10, 25.5, 60], "order_id": ["o1", "o2", "o3", "o4"], "product_line": ["outdoor", "home"], "page": ["/a", "/b"],
    "birth_date": [dt.date(1996, 2, 29), dt.date(1995, 6, 30), dt.date(1999, 7, 4), dt.date(1960, 1, 1)],
    "spent_eur": [0, 20, 50, 120, 300], "order_count": [0, 1, 4, 9], "returned_count": [0, 1, 2], "tags": [["vip", "new"], ["new"]],
    "latitude": [52.5, 48.1], "longitude": [13.4, 11.6], "renewal_date": [dt.date(2026, 7, 15), dt.date(2026, 12, 1), dt.date(2026, 6, 1)],
    "seats": [10, 20], "seats_used": [5, 9, 18], "stage": ["open", "won"], "amount_eur": [50, 80], "cart_id": ["k1", "k2"],
    "is_on": [True, False], "is_open": [True, False], "household_id": HOUSEHOLDS,
    "size": [1, 2, 3, 4], "feature": ["export", "share"], "role": ["decision_maker", "user"],
}  # fmt: skip
WORLDS = 14
FIRST_WORLDS = 4 if EXAMPLES == 1 else WORLDS
FEW = {"campaign_pages": 2, "shops": 2}
MANY = FEW | {"event_app_used": 40, "event_page_viewed": 30, "event_order_placed": 24}


def shop_of(chance: random.Random) -> World:
    def value(column: str, number: int) -> Any:
        if column == "event_id":
            return f"e{number:03}"
        if column in ("trial_ends_at", "signed_up_at"):
            days = [-2, -20, 100, 340, 400] if column == "signed_up_at" else [-2, 5, -20]
            return NOW - dt.timedelta(days=chance.choice(days))
        if column.endswith(("_at", "_since")):
            days = [0.1, 1, 2, 3, 5, 8, 12, 20, 33, 40, 48, 62, 70, 85, 100, 118, 364, 366]
            return NOW - dt.timedelta(
                days=chance.choice(days), hours=chance.choice([0, 1, 2, 7, 11])
            )
        return chance.choice(POOLS[column])

    def rows(table: str, key: str | None = None, keys: list[str] | None = None) -> list[Row]:
        count = len(keys) if keys else MANY.get(table, 14)
        names = [column.split()[0] for column in SHOP[table].split(", ")]
        return [
            {name: keys[n] if keys and name == key else value(name, n) if chance.random() > 0.04 or name == "event_id" else None
             for name in names}
            for n in range(count)
        ]  # fmt: skip

    contact = contact_tables_of(chance)
    made = {
        table: rows(table)
        for table in SHOP
        if table.startswith("event_")
        or table in ("opportunities", "deliveries", "account_contacts", "campaign_pages", "shops")
    }
    people = [{"profile_id": one, "is_holdout": False, "qualified_at": NOW} for one in PEOPLE[:2]]
    return {
        **{table: [] for table in SHOP}, **made, **contact, "audience_people": people,
        "profiles": rows("profiles", "profile_id", PEOPLE), "accounts": rows("accounts", "account_id", COMPANIES),
        "households": rows("households", "household_id", HOUSEHOLDS),
    }  # fmt: skip


def members_of(world: World, everybody: list[str], entity: str, definition: Row) -> list[str]:
    """Who meets a definition, and of those the first where it has a limit."""
    limit = definition.get("limit")
    condition = {key: told for key, told in definition.items() if key != "limit"}
    met = [one for one in everybody if holds(world, one, entity, condition)]
    if not limit:
        return met
    scope = Scope(world, entity, "", ZoneInfo("UTC"))
    rows = {row["profile_id"]: row for row in world["profiles"]}
    companies = {row["profile_id"]: set[str]() for row in world["account_contacts"]}
    for row in world["account_contacts"]:
        companies[row["profile_id"]] |= {row["account_id"]} - {None}

    def groups(one: str) -> set[Any]:
        if limit.get("per") == "account":
            return companies.get(one) or {one}
        return {rows[one][limit["per"]]} - {None} if "per" in limit else {""}

    def worth(one: str) -> tuple[bool, float, str]:
        value = of_row(scope, rows[one], limit["by"])
        sign = 1 if limit.get("from") == "lowest" else -1
        return value is None, 0 if value is None else sign * value, one

    def place(one: str, group: Any) -> int:
        return sorted((other for other in met if group in groups(other)), key=worth).index(one) + 1

    return [one for one in met if groups(one) and max(place(one, group) for group in groups(one)) <= limit["top"]]  # fmt: skip


def make_asks(folder: Path, database: Path) -> None:
    """A project with a model for every ask."""
    variables = {
        "cdp_events": EVENTS, "cdp_as_of": str(NOW), "cdp_registry": {"journeys": ["journey_tried"]},
        "cdp_identity": {"person": {"identifiers": {"card_number": {}}}},
        "cdp_entities": {"household": {"model": "households", "key": "household_id"}},
    }  # fmt: skip
    make_project(folder, database, dict.fromkeys(SHOP, "select 1 as one"), variables)
    for number, ask in enumerate(ASKS):
        text = yaml.safe_dump({"entity": ask.get("entity", "person"), **ask["definition"]}, sort_keys=False, width=10_000)  # fmt: skip
        (folder / "models" / f"audience_ask{number}.sql").write_text(
            f"{{% set definition %}}\n{text}{{% endset %}}\n{{{{ headwater.audience(definition) }}}}\n"
        )


@pytest.fixture(scope="module")
def company(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[duckdb.DuckDBPyConnection, dict[str, str]]:
    """A database with empty tables, and the SQL of every ask by its number."""
    folder = tmp_path_factory.mktemp("sayable")
    database = folder / "sayable.duckdb"
    make_tables(database, SHOP)
    make_asks(folder, database)
    return duckdb.connect(str(database)), compiled_models(folder)


@pytest.mark.property
def test_every_ask_holds_whom_it_asks_for_and_not_everybody(
    company: tuple[duckdb.DuckDBPyConnection, dict[str, str]],
) -> None:
    connection, compiled = company
    wrong: dict[str, Any] = {}
    members = dict.fromkeys(range(len(ASKS)), 0)
    others = dict.fromkeys(range(len(ASKS)), 0)
    # Each in a few worlds, and in more where nobody was in it yet, or nobody was not.
    for seed in range(WORLDS):
        asked = [n for n in members if seed < FIRST_WORLDS or not members[n] or not others[n]]
        if not asked:
            break
        world = shop_of(random.Random(seed))
        for table, rows in world.items():
            connection.execute(f"delete from analytics.{table}")
            names = [column.split()[0] for column in SHOP[table].split(", ")]
            told = [[row[name] for name in names] for row in rows]
            insert(connection, f"analytics.{table}", told)
        for number in asked:
            ask = ASKS[number]
            entity = ask.get("entity", "person")
            everybody = {"person": PEOPLE, "account": COMPANIES, "household": HOUSEHOLDS}[entity]
            got = sorted(row[0] for row in connection.execute(compiled[f"audience_ask{number}"]).fetchall())  # fmt: skip
            wanted = members_of(world, everybody, entity, ask["definition"])
            if got != wanted:
                wrong.setdefault(ask["ask"], (seed, got, wanted))
            members[number] += len(got)
            others[number] += len(everybody) - len(got)
    assert wrong == {}
    assert [ASKS[n]["ask"] for n in members if not members[n] or not others[n]] == []
