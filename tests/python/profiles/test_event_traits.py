"""Traits of an event, as the builder computes them and as pandas does, on random events."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from tests.python.audiences.project import ROOT, make_project
from tests.python.rows import insert

NOW = dt.datetime(2026, 11, 23, 12)
TRAITS = {
    "orders": "count",
    "orders_30d": {"count": True, "within": "30 days"},
    "shop_orders": {"count": True, "where": "channel = 'shop'"},
    "revenue": {"sum": "total"},
    "basket": {"mean": "total", "within": "90 days"},
    "smallest": {"min": "total"},
    "largest": {"max": "total"},
    "brands": {"distinct": "brand"},
    "first_at": "first",
    "last_at": "last",
    "first_brand": {"first": "brand"},
    "last_shop_brand": {"last": "brand", "where": "channel = 'shop'"},
    "usual_brand": {"most_frequent": "brand"},
    "usual_brand_90d": {"most_frequent": "brand", "within": "90 days"},
    "days_since_first": {"days_since": "first"},
    "days_since_last": {"days_since": "last"},
    "shop_share": {"ratio": ["shop_orders", "orders"]},
    "trend": {"change": {"sum": "total"}, "within": "30 days"},
    "count_trend": {"change": "count", "within": "30 days", "where": "channel = 'app'"},
    "r": {"quintile": "last_at"},
    "f": {"quintile": "orders"},
    "m": {"quintile": "revenue"},
    "c": {"quintile": "trend"},
}


TIMELESS = {
    name: told
    for name, told in TRAITS.items()
    if name
    in ("orders", "shop_orders", "revenue", "smallest", "largest", "brands", "shop_share", "f", "m")
} | {"mean_total": {"mean": "total"}}
BUILT = "headwater.event_traits(ref('{}'), {!r}{})"
STUBS = {
    "event_order_placed": "select * from raw.events",
    "policies": "select event_id as policy_no, occurred_at as began, * exclude (event_id, occurred_at) from raw.events",
    "brands": "select unnest(['a', 'b', 'c', 'never']) as brand",
    "profile_records": "select * from raw.records",
    "account_records": "select 'c' as account_id",
    "traits_orders": BUILT.format("event_order_placed", TRAITS, ""),
    "traits_by_channel": BUILT.format("event_order_placed", TRAITS, ", by='channel'"),
    "traits_of_brands": BUILT.format("event_order_placed", TRAITS, ", key='brand'"),
    "traits_of_rows": BUILT.format("policies", TRAITS, ", at='began', id='policy_no'"),
    "traits_without_time": BUILT.format("policies", TIMELESS, ", at=none, id='policy_no'"),
    "traits_of_some": BUILT.format("event_order_placed", TRAITS, ", key='brand', everybody=ref('some_brands')"),
    "some_brands": "select 'a' as brand",
}  # fmt: skip


def dbt(folder: Path, *words: str) -> str:
    """What dbt said of what went wrong; empty when all went well."""
    place = ("--project-dir", str(folder), "--profiles-dir", str(folder))
    paths = ("--target-path", str(folder / "target"), "--log-path", str(folder / "logs"))
    said: list[str] = []
    runner = dbtRunner(callbacks=[lambda event: said.append(event.info.msg)])
    result = runner.invoke(["--quiet", *words, *place, *paths])
    DuckDBConnectionManager.close_all_connections()
    failed = [str(one.message) for one in getattr(result.result, "results", ()) if one.message]
    return "" if result.success else " ".join([*said, *failed, str(result.exception or "")])


def traits_project(folder: Path, name: str, stubs: dict[str, str], now: dt.datetime) -> Path:
    """A project with the macros of profiles over stubs, at a time of its own; its database."""
    database = folder / f"{name}.duckdb"
    entities = {"brand": {"model": "brands", "key": "brand"}}
    make_project(folder, database, stubs, {"cdp_as_of": str(now), "cdp_entities": entities})
    shutil.copytree(
        ROOT / "macros" / "profiles",
        folder / "macros" / "profiles",
        ignore=shutil.ignore_patterns("*.yml"),
    )
    return database


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traits")
    stubs = {
        name: f"{{{{ {stub} }}}}" if stub.startswith("headwater.") else f"-- {name}\n{stub}"
        for name, stub in STUBS.items()
    }
    with duckdb.connect(str(traits_project(folder, "traits", stubs, NOW))) as connection:
        connection.execute(
            "create schema raw; create table raw.records (profile_id text);"
            "create table raw.events (event_id text, profile_id text, occurred_at timestamp, "
            "total decimal(18, 2), brand text, channel text)"
        )
    assert dbt(folder, "run") == ""
    return folder


def world(seed: int) -> tuple[list[str], pd.DataFrame]:
    chance = np.random.default_rng(seed)
    people = [f"p{n}" for n in range(12)]
    size = int(chance.integers(0, 80))
    # Few instants, so that windows' ends and ties are met.
    days = chance.choice([-1, 0, 1, 29, 30, 31, 59, 60, 61, 90, 200], size)
    return people, pd.DataFrame(
        {
            "event_id": [f"e{n:03}" for n in chance.permutation(size)],
            "profile_id": chance.choice(people[:9], size),
            "occurred_at": [NOW - dt.timedelta(days=int(day)) for day in days],
            "total": chance.choice([0.0, 5.25, 5.25, 19.99], size),
            "brand": chance.choice(np.array(["a", "b", "c", None], dtype=object), size),
            "channel": chance.choice(np.array(["shop", "app", None], dtype=object), size),
        }
    )


def of_person(events: pd.DataFrame) -> dict[str, Any]:
    """One person's, in plain pandas."""

    def within(days: float, before: float = 0) -> pd.DataFrame:
        start, end = NOW - dt.timedelta(days=days), NOW - dt.timedelta(days=before)
        return events[(events.occurred_at > start) & (events.occurred_at <= end)]

    def ordered(some: pd.DataFrame) -> pd.DataFrame:
        return some.dropna(subset="brand").sort_values(["occurred_at", "event_id"])

    def usual(some: pd.DataFrame) -> Any:
        if some.brand.dropna().empty:
            return None
        counts = (
            some.groupby("brand")
            .agg(n=("event_id", "size"), at=("occurred_at", "max"))
            .reset_index()
        )
        return counts.sort_values(["n", "at", "brand"], ascending=[False, False, True]).brand.iloc[
            0
        ]

    def over(now: float, before: float) -> float | None:
        return now / before if before else None

    def value(some: Any, place: int) -> Any:
        return some.brand.iloc[place] if len(some) else None

    shop, app = events[events.channel == "shop"], events.channel == "app"
    now, past = within(30), within(60, 30)
    some = len(events) > 0
    return {
        "orders": len(events),
        "orders_30d": len(now),
        "shop_orders": len(shop),
        "revenue": round(float(events.total.sum()), 2),
        "basket": float(within(90).total.mean()) if len(within(90)) else None,
        "smallest": float(events.total.min()) if some else None,
        "largest": float(events.total.max()) if some else None,
        "brands": events.brand.nunique(),
        "first_at": events.occurred_at.min().to_pydatetime() if some else None,
        "last_at": events.occurred_at.max().to_pydatetime() if some else None,
        "first_brand": value(ordered(events), 0),
        "last_shop_brand": value(ordered(shop), -1),
        "usual_brand": usual(events),
        "usual_brand_90d": usual(within(90)),
        "days_since_first": (NOW - events.occurred_at.min()).days if some else None,
        "days_since_last": (NOW - events.occurred_at.max()).days if some else None,
        "shop_share": over(len(shop), len(events)),
        "trend": over(float(now.total.sum()), float(past.total.sum())),
        "count_trend": over(len(now[app]) if len(now) else 0, len(past[app]) if len(past) else 0),
    }


def quintiles(values: pd.Series) -> list[Any]:
    shares = values.rank(method="max", pct=True)
    return [None if pd.isna(one) else int(np.ceil(5 * one - 1e-6)) for one in shares]


@pytest.mark.parametrize(
    "seed", [*range(8), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(8, 40))]
)
@pytest.mark.filterwarnings("ignore:Boolean Series key")
def test_traits_are_what_pandas_says(folder: Path, seed: int) -> None:
    people, events = world(seed)
    happened = events[events.occurred_at <= NOW]
    with duckdb.connect(str(folder / "traits.duckdb")) as connection:
        connection.execute("delete from raw.records; delete from raw.events")
        insert(connection, "raw.records", [[one] for one in people * 2])
        insert(connection, "raw.events", [
            [None if isinstance(one, float) and np.isnan(one) else one for one in row]
            for row in events.itertuples(index=False)
        ])  # fmt: skip
        # What is of other keys, or of rows that are no events, is made by the same lines: three worlds of it in CI.
        is_asked = seed < 3 or seed >= 8
        for model in ("traits_orders", "traits_of_rows")[: 2 if is_asked else 1]:
            found = rows_of(connection, model, ["profile_id"], TRAITS)
            compare(found, {(one,): happened[happened.profile_id == one] for one in people}, TRAITS)
        if not is_asked:
            return
        found = rows_of(connection, "traits_without_time", ["profile_id"], TIMELESS)
        compare(found, {(one,): events[events.profile_id == one] for one in people}, TIMELESS)
        found = rows_of(connection, "traits_by_channel", ["profile_id", "channel"], TRAITS)
        lines = dict(list(happened.groupby(["profile_id", "channel"])))
        compare(found, lines, TRAITS, within=1)
        found = rows_of(connection, "traits_of_brands", ["brand"], TRAITS)
        brands = {(one,): happened[happened.brand == one] for one in ("a", "b", "c", "never")}
        compare(found, brands, TRAITS)
        found = rows_of(connection, "traits_of_some", ["brand"], TRAITS)
        compare(found, {("a",): brands["a",]}, TRAITS)


def rows_of(
    connection: duckdb.DuckDBPyConnection, model: str, keys: list[str], traits: dict[str, Any]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    result = connection.execute(f"select * from analytics.{model}")
    names = [one[0] for one in result.description]
    assert names == [*keys, *traits]
    rows = result.fetchall()
    found = {row[: len(keys)]: dict(zip(names, row, strict=True)) for row in rows}
    assert len(found) == len(rows)
    return found


def compare(
    found: dict[tuple[Any, ...], dict[str, Any]],
    events: dict[tuple[Any, ...], pd.DataFrame],
    names: dict[str, Any],
    within: int | None = None,
) -> None:
    """Each key's traits are those of its events; with `within` quintiles are among keys that are alike in that place."""
    assert set(found) == set(events)
    wanted = {one: of_person(events[one]) for one in sorted(events)}
    for one, some in events.items():
        wanted[one]["mean_total"] = float(some.total.mean()) if len(some) else None
    for group in {one[within] if within is not None else None for one in wanted}:
        keys = [one for one in wanted if within is None or one[within] == group]
        table = pd.DataFrame([wanted[one] for one in keys])
        for name, of in (("r", "last_at"), ("f", "orders"), ("m", "revenue"), ("c", "trend")):
            column = pd.to_datetime(table[of]) if of == "last_at" else table[of].astype(float)
            column = column.where(table.orders > 0)  # whoever never did it would lift all others
            for one, quintile in zip(keys, quintiles(column), strict=True):
                wanted[one][name] = quintile
    for one, traits in wanted.items():
        for name in names:
            told = traits[name]
            value = None if told is pd.NaT or told != told else told
            got = found[one][name]
            is_number = isinstance(value, float) and got is not None
            same = float(got) == pytest.approx(value) if is_number else got == value
            assert same, f"{one} {name}: {got} and not {value}"


@pytest.mark.parametrize(
    ("trait", "words"),
    [
        ("cuont", "x: 'cuont' is not one of count, sum"),
        ({"sum": "total", "wihtin": "30 days"}, "'wihtin' is not one of"),
        ({"sum": "total", "count": True}, "wants one of count"),
        ({"sum": True}, "wants {sum: column}"),
        ({"count": True, "within": "30"}, "'30' is no duration"),
        ({"count": True, "where": ""}, "where wants SQL"),
        ({"ratio": ["orders", "nix"]}, "ratio: 'nix' is no trait of events"),
        ({"quintile": "orders", "within": "3 days"}, "quintile is of other traits"),
        ({"change": {"sum": "total"}}, "change wants its window"),
        ({"change": {"mean": "total"}, "within": "3 days"}, "change is of count, {sum: column} or {distinct: column}"),
        ({"days_since": "then"}, "wants {days_since: first} or last"),
    ],
)  # fmt: skip
def test_a_trait_that_is_none_says_which_and_what_is_allowed(
    folder: Path, trait: Any, words: str
) -> None:
    traits = {"orders": "count", "x": trait}
    inline = f"{{{{ headwater.event_traits(ref('event_order_placed'), {traits!r}) }}}}"
    assert words in dbt(folder, "compile", "--inline", inline)


@pytest.mark.parametrize(
    ("options", "trait", "words"),
    [
        ("key='pet_id'", "count", "key: 'pet_id' is the key of nothing, of profile_id, account_id, brand (vars: cdp_entities)"),
        ("at=none", "first", "wants a time: say by `at` which column has it"),
        ("at=none", {"count": True, "within": "3 days"}, "wants a time"),
    ],
)  # fmt: skip
def test_a_key_and_a_time_that_are_not_there_are_said(
    folder: Path, options: str, trait: Any, words: str
) -> None:
    call = f"headwater.event_traits(ref('policies'), {{'x': {trait!r}}}, {options})"
    assert words in dbt(folder, "compile", "--inline", f"{{{{ {call} }}}}")


def test_companies_have_traits_too(folder: Path) -> None:
    inline = (
        "{{ headwater.event_traits(ref('event_order_placed'), {'n': 'count'}, key='account_id') }}"
    )
    assert dbt(folder, "compile", "--inline", inline) == ""
