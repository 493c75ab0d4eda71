"""Files: CSV, JSON lines or Parquet, on a local disk, S3, SFTP or whatever else fsspec reaches.

Read 2026-11-24: filesystem-spec.readthedocs.io/en/latest/ (URLs choose the file system), arrow.apache.org/docs/python/parquet.html
(writing row groups one after another), owasp.org/www-community/attacks/CSV_Injection (cells that a spreadsheet would run).

`replace` writes the whole table beside the old one and then takes its place, so readers see one or the other. The other
modes write a change log: a file per batch under `<name>/`, its rows marked with the action, for a loader to apply in the
order of names.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Sequence
from typing import IO, Any, ClassVar

import fsspec
from pydantic import Field

from sync.destinations.base import Declaration, Delivery, ObjectType, PartialFailure, RateLimit
from sync.destinations.http import Limiter
from sync.destinations.settings import Settings
from sync.destinations.writers import Format, Writer, writer
from sync.errors import AuthError, ConfigError, RejectedError, TransientError
from sync.records import Accepted, BatchResult, Mode, Record, SyncObject, Value


class FilesSettings(Settings):
    path: str
    format: Format = "csv"
    options: dict[str, str] = Field(default_factory=dict)


def _table(modes: frozenset[Mode], delivery: Delivery = Delivery.EXACTLY_ONCE) -> ObjectType:
    return ObjectType(
        modes=modes,
        batch_rows=10_000,
        identifiers=frozenset(),
        member="row",
        nested=True,
        partial_failure=PartialFailure.ALL_OR_NOTHING,
        delivery=delivery,
    )


class Files:
    """Writes one table as files under a path."""

    declaration: ClassVar[Declaration] = Declaration(
        name="files",
        title="Files",
        api_version="1",
        objects={
            "table": _table(
                frozenset({Mode.REPLACE, Mode.UPSERT, Mode.MIRROR, Mode.ADD, Mode.REMOVE})
            ),
            "event": _table(frozenset({Mode.EVENT}), Delivery.AT_LEAST_ONCE),
        },
        rate_limits={"default": RateLimit(requests=1000, seconds=1, parallel=1)},
        settings_help={
            "path": "folder or URL: exports, s3://bucket/folder, sftp://host/folder",
            "format": "csv, jsonl or parquet",
            "options": "what fsspec passes to the file system, such as key and secret",
        },
    )
    settings_type: ClassVar[type[FilesSettings]] = FilesSettings
    sandbox_settings: ClassVar[dict[str, str]] = {}

    def __init__(self, settings: FilesSettings, target: SyncObject, limiter: Limiter) -> None:
        self.target = target
        self.format: Format = settings.format
        given = target.options.get("format")
        if given is not None:
            if given not in ("csv", "jsonl", "parquet"):
                raise ConfigError(f"files: format '{given}' is not one of csv, jsonl, parquet.")
            self.format = given  # type: ignore[assignment]
        self._limiter = limiter
        try:
            self._fs, self._root = fsspec.core.url_to_fs(settings.path, **settings.options)
        except (ImportError, ValueError) as error:
            raise ConfigError(
                f"files: no file system for '{settings.path.partition('://')[0]}://' ({error}).",
                "install the package fsspec names, such as `pip install headwater[s3]`.",
            ) from error
        self._staged: str | None = None
        self._writer: Writer | None = None
        self._stream: IO[bytes] | None = None

    def check(self) -> str:
        self._guard(lambda: self._fs.makedirs(self._root, exist_ok=True))
        return f"{self.format} files can be written"

    def upsert(self, records: Sequence[Record]) -> BatchResult:
        return self._log("upsert", records)

    def remove(self, records: Sequence[Record]) -> BatchResult:
        return self._log("remove", records)

    def send(self, records: Sequence[Record]) -> BatchResult:
        return self._log("event", records)

    def begin(self, run_id: str, columns: Sequence[str]) -> None:
        self._staged = f"{self._root}/.{self._name}.{run_id}.{self.format}"
        self._guard(lambda: self._fs.makedirs(self._root, exist_ok=True))
        self._stream = self._guard(lambda: self._fs.open(self._staged, "wb"))
        self._writer = writer(self.format, self._stream, ["key", *columns])

    def write(self, records: Sequence[Record]) -> BatchResult:
        if self._writer is None:
            raise RejectedError("files: write before begin.")
        if records:
            out = self._writer
            rows = [_row(record) for record in records]
            self._guard(lambda: out.write(rows))
        return BatchResult(accepted=[Accepted(record.key) for record in records])

    def commit(self) -> None:
        self._close()
        self._guard(lambda: self._fs.mv(self._staged, f"{self._root}/{self._name}.{self.format}"))
        self._staged = None

    def abort(self) -> None:
        self._close()
        if self._staged and self._fs.exists(self._staged):
            self._fs.rm(self._staged)
        self._staged = None

    def _close(self) -> None:
        if self._writer is not None:
            self._guard(self._writer.close)
        if self._stream is not None:
            self._guard(self._stream.close)
        self._writer, self._stream = None, None

    def _log(self, action: str, records: Sequence[Record]) -> BatchResult:
        if not records:
            return BatchResult(requests=0)
        self._limiter("default")
        at = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S%f")
        path = f"{self._root}/{self._name}/{at}-{uuid.uuid4().hex[:8]}.{self.format}"
        rows = [{"_action": action, "_key": record.key, **_row(record)} for record in records]
        if action == "event":
            for row, record in zip(rows, records, strict=True):
                row["_idempotency_key"] = record.idempotency_key

        columns = list(dict.fromkeys(name for row in rows for name in row))

        def write() -> None:
            self._fs.makedirs(f"{self._root}/{self._name}", exist_ok=True)
            with self._fs.open(path + ".part", "wb") as stream:
                out = writer(self.format, stream, columns)
                out.write(rows)
                out.close()
            self._fs.mv(path + ".part", path)

        self._guard(write)
        return BatchResult(accepted=[Accepted(record.key) for record in records])

    @property
    def _name(self) -> str:
        return re.sub(r"[^A-Za-z0-9_-]+", "_", self.target.name or "rows")

    def _guard(self, action: Any) -> Any:
        try:
            return action()
        except PermissionError as error:
            raise AuthError(
                "files: the path may not be written.", "look at its permissions."
            ) from error
        except OSError as error:
            raise TransientError(f"files: {type(error).__name__} (errno {error.errno}).") from error


def _row(record: Record) -> dict[str, Value]:
    return {"key": record.key, **record.identifiers, **record.fields}
