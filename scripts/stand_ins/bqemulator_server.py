"""bqemulator as the local stand-in of BigQuery, with its faults patched here and not in the project's SQL.

    .venv-bq/bin/python scripts/stand_ins/bqemulator_server.py 9050

Every patch is listed in docs/warehouses.md. Tables live in memory and go when the process ends.
"""

from __future__ import annotations

import gc
import sys
from contextlib import suppress
from functools import lru_cache
from typing import Any

import sqlglot
from bqemulator.api.routes import upload
from bqemulator.config import LogLevel, PersistenceMode, Settings
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.jobs import executor
from bqemulator.server import run_forever
from bqemulator.sql import builtin_udfs
from bqemulator.sql.rewriter import create_table_schema_ctas, string_helpers
from bqemulator.storage.engine import DuckDBEngine
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ParseError
from sqlglot.expressions import core


def patch_parsing() -> None:
    """Each of some twenty passes over a statement parses its text anew: a text is parsed once, and its tree is copied."""
    parse = Dialect.parse

    @lru_cache(maxsize=64)
    def parsed(dialect: type[Dialect], sql: str) -> list[exp.Expression | None]:
        return parse(dialect(), sql)

    def once(self: Dialect, sql: str, **options: Any) -> list[exp.Expression | None]:
        if options or self.settings:
            return parse(self, sql, **options)
        return [tree and tree.copy() for tree in parsed(type(self), sql)]

    Dialect.parse = once
    deepcopy = core.deepcopy

    def cheaply(given: Any) -> Any:
        """A node's place in the text and its comments, which hold no other node."""
        if type(given) is dict:
            return dict(given)
        if type(given) is list and all(type(one) is str for one in given):
            return list(given)
        return deepcopy(given)

    core.deepcopy = cheaply
    gc.set_threshold(100_000)


def patch_spatial() -> None:
    """It starts only with DuckDB's `spatial` extension, which is downloaded; the project has no GEOGRAPHY."""
    DuckDBEngine._load_spatial = lambda _: None


def patch_load_jobs() -> None:
    """Google's client sends the media part of a load job as `*/*`, which is answered with 400."""
    is_permitted = upload._is_permitted_media_type
    upload._is_permitted_media_type = lambda kind: kind == "*/*" or is_permitted(kind)


def patch_normalize() -> None:
    """NORMALIZE is a Python function, called once a value: DuckDB's own does the common form, a hundred times faster."""
    register = DuckDBEngine._register_builtin_udfs

    def with_native(self: DuckDBEngine) -> None:
        register(self)
        connection = self.connection
        connection.remove_function("bqemu_normalize")
        connection.create_function(
            "bqemu_normalize_any",
            builtin_udfs.bqemu_normalize,
            ["VARCHAR", "VARCHAR"],
            "VARCHAR",
            null_handling="special",
        )
        connection.execute(
            "create or replace macro bqemu_normalize(value, form) as case "
            "when form = 'NFC' then nfc_normalize(value) else bqemu_normalize_any(value, form) end"
        )

    DuckDBEngine._register_builtin_udfs = with_native


def patch_contract_tables() -> None:
    """`create table t (columns) as (select ...)`, dbt's statement for a contract, fails for the brackets around it."""
    first_select = create_table_schema_ctas._first_select

    def within_brackets(body: exp.Expression | None) -> exp.Select | None:
        while isinstance(body, exp.Subquery):
            body = body.this
        return first_select(body)

    create_table_schema_ctas._first_select = within_brackets


def patch_numeric() -> None:
    """NUMERIC has nine places behind the point; it is made DuckDB's DECIMAL, which without a size has three."""
    written = DuckDB.Generator.datatype_sql

    def with_size(self: DuckDB.Generator, expression: exp.DataType) -> str:
        if expression.is_type(exp.DataType.Type.DECIMAL) and not expression.expressions:
            return "DECIMAL(38, 9)"
        return str(written(self, expression))

    DuckDB.Generator.TRANSFORMS[exp.DataType] = with_size


def patch_sized_casts() -> None:
    """BigQuery refuses `cast(x as numeric(18, 2))`, which is taken for a cast here: it is refused too."""
    parse = executor._parse_script_or_raise

    def strict(sql: str) -> Any:
        with suppress(ParseError):
            for tree in sqlglot.parse(sql, read="bigquery") if "(" in sql else ():
                for cast in tree.find_all(exp.Cast) if tree else ():
                    if cast.to.find(exp.DataTypeParam):
                        raise InvalidQueryError(
                            "Parameterized types are not allowed in CAST expressions"
                        )
        return parse(sql)

    executor._parse_script_or_raise = strict


def patch_nested_normalize() -> None:
    """Of a NORMALIZE inside another only the outer is seen: it is looked for until none is left."""
    rewrite = string_helpers._rewrite_normalize_calls

    def until_none_is_left(tree: exp.Expression) -> bool:
        found = False
        while rewrite(tree):
            found = True
        return found

    string_helpers._rewrite_normalize_calls = until_none_is_left


def main(port: int) -> None:
    patch_parsing()
    patch_spatial()
    patch_load_jobs()
    patch_normalize()
    patch_contract_tables()
    patch_numeric()
    patch_sized_casts()
    patch_nested_normalize()
    run_forever(
        Settings(
            rest_host="127.0.0.1",
            rest_port=port,
            grpc_port=0,
            persistence_mode=PersistenceMode.EPHEMERAL,
            default_project_id="headwater",
            log_level=LogLevel.ERROR,
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
