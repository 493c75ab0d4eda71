"""Each fault of the stand-ins by itself, and a mix with kill -9: nothing lost, left over or doubled once it has healed.

`python -m benchmarks faults` does the same at length.
"""

from __future__ import annotations

import pytest

from benchmarks.faults import ALLOWED, make_suite
from sync.cli.main import run
from sync.sandbox import start_sandbox
from sync.sandbox.faults import KINDS, Faults
from sync.sandbox.store import Store


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    faults = Faults({}, seed=3)
    with start_sandbox(folder / "sandbox.sqlite", faults) as url:
        store = Store(folder / "sandbox.sqlite")
        made = make_suite(folder, url, faults, store, rows=120, seed=3)
        made.sleepers = (
            0  # what one had under way as it fell asleep may still arrive (docs/sync.md)
        )
        yield made
        store.close()


@pytest.fixture
def push(suite, monkeypatch, capsys):
    for name in ("DBT_PROFILES_DIR", "HEADWATER_ENVIRONMENT", "HEADWATER_SANDBOX_URL"):
        monkeypatch.setenv(name, suite.project.environment[name])

    def one() -> tuple[int, str]:
        code = run(suite.project.arguments("push", *ALLOWED, "--json"))
        return code, capsys.readouterr().out

    return one


def healed(suite, push):
    suite.faults.shares = {}
    code, said = push()
    assert code == 0, said
    found = suite.compare()
    found.pop("repeats the vendor knew")
    return {what: count for what, count in found.items() if count}


@pytest.mark.long
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_fault_by_itself_loses_and_doubles_nothing(suite, push, kind):
    suite.faults.shares = {kind: 0.4}
    for _ in range(2):
        suite.change_world()
        push()
    assert healed(suite, push) == {}


def test_kill_9_amid_every_fault_loses_and_doubles_nothing(suite, push):
    for _ in range(4):
        suite.change_world()
        suite.faults.shares = dict.fromkeys(KINDS, 0.05)
        suite.push_and_stop()
    assert suite.counts["kill -9"] + suite.counts["SIGTERM"] >= 1
    assert healed(suite, push) == {}
