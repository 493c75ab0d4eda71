"""Random journeys, built day after day beside the simulator: each row of each log, and no row more."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb

from benchmarks.scratch import ScratchProject
from tests.python.journeys.simulator import (
    DAY,
    FIRST,
    Company,
    Row,
    Simulated,
    edited,
    journey_of,
)

MODELS = {
    "profiles": "select profile_id, email, country, cast(substr(profile_id, 2) as integer) % 5 as score from raw.people where is_known",
    "accounts": "select account_id, country from raw.firms where is_known",
    "account_contacts": "select account_id, profile_id, role from raw.contacts",
    "audience_firms": "select account_id, is_holdout, timestamp '2020-01-01' as qualified_at from raw.firms where is_known and is_member",
    "event_contract_signed": "select event_id, account_id, occurred_at, value_eur from raw.contracts",
    "audience_tried": "select profile_id, is_holdout, timestamp '2020-01-01' as qualified_at from raw.people where is_known and is_member",
    "event_order_placed": "select event_id, profile_id, occurred_at, value_eur as revenue_eur from raw.orders",
    "event_cart_filled": "select event_id, profile_id, occurred_at, value_eur from raw.carts",
    "identity_aliases": "select 'person' as entity, old_id, live_id, cast(null as varchar) as split_from_id, "
    "cast(null as timestamp) as shared_from_at, cast(null as timestamp) as shared_until_at from raw.aliases",
}  # fmt: skip
TABLES = (
    "create schema raw",
    "create table raw.people (profile_id varchar, email varchar, country varchar, is_member boolean, is_holdout boolean, "
    "is_known boolean default true)",
    "create table raw.orders (event_id varchar, profile_id varchar, occurred_at timestamp, value_eur double)",
    "create table raw.carts (event_id varchar, profile_id varchar, occurred_at timestamp, value_eur double)",
    "create table raw.aliases (old_id varchar, live_id varchar)",
    "create table raw.firms (account_id varchar, country varchar, is_member boolean, is_holdout boolean, is_known boolean)",
    "create table raw.contacts (account_id varchar, profile_id varchar, role varchar)",
    "create table raw.contracts (event_id varchar, account_id varchar, occurred_at timestamp, value_eur double)",
)


def arm_of(journey: str, step: str, person: str) -> str:
    """Of a split in 40 and 60: the hash decides."""
    text = f"split|{journey}|{step}|{person}"
    digits = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8]
    return "a" if int(digits, 16) < int(0.4 * 2**32) else "b"


class Proof:
    """So many journeys in one project, over one company."""

    def __init__(self, folder: Path, journeys: int, seed: int) -> None:
        self.chance = random.Random(seed)
        # Of three one is of companies.
        self.definitions = {
            f"journey_n{n}": journey_of(self.chance, of_companies=n % 3 == 2)
            for n in range(journeys)
        }
        self.simulated = {
            name: Simulated(lambda step, person, name=name: arm_of(name, step, person))
            for name in self.definitions
        }
        self.company, self.now = Company(), FIRST
        registry = {
            "journeys": list(self.definitions),
            "audiences": ["audience_tried", "audience_firms"],
        }
        self.project = ScratchProject(
            folder, variables={"cdp_events": [], "cdp_registry": registry}, threads=1
        )
        for name, query in MODELS.items():
            (folder / f"models/engine/{name}.sql").write_text(f"{{{{ config(materialized='view') }}}}\n{query}")  # fmt: skip
        for name in self.definitions:
            self.define(name)
        with duckdb.connect(str(self.project.database)) as connection:
            for statement in TABLES:
                connection.execute(statement)
        self.parsed: Any = None

    def define(self, name: str) -> None:
        text = json.dumps(self.definitions[name])  # which is YAML, with every text quoted
        (self.project.directory / f"models/engine/{name}.sql").write_text(
            f"{{% set definition %}}\n{text}\n{{% endset %}}\n{{{{ headwater.journey(definition) }}}}\n"
        )
        self.parsed = None

    def edit(self, share: float) -> None:
        """Somebody works on so many of the journeys."""
        for name in [one for one in self.definitions if self.chance.random() < share]:
            self.definitions[name] = edited(self.chance, self.definitions[name])
            self.define(name)

    def day(self) -> dict[str, Any]:
        """What happens until a build, the build, and what is wrong in the logs after it, by journey."""
        before = self.now
        self.now += self.chance.choice([1, 1, 1, 2, 3]) * DAY + dt.timedelta(
            seconds=self.chance.choice([-20, 0, 20, 3600, -4000])
        )
        statements = list(self.company.live_through(self.chance, self.now, before))
        with duckdb.connect(str(self.project.database)) as connection:
            for statement in statements:
                connection.execute(statement)
        self.build()
        wrong = {}
        with duckdb.connect(str(self.project.database)) as connection:
            for name, simulated in self.simulated.items():
                simulated.build(self.definitions[name], self.company, self.now)
                got = Counter(log_of(connection, name, self.definitions[name]))
                wanted = Counter(simulated.rows)
                if got != wanted:
                    more, less = (
                        sorted((got - wanted).elements()),
                        sorted((wanted - got).elements()),
                    )
                    wrong[name] = {"now": str(self.now), "written": more[:5], "not written": less[:5],
                        "definition": self.definitions[name]}  # fmt: skip
        return wrong

    def query(self, statement: str) -> list[Any]:
        with duckdb.connect(str(self.project.database)) as connection:
            return connection.execute(statement).fetchall()

    def build(self) -> None:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        with mock.patch.dict(
            os.environ, {**self.project.environment, "HEADWATER_AS_OF": str(self.now)}
        ):
            if self.parsed is None:
                parsed = dbtRunner().invoke(["--quiet", "--no-write-json", "parse"])
                assert parsed.success, parsed.exception
                self.parsed = parsed.result
            result = dbtRunner(manifest=self.parsed).invoke(["--quiet", "run"])
        DuckDBConnectionManager.close_all_connections()
        assert not result.exception, result.exception
        said = {
            one.node.name: one.message for one in result.result.results if one.status == "error"
        }
        assert said == {}, said


def log_of(connection: duckdb.DuckDBPyConnection, name: str, definition: Row) -> list[Any]:
    """Rows of a log with the event that let in, or the number of the entry; a contact stands behind the step."""
    of_companies = definition.get("entity") == "account"
    who = "account_id" if of_companies else "profile_id"
    node = "steps.node || coalesce('@' || steps.profile_id, '')" if of_companies else "steps.node"
    entry = (
        "entered.entry_key"
        if "did" in definition["entry"]
        else "cast(steps.entry_number as varchar)"
    )
    return [
        tuple(row)
        for row in connection.execute(
            f"select steps.{who}, {entry}, {node}, steps.outcome, steps.happened_at from analytics.{name} as steps left join "
            f"(select distinct entry_number, entry_key from analytics.{name} where node = 'entry') as entered using (entry_number)"
        ).fetchall()
    ]
