"""What the state tables say of the past: last runs, what is held, what keeps failing."""

from __future__ import annotations

import datetime as dt
import itertools
import statistics
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sync.state.leases import is_living, run_of
from sync.state.runs import DISMISSED, PULL_OF, UNKNOWN_STATUS

if TYPE_CHECKING:
    from sync.state.tables import Tables
    from sync.warehouses.base import Dialect, Session


GRACE_SECONDS, LEAST_INTERVAL = 300, 120
# Three times the usual, of so many runs before, and more than what is noise.
UNUSUAL, LEAST_RUNS, LEAST_ROWS, LEAST_SECONDS = 3, 5, 100, 60
LEAST_FAILED, LEAST_FAILED_SHARE = 10, 0.01
DIED = (
    "the process ended before the run did: killed, or unable to write how it ended; the next push "
    "goes on from there"
)


class RunHistory:
    """Reads one environment's state tables."""

    def __init__(self, tables: Tables, dialect: Dialect, *, environment: str) -> None:
        self._tables = tables
        self._literal = dialect.literal
        self._md5_of = dialect.md5_of
        self._environment = environment

    def summary(self, session: Session, sync_name: str, now: dt.datetime) -> dict[str, Any]:
        """The last push of a sync, its lag, the next one expected, and what it holds and fails on."""
        runs = session.rows(
            "select run_id, status, mode, started_at, finished_at, added, changed, removed, unchanged, "
            f"failed, withheld, message from {self._tables.runs} "
            f"where {self._of(sync_name)} and command = 'push' "
            "order by started_at desc, run_id desc limit 11"
        )
        last = dict(runs[0]) if runs else {}
        if died := self._died(session, sync_name, runs, now):
            last |= {"status": "died", "run_id": died, "message": DIED}
        finished = [run["finished_at"] for run in runs if run["status"] == "success"]
        expected, interval = _next([run["started_at"] for run in runs])
        success = finished[0] if finished else None
        return {
            "status": last.get("status"),
            "run_id": last.get("run_id"),
            "started_at": last.get("started_at"),
            "finished_at": last.get("finished_at"),
            "last_success_at": success,
            "lag_seconds": (now - success).total_seconds() if success else None,
            "next_expected_at": expected,
            "overdue": _overdue(expected, interval, now) if not _is_running(last) else None,
            **{
                name: last.get(name)
                for name in ("added", "changed", "removed", "unchanged", "failed", "withheld")
            },
            "held": self._count(session, f"{self._tables.ledger} where {self._of(sync_name)}"),
            "left_behind": self._left_behind(session, sync_name, last.get("run_id")),
            **self._failing(session, sync_name),
            **_unusual(runs),
            "message": last.get("message"),
        }

    def _died(
        self, session: Session, sync_name: str, runs: Sequence[Mapping[str, Any]], now: dt.datetime
    ) -> str | None:
        """The run that will never say how it ended: nobody holds its lease, or who held one is no more and said nothing."""
        leases = session.rows(
            f"select owner, expires_at from {self._tables.leases} where {self._of(sync_name)}"
        )
        ended = {run["run_id"] for run in runs if run["status"] != "running"}
        for lease in leases:
            run_id = run_of(lease["owner"])
            if is_living(lease, now):
                return None
            if run_id not in ended:
                return run_id
        return str(runs[0]["run_id"]) if runs and runs[0]["status"] == "running" else None

    def is_used(self, session: Session, environment: str) -> bool:
        """Whether anything was pushed in that environment."""
        rows = session.rows(
            f"select run_id from {self._tables.runs} "
            f"where environment = {self._literal(environment)} and command = 'push' limit 1"
        )
        return bool(rows)

    def undefined(self, session: Session, defined: Collection[str]) -> list[dict[str, Any]]:
        """Syncs that are not among `defined` and still hold rows at a destination, or may, since a push of theirs never ended: name and
        held. Not those that sent events, which cannot be taken out, or took people out, who are nowhere.
        """
        mine = f"where environment = {self._literal(self._environment)}"
        keeps_nobody = (
            "select sync_name from (select sync_name, mode, row_number() over (partition by sync_name "
            f"order by started_at desc, run_id desc) as nth from {self._tables.runs} {mine} "
            f"and command = 'push') as pushed where nth = 1 and mode in ('event', 'remove')"
        )
        rows = session.rows(
            "select sync_name, count(distinct sync_key) as held from ("
            f"select sync_name, sync_key from {self._tables.ledger} {mine} "
            f"union all select sync_name, sync_key from {self._tables.intents} {mine}) as kept "
            f"where sync_name not in ({keeps_nobody}) group by sync_name order by sync_name"
        )
        return [
            {"name": row["sync_name"], "held": int(row["held"])}
            for row in rows
            if row["sync_name"] not in defined
        ]

    def failures(self, session: Session, sync_name: str, limit: int) -> list[dict[str, Any]]:
        """Rows that still fail: the last refusal of each key and content that was not taken since."""
        return session.rows(
            "select sync_name, sync_key, action, status, message, attempts, quarantined, "
            f"failed_at, run_id from ({self._open(session, sync_name)}) as still_open "
            f"order by failed_at desc, sync_key limit {int(limit)}"
        )

    def retry(self, sync_name: str) -> str:
        """The statement that lets quarantined rows be tried again, with their attempts counted anew.

        Not events whose answer was lost, dismissed or not: the ledger keeps them from being sent twice.
        """
        lost = (
            f"select sync_key from {self._tables.failures} where {self._of(sync_name)} "
            f"and status = {self._literal(UNKNOWN_STATUS)} and sync_key is not null"
        )
        return (
            f"update {self._tables.failures} set quarantined = false, attempts = 0 "
            f"where {self._of(sync_name)} and quarantined and sync_key not in ({lost})"
        )

    def dismiss(self, sync_name: str) -> str:
        """The statement that says of rows put aside that a person has seen them; they stay aside and count against no push."""
        columns = (
            "environment, run_id, sync_name, sync_key, action, status, message, payload_hash, attempts, "
            "quarantined, failed_at"
        )
        said = self._literal(DISMISSED)
        return (
            f"insert into {self._tables.failures} ({columns}) "
            f"select environment, max(run_id), sync_name, sync_key, max(action), {said}, max(message), "
            "payload_hash, max(attempts) + 1, true, max(failed_at) "
            f"from {self._tables.failures} where {self._of(sync_name)} and quarantined "
            "group by environment, sync_name, sync_key, payload_hash "
            f"having max(case when status = {said} then 1 else 0 end) = 0"
        )

    def refusals(self, session: Session, sync_name: str) -> list[dict[str, Any]]:
        """Every key, status and message that is kept of rows that were refused, whether they fail still or not."""
        return session.rows(
            "select distinct sync_key, status, message "
            f"from {self._tables.failures} where {self._of(sync_name)}"
        )

    def rewrite_refusal(
        self, sync_name: str, kept: Mapping[str, Any], instead: Mapping[str, Any]
    ) -> str:
        """The statement that keeps sync_key, status and message of such rows in other words."""
        matched = " and ".join(
            f"{name} is not distinct from {self._literal(value)}" for name, value in kept.items()
        )
        words = ", ".join(f"{name} = {self._literal(value)}" for name, value in instead.items())
        return (
            f"update {self._tables.failures} set {words} where {self._of(sync_name)} and {matched}"
        )

    def pulls(self, session: Session, now: dt.datetime) -> list[dict[str, Any]]:
        """The last pull of each destination: how it ended, what it says, and when the next one is expected."""
        rows = session.rows(
            "select destination, status, started_at, message from (select "
            f"replace(sync_name, {self._literal(PULL_OF)}, '') as destination, status, started_at, message, row_number() over "
            "(partition by sync_name order by started_at desc, run_id desc) as nth "
            f"from {self._tables.runs} where environment = {self._literal(self._environment)} "
            "and command = 'pull') as latest where nth <= 11 order by destination, nth"
        )
        found = []
        for _, runs in itertools.groupby(rows, key=lambda run: run["destination"]):
            last, *earlier = runs
            expected, interval = _next([run["started_at"] for run in (last, *earlier)])
            overdue = _overdue(expected, interval, now)
            found.append({**last, "next_expected_at": expected, "overdue": overdue})
        return found

    def _left_behind(self, session: Session, sync_name: str, run_id: str | None) -> int:
        """Rows that the last push did not send since they have failed too often."""
        if run_id is None:
            return 0
        row = session.rows(
            f"select sum(row_count) as row_count from {self._tables.withheld} "
            f"where {self._of(sync_name)} and run_id = {self._literal(run_id)} "
            "and reason = 'quarantined'"
        )[0]
        return int(row["row_count"] or 0)

    def _failing(self, session: Session, sync_name: str) -> dict[str, int]:
        row = session.rows(
            "select count(*) as failing, sum(case when quarantined then 1 else 0 end) "
            f"as quarantined from ({self._open(session, sync_name)}) as still_open "
            f"where status <> {self._literal(DISMISSED)}"
        )[0]
        return {"failing": int(row["failing"]), "quarantined": int(row["quarantined"] or 0)}

    def _open(self, session: Session, sync_name: str) -> str:
        taken = (
            f"select 1 from {self._tables.acknowledgements} as taken "
            f"where {self._of(sync_name, 'taken.')} and taken.acknowledged_at >= latest.failed_at "
            "and taken.action not in ('claim', 'release', 'attempt', 'repeat', 'outdated', 'forget')"
        )
        marked = ""
        if self._has_marks(session, sync_name):
            mark = f"{self._literal(sync_name + '|')} || taken.sync_key"
            marked = (
                f" and not exists ({taken} and latest.sync_key = '#' || "
                f"{self._md5_of.format(mark)})"
            )
        # A push that ended well left nobody behind: what was refused before and waits for nobody has left the table.
        ended_well = (
            f"select max(started_at) from {self._tables.runs} where {self._of(sync_name)} "
            "and command = 'push' and status = 'success' and coalesce(message, '') not like '%--undo %'"
        )
        return (
            "select * from (select failures.*, row_number() over "
            "(partition by sync_key order by failed_at desc, run_id desc, attempts desc) as nth "
            f"from {self._tables.failures} as failures where {self._of(sync_name)}) as latest "
            f"where nth = 1 and (quarantined or coalesce(failed_at > ({ended_well}), true)) "
            f"and not exists ({taken} and taken.sync_key = latest.sync_key){marked}"
        )

    def _has_marks(self, session: Session, sync_name: str) -> bool:
        """Whether keys are kept as marks, since they are addresses or names; to look for these is dear."""
        return bool(
            session.rows(
                f"select sync_key from {self._tables.failures} where {self._of(sync_name)} "
                "and sync_key like '#%' limit 1"
            )
        )

    def _count(self, session: Session, source: str) -> int:
        return int(session.rows(f"select count(*) as row_count from {source}")[0]["row_count"])

    def _of(self, sync_name: str, prefix: str = "") -> str:
        return (
            f"{prefix}environment = {self._literal(self._environment)} "
            f"and {prefix}sync_name = {self._literal(sync_name)}"
        )


def _is_running(last: Mapping[str, Any]) -> bool:
    return last.get("status") == "running"


def _next(starts: Sequence[dt.datetime]) -> tuple[dt.datetime | None, float]:
    """One usual interval after the last start, and its seconds; unknown before the third run."""
    if len(starts) < 3:
        return None, 0.0
    gaps = [(later - earlier).total_seconds() for later, earlier in itertools.pairwise(starts)]
    interval = statistics.median(gaps)
    return starts[0] + dt.timedelta(seconds=interval), interval


def _unusual(runs: Sequence[Mapping[str, Any]]) -> dict[str, str | None]:
    """What sets the last run apart from those before it, newest first: `failures`, `spike`, `drop` or `slow`, and why. Failures are a share
    of what was tried; rows are those of its table, of events those that were sent. Nothing where it failed as a whole, which says more, and
    before the sixth run.
    """
    none: dict[str, str | None] = {"unusual": None, "unusual_because": None}
    done = [run for run in runs if run["status"] in ("success", "partial")]
    if len(done) <= LEAST_RUNS or done[0] is not runs[0]:
        return none
    failed, usual_failed = _failed_share(done[0]), statistics.median(map(_failed_share, done[1:]))
    if int(done[0]["failed"] or 0) >= LEAST_FAILED and failed > max(
        usual_failed * UNUSUAL, LEAST_FAILED_SHARE
    ):
        told = f"{done[0]['failed']:,} rows failed, {failed:.1%} of those tried, usually {usual_failed:.1%}"
        return {"unusual": "failures", "unusual_because": told}
    rows, usual_rows = _rows(done[0]), statistics.median(map(_rows, done[1:]))
    seconds, usual_seconds = _seconds(done[0]), statistics.median(map(_seconds, done[1:]))
    if abs(rows - usual_rows) > LEAST_ROWS:
        told = f"{rows:,} rows, usually {usual_rows:,.0f}"
        if rows > usual_rows * UNUSUAL:
            return {"unusual": "spike", "unusual_because": told}
        if rows * UNUSUAL < usual_rows:
            return {"unusual": "drop", "unusual_because": told}
    if seconds - usual_seconds > LEAST_SECONDS and seconds > usual_seconds * UNUSUAL:
        told = f"{seconds:,.0f} seconds, usually {usual_seconds:,.0f}"
        return {"unusual": "slow", "unusual_because": told}
    return none


def _rows(run: Mapping[str, Any]) -> int:
    counted = ("added",) if run["mode"] == "event" else ("added", "changed", "unchanged")
    return sum(int(run[name] or 0) for name in counted)


def _failed_share(run: Mapping[str, Any]) -> float:
    tried = sum(int(run[name] or 0) for name in ("added", "changed", "removed", "failed"))
    return int(run["failed"] or 0) / tried if tried else 0.0


def _seconds(run: Mapping[str, Any]) -> float:
    if run["finished_at"] is None:
        return 0.0
    return float((run["finished_at"] - run["started_at"]).total_seconds())


def _overdue(expected: dt.datetime | None, interval: float, now: dt.datetime) -> str | None:
    """`late` when the next run is over a quarter of its interval behind, five minutes at least; `missing` when a second one is due.

    Intervals of less than two minutes are somebody's trials, not a schedule.
    """
    if expected is None or interval < LEAST_INTERVAL:
        return None
    behind = (now - expected).total_seconds()
    if behind > max(interval, GRACE_SECONDS):
        return "missing"
    return "late" if behind > max(interval / 4, GRACE_SECONDS) else None
