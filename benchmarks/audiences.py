"""Fifty mixed audiences asked before they are built: exactly, and by a sample, in a process that is running; time, memory, growth."""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from unittest import mock

from benchmarks.figures import Benchmark, Figure, at_most
from benchmarks.scratch import ScratchProject

if TYPE_CHECKING:
    from sync.audiences.compiled import Compiled

NOW = "2026-06-30 12:00:00"
# Of a hundred events so many; one person in three does half of all.
EVENTS = {"page_viewed": 70, "app_used": 18, "order_placed": 9, "ticket_opened": 3}
PROFILES = """create table analytics.profiles as select 'p' || lpad(cast(n as varchar), 8, '0') as profile_id,
    ['DE', 'FR', 'AT', 'CH', 'NL'][1 + cast(hash(n, 1) % 5 as integer)] as country,
    date '1950-01-01' + cast(hash(n, 2) % 20000 as integer) as birth_date,
    timestamp '2026-06-30 12:00:00' - to_seconds(hash(n, 3) % 94608000) as signed_up_at,
    cast(hash(n, 4) % 100000 as double) / 100 as lifetime_value_eur, cast(hash(n, 5) % 12 as integer) as order_count,
    hash(n, 6) % 3 = 0 as is_subscriber
    from range({people}) as t(n)"""
EVENT = """create table analytics.event_{name} as select '{name}' || n as event_id,
    'p' || lpad(
        cast(hash(n, 2) % case when hash(n, 1) % 2 = 0 then {people} else greatest({people} // 3, 1) end as varchar), 8, '0'
    ) as profile_id,
    timestamp '2026-06-30 12:00:00' - to_seconds(hash(n, 4) % 31536000) as occurred_at,
    ['outdoor', 'home', 'kids'][1 + cast(hash(n, 5) % 3 as integer)] as product_line,
    cast(hash(n, 6) % 20000 as double) / 100 as revenue_eur,
    ['low', 'high'][1 + cast(hash(n, 7) % 2 as integer)] as severity
    from range({count}) as t(n)"""


def definitions() -> Iterator[dict[str, Any]]:
    """Fifty, of every family: traits, windows, counts, sums, ends, sequences, figures, absences, points, groups."""
    for country, days in [("DE", 7), ("FR", 30), ("AT", 90), ("CH", 180), ("NL", 365)]:
        window = f"{days} days"
        yield {
            "all": [
                {"trait": "country", "in": ["DE", country]},
                {"did": "order_placed", "within": window, "at_least": 2},
            ]
        }
        yield {
            "all": [
                {"did": "page_viewed", "within": window, "at_least": 3},
                {"not": {"did": "order_placed", "within": window}},
            ]
        }
        yield {
            "any": [
                {"trait": "lifetime_value_eur", ">=": 900},
                {
                    "did": "order_placed",
                    "within": window,
                    "sum": {"property": "revenue_eur", ">": 250},
                },
            ]
        }
        yield {
            "all": [
                {"trait": "is_subscriber", "equals": True},
                {"did": "app_used", "within": window, "exactly": 0},
            ]
        }
        yield {
            "sequence": [
                {"did": "page_viewed", "within": window, "where": {"product_line": "outdoor"}},
                {"did_not": "order_placed", "within": "2 days"},
            ]
        }
        yield {"did": "order_placed", "last": {"where": {"product_line": "kids"}}, "within": window}
        yield {
            "all": [
                {"trait": "birth_date", "age": {"between": [20, 20 + days // 8 + 5]}},
                {"did": "app_used", "within": window},
            ]
        }
        yield {
            "did": "page_viewed",
            "within": window,
            "count": {"<": {"previous": "window", "times": 0.5}},
        }
    yield {
        "figure": {"did": "order_placed", "days_since": "last"},
        ">": {"figure": {"did": "order_placed", "gap": "mean"}, "times": 2},
    }
    yield {"trait": "birth_date", "anniversary": {"within_next": "7 days"}}
    yield {"did": "app_used", "during": "last 4 weeks", "in_each": "week"}
    yield {
        "score": [
            {"points": 5, "if": {"did": "order_placed", "within": "60 days"}},
            {"points": 3, "if": {"did": "app_used", "within": "14 days"}},
        ],
        "at_least": 5,
    }
    yield {"did": "page_viewed", "at_least": 4, "in_any": "7 days", "within": "90 days"}
    yield {"did": "ticket_opened", "share": {"where": {"severity": "high"}, ">": 0.6}}
    yield {"did": "page_viewed", "favourite": {"property": "product_line", "equals": "home"}}
    yield {"trait": "lifetime_value_eur", ">": {"mean": "lifetime_value_eur", "per": "country"}}
    yield {"trait": "lifetime_value_eur", "tile": {"of": 10, "equals": 10}}
    yield {
        "trait": "order_count",
        ">=": 3,
        "limit": {"top": 1000, "by": "lifetime_value_eur", "per": "country"},
    }


def _world(folder: Path, people: int, events: int) -> ScratchProject:
    import duckdb

    project = ScratchProject(folder, variables={"cdp_events": [], "cdp_registry": {}})
    (folder / "models/engine/profiles.sql").write_text("select 1 as one")
    for name in EVENTS:
        (folder / f"models/engine/event_{name}.sql").write_text("select 1 as one")
    # As every event of a project is tested.
    tested = [
        {"name": f"event_{name}", "columns": [{"name": "event_id", "data_tests": ["unique"]}]}
        for name in EVENTS
    ]
    (folder / "models/engine/_events.yml").write_text(json.dumps({"version": 2, "models": tested}))
    # What a preview asks besides, of people whom no sync reaches.
    for name in ("profile_consent", "profile_suppressions"):
        (folder / f"models/engine/{name}.sql").write_text("select 1 as one")
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("set threads = 2")
        connection.execute("create schema analytics")
        connection.execute(PROFILES.format(people=people))
        for name, share in EVENTS.items():
            connection.execute(EVENT.format(name=name, people=people, count=events * share // 100))
        connection.execute("create table analytics.profile_consent (profile_id varchar, channel varchar, "
            "purpose varchar, state varchar)")  # fmt: skip
        connection.execute("create table analytics.profile_suppressions (profile_id varchar, channel varchar, reason varchar)")  # fmt: skip
    return project


class _Measured:
    def __init__(self) -> None:
        self.compiled: list[float] = []
        self.exact: list[float] = []
        self.sampled: list[float] = []
        self.whole: list[float] = []  # compiling and sampling together
        self.off: list[float] = []
        self.told: list[float] = []


def _measure(project: ScratchProject, told: list[dict[str, Any]]) -> _Measured:
    from sync.audiences.answers import counted
    from sync.audiences.compiled import Compiler
    from sync.audiences.sampled import PEOPLE, estimate
    from sync.config.project import find_project
    from sync.warehouses.duckdb import DuckDBWarehouse
    from sync.warehouses.duckdb_sample import DuckDBSample

    found = _Measured()
    asked: list[Compiled] = []
    with (
        mock.patch.dict(os.environ, {**project.environment, "HEADWATER_AS_OF": NOW}),
        Compiler(find_project(project.directory)) as dbt,
    ):
        for number, definition in enumerate([told[0], *told]):
            path = project.directory / f"asked_{number}.yml"
            path.write_text(json.dumps({"entity": "person", **definition}))
            begun = time.perf_counter()
            compiled = dbt.file(path, f"audience_asked_{number}")
            if number:  # the first starts dbt
                found.compiled.append(time.perf_counter() - begun)
                asked.append(compiled)
    warehouse = DuckDBWarehouse(str(project.database))
    warehouse.at_ease()  # as `sync audience` does
    sizes = []
    with warehouse.session() as session:
        session.rows("select 1 as one")
        for compiled in asked:
            begun = time.perf_counter()
            rows = session.rows(counted(compiled))
            found.exact.append(time.perf_counter() - begun)
            sizes.append(sum(int(row["counted"]) for row in rows if row["is_member"]))
            print(f"{compiled.sentence[:90]}: {sizes[-1]:,} in {found.exact[-1]:.2f} s", file=sys.stderr)  # fmt: skip
    sample = DuckDBSample(project.database, asked[0].relation, asked[0].key, PEOPLE)
    for compiled in asked:  # which bring the tables in
        if compiled.is_of_each:
            estimate(sample, compiled)
    for compiled, size, seconds in zip(asked, sizes, found.compiled, strict=True):
        if not compiled.is_of_each:
            continue
        begun = time.perf_counter()
        answer = estimate(sample, compiled)
        found.sampled.append(time.perf_counter() - begun)
        found.whole.append(found.sampled[-1] + seconds)
        found.off.append(abs(answer["members"] - size) / answer["of"] * 100)
        found.told.append(answer["error_percent"])
    sample.close()
    return found


def _at(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def run(arguments: Namespace) -> Sequence[Figure]:
    """The audiences over so many people, and over a tenth of them."""
    told = list(definitions())
    with tempfile.TemporaryDirectory() as folder:
        less = _measure(_world(Path(folder) / "less", arguments.people // 10, arguments.events // 10), told)  # fmt: skip
        found = _measure(_world(Path(folder) / "all", arguments.people, arguments.events), told)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = f"{arguments.people:,} people, {arguments.events:,} events"
    return [
        Figure(f"exact answer, the slowest of {len(told)}, {size}", max(found.exact), "s", goal=at_most(5)),
        Figure("exact answer, median", median(found.exact), "s", reference=median(less.exact)),
        Figure("exact answers together, beside those over a tenth", sum(found.exact), "s", reference=sum(less.exact)),
        Figure(f"sampled answer, 95 of 100, {len(found.sampled)} audiences that a "
            f"sample knows", _at(found.sampled, 0.95) * 1000, "ms", goal=at_most(300)),
        Figure("the same with dbt compiling the definition anew", _at(found.whole, 0.95) * 1000, "ms"),
        Figure("dbt compiling a definition, median", median(found.compiled) * 1000, "ms"),
        Figure("stated error, the largest, of everybody", max(found.told), "%", goal=at_most(2)),
        Figure("real error, the largest, of everybody", max(found.off), "%", goal=at_most(2)),
        Figure("estimates farther off than stated", sum(off > error for off, error in zip(found.off, found.told,
            strict=True)) / len(found.off) * 100, "%"),
        Figure("memory at its peak", peak, "MB"),
    ]  # fmt: skip


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=20_000_000)


BENCHMARK = Benchmark("audiences", "Fifty audiences asked before they are built, exactly and by a sample.", run, add_arguments)  # fmt: skip
