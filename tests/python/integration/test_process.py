"""Processes beside each other on one DuckDB file, stopped politely and not."""

from __future__ import annotations

import ctypes
import json
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hook import running_hook

ROWS = 6000
PUSH = ("push", "--select", "hook_people", "--json")
HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def hook(lab, monkeypatch):
    with running_hook() as made:
        monkeypatch.setenv("HOOK_URL", made.url)
        yield made


def fill(lab, rows=ROWS):
    for table in ("sync_hook__people", "sync_hook__events"):
        lab.sql(
            f"create or replace table analytics.{table} as select 'p' || i as profile_id, "
            "'p' || i || '@example.com' as email, i as score, cast(null as varchar) as "
            f"withheld_reason, md5(i::varchar) as row_hash from range({rows}) as t(i)"
        )


def ledger(lab, sync="hook_people"):
    found = lab.sql(f"select sync_key from analytics_sync.ledger where sync_name = '{sync}'")
    return {row[0] for row in found}


def test_dbt_builds_while_a_push_is_sending(lab, hook):
    hook.gate.clear()
    push = lab.process(*PUSH)
    assert hook.arrived.acquire(timeout=60)
    build = lab.dbt("build", "--quiet")
    output, _ = build.communicate(timeout=120)
    assert build.returncode == 0, output
    assert push.poll() is None
    hook.gate.set()
    shown, errors = push.communicate(timeout=60)
    assert push.returncode == 0, errors
    assert json.loads(shown)["syncs"][0]["added"] == 10
    assert len(ledger(lab)) == 10


def test_a_command_says_nothing_beside_its_answer(lab, hook):
    """What a library complains of when a process ends, a connection that was held on to, is nothing for the reader of a log."""
    for line in (("plan", "--json"), PUSH, PUSH, ("plan", "--json")):
        shown, errors = lab.process(*line).communicate(timeout=60)
        assert json.loads(shown)["syncs"]
        assert errors == ""


SLOW_MODEL = """
import os

def model(dbt, session):
    dbt.config(materialized="table")
    with open(os.environ["GATE"]) as gate:  # until the test closes it
        gate.read()
    return session.sql("select 1 as one")
"""


@pytest.mark.long
def test_a_push_started_while_dbt_writes_waits_for_it_and_goes_on(lab, hook, monkeypatch):
    gate = lab.folder / "gate"
    os.mkfifo(gate)
    monkeypatch.setenv("GATE", str(gate))
    (lab.folder / "models" / "slow.py").write_text(SLOW_MODEL)
    build = lab.dbt("run", "--quiet", "--select", "slow")
    with open(gate, "w"):  # opens when dbt is in the middle of its model
        push = lab.process(*PUSH)
        waiting = push.stderr.readline()
        assert "Waiting for headwater.duckdb: it is held by" in waiting
        assert f"(PID {build.pid})" in waiting
        assert hook.requests == 0
    output, _ = build.communicate(timeout=120)
    assert build.returncode == 0, output
    shown, errors = push.communicate(timeout=60)
    assert push.returncode == 0, errors
    assert json.loads(shown)["syncs"][0]["added"] == 10


def test_a_push_waits_for_the_process_that_holds_the_file_and_goes_on(lab, hook):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lab.database)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout.readline() == "held\n"
    push = lab.process(*PUSH)
    waiting = push.stderr.readline()
    assert f"(PID {holder.pid})" in waiting
    assert "Waiting for headwater.duckdb" in waiting
    holder.communicate("go\n", timeout=30)
    shown, errors = push.communicate(timeout=60)
    assert push.returncode == 0, errors
    assert json.loads(shown)["syncs"][0]["added"] == 10


def test_an_acknowledgement_waits_for_the_file_and_nothing_is_sent_twice(lab, hook):
    fill(lab)
    hook.gate.clear()
    push = lab.process(*PUSH)
    assert hook.arrived.acquire(timeout=60)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lab.database)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout.readline() == "held\n"
    hook.gate.set()
    assert "Waiting for" in push.stderr.readline()
    holder.communicate("go\n", timeout=30)
    push.communicate(timeout=60)
    assert push.returncode == 0
    assert ledger(lab) == set(hook.members)
    assert hook.requests == 1 + ROWS / 500


def to_another_thread(process: subprocess.Popen[str], number: int) -> None:
    """The signal, given to a thread that is not the main one and takes it, as a kernel may do."""
    tgkill = getattr(ctypes.CDLL(None), "tgkill", None)
    threads = Path(f"/proc/{process.pid}/task")
    if tgkill is None or not threads.is_dir():
        pytest.skip("no tgkill on this system")
    for thread in threads.iterdir():
        blocked = re.search(r"SigBlk:\s*(\w+)", (thread / "status").read_text())
        if int(thread.name) != process.pid and not int(blocked[1], 16) >> (number - 1) & 1:
            assert tgkill(process.pid, int(thread.name), number) == 0
            return
    raise AssertionError("no other thread takes signals")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "give",
    [subprocess.Popen.send_signal, pytest.param(to_another_thread, marks=pytest.mark.long)],
)
def test_a_signal_ends_the_batches_in_flight_and_marks_them(lab, hook, give, number):
    fill(lab)
    hook.gate.clear()  # what is in flight stays there until the signal has been heard
    push = lab.process(*PUSH)
    assert hook.arrived.acquire(timeout=60)
    give(push, number)
    assert "Stopping after the batches in flight" in push.stderr.readline()
    hook.gate.set()
    shown, errors = push.communicate(timeout=60)
    assert push.returncode == 2, (shown, errors)
    result = json.loads(shown)["syncs"][0]
    assert result["status"] == "partial"
    assert 0 < result["added"] < ROWS
    assert ledger(lab) == set(hook.members)
    assert lab.sync(*PUSH) == 0
    assert len(ledger(lab)) == ROWS == len(hook.members)


def test_a_second_push_of_a_sync_leaves_with_a_message(lab, hook, answer):
    hook.gate.clear()
    push = lab.process(*PUSH)
    assert hook.arrived.acquire(timeout=60)
    assert lab.sync(*PUSH) == 1
    refused = answer()["syncs"][0]
    assert refused["status"] == "refused"
    assert f"process {push.pid} on" in refused["message"]
    hook.gate.set()
    push.communicate(timeout=60)
    assert push.returncode == 0


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 2))])
def test_kill_9_loses_no_row_and_repeats_at_most_the_batches_in_flight(lab, hook, seed):
    fill(lab)
    chance = random.Random(seed)
    hook.delay = 0.02
    push = lab.process(*PUSH)
    for _ in range(chance.randint(1, 8)):
        assert hook.arrived.acquire(timeout=60)
    push.kill()
    push.communicate(timeout=30)
    assert ledger(lab) <= set(hook.members), "marked, but never sent"
    assert lab.sync(*PUSH) == 0
    assert len(ledger(lab)) == ROWS == len(hook.members)
    assert hook.requests <= 2 + ROWS / 500 + 4, "more than the batches in flight were repeated"
    runs = lab.sql("select status from analytics_sync.runs where sync_name = 'hook_people' "
                   "order by started_at")  # fmt: skip
    assert runs == [("interrupted",), ("success",)]


def test_no_personal_data_and_no_secret_in_any_log(lab, hook, monkeypatch):
    fill(lab, 600)
    path = lab.folder / "destinations.yml"
    path.write_text(
        path.read_text().replace("type: webhook,", "type: webhook, token: s3cr3t-t0k3n,")
    )
    push = lab.process(*PUSH, "--log-format", "json", "--debug")
    shown, errors = push.communicate(timeout=60)
    assert push.returncode == 0, errors
    kept = "\n".join(
        str(lab.sql(f"select * from analytics_sync.{table}"))
        for table in ("runs", "batches", "failures", "withheld", "leases")
    )
    for text in (shown, errors, kept):
        assert "@example.com" not in text
        assert "s3cr3t" not in text
    events = [json.loads(line)["event"] for line in errors.splitlines()]
    assert events == ["planned", "ended"]
