"""Files: CSV, JSON lines or Parquet, on a local disk, S3, SFTP or whatever else fsspec reaches.

Read 2026-11-24: filesystem-spec.readthedocs.io/en/latest/ (URLs choose the file system), arrow.apache.org/docs/python/parquet.html
(writing row groups one after another), owasp.org/www-community/attacks/CSV_Injection (cells that a spreadsheet would run). Read 2026-11-29:
OWASP ASVS 5, requirement 1.2.10 (the null character too).

Erasing writes every file of the table that is still there anew, without the rows of those keys (arrow.apache.org/docs/python/parquet.html,
read 2026-11-29: a Parquet file is never changed in place). What a loader has read by then is the loader's.

`replace` writes the whole table beside the old one and then takes its place, so readers see one or the other. The other
modes write a change log: a file per batch under `<name>/`, its rows marked with the action, for a loader to apply in the
order of names.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, ClassVar, Literal

import fsspec
from fsspec.implementations.local import LocalFileSystem
from pydantic import Field

from sync.destinations.base import (
    Declaration,
    Delivery,
    Erasure,
    ObjectType,
    PartialFailure,
    RateLimit,
)
from sync.destinations.http import Limiter
from sync.destinations.rewriting import FORMATS, without
from sync.destinations.settings import Settings, fingerprint
from sync.destinations.writers import Format, Writer, writer
from sync.errors import AuthError, ConfigError, RejectedError, TransientError
from sync.private import FILE, FOLDER, make_folder, mend, mend_file, open_file
from sync.records import Accepted, BatchResult, Mode, Record, SyncObject, Value


class FilesSettings(Settings):
    """Where files go, in what format, and who may read them."""

    path: str
    format: Format = "csv"
    readable_by: Literal["owner", "group"] = "owner"
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
        erasure=Erasure(
            "every file of the table that is still there is written anew without the rows"
        ),
        settings_help={
            "path": "folder or URL: exports, s3://bucket/folder, sftp://host/folder",
            "format": "csv, jsonl or parquet",
            "readable_by": "owner (the default) or group, on a local disk",
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
        self._path = settings.path
        try:
            self._fs, self._root = fsspec.core.url_to_fs(settings.path, **settings.options)
        except (ImportError, ValueError) as error:
            raise ConfigError(
                f"files: no file system for '{settings.path.partition('://')[0]}://' ({error}).",
                "install the package fsspec names, such as `pip install headwater[s3]`.",
            ) from error
        # On a disk of this machine a file is its owner's from the moment it is there; elsewhere the store decides.
        self._is_local = isinstance(self._fs, LocalFileSystem)
        shared = settings.readable_by == "group"
        self._file_mode, self._folder_mode = (0o640, 0o750) if shared else (FILE, FOLDER)
        self._root_is_mended = self._is_tidied = False
        self._staged: str | None = None
        self._writer: Writer | None = None
        self._stream: IO[bytes] | None = None

    def check(self) -> str:
        self._guard(self._make_root)
        return f"{self.format} files can be written"

    def account(self) -> str:
        return fingerprint(self._path)

    def upsert(self, records: Sequence[Record]) -> BatchResult:
        return self._log("upsert", records)

    def remove(self, records: Sequence[Record]) -> BatchResult:
        return self._log("remove", records)

    def send(self, records: Sequence[Record]) -> BatchResult:
        return self._log("event", records)

    def erase(self, records: Sequence[Record]) -> BatchResult:
        """Write the table's files anew without rows of these keys."""
        if not records:
            return BatchResult(requests=0)
        self._limiter("default")
        self._guard(self._tidy)
        keys = {record.key for record in records}
        for path in self._guard(self._written):
            self._guard(lambda path=path: self._rewrite(path, keys))
        return BatchResult(accepted=[Accepted(record.key) for record in records])

    def _tidy(self) -> None:
        """Take away what runs that were killed had half written: people are in it, and nobody reads it."""
        if self._is_tidied:
            return
        self._is_tidied = True
        log = f"{self._root}/{self._name}"
        for folder, begins, ends in (
            (self._root, f".{self._name}.", FORMATS),
            (self._root, f"{self._name}.", (".part",)),
            (log, "", (".part",)),
        ):
            for path in self._files(folder, begins, ends):
                self._fs.rm(path)

    def _files(self, folder: str, begins: str, ends: tuple[str, ...]) -> list[str]:
        if not self._fs.exists(folder):
            return []
        paths = map(str, self._fs.ls(folder, detail=False))
        return [one for one in paths if Path(one).name.startswith(begins) and one.endswith(ends)]

    def _written(self) -> list[str]:
        """Files of the table: the whole one, and those of its change log."""
        found = self._files(self._root, f"{self._name}.", FORMATS)
        found += self._files(f"{self._root}/{self._name}", "", FORMATS)
        return sorted(found)

    def _rewrite(self, path: str, keys: set[str]) -> None:
        part = path + ".part"
        with self._fs.open(path, "rb") as given, self._open(part) as stream:
            found = without(path.rpartition(".")[2], given, stream, keys)
        if found:
            self._fs.mv(part, path)
        else:
            self._fs.rm(part)

    def begin(self, run_id: str, columns: Sequence[str]) -> None:
        self._staged = f"{self._root}/.{self._name}.{run_id}.{self.format}"
        self._guard(self._make_root)
        self._guard(self._tidy)
        self._stream = self._guard(lambda: self._open(f"{self._staged}"))
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
            self._make_root()
            self._make_folder(f"{self._root}/{self._name}")
            self._tidy()
            with self._open(path + ".part") as stream:
                out = writer(self.format, stream, columns)
                out.write(rows)
                out.close()
            self._fs.mv(path + ".part", path)

        self._guard(write)
        return BatchResult(accepted=[Accepted(record.key) for record in records])

    def _make_root(self) -> None:
        """The folder, where it is missing; one that is there is mended where all that is in it are files like ours."""
        self._make_folder(self._root, mends=False)
        if self._is_local and not self._root_is_mended:
            self._root_is_mended = True
            if _holds_exports_only(Path(self._root)):
                mend(Path(self._root), file=self._file_mode, mode=self._folder_mode)
            else:
                for one in Path(self._root).glob(f"{self._name}.*"):
                    mend_file(one, self._file_mode)

    def _make_folder(self, path: str, *, mends: bool = True) -> None:
        if not self._is_local:
            self._fs.makedirs(path, exist_ok=True)
        elif mends or not Path(path).exists():
            make_folder(Path(path), mode=self._folder_mode)

    def _open(self, path: str) -> IO[bytes]:
        if self._is_local:
            return open_file(path, mode=self._file_mode)
        stream: IO[bytes] = self._fs.open(path, "wb")
        return stream

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


def _holds_exports_only(folder: Path) -> bool:
    """Whether a folder may be taken for one of exports: others' files, links and hidden folders are none of ours."""
    for root, folders, names in os.walk(folder):
        for name in names:
            if not name.removesuffix(".part").endswith((".csv", ".jsonl", ".parquet")):
                return False
        if any(name.startswith(".") for name in folders):
            return False
        if root != str(folder) and folders:
            return False
    return True


def _row(record: Record) -> dict[str, Value]:
    return {"key": record.key, **record.identifiers, **record.fields}
