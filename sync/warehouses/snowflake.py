"""Snowflake, through its own connector and with the credentials of dbt's profile.

One connection is kept from the first session to `close`, so that a push logs in once; the virtual warehouse suspends by its own
`AUTO_SUSPEND` in between. Small writes are one INSERT, which belongs to the session's transaction; a load of `BULK_ROWS` or more
goes through a stage (`write_pandas`), whose temporary stage is DDL and so commits what was before it
(https://docs.snowflake.com/en/sql-reference/transactions, "DDL", read 2026-11-24): where a unit must be proven, such a load goes
to a table of its own first, and from there into the unit.
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
import snowflake.connector
from snowflake.connector.constants import FIELD_ID_TO_NAME
from snowflake.connector.errors import Error as SnowflakeError

from sync.arrow import pa
from sync.config.models import Column
from sync.config.profiles import Target
from sync.errors import ConfigError, UnprovenError, WarehouseError
from sync.records import Kind, Proof
from sync.warehouses.base import Dialect, Sampler
from sync.warehouses.batches import BATCH_ROWS, normalised

BULK_ROWS = 2_000  # from here on a stage is cheaper than one statement's text
INSERT_ROWS = 1_000  # rows of one INSERT
LOGIN_SECONDS = 30
PERSON_SECONDS = 120  # to reach for a telephone or to sign on in a browser
NETWORK_SECONDS = 120
DOES_NOT_EXIST = 2003

# Settings of dbt's profile that the connector takes under the same name (dbt-snowflake 1.12, SnowflakeCredentials).
SAME_NAME = (
    "user",
    "password",
    "role",
    "warehouse",
    "database",
    "schema",
    "authenticator",
    "token",
    "host",
    "port",
    "proxy_host",
    "proxy_port",
    "protocol",
    "client_session_keep_alive",
    "workload_identity_provider",
    "workload_identity_entra_resource",
)
WITHOUT_USER = ("oauth", "jwt", "programmatic_access_token", "workload_identity")
ASKS_A_PERSON = ("username_password_mfa", "externalbrowser")


def open_warehouse(target: Target, *, notify: Callable[[str], None]) -> SnowflakeWarehouse:
    """The account that the dbt target names.

    Raises:
        ConfigError: a setting is missing, or the private key cannot be read.
    """
    return SnowflakeWarehouse(
        connection_settings(target),
        by_stage=target.text("protocol") != "http",
        notify=notify,
        access_token=token_exchange(target),
    )


def connection_settings(target: Target) -> dict[str, Any]:
    """dbt's settings as the connector's: key pair, password with a second factor, single sign-on, tokens.

    Raises:
        ConfigError: see `open_warehouse`.
    """
    authenticator = target.text("authenticator").lower()
    for name in ("account", "user", "database"):
        if not target.text(name) and not (name == "user" and authenticator in WITHOUT_USER):
            raise ConfigError(
                f"target '{target.name}' has no {name}.", hint=f"set `{name}:` in profiles.yml."
            )
    settings = {name: target.settings[name] for name in SAME_NAME if target.text(name)}
    settings["account"] = target.text("account").replace("_", "-")  # as dbt: it is part of a host
    if key := _private_key(target):
        settings["private_key"] = key
    if authenticator == "jwt":  # dbt's word for a token made elsewhere
        settings["authenticator"] = "oauth"
    if authenticator:
        # The token of a second factor or of a browser's login is kept, dbt's beside ours, by the system's key store
        # or, on Linux, in a file; the account must allow it.
        settings |= {"client_request_mfa_token": True, "client_store_temporary_credential": True}
    tag = target.text("query_tag")
    return settings | {
        "login_timeout": PERSON_SECONDS if authenticator in ASKS_A_PERSON else LOGIN_SECONDS,
        "network_timeout": NETWORK_SECONDS,
        "platform_detection_timeout_seconds": float(
            target.text("platform_detection_timeout_seconds", "0")
        ),
        "disable_ocsp_checks": bool(target.settings.get("insecure_mode")),
        "application": "headwater",
        "session_parameters": {"TIMEZONE": "UTC"} | ({"QUERY_TAG": tag} if tag else {}),
    }


def token_exchange(target: Target) -> Callable[[], str] | None:
    """How an access token is had where the profile gives an OAuth client, for then its token is one to refresh.

    The request is dbt's own (dbt-snowflake 1.12, SnowflakeCredentials._get_access_token, read 2026-11-27).
    """
    client = (target.text("oauth_client_id"), target.text("oauth_client_secret"))
    if target.text("authenticator").lower() != "oauth" or not all(client):
        return None
    host = (
        target.text("host") or f"{target.text('account').replace('_', '-')}.snowflakecomputing.com"
    )
    port = f":{target.text('port')}" if target.text("port") else ""
    address = f"{target.text('protocol', 'https')}://{host}{port}/oauth/token-request"

    def exchange() -> str:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": target.text("token"),
            "redirect_uri": "http://localhost:9999",  # must be there; nothing is sent to it
        }
        try:
            answer = requests.post(
                address, data=form, auth=client, timeout=LOGIN_SECONDS, allow_redirects=False
            )
            return str(answer.json()["access_token"])
        except (requests.RequestException, KeyError, TypeError) as error:
            raise WarehouseError(
                f"Snowflake gives no access token for the refresh token of target '{target.name}'.",
                hint="it may have expired: sign in anew with your OAuth client, and set `token:`.",
            ) from error

    return exchange


def _private_key(target: Target) -> bytes | None:
    """The key of the profile as DER, which the connector wants: a file of PEM, or text as PEM or as base64 of DER."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    path, text = target.text("private_key_path"), target.text("private_key")
    if path and text:
        raise ConfigError(
            f"target '{target.name}' has both private_key and private_key_path.",
            hint="keep one of them in profiles.yml.",
        )
    if not path and not text:
        return None
    secret = target.text("private_key_passphrase").encode() or None
    try:
        text = Path(path).expanduser().read_text() if path else text
        if "-----BEGIN" in text:
            key = serialization.load_pem_private_key(text.encode(), password=secret)
        else:
            key = serialization.load_der_private_key(base64.b64decode(text), password=secret)
    except OSError as error:
        raise ConfigError(f"private_key_path {path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            f"the private key of target '{target.name}' cannot be read.",
            hint="give PEM or base64 of DER, and its private_key_passphrase if it has one; a key of an old "
            "kind is made a new one by: openssl pkcs8 -topk8 -v2 aes256 -in old.p8 -out new.p8.",
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
        sha256_of="sha2({0}, 256)",
        fingerprint_of="sum(to_number(left(md5({0}), 15), 'XXXXXXXXXXXXXXX'))",
        matches_of="regexp_like({0}, {1})",
        json_text_of='parse_json({0}):"{1}"::varchar',
        json_quoted_of="to_json(to_variant({0}))",
        group_seconds=60.0,  # a write keeps the virtual warehouse awake
        lease_believed_seconds=10.0,
    )

    def __init__(
        self,
        settings: dict[str, Any],
        *,
        by_stage: bool,
        notify: Callable[[str], None],
        access_token: Callable[[], str] | None = None,
    ) -> None:
        self._settings = settings
        self._access_token = access_token
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

    def sampler(self) -> Sampler | None:
        """None: it is not on this machine, and is asked where it is."""
        return None

    def at_ease(self) -> None:
        """It has machines of its own."""

    def keep_open(self) -> AbstractContextManager[None]:
        """Nobody waits for this warehouse."""
        return nullcontext()

    def let_go(self) -> AbstractContextManager[None]:
        """Nobody waits for this warehouse."""
        return nullcontext()

    def heed(self, stop: threading.Event) -> None:
        """Nobody is waited for."""

    def close(self) -> None:
        """Log out."""
        with self._turn:
            if self._connection is not None:
                with suppress(SnowflakeError):
                    self._connection.close()
                self._connection = None

    def _connect(self) -> Any:
        authenticator = str(self._settings.get("authenticator")).lower()
        if authenticator == "externalbrowser":
            self._notify("Waiting for single sign-on in the browser.")
        elif authenticator == "username_password_mfa":
            self._notify("Waiting for the second factor, if none is remembered.")
        settings = dict(self._settings)
        if self._access_token:
            settings["token"] = self._access_token()
        try:
            return snowflake.connector.connect(**settings)
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
        self._proof: Proof | None = None  # of the transaction
        self._staged: list[str] = []

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

    def keep(self, name: str, query: str) -> str | None:  # noqa: ARG002 - the others keep it
        """None: a table of its own would need a right that `sync` has no other use for."""
        return None

    def while_alone(self, name: str, read: Callable[[], object]) -> None:  # noqa: ARG002 - the others are alone
        """None: whoever may, writes at any time."""
        return

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
            Column(
                name=column.name.lower(),
                type=FIELD_ID_TO_NAME[column.type_code].lower(),
                kind=_kind(FIELD_ID_TO_NAME[column.type_code], column.scale),
                stored=column.name,
            )
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
            if not self._by_stage or rows.num_rows < BULK_ROWS:
                self._insert(relation, rows)
            elif self._proof is None:
                self._load(relation, rows)
            else:
                self._load_proven(relation, rows)

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
    def transaction(self, *, proof: Proof | None = None) -> Iterator[None]:
        """All or none; nests by joining the outer one. A load through a stage commits what was before it."""
        if self._in_transaction:
            if proof is not None:
                self._prove(proof)
            yield
            return
        self._run("begin")
        self._in_transaction, self._proof = True, proof
        try:
            if proof is not None:
                self._prove(proof)
            yield
            self._run("commit")
        except BaseException:
            with suppress(WarehouseError):
                self._run("rollback")
            raise
        finally:
            self._in_transaction, self._proof = False, None
            staged, self._staged = self._staged, []
            with suppress(WarehouseError):  # what was written is written
                for name in staged:
                    self._run(f"drop table if exists {name}")

    def _prove(self, proof: Proof) -> None:
        with self._cursor() as cursor:
            cursor.execute(proof.statement)
            if not cursor.rowcount:
                raise UnprovenError("another has come between: nothing is written.")

    def _load_proven(self, relation: str, rows: pa.Table) -> None:
        """Through a table of its own, whose making ends the transaction: it begins anew with its proof."""
        assert self._proof is not None  # noqa: S101
        names = ", ".join(rows.column_names)
        staged = f"{relation}__given_{uuid4().hex[:12]}"
        self._run(f"create transient table {staged} as select {names} from {relation} where 1 = 0")
        self._staged.append(staged)
        self._load(staged, rows)
        self._prove(self._proof)
        self._run(f"insert into {relation} ({names}) select {names} from {staged}")

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


# What Snowflake calls what (its connector's FIELD_ID_TO_NAME). Semi-structured columns arrive as JSON text.
_KINDS = {
    "TEXT": Kind.TEXT,
    "REAL": Kind.FLOAT,
    "BOOLEAN": Kind.BOOLEAN,
    "DATE": Kind.DATE,
    "TIME": Kind.TIME,
    **dict.fromkeys(
        ("TIMESTAMP", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ"), Kind.TIMESTAMP
    ),
    **dict.fromkeys(("VARIANT", "OBJECT", "ARRAY"), Kind.NESTED),
}


def _kind(name: str, scale: int | None) -> Kind:
    """What a column holds. Digits after the point leave as text: the connector would make floats of them."""
    if name == "FIXED":
        return Kind.DECIMAL if scale else Kind.WIDE
    return _KINDS.get(name, Kind.OTHER)


def _translated(error: Any) -> WarehouseError:
    """Snowflake's error as ours: its number and first line without what it quotes, which may be data."""
    line = str(error.raw_msg or error.msg or error).splitlines()[0].strip()
    if error.errno == DOES_NOT_EXIST:
        return WarehouseError(
            f"Snowflake: {line}", hint="run dbt build first; it makes the tables."
        )
    line = re.sub(r"'(?:[^']|'')*'", "'...'", line)
    return WarehouseError(f"Snowflake ({error.errno}): {line}")
