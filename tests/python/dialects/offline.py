"""dbt's own build of the project for a warehouse that is not there: what it would send is kept, and answered with nothing.

The adapters are the real ones, with the methods that reach for a server replaced. So every statement is the one a warehouse
would get: models, what their materialisations do around them, contracts, data tests and unit tests.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

ROOT = Path(__file__).parents[3]
NODE = re.compile(r'"node_id": "([^"]+)"')
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True)
class Statement:
    """One statement, and the node it was made for."""

    node: str
    sql: str


@dataclass
class Offline:
    """A warehouse in name only. Tables are there or not, and have the columns they were last created with."""

    dialect: str
    statements: list[Statement] = field(default_factory=list, repr=False)
    columns: dict[str, list[str]] = field(default_factory=dict, repr=False)
    kinds: dict[str, str] = field(default_factory=dict, repr=False)  # table or view
    existing: bool = False
    first_build: int = 0  # how many statements it had
    _asked: Counter[str] = field(default_factory=Counter, repr=False)
    _trees: dict[str, list[exp.Expression]] = field(default_factory=dict, repr=False)

    def parse(self, sql: str) -> list[exp.Expression]:
        """The statements in a text, each text parsed once.

        Raises:
            SqlglotError: it is not of this dialect.
        """
        if sql not in self._trees:
            found = sqlglot.parse(sql, read=self.dialect)
            self._trees[sql] = [tree for tree in found if tree is not None]
        return self._trees[sql]

    def parsed(self) -> list[tuple[Statement, exp.Expression]]:
        """Each different statement that was sent, once, as a tree.

        Raises:
            AssertionError: names those that are not of this dialect, or that sqlglot took as text.
        """
        trees, wrong = [], []
        for statement in {one.sql: one for one in self.statements}.values():
            try:
                found = self.parse(statement.sql)
            except SqlglotError as error:
                wrong.append(f"{statement.node}: {str(error).splitlines()[0]}")
                continue
            trees += [(statement, tree) for tree in found]
        assert wrong == []
        unread = [one.node for one, tree in trees if isinstance(tree, exp.Command)]
        assert unread == [], "sqlglot took these as text"
        return trees

    def build(
        self,
        folder: Path,
        *arguments: str,
        existing: bool,
        project: Path = ROOT,
        profile: str = "headwater",
    ) -> None:
        """`dbt build` of `project`; tables of models are there already if `existing`, so that incremental models add to them."""
        from dbt.cli.main import dbtRunner

        self.existing = existing
        self._asked.clear()
        environment = {
            "DBT_PROFILES_DIR": str(folder),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        profiles = (ROOT / "profiles.yml.example").read_text()
        (folder / "profiles.yml").write_text(re.sub(r"(?m)^headwater:", f"{profile}:", profiles))
        with mock.patch.dict(os.environ, environment), ExitStack() as stack:
            for patch in self._patches():
                stack.enter_context(patch)
            result = dbtRunner().invoke([
                "--quiet", "build", "--exclude-resource-type=seed", "--project-dir", str(project),
                "--target", f"{self.dialect}_local", "--threads", "1", *arguments,
            ])  # fmt: skip
        assert result.exception is None, result.exception
        wrong = [r for r in result.result.results if r.status in ("error", "fail", "runtime error")]
        assert not wrong, "\n".join(f"{one.node.name}: {one.message}" for one in wrong)

    def _patches(self) -> list[Any]:
        if self.dialect == "snowflake":
            from dbt.adapters.snowflake.connections import SnowflakeConnectionManager as Manager
            from dbt.adapters.snowflake.impl import SnowflakeAdapter as Adapter
        else:
            from dbt.adapters.bigquery.connections import BigQueryConnectionManager as Manager
            from dbt.adapters.bigquery.impl import BigQueryAdapter as Adapter

        def opened(connection: Any) -> Any:
            connection.state, connection.handle = "open", mock.MagicMock()
            return connection

        def execute(manager: Any, sql: str, *_: Any, **__: Any) -> tuple[Any, Any]:
            return self._execute(manager, sql)

        def columns_of(adapter: Any, relation: Any) -> list[Any]:
            names = self.columns.get(relation.identifier.lower(), [])
            return [adapter.Column(name, adapter.Column.translate_type("string")) for name in names]

        def relation_of(adapter: Any, database: str, schema: str, identifier: str) -> Any:
            if not self.existing or "__dbt_" in identifier.lower():
                return None
            return adapter.Relation.create(
                database=database, schema=schema, identifier=identifier,
                type=self.kinds.get(identifier.lower(), "table"),
            )  # fmt: skip

        def asked(adapter: Any, sql: str) -> list[Any]:
            self._execute(adapter.connections, sql)
            table = re.fullmatch(r"select \* from (\S+)", sql)
            names = (
                self.columns.get(table[1].rpartition(".")[2].strip('`"').lower(), ["id"])
                if table
                else []
            )
            return [
                adapter.Column(name, "string") for name in names
            ]  # a contract compares two that have none

        replaced = {
            "list_schemas": lambda *_: [],
            "list_relations_without_caching": lambda *_: [],
            "get_relation": relation_of,
            "get_columns_in_relation": columns_of,
            "get_column_schema_from_query": asked,
            "expand_target_column_types": lambda *_, **__: None,
            "create_schema": lambda *_: None,
            "drop_relation": lambda *_: None,
            "truncate_relation": lambda *_: None,
            "check_schema_exists": lambda *_: True,
        }
        if self.dialect == "bigquery":
            replaced |= {"is_replaceable": lambda *_: True, "get_bq_table": lambda *_: None,
                         "update_columns": lambda *_: None}  # fmt: skip
        return [
            mock.patch.object(Manager, "open", staticmethod(opened)),
            mock.patch.object(Manager, "execute", execute),
            mock.patch.object(Manager, "begin", return_value=None),
            mock.patch.object(Manager, "commit", return_value=None),
            *(mock.patch.object(Adapter, name, method) for name, method in replaced.items()),
        ]

    def _execute(self, manager: Any, sql: str) -> tuple[Any, Any]:
        from dbt.adapters.contracts.connection import AdapterResponse

        commented = manager._add_query_comment(sql)
        found = NODE.search(commented)
        self.statements.append(Statement(found[1] if found else "", sql))
        self._note_columns(sql)
        return AdapterResponse("OK"), self._answer(sql)

    def _answer(self, sql: str) -> Any:
        from dbt_common.clients.agate_helper import table_from_data_flat

        if "should_error" in sql:  # a data test
            row: dict[str, object] = {"failures": 0, "should_warn": False, "should_error": False}
            return table_from_data_flat([row], list(row))
        if "dbt_internal_unit_test_actual" in sql:
            return table_from_data_flat([], ["actual_or_expected"])
        asked = re.fullmatch(r"\s*select \* from (\S+) where 1 = 0\s*", sql, re.IGNORECASE)
        if asked:  # for its columns
            name = asked[1].rpartition(".")[2].strip('`"').lower()
            return table_from_data_flat([], self.columns.get(name, []))
        if " as sent where " in sql:  # a law on who is sent to, which nobody breaks
            return table_from_data_flat([{"count": 0}], ["count"])
        if " as every_key " in sql:  # by_key: a key of each kind is touched
            row = {"new_keys": 1, "changed_keys": 1, "gone_keys": 1, "every_key": 100}
            return table_from_data_flat([row], list(row))
        if re.match(
            r"\s*select (count\(there_1\)|count\(case|coalesce\(sum|count\(\*\) as row_count,)", sql
        ):  # nothing is wrong with any row
            row = dict.fromkeys(re.findall(r" as (\w+)(?=,| from)", sql), 0)
            return table_from_data_flat([row], list(row))
        if sql.strip().lower().startswith("select count(*)"):
            return table_from_data_flat([{"count": self._count(sql)}], ["count"])
        return table_from_data_flat([], ["table_name"])

    def _count(self, sql: str) -> int:
        """Rows of a loop's table: edges shrink from round to round, a little at first; else there are some once, then none."""
        edges = re.search(r"_edges_([0-9]+)\b", sql)
        if edges:
            return [7, 5, 0][int(edges[1])]
        self._asked[sql] += 1
        return 7 if self._asked[sql] == 1 else 0

    def _note_columns(self, sql: str) -> None:
        if not re.search(r"^\s*create\b", sql, re.IGNORECASE | re.MULTILINE):
            return
        for tree in self.parse(sql):
            if isinstance(tree, exp.Create) and isinstance(tree.expression, exp.Query):
                table = tree.find(exp.Table)
                assert table is not None
                self.columns[table.name.lower()] = output_columns(tree.expression)
                self.kinds[table.name.lower()] = str(tree.kind).lower()


def output_columns(query: exp.Expression) -> list[str]:
    """Names of a query's columns; a star is looked up in the CTE or subquery it is of."""
    query = query.unnest() if isinstance(query, exp.Subquery) else query
    while isinstance(query, exp.SetOperation):
        query = query.left
    names: list[str] = []
    for column in query.selects:
        if column.is_star:
            names += _star_columns(query)
        else:
            names.append(column.alias_or_name.lower())
    return names


def _star_columns(query: exp.Expression) -> list[str]:
    source = query.args["from_"].this
    if isinstance(source, exp.Subquery):
        return output_columns(source)
    scope: exp.Expression | None = query
    while scope is not None:
        for cte in scope.ctes if isinstance(scope, exp.Query) else []:
            if cte.alias.lower() == source.name.lower():
                return output_columns(cte.this)
        scope = scope.parent
    return []
