"""`zone: theirs`: hours, weekdays, days and anniversaries by the clock where each person is, beside plain Python over the same rows."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import yaml

from tests.python.audiences.project import make_project, make_tables, said_by_dbt
from tests.python.audiences.worlds import EVENTS, NOW, TABLES

ZONES = ["Asia/Tokyo", "America/Los_Angeles", "Europe/Berlin", "Nowhere/Atall", None]
Shown = Callable[[dt.datetime], dt.datetime]
DEFAULT = "Australia/Sydney"


def nightly(own: list[Any], shown: Shown) -> bool:
    return any(shown(at).hour in (22, 23, 0, 1) for at, _ in own)


ASKS: dict[str, tuple[dict[str, Any], Callable[[list[Any], Shown], bool]]] = {
    "at_night": ({"did": "page_viewed", "when": {"hour": [22, 23, 0, 1]}}, nightly),
    "weekend": ({"did": "page_viewed", "when": {"weekday": ["saturday", "sunday"]}, "at_least": 2},
                lambda own, shown: sum(shown(at).weekday() > 4 for at, _ in own) >= 2),
    "last_at_night": ({"did": "page_viewed", "last": {"when": {"hour": {"between": [18, 23]}}}},
                      lambda own, shown: bool(own) and shown(max(own)[0]).hour >= 18),
    "one_day": ({"did": "page_viewed", "same": "day", "at_least": 3},
                lambda own, shown: any(sum(shown(at).date() == day for at, _ in own) >= 3 for day in {shown(at).date() for at, _ in own})),
    "days": ({"did": "page_viewed", "count": {"distinct": "day", ">=": 4}}, lambda own, shown: len({shown(at).date() for at,
        _ in own}) >= 4),
    "share": ({"did": "page_viewed", "share": {"when": {"hour": {"<": 12}}, ">=": 0.6}},
              lambda own, shown: bool(own) and sum(shown(at).hour < 12 for at, _ in own) / len(own) >= 0.6),
    "sequence": ({"sequence": [{"did": "page_viewed", "when": {"weekday": "monday"}}, {"did": "page_viewed",
        "when": {"weekday": "tuesday"}, "within": "2 days"}]},
                 lambda own, shown: any(shown(a).weekday() == 0 and shown(b).weekday() == 1 and a < b <= a + dt.timedelta(days=2) for a,
                     _ in own for b, _ in own)),
    "figure": ({"figure": {"did": "page_viewed", "when": {"month": 6}}, ">=": 3}, lambda own, shown: sum(shown(at).month == 6 for at,
        _ in own) >= 3),
}  # fmt: skip


def test_clocks_are_those_where_people_are(tmp_path: Path) -> None:
    database = tmp_path / "zones.duckdb"
    tables = {**TABLES, "profiles": TABLES["profiles"] + ", time_zone text"}
    make_tables(database, tables)
    make_project(tmp_path, database, {}, {"cdp_events": EVENTS, "cdp_as_of": str(NOW), "cdp_time_zone": DEFAULT})  # fmt: skip
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema raw")
        for name in tables:
            connection.execute(f"create table raw.{name} as from analytics.{name}; drop table analytics.{name}")  # fmt: skip
            (tmp_path / "models" / f"{name}.sql").write_text(f"select * from raw.{name}")
    chance = random.Random(7)
    people = {f"p{n:02}": chance.choice(ZONES) for n in range(60)}
    signed_up = {one: NOW - dt.timedelta(days=365, hours=chance.randint(-40, 40)) for one in people}
    views: dict[str, list[tuple[dt.datetime, str]]] = {one: [] for one in people}
    with duckdb.connect(str(database)) as connection:
        for one, zone in people.items():
            connection.execute(
                "insert into raw.profiles (profile_id, time_zone, seen) values (?, ?, ?)", [one, zone, signed_up[one]]
            )  # fmt: skip
            for _ in range(chance.randint(0, 9)):
                at = NOW - dt.timedelta(minutes=chance.randint(0, 60 * 24 * 40))
                views[one].append((at, "x"))
                connection.execute("insert into raw.event_page_viewed values (?, ?, '/a', ?)", [f"{one}{at}", one, at])  # fmt: skip
    ask = {name: told for name, (told, _) in ASKS.items()}
    ask["joined"] = {"trait": "seen", "anniversary": {"within_next": "1 day"}}
    for name, told in ask.items():
        text = yaml.safe_dump({"entity": "person", "zone": "theirs", **told}, width=10_000)
        (tmp_path / "models" / f"audience_{name}.sql").write_text(
            f"{{{{ config(materialized='table') }}}}\n{{% set definition %}}\n{text}{{% endset %}}\n"
            "{{ headwater.audience(definition) }}\n"
        )
    assert said_by_dbt(tmp_path, "run") == ""

    def shown_by(zone: str | None) -> Shown:
        known = ZoneInfo(zone if zone and zone != "Nowhere/Atall" else DEFAULT)
        return lambda at: at.replace(tzinfo=dt.UTC).astimezone(known).replace(tzinfo=None)

    today = shown_by(DEFAULT)(NOW).date()
    with duckdb.connect(str(database)) as connection:
        for name in ask:
            got = {row[0] for row in connection.execute(f"select profile_id from analytics.audience_{name}").fetchall()}  # fmt: skip
            if name == "joined":
                days = [today, today + dt.timedelta(days=1)]
                wanted = {
                    one for one, zone in people.items()
                    if any((day.month, day.day) == (shown_by(zone)(signed_up[one]).month,
                        shown_by(zone)(signed_up[one]).day) for day in days)
                }  # fmt: skip
            else:
                wanted = {one for one, zone in people.items() if ASKS[name][1](views[one], shown_by(zone))}  # fmt: skip
            assert got == wanted, name
            assert 0 < len(got) < len(people), name
