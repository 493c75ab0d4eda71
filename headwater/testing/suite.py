"""The suite: what every destination owes the engine, and that what its stand-in holds is what was sent, field by field."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from headwater.testing.adapter import Adapter
from sync.destinations.base import (
    Delivery,
    ErasesPeople,
    MergesRecords,
    PollsJobs,
    PullsResults,
    RemovesMembers,
    ReplacesAll,
    SendsEvents,
)
from sync.destinations.registry import settings_in_sandbox
from sync.destinations.settings import parse
from sync.errors import (
    AuthError,
    ConfigError,
    DestinationError,
    MisconfiguredError,
    RateLimitedError,
    RejectedError,
    TransientError,
)
from sync.records import Accepted, BatchResult, CampaignEvent, Mode, Record, RowError, SyncObject
from sync.sandbox import start_sandbox
from sync.sandbox.app import stand_ins
from sync.sandbox.faults import Faults
from sync.sandbox.store import Store

SECRET = "sandbox-secret-5f1c"  # noqa: S105 - what no message may hold
NAME = "Lapsed buyers"
KEYED = frozenset({Mode.UPSERT, Mode.MIRROR, Mode.ADD})


class Bench:
    """A sandbox of its own, and the destination that talks to it."""

    def __init__(self, adapter: Adapter, folder: Path, until: ExitStack) -> None:
        self.adapter = adapter
        self.faults = Faults(seed=7)
        self.limited: list[str] = []
        self._folder, self._until = folder, until

    @cached_property
    def _base_url(self) -> str:
        """Of the sandbox, which starts when it is asked for: what a destination cannot do is skipped without one."""
        vendor, stand_in = self.adapter.vendor, self.adapter.stand_in
        more = {vendor: stand_in} if stand_in else {}
        only = vendor if vendor in stand_ins(more) else None
        state = self._folder / "sandbox.sqlite"
        return self._until.enter_context(
            start_sandbox(state, self.faults, stand_ins=more, only=only)
        )

    def settings(self) -> dict[str, Any]:
        """Settings that reach the stand-in; what is secret has one value that no message may hold."""
        kind = self.adapter.destination
        given = settings_in_sandbox(kind, base_url=self._base_url, directory=str(self._folder))
        for name, field in kind.settings_type.model_fields.items():
            if field.annotation is SecretStr:
                given[name] = SECRET
        return {**given, **self.adapter.settings}

    def destination(self, name: str = NAME) -> Any:
        kind = self.adapter.destination
        target = SyncObject(self.adapter.object_kind, name, self.adapter.options)
        settings = parse(kind.settings_type, self.adapter.vendor, self.settings())
        return kind(settings, target, self.limited.append)

    def send(
        self, rows: Sequence[Record], name: str = NAME, verb: str | None = None
    ) -> BatchResult:
        """What became of rows, in batches as the engine cuts them, once their jobs are decided."""
        verb = verb or ("send" if self.adapter.able.modes == {Mode.EVENT} else "upsert")
        if self.adapter.needs is not None and verb in ("upsert", "send"):
            shares, self.faults.shares = self.faults.shares, {}
            self.adapter.needs(self, rows)
            self.faults.shares = shares
        destination = self.destination(name)
        size = self.adapter.able.batch_rows
        accepted: list[Accepted] = []
        failed: list[RowError] = []
        passed_over: list[str] = []
        for start in range(0, len(rows), size):
            result = settled(destination, getattr(destination, verb)(rows[start : start + size]))
            if result.error:
                raise result.error
            accepted += result.accepted
            failed += result.failed
            passed_over += result.passed_over
        return BatchResult(accepted, failed, passed_over=passed_over)

    def held(self, name: str = NAME) -> dict[Any, Any]:
        store = Store(self._folder / "sandbox.sqlite")
        try:
            return dict(self.adapter.held(store, self.adapter.vendor, name))
        finally:
            store.close()


def settled(destination: Any, result: BatchResult, polls: int = 20) -> BatchResult:
    """The result once its job, if it has one, is decided."""
    if result.job is None:
        return result
    assert isinstance(destination, PollsJobs), "a job is to be polled, and the class has no poll"
    for _ in range(polls):
        status = destination.poll(result.job)
        if status.done:
            break
    else:
        pytest.fail("the job is never done")
    if status.all_failed or status.some_failed:
        said = str(status.all_failed or status.some_failed)
        lost = [RowError(key, "job_failed", said) for key in result.pending]
        return BatchResult(result.accepted, [*result.failed, *lost])
    refused = {error.key for error in status.failed}
    ids = {row.key: row.remote_id for row in status.accepted}
    taken = [Accepted(key, ids.get(key)) for key in result.pending if key not in refused]
    return BatchResult([*result.accepted, *taken], [*result.failed, *status.failed])


def differences(held: Mapping[Any, Any], wanted: Mapping[Any, Any]) -> list[str]:
    """What differs, by member and field: the first dozen."""
    found = [f"{key} is missing" for key in wanted if key not in held]
    found += [f"{key} is too much" for key in held if key not in wanted]
    for key in [key for key in wanted if key in held and held[key] != wanted[key]]:
        ours, theirs = wanted[key], held[key]
        if not isinstance(ours, Mapping) or not isinstance(theirs, Mapping):
            found.append(f"{key}: {theirs!r} and not {ours!r}")
            continue
        found += [
            f"{key}: {name} is {theirs.get(name)!r} and not {ours.get(name)!r}"
            for name in {**theirs, **ours}
            if theirs.get(name) != ours.get(name) or (name in theirs) != (name in ours)
        ]
    return sorted(found)[:12]


class DestinationSuite:
    """Subclass it as `Test...` with an `adapter`."""

    adapter: ClassVar[Adapter]

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        with ExitStack() as until:
            yield Bench(self.adapter, tmp_path, until)

    def _needs(self, *modes: Mode) -> None:
        if not self.adapter.able.modes & set(modes):
            pytest.skip(f"no mode of {', '.join(mode.value for mode in modes)}")

    def _takes_out(self) -> bool:
        return bool(self.adapter.able.modes & {Mode.MIRROR, Mode.REMOVE})

    # -- the declaration ------------------------------------------------------------------------

    def test_the_declaration_says_what_the_class_can_do(self, bench: Bench) -> None:
        able, destination = self.adapter.able, bench.destination()
        declared = self.adapter.declaration
        assert able.batch_rows > 0
        assert able.rate_group in declared.rate_limits
        assert isinstance(destination, RemovesMembers) or not able.modes & {
            Mode.MIRROR,
            Mode.REMOVE,
        }
        assert isinstance(destination, MergesRecords) or not able.merges
        assert isinstance(destination, SendsEvents) or Mode.EVENT not in able.modes
        assert isinstance(destination, ReplacesAll) or Mode.REPLACE not in able.modes
        assert isinstance(destination, PullsResults) == declared.pulls
        for names in (*able.members, able.found_by):
            assert set(names) <= able.identifiers
        explained = set(declared.settings_help)
        assert set(self.adapter.destination.settings_type.model_fields) - explained <= {
            "base_url", "token_url",
        }  # fmt: skip

    def test_a_setting_that_is_unknown_or_missing_is_named(self, bench: Bench) -> None:
        kind = self.adapter.destination.settings_type
        with pytest.raises(ConfigError, match="nonsense"):
            parse(kind, "mine", {**bench.settings(), "nonsense": "x"})
        for name, field in kind.model_fields.items():
            if field.is_required():
                given = {key: value for key, value in bench.settings().items() if key != name}
                with pytest.raises(ConfigError, match=name):
                    parse(kind, "mine", given)

    def test_an_account_is_named_alike_for_ever_and_without_a_secret(self, bench: Bench) -> None:
        first, again = (bench.destination(name).account() for name in (NAME, "Another"))
        assert first
        assert first == again
        assert SECRET not in first

    # -- check ----------------------------------------------------------------------------------

    def test_check_says_what_the_credentials_reach_and_changes_nothing(self, bench: Bench) -> None:
        assert bench.destination().check()
        assert bench.held() == {}
        bench.send(self.adapter.records(range(3)))
        before = bench.held()
        assert bench.destination().check()
        assert bench.held() == before

    def test_check_fails_where_credentials_are_refused(self, bench: Bench) -> None:
        bench.faults.shares = {"token_expired": 1}
        with pytest.raises(AuthError):
            bench.destination().check()

    @pytest.mark.parametrize("fault", ["login_page", "redirect", "500"])
    def test_check_is_not_content_with_any_answer(self, bench: Bench, fault: str) -> None:
        if fault == "login_page" and not self.adapter.reads_answers:
            pytest.skip("a status alone is a success")
        bench.faults.shares = {fault: 1}
        with pytest.raises(DestinationError):
            bench.destination().check()

    # -- batches --------------------------------------------------------------------------------

    def test_an_empty_batch_asks_nothing_of_the_vendor(self, bench: Bench) -> None:
        destination = bench.destination()
        verb = "send" if self.adapter.able.modes == {Mode.EVENT} else "upsert"
        for one in {verb, *(["remove"] if self._takes_out() else [])}:
            result = getattr(destination, one)([])
            assert (len(result.accepted), len(result.failed)) == (0, 0)
        assert bench.limited == []

    def test_every_request_waits_for_its_rate_group(self, bench: Bench) -> None:
        bench.send(self.adapter.records(range(3)))
        assert bench.limited
        assert set(bench.limited) <= set(self.adapter.declaration.rate_limits)
        assert self.adapter.able.rate_group in bench.limited

    def test_every_row_is_held_field_by_field(self, bench: Bench) -> None:
        rows = self.adapter.records(range(self.adapter.rows))
        result = bench.send(rows)
        assert [row.key for row in result.failed] == []
        assert sorted(row.key for row in result.accepted) == sorted(row.key for row in rows)
        assert differences(bench.held(), self.adapter.wanted(rows)) == []

    def test_a_batch_that_is_full_is_taken_in_one_piece(self, bench: Bench) -> None:
        rows = self.adapter.records(range(min(self.adapter.able.batch_rows, 1000)))
        result = bench.send(rows)
        assert len(result.accepted) == len(rows)
        assert len(bench.held()) == len(self.adapter.wanted(rows))

    def test_what_changed_is_held_as_it_is_now(self, bench: Bench) -> None:
        self._needs(Mode.UPSERT, Mode.MIRROR)
        first = self.adapter.records(range(30))
        bench.send(first)
        changed = self.adapter.records(range(10, 40), shift=1000)
        bench.send(changed)
        wanted = self.adapter.wanted([*first, *changed])
        assert differences(bench.held(), wanted) == []

    def test_the_same_push_twice_leaves_each_member_once(self, bench: Bench) -> None:
        self._needs(*KEYED)
        rows = self.adapter.records(range(20))
        bench.send(rows)
        bench.send(rows)
        assert differences(bench.held(), self.adapter.wanted(rows)) == []

    def test_an_event_sent_twice_is_kept_once(self, bench: Bench) -> None:
        self._needs(Mode.EVENT)
        if self.adapter.able.delivery is not Delivery.EXACTLY_ONCE:
            pytest.skip("the vendor keeps no idempotency key, and the declaration says so")
        rows = self.adapter.records(range(5))
        bench.send(rows)
        bench.send(rows)
        assert differences(bench.held(), self.adapter.wanted(rows)) == []

    def test_another_object_of_the_kind_keeps_its_own_members(self, bench: Bench) -> None:
        if not self.adapter.objects_are_apart:
            pytest.skip("objects of two names hold the same members")
        theirs, ours = self.adapter.records(range(5)), self.adapter.records(range(5, 10))
        bench.send(theirs, "Another")
        taken = bench.send(ours)
        assert differences(bench.held("Another"), self.adapter.wanted(theirs)) == []
        assert differences(bench.held(), self.adapter.wanted(ours)) == []
        if self._takes_out():
            bench.send(leaving(ours, taken), verb="remove")
            assert differences(bench.held("Another"), self.adapter.wanted(theirs)) == []
            assert bench.held() == {}

    # -- new addresses --------------------------------------------------------------------------

    def test_who_has_a_new_address_is_the_same_record(self, bench: Bench) -> None:
        self._needs(Mode.UPSERT, Mode.MIRROR)
        if not self.adapter.able.updates_by_id:
            pytest.skip("nobody is written by an id of the vendor's")
        before = self.adapter.records(range(8))
        taken = bench.send(before)
        ids = {row.key: row.remote_id for row in taken.accepted}
        assert all(ids.values()), "an id is what the row is updated by"
        now = [readdressed(row, self.adapter, ids[row.key]) for row in before[:5]]
        result = bench.send(now)
        assert sorted(row.key for row in result.accepted) == sorted(row.key for row in now)
        assert differences(bench.held(), self.adapter.wanted([*now, *before[5:]])) == []

    def test_who_is_gone_there_is_found_or_made_by_the_new_address(self, bench: Bench) -> None:
        self._needs(Mode.UPSERT, Mode.MIRROR)
        erasure = self.adapter.declaration.erasure
        if not self.adapter.able.updates_by_id or not erasure.how:
            pytest.skip("nobody is written by an id of the vendor's")
        before = self.adapter.records(range(4))
        taken = bench.send(before)
        ids = {row.key: row.remote_id for row in taken.accepted}
        bench.send(leaving(before[:2], taken), verb="erase")
        now = [readdressed(row, self.adapter, ids[row.key]) for row in before]
        result = bench.send(now)
        assert sorted(row.key for row in result.accepted) == sorted(row.key for row in now)
        assert differences(bench.held(), self.adapter.wanted(now)) == []

    def test_whose_answer_was_lost_is_found_by_the_address_of_before(self, bench: Bench) -> None:
        """No id is known of who was made without an answer; with a new address it is no second record."""
        self._needs(Mode.UPSERT, Mode.MIRROR)
        if not self.adapter.able.updates_by_id:
            pytest.skip("nobody is written by an id of the vendor's")
        before = self.adapter.records(range(6))
        bench.send(before[:4])
        now = [without_an_answer(row, self.adapter) for row in before]
        result = bench.send(now)
        assert sorted(row.key for row in result.accepted) == sorted(row.key for row in now)
        assert differences(bench.held(), self.adapter.wanted(now)) == []

    # -- who was merged into another ------------------------------------------------------------

    @pytest.mark.parametrize("known", [True, False], ids=["by its id there", "by what was sent"])
    def test_who_was_merged_is_gone_and_who_stays_is_as_sent(
        self, bench: Bench, known: bool
    ) -> None:
        if not self.adapter.able.merges:
            pytest.skip("who was merged is taken out, or left")
        rows = self.adapter.records(range(6))
        taken = bench.send(rows)
        was = leaving(rows, taken if known else BatchResult())
        gone = [replace(was[0], into=was[3]), replace(was[1], into=was[3])]
        gone.append(replace(was[2], into=was[4]))
        for _ in range(2):  # whose answer was lost is told again
            result = bench.send(gone, verb="merge")
            assert sorted(row.key for row in result.accepted) == [row.key for row in gone]
            assert not result.failed
        bench.send(rows[3:])  # as the engine writes those that stay
        assert set(bench.held()) == set(self.adapter.wanted(rows[3:]))

    def test_a_merge_that_failed_is_not_taken_for_done(self, bench: Bench) -> None:
        if not self.adapter.able.merges:
            pytest.skip("who was merged is taken out, or left")
        was = leaving(self.adapter.records(range(3)), bench.send(self.adapter.records(range(3))))
        bench.faults.shares = {"500": 1}
        with pytest.raises(DestinationError):
            bench.send([replace(was[0], into=was[1])], verb="merge")

    def test_an_address_that_is_the_record_goes_into_the_new_one(self, bench: Bench) -> None:
        able = self.adapter.able
        if not able.merges or able.updates_by_id or not able.found_by:
            pytest.skip("the record has another name than its address")
        before = self.adapter.records(range(4))
        bench.send(before)
        moved = [without_an_answer(row, self.adapter) for row in before[:2]]
        result = bench.send([*moved, before[2]])
        assert not result.failed
        if any(
            self.adapter.wanted([row]).keys() != self.adapter.wanted([old]).keys()
            for row, old in zip(moved, before, strict=False)
        ):
            assert set(bench.held()) == set(self.adapter.wanted([*moved, *before[2:]]))

    # -- only what is there, only what is not --------------------------------------------------

    def test_update_only_makes_nobody(self, bench: Bench) -> None:
        self._needs(Mode.UPDATE_ONLY)
        there = self.adapter.records(range(5))
        bench.send(there)
        result = bench.send(self.adapter.records(range(3, 9), shift=1000), verb="update")
        assert sorted(one.key for one in result.accepted) == ["k00003", "k00004"]
        assert sorted(result.passed_over) == ["k00005", "k00006", "k00007", "k00008"]
        wanted = self.adapter.wanted([*there, *self.adapter.records(range(3, 5), shift=1000)])
        assert differences(bench.held(), wanted) == []

    def test_update_only_finds_who_has_a_new_address(self, bench: Bench) -> None:
        self._needs(Mode.UPDATE_ONLY)
        if not self.adapter.able.updates_by_id:
            pytest.skip("nobody is written by an id of the vendor's")
        before = self.adapter.records(range(4))
        ids = {row.key: row.remote_id for row in bench.send(before).accepted}
        now = [readdressed(row, self.adapter, ids[row.key]) for row in before[:2]]
        stranger = readdressed(before[3], self.adapter, "999999999999")
        result = bench.send([*now, replace(stranger, key="k00077")], verb="update")
        assert sorted(row.key for row in result.accepted) == [row.key for row in now]
        assert result.passed_over == ["k00077"]
        assert differences(bench.held(), self.adapter.wanted([*now, *before[2:]])) == []

    def test_create_only_changes_nobody(self, bench: Bench) -> None:
        self._needs(Mode.CREATE_ONLY)
        there = self.adapter.records(range(5))
        bench.send(there)
        result = bench.send(self.adapter.records(range(3, 9), shift=1000), verb="create")
        made = self.adapter.records(range(5, 9), shift=1000)
        assert sorted(one.key for one in result.accepted) == [one.key for one in made]
        assert sorted(result.passed_over) == ["k00003", "k00004"]
        assert differences(bench.held(), self.adapter.wanted([*there, *made])) == []

    # -- removal --------------------------------------------------------------------------------

    @pytest.mark.parametrize("known", [True, False], ids=["by its id there", "by what was sent"])
    def test_who_is_taken_out_is_out_and_nobody_else(self, bench: Bench, known: bool) -> None:
        self._needs(Mode.MIRROR, Mode.REMOVE)
        rows = self.adapter.records(range(40))
        taken = bench.send(rows)
        out = leaving(rows[7:29], taken if known else BatchResult())
        result = bench.send(out, verb="remove")
        assert sorted(row.key for row in result.accepted) == [row.key for row in out]
        assert not result.failed
        left = self.adapter.wanted([*rows[:7], *rows[29:]])
        assert differences(bench.held(), left) == []

    def test_taking_out_somebody_who_is_not_there_counts_as_done(self, bench: Bench) -> None:
        self._needs(Mode.MIRROR, Mode.REMOVE)
        rows = self.adapter.records(range(3))
        bench.send(rows)
        result = bench.send(leaving(self.adapter.records([900, 901]), BatchResult()), verb="remove")
        assert len(result.accepted) == 2
        assert differences(bench.held(), self.adapter.wanted(rows)) == []

    def test_a_removal_that_failed_is_not_taken_for_done(self, bench: Bench) -> None:
        self._needs(Mode.MIRROR, Mode.REMOVE)
        rows = self.adapter.records(range(3))
        taken = bench.send(rows)
        for fault in (
            "500",
            "token_expired",
            *(["login_page"] if self.adapter.reads_answers else []),
        ):
            bench.faults.shares = {fault: 1}
            with pytest.raises(DestinationError):
                bench.send(leaving(rows, taken), verb="remove")
        bench.faults.shares = {}
        assert len(bench.held()) == len(self.adapter.wanted(rows))

    # -- erasure --------------------------------------------------------------------------------

    def test_it_says_how_somebody_is_erased_or_why_nobody_can_be(self, bench: Bench) -> None:
        erasure = self.adapter.declaration.erasure
        assert bool(erasure.how) != bool(erasure.cannot)
        assert not erasure.how or isinstance(bench.destination(), ErasesPeople)
        assert erasure.objects is None or erasure.objects <= set(self.adapter.declaration.objects)

    def test_who_is_erased_is_gone_and_nobody_else(self, bench: Bench) -> None:
        erasure = self.adapter.declaration.erasure
        if not erasure.how or not erasure.concerns(self.adapter.object_kind):
            pytest.skip("nobody is erased by this object")
        rows = self.adapter.records(range(4))
        taken = bench.send(rows)
        for _ in range(2):  # who is not there any more counts as erased
            result = bench.send(leaving(rows[:2], taken), verb="erase")
            assert sorted(row.key for row in result.accepted) == [row.key for row in rows[:2]]
            assert not result.failed
        if self.adapter.able.modes != {Mode.EVENT}:
            assert differences(bench.held(), self.adapter.wanted(rows[2:])) == []

    # -- refusals -------------------------------------------------------------------------------

    def test_a_refused_row_fails_alone(self, bench: Bench) -> None:
        if not self.adapter.names_refused_rows:
            pytest.skip("the vendor never says which row it refused")
        bench.faults.shares = {"refuse_rows": 0.5}
        rows = self.adapter.records(range(40))
        result = bench.send(rows)
        bench.faults.shares = {}
        accepted = {row.key for row in result.accepted}
        failed = {row.key for row in result.failed}
        assert accepted, "half of the rows are good"
        assert failed, "half of the rows are refused"
        assert accepted | failed == {row.key for row in rows}
        assert not accepted & failed
        wanted = self.adapter.wanted([row for row in rows if row.key in accepted])
        assert differences(bench.held(), wanted) == []
        for error in result.failed:
            assert error.status, "a refusal has the vendor's code"
            self._is_private(error.message, rows)

    def test_refusals_that_name_nobody_are_no_success(self, bench: Bench) -> None:
        if self.adapter.names_refused_rows:
            pytest.skip("the vendor names the rows that it refuses")
        bench.faults.shares = {"refuse_rows": 1}
        rows = self.adapter.records(range(10))
        try:
            result = bench.send(rows)
        except RejectedError:
            return
        bench.faults.shares = {}
        held = bench.held()
        accepted = [row for row in rows if row.key in {one.key for one in result.accepted}]
        assert differences(held, {**held, **self.adapter.wanted(accepted)}) == []

    def test_what_must_be_hashed_is_not_sent_in_clear(self, bench: Bench) -> None:
        hashed = [name for name in self.adapter.able.identifiers if name.endswith("sha256")]
        if not self.adapter.declaration.hashed or not hashed:
            pytest.skip("identifiers go as they are")
        clear = [
            Record(row.key, {**row.identifiers, **dict.fromkeys(set(row.identifiers) & set(hashed), "jane@shop.example")})
            for row in self.adapter.records(range(3))
        ]  # fmt: skip
        result = bench.send(clear)
        assert len(result.failed) == 3
        assert bench.held() == {}

    def test_too_many_requests_asks_for_a_pause(self, bench: Bench) -> None:
        bench.faults.shares = {"429": 1}
        with pytest.raises(RateLimitedError) as caught:
            bench.send(self.adapter.records(range(2)))
        assert caught.value.retry_after_seconds == pytest.approx(0.05)

    @pytest.mark.parametrize("fault", ["500", "500_after_commit", "reset"])
    def test_a_vendor_in_trouble_is_worth_a_retry(self, bench: Bench, fault: str) -> None:
        bench.faults.shares = {fault: 1}
        with pytest.raises(TransientError):
            bench.send(self.adapter.records(range(2)))

    @pytest.mark.parametrize("fault", ["half_answer", "login_page", "other_json", "redirect"])
    def test_an_answer_that_is_not_the_vendors_is_no_success(
        self, bench: Bench, fault: str
    ) -> None:
        if fault != "redirect" and not self.adapter.reads_answers:
            pytest.skip("a status alone is a success")
        bench.faults.shares = {fault: 1}
        with pytest.raises(DestinationError):
            bench.send(self.adapter.records(range(2)))

    def test_expired_credentials_are_said_to_be_so(self, bench: Bench) -> None:
        bench.faults.shares = {"token_expired": 1}
        with pytest.raises(AuthError) as caught:
            bench.send(self.adapter.records(range(2)))
        assert caught.value.hint, "a person must know what to do"
        bench.faults.shares = {}
        assert bench.held() == {}

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            ("limit_by_code", RateLimitedError),
            ("token_by_code", AuthError),
            ("terms_by_code", MisconfiguredError),
        ],
    )
    def test_what_the_vendor_says_of_itself_is_no_rows_fault(
        self, bench: Bench, fault: str, error: type[Exception]
    ) -> None:
        more = {self.adapter.vendor: self.adapter.stand_in} if self.adapter.stand_in else {}
        if fault not in stand_ins(more)[self.adapter.vendor].refusals:
            pytest.skip("the stand-in has no code for it")
        bench.faults.shares = {fault: 1}
        with pytest.raises(error):
            bench.send(self.adapter.records(range(2)))

    @pytest.mark.parametrize(
        "fault", ["429", "500", "reset", "half_answer", "redirect", "token_expired"]
    )
    def test_errors_and_logs_hold_no_person_and_no_secret(
        self, bench: Bench, fault: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        rows = self.adapter.records(range(2))
        bench.faults.shares = {fault: 1}
        destination = bench.destination()
        said = ""
        try:
            bench.send(rows)
        except DestinationError as caught:
            said = f"{caught} {caught.hint}"
        self._is_private(caplog.text + said + repr(rows) + repr(vars(destination)), rows)

    def _is_private(self, said: str, rows: Sequence[Record]) -> None:
        texts = [SECRET]
        for row in rows:
            texts += row.identifiers.values()
            texts += [value for value in row.fields.values() if isinstance(value, str)]
        keys = {row.key for row in rows}
        found = [text for text in texts if len(text) > 5 and text in said and text not in keys]
        assert not found, "a message holds what is private"

    # -- results --------------------------------------------------------------------------------

    def test_results_pulled_twice_are_the_same(self, bench: Bench) -> None:
        if not self.adapter.declaration.pulls:
            pytest.skip("nothing is pulled")
        bench.send(self.adapter.records(range(200)))
        destination = bench.destination()
        since = dt.datetime(2020, 1, 1)
        first = [repr(row) for row in destination.pull(since)]
        assert first or self.adapter.able.modes != {Mode.EVENT}, "what was sent has no results"
        assert sorted(first) == sorted(repr(row) for row in destination.pull(since))
        ids = [row.event_id for row in destination.pull(since) if isinstance(row, CampaignEvent)]
        assert len(set(ids)) == len(ids), "two events have one id"

    def test_results_begin_where_they_are_asked_to(self, bench: Bench) -> None:
        if not self.adapter.declaration.pulls:
            pytest.skip("nothing is pulled")
        bench.send(self.adapter.records(range(200)))
        late = dt.datetime(2100, 1, 1)
        found = [row for row in bench.destination().pull(late) if isinstance(row, CampaignEvent)]
        assert found == []


def readdressed(row: Record, adapter: Adapter, known: str | None) -> Record:
    """A row whose identifiers are others than those that its record was made with."""
    number = 5000 + int(row.key[1:])
    return replace(
        row, identifiers=adapter.identifiers(number), remote_id=known, has_new_address=True
    )


def without_an_answer(row: Record, adapter: Adapter) -> Record:
    """The same of a row whose record gave no id: the answer was lost."""
    moved = readdressed(row, adapter, None)
    return replace(moved, has_new_address=False, formers=(row.identifiers,))


def leaving(rows: Sequence[Record], taken: BatchResult) -> list[Record]:
    """Rows as a removal gives them: by what was sent, and by the ids that were given."""
    ids = {row.key: row.remote_id for row in taken.accepted}
    return [Record(row.key, row.identifiers, {}, ids.get(row.key)) for row in rows]
