"""Who became somebody else: the destination is told, lets go of one of two records, and nobody else's is touched."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pytest
from workbench import MemoryDestination

from sync.config.definitions import parse_definition
from sync.config.models import ConsentTables, Guards, Model
from sync.errors import ConfigError, RejectedError
from sync.records import Accepted, BatchResult, Mode

OPEN = Guards(min_rows=0, max_removals_percent=None, max_additions_percent=None)


class Crm(MemoryDestination):
    """Records by id, found by e-mail; two that are made one are the one that stays, under an id of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, str] = {}
        self.made = 0
        self.merged: list[tuple[str, str]] = []
        self.is_down = False

    def upsert(self, records):
        with self.lock:
            self.calls.append(("upsert", [record.key for record in records]))
            taken = []
            for record in records:
                email = record.identifiers["email"]
                known = record.remote_id if record.has_new_address else None
                if known not in self.records:
                    known = next((one for one, held in self.records.items() if held == email), None)
                if known is None:
                    self.made += 1
                    known = f"id-{self.made}"
                self.records[known] = email
                self.members[record.key] = record
                taken.append(Accepted(record.key, known))
        return BatchResult(taken)

    def merge(self, records):
        with self.lock:
            self.calls.append(("merge", [record.key for record in records]))
            if self.is_down:
                raise RejectedError("no", code="no")
            for record in records:
                assert record.into is not None
                self.merged.append((record.key, record.into.key))
                self.records.pop(record.remote_id, None)
        return BatchResult([Accepted(record.key) for record in records])

    def remove(self, records):
        return self._call("remove", records, lambda one: self.records.pop(one.remote_id, None))


@pytest.fixture(params=[Mode.UPSERT, Mode.MIRROR])
def bench(workbench, request):
    made = workbench(mode=request.param, guards=OPEN)
    made.destination = Crm()
    made.declare(found_by=("email",), updates_by_id=True, merges=True)
    return made


def became(bench, **ids):
    """Which id is which now."""
    bench.consent_tables = ConsentTables(aliases="identity_aliases")
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute(
            "create or replace table identity_aliases (entity varchar, old_id varchar, live_id varchar)"
        )
        for old, live in ids.items():
            connection.execute("insert into identity_aliases values ('person', ?, ?)", [old, live])


def people(bench, **emails):
    bench.table(
        [{"profile_id": key, "email": f"{name}@shop.example"} for key, name in emails.items()]
    )


def there(bench):
    return sorted(held.partition("@")[0] for held in bench.destination.records.values())


def push(bench, status="success", **options):
    result = bench.push(**options)
    assert result.status == status, result.error
    return result


def test_the_record_of_who_was_merged_goes_into_the_one_that_stays(bench):
    people(bench, ada="ada", ada2="ada.old", ben="ben")
    push(bench)
    became(bench, ada="ada", ada2="ada", ben="ben")
    people(bench, ada="ada.old", ben="ben")  # the address that survives is the other's
    counts = bench.plan(offered=bench.declaration.objects["list"]).counts
    assert (counts.remove, counts.merged, counts.change, counts.unchanged) == (1, 1, 1, 1)
    result = push(bench)
    assert (result.removed, result.changed) == (1, 1)
    assert bench.destination.merged == [("ada2", "ada")]
    assert [verb for verb, _ in bench.destination.calls[-2:]] == ["merge", "upsert"]
    assert there(bench) == ["ada.old", "ben"]
    assert push(bench).counts.to_send == 0


def test_the_one_that_stays_is_written_anew_since_the_vendor_mixes_both(bench):
    people(bench, ada="ada", ada2="ada.old")
    push(bench)
    became(bench, ada="ada", ada2="ada")
    people(bench, ada="ada")
    assert push(bench).changed == 1


def test_chains_of_merges_end_in_who_is_left(bench):
    people(bench, a="a", b="b", c="c")
    push(bench)
    became(bench, a="a", b="a", c="a")
    people(bench, a="a")
    push(bench)
    assert sorted(bench.destination.merged) == [("b", "a"), ("c", "a")]


def test_a_record_that_is_somebody_elses_too_is_left_alone(bench):
    """Ben and Bea have one mailbox, and so one record there."""
    people(bench, ada="ada", bea="both", ben="both")
    push(bench)
    assert there(bench) == ["ada", "both"]
    became(bench, ada="ada", bea="ada", ben="ben")
    people(bench, ada="ada", ben="both")
    push(bench)
    assert bench.destination.merged == []
    assert there(bench) == ["ada", "both"]
    assert ("bea",) not in bench.rows("select sync_key from analytics_sync.ledger")


def test_who_goes_into_nobody_that_was_sent_stays_as_ever(bench):
    people(bench, ada2="ada.old")
    push(bench)
    became(bench, ada="ada", ada2="ada")
    people(bench)
    push(bench, allow_removals=True)
    assert there(bench) == (["ada.old"] if bench.definition.mode is Mode.UPSERT else [])


def test_a_merge_that_is_refused_is_tried_again(bench):
    people(bench, ada="ada", ada2="ada.old")
    push(bench)
    became(bench, ada="ada", ada2="ada")
    people(bench, ada="ada")
    bench.destination.is_down = True
    push(bench, "partial")
    bench.destination.is_down = False
    push(bench)
    assert bench.destination.merged == [("ada2", "ada")]


def test_merges_count_as_removals_for_the_guard(workbench):
    bench = workbench(mode=Mode.UPSERT)
    bench.destination = Crm()
    bench.declare(merges=True, found_by=("email",))
    people(bench, **{f"p{number}": f"p{number}" for number in range(10)})
    push(bench)
    became(bench, **{f"p{number}": "p0" for number in range(10)})
    people(bench, p0="p0")
    refused = push(bench, "refused")
    assert "removals" in str(refused.error)
    assert bench.destination.merged == []


def test_where_a_vendor_makes_no_one_of_two_the_record_is_taken_out(workbench):
    bench = workbench(mode=Mode.UPSERT, guards=OPEN)
    bench.people("a", "b", "c")
    push(bench)
    became(bench, a="a", b="a", c="c")
    bench.people("a")  # c left, and an upsert takes nobody out
    push(bench)
    assert sorted(bench.destination.members) == ["a", "c"]


@pytest.mark.parametrize("mode", [Mode.UPSERT, Mode.MIRROR])
def test_a_sync_may_keep_it_to_itself(workbench, mode):
    bench = workbench(mode=mode, guards=OPEN, tells_merges=False)
    bench.destination = Crm()
    bench.declare(merges=True, found_by=("email",))
    people(bench, ada="ada", ada2="ada.old")
    push(bench)
    became(bench, ada="ada", ada2="ada")
    people(bench, ada="ada")
    push(bench)
    assert bench.destination.merged == []
    assert there(bench) == (["ada", "ada.old"] if mode is Mode.UPSERT else ["ada"])


def test_an_address_that_changes_is_told_with_the_one_before(workbench):
    bench = workbench(mode=Mode.UPSERT)
    bench.declare(merges=True, found_by=("email",))
    people(bench, ada="ada")
    push(bench)
    people(bench, ada="ada.new")
    push(bench)
    assert bench.destination.members["ada"].formers == ({"email": "ada@shop.example"},)


@pytest.mark.parametrize("taken", [{"ben": "ada", "bea": "bea"}, {"ben": "ben", "bea": "Ada"}])
@pytest.mark.parametrize("worth", [0, 20_000], ids=["kept", "compared anew"])
def test_an_address_that_passes_to_somebody_else_goes_into_nobody(
    workbench, monkeypatch, taken, worth
):
    """Its record is theirs from now on: to make it one with the other's would take them out."""
    monkeypatch.setattr("sync.engine.plan.plan.WORTH_KEEPING", worth)
    bench = workbench(mode=Mode.UPSERT)
    bench.declare(merges=True, found_by=("email",))
    people(bench, ada="ada", ben="ben", bea="bea")
    push(bench)
    people(bench, ada="ada.new", **taken)
    push(bench)
    assert bench.destination.members["ada"].identifiers["email"] == "ada.new@shop.example"
    assert bench.destination.members["ada"].formers == ()


def test_two_who_swap_their_addresses_are_told_of_no_merge(workbench):
    bench = workbench(mode=Mode.UPSERT)
    bench.declare(merges=True, found_by=("email",))
    people(bench, ada="ada", ben="ben")
    push(bench)
    people(bench, ada="ben", ben="ada")
    push(bench)
    assert {name: one.formers for name, one in bench.destination.members.items()} == {
        "ada": (),
        "ben": (),
    }


@pytest.mark.parametrize("mode", [Mode.UPSERT, Mode.MIRROR])
def test_where_nothing_lets_go_of_a_record_the_plan_counts_those_that_stay(workbench, mode):
    bench = workbench(mode=mode, guards=OPEN)
    bench.declare(
        modes=frozenset({Mode.UPSERT, Mode.MIRROR}) - {Mode.MIRROR}
        if mode is Mode.UPSERT
        else frozenset({mode})
    )
    offered = bench.declaration.objects["list"]
    people(bench, ada="ada", ada2="ada.old", ben="ben")
    push(bench)
    became(bench, ada="ada", ada2="ada", ben="ben")
    people(bench, ada="ada", ben="ben")
    plan = bench.plan(offered=offered)
    if mode is Mode.MIRROR:
        assert (plan.kept_both, plan.counts.merged) == (0, 1)
        return
    assert (plan.kept_both, plan.counts.merged, plan.counts.remove) == (1, 0, 0)
    bench.definition = replace(bench.definition, tells_merges=False)
    assert bench.plan(offered=offered).kept_both == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"merged": "drop"}, "merged 'drop' is not one of tell, keep"),
        ({"merged": "keep", "mode": "event"}, "upsert, mirror"),
    ],
)
def test_a_wrong_setting_is_named(settings, said):
    model = Model("model.x.m", "m", "m", frozenset())
    meta = {"destination": "d", "object": "list", "mode": "upsert", "key": "id", **settings}
    with pytest.raises(ConfigError, match=said):
        parse_definition(name="s", meta=meta, model=model, path="p.yml")
    assert not parse_definition(
        name="s", meta={**meta, "mode": "upsert", "merged": "keep"}, model=model, path="p.yml"
    ).tells_merges
