"""`sync audit`: whom the ledger has there, and the vendor does not."""

from __future__ import annotations

import threading

import pytest
from workbench import QUICK, MemoryDestination

from sync.engine.audit import audit
from sync.engine.connect import Connection
from sync.engine.retry import Retrier
from sync.errors import RefusedError, TransientError
from sync.records import Mode
from sync.state.leases import Leases
from sync.warehouses.base import now_utc


class Readable(MemoryDestination):
    """Says who is there."""

    down = 0

    def there(self, records):
        self.calls.append(("there", [record.key for record in records]))
        if self.down:
            self.down -= 1
            raise TransientError("busy")
        assert all(record.identifiers["email"] for record in records)
        return {record.key for record in records if record.key in self.members}


@pytest.fixture(params=[Mode.MIRROR, Mode.UPSERT, Mode.ADD])
def bench(workbench, request):
    made = workbench(mode=request.param)
    made.destination = Readable()
    made.people("ada", "ben", "cem", "dan")
    made.push()
    made.destination.calls.clear()
    return made


def audited(bench, **options):
    connection = Connection(bench.destination, bench.declaration, "credential", type="memory")
    return audit(
        bench.planning(),
        bench.definition,
        connection,
        Retrier(QUICK, threading.Event()),
        **options,
    )


def sent(bench):
    return [call for call in bench.destination.calls if call[0] != "there"]


def test_who_is_there_is_not_missing(bench):
    found = audited(bench, repair=True)
    assert (found.held, found.missing, found.repaired) == (4, [], False)
    assert (bench.push().status, sent(bench)) == ("success", [])


def test_who_was_taken_out_at_the_vendor_is_named_and_nothing_is_sent(bench):
    del bench.destination.members["ben"]
    assert audited(bench).missing == ["ben"]
    assert sent(bench) == []
    assert (bench.push().status, sent(bench)) == ("success", [])


def test_a_repair_lets_the_next_push_send_whom_the_vendor_lost(bench):
    for one in ("ben", "dan"):
        del bench.destination.members[one]
    found = audited(bench, repair=True)
    assert (sorted(found.missing), found.repaired) == (["ben", "dan"], True)
    assert sent(bench) == []
    bench.push()
    assert set(bench.destination.members) == {"ada", "ben", "cem", "dan"}
    assert bench.destination.calls[-1] == ("upsert", ["ben", "dan"])
    assert audited(bench).missing == []
    assert bench.rows(
        "select message, unchanged, failed from analytics_sync.runs where command = 'audit' order by run_id"
    ) == [("4 held, 2 missing: the next push mends it", 2, 2), ("4 held, 0 missing", 4, 0)]


def test_who_has_left_the_audience_meanwhile_is_not_sent_again(bench):
    del bench.destination.members["ben"]
    audited(bench, repair=True)
    bench.people("ada", "cem", "dan")
    bench.push(allow_removals=True)
    mirrors = bench.definition.mode is Mode.MIRROR
    assert sent(bench) == ([("remove", ["ben"])] if mirrors else [])
    assert set(bench.destination.members) == {"ada", "cem", "dan"}


def test_who_is_in_doubt_already_is_counted_and_not_asked_for(bench):
    del bench.destination.members["ben"]
    audited(bench, repair=True)
    found = audited(bench, repair=True)
    assert (found.held, found.doubted, found.missing) == (4, 1, [])


def test_a_vendor_that_is_busy_is_asked_again(bench):
    bench.destination.down = 1
    del bench.destination.members["ben"]
    assert audited(bench).missing == ["ben"]


def test_a_vendor_that_does_not_answer_is_no_vendor_that_has_nobody(bench):
    bench.destination.down = 100
    with pytest.raises(TransientError):
        audited(bench, repair=True)
    assert (bench.push().status, sent(bench)) == ("success", [])


def test_while_it_is_being_pushed_nothing_is_repaired(bench):
    del bench.destination.members["ben"]
    lease = Leases(
        bench.tables,
        bench.warehouse.dialect,
        environment=bench.options.environment,
        sync_name=bench.definition.sync_id,
        owner="another-machine/7/1",
    )
    with bench.warehouse.session(write=True) as session:
        lease.acquire(session, now_utc())
    with pytest.raises(RefusedError, match="being pushed"):
        audited(bench, repair=True)
    assert audited(bench).missing == ["ben"]


@pytest.mark.parametrize("mode", [Mode.EVENT, Mode.REMOVE, Mode.REPLACE])
def test_a_mode_that_keeps_nobody_there_says_so(workbench, mode):
    made = workbench(mode=mode)
    made.destination = Readable()
    made.people("ada")
    made.push()
    made.destination.calls.clear()
    found = audited(made, repair=True)
    assert mode.value in found.why_not
    assert made.destination.calls == []


def test_a_vendor_that_is_not_asked_says_so(workbench):
    made = workbench()
    made.people("ada")
    made.push()
    found = audited(made)
    assert (found.why_not, found.missing) == ("Memory is not asked who is there", [])
