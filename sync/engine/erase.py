"""Erasing people at destinations: what each was ever sent of them is a task, asked by the destination's own verb until it has answered.

A task is one row that a sync sent: its key, its identifiers, the vendor's id. What a person shares with somebody else is never a reason to
erase anything at a vendor: a task that would have nothing else to go by says so, and waits for a person.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from sync.config.models import PERSON
from sync.destinations.base import Declaration, ErasesPeople, PollsJobs
from sync.engine.account import located_for_plan
from sync.engine.connect import Connection, Connector
from sync.engine.plan.plan import Planning
from sync.engine.plan.planner import keys_of_people
from sync.engine.retry import Retrier, RetryPolicy
from sync.engine.scrub import scrub
from sync.errors import ConfigError, DestinationError, HeadwaterError
from sync.records import BatchResult, Mode, Record, SyncObject
from sync.state.erasures import (
    ANSWERED,
    ASKED,
    CANNOT,
    PENDING,
    PROFILE,
    Found,
    Task,
    Value,
    hashed_forms,
    new_task_id,
)
from sync.state.people import Person
from sync.warehouses.base import Session, now_utc

AT_ONCE = 100  # records that a destination is given
LOOK_BACK = dt.timedelta(days=7)  # for what a push that was under way sent in spite of a request
Group = tuple[str, str, str | None]  # destination, kind and name of the object


@dataclass(frozen=True, slots=True)
class Erased:
    """What one round of asking came to: tasks by state, and why some are pending, by destination."""

    answered: int = 0
    asked: int = 0
    pending: int = 0
    cannot: int = 0
    why: Mapping[str, str] = field(default_factory=dict)

    @property
    def figures(self) -> dict[str, int]:
        """The numbers, by state."""
        return {name: getattr(self, name) for name in (ANSWERED, ASKED, PENDING, CANNOT)}


class TaskMaker:
    """Turns what was sent to somebody into tasks."""

    def __init__(self, planning: Planning, connector: Connector) -> None:
        self._planning = planning
        self._connector = connector
        self._syncs = {one.sync_id: one for one in planning.syncs}

    @property
    def names(self) -> set[str]:
        """Every name that an identifier may have been sent under."""
        found = {name for one in self._planning.syncs for name in one.identifiers}
        for one in self._planning.syncs:
            declaration = self._declaration(one.destination)
            for offered in declaration.objects.values() if declaration else ():
                found |= offered.identifiers
        return found

    @property
    def keyed(self) -> dict[str, str]:
        """Syncs whose key is one column, and which: it may be an identifier."""
        return {one.sync_id: one.key[0] for one in self._planning.syncs if len(one.key) == 1}

    def keys(self, session: Session, ids: Sequence[str], touchpoints: str | None) -> Iterator[str]:
        """Queries of (sync_name, sync_key): rows of the syncs' tables that are of these people, and messages of journeys to them."""
        dialect = self._planning.warehouse.dialect
        if not ids:
            return
        listed = ", ".join(map(dialect.literal, sorted(ids)))
        for one in self._planning.syncs:
            columns = [column.name for column in session.columns(one.model.relation)]
            if PERSON in columns and one.key != (PERSON,) and set(one.key) <= set(columns):
                yield keys_of_people(one, ids, dialect)
            if touchpoints and one.mode is Mode.EVENT:
                yield (
                    f"select {dialect.literal(one.sync_id)} as sync_name, touchpoint_id as sync_key "
                    f"from {touchpoints} where profile_id in ({listed})"
                )

    def tasks(self, found: Iterable[Found], shared: Sequence[str] = ()) -> list[Task]:
        """A task for each row that holds a person."""
        common = set(shared) | {
            form
            for value in shared
            for kind in ("email", "phone")
            for form in hashed_forms(Value(kind, value))
        }
        return [task for one in found if (task := self._task(one, common)) is not None]

    def _task(self, one: Found, common: set[str]) -> Task | None:
        destination, account, kind, name = self._place(one)
        declaration = self._declaration(destination) if destination else None
        if declaration and not declaration.erasure.concerns(kind):
            return None  # a company
        theirs = {key: value for key, value in one.identifiers.items() if value not in common}
        task = Task(
            task_id=new_task_id(),
            request_id=one.request_id,
            destination=destination or "?",
            account=account,
            object_kind=kind,
            object_name=name,
            sync_name=one.sync_name,
            sync_key=one.sync_key,
            identifiers=theirs,
            remote_id=one.remote_id,
        )
        if declaration is None:
            return replace(
                task, status=CANNOT, detail="nobody remembers where this sync sent its rows"
            )
        if declaration.erasure.cannot:
            return replace(task, status=CANNOT, detail=declaration.erasure.cannot)
        offered = declaration.objects.get(kind)
        if offered is None:
            return replace(
                task, status=CANNOT, detail=f"{declaration.title} has no object '{kind}' any more"
            )
        if offered.modes == {Mode.EVENT}:
            task = replace(task, remote_id=None)  # names the event, not the person
        if len(theirs) < len(one.identifiers):
            strong = set(offered.found_by or ()) or {
                column for some in offered.members for column in some
            }
            if strong & (set(one.identifiers) - set(theirs)):
                task = replace(task, remote_id=None)  # may be the other's record as well
            if strong and not strong & set(theirs):
                return replace(
                    task,
                    status=CANNOT,
                    detail="it is known there only by what somebody else has too",
                )
        return task

    def _place(self, one: Found) -> tuple[str | None, str, str, str | None]:
        """Destination, account, and kind and name of the object that the row was sent to."""
        line = self._planning.places.described(one.sync_name, one.place)
        line = line or self._planning.places.last(one.sync_name)
        if line is not None and (named := re.fullmatch(r"(\w+)(?: '(.*)')?", line.object)):
            return line.destination, line.account, named[1], named[2]
        definition = self._syncs.get(one.sync_name)
        if definition is None:
            return None, "", "", None
        return definition.destination, "", definition.object.kind, definition.object.name

    def _declaration(self, destination: str) -> Declaration | None:
        try:
            return self._connector.declaration(destination)
        except ConfigError:
            return None


def values_of(person: Person) -> list[Value]:
    """What a person's rows are found by: what is theirs alone."""
    return [one for one in person.values if one.scope == "erase"]


class Eraser:
    """Asks destinations for what is owed, outside of any session. `results` is the table of results that were pulled."""

    def __init__(
        self,
        planning: Planning,
        connector: Connector,
        *,
        policy: RetryPolicy,
        stop: threading.Event,
        results: str | None = None,
        log: Callable[..., None] = lambda *_, **__: None,
    ) -> None:
        self._planning = planning
        self._connector = connector
        self._policy = policy
        self._results = results
        self._stop = stop
        self._log = log
        self._maker = TaskMaker(planning, connector)
        self._erasures = planning.erasures
        self._now = now_utc()
        self._stands: dict[str, str] = {}  # how each task stands that was open
        self._why: dict[str, str] = {}

    def run(self) -> Erased:
        """Ask for everything that is open, and look for whoever came back.

        Raises:
            WarehouseError: it cannot be read or written.
        """
        self._planning.places.load(self._planning.warehouse)
        with self._planning.warehouse.session() as session:
            if not self._erasures.salts(session) or not self._erasures.has_tasks(session):
                return Erased()
            tasks = self._erasures.tasks(session, statuses=(PENDING, ASKED, CANNOT))
            again = self._erasures.sent_again(session, self._maker.names, self._now - LOOK_BACK)
        known = {(one.request_id, one.sync_name, one.sync_key) for one in tasks}
        new = self._maker.tasks(
            [one for one in again if (one.request_id, one.sync_name, one.sync_key) not in known]
        )
        with self._planning.warehouse.session(write=True) as session:
            self._erasures.add(session, new, self._now)
            if self._results:
                since = self._now - LOOK_BACK
                self._erasures.drop_results_again(session, self._results, since)
            self._erasures.drop_answers(session)
        self._stands = {one.task_id: one.status for one in (*tasks, *new)}
        groups: dict[Group, list[Task]] = {}
        for task in (*tasks, *new):
            if task.status != CANNOT:
                groups.setdefault(
                    (task.destination, task.object_kind, task.object_name), []
                ).append(task)
        for group, some in sorted(groups.items(), key=lambda one: str(one[0])):
            if not self._stop.is_set():
                self._ask_group(group, some)
        return Erased(**Counter(self._stands.values()), why=self._why)

    def _ask_group(self, group: Group, tasks: Sequence[Task]) -> None:
        destination, kind, name = group
        target = self._target(destination, kind, name)
        try:
            connection = self._connector.connect(destination, target)
            self._check_account(target, destination, tasks)
        except HeadwaterError as error:
            self._mark(tasks, PENDING, scrub(error.message))
            return
        if not isinstance(connection.destination, ErasesPeople):
            self._mark(
                tasks, CANNOT, connection.declaration.erasure.cannot or "it has no verb for it"
            )
            return
        waiting = [one for one in tasks if one.status == ASKED and one.job]
        for job in sorted({str(one.job) for one in waiting}):
            self._poll(connection, job, [one for one in waiting if one.job == job])
        open_tasks = [one for one in tasks if not (one.status == ASKED and one.job)]
        alike: dict[tuple[object, ...], list[Task]] = {}
        for task in open_tasks:
            alike.setdefault(_alike(task, connection.declaration), []).append(task)
        for batch in _batches(list(alike.values())):
            if self._stop.is_set():
                return
            self._ask(connection, batch)

    def _ask(self, connection: Connection, parts: Sequence[Sequence[Task]]) -> None:
        """Ask for one person each; whoever is alike is answered for along with them."""
        told = {some[0].sync_key: some for some in parts}
        records = [
            Record(
                key=key,
                identifiers=some[0].identifiers,
                remote_id=some[0].remote_id,
                idempotency_key=_idempotency(some[0]),
            )
            for key, some in told.items()
        ]
        every = [task for some in parts for task in some]
        assert isinstance(connection.destination, ErasesPeople)  # noqa: S101
        try:
            retrier = Retrier(self._policy, self._stop)
            result: BatchResult = retrier.call(partial(connection.destination.erase, records))
        except DestinationError as error:
            self._mark(every, PENDING, scrub(error.message))
            return
        left = set(told)
        for row in result.accepted:
            self._mark(told[row.key], ANSWERED, connection.declaration.erasure.how)
            left.discard(row.key)
        for refused in result.failed:
            self._mark(told[refused.key], PENDING, f"refused: {scrub(refused.status)}")
            left.discard(refused.key)
        if result.job and result.pending:
            waiting = [task for key in result.pending for task in told[key]]
            left -= set(result.pending)
            self._mark(waiting, ASKED, "taken, and not yet decided", job=result.job)
            self._poll(connection, result.job, waiting)
        if left:
            why = scrub(result.error.message) if result.error else "no answer names them"
            self._mark([task for key in left for task in told[key]], PENDING, why)

    def _poll(self, connection: Connection, job: str, tasks: Sequence[Task]) -> None:
        """Ask once how a job stands: what takes hours is asked again by the next push."""
        if not isinstance(connection.destination, PollsJobs):
            return
        try:
            status = connection.destination.poll(job)
        except DestinationError as error:
            self._mark(tasks, ASKED, scrub(error.message), job=job)
            return
        if not status.done:
            self._mark(tasks, ASKED, "taken, and not yet decided", job=job)
        elif status.all_failed or status.some_failed or status.failed:
            self._mark(tasks, PENDING, "the job was not done for everybody")
        else:
            self._mark(tasks, ANSWERED, connection.declaration.erasure.how)

    def _target(self, destination: str, kind: str, name: str | None) -> SyncObject:
        """The object as a sync has it, with its options; one that no sync fills any more is known by kind and name."""
        return next(
            (
                one.object
                for one in self._planning.syncs
                if (one.destination, one.object.kind, one.object.name) == (destination, kind, name)
            ),
            SyncObject(kind, name),
        )

    def _check_account(self, target: SyncObject, destination: str, tasks: Sequence[Task]) -> None:
        """Where the account is another now than it was when they were sent, nobody there can be erased by it."""
        definition = next(
            (one for one in self._planning.syncs if one.destination == destination), None
        )
        if definition is None:
            return
        now = located_for_plan(
            replace(definition, object=target), self._connector, self._planning.places
        ).account
        others = {one.account for one in tasks if one.account and one.account != now}
        if now and others:
            raise ConfigError(
                f"destination '{destination}' reaches another account now than the one they were sent to."
            )

    def _mark(
        self, tasks: Sequence[Task], status: str, detail: str, *, job: str | None = None
    ) -> None:
        if not tasks:
            return
        with self._planning.warehouse.session(write=True) as session:
            self._erasures.mark(session, tasks, status, now=now_utc(), detail=detail, job=job)
        if status == PENDING:
            self._why[tasks[0].destination] = detail
        self._stands.update({task.task_id: status for task in tasks})
        self._log("erasure", destination=tasks[0].destination, status=status, rows=len(tasks))


def _alike(task: Task, declaration: Declaration) -> tuple[object, ...]:
    """Tasks that one request answers: at a vendor that erases in the whole account, events differ in nothing but their keys."""
    offered = declaration.objects.get(task.object_kind)
    is_event = offered is not None and offered.modes == {Mode.EVENT}
    key = (
        None
        if is_event and declaration.erasure.whole_account and task.identifiers
        else task.sync_key
    )
    return (key, tuple(sorted(task.identifiers.items())), task.remote_id)


def _batches(parts: Sequence[Sequence[Task]]) -> Iterator[Sequence[Sequence[Task]]]:
    """At most so many at once, and no key twice: the answer is by key."""
    waiting = list(parts)
    while waiting:
        batch: dict[str, Sequence[Task]] = {}
        later = []
        for some in waiting:
            if len(batch) < AT_ONCE and some[0].sync_key not in batch:
                batch[some[0].sync_key] = some
            else:
                later.append(some)
        yield list(batch.values())
        waiting = later


def _idempotency(task: Task) -> str:
    digest = hashlib.md5(f"erase|{task.task_id}".encode(), usedforsecurity=False).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-8{digest[17:20]}-{digest[20:]}"


def forgets(
    planning: Planning,
    session: Session,
    maker: TaskMaker,
    person: Person,
    *,
    request_id: str,
    touchpoints: str | None,
    results: str,
) -> list[Task]:
    """Write one request down with the tasks that it means, all or nothing."""
    now = now_utc()
    own = values_of(person)
    ids = [one.value for one in own if one.type == PROFILE]
    found = planning.erasures.sent(
        session,
        request_id,
        own,
        names=maker.names,
        keyed=maker.keyed,
        keys=maker.keys(session, ids, touchpoints),
    )
    known = {one.value for one in own}
    former = planning.erasures.held_by_others(session, found, maker.names) - known
    tasks = maker.tasks(found, [*person.shared, *former])
    with session.transaction():
        planning.erasures.write(session, request_id, person.values, now)
        planning.erasures.add(session, tasks, now)
        planning.erasures.drop_results(session, results, own)
        planning.erasures.drop_answers(session)
    return tasks
