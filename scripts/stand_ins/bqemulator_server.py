"""bqemulator as the local stand-in of BigQuery, with its faults patched here and not in the project's SQL.

    .venv-bq/bin/python scripts/stand_ins/bqemulator_server.py 9050

Every patch is listed in docs/warehouses.md. Tables live in memory and go when the process ends.
"""

from __future__ import annotations

import sys

from bqemulator.api.routes import upload
from bqemulator.config import LogLevel, PersistenceMode, Settings
from bqemulator.server import run_forever
from bqemulator.sql import builtin_udfs
from bqemulator.sql.rewriter import create_table_schema_ctas
from bqemulator.storage.engine import DuckDBEngine
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB


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

    DuckDB.Generator.datatype_sql = with_size


def main(port: int) -> None:
    patch_spatial()
    patch_load_jobs()
    patch_normalize()
    patch_contract_tables()
    patch_numeric()
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
