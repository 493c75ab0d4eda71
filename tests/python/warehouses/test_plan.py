"""The plan's one statement gives the same answer on every warehouse."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

from sync.config.models import Consent, ConsentTables, Model, SyncDefinition
from sync.engine.plan.claims import Claims
from sync.engine.plan.planner import PlanQueries, read_counts
from sync.records import Mode, SyncObject
from sync.state.ledger import Ledger
from sync.state.tables import Tables, arrow_table
from sync.warehouses.base import Session, Warehouse

MEMBERS = (("email_sha256",), ("phone_sha256",), ("country", "postal_code"))


def texts(warehouse: Warehouse, relation: str, **columns: list[str | None]) -> None:
    """Make a table of text columns and fill it."""
    dialect = warehouse.dialect
    given = ", ".join(
        f"{name} {dialect.timestamp if name == 'acknowledged_at' else dialect.string}"
        for name in columns
    )
    with warehouse.session(write=True) as session:
        session.execute(f"create table {relation} ({given})")
        table = pa.table({name: pa.array(found, pa.string()) for name, found in columns.items()})
        session.append(relation, table)


NOW = dt.datetime(2026, 11, 29)


def ledger_table(warehouse: Warehouse, relation: str, **identifiers: str) -> None:
    columns = ("environment", "sync_name", "sync_key", "row_hash", "definition_hash", "identifiers",
               "remote_id", "run_id", "acknowledged_at")  # fmt: skip
    rows = [
        {"environment": "live", "sync_name": "people", "sync_key": key, "row_hash": "old",
         "definition_hash": "there.other" if key == "moved" else "here.other",
         "identifiers": text, "run_id": "r", "acknowledged_at": NOW}
        for key, text in identifiers.items()
    ]  # fmt: skip
    made = arrow_table("acknowledgements", rows).select(list(columns))
    given = ", ".join(f"{name} {warehouse.dialect.string}" for name in columns)
    with warehouse.session(write=True) as session:
        session.execute(f"create table {relation} ({given})")
        session.append(relation, made)


def definition(relation: str, **changes: object) -> SyncDefinition:
    settings: dict[str, object] = {
        "name": "people", "destination": "audience", "object": SyncObject("audience", "People"),
        "mode": Mode.MIRROR, "key": ("profile_id",), "path": "exposures.yml",
        "identifiers": ("email_sha256", "phone_sha256", "country", "postal_code"),
        "model": Model("model.people", "people", relation, frozenset()),
    }  # fmt: skip
    return SyncDefinition(**(settings | changes))  # type: ignore[arg-type]


def queries_of(
    warehouse: Warehouse, session: Session, schema: str, wanted: SyncDefinition, **more: object
) -> PlanQueries:
    """The plan of a table of people against a ledger beside it."""
    settings: dict[str, object] = {
        "held": f"select * from {schema}.ledger", "in_ledger": "select 0 as held, 0 as elsewhere, 0 as former",
        "quarantined": None, "dialect": warehouse.dialect,
    }  # fmt: skip
    columns = [column.name for column in session.columns(f"{schema}.people")]
    return PlanQueries(wanted, columns, **(settings | more))  # type: ignore[arg-type]


def test_what_leaves_and_what_another_keeps_is_marked_alike(
    warehouse: Warehouse, schema: str
) -> None:
    """Sets are counted 1, 2, 4: `left` loses its e-mail alone, for its phone and address are those of others."""
    texts(
        warehouse, f"{schema}.people",
        profile_id=["stays", "changes"], email_sha256=["e1", "new"], phone_sha256=["p1", None],
        country=["DE", "DE"], postal_code=["1", "2"], row_hash=["new", "new"],
    )  # fmt: skip
    ledger_table(
        warehouse, f"{schema}.ledger",
        stays='{"email_sha256": "e1", "phone_sha256": "p1"}',
        changes='{"country": "DE", "email_sha256": "e2", "phone_sha256": "p2", "postal_code": "2"}',
        left='{"country": "DE", "email_sha256": "e3", "phone_sha256": "p1", "postal_code": "2"}',
        also='{"email_sha256": "e2"}',
        bare='{"country": "DE"}',
        moved='{"email_sha256": "e9"}',
    )  # fmt: skip
    tables = Tables(**{name: f"{schema}.{name}" for name in Tables.__slots__})
    dialect = warehouse.dialect
    ledger = Ledger(
        tables,
        dialect,
        environment="live",
        sync_name="people",
        mode="mirror",
        place="here",
        former_place="before",
    )
    with warehouse.session() as session:
        queries = queries_of(
            warehouse, session, schema, definition(f"{schema}.people"), members=MEMBERS,
            held=ledger.state([]), in_ledger=ledger.counts(ledger.state([])),
        )  # fmt: skip
        sent = f"({queries.sent(marked=True)})"
        rows = session.rows(queries.rows(sent, marked=True))
        elsewhere = int(session.rows(queries.checks())[0]["elsewhere"])
    found = {
        row["sync_key"]: (row["action"], *(int(row[n]) for n in ("leaving", "shared", "holders")))
        for row in rows
    }
    assert found == {
        "stays": ("change", 0, 0, 0),
        "changes": ("change", 3, 0, 2),
        "left": ("remove", 7, 6, 1),
        "also": ("remove", 1, 0, 2),
        "bare": ("remove", 0, 0, 0),
    }
    assert elsewhere == 1


def test_consent_and_suppression_are_asked_alike(warehouse: Warehouse, schema: str) -> None:
    texts(
        warehouse, f"{schema}.people",
        profile_id=["yes", "no", "silent", "bounced"], row_hash=["h"] * 4,
    )  # fmt: skip
    texts(
        warehouse, f"{schema}.consent",
        profile_id=["yes", "no", "bounced", "silent"], channel=["email"] * 3 + ["sms"],
        purpose=["marketing"] * 4, state=["opted_in", "opted_out", "opted_in", "opted_in"],
    )  # fmt: skip
    texts(
        warehouse, f"{schema}.suppressions",
        profile_id=["bounced", "yes"], channel=["all", "sms"], reason=["hard_bounce"] * 2,
    )  # fmt: skip
    ledger_table(warehouse, f"{schema}.ledger")
    with warehouse.session() as session:
        wanted = definition(
            f"{schema}.people", identifiers=(), consent=Consent("email", "marketing")
        )
        queries = queries_of(
            warehouse, session, schema, wanted,
            people=ConsentTables(f"{schema}.consent", f"{schema}.suppressions"),
        )  # fmt: skip
        counts = read_counts(session.rows(queries.counts()))
    assert (counts.add, counts.withheld) == (1, {"no_consent": 2, "suppressed": 1})


def test_who_leaves_and_is_wanted_by_another_is_claimed_alike(
    warehouse: Warehouse, schema: str
) -> None:
    """By another sync, by a row that is there, by one that is only being added; a shared telephone claims nobody whose e-mail differs."""
    texts(
        warehouse, f"{schema}.people",
        profile_id=["there", "new"], email=["there@x.example", "new@x.example"],
        phone=["1", None], row_hash=["old", "h"],
    )  # fmt: skip
    ledger_table(
        warehouse, f"{schema}.ledger",
        there='{"email": "there@x.example", "phone": "1"}',
        twin='{"email": "there@x.example"}',
        before='{"email": "new@x.example"}',
        shared='{"email": "other@x.example"}',
        household='{"email": "leaves@x.example", "phone": "1"}',
        alone='{"email": "alone@x.example"}',
    )  # fmt: skip
    texts(
        warehouse, f"{schema}.others",
        sync_key=["theirs"], identifiers=['{"email": "other@x.example"}'],
    )  # fmt: skip
    with warehouse.session() as session:
        wanted = definition(f"{schema}.people", identifiers=("email", "phone"))
        queries = queries_of(
            warehouse, session, schema, wanted,
            claims=Claims(("email", "phone"), (), f"select * from {schema}.others"),
        )  # fmt: skip
        assert read_counts(session.rows(queries.counts())).remove == 5
        assert queries.ask_claims()
        counts = read_counts(session.rows(queries.counts()))
        sent = f"({queries.sent()})"
        actions = {row["sync_key"]: row["action"] for row in session.rows(queries.rows(sent))}
    assert (counts.add, counts.change, counts.remove, counts.forget) == (1, 1, 2, 2)
    assert counts.withheld == {"claimed": 3}
    assert actions == {
        "new": "add", "there": "change", "twin": "forget", "shared": "forget", "household": "remove",
        "alone": "remove",
    }  # fmt: skip


def test_rows_find_their_place_alike(warehouse: Warehouse, schema: str) -> None:
    """From before accounts were known, and from elsewhere."""
    now, former = definition(f"{schema}.people"), definition(f"{schema}.people").former_hash
    ledger_table(warehouse, f"{schema}.ledger", one="{}", moved="{}")
    tables = Tables(**{name: f"{schema}.{name}" for name in Tables.__slots__})
    ledger = Ledger(
        tables, warehouse.dialect, environment="live", sync_name="people", mode="mirror",
        place=now.place, former_place=now.former_place,
    )  # fmt: skip
    elsewhere = f"{'a' * 16}-{'b' * 16}.{'c' * 16}"
    with warehouse.session(write=True) as session:
        session.execute(
            f"update {schema}.ledger set definition_hash = '{former}' where sync_key = 'one'",
            f"update {schema}.ledger set definition_hash = '{elsewhere}' where sync_key = 'moved'",
        )
        assert int(session.rows(ledger.counts(ledger.state([])))[0]["former"]) == 1
        found = session.rows(ledger.places_elsewhere())
        assert [(row["place"], int(row["row_count"])) for row in found] == [(elsewhere[:33], 1)]
        session.execute(ledger.placing(now.definition_hash, former), ledger.bringing())
        rows = session.rows(f"select sync_key, definition_hash from {schema}.ledger")
    assert {row["sync_key"]: row["definition_hash"] for row in rows} == {
        "one": now.definition_hash, "moved": f"{now.place}.{'c' * 16}",
    }  # fmt: skip


def test_what_differs_is_planned_alike_by_itself(warehouse: Warehouse, schema: str) -> None:
    """The counts and rows of the keys that differ are those of a comparison of all."""
    texts(
        warehouse, f"{schema}.people",
        profile_id=["same", "changes", "joins", "nobody"], email_sha256=["e1", "e2", "e3", None],
        row_hash=["old", "new", "new", "old"],
    )  # fmt: skip
    ledger_table(
        warehouse, f"{schema}.ledger",
        same='{"email_sha256": "e1"}', changes='{"email_sha256": "e2"}', left='{"email_sha256": "e4"}',
    )  # fmt: skip
    wanted = definition(f"{schema}.people", identifiers=("email_sha256",))
    held = f"select * from {schema}.ledger"
    with warehouse.session() as session:
        # Of the definition that the rows were sent by, or all of them would differ.
        queries = queries_of(
            warehouse, session, schema, wanted,
            held=f"select l.sync_key, l.row_hash, '{wanted.definition_hash}' as definition_hash, "
            f"l.identifiers, l.remote_id, l.acknowledged_at from ({held}) as l",
        )  # fmt: skip
        whole = read_counts(session.rows(queries.counts()))
        differing = f"({queries.differing()})"
        counted = queries.counts(differing, rows=4)
        found = {
            way: sorted(
                (row["sync_key"], row["action"], str(row["row_hash"]), str(row["held_identifiers"]))
                for row in session.rows(queries.rows(f"({queries.sent(way)})"))
            )
            for way in (None, differing)
        }
        assert read_counts(session.rows(counted)) == whole
    assert (whole.add, whole.change, whole.remove, whole.unchanged) == (1, 1, 1, 1)
    assert whole.withheld == {"no_identifier": 1}
    assert found[None] == found[differing]
    assert [row[0] for row in found[None]] == ["changes", "joins", "left"]
