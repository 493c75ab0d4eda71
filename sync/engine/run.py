"""Many syncs side by side: in the order their dependencies ask for, each to its own end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

from sync.config.models import SyncDefinition
from sync.engine.context import PushContext, SyncResult
from sync.engine.push.pusher import Pusher
from sync.errors import ConfigError, HeadwaterError, UnexpectedError, WarehouseLockedError

# Python runs the handler of a signal in the main thread, and the kernel may give the signal to another, which wakes nobody.
HEARING_SECONDS = 0.2


def push_all(
    context: PushContext,
    definitions: Sequence[SyncDefinition],
    *,
    threads: int = 4,
    fail_fast: bool = False,
) -> list[SyncResult]:
    """Push every sync; results come in the order of `definitions`.

    A sync waits for those its `after:` names and is skipped when one of them did not succeed. With `fail_fast` no sync is started
    after one has not succeeded. When the run is stopped, those under way finish their batches and the others are skipped.

    Raises:
        ConfigError: `after:` goes round in a circle.
    """
    ordered = in_order(definitions)
    context.warehouse.heed(context.stop)
    done: dict[str, SyncResult] = {}
    waiting = list(ordered)
    running: dict[Future[SyncResult], SyncDefinition] = {}
    with (
        ThreadPoolExecutor(max(1, threads), thread_name_prefix="sync") as pool,
        _stopped_by_whatever_is_raised(context),
    ):
        held = _load_places(context)
        while waiting or running:
            for definition in list(waiting):
                reason = _skip_reason(context, definition, done, fail_fast=fail_fast)
                if reason is not None:
                    done[definition.name] = _skipped(definition, held or reason)
                    context.watcher.ended(done[definition.name])
                    waiting.remove(definition)
                elif len(running) < threads and not _pending(context, definition, waiting, running):
                    running[pool.submit(_push, context, definition)] = definition
                    waiting.remove(definition)
            if running:
                finished, _ = wait(running, HEARING_SECONDS, return_when=FIRST_COMPLETED)
                for future in finished:
                    done[running.pop(future).name] = future.result()
    return [done[definition.name] for definition in definitions]


def _load_places(context: PushContext) -> str | None:
    """Read where rows of each sync are; why not, where the run was stopped while it waited for that. What else is wrong each sync says."""
    try:
        context.planning.places.load(context.warehouse)
    except WarehouseLockedError as error:
        if context.stop.is_set():
            return error.message.rstrip(".")
    except HeadwaterError:
        pass
    return None


@contextmanager
def _stopped_by_whatever_is_raised(context: PushContext) -> Iterator[None]:
    """The syncs under way finish their batches and put their end on record, whatever ends the one who waits for them."""
    try:
        yield
    except BaseException:
        context.stop.set()
        raise


def in_order(definitions: Sequence[SyncDefinition]) -> list[SyncDefinition]:
    """Each after those it names in `after:`, of the ones that are here.

    Raises:
        ConfigError: they wait for each other.
    """
    left = {definition.name: definition for definition in definitions}
    ordered: list[SyncDefinition] = []
    while left:
        ready = [
            definition
            for definition in left.values()
            if not any(name in left for name in definition.after)
        ]
        if not ready:
            raise ConfigError(f"syncs {', '.join(sorted(left))} wait for each other (after:).")
        for definition in ready:
            ordered.append(left.pop(definition.name))
    return ordered


def exit_code(results: Sequence[SyncResult]) -> int:
    """0 all done, 1 a sync or a row failed, 2 interrupted or a bug."""
    if any(result.interrupted or isinstance(result.error, UnexpectedError) for result in results):
        return 2
    return 0 if all(result.status == "success" for result in results) else 1


def _push(context: PushContext, definition: SyncDefinition) -> SyncResult:
    try:
        return Pusher(context, definition).push()
    except Exception as error:  # before or after the run, which records what is raised within it
        context.watcher.bug(error)
        result = SyncResult(
            definition.name, "failed", error=UnexpectedError.of(definition.name, error)
        )
        context.watcher.ended(result)
        return result


def _pending(
    context: PushContext,
    definition: SyncDefinition,
    waiting: Sequence[SyncDefinition],
    running: dict[Future[SyncResult], SyncDefinition],
) -> bool:
    ahead = {other.name for other in [*waiting, *running.values()]}
    return any(name in ahead for name in definition.after) or any(
        _fills_the_same(context, definition, other) for other in running.values()
    )


def _fills_the_same(context: PushContext, one: SyncDefinition, other: SyncDefinition) -> bool:
    """By what it is called, or by where both were pushed last: two destinations may be one account. What is not known before waits there
    (`Turns`).
    """
    named = (one.destination, one.object.kind, one.object.name)
    if named == (other.destination, other.object.kind, other.object.name):
        return True
    places = context.planning.places
    before, there = places.last(one.sync_id), places.last(other.sync_id)
    return before is not None and there is not None and before.filled == there.filled


def _skip_reason(
    context: PushContext,
    definition: SyncDefinition,
    done: dict[str, SyncResult],
    *,
    fail_fast: bool,
) -> str | None:
    if context.stop.is_set():
        return "interrupted"
    for name in definition.after:
        if name in done and done[name].status != "success":
            return f"it waits for '{name}', which is {done[name].status}"
    if fail_fast and any(result.status not in ("success", "skipped") for result in done.values()):
        return "--fail-fast: another sync did not succeed"
    return None


def _skipped(definition: SyncDefinition, reason: str) -> SyncResult:
    result = SyncResult(definition.name, "skipped", interrupted=reason.startswith("interrupted"))
    result.error = HeadwaterError(f"sync '{definition.name}' was skipped: {reason}.")
    return result
