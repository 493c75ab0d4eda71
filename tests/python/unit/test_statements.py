"""What sync itself sends: each statement is of its warehouse's dialect, and a push sends few.

The engine runs with the dialect of Snowflake or BigQuery; each statement is parsed as that, then translated to DuckDB, where the
workbench's tables are. So the statements are those of a whole run, and the answers are real.
"""

from __future__ import annotations

import dataclasses
import importlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp
from workbench import Workbench

from sync.config.models import Consent, ConsentTables
from sync.records import Mode, RowError

# DuckDB's answer to a function that sqlglot does not translate.
FARM = "create macro if not exists farm_fingerprint(text) as cast(hash(text) >> 1 as bigint)"


class Translated:
    """A session of DuckDB that is spoken to in another dialect."""

    def __init__(self, session: Any, dialect: str, sent: list[str]) -> None:
        self._session, self._dialect, self._sent = session, dialect, sent

    def _translate(self, statement: str) -> str:
        self._sent.append(statement)
        tree = sqlglot.parse_one(statement, read=self._dialect)
        assert not isinstance(tree, exp.Command), statement
        for number in tree.find_all(exp.ToNumber):  # of hexadecimal digits
            number.replace(
                exp.cast(exp.func("concat", exp.Literal.string("0x"), number.this), "bigint")
            )
        return tree.sql("duckdb")

    def rows(self, query: str) -> list[dict[str, Any]]:
        return self._session.rows(self._translate(query))

    def stream(self, query: str) -> Iterator[Any]:
        return self._session.stream(self._translate(query))

    def keep(self, name: str, query: str) -> None:
        return None

    def while_alone(self, name: str, read: Callable[[], object]) -> None:
        return None

    def columns(self, relation: str) -> Any:
        self._sent.append(f"describe {relation}")
        return self._session.columns(relation)

    def execute(self, *statements: str) -> None:
        self._session.execute(*(self._translate(statement) for statement in statements))

    def append(self, relation: str, rows: Any) -> None:
        if rows.num_rows:
            self._sent.append(f"append {relation}")
        self._session.append(relation, rows)

    def merge(self, relation: str, rows: Any, *, keys: Any) -> None:
        self._sent.append(f"merge {relation}")
        self._session.merge(relation, rows, keys=keys)

    def transaction(self, *, proof: Any = None) -> Any:
        if proof is not None:
            proof = SimpleNamespace(statement=self._translate(proof.statement))
        return self._session.transaction(proof=proof)


class TranslatedWarehouse:
    """The workbench's warehouse under the dialect of another."""

    def __init__(self, inner: Any, dialect: Any) -> None:
        self.inner, self.dialect = inner, dialect
        self.sent: list[str] = []

    @contextmanager
    def session(self, *, write: bool = False) -> Iterator[Translated]:
        with self.inner.session(write=write) as session:
            yield Translated(session, self.dialect.name, self.sent)

    def keep_open(self) -> AbstractContextManager[None]:
        return self.inner.keep_open()

    def let_go(self) -> AbstractContextManager[None]:
        return self.inner.let_go()

    def heed(self, stop: threading.Event) -> None:
        self.inner.heed(stop)

    def close(self) -> None:
        self.inner.close()


@pytest.fixture(params=["snowflake", "bigquery"])
def translated(
    request: pytest.FixtureRequest, workbench: Callable[..., Workbench]
) -> Callable[..., Workbench]:
    """Makes a workbench whose engine speaks the warehouse's dialect; `sent` of its warehouse has the statements."""
    name = request.param
    try:
        module = importlib.import_module(f"sync.warehouses.{name}")
    except ImportError:
        pytest.skip(f"the driver of {name} is not installed: pip install 'headwater[{name}]'")
    kind = getattr(
        module, {"snowflake": "SnowflakeWarehouse", "bigquery": "BigQueryWarehouse"}[name]
    )

    def make(**definition: Any) -> Workbench:
        bench = workbench(**definition)
        with bench.warehouse.session(write=True) as session:
            session.execute(FARM)
        # Names are looked up as they are written, which is DuckDB's way too.
        dialect = dataclasses.replace(kind.dialect, upper_case=False)
        bench.warehouse = TranslatedWarehouse(bench.warehouse, dialect)
        return bench

    return make


def test_the_life_of_a_sync_is_spoken_in_the_dialect(
    translated: Callable[..., Workbench],
) -> None:
    """Add, change, remove, fail, be withheld, plan, quarantine: each step parses, runs and comes to what it should."""
    bench = translated(consent=Consent("email", "marketing"))
    bench.agreed("a", "b", "c", "d", "e", "f")
    bench.people("a", "b", "c", "d", "e", "f", "g")
    result = bench.push()
    assert (result.added, result.counts.withheld) == (6, {"no_consent": 1})
    bench.people("a", "b", "c", "d", "e", "f", score=2)
    bench.destination.fault = lambda _, records: [
        RowError(record.key, "400", "bad") for record in records if record.key == "a"
    ]
    result = bench.push()
    assert (result.changed, result.failed) == (5, 1), result
    bench.people("a", "b", "c", "d", "e", score=2)
    assert bench.plan(fingerprint=True).fingerprint
    result = bench.push()
    assert (result.removed, result.failed) == (1, 1)
    bench.destination.fault = None
    bench.agreed("a", "b", suppressed={"b": ("email", "complaint")})
    result = bench.push(allow_removals=True)
    assert (result.status, result.changed, result.removed) == ("success", 1, 4)
    assert bench.held() == {"a"} == set(bench.destination.members)


def test_members_that_are_their_identifiers_are_marked_in_the_dialect(
    translated: Callable[..., Workbench],
) -> None:
    bench = translated(identifiers=("email", "phone"))
    bench.declare(members=(("email",), ("phone",)))
    table = (
        "select 'p' || number as profile_id, 'e' || number as email, '+4930' || number as phone, "
        "cast(null as varchar) as withheld_reason, 'h' || number as row_hash from range({}) as t(number)"
    )
    bench.table(table.format(6))
    assert bench.push().added == 6
    bench.table(table.format(5))
    assert bench.push().removed == 1
    assert any("json" in statement for statement in bench.warehouse.sent)


def test_who_became_somebody_else_is_asked_in_the_dialect(
    translated: Callable[..., Workbench],
) -> None:
    """An address that passes on, and records that stay beside others."""
    bench = translated(mode=Mode.UPSERT)
    bench.declare(merges=True, found_by=("email",))
    table = "select 'p' || number as profile_id, {} as email, 'h' || {} as row_hash from range(4) as t(number)"
    bench.table(table.format("'e' || number", "number"))
    assert bench.push().added == 4
    bench.table(table.format("'e' || (number + 1)", "(number + 1)"))
    assert bench.push().changed == 4
    # DuckDB's translation of Snowflake's JSON keeps the quotes of a text, so that who has an address by now is asked in test_merged.
    assert bench.destination.members["p0"].formers == ({"email": "e0"},)
    assert any("passed_on" in one for one in bench.warehouse.sent)
    bench.declare(modes=frozenset({Mode.UPSERT}))
    bench.consent_tables = ConsentTables(aliases="identity_aliases")
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute(
            "create table identity_aliases as select 'p' || number as old_id, 'p0' as live_id from range(3) as t(number)"
        )
    assert bench.plan(offered=bench.declaration.objects["list"]).kept_both == 2


# Every call is a job of BigQuery's and a round trip to Snowflake. What a push may need is a matter of the push, not of its rows.
# Of those that add, four ask what is usual and what was taken out today: the guards. Three write down what is intended, count that,
# and let go of it; three prove that the lease is held, each in one job of BigQuery's with what is written then.
MOST = {"adds": 33, "nothing changed": 17}  # two of them ask whether somebody is to be erased


def test_acknowledgements_of_a_long_push_stay_within_the_load_jobs_of_a_day(
    translated: Callable[..., Workbench],
) -> None:
    """BigQuery: 1,500 load jobs per table and day; on Snowflake each write keeps the virtual warehouse awake."""
    seconds = translated().warehouse.dialect.group_seconds
    assert 24 * 60 * 60 / seconds < 1_500


def test_a_push_sends_few_statements_however_many_rows_it_has(
    translated: Callable[..., Workbench],
) -> None:
    for people in (20, 2_000):
        bench = translated()
        bench.table(
            f"select 'p' || number as profile_id, 'e' || number as email, 1 as score, 'h' as row_hash, "
            f"cast(null as varchar) as withheld_reason from range({people}) as t(number)"
        )
        sent = bench.warehouse.sent
        assert bench.push(allow_removals=True).status == "success"
        assert len(sent) <= MOST["adds"], sent
        assert sum(one.startswith("append analytics_sync.acknowledgements") for one in sent) == 1
        del sent[:]
        assert bench.push().counts.unchanged == people
        assert len(sent) <= MOST["nothing changed"], sent
        bench.path.unlink()
