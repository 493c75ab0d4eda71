"""Syncs of one run: after those they wait for, side by side otherwise, none after a failure where that is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync.engine.run import exit_code, push_all
from sync.errors import ConfigError, TransientError
from sync.records import SyncObject


def syncs(bench, **after):
    return [
        replace(bench.definition, name=name, after=tuple(names), object=SyncObject("list", name))
        for name, names in after.items()
    ]


def sent(bench):
    return [run[0] for run in bench.rows("select sync_name from analytics_sync.runs order by started_at, sync_name")]  # fmt: skip


def test_a_sync_waits_for_those_it_names_however_they_are_listed(bench):
    bench.people("a")
    ends = []
    bench.watcher.ended = lambda result: ends.append(result.name)
    results = push_all(
        bench.context(), syncs(bench, third=["second"], second=["first"], first=[]), threads=4
    )
    assert ends == ["first", "second", "third"]
    assert [result.name for result in results] == ["third", "second", "first"]
    assert exit_code(results) == 0


def test_a_sync_is_skipped_when_one_it_waits_for_did_not_succeed(bench):
    bench.people("a")

    def down(*_):
        raise TransientError("down")

    bench.destination.fault = down
    results = push_all(bench.context(), syncs(bench, last=["middle"], middle=["first"], first=[]))
    assert [result.status for result in results] == ["skipped", "skipped", "failed"]
    assert "it waits for 'first', which is failed" in results[1].message
    assert sent(bench) == ["first"]
    assert exit_code(results) == 1


def test_a_sync_does_not_wait_for_one_that_was_not_selected(bench):
    bench.people("a")
    assert push_all(bench.context(), syncs(bench, only=["elsewhere"]))[0].status == "success"


def test_syncs_that_wait_for_each_other_are_a_mistake(bench):
    with pytest.raises(ConfigError, match="a, b wait for each other"):
        push_all(bench.context(), syncs(bench, a=["b"], b=["a"]))


def test_fail_fast_starts_nothing_after_a_failure_and_says_why(bench):
    bench.people("a")

    def down(*_):
        raise TransientError("down")

    bench.destination.fault = down
    results = push_all(
        bench.context(), syncs(bench, one=[], two=[], three=[]), threads=1, fail_fast=True
    )
    assert [result.status for result in results] == ["failed", "skipped", "skipped"]
    assert "--fail-fast" in results[1].message


def test_a_stop_skips_what_has_not_begun(bench):
    bench.people("a")
    bench.destination.fault = lambda *_: bench.stop.set()
    results = push_all(bench.context(), syncs(bench, one=[], two=[]), threads=1)
    assert [result.status for result in results] == ["success", "skipped"]
    assert exit_code(results) == 2
