"""State belongs to an account, an object and a member: names change nothing, and nobody leaves whom somebody else wants there."""

from __future__ import annotations

import contextlib
import shutil
import threading
from dataclasses import replace
from unittest.mock import patch

import duckdb
import pytest
from workbench import Delivery, Killed, MemoryDestination, object_type

from sync.config.models import Consent, Guards
from sync.engine import run
from sync.engine.plan.claims import CLAIMED
from sync.engine.plan.plan import Planning
from sync.engine.push.record import RunRecord
from sync.engine.run import push_all
from sync.errors import AuthError, HeadwaterError, TransientError
from sync.records import Mode, SyncObject
from tests.python.rows import insert


class Mailer(MemoryDestination):
    """A list whose members are e-mail addresses, as most vendors have it."""

    def upsert(self, records):
        return self._call("upsert", records, lambda one: self.members.update({_mail(one): one}))

    def remove(self, records):
        return self._call("remove", records, lambda one: self.members.pop(_mail(one), None))


def _mail(record):
    return record.identifiers["email"]


@pytest.fixture
def bench(workbench):
    made = workbench()
    made.destination = Mailer()
    made.declare(found_by=("email",))
    return made


def sync(bench, **changes):
    """Another sync of the same project, to the same destination."""
    other = object.__new__(type(bench))
    other.__dict__.update(bench.__dict__)
    other.definition = replace(bench.definition, **changes)
    bench.family.append(other)
    return other


def table(bench, name, *ids, **emails):
    """The table of one sync: ids, or ids and their addresses."""
    relation = f"sync_{name}"
    bench.definition = replace(
        bench.definition, model=replace(bench.definition.model, relation=relation)
    )
    rows = {one: f"{one}@example.com" for one in ids} | emails
    values = ", ".join(f"('{one}', '{email}', md5('{email}'))" for one, email in rows.items())
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute(
            f"create or replace table {relation} (profile_id varchar, email varchar, row_hash varchar)"
        )
        if rows:
            connection.execute(f"insert into {relation} values {values}")


def valued(bench, name, *rows, **scores):
    """The table of one sync: people and their scores, or rows of (id, who the address names, score)."""
    table(bench, name)
    listed = [*rows, *((one, one, score) for one, score in scores.items())]
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute(f"alter table sync_{name} add column score integer")
        given = [(one, who, str(score), score) for one, who, score in listed]
        made = "c0, c1 || '@example.com', md5(c1 || '|' || c2), c3"
        insert(connection, f"sync_{name}", given, values=made)


def values(bench):
    """The score that the vendor has of each."""
    return {
        email.partition("@")[0]: one.fields["score"]
        for email, one in bench.destination.members.items()
    }


def there(bench):
    return {email.partition("@")[0] for email in bench.destination.members}


def push(bench, **options):
    result = bench.push(allow_removals=True, allow_additions=True, **options)
    assert result.status == "success", result.error
    return result


def push_until_killed(one, dies, *, after=False, **options):
    """A push that is killed before, or `after`, a request of which `dies` says so by its records; its lease is that of nobody then."""

    def fault(_, records):
        if dies(records):
            raise Killed

    one.destination.fault_after, one.destination.fault = (fault, None) if after else (None, fault)
    with one.killable(), pytest.raises(Killed):
        one.push(allow_additions=True, **options)
    one.destination.fault_after = one.destination.fault = None
    with one.warehouse.session(write=True) as session:
        session.execute("delete from analytics_sync.leases")


def refused(bench):
    result = bench.push(allow_removals=True, allow_additions=True)
    assert result.status == "refused", result
    return result.error


# -- names ---------------------------------------------------------------------------------------


def test_a_new_name_with_the_id_changes_nothing(bench):
    bench.people("a", "b")
    push(bench)
    bench.definition = replace(bench.definition, name="renamed", id="memory_people")
    assert push(bench).counts.unchanged == 2
    bench.people("a")
    assert push(bench).removed == 1
    assert there(bench) == {"a"}


@pytest.mark.parametrize("mode", [Mode.MIRROR, Mode.UPSERT, Mode.EVENT])
def test_a_new_name_without_the_id_is_refused(bench, mode):
    """Its ledger would be empty: everything would be sent again, and who left would stay."""
    bench.definition = replace(bench.definition, mode=mode)
    bench.people("a", "b")
    push(bench)
    bench.definition = replace(bench.definition, name="renamed")
    error = refused(bench)
    assert error.reason == "renamed"
    assert "'memory_people' (2 rows)" in error.message
    assert "id: memory_people" in error.hint
    assert len(bench.destination.calls) == 1


@pytest.mark.parametrize(
    ("mode", "delivery"),
    [
        (Mode.MIRROR, None),
        (Mode.ADD, None),
        (Mode.EVENT, "exactly_once"),
        (Mode.EVENT, "at_most_once"),
    ],
)
@pytest.mark.parametrize("folder", [True, False])
def test_a_new_name_after_a_first_push_that_was_killed_is_refused(bench, mode, delivery, folder):
    """Nothing of it is in the ledger yet, and all may be at the vendor."""
    bench.declare(
        found_by=("email",),
        delivery=Delivery.AT_LEAST_ONCE if delivery == "at_most_once" else Delivery.EXACTLY_ONCE,
    )
    bench.definition = replace(bench.definition, mode=mode, delivery=delivery)
    bench.people("a", "b")

    def die(*_):
        raise Killed

    bench.destination.fault_after = die
    with bench.killable(), contextlib.suppress(Killed):
        bench.push()
    bench.destination.fault_after = None
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute("delete from analytics_sync.leases")
    if not folder:
        shutil.rmtree(bench.path.parent / "journal", ignore_errors=True)
    former, bench.definition = bench.definition, replace(bench.definition, name="renamed")
    error = refused(bench)
    assert error.reason == "renamed"
    assert "'memory_people' (2 rows)" in error.message
    bench.definition = replace(former, name="renamed", id="memory_people")
    assert bench.push().status == ("partial" if delivery == "at_most_once" else "success")


def test_an_event_keeps_its_idempotency_key_under_another_name(bench):
    bench.definition = replace(bench.definition, mode=Mode.EVENT)
    bench.people("a")
    push(bench)
    bench.definition = replace(bench.definition, name="renamed", id="memory_people")
    bench.people("a", "b")
    push(bench)
    from sync.engine.push.rows import idempotency_key

    assert [one.idempotency_key for one in bench.destination.events] == [
        idempotency_key("memory_people", "a"),
        idempotency_key("memory_people", "b"),
    ]


def test_another_name_of_the_destination_changes_nothing(bench):
    bench.people("a", "b")
    push(bench)
    bench.definition = replace(bench.definition, destination="mailer")
    assert push(bench).counts.unchanged == 2


# -- accounts ------------------------------------------------------------------------------------


def test_another_account_behind_the_same_name_is_refused(bench):
    bench.people("a", "b")
    push(bench)
    bench.destination.account_id = "other"
    error = refused(bench)
    assert error.reason == "moved"
    assert "2 in list 'People' of account memory main" in error.message
    assert "sync migrate memory_people" in error.hint
    assert len(bench.destination.calls) == 1


@pytest.mark.parametrize("change", [{"key": ("email",)}, {"object": SyncObject("list", "Others")}])
@pytest.mark.parametrize("mode", [Mode.MIRROR, Mode.EVENT])
def test_another_key_or_object_is_refused(bench, mode, change):
    bench.definition = replace(bench.definition, mode=mode)
    bench.people("a", "b")
    push(bench)
    bench.definition = replace(bench.definition, **change)
    assert refused(bench).reason == "moved"
    assert len(bench.destination.calls) == 1


def test_no_flag_opens_it(bench):
    bench.people("a")
    push(bench)
    bench.destination.account_id = "other"
    assert bench.push(skip_gates=True).error.reason == "moved"


def test_an_account_that_cannot_be_read_is_the_one_of_before(bench):
    bench.people("a", "b")
    push(bench)

    def forbidden():
        raise AuthError("no scope")

    bench.destination.account = forbidden
    assert push(bench).counts.unchanged == 2


def test_a_vendor_that_does_not_say_which_account_it_is_gets_nothing(bench):
    bench.people("a")

    def down():
        raise TransientError("down")

    bench.destination.account = down
    assert bench.push().status == "failed"
    assert bench.destination.calls == []


def test_an_account_is_asked_once_where_the_vendor_must_be_asked(bench):
    asked = []
    bench.declaration = replace(bench.declaration, asks_account=True)
    bench.destination.account = lambda: asked.append(1) or "main"
    bench.people("a")
    push(bench)
    push(bench)
    assert asked == [1]


def test_a_destination_of_an_earlier_version_has_its_name_for_an_account(bench):
    bench.people("a")
    bench.destination.account = None
    push(bench)
    assert push(bench).counts.unchanged == 1


# -- state of before -----------------------------------------------------------------------------


def test_a_ledger_of_before_accounts_were_known_goes_on(bench):
    bench.people("a", "b")
    push(bench)
    former = bench.definition.former_hash
    with bench.warehouse.session(write=True) as session:
        session.execute(
            f"update analytics_sync.ledger set definition_hash = '{former}'",
            "delete from analytics_sync.places",
        )
    assert bench.plan().counts.unchanged == 2
    assert push(bench).counts.unchanged == 2
    assert not bench.rows(f"select * from analytics_sync.ledger where definition_hash = '{former}'")
    bench.destination.account_id = "other"
    assert refused(bench).reason == "moved"


def test_what_was_outdated_before_stays_so(bench):
    bench.people("a", "b")
    push(bench)
    place = bench.definition.former_place
    with bench.warehouse.session(write=True) as session:
        session.execute(
            f"update analytics_sync.ledger set definition_hash = '{place}.0123456789abcdef'",
            "delete from analytics_sync.places",
        )
    assert push(bench).changed == 2


# -- claims --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [Mode.MIRROR, Mode.UPSERT, Mode.ADD])
def test_who_is_wanted_by_another_sync_stays(bench, mode):
    one, other = sync(bench, name="one"), sync(bench, name="other", mode=mode)
    table(one, "one", "a", "b", "c")
    push(one)
    table(other, "other", x="b@example.com", y="z@example.com")
    push(other)
    table(one, "one", "c")
    plan = one.plan(offered=one.declaration.objects["list"])
    assert (plan.counts.remove, plan.counts.forget) == (1, 1)
    assert plan.counts.withheld == {CLAIMED: 1}
    assert push(one).removed == 1
    assert there(bench) == {"b", "c", "z"}
    assert one.plan(offered=one.declaration.objects["list"]).counts.held == 1
    if mode is Mode.MIRROR:  # the last claim's end takes out
        table(other, "other", y="z@example.com")
        assert push(other).removed == 1
        assert there(bench) == {"c", "z"}


def test_members_that_are_their_identifiers_are_claimed_value_by_value(bench):
    bench.declare(found_by=(), members=(("email",),))
    one, other = sync(bench, name="one"), sync(bench, name="other")
    table(one, "one", "a", "b", "c")
    push(one)
    table(other, "other", x="b@example.com")
    push(other)
    table(one, "one", "c")
    push(one)
    assert there(bench) == {"b", "c"}
    table(other, "other")
    other.definition = replace(
        other.definition, guards=replace(other.definition.guards, min_rows=0)
    )
    push(other)
    assert there(bench) == {"c"}


def test_records_under_our_key_are_claimed_by_the_key(bench):
    bench.declare(found_by=())
    bench.destination = MemoryDestination()
    one, other = sync(bench, name="one"), sync(bench, name="other")
    table(one, "one", "a", "b", "c")
    push(one)
    table(other, "other", "b")
    push(other)
    table(one, "one", "c")
    push(one)
    assert set(bench.destination.members) == {"b", "c"}


def test_two_accounts_are_two_objects(bench):
    one, other = sync(bench, name="one"), sync(bench, name="other", destination="second")
    other.destination = Mailer()
    other.destination.account_id = "second"
    table(one, "one", "a", "b")
    push(one)
    table(other, "other", "a", "b")
    push(other)
    table(one, "one", "a")
    assert push(one).removed == 1
    assert (there(one), there(other)) == ({"a"}, {"a", "b"})


def test_two_destinations_of_one_account_are_one_object(bench):
    one, other = sync(bench, name="one"), sync(bench, name="other", destination="second")
    table(one, "one", "a", "b")
    push(one)
    table(other, "other", "b")
    push(other)
    table(one, "one", "a")
    push(one)
    assert there(bench) == {"a", "b"}


@pytest.mark.parametrize("found_by", [("email",), ()])
def test_who_is_lost_by_two_is_taken_out_in_the_plan_of_both(bench, found_by):
    """The plan said that each leaves it to the other, so that nobody would be taken out."""
    bench.declare(found_by=found_by)
    one, other = sync(bench, name="one"), sync(bench, name="other")
    table(one, "one", "a", "b", "c", "d")
    table(other, "other", "a", "b", "c", "e")
    push(one)
    push(other)
    table(one, "one", "a", "b")  # loses c to nobody, d alone
    table(other, "other", "b", "e")  # loses a, which the first wants, and c
    bench.family.remove(bench)  # the workbench's own, which has no table

    def planned(each, *earlier):
        found = each.plan(earlier=[first._planned().definition for first in earlier]).counts
        return found.remove, found.withheld

    assert planned(one) == (1, {CLAIMED: 1})
    assert planned(other) == (0, {CLAIMED: 2}), "alone it leaves both"
    assert planned(other, one) == (1, {CLAIMED: 1})
    results = push_all(
        one.context(allow_removals=True, dry_run=True), [one.definition, other.definition]
    )
    assert [result.counts.remove for result in results] == [1, 1]
    assert push(one).removed == 1
    assert push(other).removed == 1
    assert there(bench) == {"a", "b", "e"}


@pytest.mark.parametrize("known", [True, False], ids=["by their places", "by the account"])
def test_two_of_one_account_in_one_push_take_turns(bench, known, monkeypatch):
    """Their destinations have two names, so that only the account says it: each would leave to the other who leaves both."""
    if not known:
        monkeypatch.setattr(run, "_fills_the_same", lambda *_: False)
    one, other = sync(bench, name="one"), sync(bench, name="other", destination="second")
    for each in (one, other):
        table(each, each.definition.name, "a", "b", "c")
        push(each)
    table(one, "one", "a")
    table(other, "other", "b")
    met = threading.Barrier(2)

    def both(*_):
        with contextlib.suppress(threading.BrokenBarrierError):
            met.wait(0.3)  # both at once, where they can

    context = one.context(allow_removals=True)
    with patch.object(RunRecord, "begin", _before(both, RunRecord.begin)):
        results = push_all(context, [one.definition, other.definition], threads=2)
    assert [result.status for result in results] == ["success", "success"]
    assert there(bench) == {"a", "b"}


def _before(first, then):
    def called(*arguments, **named):
        first()
        return then(*arguments, **named)

    return called


KNOWN = {
    "found by address": {"found_by": ("email",)},
    "found by key": {"found_by": ()},
    "is its address": {"found_by": (), "members": (("email",),)},
}


@pytest.mark.parametrize("known", KNOWN.values(), ids=list(KNOWN))
@pytest.mark.parametrize("mode", [Mode.MIRROR, Mode.UPSERT, Mode.ADD])
def test_who_is_taken_out_by_another_sync_is_not_said_to_be_there(bench, known, mode):
    """It was green for ever, and they did not come back when they might."""
    bench.declare(**known)
    fills, removes = sync(bench, name="fills", mode=mode), sync(bench, name="out", mode=Mode.REMOVE)
    removes.definition = replace(removes.definition, guards=Guards(min_rows=0))
    bench.family.remove(bench)
    table(fills, "fills", "a", "b", "c")
    push(fills)
    table(removes, "out", "b")
    assert push(removes).removed == 1
    assert there(bench) == {"a", "c"}
    table(fills, "fills", "a", "b", "c", "d")
    result = push(fills)
    assert result.counts.withheld == {"taken_out": 1}
    assert result.added == 1
    assert there(bench) == {"a", "c", "d"}
    assert push(fills).counts.to_send == 0
    table(removes, "out")
    push(removes)
    push(fills)
    back = set() if mode is Mode.ADD else {"b"}  # an addition is made once
    assert there(bench) == {"a", "c", "d"} | back


@pytest.mark.parametrize("known", KNOWN.values(), ids=list(KNOWN))
def test_who_is_taken_out_is_claimed_by_nobody(bench, known):
    """Two mirrors had them when they were taken out, and put them in once more: each left them to the other, whose table has them."""
    bench.declare(**known)
    one, other = sync(bench, name="one"), sync(bench, name="other")
    removes = sync(bench, name="out", mode=Mode.REMOVE)
    bench.family.remove(bench)
    table(one, "one", "a", "b")
    table(other, "other", "b", "c")
    table(removes, "out", "b")
    push(removes)
    with patch.object(Planning, "removers", lambda *_: []):  # they were planned before it
        push(one)
        push(other)
    assert there(bench) == {"a", "b", "c"}
    push(one)
    push(other)
    assert there(bench) == {"a", "c"}


def test_who_withdrew_consent_is_claimed_by_nobody(bench):
    """Both tables have them still: each left them to the other, and they stayed for ever."""
    consent = Consent("email", "marketing")
    bench.definition = replace(bench.definition, consent=consent)
    one, other = sync(bench, name="one"), sync(bench, name="other")
    bench.family.remove(bench)
    for each in (one, other):
        table(each, each.definition.name, "a", "b", "c", "d", "e", "f")
        each.agreed("a", "b", "c", "d", "e", "f")
        push(each)
    for each in (one, other):
        each.agreed("a", "c", "d", "e", "f")
        push(each)
    assert there(bench) == {"a", "c", "d", "e", "f"}


def test_who_shares_a_weaker_identifier_with_somebody_who_is_out_stays(bench):
    """The strongest identifier that both have says who is who."""
    from sync.engine.plan.taken_out import withholding

    told = withholding(
        "select 'k' as sync_key, i as identifiers from out",
        offered=object_type(found_by=("email", "phone")),
        key="key",
        identifiers=("email", "phone"),
        dialect=bench.warehouse.dialect,
    )
    with duckdb.connect() as connection:
        connection.execute(
            """create table out as select * from (values ('{"email": "a", "phone": "1"}'), ('{"phone": "2"}')) t(i)"""
        )
        found = connection.execute(
            "select email, phone, "
            + told.reason
            + " as reason from (values ('a', '9'), ('b', '1'), (null, '1'), "
            "('c', '2'), (null, null), ('d', '3')) as t(email, phone)"
            + told.joins
            + " order by all"
        ).fetchall()
    assert {(email, phone): reason for email, phone, reason in found} == {
        ("a", "9"): "taken_out",
        ("b", "1"): None,
        (None, "1"): "taken_out",
        ("c", "2"): "taken_out",
        (None, None): None,
        ("d", "3"): None,
    }


@pytest.mark.parametrize("found_by", [("email",), ()])
def test_who_moves_to_another_sync_is_never_gone_in_between(bench, found_by):
    """Pushed first, the one that loses them knows from the other's table that they are wanted; once they are there, it lets go."""
    bench.declare(found_by=found_by)
    bench.destination = Mailer() if found_by else MemoryDestination()
    one, other = sync(bench, name="one"), sync(bench, name="other")
    table(one, "one", "a", "b", "c")
    table(other, "other", "c")
    push(one)
    table(one, "one", "a")
    table(other, "other", "b", "c")
    plan = one.plan(offered=one.declaration.objects["list"])
    assert (plan.counts.remove, plan.counts.withheld) == (0, {CLAIMED: 2})
    for each in (one, other, one):
        push(each)
        assert {str(member).partition("@")[0] for member in bench.destination.members} == {
            "a",
            "b",
            "c",
        }
    assert one.plan(offered=one.declaration.objects["list"]).counts.held == 1
    table(other, "other", "c")
    assert push(other).removed == 1
    assert {str(member).partition("@")[0] for member in bench.destination.members} == {"a", "c"}


def test_who_is_withheld_by_the_other_sync_is_not_wanted_by_it(bench):
    one, other = sync(bench, name="one"), sync(bench, name="other")
    table(one, "one", "a", "b")
    push(one)
    table(other, "other", "b")
    with bench.warehouse.session(write=True) as session:
        session.execute(
            "alter table sync_other add column withheld_reason varchar",
            "update sync_other set withheld_reason = 'no_consent'",
        )
    table(one, "one", "a")
    assert push(one).removed == 1
    assert there(bench) == {"a"}


def test_another_key_on_an_object_that_knows_only_keys_is_refused(bench):
    bench.declare(found_by=())
    bench.destination = MemoryDestination()
    one = sync(bench, name="one")
    other = sync(bench, name="other", key=("email",), identifiers=("profile_id",))
    table(one, "one", "a")
    table(other, "other", "b")
    error = refused(one)
    assert error.reason == "shared"
    assert "'one' takes rows out of" in error.message
    assert "sync 'other'" in error.message
    other.definition = replace(other.definition, mode=Mode.EVENT)
    push(one)


def test_a_sync_that_is_gone_claims_nothing(bench):
    one, other = sync(bench, name="one"), sync(bench, name="other")
    table(one, "one", "a", "b")
    push(one)
    table(other, "other", "b")
    push(other)
    one.family = [one]
    table(one, "one", "a")
    assert push(one).removed == 1


def test_a_sync_that_comes_back_knows_whom_others_took_out_meanwhile(bench):
    """Its ledger said that they were there, its plan 0/0/0, and the vendor did not have them."""
    one, other = sync(bench, name="one"), sync(bench, name="other")
    table(one, "one", "a", "b", "c")
    push(one)
    table(other, "other", "b", "c", "d")
    push(other)
    family, one.family = one.family, [one]
    table(one, "one", "a", "c")
    assert push(one).removed == 1
    assert there(one) == {"a", "c", "d"}
    one.family = family
    assert other.plan().counts.change == 3
    push(other)
    assert there(one) == {"a", "b", "c", "d"}
    assert other.plan().counts.to_send == 0
    table(one, "one", "a")
    push(one)
    assert other.plan().counts.to_send == 0
    assert there(one) == {"a", "b", "c", "d"}


def test_a_sync_that_comes_back_knows_whom_a_removing_one_took_out_meanwhile(bench):
    fills, removes = sync(bench, name="fills"), sync(bench, name="removes", mode=Mode.REMOVE)
    table(fills, "fills", "a", "b")
    push(fills)
    family, removes.family = removes.family, [removes]
    table(removes, "removes", "a")
    push(removes)
    assert there(bench) == {"b"}
    table(removes, "removes", "z")
    push(removes)
    removes.family = family
    push(fills)
    assert there(bench) == {"a", "b"}


def test_a_removing_sync_that_comes_back_knows_whom_others_put_in_meanwhile(bench):
    fills = sync(bench, name="fills", mode=Mode.UPSERT)
    removes = sync(bench, name="removes", mode=Mode.REMOVE)
    table(removes, "removes", "a")
    push(removes)
    family, fills.family = fills.family, [fills]
    table(fills, "fills", "a", "b")
    push(fills)
    assert there(bench) == {"a", "b"}
    fills.family = family
    push(removes)
    push(fills)
    assert there(bench) == {"b"}
    assert push(removes).counts.to_send == 0


def test_what_a_killed_push_of_the_other_sync_sent_is_claimed(bench):

    one, other = sync(bench, name="one"), sync(bench, name="other")
    table(one, "one", "a", "b", "c", "d", "e")
    push(one)
    table(other, "other", "b")
    push(other)

    table(other, "other", "b", "c", "d", "e", "f", "g", "h")
    push_until_killed(other, lambda _: "h@example.com" in bench.destination.members, after=True)
    table(one, "one", "a")
    push(one)
    push(other)
    assert there(bench) == {"a", "b", "c", "d", "e", "f", "g", "h"}


def test_two_that_fill_one_object_are_never_pushed_at_once(bench):
    one, other = sync(bench, name="one"), sync(bench, name="other")
    table(one, "one", "a", "b", "c")
    push(one)
    table(other, "other", "a")
    push(other)
    table(other, "other", "b")
    table(one, "one", "c", "d")
    found = []

    def meanwhile(number, records):
        bench.destination.fault_after = None
        found.append(other.push(allow_removals=True))

    bench.destination.fault_after = meanwhile
    push(one)
    assert found[0].error.reason == "running"
    assert "'one', which fills the same object, is being pushed" in found[0].message
    push(other)
    assert there(bench) == {"b", "c", "d"}


def test_a_whole_set_shares_with_nobody(bench):
    one, other = sync(bench, name="one"), sync(bench, name="other", mode=Mode.REPLACE)
    table(one, "one", "a")
    push(one)
    table(other, "other", "b")
    assert refused(other).reason == "shared"
    assert there(bench) == {"a"}


# -- rows that are one record --------------------------------------------------------------------


def test_one_of_two_profiles_with_one_address_leaves_and_the_address_stays(bench):
    table(bench, "one", p="x@example.com", q="x@example.com", r="r@example.com")
    push(bench)
    table(bench, "one", q="x@example.com", r="r@example.com")
    assert push(bench).removed == 0
    assert there(bench) == {"x", "r"}
    table(bench, "one", r="r@example.com")
    push(bench)
    assert there(bench) == {"r"}


def test_a_merged_profile_hands_its_address_over_without_a_gap(bench):
    table(bench, "one", p="x@example.com", r="r@example.com")
    push(bench)
    table(bench, "one", q="x@example.com", r="r@example.com")
    result = push(bench)
    assert (result.added, result.removed) == (1, 0)
    assert [name for name, _ in bench.destination.calls] == ["upsert", "upsert"]
    assert bench.plan(offered=bench.declaration.objects["list"]).counts.forget == 1
    push(bench)
    table(bench, "one", r="r@example.com")
    push(bench)
    assert there(bench) == {"r"}


def test_an_address_that_nobody_took_over_is_asked_for_again(bench):
    """The one that was to take it over was refused and left: who had it must go."""
    from sync.records import RowError

    table(bench, "one", p="x@example.com", r="r@example.com")
    push(bench)
    table(bench, "one", q="x@example.com", r="r@example.com")
    bench.destination.fault = lambda number, records: [
        RowError(one.key, "no", "no") for one in records if one.key == "q"
    ]
    assert bench.push(allow_removals=True).status != "success"
    bench.destination.fault = None
    table(bench, "one", r="r@example.com")
    assert push(bench).removed == 1
    assert there(bench) == {"r"}


def test_the_strongest_identifier_that_both_have_decides(bench):
    import duckdb

    bench.declare(found_by=("email", "phone"))
    bench.definition = replace(bench.definition, identifiers=("email", "phone"))

    def people(*rows):
        with duckdb.connect(str(bench.path)) as connection:
            connection.execute(
                "create or replace table sync_memory (profile_id varchar, email varchar, phone varchar, row_hash varchar)"
            )
            for row in rows:
                connection.execute(
                    "insert into sync_memory values (?, ?, ?, md5(concat(?, ?)))",
                    [*row, row[1], row[2]],
                )  # fmt: skip

    people(("p", "p@example.com", "+1"), ("q", "q@example.com", "+1"), ("r", "r@example.com", "+2"))
    push(bench)
    people(("q", "q@example.com", "+1"), ("r", "r@example.com", "+2"))
    assert push(bench).removed == 1  # another address, though the telephone is shared
    assert there(bench) == {"q", "r"}


# -- migrations ----------------------------------------------------------------------------------


def test_what_is_kept_counts_as_sent_to_the_new_account(bench):
    bench.people("a", "b")
    push(bench)
    bench.destination.account_id = "copy"
    assert "2 rows are here too" in bench.migrate("keep")
    assert push(bench).counts.unchanged == 2
    bench.people("a")
    assert push(bench).removed == 1
    assert bench.rows("select command, message from analytics_sync.runs where command = 'migrate'")


def test_who_starts_over_sends_all(bench):
    bench.people("a", "b")
    push(bench)
    bench.destination.account_id = "new"
    bench.migrate("start over")
    assert push(bench).added == 2


def test_a_new_key_keeps_who_is_there(bench):
    bench.people("a", "b", "c")
    push(bench)
    bench.definition = replace(bench.definition, key=("email",))
    bench.migrate("keep")
    bench.people("a", "b")
    push(bench)
    assert [name for name, _ in bench.destination.calls][-2:] == ["remove", "upsert"]
    push(bench)
    assert there(bench) == {"a", "b"}
    assert push(bench).counts.unchanged == 2
    bench.people("a")
    push(bench)
    assert there(bench) == {"a"}


def test_events_under_a_new_key_are_not_sent_again(bench):
    bench.definition = replace(bench.definition, mode=Mode.EVENT)
    bench.people("a", "b")
    push(bench)
    bench.definition = replace(bench.definition, key=("profile_id", "email"))
    assert "all 2 rows of the table count as sent" in bench.migrate("keep")
    bench.people("a", "b", "c")
    assert push(bench).added == 1
    assert [one.fields["score"] for one in bench.destination.events] == [1, 1, 1]


@pytest.mark.parametrize(
    ("before", "now"), [(Mode.MIRROR, Mode.REMOVE), (Mode.REMOVE, Mode.MIRROR)]
)
def test_who_was_put_in_does_not_count_as_taken_out_nor_the_other_way(bench, before, now):
    """`--keep` said that all were out (or in) already: who refuses stayed for ever, or whoever is wanted was never sent."""
    bench.people("a", "b")
    if before is Mode.REMOVE:
        push(bench)
        bench.definition = replace(bench.definition, id="takes_out")
    bench.definition = replace(bench.definition, mode=before)
    push(bench)
    bench.definition = replace(bench.definition, mode=now)
    assert refused(bench).reason == "moved"
    with pytest.raises(HeadwaterError, match=f"of mode {before.value} and is of mode {now.value}"):
        bench.migrate("keep")
    assert refused(bench).reason == "moved"
    bench.migrate("start over")
    result = push(bench)
    assert (result.added, result.removed) == ((0, 2) if now is Mode.REMOVE else (2, 0))
    assert there(bench) == (set() if now is Mode.REMOVE else {"a", "b"})


def test_events_begin_with_what_is_in_the_table_when_a_mirror_becomes_one(bench):
    bench.people("a", "b")
    push(bench)
    bench.definition = replace(bench.definition, mode=Mode.EVENT)
    bench.people("a", "b", "c")
    assert refused(bench).reason == "moved"
    assert "all 3 rows of the table count as sent" in bench.migrate("keep")
    bench.people("a", "b", "c", "d")
    assert push(bench).added == 1


def test_a_sync_that_is_new_may_take_the_object_of_one_that_is_gone(bench):
    bench.people("a", "b")
    push(bench)
    bench.definition = replace(bench.definition, name="new")
    bench.people("a", "c")
    assert refused(bench).reason == "renamed"
    bench.migrate("start over")
    assert push(bench).added == 2


@pytest.mark.parametrize("folder", ["kept", "thrown away"])
@pytest.mark.parametrize("sent", [False, True], ids=["not sent", "sent"])
@pytest.mark.parametrize("wanted", [False, True], ids=["left", "wanted"])
def test_what_a_killed_push_only_intended_is_lost_to_nobody(bench, folder, sent, wanted):
    """Who leaves one sync is neither lost to the other, once that is pushed again, nor left behind by both."""
    one, other = sync(bench, name="one"), sync(bench, name="other")
    for either in (one, other):
        guards = replace(either.definition.guards, min_rows=0, max_removals_percent=None)
        either.definition = replace(either.definition, guards=guards)
    table(one, "one", "a", "b")
    push(one)
    table(other, "other", "b")

    def die(*_):
        raise Killed

    if sent:
        bench.destination.fault_after = die
    else:
        bench.destination.fault = die
    with contextlib.suppress(Killed), other.killable():
        other.push()
    bench.destination.fault = bench.destination.fault_after = None
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute("delete from analytics_sync.leases")
    if folder == "thrown away":
        shutil.rmtree(bench.path.parent / "journal")
    table(one, "one", "a")
    push(one)
    table(other, "other", *(["b"] if wanted else []))
    push(other)
    assert there(bench) == ({"a", "b"} if wanted else {"a"})


def test_what_a_killed_push_let_go_of_claims_nothing(bench):
    """It forgot the person since the other sync held them; the other must not leave them to it."""

    one, other = sync(bench, name="one"), sync(bench, name="other")
    table(one, "one", "a", "p")
    push(one)
    table(other, "other", "b", "p")
    push(other)
    table(one, "one", "a")
    table(other, "other", "b", "c", "d", "e", "f", "g")
    push_until_killed(other, lambda records: True, allow_removals=True)
    push(one)
    push(other)
    push(one)
    assert there(bench) == {"a", "b", "c", "d", "e", "f", "g"}


def test_what_is_written_down_before_it_is_sent_is_what_is_sent(bench):
    """A value that another sync keeps is not taken out, so the row has no old identifiers until it is written."""
    from sync.engine.plan.claims import Claims
    from sync.engine.plan.planner import PlanQueries

    bench.declare(found_by=(), members=(("email",),))
    one, other = sync(bench, name="one"), sync(bench, name="other")
    table(one, "one", "a", "b")
    push(one)
    table(other, "other", x="a@example.com")
    push(other)
    table(one, "one", "b", a="new@example.com")
    ledger = f"select * from analytics_sync.ledger where sync_name = '{other.definition.name}'"
    queries = PlanQueries(
        one.definition, ["profile_id", "email", "row_hash"], dialect=one.warehouse.dialect,
        held="select * from analytics_sync.ledger where sync_name = 'one'",
        in_ledger="select 0 as held, 0 as elsewhere, 0 as former", quarantined=None, members=(("email",),),
        claims=Claims(members=(("email",),), others=ledger),
    )  # fmt: skip
    known = f"({queries.sent(marked=True)})"
    sent = {row[1]: row for row in one.rows(queries.rows(known, marked=True))}
    assert sent["a"][0] == "change"
    assert sent["a"][-3] == sent["a"][-2] == 1  # all that leaves is shared
    written = {row[0]: row for row in one.rows(queries.intents(known, marked=True))}
    assert written["a"][2] is None


@pytest.mark.parametrize("answers_at", [1, 99], ids=["in the warehouse", "in the journal"])
def test_who_left_by_a_run_that_died_is_left_to_nobody(bench, answers_at):
    """Both had the address. One was killed once it had let go of it, and the other, which counted on that run, let go too."""
    bench.declare(found_by=(), members=(("email",),), batch_rows=1)
    bench.warehouse.dialect = replace(bench.warehouse.dialect, group_rows=answers_at)
    one, other = sync(bench, name="one"), sync(bench, name="other")
    table(one, "one", "a", "z")
    push(one)
    table(other, "other", "a", "b", "c")
    push(other)
    table(other, "other", "c", "d")
    push_until_killed(other, lambda records: records[0].key == "d", allow_removals=True)
    table(one, "one", "z", a="new@example.com")
    push(one)
    push(other)
    push(one)
    assert there(bench) == {"new", "z", "c", "d"}


@pytest.mark.parametrize("found_by", [("email",), ()])
@pytest.mark.parametrize("is_killed", [False, True])
def test_who_stays_by_another_sync_has_that_ones_values(bench, found_by, is_killed):
    """The vendor has what was written last, and who wrote it has let go."""
    bench.declare(found_by=found_by)
    other = sync(bench, name="others", id=None)
    valued(bench, "people", a=1, b=1)
    valued(other, "others", a=2, c=2)
    push(bench)
    push(other)
    assert values(bench) == {"a": 2, "b": 1, "c": 2}
    valued(other, "others", c=3, d=3)
    if is_killed:
        push_until_killed(other, lambda records: True, after=True, allow_removals=True)
    push(other)
    assert push(bench).changed == 1
    assert values(bench) == {"a": 1, "b": 1, "c": 3, "d": 3}
    assert push(bench).counts.to_send == 0
    assert push(other).counts.to_send == 0


def test_of_two_rows_that_are_one_record_the_one_that_stays_has_its_values(bench):
    valued(bench, "people", a=1, b=1)
    push(bench)
    valued(bench, "people", ("a", "shared", 1), ("z", "shared", 2), b=1)
    push(bench)
    valued(bench, "people", ("a", "shared", 1), b=1)
    push(bench)
    push(bench)
    assert values(bench)["shared"] == 1
    assert push(bench).counts.to_send == 0
