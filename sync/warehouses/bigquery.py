"""BigQuery, through Google's own client and with the credentials of dbt's profile.

Statements that belong together go as one script in a transaction: one job. Rows come in by load jobs, which cost nothing and
are limited to 1,500 per table and day (https://cloud.google.com/bigquery/quotas, "Load jobs", read 2026-11-24); a few rows,
such as the lines of a run, go as one INSERT, which has no such limit. A load job cannot be part of a transaction: what is appended in
one is loaded into a table of its own, from which the script takes it.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import google.auth
import pyarrow.parquet as pq
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import GoogleAPIError, NotFound
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY, DEFAULT_RETRY

from sync.arrow import pa
from sync.config.models import Column
from sync.config.profiles import Target
from sync.errors import ConfigError, UnprovenError, WarehouseError
from sync.records import Kind, Proof
from sync.warehouses.base import Dialect, Sampler
from sync.warehouses.batches import BATCH_ROWS, normalised

INSERT_ROWS = 100  # fewer rows than this are one INSERT, more are a load job
RETRY_SECONDS = 60.0  # the client's own default is ten minutes
CONFLICT_TRIES = 6
UNPROVEN = "headwater: another has come between"
# dbt's own, where the profile names none (dbt-bigquery 1.12, BigQueryCredentials.scopes).
SCOPES = tuple(
    f"https://www.googleapis.com/auth/{name}"
    for name in ("bigquery", "cloud-platform", "drive", "userinfo.email")
)
METHODS = ("oauth", "oauth-secrets", "service-account", "service-account-json")
RETRY = DEFAULT_RETRY.with_timeout(RETRY_SECONDS)
JOB_RETRY = DEFAULT_JOB_RETRY.with_timeout(RETRY_SECONDS)


def open_warehouse(target: Target, *, notify: Callable[[str], None]) -> BigQueryWarehouse:
    """The project that the dbt target names.

    Raises:
        ConfigError: a setting is missing, or there are no credentials.
    """
    del notify  # nothing here takes long
    project = target.text("project") or target.text("database")
    try:
        credentials = credentials_of(target)
    except (GoogleAuthError, OSError, ValueError) as error:
        raise ConfigError(
            f"target '{target.name}' (method {target.text('method', 'oauth')}) has no usable "
            "credentials.",
            hint="docs/warehouses.md lists what each method needs.",
        ) from error
    client = bigquery.Client(
        project=target.text("execution_project") or project or None,
        credentials=credentials,
        location=target.text("location") or None,
        client_options=ClientOptions(
            quota_project_id=target.text("quota_project") or None,
            api_endpoint=target.text("api_endpoint") or None,
        ),
        default_query_job_config=bigquery.QueryJobConfig(
            maximum_bytes_billed=target.settings.get("maximum_bytes_billed"),
            priority=target.text("priority", "interactive").upper(),
            labels={"application": "headwater"},
        ),
    )
    seconds = float(target.text("job_execution_timeout_seconds") or 3600)
    return BigQueryWarehouse(client, timeout_seconds=seconds)


def credentials_of(target: Target) -> Any:
    """Credentials by dbt's methods: oauth (application default), oauth-secrets, service-account, service-account-json.

    Raises:
        ConfigError: the method is another.
    """
    scopes = list(target.settings.get("scopes") or SCOPES)
    found = _own_credentials(target, scopes)
    impersonated = target.text("impersonate_service_account")
    if not impersonated:
        return found
    from google.auth import impersonated_credentials

    return impersonated_credentials.Credentials(
        source_credentials=found, target_principal=impersonated, target_scopes=scopes
    )


def _own_credentials(target: Target, scopes: list[str]) -> Any:
    from google.oauth2 import credentials as oauth
    from google.oauth2 import service_account

    if target.text("api_endpoint").startswith("http://"):  # a local stand-in asks for none
        return AnonymousCredentials()
    method = target.text("method", "oauth")
    if method == "oauth":
        return google.auth.default(scopes=scopes)[0]
    if method == "service-account":
        return service_account.Credentials.from_service_account_file(
            Path(target.text("keyfile")).expanduser(), scopes=scopes
        )
    if method == "service-account-json":
        return service_account.Credentials.from_service_account_info(_key(target), scopes=scopes)
    if method == "oauth-secrets":
        names = ("token", "refresh_token", "client_id", "client_secret", "token_uri")
        given = {name: target.text(name) or None for name in names}
        return oauth.Credentials(**given, scopes=scopes)
    raise ConfigError(
        f"target '{target.name}' has method '{method}'; allowed are {', '.join(METHODS)}.",
        hint="for a federated identity (external-oauth-wif) take oauth, with its credential configuration file in "
        "GOOGLE_APPLICATION_CREDENTIALS."
        if method == "external-oauth-wif"
        else None,
    )


def _key(target: Target) -> dict[str, Any]:
    """The service account's key: a mapping in the profile, or its JSON as text; line ends may be escaped, as dbt allows."""
    key = target.settings.get("keyfile_json")
    info = json.loads(key) if isinstance(key, str) else dict(key or {})
    return info | {"private_key": str(info.get("private_key", "")).replace("\\n", "\n")}


class BigQueryWarehouse:
    """One project. Sessions share a client; each statement is a job."""

    dialect = Dialect(
        name="bigquery",
        string="string",
        timestamp="timestamp",
        escapes_backslash=True,
        quote="`",
        md5_of="to_hex(md5({0}))",
        sha256_of="to_hex(sha256({0}))",
        fingerprint_of="bit_xor(farm_fingerprint({0}))",
        matches_of="regexp_contains({0}, {1})",
        json_text_of="json_value({0}, '$.{1}')",
        json_quoted_of="to_json_string({0})",
        group_seconds=60.0,  # a table takes 1,500 load jobs a day
        lease_believed_seconds=10.0,
    )

    def __init__(self, client: bigquery.Client, *, timeout_seconds: float) -> None:
        self._client = client
        self._timeout = timeout_seconds

    @contextmanager
    def session(self, *, write: bool = False) -> Iterator[BigQuerySession]:  # noqa: ARG002
        """The client; `write` needs nothing more."""
        yield BigQuerySession(self._client, self.dialect, timeout_seconds=self._timeout)

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
        """Close the client's connections."""
        self._client.close()


class BigQuerySession:
    """The client, for the length of a `with`."""

    def __init__(
        self,
        client: bigquery.Client,
        dialect: Dialect,
        *,
        timeout_seconds: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._dialect = dialect
        self._timeout = timeout_seconds
        self._sleep = sleep
        self._unit: list[str] | None = None  # statements of the open transaction
        self._staged: list[str] = []  # tables it takes rows from

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Every row of a small result."""
        with _translated():
            found = self._job(query)
            return [{name.lower(): _naive(value) for name, value in row.items()} for row in found]

    def stream(self, query: str) -> Iterator[pa.RecordBatch]:
        """Arrow batches of at most `BATCH_ROWS` rows, a page at a time."""
        with _translated():
            for batch in self._job(query, page_size=BATCH_ROWS).to_arrow_iterable():
                table = normalised(pa.Table.from_batches([batch]))
                yield from table.to_batches(max_chunksize=BATCH_ROWS)

    def keep(self, name: str, query: str) -> str | None:  # noqa: ARG002 - the others keep it
        """None: a table of its own would need a right that `sync` has no other use for."""
        return None

    def while_alone(self, name: str, read: Callable[[], object]) -> None:  # noqa: ARG002 - the others are alone
        """None: whoever may, writes at any time."""
        return

    def columns(self, relation: str) -> list[Column]:
        """Columns of a relation, in order; none when it does not exist."""
        return [
            Column(
                name=field.name.lower(),
                type=field.field_type.lower(),
                kind=_kind(field),
                stored=field.name,
            )
            for field in self._schema(relation)
        ]

    def execute(self, *statements: str) -> None:
        """Run statements as one script in one transaction. Where another writer came between, all of it is tried again."""
        if self._unit is not None:
            self._unit += statements
            return
        script = statements[0]
        if len(statements) > 1:
            script = ";\n".join(["begin transaction", *statements, "commit transaction"]) + ";"
        for attempt in range(1, CONFLICT_TRIES + 1):
            try:
                with _translated():
                    self._job(script)
                return
            except WarehouseError as error:
                if attempt == CONFLICT_TRIES or not _is_conflict(error):
                    raise
                self._sleep(attempt * random.uniform(0.5, 1.5))  # noqa: S311

    def append(self, relation: str, rows: pa.Table) -> None:
        """Insert rows; columns are matched by name."""
        if not rows.num_rows:
            return
        if rows.num_rows < INSERT_ROWS:
            self.execute(self._insert(relation, rows))
        elif self._unit is None:
            self._load(relation, rows, self._schema(relation))
        else:
            names = ", ".join(rows.column_names)
            staged = self._stage(relation, rows)
            self.execute(f"insert into {relation} ({names}) select {names} from `{staged}`")

    def merge(self, relation: str, rows: pa.Table, *, keys: Sequence[str]) -> None:
        """Insert rows, replacing those with the same keys: loaded beside the table, then one MERGE."""
        if not rows.num_rows:
            return
        matched = " and ".join(f"held.{key} = given.{key}" for key in keys)
        changed = ", ".join(
            f"{name} = given.{name}" for name in rows.column_names if name not in keys
        )
        names = ", ".join(rows.column_names)
        given = ", ".join(f"given.{name}" for name in rows.column_names)
        update = f"when matched then update set {changed} " if changed else ""
        with self.transaction():
            staged = self._stage(relation, rows)
            self.execute(
                f"merge into {relation} as held using `{staged}` as given on {matched} "
                f"{update}when not matched then insert ({names}) values ({given})"
            )

    @contextmanager
    def transaction(self, *, proof: Proof | None = None) -> Iterator[None]:
        """What is written inside is one script, run at the end; nests by joining the outer one."""
        if self._unit is not None:
            self._unit += _proven(proof)
            yield
            return
        self._unit = _proven(proof)
        try:
            yield
            statements, self._unit = self._unit, None
            if statements:
                self.execute(*statements)
        except WarehouseError as error:
            if UNPROVEN in error.message:
                raise UnprovenError("another has come between: nothing is written.") from error
            raise
        finally:
            self._unit = None
            staged, self._staged = self._staged, []
            for name in staged:
                with suppress(WarehouseError), _translated():  # what was written is written
                    self._client.delete_table(name, not_found_ok=True, retry=RETRY)

    def _stage(self, relation: str, rows: pa.Table) -> str:
        """Load rows into a table of their own, which is deleted when the transaction is over."""
        staged = f"{relation.replace('`', '')}__given_{uuid4().hex[:12]}"
        self._staged.append(staged)
        self._load(staged, rows, self._schema(relation))
        return staged

    def _job(self, statement: str, page_size: int | None = None) -> Any:
        job = self._client.query(statement, retry=RETRY, job_retry=JOB_RETRY, timeout=RETRY_SECONDS)
        return job.result(
            retry=RETRY, job_retry=JOB_RETRY, timeout=self._timeout, page_size=page_size
        )

    def _schema(self, relation: str) -> list[bigquery.SchemaField]:
        with _translated():
            try:
                found = self._client.get_table(relation.replace("`", ""), retry=RETRY)
            except NotFound:
                return []
            return list(found.schema)

    def _insert(self, relation: str, rows: pa.Table) -> str:
        names = ", ".join(rows.column_names)
        lines = [
            "(" + ", ".join(self._literal(value) for value in row.values()) + ")"
            for row in rows.to_pylist()
        ]
        return f"insert into {relation} ({names}) values {', '.join(lines)}"

    def _literal(self, value: Any) -> str:
        if type(value) is dt.date:
            return f"date '{value.isoformat()}'"
        return self._dialect.literal(value)

    def _load(self, relation: str, rows: pa.Table, schema: Sequence[bigquery.SchemaField]) -> None:
        """A load job of Parquet, all or none. Timestamps are marked as UTC: without a zone they would be DATETIME."""
        for number, field in enumerate(rows.schema):
            if pa.types.is_timestamp(field.type) and field.type.tz is None:
                zoned = rows.column(number).cast(pa.timestamp("us", tz="UTC"))
                rows = rows.set_column(number, field.name, zoned)
        file = io.BytesIO()
        pq.write_table(rows, file)
        given = set(rows.column_names)
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.PARQUET,
            write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
            schema=[field for field in schema if field.name.lower() in given],
        )
        with _translated():
            self._client.load_table_from_file(
                file, relation.replace("`", ""), rewind=True, job_config=config
            ).result(retry=RETRY, timeout=self._timeout)


# What BigQuery calls what, in its old words and its new ones
# (https://cloud.google.com/bigquery/docs/reference/rest/v2/tables, TableFieldSchema, read 2026-11-28).
_KINDS = {
    **dict.fromkeys(("STRING", "JSON"), Kind.TEXT),
    **dict.fromkeys(("INTEGER", "INT64"), Kind.WHOLE),
    **dict.fromkeys(("NUMERIC", "BIGNUMERIC"), Kind.DECIMAL),
    **dict.fromkeys(("FLOAT", "FLOAT64"), Kind.FLOAT),
    **dict.fromkeys(("BOOLEAN", "BOOL"), Kind.BOOLEAN),
    **dict.fromkeys(("TIMESTAMP", "DATETIME"), Kind.TIMESTAMP),
    "DATE": Kind.DATE,
    "TIME": Kind.TIME,
}


def _proven(proof: Proof | None) -> list[str]:
    """Statements that fail where the row is not there, and keep others from it. A transaction reads as of its first statement, and is
    cancelled where another changes a table that it changes (https://cloud.google.com/bigquery/docs/transactions, read 2026-11-28).
    """
    if proof is None:
        return []
    there = f"exists (select 1 from {proof.relation} where {proof.condition})"
    return [f"select case when {there} then 1 else error('{UNPROVEN}') end", proof.statement]


def _kind(field: bigquery.SchemaField) -> Kind:
    """What a column holds; a list or object of what cannot go cannot go."""
    if field.field_type in ("RECORD", "STRUCT"):
        inner = [_kind(one) for one in field.fields]
    else:
        inner = [_KINDS.get(field.field_type, Kind.OTHER)]
        if field.mode != "REPEATED":
            return inner[0]
    return Kind.OTHER if Kind.OTHER in inner else Kind.NESTED


def _naive(value: Any) -> Any:
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.astimezone(dt.UTC).replace(tzinfo=None)
    return value


@contextmanager
def _translated() -> Iterator[None]:
    """Google's errors as ours: the reason and the first line, for the rest may quote data."""
    try:
        yield
    except NotFound as error:
        raise WarehouseError(
            f"BigQuery: {_line(error)}", hint="run dbt build first; it makes the tables."
        ) from error
    except (GoogleAPIError, GoogleAuthError, TimeoutError, OSError) as error:
        raise WarehouseError(f"BigQuery: {_line(error)}") from error


def _line(error: BaseException) -> str:
    text = str(getattr(error, "message", "") or error).splitlines()[0]
    text = text.split("; reason:")[0].strip()
    if UNPROVEN in text:
        return UNPROVEN
    if re.search(r"Bad (int64|double|bool|timestamp|date) value|Could not cast|Invalid", text):
        return "a value could not be converted to its column's type."
    return text


def _is_conflict(error: WarehouseError) -> bool:
    """Another transaction changed the same table: "Transaction is aborted due to concurrent update against table ..."."""
    return "concurrent update" in error.message.lower()
