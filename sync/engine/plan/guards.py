"""How much a push may add, send, change and take out. What is far over the usual stops until a person has looked.

Additions, events and removals are counted over a day and not over a push: what comes in many small pushes comes all the same.
What is usual is read from the rows that earlier pushes left in `runs`.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sync.config.models import SyncDefinition
from sync.engine.plan.planner import Counts
from sync.errors import RefusedError
from sync.records import Mode
from sync.state.runs import PastRun

# A day less what a schedule may be early: of two daily pushes the one of yesterday does not count as today's.
DAY = dt.timedelta(hours=20)
MEMORY = dt.timedelta(days=62)  # what is sent once a month is usual too
# After so many days with additions of their own the first load is no measure of the usual any more.
SETTLED_DAYS = 3

FLAGS = {what: f"--allow-{what}" for what in ("additions", "events", "changes", "removals")}
_OPEN = "--skip-gates"


@dataclass(frozen=True, slots=True)
class Usual:
    """What a sync did before this push. Until its first load is over (`is_begun`), nothing is usual."""

    is_begun: bool = False
    added: int = 0  # within a day, since a person last let additions pass
    held: int = 0  # before that day
    busiest: int = 0  # the most that was added in a day
    removed: int = 0  # within a day, since a person last let removals pass


def usual(runs: Sequence[PastRun], *, held: int, now: dt.datetime, is_old: bool = False) -> Usual:
    """What `runs`, oldest first, say; `is_old` where the first load was before them. `held` is what is held now."""
    removed = _removed(runs, now)
    beginning = _beginning(runs, is_old=is_old)
    if beginning is None and not is_old:
        return Usual(held=held, removed=removed)
    since = runs if beginning is None else runs[beginning + 1 :]
    days: Counter[int] = Counter()
    for run in since:
        days[max(0, (now - run.started_at) // DAY)] += run.added
    today = [run for run in since if now - run.started_at < DAY]
    past = [count for day, count in days.items() if day > 0 and count]
    if len(past) < SETTLED_DAYS and beginning is not None:
        past.append(_load(runs, beginning))
    before = held - sum(run.added for run in today) + sum(run.removed for run in today)
    return Usual(
        is_begun=True,
        added=days[0],
        held=max(0, before),
        busiest=max(past, default=0),
        removed=removed,
    )


def _removed(runs: Sequence[PastRun], now: dt.datetime) -> int:
    removed = 0
    for run in runs:
        if not run.notes.isdisjoint({FLAGS["removals"], _OPEN}):
            removed = 0
        elif now - run.started_at < DAY:
            removed += run.removed
    return removed


def _beginning(runs: Sequence[PastRun], *, is_old: bool) -> int | None:
    """The place of the last push that a person let pass, else of the first that left next to nobody behind."""
    opened = [place for place, run in enumerate(runs) if run.added and _is_opened(run)]
    if opened:
        return opened[-1]
    loaded = (place for place, run in enumerate(runs) if _is_loaded(run))
    return None if is_old else next(loaded, None)


def _load(runs: Sequence[PastRun], beginning: int) -> int:
    """What came with the beginning; a first load may have taken several pushes."""
    if _is_opened(runs[beginning]):
        return runs[beginning].added
    return sum(run.added for run in runs[: beginning + 1])


def _is_opened(run: PastRun) -> bool:
    return not run.notes.isdisjoint({FLAGS["additions"], FLAGS["events"], _OPEN})


def _is_loaded(run: PastRun) -> bool:
    size = run.added + run.changed + run.unchanged
    return run.status in ("success", "partial") and size > 0 and run.failed * 10 <= size


def check_guards(
    definition: SyncDefinition,
    row_count: int,
    counts: Counts,
    *,
    before: Usual,
    allowed: Collection[str] = (),
) -> None:
    """The table is not empty, and the plan adds, sends, changes and takes out no more than its guards allow.

    `allowed` are those of `FLAGS` that this run does not ask.

    Raises:
        RefusedError: one of the guards is passed.
    """
    guards = definition.guards
    why, what_to_do = definition.nobody
    if row_count == 0 < guards.min_rows and why:
        raise RefusedError(
            "empty",
            f"sync '{definition.name}': '{definition.model.name}' has 0 rows: {why}.",
            hint=what_to_do,
        )
    if row_count < guards.min_rows:
        raise RefusedError(
            "empty",
            f"sync '{definition.name}': '{definition.model.name}' has {row_count} rows; at least "
            f"{guards.min_rows} are expected.",
            hint="an audience that may be empty says guards: {min_rows: 0} in "
            f"{definition.path} (or --skip-gates for this run).",
        )
    for what in ("removals", "changes", "additions", "events"):
        if what not in allowed:
            check_guard(what, definition, counts, before)


def passed(what: str, definition: SyncDefinition, counts: Counts, before: Usual) -> bool:
    """Whether the plan is over what this guard allows."""
    try:
        check_guard(what, definition, counts, before)
    except RefusedError:
        return True
    return False


def check_guard(what: str, definition: SyncDefinition, counts: Counts, before: Usual) -> None:
    """One of `FLAGS`. A sync that is there to remove has no limit: a refusal that waits is worse. One that makes nobody adds nobody.

    Raises:
        RefusedError: the plan is over it.
    """
    guards, mode = definition.guards, definition.mode
    if mode is Mode.REMOVE:
        return
    if what == "removals":
        if counts.remove:
            _check_share(
                definition,
                what,
                counts.remove,
                counts.held,
                guards.max_removals,
                guards.max_removals_percent,
                before.removed,
            )
    elif what == "changes":
        _check_share(
            definition,
            what,
            counts.change,
            counts.held,
            guards.max_changes,
            guards.max_changes_percent,
        )
    elif mode is not Mode.UPDATE_ONLY and (what == "events") is (mode is Mode.EVENT):
        _check_growth(definition, what, counts.add, before)


def _check_share(
    definition: SyncDefinition,
    what: str,
    count: int,
    held: int,
    most: int | float | None,
    percent: float | None,
    earlier: int = 0,
) -> None:
    """Of what was held before, `earlier` are gone within a day."""
    count, held = count + earlier, held + earlier
    share_of_held = None if percent is None else held * percent / 100
    allowed, over = _over(count, {f"max_{what}": most, f"max_{what}_percent": share_of_held})
    if over:
        share = f" ({100 * count / held:.0f} % of {held:,})" if held else ""
        told = f" within a day, {earlier:,} of them made already" if earlier else ""
        raise _refused(
            definition,
            what,
            f"would make {count:,} {what}{share}{told}; its guards allow {int(allowed):,}",
            over,
        )


def _check_growth(definition: SyncDefinition, what: str, count: int, before: Usual) -> None:
    """A day's additions against what was held before it, a day's events against the busiest day."""
    guards, total = definition.guards, before.added + count
    if what == "events":
        most, percent = guards.max_events, guards.max_events_percent
        usually = before.busiest * (100 + (percent or 0)) / 100
        told = f"the busiest day had {before.busiest:,}"
    else:
        most, percent = guards.max_additions, guards.max_additions_percent
        usually = before.held * (percent or 0) / 100
        told = f"it held {before.held:,} before"
    is_asked = percent is not None and before.is_begun
    a_day = max(guards.free_additions, usually) if is_asked else None
    allowed, over = _over(total, {f"max_{what}": most, f"max_{what}_percent": a_day})
    if not count or not over:
        return
    verb = "send" if what == "events" else "add"
    noun = "events" if what == "events" else "rows"
    earlier = f", {before.added:,} of them sent already" if before.added else ""
    told = f"; {told}" if before.is_begun else ""
    raise _refused(
        definition,
        what,
        f"would {verb} {total:,} {noun} within a day{earlier}{told}; its guards allow {int(allowed):,}",
        over,
    )


def _over(count: int, limits: Mapping[str, int | float | None]) -> tuple[float, list[str]]:
    """The least that is allowed, and the guards that `count` is over; those without a limit let everything pass."""
    over = {name: limit for name, limit in limits.items() if limit is not None and count > limit}
    return min(over.values(), default=float("inf")), [*over]


def _refused(
    definition: SyncDefinition, what: str, text: str, guards: Sequence[str]
) -> RefusedError:
    said = ", ".join(f"{name}: ..." for name in guards)
    return RefusedError(
        f"too_many_{what}",
        f"sync '{definition.name}' {text}.",
        hint=f"look at it with: sync plan --select {definition.name}; if it is right, push with "
        f"{FLAGS[what]}. Where it is usual, say so in guards: {{{said}}} in "
        f"{definition.path}.",
    )
