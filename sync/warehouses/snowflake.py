"""Snowflake, through its own connector and with the credentials of dbt's profile.

One connection is kept from the first session to `close`, so that a push logs in once; the virtual warehouse suspends by its own
`AUTO_SUSPEND` in between. Small writes are one INSERT, which belongs to the session's transaction; a load of `BULK_ROWS` or more
goes through a stage (`write_pandas`), whose temporary stage is DDL and so commits what was before it
(https://docs.snowflake.com/en/sql-reference/transactions, "DDL", read 2026-11-24).
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import pyarrow as pa
import snowflake.connector
from snowflake.connector.constants import FIELD_ID_TO_NAME
from snowflake.connector.errors import Error as SnowflakeError

from sync.config.models import Column
from sync.config.profiles import Target
from sync.errors import ConfigError, WarehouseError
from sync.warehouses.base import Dialect
from sync.warehouses.batches import BATCH_ROWS, normalised

BULK_ROWS = 2_000  # from here on a stage is cheaper than one statement's text
INSERT_ROWS = 1_000  # rows of one INSERT
LOGIN_SECONDS = 30
NETWORK_SECONDS = 120
DOES_NOT_EXIST = 2003

# Settings of dbt's profile that the connector takes under the same name.
SAME_NAME = (
    "account", "user", "password", "role", "warehouse", "database", "schema", "authenticator",
    "token", "passcode", "host", "port", "protocol", "insecure_mode", "oauth_client_id",
    "oauth_client_secret",
)  # fmt: skip


def open_warehouse(target: Target, *, notify: Callable[[str], None]) -> SnowflakeWarehouse:
    """The account that the dbt target names.

    Raises:
        ConfigError: a setting is missing, or the private key cannot be read.
    """
    return SnowflakeWarehouse(
        connection_settings(target), by_stage=target.text("protocol") != "http", notify=notify
    )


def connection_settings(target: Target) -> dict[str, Any]:
    """dbt's settings as the connector's: key pair, password with a second factor, single sign-on, OAuth token.

    Raises:
        ConfigError: see `open_warehouse`.
    """
    for name in ("account", "user", "database"):
        if not target.text(name) and not (name == "user" and target.text("token")):
            raise ConfigError(
                f"target '{target.name}' has no {name}.", hint=f"set `{name}:` in profiles.yml."
            )
    settings = {name: target.settings[name] for name in SAME_NAME if target.text(name)}
    passphrase = target.text("private_key_passphrase") or None
    if target.text("private_key_path"):
        settings["private_key_file"] = target.text("private_key_path")
        settings["private_key_file_pwd"] = passphrase
        settings["authenticator"] = "SNOWFLAKE_JWT"
    elif target.text("private_key"):
        settings["private_key"] = _private_key(target.text("private_key"), passphrase)
        settings["authenticator"] = "SNOWFLAKE_JWT"
    # The token of a second factor or of a browser's login is kept by the system's key store, where there is one.
    settings["client_request_mfa_token"] = target.text("authenticator") == "username_password_mfa"
    settings["client_store_temporary_credential"] = True
    return settings | {
        "login_timeout": LOGIN_SECONDS,
        "network_timeout": NETWORK_SECONDS,
        "application": "headwater",
        "session_parameters": {"TIMEZONE": "UTC"},
    }


def _private_key(text: str, passphrase: str | None) -> bytes:
    """A key given as PEM, or as base64 of DER, which dbt takes too; DER is what the connector wants."""
    from cryptography.hazmat.primitives import serialization

    secret = passphrase.encode() if passphrase else None
    try:
        if "-----BEGIN" in text:
            key = serialization.load_pem_private_key(text.encode(), password=secret)
        else:
            key = serialization.load_der_private_key(base64.b64decode(text), password=secret)
    except (ValueError, TypeError) as error:
        raise ConfigError(
            "the private key of the profile cannot be read.",
            hint="give PEM or base64 of DER, and its private_key_passphrase if it has one.",
        ) from error
    der: bytes = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return der


class SnowflakeWarehouse:
    """One account and database. Sessions take turns on one connection."""

    dialect = Dialect(
        name="snowflake",
        string="varchar",
        timestamp="timestamp_ntz",
        escapes_backslash=True,
        upper_case=True,
        fingerprint_of="sum(to_number(left(md5({0}), 15), 'XXXXXXXXXXXXXXX'))",
        json_text_of='parse_json({0}):"{1}"::varchar',
        group_seconds=60.0,  # a write keeps the virtual warehouse awake
    )

    def __init__(
        self, settings: dict[str, Any], *, by_stage: bool, notify: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._by_stage = by_stage
        self._notify = notify
        self._turn = threading.Lock()
        self._connection: Any = None

    @contextmanager
    def session(self, *, write: bool = False) -> Iterator[SnowflakeSession]:  # noqa: ARG002
        """The connection, opened by the first session; `write` needs nothing more."""
        with self._turn:
            if self._connection is None or self._connection.is_closed():
                self._connection = self._connect()
            yield SnowflakeSession(self._connection, by_stage=self._by_stage)

    def close(self) -> None:
        """Log out."""
        with self._turn:
            if self._connection is not None:
                with suppress(SnowflakeError):
                    self._connection.close()
                self._connection = None

    def _connect(self) -> Any:
        if self._settings.get("authenticator") == "externalbrowser":
            self._notify("Waiting for single sign-on in the browser.")
        try:
            return snowflake.connector.connect(**self._settings)
        except SnowflakeError as error:
            raise WarehouseError(
                f"Snowflake refuses to connect (error {error.errno}).",
                hint="dbt debug shows whether dbt can; docs/warehouses.md lists what to set.",
            ) from error


class SnowflakeSession:
    """The connection, for the length of a `with`."""

    def __init__(self, connection: Any, *, by_stage: bool) -> None:
        self._connection = connection
        self._by_stage = by_stage
        self._in_transaction = False

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Every row of a small result."""
        with self._cursor() as cursor:
            cursor.execute(query)
            names = [column.name.lower() for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def stream(self, query: str) -> Iterator[pa.RecordBatch]:
        """Arrow batches of at most `BATCH_ROWS` rows, as they are downloaded."""
        with self._cursor() as cursor:
            cursor.execute(query)
            for table in cursor.fetch_arrow_batches():
                yield from normalised(table).to_batches(max_chunksize=BATCH_ROWS)

    def columns(self, relation: str) -> list[Column]:
        """Columns of a relation, in order; none when it does not exist."""
        try:
            with self._connection.cursor() as cursor:
                found = cursor.describe(f"select * from {relation} limit 0") or []
        except SnowflakeError as error:
            if error.errno == DOES_NOT_EXIST:
                return []
            raise _translated(error) from error
        return [
            Column(name=column.name.lower(), type=FIELD_ID_TO_NAME[column.type_code].lower())
            for column in found
        ]

    def execute(self, *statements: str) -> None:
        """Run statements in one transaction."""
        with self.transaction(), self._cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def append(self, relation: str, rows: pa.Table) -> None:
        """Insert rows; columns are matched by name."""
        with self.transaction():
            if self._by_stage and rows.num_rows >= BULK_ROWS:
                self._load(relation, rows)
            else:
                self._insert(relation, rows)

    def merge(self, relation: str, rows: pa.Table, *, keys: Sequence[str]) -> None:
        """Insert rows, replacing those with the same keys: staged beside the table, then one MERGE."""
        if not rows.num_rows:
            return
        staged = f"{relation}__given_{uuid4().hex[:12]}"
        matched = " and ".join(f"held.{key} = given.{key}" for key in keys)
        changed = ", ".join(
            f"held.{name} = given.{name}" for name in rows.column_names if name not in keys
        )
        names = ", ".join(rows.column_names)
        given = ", ".join(f"given.{name}" for name in rows.column_names)
        update = f"when matched then update set {changed} " if changed else ""
        with self._cursor() as cursor:  # DDL, so before the transaction
            cursor.execute(
                f"create transient table {staged} as select {names} from {relation} where 1 = 0"
            )
        try:
            self.append(staged, rows)
            self.execute(
                f"merge into {relation} as held using {staged} as given on {matched} "
                f"{update}when not matched then insert ({names}) values ({given})"
            )
        finally:
            if not self._in_transaction:
                with self._cursor() as cursor:
                    cursor.execute(f"drop table if exists {staged}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or none; nests by joining the outer one. A load through a stage commits what was before it."""
        if self._in_transaction:
            yield
            return
        self._run("begin")
        self._in_transaction = True
        try:
            yield
            self._run("commit")
        except BaseException:
            with suppress(WarehouseError):
                self._run("rollback")
            raise
        finally:
            self._in_transaction = False

    def _insert(self, relation: str, rows: pa.Table) -> None:
        """Statements of many rows each, with bound values."""
        names = ", ".join(rows.column_names)
        places = ", ".join(["%s"] * len(rows.column_names))
        statement = f"insert into {relation} ({names}) values ({places})"
        with self._cursor() as cursor:
            for start in range(0, rows.num_rows, INSERT_ROWS):
                part = rows.slice(start, INSERT_ROWS)
                columns = [part.column(number).to_pylist() for number in range(part.num_columns)]
                cursor.executemany(statement, list(zip(*columns, strict=True)))

    def _load(self, relation: str, rows: pa.Table) -> None:
        """Parquet through a temporary stage, and COPY INTO."""
        from snowflake.connector.pandas_tools import write_pandas

        database, schema, table = (part.strip('"') for part in relation.split("."))
        frame = rows.rename_columns([name.upper() for name in rows.column_names]).to_pandas()
        try:
            write_pandas(
                self._connection,
                frame,
                table,
                database=database,
                schema=schema,
                quote_identifiers=False,
                use_logical_type=True,
            )
        except SnowflakeError as error:
            raise _translated(error) from error
        self._run("begin")  # the stage's DDL ended the one before

    def _run(self, statement: str) -> None:
        with self._cursor() as cursor:
            cursor.execute(statement)

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        try:
            with self._connection.cursor() as cursor:
                yield cursor
        except SnowflakeError as error:
            raise _translated(error) from error


def _translated(error: Any) -> WarehouseError:
    """Snowflake's error as ours: its number and first line without what it quotes, which may be data."""
    line = str(error.raw_msg or error.msg or error).splitlines()[0].strip()
    if error.errno == DOES_NOT_EXIST:
        return WarehouseError(
            f"Snowflake: {line}", hint="run dbt build first; it makes the tables."
        )
    line = re.sub(r"'(?:[^']|'')*'", "'...'", line)
    return WarehouseError(f"Snowflake ({error.errno}): {line}")
