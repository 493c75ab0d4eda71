"""What a run of pushes is given, what each sync comes to, and who is told of it."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from dataclasses import dataclass, field

from sync.config.models import SyncDefinition
from sync.engine.connect import Connector
from sync.engine.plan.gates import RunResults
from sync.engine.plan.plan import Planning
from sync.engine.plan.planner import Counts
from sync.engine.retry import RetryPolicy
from sync.engine.scrub import scrub
from sync.errors import HeadwaterError
from sync.warehouses.base import Warehouse, now_utc


@dataclass(frozen=True, slots=True)
class PushOptions:
    """What the command line asks of one run."""

    environment: str = "live"
    dry_run: bool = False
    allow_removals: bool = False
    allow_additions: bool = False
    allow_events: bool = False
    allow_changes: bool = False
    skip_gates: bool = False
    full_refresh: bool = False
    undo: str | None = None  # a run that is undone, and nothing else is done
    expected: dict[str, str] = field(default_factory=dict)  # sync -> fingerprint of a saved plan
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    breaker_limit: int = 5

    @property
    def allowed(self) -> frozenset[str]:
        """The guards that are open for this run; --full-refresh changes everything on purpose."""
        flags = {
            "removals": self.allow_removals,
            "additions": self.allow_additions,
            "events": self.allow_events,
            "changes": self.allow_changes or self.full_refresh,
        }
        return frozenset(what for what, is_open in flags.items() if is_open)


@dataclass(slots=True)
class SyncResult:
    """How one sync ended."""

    name: str
    status: str  # success, partial, failed, refused, skipped
    counts: Counts = field(default_factory=Counts)
    added: int = 0
    changed: int = 0
    removed: int = 0
    failed: int = 0
    requests: int = 0
    batches: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    previous_status: str | None = None
    error: HeadwaterError | None = None
    notes: list[str] = field(default_factory=list)  # what the command line let pass
    # Rows that were taken without an identifier that is another record's, by its name.
    left_out: Counter[str] = field(default_factory=Counter)
    passed_over: int = 0  # rows that `update_only` did not find there, or `create_only` did

    @property
    def recorded(self) -> str | None:
        """What the row in `runs` says: flags that opened a gate, what rows went without, then what went wrong."""
        told = [*self.notes, *self.warnings, *([self.message] if self.message else [])]
        return "; ".join(told) or None

    @property
    def warnings(self) -> list[str]:
        """What is green, and yet to be known."""
        passed = f"{self.passed_over:,} passed over: the mode leaves them as they are there"
        return [*([passed] if self.passed_over else ()), *self._left_out]

    @property
    def _left_out(self) -> list[str]:
        return [
            f"{count:,} {'row' if count == 1 else 'rows'} went without {name}, which is another record's there"
            for name, count in sorted(self.left_out.items())
        ]

    @property
    def recorded_status(self) -> str:
        """A run that was asked to stop is neither good news nor bad."""
        return "interrupted" if self.interrupted else self.status

    @property
    def message(self) -> str | None:
        """What went wrong, without personal data; None where nothing did."""
        return scrub(self.error.message) if self.error else None

    def figures(self) -> dict[str, int]:
        """The numbers a row of `runs` has."""
        return {
            "added": self.added,
            "changed": self.changed,
            "removed": self.removed,
            "unchanged": self.counts.unchanged,
            "failed": self.failed,
            "withheld": sum(self.counts.withheld.values()),
        }


class Watcher:
    """Told how a push goes on; the command line draws it, tests count it."""

    def planned(self, name: str, rows: int) -> None:
        """So many rows are about to be sent."""

    def advanced(self, name: str, rows: int) -> None:
        """So many more were taken or refused."""

    def ended(self, result: SyncResult) -> None:
        """The sync is over."""

    def log(self, event: str, **facts: object) -> None:
        """Something that whoever looks after the run should know."""

    def bug(self, error: BaseException) -> None:
        """An error that nobody foresaw."""


class Turns:
    """Who may be at an object of an account: one sync of this process at a time, by whatever names its destination is called. Leases keep
    processes apart, and know one of the process's own for no other.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def of(self, filled: str) -> threading.Lock:
        """The turn of `SyncDefinition.filled`."""
        with self._turn:
            return self._locks.setdefault(filled, threading.Lock())


@dataclass(slots=True)
class PushContext:
    """What all syncs of a run share."""

    planning: Planning
    connector: Connector
    run_results: RunResults
    options: PushOptions
    stop: threading.Event
    run_id: str = field(default_factory=lambda: new_run_id())
    watcher: Watcher = field(default_factory=Watcher)
    turns: Turns = field(default_factory=Turns)
    tried: list[SyncDefinition] = field(default_factory=list)  # what a dry run would have pushed

    @property
    def warehouse(self) -> Warehouse:
        """Where the activation tables and the ledger are."""
        return self.planning.warehouse


def new_run_id() -> str:
    """Sorts by time, so that of two runs the later one is known by its name too."""
    return f"{now_utc():%Y%m%d-%H%M%S-%f}-{uuid.uuid4().hex[:6]}"
