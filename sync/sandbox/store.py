"""What the stand-ins hold, in one SQLite file, so that a push, a pull and the page in other processes see the same."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sync.private import descriptor, make_folder

TABLES = """
create table if not exists objects (vendor text, kind text, id text, name text, primary key (vendor, kind, id));
create table if not exists members (
    vendor text, object_id text, member_id text, data text, primary key (vendor, object_id, member_id)
) without rowid;
create table if not exists events (
    vendor text, object_id text, event_id text, data text, at text, times integer,
    primary key (vendor, object_id, event_id)
) without rowid;
create table if not exists jobs (vendor text, id text primary key, data text);
create table if not exists requests (vendor text, outcome text, times integer, primary key (vendor, outcome));
"""


class Store:
    """Objects, their members, events and jobs of every vendor. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        # SQLite gives the files beside it the mode of this one.
        make_folder(path.parent)
        for one in (path, *path.parent.glob(f"{path.name}-*")):
            os.close(descriptor(one, flags=os.O_WRONLY))
        self.path = path
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, timeout=30)
        self._connection.executescript(
            f"pragma journal_mode = wal; pragma synchronous = off; begin; {TABLES} commit;"
        )

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def object_id(self, vendor: str, kind: str, name: str) -> str:
        """Id of an object by name, made when there is none; the same name gives the same id."""
        made = str(int(hashlib.sha256(f"{vendor}|{kind}|{name}".encode()).hexdigest()[:12], 16))
        self._write(
            "insert or ignore into objects values (?, ?, ?, ?)", [(vendor, kind, made, name)]
        )
        return made

    def objects(self, vendor: str, kind: str | None = None) -> list[tuple[str, str, str]]:
        """(kind, id, name) of a vendor's objects."""
        rows = self.rows(
            "select kind, id, name from objects where vendor = ? order by kind, name", vendor
        )
        return [(row[0], row[1], row[2]) for row in rows if kind is None or row[0] == kind]

    def put_members(self, vendor: str, object_id: str, members: Mapping[str, Any]) -> None:
        """Put members into an object, over those with the same ids."""
        self._write(
            "insert or replace into members values (?, ?, ?, ?)",
            [(vendor, object_id, key, json.dumps(data)) for key, data in members.items()],
        )

    def drop_members(self, vendor: str, object_id: str, member_ids: Iterable[str]) -> None:
        """Take members out of an object."""
        self._write(
            "delete from members where vendor = ? and object_id = ? and member_id = ?",
            [(vendor, object_id, key) for key in member_ids],
        )

    def member(self, vendor: str, object_id: str, member_id: str) -> Any:
        """One member, or None."""
        rows = self.rows(
            "select data from members where vendor = ? and object_id = ? and member_id = ?",
            vendor,
            object_id,
            member_id,
        )
        return json.loads(rows[0][0]) if rows else None

    def members(
        self, vendor: str, object_id: str, *, after: str = "", limit: int = 1_000_000
    ) -> dict[str, Any]:
        """Members in order of id, at most `limit` behind the id `after`."""
        rows = self.rows(
            "select member_id, data from members where vendor = ? and object_id = ? and member_id > ? "
            "order by member_id limit ?",
            vendor,
            object_id,
            after,
            limit,
        )
        return {row[0]: json.loads(row[1]) for row in rows}

    def count_members(self, vendor: str, object_id: str) -> int:
        """How many members an object has."""
        query = "select count(*) from members where vendor = ? and object_id = ?"
        return int(self.rows(query, vendor, object_id)[0][0])

    def add_events(
        self, vendor: str, object_id: str, events: Sequence[tuple[str, Any, str]]
    ) -> None:
        """Keep (event id, data, instant); an id seen before changes nothing but the count of its arrivals."""
        self._write(
            "insert into events values (?, ?, ?, ?, ?, 1) "
            "on conflict (vendor, object_id, event_id) do update set times = times + 1",
            [(vendor, object_id, key, json.dumps(data), at) for key, data, at in events],
        )

    def events(self, vendor: str, object_id: str | None = None) -> list[dict[str, Any]]:
        """Events in order of time: {object_id, event_id, data, at, times}."""
        rows = self.rows(
            "select object_id, event_id, data, at, times from events where vendor = ? order by at, event_id",
            vendor,
        )
        return [
            {
                "object_id": row[0],
                "event_id": row[1],
                "data": json.loads(row[2]),
                "at": row[3],
                "times": row[4],
            }
            for row in rows
            if object_id is None or row[0] == object_id
        ]

    def drop_events(self, vendor: str, events: Iterable[tuple[str, str]]) -> None:
        """Delete events by (object id, event id)."""
        self._write(
            "delete from events where vendor = ? and object_id = ? and event_id = ?",
            [(vendor, object_id, key) for object_id, key in events],
        )

    def put_job(self, vendor: str, job_id: str, data: Any) -> None:
        """Keep a job's state."""
        self._write(
            "insert or replace into jobs values (?, ?, ?)", [(vendor, job_id, json.dumps(data))]
        )

    def job(self, vendor: str, job_id: str) -> Any:
        """A job's state, or None."""
        rows = self.rows("select data from jobs where vendor = ? and id = ?", vendor, job_id)
        return json.loads(rows[0][0]) if rows else None

    def count_request(self, vendor: str, outcome: str) -> None:
        """Count a request to a vendor, by how it ended."""
        self._write(
            "insert into requests values (?, ?, 1) "
            "on conflict (vendor, outcome) do update set times = times + 1",
            [(vendor, outcome)],
        )

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def clear(self) -> None:
        """Forget everything."""
        for table in ("objects", "members", "events", "jobs", "requests"):
            self._write(f"delete from {table}", [()])

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        with self._lock, self._connection:
            self._connection.executemany(statement, rows)
