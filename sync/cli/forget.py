"""`sync forget`."""

from __future__ import annotations

import csv
import io
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from sync.cli.app import App, Verb, json_option
from sync.cli.export_person import FOLDER, files_of
from sync.cli.planning import planning
from sync.cli.session import chosen_environment, connector
from sync.engine.erase import TaskMaker, forgets
from sync.engine.plan.plan import Planning
from sync.engine.retry import with_memory
from sync.errors import ConfigError, SelectionError, closest
from sync.identity.mask import mask
from sync.state.erasures import ANSWERED, ASKED, CANNOT, PENDING, PROFILE, STATES, Task
from sync.state.people import People, Person, is_telephone_in_part
from sync.state.tables import ResultTables
from sync.warehouses.base import Session, now_utc

HEADINGS = frozenset({"email", "phone", "identifier", "identifier_value", "value", "profile_id"})
SEVERAL = "{} people are known by it"
NOBODYS = "that is a placeholder or a blocked value, by which nobody is known"
IN_PART = "nobody is known by it, and a telephone number is found in full only"
Forgotten = dict[str, Any]


@click.command("forget", cls=Verb, example="sync forget anna@example.com")
@click.argument("who", nargs=-1)
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="A value a line; CSV: the first column.",
)
@click.option("--table", metavar="NAME", help="A model or table of values to forget.")
@click.option(
    "--column", default="identifier_value", help="The column of --table.", show_default=True
)
@click.option(
    "--everybody", is_flag=True, help="Where several people have a value, forget all of them."
)
@click.option(
    "--report", is_flag=True, help="Show per request what is proven; exit code 0 when all is done."
)
@click.option("--confirm", metavar="DESTINATION", help="It was done by hand there, for --request.")
@click.option("--request", "request_id", metavar="ID", help="Of --confirm and --report.")
@click.option("--lift", metavar="ID", help="Take a request back: what it keeps out may come again.")
@click.option("--sandbox", is_flag=True, help="Of the sandbox.")
@json_option
@click.pass_obj
def forget(
    app: App,
    who: tuple[str, ...],
    file: Path | None,
    table: str | None,
    column: str,
    everybody: bool,
    report: bool,
    confirm: str | None,
    request_id: str | None,
    lift: str | None,
    sandbox: bool,
    as_json: bool,
) -> int:
    """Erase WHO: an id of a person, an e-mail address, a telephone number in full, or a record <source_name>:<id>.

    The next dbt build takes the person out of everything, the next push asks every destination that was ever sent them, and salted hashes
    keep them from coming back. --report proves it per destination; exit code 1 as long as anything is open.
    """
    environment = chosen_environment(sandbox)
    shared = planning(app, environment)
    with connector(app, environment, start=False) as connections:
        maker = TaskMaker(shared, connections)
        shared.places.load(app.warehouse)
        if lift is not None:
            return _lift(app, shared, lift)
        if confirm is not None:
            return _confirm(app, shared, confirm, request_id)
        if report:
            return _report(app, shared, maker, request_id, as_json=as_json)
        named = [*who, *_of_file(file), *_of_table(app, table, column)]
        told = [one for one in named if one.strip()]
        if not told:
            raise SelectionError(
                "nobody is named.",
                hint="sync forget anna@example.com, or --file, --table, --report.",
            )
        done = _forget_all(app, shared, maker, told, everybody=everybody)
    _show(app, done, as_json=as_json)
    return 1 if any(one["problem"] for one in done) else 0


def _of_file(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read as UTF-8 text.", hint="save it as UTF-8."
        ) from error
    values = [row[0].strip() for row in csv.reader(io.StringIO(text)) if row and row[0].strip()]
    return values[1:] if values and values[0].lower() in HEADINGS else values


def _of_table(app: App, table: str | None, column: str) -> list[str]:
    if table is None:
        return []
    relation = app.manifest.relation(table) or table
    with app.warehouse.session() as session:
        columns = [one.name for one in session.columns(relation)]
        if column not in columns:
            raise SelectionError(
                f"'{table}' has no column '{column}'; it has {', '.join(columns) or 'none, or is not there'}.",
                hint="--column names the one that holds the values.",
            )
        dialect = app.warehouse.dialect
        text = dialect.text(dialect.column(column))
        rows = session.rows(
            f"select distinct {text} as told from {relation} where {text} is not null order by 1"
        )
    return [str(row["told"]) for row in rows]


# -- forgetting --------------------------------------------------------------------------------


def _forget_all(
    app: App, shared: Planning, maker: TaskMaker, told: Sequence[str], *, everybody: bool
) -> list[Forgotten]:
    people = People.of(app.warehouse, app.manifest)
    touchpoints = app.manifest.relation("int_campaigns__touchpoints")
    results = ResultTables.of(app.manifest).campaign_events
    done: dict[str, Forgotten] = {}

    def forget_one(session: Session, value: str) -> Forgotten:
        ids = people.find(session, value)
        if people.is_nobodys(session, value):
            return _line(value, None, ids, [], NOBODYS)
        if len(ids) > 1 and not everybody:
            return _line(value, None, ids, [], SEVERAL.format(len(ids)))
        if not ids and is_telephone_in_part(value):
            return _line(value, None, ids, [], IN_PART)
        person = people.known(session, ids, value) if ids else people.unknown(session, value)
        request_id = f"f-{now_utc():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        tasks = forgets(
            shared,
            session,
            maker,
            person,
            request_id=request_id,
            touchpoints=touchpoints,
            results=results,
        )
        _delete_exports(app, person)
        return _line(value, request_id, ids, tasks, None, person)

    def forget_the_rest() -> None:
        with app.warehouse.session(write=True) as session:
            _check_tables(shared, session)
            for value in dict.fromkeys(told):
                if value not in done:
                    done[value] = forget_one(session, value)

    # One request is one transaction: what had too little memory for its own goes on with that one.
    with_memory(forget_the_rest)
    return list(done.values())


def _delete_exports(app: App, person: Person) -> None:
    """What `sync export-person` wrote of them here, under any id that they had."""
    had = {one.value for one in person.values if one.type == PROFILE}
    for profile_id in sorted({*person.ids, *had}):
        for path in files_of(app.project.private / FOLDER, profile_id):
            path.unlink(missing_ok=True)


def _check_tables(shared: Planning, session: Session) -> None:
    columns = [one.name for one in session.columns(shared.tables.erasure_requests)]
    if "salt" not in columns or not shared.erasures.has_tasks(session):
        raise ConfigError(
            "the warehouse has no tables for erasures yet.",
            hint="dbt build makes them; then again.",
        )


def _line(
    told: str,
    request_id: str | None,
    ids: Sequence[str],
    tasks: Sequence[Task],
    problem: str | None,
    person: Person | None = None,
) -> Forgotten:
    kind = "email" if "@" in told else "id"
    return {
        "told": mask(kind, told, show=False),
        "request_id": request_id,
        "people": len(ids),
        "records": person.records if person else 0,
        "destinations": sorted({one.destination for one in tasks}),
        "shared": len(person.shared) if person else 0,
        "problem": problem,
        "profile_ids": list(ids) if problem else [],
    }


def _show(app: App, done: Sequence[Forgotten], *, as_json: bool) -> None:
    if as_json:
        app.output.document({"forgotten": list(done)})
        return
    app.output.table(
        ["who", "request", "people", "records", "sent to"],
        [
            [
                one["told"],
                one["request_id"] or "none",
                one["people"],
                one["records"],
                ", ".join(one["destinations"]) or "nobody",
            ]
            for one in done
        ],
    )
    for one in done:
        if one["problem"]:
            ids = ", ".join(one["profile_ids"])
            hint = (
                f"name the person by an id: {ids or '<source_name>:<id>'}."
                if one["problem"] == NOBODYS
                else f"name one of them by id, or --everybody: {ids}."
                if ids
                else "write it from + and the country's code on; an id goes as <source_name>:<id> too."
            )
            # Said by us of what is masked already, so that it is known of which value.
            app.output.error(SelectionError(f"{one['told']}: {one['problem']}.", hint))
        elif not one["people"]:
            app.output.note(
                f"{one['told']}: nobody is known by it; whoever comes with it is kept out, unless it is a placeholder. If somebody came "
                "since the last dbt build, build and ask again before you take it for done."
            )
        elif one["shared"]:
            app.output.note(
                f"{one['told']}: of what they are known by, others have {one['shared']:,} too; that stays with the others, "
                "and may be written to there where they themselves have agreed."
            )
    if any(one["request_id"] for one in done):
        app.output.note(
            "Next: dbt build, then sync push; sync forget --report shows what is proven."
        )


# -- by hand -----------------------------------------------------------------------------------


def _confirm(app: App, shared: Planning, destination: str, request_id: str | None) -> int:
    if request_id is None:
        raise SelectionError(
            "--confirm wants --request.", hint="sync forget --report lists requests."
        )
    with app.warehouse.session(write=True) as session:
        _check_tables(shared, session)
        tasks = [
            one
            for one in shared.erasures.tasks(session, statuses=(PENDING, ASKED, CANNOT))
            if (one.destination, one.request_id) == (destination, request_id)
        ]
        if not tasks:
            raise SelectionError(
                f"request '{request_id}' has nothing open at '{destination}'.",
                hint="sync forget --report lists what is.",
            )
        shared.erasures.mark(session, tasks, ANSWERED, now=now_utc(), detail="by hand")
    app.output.note(f"{len(tasks):,} at '{destination}' are done by hand.")
    return 0


def _lift(app: App, shared: Planning, request_id: str) -> int:
    """Nothing is kept out by the request any more; what was erased at destinations stays erased."""
    with app.warehouse.session(write=True) as session:
        _check_tables(shared, session)
        if not shared.erasures.lift(session, request_id):
            raise SelectionError(
                f"there is no request '{request_id}'.", hint="sync forget --report lists requests."
            )
    app.output.note(
        "It is taken back: what your sources have of the person is read again by the next dbt build; what was sent and is erased stays so."
    )
    return 0


# -- proof -------------------------------------------------------------------------------------


def _report(
    app: App, shared: Planning, maker: TaskMaker, request_id: str | None, *, as_json: bool
) -> int:
    with app.warehouse.session() as session:
        requests = shared.erasures.requests(session)
        tasks = shared.erasures.tasks(session) if shared.erasures.has_tasks(session) else []
        left = _left(app, shared, maker, session)
    known = [str(one["request_id"]) for one in requests]
    if request_id is not None and request_id not in known:
        raise SelectionError(
            f"there is no request '{request_id}'{closest(request_id, known)}.",
            hint="sync forget --report lists them all.",
        )
    rows = [
        _proof(one, [task for task in tasks if task.request_id == one["request_id"]], left)
        for one in requests
        if request_id in (None, one["request_id"])
    ]
    is_done = all(one["is_done"] for one in rows)
    if as_json:
        app.output.document({"requests": rows, "is_done": is_done})
        return 0 if is_done else 1
    lines = []
    for one in rows:
        here = (
            "is gone"
            if one["was_known"]
            else "nobody was known by it, and whoever comes is kept out"
        )
        if one["warehouse"]:
            here = "; ".join(f"{number:,} {what}" for what, number in one["warehouse"].items())
        lines.append([one["request_id"], f"{one['requested_at']:%Y-%m-%d}", "warehouse", here, ""])
        lines += [
            [
                one["request_id"],
                f"{one['requested_at']:%Y-%m-%d}",
                where,
                _counts(told),
                told["detail"] or "",
            ]
            for where, told in one["destinations"].items()
        ]
    if not rows:
        app.output.note("Nobody has asked to be forgotten.")
        return 0
    app.output.table(["request", "asked on", "where", "state", "how, or why not"], lines)
    if not is_done:
        app.output.refusal(
            "not everybody is erased everywhere.",
            "dbt build, then sync push; what cannot be asked is done by hand and confirmed: sync forget --confirm.",
        )
    else:
        unknown = sum(not one["was_known"] and not one["destinations"] for one in rows)
        app.output.note(
            "Everybody who asked is erased, here and wherever they were sent."
            if not unknown
            else f"Whoever was known is erased. {unknown} of {len(rows)} requests met nobody: look whether they were written as meant."
        )
    return 0 if is_done else 1


def _counts(told: dict[str, Any]) -> str:
    return ", ".join(f"{told[state]:,} {state}" for state in STATES if told[state])


def _proof(
    request: dict[str, Any], tasks: Sequence[Task], left: dict[str, dict[str, int]]
) -> dict[str, Any]:
    destinations: dict[str, dict[str, Any]] = {}
    for task in tasks:
        told = destinations.setdefault(
            task.destination, {**dict.fromkeys(STATES, 0), "detail": None}
        )
        told[task.status] += 1
        if task.status != ANSWERED or told["detail"] is None:
            told["detail"] = task.detail
    here = dict(left.get(request["request_id"], {}))
    if not request["has_salt"]:
        here[
            "was not written by sync forget: who has the value is sent nothing, and nothing is erased"
        ] = 1
    return {
        "request_id": request["request_id"],
        "requested_at": request["requested_at"],
        "was_known": bool(request["was_known"]),
        "warehouse": here,
        "destinations": dict(sorted(destinations.items())),
        "is_done": not here and all(one.status == ANSWERED for one in tasks),
    }


def _left(
    app: App, shared: Planning, maker: TaskMaker, session: Session
) -> dict[str, dict[str, int]]:
    """What the warehouse still has of erased people, by request: in the models of the last build, and in what was sent and pulled."""
    erasures, dialect = shared.erasures, shared.warehouse.dialect
    salts = erasures.salts(session)
    found: dict[str, dict[str, int]] = {}
    if not salts:
        return found
    holders = app.manifest.relation("int_profiles__identifier_holders")
    records = app.manifest.relation("profile_records")
    results = ResultTables.of(app.manifest).campaign_events
    checks = {
        "identifiers, until dbt build": (holders, "told.identifier_value", "told.identifier_type"),
        "records, until dbt build": (records, "told.record_key", dialect.literal("record")),
        "campaign results, until sync push": (
            results,
            "lower(trim(told.recipient))",
            "told.recipient_type",
        ),
    }
    for what, (relation, text, kind) in checks.items():
        if relation:
            for row in session.rows(erasures.met(relation, {text: kind}, salts)):
                found.setdefault(str(row["request_id"]), {})[what] = int(row["row_count"])
    for request, number in erasures.answers(session).items():
        found.setdefault(request, {})["answers on matches, until sync push"] = number
    for one in erasures.sent_again(session, maker.names, now_utc().replace(year=1970)):
        mine = found.setdefault(one.request_id, {})
        what = "rows of what was sent, until sync push"
        mine[what] = mine.get(what, 0) + 1
    return found
