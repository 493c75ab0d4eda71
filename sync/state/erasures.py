"""Who is to be forgotten: requests as salted hashes, and what each destination owes to them.

A request is written with every value that is the person's alone, so that no record of theirs comes back; the values themselves are not
kept. What a destination was sent of them is, in the tasks, until it has answered.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sync.state.tables import arrow_table

if TYPE_CHECKING:
    import datetime as dt

    from sync.state.tables import Tables
    from sync.warehouses.base import Dialect, Session

ERASE, SUPPRESS, SHARED = "erase", "suppress", "shared"
RECORD, PROFILE, HASHED = "record", "profile_id", "hashed"
PENDING, ASKED, ANSWERED, CANNOT = "pending", "asked", "answered", "cannot"
STATES = (ASKED, ANSWERED, PENDING, CANNOT)
GOOGLE_MAIL = ("gmail.com", "googlemail.com")
RECIPIENTS = ("email", "phone", PROFILE)  # how vendors name whom something happened to
LISTED = 500  # literals in one condition
ANSWERED_KEYS = ("left_key", "right_key")  # the records that an answer on a match is about


@dataclass(frozen=True, slots=True)
class Value:
    """Something that a person is known by."""

    type: str
    value: str = field(repr=False)
    scope: str = ERASE


@dataclass(frozen=True, slots=True)
class Found:
    """A row of the ledger or of acknowledgements that is about a person."""

    request_id: str
    sync_name: str
    sync_key: str = field(repr=False)
    identifiers: Mapping[str, str] = field(repr=False)
    remote_id: str | None
    place: str


@dataclass(frozen=True, slots=True)
class Task:
    """What one destination owes to one request: somebody to erase, at one object."""

    task_id: str
    request_id: str
    destination: str
    account: str
    object_kind: str
    object_name: str | None
    sync_name: str
    sync_key: str = field(repr=False)
    identifiers: Mapping[str, str] = field(repr=False)
    remote_id: str | None
    status: str = PENDING
    detail: str | None = None
    job: str | None = None
    attempts: int = 0
    made_at: dt.datetime | None = None
    asked_at: dt.datetime | None = None
    answered_at: dt.datetime | None = None


def hashed_forms(value: Value) -> set[str]:
    """How a destination that takes hashes may have been sent a value: docs/destinations.md says which vendor wants which."""
    if value.type not in ("email", "phone"):
        return set()
    forms = {value.value, value.value.removeprefix("+")}
    local, _, domain = value.value.partition("@")
    if domain in GOOGLE_MAIL:
        forms.add(f"{local.partition('+')[0].replace('.', '')}@{domain}")
    return {hashlib.sha256(one.encode()).hexdigest() for one in forms}


class Erasures:
    """Requests and tasks of one environment."""

    def __init__(self, tables: Tables, dialect: Dialect, *, environment: str) -> None:
        self._tables = tables
        self._dialect = dialect
        self._literal = dialect.literal
        self._environment = environment
        self._mine = f"environment = {dialect.literal(environment)}"
        # Who asked to be forgotten is so in the sandbox too; what is tried out there erases nobody.
        listed = ", ".join(map(dialect.literal, sorted({environment, "live"})))
        self._told_here = f"environment in ({listed})"
        self._turn = threading.Lock()
        self._salts: list[str] | None = None

    # -- requests ------------------------------------------------------------------------------

    def salts(self, session: Session) -> list[str]:
        """The salts of all requests, most often one; asked once. None where no table is there yet, or one of before salts."""
        with self._turn:
            if self._salts is None:
                columns = [one.name for one in session.columns(self._tables.erasure_requests)]
                rows = []
                if "salt" in columns:
                    rows = session.rows(
                        f"select distinct salt from {self._tables.erasure_requests} "
                        f"where {self._told_here} and scope = 'erase' and salt is not null order by 1"
                    )
                self._salts = [str(row["salt"]) for row in rows]
            return self._salts

    def write(
        self, session: Session, request_id: str, values: Iterable[Value], now: dt.datetime
    ) -> None:
        """Keep hashes of `values`; the salt is the one that requests of this environment have."""
        salt = next(iter(self.salts(session)), None) or secrets.token_hex(16)
        hashed = {
            (one.type, _hash(salt, one.value), one.scope) for one in (*values, *_forms(values))
        }
        rows = [
            {
                "environment": self._environment,
                "request_id": request_id,
                "identifier_type": kind,
                "identifier_value_sha256": digest,
                "requested_at": now,
                "salt": salt,
                "scope": scope,
            }
            for kind, digest, scope in sorted(hashed)
        ]
        session.append(self._tables.erasure_requests, arrow_table("erasure_requests", rows))
        with self._turn:
            self._salts = [salt]

    def lift(self, session: Session, request_id: str) -> bool:
        """Take a request back, with what is open of it; False where there is none."""
        theirs = f"where {self._mine} and request_id = {self._literal(request_id)}"
        rows = session.rows(
            f"select count(*) as row_count from {self._tables.erasure_requests} {theirs}"
        )
        if not int(rows[0]["row_count"]):
            return False
        session.execute(
            f"delete from {self._tables.erasure_requests} {theirs}",
            f"delete from {self._tables.erasure_tasks} {theirs} and status <> 'answered'",
        )
        return True

    def requests(self, session: Session) -> list[dict[str, Any]]:
        """Every request: request_id, requested_at, has_salt (written by us), how many hashes it has, and whether it was of somebody who was
        known: then it has an id and a record's key, of nobody at most one text.
        """
        if "salt" not in [one.name for one in session.columns(self._tables.erasure_requests)]:
            return []
        return session.rows(
            "select request_id, min(requested_at) as requested_at, count(*) as hashes, "
            "max(case when salt is not null then 1 else 0 end) as has_salt, "
            "count(distinct case when identifier_type in ('profile_id', 'record') "
            "then identifier_value_sha256 end) > 1 as was_known "
            f"from {self._tables.erasure_requests} where {self._mine} "
            "group by request_id order by 2, 1"
        )

    def asked(self, told: Mapping[str, Sequence[str]], salts: Sequence[str]) -> tuple[str, str]:
        """Joins, and a condition: one of these texts, each with the types that it may be of, is an erased person's."""
        joins: list[str] = []
        conditions: list[str] = []
        for salt in salts:
            for one, types in told.items():
                name = f"erased_{len(joins)}"
                joins.append(
                    f" left join (select distinct identifier_value_sha256 as {name} "
                    f"from {self._tables.erasure_requests} "
                    f"where {self._of(salt)} and identifier_type in ({self._listed(types)})) "
                    f"as erasing_{len(joins)} on {name} = {self._digest(salt, one)}"
                )
                conditions.append(f"{name} is not null")
        return "".join(joins), " or ".join(conditions)

    def met(self, relation: str, told: Mapping[str, str], salts: Sequence[str]) -> str:
        """A query of (request_id, row_count): rows of `relation` that a request erases, by texts and SQL for what type each is of."""
        parts = [
            f"select requests.request_id from {relation} as told "
            f"inner join {self._tables.erasure_requests} as requests "
            f"on requests.identifier_value_sha256 = {self._digest(salt, one)} "
            f"and requests.identifier_type = {kind} where requests.{self._of(salt)}"
            for salt in salts
            for one, kind in told.items()
        ]
        return (
            f"select request_id, count(*) as row_count from ({' union all '.join(parts)}) as met "
            "group by request_id"
        )

    # -- what was sent of them -----------------------------------------------------------------

    def sent(
        self,
        session: Session,
        request_id: str,
        values: Sequence[Value],
        *,
        names: Iterable[str],
        keyed: Mapping[str, str],
        keys: Iterable[str] = (),
    ) -> list[Found]:
        """Whatever any destination was ever sent of somebody, by `values` that are theirs alone.

        `names` are those that identifiers may have; `keyed` which syncs have an identifier of which type as their key; `keys` queries of
        (sync_name, sync_key) of rows that are theirs too.
        """
        by_type: dict[str, set[str]] = {}
        for one in (*values, *_forms(values)):
            by_type.setdefault(one.type, set()).add(one.value)
        conditions = []
        for told, types in self._told("sent", names).items():
            wanted = sorted(set().union(*(by_type.get(kind, set()) for kind in types)))
            conditions += [f"{told} in ({self._listed(some)})" for some in _chunks(wanted)]
        for sync_name, kind in sorted(keyed.items()):
            own = f"sent.sync_name = {self._literal(sync_name)}"
            for some in _chunks(sorted(by_type.get(kind, set()))):
                conditions.append(f"({own} and sent.sync_key in ({self._listed(some)}))")
        for own_id in sorted(by_type.get(PROFILE, set())):
            part = self._literal(f"{own_id}|")  # the first part of a composite key
            conditions.append(f"substr(sent.sync_key, 1, {len(own_id) + 1}) = {part}")
        joined, joins = "", " union all ".join(keys)
        if joins:
            joined = (
                f"left join ({joins}) as theirs on theirs.sync_name = sent.sync_name "
                "and theirs.sync_key = sent.sync_key"
            )
            conditions.append("theirs.sync_key is not null")
        found: dict[tuple[Any, ...], Found] = {}
        for table in (self._tables.ledger, self._tables.acknowledgements, self._tables.intents):
            rows = session.rows(
                "select distinct sent.sync_name, sent.sync_key, sent.identifiers, sent.remote_id, "
                f"sent.definition_hash from {table} as sent {joined} "
                f"where sent.{self._mine} and ({' or '.join(conditions or ['1 = 0'])})"
            )
            for row in rows:
                one_found = _found(request_id, row)
                found[_signature(one_found)] = one_found
        return list(found.values())

    def held_by_others(
        self, session: Session, found: Sequence[Found], names: Iterable[str]
    ) -> set[str]:
        """Of all that was ever sent of somebody, what is held of another row now: an address that was passed on is the next one's."""
        theirs = {(one.sync_name, one.sync_key) for one in found}
        sent: dict[str, set[str]] = {}
        for one in found:
            for name, value in one.identifiers.items():
                sent.setdefault(name, set()).add(value)
        met = set()
        for name in sorted(set(names) & set(sent)):
            told = self._dialect.json_text("identifiers", name)
            for some in _chunks(sorted(sent[name])):
                rows = session.rows(
                    f"select sync_name, sync_key, {told} as told from {self._tables.ledger} "
                    f"where {self._mine} and {told} in ({self._listed(some)})"
                )
                met |= {
                    row["told"] for row in rows if (row["sync_name"], row["sync_key"]) not in theirs
                }
        return met

    def sent_again(self, session: Session, names: Iterable[str], since: dt.datetime) -> list[Found]:
        """What was acknowledged since of people who are erased, by their hashes."""
        found: dict[tuple[Any, ...], Found] = {}
        recent = (
            f"(select * from {self._tables.acknowledgements} where {self._mine} "
            f"and acknowledged_at >= {self._literal(since)})"
        )
        for salt in self.salts(session):
            for told, types in self._told("sent", names).items():
                rows = session.rows(
                    "select distinct requests.request_id, sent.sync_name, sent.sync_key, "
                    f"sent.identifiers, sent.remote_id, sent.definition_hash from {recent} as sent "
                    f"inner join {self._tables.erasure_requests} as requests "
                    f"on requests.identifier_value_sha256 = {self._digest(salt, told)} "
                    f"and requests.identifier_type in ({self._listed(types)}) "
                    f"where requests.{self._of(salt)}"
                )
                for row in rows:
                    met = _found(str(row["request_id"]), row)
                    found[_signature(met)] = met
        return list(found.values())

    def _told(self, alias: str, names: Iterable[str]) -> dict[str, Sequence[str]]:
        """The texts of a sent row that may name somebody, and of which types each may be."""
        told: dict[str, Sequence[str]] = {f"{alias}.sync_key": (PROFILE, "email", "phone")}
        for name in sorted(set(names)):
            told[self._dialect.json_text(f"{alias}.identifiers", name)] = types_of(name)
        return told

    def _digest(self, salt: str, text: str) -> str:
        return self._dialect.sha256_of.format(f"{self._literal(salt)} || {text}")

    def _of(self, salt: str) -> str:
        return f"{self._told_here} and scope = 'erase' and salt = {self._literal(salt)}"

    def _listed(self, values: Iterable[str]) -> str:
        return ", ".join(map(self._literal, values))

    # -- what came back ------------------------------------------------------------------------

    def drop_results(self, session: Session, results: str, values: Sequence[Value]) -> None:
        """Take a person's rows out of the results that were pulled."""
        for kind in RECIPIENTS:
            own = sorted({one.value for one in values if one.type == kind})
            for some in _chunks(own):
                session.execute(
                    f"delete from {results} where {self._mine} and {_recipient(kind)} "
                    f"in ({self._listed(some)})"
                )

    def drop_results_again(self, session: Session, results: str, since: dt.datetime) -> None:
        """The same of what was pulled since, of everybody who is erased: a vendor goes on telling of them."""
        for salt in self.salts(session):
            for kind in RECIPIENTS:
                theirs = (
                    f"where {self._mine} and pulled_at >= {self._literal(since)} "
                    f"and recipient_type = {self._literal(kind)} "
                    f"and {self._digest(salt, _recipient(kind))} in ("
                    f"select identifier_value_sha256 from {self._tables.erasure_requests} "
                    f"where {self._of(salt)} and identifier_type = {self._literal(kind)})"
                )
                rows = session.rows(f"select count(*) as row_count from {results} {theirs}")
                if int(rows[0]["row_count"]):
                    session.execute(f"delete from {results} {theirs}")

    # -- what people answered ------------------------------------------------------------------

    def answers(self, session: Session) -> dict[str, int]:
        """By request, how many answers on likely matches name a record of somebody who is erased."""
        table = self._tables.identity_answers
        if not self._has_answers(session):
            return {}
        salts = self.salts(session)
        keys = {f"told.{one}": self._literal(RECORD) for one in ANSWERED_KEYS}
        rows = session.rows(self.met(table, keys, salts)) if salts else []
        return {str(row["request_id"]): int(row["row_count"]) for row in rows}

    def drop_answers(self, session: Session) -> None:
        """Take out answers that name a record of anybody who is erased, with their reasons, in which names may stand."""
        if not self.answers(session):
            return
        for salt in self.salts(session):
            for one in ANSWERED_KEYS:
                session.execute(
                    f"delete from {self._tables.identity_answers} where {self._digest(salt, one)} in ("
                    f"select identifier_value_sha256 from {self._tables.erasure_requests} "
                    f"where {self._of(salt)} and identifier_type = {self._literal(RECORD)})"
                )

    def _has_answers(self, session: Session) -> bool:
        """Answers are those of one identity for all environments: what is tried out erases none."""
        is_live = self._environment == "live"
        return is_live and bool(session.columns(self._tables.identity_answers))

    # -- tasks ---------------------------------------------------------------------------------

    def has_tasks(self, session: Session) -> bool:
        """Whether the table is there: a build of this version made it."""
        return bool(session.columns(self._tables.erasure_tasks))

    def add(self, session: Session, tasks: Sequence[Task], now: dt.datetime) -> None:
        """Write new tasks down."""
        if not tasks:
            return
        rows = [
            {
                "environment": self._environment,
                **{name: getattr(task, name) for name in Task.__slots__ if name != "identifiers"},
                "identifiers": json.dumps(dict(task.identifiers), sort_keys=True),
                "made_at": now,
            }
            for task in tasks
        ]
        session.append(self._tables.erasure_tasks, arrow_table("erasure_tasks", rows))

    def tasks(self, session: Session, *, statuses: Sequence[str] = STATES) -> list[Task]:
        """Tasks that are in one of these states, the oldest first."""
        listed = self._listed(statuses)
        columns = ", ".join(Task.__slots__)
        rows = session.rows(
            f"select {columns} from {self._tables.erasure_tasks} "
            f"where {self._mine} and status in ({listed}) order by made_at, task_id"
        )
        return [
            Task(
                **{
                    **row,
                    "identifiers": json.loads(row["identifiers"] or "{}"),
                    "sync_key": row["sync_key"] or "",
                    "attempts": int(row["attempts"] or 0),
                }
            )
            for row in rows
        ]

    def mark(
        self,
        session: Session,
        tasks: Sequence[Task],
        status: str,
        *,
        now: dt.datetime,
        detail: str | None = None,
        job: str | None = None,
    ) -> None:
        """Say how tasks stand. Of what is answered nothing is kept that names anybody, in the ledger neither."""
        for some in _chunks([task.task_id for task in tasks]):
            listed = self._listed(some)
            sets = [
                f"status = {self._literal(status)}",
                f"detail = {self._literal(detail)}",
                f"job = {self._literal(job)}",
            ]
            if status in (ASKED, ANSWERED):
                sets.append(f"asked_at = coalesce(asked_at, {self._literal(now)})")
            if status == ANSWERED:
                sets += [
                    f"answered_at = {self._literal(now)}",
                    "identifiers = null",
                    "remote_id = null",
                    "sync_key = null",
                ]
            elif status in (PENDING, ASKED):
                sets.append("attempts = coalesce(attempts, 0) + 1")
            session.execute(
                f"update {self._tables.erasure_tasks} set {', '.join(sets)} "
                f"where {self._mine} and task_id in ({listed})"
            )
        if status == ANSWERED:
            session.execute(*self._let_go(tasks))

    def _let_go(self, tasks: Sequence[Task]) -> Iterator[str]:
        """Statements by which nothing is left of what was sent to them."""
        keys: dict[str, set[str]] = {}
        for task in tasks:
            keys.setdefault(task.sync_name, set()).add(task.sync_key)
        for sync_name, own in sorted(keys.items()):
            for some in _chunks(sorted(own)):
                marks = [
                    "#"
                    + hashlib.md5(f"{sync_name}|{key}".encode(), usedforsecurity=False).hexdigest()
                    for key in some
                ]
                theirs = (
                    f"where {self._mine} and sync_name = {self._literal(sync_name)} and sync_key in "
                    f"({self._listed([*some, *marks])})"
                )
                for table in (
                    self._tables.ledger,
                    self._tables.acknowledgements,
                    self._tables.intents,
                    self._tables.failures,
                ):
                    yield f"delete from {table} {theirs}"


def types_of(name: str) -> tuple[str, ...]:
    """Of which types of identifier what a sync calls `name` may be: one number is several people's under several names."""
    if name == PROFILE:
        return (PROFILE,)
    return (HASHED,) if name.endswith("_sha256") else tuple(dict.fromkeys((name, "email", "phone")))


def new_task_id() -> str:
    """An id that says nothing."""
    return uuid.uuid4().hex


def _forms(values: Iterable[Value]) -> Iterator[Value]:
    for value in values:
        for form in hashed_forms(value) if value.scope != SHARED else ():
            yield Value(HASHED, form, value.scope)


def _recipient(kind: str) -> str:
    """SQL: whom a result is about, as identifiers are kept; null where it is named otherwise."""
    return f"case when recipient_type = '{kind}' then lower(trim(recipient)) end"


def _hash(salt: str, value: str) -> str:
    return hashlib.sha256(f"{salt}{value}".encode()).hexdigest()


def _found(request_id: str, row: Mapping[str, Any]) -> Found:
    return Found(
        request_id=request_id,
        sync_name=str(row["sync_name"]),
        sync_key=str(row["sync_key"]),
        identifiers=json.loads(row["identifiers"] or "{}"),
        remote_id=row["remote_id"],
        place=str(row["definition_hash"] or "").rpartition(".")[0],
    )


def _signature(one: Found) -> tuple[Any, ...]:
    return (
        one.request_id,
        one.sync_name,
        one.sync_key,
        json.dumps(dict(one.identifiers), sort_keys=True),
        one.remote_id,
        one.place,
    )


def _chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), LISTED):
        yield items[start : start + LISTED]
