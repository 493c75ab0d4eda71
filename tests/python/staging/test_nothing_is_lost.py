"""No column of the demo's or the team project's staging loses a value in silence: raw not empty, staged null, and no row of
`unread_values` that says so. What of the team project is public is walked too, by `make test-long`.

The test knows no model and no column: of each raw table it takes one row whole, spoils one cell of a copy at a time, and looks at what
staging makes of it.
"""

from __future__ import annotations

import csv as csv_rows
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import yaml
from pyarrow import csv

from tests.python.guest import ROOT, Project
from tests.python.package.projects import Place, copy_of_team_project
from tests.python.warehouses.raw import raw_tables

# No date, number, address, country, word of a list or name.
JUNK = ("31/31/99 25:61", "¿?", "twelve (12)")
READS = re.compile(r"rows_by_key\(source\('(\w+)', '(\w+)'\), (?:'(\w+)'|\w+)\)")
KEY = "lost"
TEAM = ROOT / "tests/team_project"
NUMBERS = ("bottles", "seats")
TEAMS_KEYS = {
    "stg_club__members": "Member No",
    "stg_till__receipts": "receiptNo",
    "stg_agency__buyers": "id",
}
# Of an address on the web only a part is taken: one without that part has not lost it.
TAKEN_APART = {("stg_web__clicks", "url"), ("stg_web__page_views", "url")}


def teams_tables() -> dict[str, pa.Table]:
    """What `dbt seed` makes of the team project's files: text, but for the numbers that its settings leave numbers."""
    found = {}
    for path in sorted((TEAM / "seeds").glob("*.csv")):
        header = path.read_text("utf-8").partition("\n")[0].split(",")
        types = {name: pa.int64() if name in NUMBERS else pa.string() for name in header}
        options = csv.ConvertOptions(column_types=types, strings_can_be_null=False)
        found[f"raw_winery__{path.stem}"] = csv.read_csv(path, convert_options=options)
    return found


@dataclass(frozen=True)
class Home:
    """A project whose staging is walked: its folder, raw tables and settings, and the keys of models that do not say theirs."""

    staging: Path
    raw: Callable[[], dict[str, pa.Table]]
    settings: Path
    keys: dict[str, str]
    least: int  # values that must have been lost and counted


HOMES = {
    "demo": Home(
        ROOT / "models/demo/staging", lambda: raw_tables()[0], ROOT / "dbt_project.yml", {}, 50
    ),
    "team": Home(TEAM / "models/staging", teams_tables, TEAM / "dbt_project.yml", TEAMS_KEYS, 10),
}


def spoilt(rows: pa.Table, key: str) -> pa.Table:
    """The fullest row under a key of its own, and a copy for each other column of text and each kind of junk in it."""
    filled = [
        (sum(value not in (None, "") for value in row.values()), row) for row in rows.to_pylist()
    ]
    whole = max(filled, key=lambda one: one[0])[1]
    made = [{**whole, key: f"{KEY}.whole"}]
    for column in rows.column_names:
        if column != key and rows.schema.field(column).type == pa.string():
            made += [
                {**whole, key: f"{KEY}.{column}.{n}", column: junk} for n, junk in enumerate(JUNK)
            ]
    return pa.Table.from_pylist(made, schema=rows.schema)


def models_of_sources(home: Home) -> dict[str, tuple[str, tuple[str, str], str]]:
    """By model: its SQL, its raw table, and the column by which its rows are known; of a key that is put together the first one."""
    found = {}
    for path in home.staging.rglob("*.sql"):
        text = path.read_text("utf-8")
        if path.stem in home.keys:
            source, table = re.findall(r"source\('(\w+)', '(\w+)'\)", text)[0]
            found[path.stem] = (text, (f"raw_{source}", table), home.keys[path.stem])
        elif "source('" in text:
            read = READS.search(text)
            assert read, f"{path.name} reads a source otherwise: say here how its rows are known"
            key = read[3] or re.findall(r"\w*_?id\b", text.partition("source as (")[2])[0]
            found[path.stem] = (text, (f"raw_{read[1]}", read[2]), key)
    return found


@pytest.fixture(scope="module", params=HOMES)
def home(request: pytest.FixtureRequest) -> Home:
    return HOMES[request.param]


@pytest.fixture(scope="module")
def staged(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("lost"))
    raw = home.raw()
    with duckdb.connect(str(project.folder / "shop.duckdb")) as connection:
        for name, (text, (schema, table), key) in models_of_sources(home).items():
            project.models[name] = text
            connection.register("spoilt", spoilt(raw[f"{schema}__{table}"], key))
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(f"create table {schema}.{table} as select * from spoilt")
    for path in home.staging.rglob("_*sources.yml"):
        for source in yaml.safe_load(path.read_text())["sources"]:
            names = [{"name": table["name"]} for table in source["tables"]]
            project.sources.append(
                {"name": source["name"], "schema": f"raw_{source['name']}", "tables": names}
            )
    settings = yaml.safe_load(home.settings.read_text())["vars"]
    project.vars = {
        "cdp_default_country": settings.get("cdp_default_country", "AT"),
        "cdp_unread": {"stop_percent": 100},
    }
    assert project.build() == []
    return project


def test_what_staging_makes_null_is_counted_for_its_column(home: Home, staged: Project) -> None:
    silent, counted = set(), 0
    with duckdb.connect(str(staged.folder / "shop.duckdb")) as connection:
        unread = {
            (model, column.lower())
            for model, column in connection.execute(
                "select model_name, column_name from analytics_sync.unread_values where unread_count > 0"
            ).fetchall()
        }
        for model, (_, (schema, table), _) in models_of_sources(home).items():
            frame = connection.execute(f"select * from analytics.{model}").df().astype(object)
            frame = frame.where(frame.notna(), None)
            of_key = next(
                name for name in frame if frame[name].astype(str).str.startswith(f"{KEY}.").any()
            )
            rows = {row[of_key]: row for row in frame.to_dict("records")}
            loaded = connection.sql(f"select count(*) from {schema}.{table}").fetchall()[0][0]
            assert len(rows) == loaded, f"{model} has not every row"
            whole = rows.pop(f"{KEY}.whole")
            for name, row in rows.items():
                _, column, number = str(name).split(".")
                lost = [one for one in row if whole[one] is not None and row[one] is None]
                # What stands there as it was written is not lost, whatever else is made of it.
                is_kept = JUNK[int(number)] in [str(value).lower() for value in row.values()]
                if not lost or is_kept:
                    continue
                counted += 1
                if (model, column.lower()) not in unread | TAKEN_APART:
                    silent.add(f"{model}: {column} to {', '.join(lost)}")
    assert counted >= home.least
    assert sorted(silent) == []


# -- what is public of the team project ---------------------------------------------------------


def _spoilt_file(path: Path, key: str, own: Callable[[str, str], str]) -> list[str]:
    """A whole row of a seed under a key of its own, and copies with junk in one cell each; `own` makes an address or number theirs."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv_rows.DictReader(file))
    whole = max(rows, key=lambda row: sum(map(bool, row.values())))
    made = []
    for column in ("whole", *(name for name in whole if name != key and name not in NUMBERS)):
        for number, junk in enumerate(JUNK):
            name = f"{KEY}.{column}.{number}"
            row = {other: own(other, name) or value for other, value in whole.items()}
            made.append({**row, key: name, **({} if column == "whole" else {column: junk})})
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv_rows.DictWriter(file, list(whole), lineterminator="\n")
        writer.writerows(made)
    return [row[key] for row in made]


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = copy_of_team_project(tmp_path_factory.mktemp("public"))
    settings = place.folder / "dbt_project.yml"
    settings.write_text(
        settings.read_text().replace("\nvars:\n", "\nvars:\n  cdp_unread: {stop_percent: 100}\n")
    )
    numbers = iter(range(1000))

    def own(column: str, name: str) -> str:
        if column in ("E-Mail", "eMail", "contact"):
            return f"{re.sub('[^a-z0-9]', '', name.lower())}.{next(numbers)}@lost.test"
        if column in ("Mobile",):
            return f"+43 660 2{next(numbers):06d}"
        if column == "vat":
            return f"ATU2{next(numbers):07d}"
        return ""

    for file, key in (("club_members", "Member No"), ("agency_buyers", "id")):
        _spoilt_file(place.folder / "seeds" / f"{file}.csv", key, own)
    place.dbt("deps")
    place.dbt("seed", "--select", "winery")
    place.dbt("build", "--exclude-resource-type", "unit_test")
    return place


@pytest.mark.long
def test_no_public_column_of_the_team_project_loses_a_value_in_silence(team: Place) -> None:
    """Whoever has a spoilt cell has in every public table what the person of the whole row has, or a row says what was lost."""
    public = [
        node
        for node in team.manifest().nodes.values()
        if node.resource_type == "model" and node.config.access == "public"
    ]
    silent, looked = set(), set()
    with duckdb.connect(str(team.folder / "winery.duckdb"), read_only=True) as connection:
        said = {
            (model, column.lower())
            for model, column in connection.execute(
                "select model_name, column_name from dev_sync.unread_values where unread_count > 0"
            ).fetchall()
        }
        for entity, source, staging in (
            ("profile", "club", "stg_club__members"),
            ("profile", "agency", "stg_agency__buyers"),
            ("account", "agency", "stg_agency__buyers"),
        ):
            relation = f"dev_cdp.{entity}_records"
            ids = dict(
                connection.execute(
                    f"select source_record_id, {entity}_id from {relation} "
                    f"where source_name = '{source}' and source_record_id like '{KEY}.%'"
                ).fetchall()
            )
            wholes = [ids[name] for name in ids if ".whole." in name]
            assert len(wholes) == len(JUNK)
            assert len(set(ids.values())) == len(ids)
            for node in public:
                table = f"{node.schema}.{node.alias}"
                names = [
                    name
                    for (name,) in connection.execute(
                        "select column_name from information_schema.columns "
                        f"where table_schema = '{node.schema}' and table_name = '{node.alias}'"
                    ).fetchall()
                ]
                if f"{entity}_id" not in names:
                    continue
                counted = ", ".join(f'count("{name}") as "{name}"' for name in names)
                frame = connection.execute(
                    f"select {entity}_id as who, {counted} from {table} group by {entity}_id"
                ).df()
                has = {row["who"]: row for row in frame.to_dict("records")}
                everybody = [has.get(one, {}) for one in wholes]
                for key, one in ids.items():
                    _, column, number = key.split(".")
                    if column == "whole":
                        continue
                    mine = has.get(one, {})
                    lost = [
                        name for name in names
                        if all(whole.get(name, 0) > 0 for whole in everybody) and not mine.get(name, 0)
                    ]  # fmt: skip
                    if not lost:
                        continue
                    looked.add((table, column))
                    if (staging, column.lower()) not in said:
                        silent.add(
                            f"{staging}: {column} ({JUNK[int(number)]}) to {table}: {', '.join(lost)}"
                        )
    assert len(looked) > 3
    assert sorted(silent) == []
