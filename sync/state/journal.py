"""What was taken and is not in the warehouse yet, on local disk: one file per run and sync, an entry the moment an answer arrives.

The warehouse is written in groups, so that its file is free for others most of the time. A process that is killed between an
answer and the group leaves its file; the next push of the sync folds it in first, and so repeats only requests whose answers
never came. Files hold identifiers as the ledger does, only their owner can read them, and they go when their run is on record.

A journal is a cache: without it, what the run was about to do is in doubt as a whole (`sync.state.intents`), and nothing is lost. One
that is there and whole says that what it does not have was not sent. It is whole from before the first request on, until the disk
refuses a write (then it is called `.incomplete`) or the machine has started anew, since what the disk was never given is lost then. A copy
is never whole, nor one on another machine: what was sent after it was made is not in it. So a file begins with which one it is.
It counts only while its run is unfinished in the warehouse: what another machine has recovered, or what has ended, is never replayed.

An entry is a header (batch number, length, checksum of both and of what follows) and acknowledgements as an Arrow stream; the first says
which file it is. The last of a batch counts; one without content says that the batch is in the warehouse. What follows the last whole
entry was cut short, or was kept free for an answer that never came.
"""

from __future__ import annotations

import datetime as dt
import errno
import os
import struct
import threading
import time
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sync.errors import WarehouseError
from sync.private import descriptor, make_folder
from sync.records import Action
from sync.state.machine import boot_id

if TYPE_CHECKING:
    from sync.arrow import pa
    from sync.state.tables import Tables
    from sync.warehouses.base import Dialect, Session

_WHOLE, _INCOMPLETE, _PARTIAL = ".journal", ".incomplete", ".partial"  # how files' names end
_HEADER = struct.Struct("<QQI")
_ITSELF = 2**64 - 1  # the number of no batch
_GETVERSION = 0x80087601
_ANSWER_BYTES = 200  # of a row: its hash, the vendor's id for it, the action
_SLACK_BYTES = 8192
_WORTH_REWRITING = 16 * 2**20  # bytes of entries that count no more


@dataclass(frozen=True, slots=True)
class Entry:
    """The last word on a batch that a killed run left."""

    run_id: str
    batch_number: int
    content: bytes

    def read(self) -> pa.Table:
        """Its acknowledgements."""
        from sync.arrow import pa

        with pa.ipc.open_stream(self.content) as reader:
            return reader.read_all()


class Journal:
    """The files of one sync in one environment, of which this run writes one. Safe to use from several threads."""

    def __init__(self, folder: Path, *, environment: str, sync_name: str, run_id: str) -> None:
        self._top = folder
        self._folder = folder / environment / sync_name
        self._run_id = run_id
        self._path = self._folder / f"{run_id}{_WHOLE}"
        self._turn = threading.Lock()
        self._file: int | None = None
        self._start = self._end = 0  # of the entries of batches
        self._places: dict[int, tuple[int, int]] = {}  # batch -> offset and length of what counts
        self._reserved: dict[int, int] = {}  # batch -> bytes kept free for its answer

    def begin(self) -> None:
        """Be there: from now on what is not in the file was not sent.

        Raises:
            OSError: the disk refuses it.
        """
        with self._turn:
            self._open()

    def write(self, batch_number: int, acknowledgements: pa.Table) -> None:
        """Keep a batch; it is there as a whole or not at all.

        Raises:
            OSError: the disk refuses it.
        """
        from sync.arrow import pa

        stream = pa.BufferOutputStream()
        with pa.ipc.new_stream(stream, acknowledgements.schema) as writer:
            writer.write_table(acknowledgements)
        content = stream.getvalue()
        with self._turn:
            place = self._append([_header(batch_number, content), content])
            self._places[batch_number] = place
            self._reserved.pop(batch_number, None)

    def reserve(self, batch_number: int, intended: pa.Table) -> None:
        """Keep room for what the answer will say of a batch, before it is sent: a disk that fills up meanwhile cannot refuse it.

        Raises:
            OSError: there is no such room.
        """
        with self._turn:
            self._open()
            size = intended.nbytes + intended.num_rows * _ANSWER_BYTES + _SLACK_BYTES
            self._make_room(self._file, self._end, sum(self._reserved.values()) + size)
            self._reserved[batch_number] = size

    def drop(self, batch_numbers: Sequence[int]) -> None:
        """Their group is in the warehouse."""
        with self._turn:
            held = [number for number in batch_numbers if self._places.pop(number, None)]
            for number in batch_numbers:
                self._reserved.pop(number, None)
            if self._file is None:
                return
            # On a full disk they stay for now: the end of the run removes the file, and recovery looks into the warehouse.
            with suppress(OSError):
                if not self._places and not self._reserved:
                    os.ftruncate(self._file, self._start)
                    self._end = self._start
                    return
                if not held:
                    return
                self._append([_header(number, b"") for number in held])
                if (
                    self._end - sum(length for _, length in self._places.values())
                    > _WORTH_REWRITING
                ):
                    self._rewrite()

    def resign(self) -> None:
        """What follows may be missing; what is there still counts.

        Raises:
            OSError: the disk refuses it: the file goes on saying that it is whole.
        """
        with self._turn:
            whole, self._path = self._path, self._path.with_suffix(_INCOMPLETE)
            if whole.exists():
                whole.rename(self._path)

    def close(self) -> None:
        """Nothing is written any more; what is left is for the next run."""
        with self._turn:
            self._close()

    def end(self) -> None:
        """The run is on record."""
        self.close()
        self.remove([self._run_id])

    def entries(self) -> Iterator[Entry]:
        """What is there, oldest run first."""
        for path in self._files():
            for number, content in _read(path).items():
                if number == _ITSELF:
                    continue
                yield Entry(path.stem, number, content)

    def whole(self) -> set[str]:
        """Runs of which all that was sent is known here."""
        since = _machine_started_at()
        return {
            path.stem
            for path in self._files()
            if path.suffix == _WHOLE and path.stat().st_mtime >= since and _is_itself(path)
        }

    def remove(self, run_ids: Collection[str]) -> None:
        """These runs are on record."""
        self._remove(path for path in self._files() if path.stem in run_ids)

    def remove_others(self, run_ids: Collection[str]) -> list[str]:
        """Drop what does not belong to these runs, which are the unfinished ones; returns the runs it was of.

        The file of this run is there before the warehouse knows the run, and stays when that is tried again.
        """
        others = [path for path in self._files() if path.stem not in {*run_ids, self._run_id}]
        self._remove([*others, *self._folder.glob(f"*{_PARTIAL}")])
        return sorted({path.stem for path in others})

    def in_flight_at(self) -> float | None:
        """When another run last began a request whose answer is not known (Unix time), as far as its file says."""
        begun = [
            _begun_at(table)
            for table in (entry.read() for entry in self.entries() if entry.run_id != self._run_id)
            if Action.ATTEMPT in table.column("action").to_pylist()
        ]
        return max(begun, default=None)

    def recover(
        self, session: Session, tables: Tables, dialect: Dialect, run_ids: Collection[str]
    ) -> None:
        """Put what is there of these runs into the warehouse.

        Raises:
            WarehouseError: the warehouse refuses it.
        """
        for entry in self.entries():
            if entry.run_id not in run_ids:
                continue
            table = entry.read()
            if table.num_rows and not _is_in(session, tables, dialect, table):
                session.append(tables.acknowledgements, table)

    def _files(self) -> list[Path]:
        found = [*self._folder.glob(f"*{_WHOLE}"), *self._folder.glob(f"*{_INCOMPLETE}")]
        return sorted(found, key=lambda path: path.name)

    def _remove(self, paths: Iterable[Path]) -> None:
        for path in paths:
            # A folder that is read only by now: what is in the warehouse is known there.
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _append(self, parts: Sequence[bytes | pa.Buffer]) -> tuple[int, int]:
        """Where `parts` stand now. What a full disk cuts short is written over by the next."""
        self._open()
        assert self._file is not None  # noqa: S101
        offset, length = self._end, sum(len(part) for part in parts)
        if os.pwritev(self._file, parts, offset) < length:
            raise OSError("the disk took only a part.")
        self._end += length
        return offset, length

    def _open(self) -> None:
        if self._file is None:
            make_folder(self._folder, below=self._top)
            self._file, self._start, self._end = _opened(self._path), 0, 0
            self._start = self._end = _name(self._file)

    def _make_room(self, file: int | None, offset: int, size: int) -> None:
        if file is None or size == 0 or not hasattr(os, "posix_fallocate"):
            return
        try:
            os.posix_fallocate(file, offset, size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # a file system that cannot
                raise

    def _rewrite(self) -> None:
        """Leave out what counts no more; the old file stays until the new one is whole."""
        assert self._file is not None  # noqa: S101 - only an open file grows
        partial = self._path.with_suffix(_PARTIAL)
        fresh = _opened(partial)
        places: dict[int, tuple[int, int]] = {}
        try:
            start = end = _name(fresh)
            for number, (offset, length) in self._places.items():
                if os.pwrite(fresh, os.pread(self._file, length, offset), end) < length:
                    raise OSError("the disk took only a part.")
                places[number] = (end, length)
                end += length
            self._make_room(fresh, end, sum(self._reserved.values()))
            os.replace(partial, self._path)
        except OSError:
            os.close(fresh)
            partial.unlink(missing_ok=True)
            raise
        self._close()
        self._file, self._start, self._end, self._places = fresh, start, end, places

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _opened(path: Path) -> int:
    return descriptor(path, flags=os.O_RDWR | os.O_TRUNC)


def _name(file: int) -> int:
    """Write into an empty file which one it is; how long that is."""
    identity = _identity(file)
    parts = [_header(_ITSELF, identity), identity]
    length = sum(map(len, parts))
    if os.pwritev(file, parts, 0) < length:
        raise OSError("the disk took only a part.")
    return length


def _is_itself(path: Path) -> bool:
    """Whether a file is the one that its run wrote, on this machine, and no copy of it."""
    try:
        with path.open("rb") as file:
            number, length, _ = _HEADER.unpack(file.read(_HEADER.size))
            said = file.read(min(length, 1000))
            return bool(number == _ITSELF and said == _identity(file.fileno()))
    except (OSError, struct.error):
        return False


def _identity(file: int) -> bytes:
    """A file, on a machine since it was started last: whatever is made of it elsewhere or later has another."""
    found = os.fstat(file)
    born = getattr(found, "st_birthtime", "")
    parts = (boot_id().decode("ascii").strip(), found.st_dev, found.st_ino, born, _generation(file))
    return "/".join(map(str, parts)).encode()


def _generation(file: int) -> str:
    """Tells a file from one before it that had the same number, where the file system says so (ioctl_iflags(2), FS_IOC_GETVERSION)."""
    try:
        import fcntl

        return fcntl.ioctl(file, _GETVERSION, bytes(8)).hex()
    except (ImportError, OSError):
        return ""


def _header(batch_number: int, content: bytes | pa.Buffer) -> bytes:
    return _HEADER.pack(batch_number, len(content), _checksum(batch_number, content))


def _checksum(batch_number: int, content: bytes | pa.Buffer) -> int:
    return zlib.crc32(content, zlib.crc32(struct.pack("<QQ", batch_number, len(content))))


def _read(path: Path) -> dict[int, bytes]:
    """The last content of each batch that is not in the warehouse, in the order it was written."""
    held: dict[int, bytes] = {}
    data, offset = path.read_bytes(), 0
    while offset + _HEADER.size <= len(data):
        number, length, checksum = _HEADER.unpack_from(data, offset)
        offset += _HEADER.size
        content = data[offset : offset + length]
        if len(content) < length or checksum != _checksum(number, content):
            break
        offset += length
        held.pop(number, None)
        if content:
            held[number] = content
    return held


def _machine_started_at() -> float:
    """Unix time; long ago where the machine does not say."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def _begun_at(table: pa.Table) -> float:
    latest: dt.datetime = max(table.column("acknowledged_at").to_pylist())
    return latest.replace(tzinfo=dt.UTC).timestamp()


def _is_in(session: Session, tables: Tables, dialect: Dialect, table: pa.Table) -> bool:
    """The batch reached the warehouse, as a whole as always, before its entry could be dropped."""
    first = table.slice(0, 1).to_pylist()[0]
    same = " and ".join(
        f"{name} = {dialect.literal(first[name])}"
        for name in ("environment", "sync_name", "run_id", "batch_number", "sync_key", "action")
    )
    rows = session.rows(f"select count(*) as found from {tables.acknowledgements} where {same}")
    if not rows:
        raise WarehouseError("the acknowledgements cannot be read.")
    return bool(rows[0]["found"])
