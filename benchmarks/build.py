"""A whole `dbt build` of the project as it ships, then a day on which 1 % of the rows of every raw table came, then an hour with none.

Every table of every source is drawn for `--people`; page views are repeated until there are `--events` of them. One row in a hundred
is held back, by its hash, and comes on the second day: new people, new records of old ones, late events. Tables that others
refer to come whole on the first day. Data tests run, unit tests do not, since they test the SQL and not the data. Each build is a
process of its own, its start included.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path

from benchmarks.figures import Benchmark, Figure, at_most
from benchmarks.kept import differences
from benchmarks.measured import Measured, measured
from benchmarks.scratch import ROOT

PARTS = ("dbt_project.yml", "selectors.yml", "macros", "models", "seeds", "tests")
DAYS = ("2026-11-23 12:00:00", "2026-11-24 12:00:00")
LATER = "2026-11-24 13:00:00"
SLOWEST = 8
REFERRED_TO = ("shop__customers", "shop__orders", "shop__products", "app__users", "crm__accounts")
# A row of every table, by all that it holds.
IS_LATE = "hash(raw_rows) % 100 = 7"


class Project:
    """A folder beside the real project, with a warehouse of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "headwater.duckdb"
        folder.mkdir()
        for part in PARTS:
            (folder / part).symlink_to(ROOT / part)
        (folder / "profiles.yml").write_text((ROOT / "profiles.yml.example").read_text())

    def load(self, raw: Path, *, late: bool) -> int:
        """Fill the raw tables with the rows of the first day, or of the second; how many there are."""
        import duckdb

        count = 0
        with duckdb.connect(str(self.database)) as connection:
            for path in sorted(raw.glob("raw_*.parquet")):
                schema, _, table = path.stem.partition("__")
                is_late = "false" if path.stem.endswith(REFERRED_TO) else IS_LATE
                rows = f"select raw_rows.* from '{path}' as raw_rows where "
                if late:
                    connection.execute(f"insert into {schema}.{table} {rows} {is_late}")
                else:
                    connection.execute(f"create schema if not exists {schema}")
                    connection.execute(f"create table {schema}.{table} as {rows} not ({is_late})")
                found = connection.execute(f"select count(*) from {schema}.{table}").fetchone()
                count += found[0] if found else 0
        return count

    def build(self, as_of: str, *, tests: bool = True) -> Measured:
        """One `dbt build`, with its data tests or without.

        Raises:
            RuntimeError: dbt failed.
        """
        line = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "--quiet", "build"]
        environment = {
            **os.environ,
            "DBT_PROFILES_DIR": str(self.folder),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "HEADWATER_TARGET": "duckdb",
            "HEADWATER_DUCKDB_PATH": str(self.database),
            "HEADWATER_AS_OF": as_of,
        }
        arguments = ["--project-dir", str(self.folder), "--exclude-resource-type", "unit_test"]
        if not tests:
            arguments.append("test")
        done = measured([*line, *arguments], env=environment, cwd=self.folder)
        if done.code:
            raise RuntimeError(f"dbt build failed:\n{done.output[-2000:]}")
        return done

    def differences(self) -> int:
        """Rows of the tables made by key or left alone that they would not have, or have otherwise, if they were made whole now."""
        return sum(differences(self.database, self.folder / "target").values())

    def slowest(self) -> list[tuple[str, float]]:
        """The models that the last build spent most on, in seconds."""
        results = json.loads((self.folder / "target/run_results.json").read_text())["results"]
        seconds = [
            (one["unique_id"].split(".")[2], float(one["execution_time"]))
            for one in results
            if one["unique_id"].startswith("model.")
        ]
        return sorted(seconds, key=lambda one: -one[1])[:SLOWEST]


def run(options: Namespace) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="headwater-build-", dir=options.directory) as name:
        folder = Path(name)
        raw = drawn(folder / "raw", options)
        project = Project(folder / "project")
        rows = project.load(raw, late=False)
        _say(f"first build, {rows:,} rows")
        first = project.build(DAYS[0])
        _say(f"  {first.seconds:.1f} s, {first.peak_bytes / 1e9:.2f} GB")
        added = project.load(raw, late=True) - rows
        _say(f"the day, {added:,} rows more")
        day = project.build(DAYS[1])
        _say(f"  {day.seconds:.1f} s, {day.peak_bytes / 1e9:.2f} GB")
        wrong = project.differences()
        slowest = project.slowest()
        _say("an hour later, nothing new")
        later = project.build(LATER)
        _say(f"  {later.seconds:.1f} s, {later.peak_bytes / 1e9:.2f} GB")
        return [
            Figure("rows of the raw tables, first day", rows, "rows"),
            Figure("first build", first.seconds, "s"),
            Figure(
                "the day, against the first build",
                day.seconds,
                "s",
                first.seconds,
                at_most(0.2, of="ratio"),
            ),
            Figure(
                "the day: rows otherwise than if made whole",
                wrong,
                "rows",
                goal=at_most(0),
            ),
            Figure(
                "nothing new, against the first build",
                later.seconds,
                "s",
                first.seconds,
                at_most(0.05, of="ratio"),
            ),
            Figure(
                "nothing new: rows otherwise than if made whole",
                project.differences(),
                "rows",
                goal=at_most(0),
            ),
            Figure("CPU of the first build", first.cpu_seconds, "s"),
            Figure("CPU of the day", day.cpu_seconds, "s", first.cpu_seconds),
            Figure("CPU with nothing new", later.cpu_seconds, "s", first.cpu_seconds),
            Figure("peak memory, first build", first.peak_bytes / 1e9, "GB"),
            Figure("peak memory, the day", day.peak_bytes / 1e9, "GB"),
            *(Figure(f"the day: {model}", seconds, "s") for model, seconds in slowest),
        ]


def drawn(raw: Path, options: Namespace) -> Path:
    """Parquet files of the raw tables, `<schema>__<table>`."""
    import duckdb

    _say(f"drawing {options.people:,} people")
    line = [sys.executable, "-m", "benchmarks.generator", "--format", "parquet"]
    line += ["--people", str(options.people), "--seed", str(options.seed), "--out", str(raw)]
    subprocess.run(line, cwd=ROOT, check=True, capture_output=True)
    views = raw / "raw_web__page_views.parquet"
    repeated = raw / "page_views.parquet"
    with duckdb.connect() as connection:
        found = connection.execute(f"select count(*) from '{views}'").fetchone()
        times = max(1, round(options.events / found[0])) if found else 1
        connection.execute(
            f"copy (select page_views.* replace (id || '-' || times.nth as id) "
            f"from '{views}' as page_views cross join range({times}) as times(nth)) "
            f"to '{repeated}' (format parquet)"
        )
    repeated.rename(views)
    return raw


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--events", type=int, default=400_000, help="page views")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--directory", type=Path, help="where the warehouse goes")


BENCHMARK = Benchmark(
    "build", "A whole dbt build, then one after a day of 1 % new rows.", run, add_arguments
)
