"""Every statement of `dbt build` in the dialect of its warehouse, on a first day and on a later one."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlglot import exp

from tests.python.dialects.offline import Offline, Statement

# What has a state of its own, and so other SQL on a later day.
LATER = (
    "--select",
    *(f"config.materialized:{kind}" for kind in ("incremental", "identity_links", "by_key")),
    *("event_page_viewed", "accounts"),  # of those that are made when what they read changed
)
KINDS = ("model", "test", "unit_test")
# Unit tests are a model's statement between rows that are given: once here, and HEADWATER_TEST_LONG has them run on Snowflake's stand-in.
LEFT_OUT = {"snowflake": ("--exclude-resource-type=unit_test",)}

# Functions of the warehouse that the project's SQL comes to. What is not here is new: look it up in the vendor's reference
# before it is added, for sqlglot reads many that the warehouse does not have.
EVERYWHERE = """
    abs avg cast coalesce count first_value greatest least left length ln lower max min md5 mod nullif pow power regexp_replace
    replace round row_number sign sqrt substr substring sum translate trim upper floor
"""
FUNCTIONS = {
    "snowflake": f"{EVERYWHERE} convert_timezone dateadd datediff editdistance hash listagg position regexp_like regexp_substr sha2 "
    "split_part to_char to_number try_cast",
    # current_timestamp: dbt's own, for how long a temporary table lives
    "bigquery": f"{EVERYWHERE} concat current_timestamp farm_fingerprint format format_timestamp if edit_distance normalize "
    "regexp_contains safe_cast safe_offset sha256 split string_agg strpos struct timestamp_add timestamp_trunc timestamp_diff to_hex "
    "to_json_string",
}
CALL = re.compile(r"([a-z_][a-z0-9_]*)\(")
WORDS = """
    and any as by exists from having in not numeric on options or over then union using values varying when where
"""


@pytest.fixture(scope="class")
def offline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Offline:
    """All that dbt sends in two builds."""
    name = request.cls.dialect
    if importlib.util.find_spec(f"dbt.adapters.{name}") is None:
        pytest.skip(f"dbt-{name} is not installed: pip install 'headwater[{name}]'")
    found = Offline(name)
    folder = tmp_path_factory.mktemp(name)
    found.build(folder, *LEFT_OUT.get(name, ()), existing=False)
    found.first_build = len(found.statements)
    found.build(folder, *LATER, existing=True)
    return found


@pytest.fixture(scope="class")
def parsed(offline: Offline) -> list[tuple[Statement, exp.Expression]]:
    """Each different statement once, as a tree."""
    return offline.parsed()


# A round makes parents, jumps (a statement each), makes the edges of the next round and counts them; two drops.
PER_ROUND = 5
JUMPS = (1, 1, 2)  # edges went from 7 to 5, so the third round jumps twice


class Statements:
    """Of one dialect; a process tests one of them, and builds once."""

    dialect: str

    def test_every_statement_parses_in_its_dialect(
        self, offline: Offline, parsed: list[tuple[Statement, exp.Expression]]
    ) -> None:
        assert parsed  # which names what does not
        kinds = {one.node.split(".")[0] for one in offline.statements}
        left_out = {"unit_test"} if self.dialect in LEFT_OUT else set()
        assert kinds >= set(KINDS) - left_out, "a kind of statement is no longer looked at"

    def test_a_later_day_has_statements_of_its_own(self, offline: Offline) -> None:
        """The second build is incremental: it adds to tables and takes from them."""
        verbs = {
            one.sql.split()[0].lower() for one in offline.statements if "identity_links" in one.node
        }
        assert {"delete", "insert"} <= verbs
        merged = {one.node for one in offline.statements if re.search(r"\bmerge\s+into\b", one.sql)}
        appended = {
            one.node for one in offline.statements if re.search(r"\binsert\s+into\b", one.sql)
        }
        for model in ("identity_assignments", "identity_history", "journey_win_back"):
            assert f"model.headwater.{model}" in merged | appended

    def test_a_round_of_components_is_a_handful_of_statements(self, offline: Offline) -> None:
        """Of the first contraction of the first build: three rounds, and each round's parents composed with the later ones."""
        scratch = [
            " ".join(one.sql.split()).replace("`", "")
            for one in offline.statements
            if one.node.endswith(".identity_links")
        ]
        first = next(i for i, sql in enumerate(scratch) if "__scratch_parents_0" in sql)
        ends = [
            i
            for i, sql in enumerate(scratch)
            if re.match(r"select count.*__scratch_edges_[0-2]$", sql)
        ][:3]
        rounds = [end - start for start, end in zip([first - 1, *ends[:2]], ends, strict=True)]
        allowed = [PER_ROUND + jumps for jumps in JUMPS]
        assert all(number <= most for number, most in zip(rounds, allowed, strict=True)), rounds

    def test_a_model_is_a_few_statements(self, offline: Offline) -> None:
        """Each is a job of BigQuery's and a round trip to Snowflake; a model with a contract asks for its columns twice. What is sent
        is held against the laws: its columns, and a question each on consent, suppression and those held out. A table by key has its
        feed. What could not be read is counted by a statement per select, and kept by two.
        """
        first = offline.statements[: offline.first_build]
        per_model = Counter(one.node for one in first if one.node.startswith("model."))
        loops = {"model.headwater.identity_links"}
        by_key = {
            node
            for node in per_model
            if any(node == one.node and "__feed" in one.sql for one in first)
        }
        counting = {one.node for one in first if "unread_values" in one.sql}
        most = {
            node: 20 if node in by_key else 8 if ".sync_" in node or node in counting else 4
            for node in per_model
        }
        assert {
            node: n for node, n in per_model.items() if n > most[node] and node not in loops
        } == {}

    def test_big_tables_of_bigquery_are_laid_out_by_what_they_are_looked_up_by(
        self,
        offline: Offline,
    ) -> None:
        """Events by month and profile, so that an audience of the last 90 days reads these; ledgers by sync."""
        made = {
            one.node.rpartition(".")[2]: one.sql for one in offline.statements if " as (" in one.sql
        }
        layout = re.search(r"partition by timestamp_trunc\(occurred_at, month\)\s+cluster by profile_id",
                           made["event_order_placed"])  # fmt: skip
        ledgers = [one.sql for one in offline.statements if re.search(r"analytics_sync.*ledger\W", one.sql, re.IGNORECASE)
                   and "create table" in one.sql]  # fmt: skip
        assert len(ledgers) == 1
        clustered = "cluster by sync_name, environment" in ledgers[0]
        assert (bool(layout), clustered) == (
            (True, True) if offline.dialect == "bigquery" else (False, False)
        )

    def test_no_cast_of_bigquery_names_a_size(
        self, offline: Offline, parsed: list[tuple[Statement, exp.Expression]]
    ) -> None:
        """BigQuery: "Parameterized types are not allowed in CAST expressions". Its stand-in allows them."""
        if offline.dialect != "bigquery":
            pytest.skip("a rule of BigQuery's")
        wrong = {
            (one.node, cast.to.sql("bigquery"))
            for one, tree in parsed
            for cast in tree.find_all(exp.Cast)
            if any(isinstance(part, exp.DataTypeParam) for part in cast.to.expressions)
        }
        assert wrong == set()

    def test_every_function_is_one_that_the_warehouse_has(
        self, offline: Offline, parsed: list[tuple[Statement, exp.Expression]]
    ) -> None:
        known = {*FUNCTIONS[offline.dialect].split(), *WORDS.split()}
        unknown = {
            name: one.node for one, _ in parsed for name in calls(one.sql) if name not in known
        }
        assert unknown == {}


class TestSnowflake(Statements):
    dialect = "snowflake"


class TestBigQuery(Statements):
    dialect = "bigquery"


def calls(sql: str) -> Iterator[str]:
    """Names before a bracket, in lower case, outside of quotes and comments."""
    bare = re.sub(
        r"""'(?:[^'\\]|\\.|'')*'|"[^"]*"|`[^`]*`|--[^\n]*|/\*.*?\*/""", "''", sql, flags=re.S
    )
    for found in CALL.finditer(bare.lower()):
        yield found[1]
