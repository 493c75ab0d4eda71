"""fakesnow's server as the local stand-in of Snowflake, with its faults patched here and not in the project's SQL.

    .venv-sf/bin/python scripts/stand_ins/fakesnow_server.py 8085

Every patch is listed in docs/warehouses.md. Tables live in memory and go when the process ends.
"""

from __future__ import annotations

import contextlib
import re
import signal
import sys
import threading
from typing import Any

import fakesnow
import fakesnow.arrow
import pyarrow as pa
import pyarrow.compute as pc
from fakesnow import transforms
from fakesnow.cursor import FakeSnowflakeCursor as Cursor
from fakesnow.variables import Variables
from sqlglot import exp
from sqlglot.dialects.snowflake import Snowflake


def patch_temporary_tables() -> None:
    """DuckDB refuses `create temporary table database.schema.name`, which dbt-snowflake sends for unit tests, snapshots
    and merges: such tables become ordinary ones. dbt drops them itself."""
    transform = Cursor._transform

    def without_temporary(self: Cursor, expression: exp.Expression, params: Any) -> Any:
        properties = (
            expression.args.get("properties") if isinstance(expression, exp.Create) else None
        )
        table = expression.find(exp.Table) if properties else None
        if properties and table is not None and table.args.get("db"):
            kept = [p for p in properties.expressions if not isinstance(p, exp.TemporaryProperty)]
            expression.set("properties", exp.Properties(expressions=kept) if kept else None)
        return transform(self, expression, params)

    Cursor._transform = without_temporary


def patch_merge_values() -> None:
    """In a MERGE, `insert (...) values ("ID", ...)` means the source's columns; fakesnow finds them ambiguous."""
    explode = Cursor._transform_explode

    def with_source(self: Cursor, expression: exp.Expression) -> Any:
        if isinstance(expression, exp.Merge):
            source = expression.args["using"].alias_or_name
            for when in expression.args["whens"].expressions:
                then = when.args.get("then")
                if isinstance(then, exp.Insert) and then.expression is not None:
                    for column in then.expression.find_all(exp.Column):
                        if not column.table:
                            column.set("table", exp.to_identifier(source))
        return explode(self, expression)

    Cursor._transform_explode = with_source


def patch_failed_transactions() -> None:
    """An error inside BEGIN leaves DuckDB's transaction aborted: each later statement answers HTTP 500, which the
    connector repeats for minutes. The error ends the transaction instead."""
    execute = Cursor._execute

    def rolling_back(self: Cursor, *args: Any, **kwargs: Any) -> Any:
        try:
            return execute(self, *args, **kwargs)
        except Exception:
            with contextlib.suppress(Exception):
                self._duck_conn.execute("rollback")
            raise

    Cursor._execute = rolling_back


def patch_ddl_in_transactions() -> None:
    """DDL ends the transaction it is in, and fakesnow's own notes of a table are another database, which DuckDB does not write to
    in one transaction: HTTP 500. What went before is committed, as Snowflake does."""
    execute = Cursor._execute

    def committing(self: Cursor, transformed: exp.Expression, *args: Any, **kwargs: Any) -> Any:
        if isinstance(transformed, exp.Create | exp.Drop | exp.Alter):
            with contextlib.suppress(Exception):
                self._duck_conn.execute("commit")
        return execute(self, transformed, *args, **kwargs)

    Cursor._execute = committing


def patch_null_timestamps() -> None:
    """A NULL timestamp reaches the client as 1970-01-01: the struct that carries it lost its null mask."""
    to_struct = fakesnow.arrow.timestamp_to_sf_struct

    def keeping_nulls(timestamps: pa.Array | pa.ChunkedArray) -> pa.Array:
        if isinstance(timestamps, pa.ChunkedArray):
            timestamps = timestamps.combine_chunks()
        struct = to_struct(timestamps)
        if timestamps.null_count == 0:
            return struct
        fields = [struct.type.field(i) for i in range(struct.type.num_fields)]
        parts = [pc.fill_null(struct.field(i), 0) for i in range(struct.type.num_fields)]
        return pa.StructArray.from_arrays(parts, fields=fields, mask=pc.is_null(timestamps))

    fakesnow.arrow.timestamp_to_sf_struct = keeping_nulls


def patch_hex_numbers() -> None:
    """`to_number(text, 'XXX')` reads hexadecimal digits; fakesnow knows no formats."""
    to_decimal = transforms.to_decimal

    def with_hex(expression: exp.Expression) -> Any:
        form = expression.args.get("format") if isinstance(expression, exp.ToNumber) else None
        if form is not None and set(form.name.upper()) == {"X"}:
            text = exp.Concat(expressions=[exp.Literal.string("0x"), expression.this])
            return exp.cast(text, exp.DataType.Type.BIGINT)
        return to_decimal(expression)

    transforms.to_decimal = with_hex


def patch_instants_as_text() -> None:
    """`to_char(instant, 'YYYY-MM-DD')` of a column loses its format, for the column's type is not known."""
    to_decimal = transforms.to_decimal

    def with_format(expression: exp.Expression) -> Any:
        form = expression.args.get("format") if isinstance(expression, exp.ToChar) else None
        if form is not None and "YYYY" in form.name.upper():
            return exp.TimeToStr(this=expression.this, format=Snowflake().format_time(form))
        return to_decimal(expression)

    transforms.to_decimal = with_format


def patch_try_cast() -> None:
    """`try_cast(text as timestamp)` raises where it should give NULL: it is made the cast that may not fail."""
    to_timestamp = transforms.to_timestamp

    def trying(expression: exp.Expression) -> Any:
        return expression if isinstance(expression, exp.TryCast) else to_timestamp(expression)

    transforms.to_timestamp = trying


def patch_dollars_in_text() -> None:
    """`'$1,000 off'` holds no session variable: text in quotes is not searched for one."""
    inline = Variables.inline_variables
    quoted = re.compile(r"('(?:[^'\\\\]|''|\\\\.)*')", re.DOTALL)

    def outside_quotes(self: Variables, sql: str) -> str:
        parts = quoted.split(sql)
        return "".join(part if n % 2 else inline(self, part) for n, part in enumerate(parts))

    Variables.inline_variables = outside_quotes


def patch_exact_sums() -> None:
    """A sum or average of exact numbers is a float, for text that might have been meant; the project sums no text."""
    transforms.numeric_agg_implicit_cast = lambda expression: expression


def main(port: int) -> None:
    patch_temporary_tables()
    patch_merge_values()
    patch_failed_transactions()
    patch_ddl_in_transactions()
    patch_null_timestamps()
    patch_hex_numbers()
    patch_instants_as_text()
    patch_try_cast()
    patch_dollars_in_text()
    patch_exact_sums()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with fakesnow.server(port=port, host="127.0.0.1"):
        print(f"listening on 127.0.0.1:{port}", flush=True)
        stop.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]))
