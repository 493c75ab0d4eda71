"""What a run did, row by row: runs, batches, failures, withheld, and the acknowledgements themselves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sync.records import Action, RowError
from sync.state.tables import arrow_column, arrow_columns, arrow_table

if TYPE_CHECKING:
    from sync.arrow import pa
    from sync.state.tables import Tables
    from sync.warehouses.base import Dialect, Session


# How the record of runs names what is no sync: the results of a destination.
PULL_OF = "pull:"
# What failures say of an event whose answer was lost and which may not be repeated, and of rows that a person has seen and left.
UNKNOWN_STATUS = "unknown"
DISMISSED = "dismissed"

# One text per row, or one for all of them.
Column = Sequence[str | None] | str | None


@dataclass(slots=True)
class Refused:
    """A row that a destination refused."""

    action: str
    error: RowError
    row_hash: str | None
    counts: bool = True  # towards its quarantine; one that does not begins no count
    aside: bool = False  # not tried again, whatever its count


@dataclass(slots=True)
class BatchNote:
    """One batch's figures."""

    number: int
    action: str
    row_count: int
    failed_count: int
    request_count: int
    seconds: float


@dataclass(slots=True)
class Progress:
    """What became of some batches, to be written in one go."""

    acknowledged: list[pa.Table] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    batches: list[BatchNote] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.acknowledged or self.refused or self.batches)

    @property
    def rows(self) -> int:
        """Acknowledgements."""
        return sum(int(table.num_rows) for table in self.acknowledged)


@dataclass(frozen=True, slots=True)
class PastRun:
    """What an earlier push of a sync came to. `notes` are the flags that let it pass a gate."""

    started_at: dt.datetime
    status: str
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    failed: int = 0
    notes: frozenset[str] = frozenset()


class RunLog:
    """Writes and reads one sync's rows of the state tables."""

    def __init__(
        self,
        tables: Tables,
        dialect: Dialect,
        *,
        environment: str,
        sync_name: str,
        run_id: str,
        definition_hash: str = "",
        quarantine_after: int = 5,
        shown: Callable[[str], str] = str,
    ) -> None:
        """`shown` is a key as failures may have it, which are for people to read."""
        self._tables = tables
        self._dialect = dialect
        self._literal = dialect.literal
        self._names = {"environment": environment, "sync_name": sync_name, "run_id": run_id}
        self._definition_hash = definition_hash
        self._quarantine_after = quarantine_after
        self._shown = shown

    def start(self, session: Session, *, command: str, mode: str, now: dt.datetime) -> None:
        """The run has begun; until `finish` it says `running`."""
        row = {
            **self._names,
            "command": command,
            "mode": mode,
            "status": "running",
            "started_at": now,
        }
        session.execute(self._dialect.inserting(self._tables.runs, [row]))

    def record(
        self,
        session: Session,
        *,
        command: str,
        mode: str,
        started_at: dt.datetime,
        finished_at: dt.datetime,
        status: str,
        message: str | None,
        counts: Mapping[str, int],
    ) -> None:
        """A run that is over already: it sent nothing, or was refused."""
        row = {
            **self._names,
            "command": command,
            "mode": mode,
            "status": status,
            "started_at": started_at,
            "finished_at": finished_at,
            "message": message,
            **counts,
        }
        session.execute(self._dialect.inserting(self._tables.runs, [row]))

    def note(
        self,
        session: Session,
        *,
        command: str,
        mode: str,
        now: dt.datetime,
        status: str = "success",
        message: str | None = None,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        """Something that was done for the sync in a moment, and sent nothing."""
        self.record(
            session,
            command=command,
            mode=mode,
            started_at=now,
            finished_at=now,
            status=status,
            message=message,
            counts=counts or {},
        )

    def finish(
        self, *, status: str, message: str | None, counts: Mapping[str, int], now: dt.datetime
    ) -> str:
        """The statement that ends the run."""
        numbers = ", ".join(f"{name} = {number}" for name, number in counts.items())
        return (
            f"update {self._tables.runs} set status = {self._literal(status)}, "
            f"finished_at = {self._literal(now)}, message = {self._literal(message)}, {numbers} "
            f"where {self._mine()} and run_id = {self._literal(self._names['run_id'])}"
        )

    def interrupt(self, run_ids: Sequence[str], now: dt.datetime) -> str:
        """The statement that ends runs whose process is gone."""
        listed = ", ".join(self._literal(run_id) for run_id in run_ids)
        return (
            f"update {self._tables.runs} set status = 'interrupted', "
            f"finished_at = {self._literal(now)}, "
            "message = 'the process ended before the run did; the next run went on' "
            f"where {self._mine()} and run_id in ({listed})"
        )

    def write(self, session: Session, progress: Progress, now: dt.datetime) -> int:
        """Acknowledge: the one write that must not be lost, so it comes first. Returns rows newly quarantined."""
        if progress.acknowledged:
            from sync.arrow import pa

            taken = pa.concat_tables(progress.acknowledged)
            session.append(self._tables.acknowledgements, taken)
        refused = [
            replace(row, error=replace(row.error, key=self._shown(row.error.key)))
            for row in progress.refused
        ]
        quarantined = self._write_refused(session, refused, now)
        if progress.batches:
            notes = [
                {
                    **self._names,
                    "batch_number": note.number,
                    "action": note.action,
                    "row_count": note.row_count,
                    "failed_count": note.failed_count,
                    "request_count": note.request_count,
                    "seconds": note.seconds,
                    "finished_at": now,
                }
                for note in progress.batches
            ]
            session.append(self._tables.batches, arrow_table("batches", notes))
        return quarantined

    def acknowledgements(
        self,
        keys: Sequence[str],
        *,
        action: Column,
        row_hash: Column,
        identifiers: Column,
        remote_id: Column,
        batch_number: int,
        now: dt.datetime,
    ) -> pa.Table:
        """Rows of one batch that a destination took, may have taken, or that only the ledger forgets.

        A column is a value per key, or one for all; `identifiers` are JSON text.
        """
        return arrow_columns(
            "acknowledgements",
            {
                **self._names,
                "sync_key": keys,
                "action": action,
                "row_hash": row_hash,
                "definition_hash": self._definition_hash,
                "identifiers": identifiers,
                "remote_id": remote_id,
                "batch_number": batch_number,
                "acknowledged_at": now,
            },
        )

    def decided(
        self,
        intended: pa.Table,
        places: Sequence[int],
        *,
        action: Column,
        row_hash: Column = None,
        remote_id: Column = None,
        identifiers: Column = None,
    ) -> pa.Table:
        """The rows of `intended` at `places`, with what was decided of them; without a `remote_id`, or `identifiers`, those
        they were sent with.
        """
        from sync.arrow import pa

        every = places == range(intended.num_rows)
        table = intended if every else intended.take(pa.array(places, pa.int64()))
        told = {"action": action, "row_hash": row_hash}
        told |= {
            name: column
            for name, column in (("remote_id", remote_id), ("identifiers", identifiers))
            if column is not None
        }
        for name, column in told.items():
            index = table.schema.get_field_index(name)
            decided = arrow_column("acknowledgements", name, column, len(places))
            table = table.set_column(index, name, decided)
        return table

    def write_withheld(self, session: Session, withheld: Mapping[str, int]) -> None:
        """How many rows were not sent, by reason."""
        rows = [
            {**self._names, "reason": reason, "row_count": count}
            for reason, count in withheld.items()
        ]
        if rows:
            session.execute(self._dialect.inserting(self._tables.withheld, rows))

    def quarantined(self) -> str:
        """A query of (sync_key, payload_hash, is_dismissed) that are not tried again until the row changes."""
        return (
            "select sync_key, payload_hash, "
            f"max(case when status = {self._literal(DISMISSED)} then 1 else 0 end) as is_dismissed "
            f"from {self._tables.failures} where {self._mine()} and quarantined "
            "group by sync_key, payload_hash"
        )

    def list_unknown(self, session: Session, claimed: str, now: dt.datetime) -> None:
        """List events of a run that ended in their midst; `claimed` is a query of them."""
        rows = [
            {
                **self._names,
                "run_id": row["run_id"],
                "sync_key": self._shown(row["sync_key"]),
                "action": Action.ADD,
                "status": UNKNOWN_STATUS,
                "message": "the process ended before its answer, and it is not sent again",
                "payload_hash": row["row_hash"],
                "attempts": 1,
                "quarantined": True,
                "failed_at": now,
            }
            for row in session.rows(claimed)
        ]
        if rows:
            session.append(self._tables.failures, arrow_table("failures", rows))

    def count_unknown(self, session: Session) -> int:
        """Events whose answer was lost, which are not sent again, and which nobody has looked at."""
        query = (
            f"select count(*) as row_count from ({self.quarantined()}) as aside "
            "where is_dismissed = 0 and exists (select 1 "
            f"from {self._tables.failures} as lost where lost.sync_key = aside.sync_key "
            f"and {self._mine('lost.')} and lost.status = {self._literal(UNKNOWN_STATUS)})"
        )
        return int(session.rows(query)[0]["row_count"])

    def has_quarantined(self, session: Session) -> bool:
        """Whether any row is quarantined."""
        return bool(
            session.rows(
                f"select sync_key from {self._tables.failures} "
                f"where {self._mine()} and quarantined limit 1"
            )
        )

    def last_status(self, session: Session) -> str | None:
        """How the push before this one ended, or None for the first."""
        ours = f"environment = {self._literal(self._names['environment'])}"
        every = session.while_alone("last_status", lambda: self._last_of(session, ours))
        if every is None:
            every = self._last_of(session, self._mine())
        return every.get(self._names["sync_name"])

    def _last_of(self, session: Session, which: str) -> dict[str, str]:
        """By sync, how its push before this run ended, of the syncs that the condition says."""
        rows = session.rows(
            "select sync_name, status from (select sync_name, status, row_number() over "
            "(partition by sync_name order by started_at desc, run_id desc) as place "
            f"from {self._tables.runs} where {which} and command = 'push' and status not in ('running', 'interrupted') "
            f"and run_id <> {self._literal(self._names['run_id'])}) as ranked where place = 1"
        )
        return {row["sync_name"]: str(row["status"]) for row in rows}

    def last_told(self, session: Session) -> str | None:
        """What `sync status --alert` said of the sync last, or None."""
        rows = session.rows(
            f"select status from {self._tables.runs} where {self._mine()} and command = 'alert' "
            "order by started_at desc, run_id desc limit 1"
        )
        return str(rows[0]["status"]) if rows else None

    def past(self, session: Session, since: dt.datetime) -> list[PastRun]:
        """The pushes since then, oldest first. Of one that did not succeed what it acknowledged counts, which may be more than it
        lived to say, and what it may have added: an answer that was lost makes a row held, and the push that sends it again calls
        it a change.
        """
        figures = ("added", "changed", "removed", "unchanged", "failed")
        rows = session.rows(
            f"select run_id, status, started_at, message, {', '.join(figures)} "
            f"from {self._tables.runs} where {self._mine()} and command = 'push' "
            f"and status <> 'refused' and started_at >= {self._literal(since)} "
            "order by started_at, run_id"
        )
        broken = [row["run_id"] for row in rows if row["status"] != "success"]
        in_doubt = self._in_doubt(session, broken)
        acknowledged = self._acknowledged(session, broken)
        found = []
        for row in rows:
            numbers = {name: int(row[name] or 0) for name in figures}
            for name, count in acknowledged.get(row["run_id"], {}).items():
                numbers[name] = max(numbers[name], count)
            numbers["added"] += in_doubt.get(row["run_id"], 0)
            notes = frozenset((row["message"] or "").split("; "))
            found.append(PastRun(row["started_at"], row["status"], notes=notes, **numbers))
        return found

    def is_older_than(self, session: Session, since: dt.datetime) -> bool:
        """Whether anything was sent, or found in place, before then."""
        return bool(
            session.rows(
                f"select run_id from {self._tables.runs} where {self._mine()} and command = 'push' "
                f"and status in ('success', 'partial') and started_at < {self._literal(since)} "
                "and added + changed + unchanged > 0 limit 1"
            )
        )

    def _acknowledged(self, session: Session, run_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """Per run, how many keys it acknowledged to have added and removed; what was claimed before it was sent may have been."""
        if not run_ids:
            return {}
        figures = {Action.ADD: "added", Action.CLAIM: "added", Action.REMOVE: "removed"}
        found: dict[str, dict[str, int]] = {}
        for row in session.rows(
            "select run_id, action, count(distinct sync_key) as row_count "
            f"from {self._tables.acknowledgements} where {self._mine()} and run_id in "
            f"({', '.join(map(self._literal, run_ids))}) group by run_id, action"
        ):
            if name := figures.get(row["action"]):
                counts = found.setdefault(row["run_id"], {})
                counts[name] = max(counts.get(name, 0), int(row["row_count"]))
        return found

    def _in_doubt(self, session: Session, run_ids: Sequence[str]) -> dict[str, int]:
        """Of these runs, how many keys each was the first to send without an answer, and did not add."""
        if not run_ids:
            return {}
        runs = f"({', '.join(self._literal(run_id) for run_id in run_ids)})"
        mine = f"from {self._tables.acknowledgements} where {self._mine()}"
        rows = session.rows(
            "select first_run, count(*) as row_count from ("
            "select sync_key, min(run_id) as first_run, "
            "min(case when action in ('add', 'claim') then run_id end) as added_by "
            f"{mine} and sync_key in (select sync_key {mine} and action = 'attempt' and run_id in {runs}) "
            "group by sync_key) as firsts "
            f"where (added_by is null or added_by > first_run) and first_run in {runs} "
            "group by first_run"
        )
        return {row["first_run"]: int(row["row_count"]) for row in rows}

    def _write_refused(self, session: Session, refused: Sequence[Refused], now: dt.datetime) -> int:
        if not refused:
            return 0
        before = self._attempts(session, [row.error.key for row in refused])
        rows: list[dict[str, Any]] = []
        for row in refused:
            begun, statuses = before.get((row.error.key, row.row_hash), (0, set()))
            # What began goes on where the same is said of the row, though nothing else in its batch shows that it is at fault.
            goes_on = begun > 0 and row.error.status in statuses
            attempts = begun + (row.counts or goes_on)
            if attempts == begun:
                continue  # nothing shows that the row is at fault
            rows.append(
                {
                    **self._names,
                    "sync_key": row.error.key,
                    "action": row.action,
                    "status": row.error.status,
                    "message": row.error.message,
                    "payload_hash": row.row_hash,
                    "attempts": attempts,
                    "quarantined": row.aside or attempts >= self._quarantine_after,
                    "failed_at": now,
                }
            )
        if rows:
            session.append(self._tables.failures, arrow_table("failures", rows))
        return sum(1 for row in rows if row["quarantined"])

    def _attempts(
        self, session: Session, keys: Sequence[str]
    ) -> dict[tuple[str, str | None], tuple[int, set[str]]]:
        """How often rows failed with the content they have, and with what."""
        found: dict[tuple[str, str | None], tuple[int, set[str]]] = {}
        for start in range(0, len(keys), 1000):
            listed = ", ".join(self._literal(key) for key in keys[start : start + 1000])
            for row in session.rows(
                "select sync_key, payload_hash, status, max(attempts) as attempts "
                f"from {self._tables.failures} where {self._mine()} and sync_key in ({listed}) "
                "group by sync_key, payload_hash, status"
            ):
                attempts, statuses = found.get((row["sync_key"], row["payload_hash"]), (0, set()))
                found[row["sync_key"], row["payload_hash"]] = (
                    max(attempts, int(row["attempts"])),
                    {*statuses, row["status"]},
                )
        return found

    def _mine(self, prefix: str = "") -> str:
        return (
            f"{prefix}environment = {self._literal(self._names['environment'])} "
            f"and {prefix}sync_name = {self._literal(self._names['sync_name'])}"
        )
