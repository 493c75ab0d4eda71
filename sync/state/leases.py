"""One run per sync at a time: a row in the warehouse that expires.

Whoever slept beyond its lease may wake up beside the run that took over. So a run writes only in units that find its lease in place
(`held`, `released`), each in one transaction with what it writes: a take-over comes before the unit, which then writes nothing, or
after it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sync.errors import LeaseLostError, UnprovenError
from sync.records import Proof
from sync.state.machine import boot_id

if TYPE_CHECKING:
    from sync.state.tables import Tables
    from sync.warehouses.base import Dialect, Session

LEASE_SECONDS = 600


def instant() -> float:
    """Seconds, by a clock that goes on while a process is stopped and, where the system has one, while the machine sleeps."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def owner_name(run_id: str) -> str:
    """Who holds a lease: host, process, where that is a number, and run."""
    return f"{socket.gethostname()}/{os.getpid()}.{_started(os.getpid())}.{_where()}/{run_id}"


class Leases:
    """The right to push one sync."""

    def __init__(
        self, tables: Tables, dialect: Dialect, *, environment: str, sync_name: str, owner: str
    ) -> None:
        self._table = tables.leases
        self._literal = dialect.literal
        self._environment = environment
        self._sync_name = sync_name
        self._owner = owner
        # By `instant`, when the warehouse was last asked and said that it is ours.
        self.proven_at = float("-inf")

    def acquire(self, session: Session, now: dt.datetime) -> str | None:
        """Take the lease; None when it is ours, else who has it."""
        if (holder := self.holder_of(session, self._sync_name, now)) is not None:
            return holder
        expires = self._literal(now + dt.timedelta(seconds=LEASE_SECONDS))
        session.execute(
            f"delete from {self._table} where {self._mine()}",
            f"insert into {self._table} (environment, sync_name, owner, expires_at) values "
            f"({self._literal(self._environment)}, {self._literal(self._sync_name)}, "
            f"{self._literal(self._owner)}, {expires})",
        )
        # Two processes may both have inserted where the warehouse lets both: the smaller name keeps it.
        owners = self._owners(session)
        if owners and owners[0] != self._owner:
            self.release(session)
            return _described(owners[0])
        return None

    def prove(self, session: Session, now: dt.datetime) -> None:
        """Ask whether the lease is ours still, and has not run out.

        Raises:
            LeaseLostError: it is not, or has.
        """
        asked_at = instant()
        ours = session.rows(
            f"select owner from {self._table} where {self._proof().condition} and expires_at > {self._literal(now)}"
        )
        if not ours:
            raise self._lost()
        self.proven_at = asked_at

    def holder_of(self, session: Session, sync_name: str, now: dt.datetime) -> str | None:
        """Who else has the lease of a sync, or None."""
        for row in session.rows(
            f"select owner, expires_at from {self._table} "
            f"where environment = {self._literal(self._environment)} "
            f"and sync_name = {self._literal(sync_name)}"
        ):
            if row["owner"] != self._owner and is_living(row, now):
                return f"{_described(row['owner'])}, until {row['expires_at']:%H:%M} UTC"
        return None

    def process_here(self, session: Session) -> int | None:
        """The number of the process that has the lease, where it is seen to be at work on this machine."""
        for owner in self._owners(session):
            if _is_here(owner) and not _is_dead(owner):
                return int(owner.split("/", 2)[1].partition(".")[0])
        return None

    def breaking(self) -> str:
        """The statement that takes the lease from whoever has it."""
        return f"delete from {self._table} where {self._mine()}"

    def release(self, session: Session) -> None:
        """Give the lease back, if it is ours still."""
        session.execute(self._proof().statement)

    @contextmanager
    def held(self, session: Session, now: dt.datetime) -> Iterator[None]:
        """A unit that is written only while the lease is ours, and renews it.

        Raises:
            LeaseLostError: another run has taken it over; nothing is written.
        """
        expires = self._literal(now + dt.timedelta(seconds=LEASE_SECONDS))
        with self._proven(session, self._proof(f"expires_at = {expires}")):
            yield

    @contextmanager
    def released(self, session: Session) -> Iterator[None]:
        """A unit that gives the lease back, and is written only if it was ours until then.

        Raises:
            LeaseLostError: another run has taken it over; nothing is written.
        """
        with self._proven(session, self._proof()):
            yield

    @contextmanager
    def _proven(self, session: Session, proof: Proof) -> Iterator[None]:
        began = instant()
        try:
            with session.transaction(proof=proof):
                yield
        except UnprovenError as error:
            raise self._lost() from error
        self.proven_at = began

    def _lost(self) -> LeaseLostError:
        return LeaseLostError(
            f"sync '{self._sync_name}': another run took over its lease.",
            hint="one run per sync at a time; this one stops here.",
        )

    def _proof(self, change: str | None = None) -> Proof:
        owner = self._literal(self._owner)
        return Proof(self._table, f"{self._mine()} and owner = {owner}", change)

    def _owners(self, session: Session) -> list[str]:
        rows = session.rows(f"select owner from {self._table} where {self._mine()} order by owner")
        return [row["owner"] for row in rows]

    def _mine(self) -> str:
        return (
            f"environment = {self._literal(self._environment)} "
            f"and sync_name = {self._literal(self._sync_name)}"
        )


def is_living(lease: Mapping[str, Any], now: dt.datetime) -> bool:
    """Whether the holder of a lease may still be at work."""
    return bool(lease["expires_at"] > now) and not _is_dead(lease["owner"])


def run_of(owner: str) -> str:
    """The run that holds a lease."""
    return owner.split("/", 2)[2]


def _described(owner: str) -> str:
    host, process, _ = owner.split("/", 2)
    return f"process {process.partition('.')[0]} on {host}"


def _is_dead(owner: str) -> bool:
    """The owner was a process of this machine that is no more: no need to wait until its lease expires.

    A process is known by its number and when it began: in a container every run may be number 1. Of one in another container, or on
    another machine of the same name, nothing can be seen from here.
    """
    if not _is_here(owner):
        return False
    number, began = [*owner.split("/", 2)[1].split("."), ""][:2]
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return _started(int(number)) != began


def _is_here(owner: str) -> bool:
    """Whether the owner's process can be seen from here."""
    host, process, _ = owner.split("/", 2)
    where = [*process.split("."), "", ""][2]
    return host == socket.gethostname() and (not where or where == _where())


def _where() -> str:
    """This start of this machine, and the container within it (pid_namespaces(7)), as a hash; empty where the system does not say."""
    try:
        container = os.readlink("/proc/self/ns/pid").encode()
    except OSError:
        return ""
    boot = boot_id()
    return hashlib.sha256(boot + container).hexdigest()[:8] if boot else ""


def _started(process: int) -> str:
    """When a living process began, in the kernel's ticks; `gone` for one that only waits to be buried."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return "0"  # no /proc: the number alone must do
    return "gone" if fields[0] == "Z" else fields[19]
