"""The journal on disk: what was written last of a batch is found again, whatever the instant at which the process died."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import threading
import time

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.state import journal as module
from sync.state.journal import Journal

NOON = dt.datetime(2026, 11, 23, 12)


def taken(word: str, *, action: str = "add", at: dt.datetime = NOON, rows: int = 1) -> pa.Table:
    return pa.table(
        {"sync_key": [word] * rows, "action": [action] * rows, "acknowledged_at": [at] * rows}
    )


def journal(folder, run_id: str = "run") -> Journal:
    return Journal(folder, environment="live", sync_name="people", run_id=run_id)


def held(folder) -> dict[int, str]:
    """What another process would find."""
    found = journal(folder, "later").entries()
    return {entry.batch_number: entry.read().column("sync_key")[0].as_py() for entry in found}


def file_of(folder):
    return folder / "live" / "people" / "run.journal"


# A word for a batch, or None where the batch is in the warehouse.
steps = st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["a", "b", None])), max_size=12)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps, st.data())
def test_a_file_cut_at_any_byte_holds_what_was_whole_by_then(tmp_path_factory, done, data):
    folder = tmp_path_factory.mktemp("journal")
    writer, expected = journal(folder), {}
    states = [(0, {})]  # how long the file was when this was so
    for number, word in done:
        if word is None:
            writer.drop([number])
            expected.pop(number, None)
        else:
            writer.write(number, taken(word))
            expected[number] = word
        if not writer._end:
            states = [(0, {})]
        states.append((writer._end, dict(expected)))
    writer.close()
    assert held(folder) == expected
    if file_of(folder).exists():
        cut = data.draw(st.integers(0, file_of(folder).stat().st_size), "cut at")
        os.truncate(file_of(folder), cut)
        assert held(folder) == [state for length, state in states if length <= cut][-1]


@pytest.mark.parametrize("how", ["copied", "archived", "another machine", "of an earlier version"])
def test_a_copy_is_not_whole(tmp_path, how, monkeypatch):
    """A volume that is restored, a folder that was taken along: what was sent after the copy was made is not in it."""
    writer = journal(tmp_path)
    writer.write(1, taken("a"))
    writer.drop([1])
    writer.write(2, taken("b"))
    path = file_of(tmp_path)
    if how == "another machine":
        monkeypatch.setattr(module, "boot_id", lambda: b"another")
    elif how == "of an earlier version":
        path.write_bytes(path.read_bytes()[writer._start :])
    else:
        copy = tmp_path / "copy"
        (shutil.copy2 if how == "archived" else shutil.copyfile)(path, copy)
        path.unlink()
        copy.rename(path)
    assert journal(tmp_path, "later").whole() == set()
    assert held(tmp_path) == {2: "b"}, "what it has was taken all the same"


def test_a_journal_that_nothing_is_left_of_stays_until_its_run_is_on_record(tmp_path):
    """That it is there and empty says that nothing else was sent."""
    writer = journal(tmp_path)
    writer.begin()
    assert journal(tmp_path, "later").whole() == {"run"}
    writer.write(1, taken("a"))
    writer.write(2, taken("b"))
    writer.drop([2])
    assert held(tmp_path) == {1: "a"}
    writer.drop([1])
    assert file_of(tmp_path).stat().st_size == writer._start
    assert held(tmp_path) == {}
    assert journal(tmp_path, "later").whole() == {"run"}
    writer.write(3, taken("c"))
    assert held(tmp_path) == {3: "c"}
    writer.end()
    assert list((tmp_path / "live" / "people").iterdir()) == []


def test_a_journal_that_missed_something_is_not_whole(tmp_path):
    writer = journal(tmp_path)
    writer.write(1, taken("a"))
    writer.resign()
    assert journal(tmp_path, "later").whole() == set()
    writer.write(2, taken("b"))
    assert held(tmp_path) == {1: "a", 2: "b"}
    writer.end()
    assert list((tmp_path / "live" / "people").iterdir()) == []


def test_a_journal_from_before_the_machine_started_is_not_whole(tmp_path, monkeypatch):
    """What the disk was never given is lost when the power fails."""
    writer = journal(tmp_path)
    writer.write(1, taken("a"))
    assert journal(tmp_path, "later").whole() == {"run"}
    monkeypatch.setattr(module, "_machine_started_at", lambda: time.time() + 1)
    assert journal(tmp_path, "later").whole() == set()
    assert held(tmp_path) == {1: "a"}


def test_journals_of_other_runs_are_dropped(tmp_path):
    for run_id in ("ended", "unfinished"):
        journal(tmp_path, run_id).write(1, taken("a"))
    assert journal(tmp_path, "later").remove_others(["unfinished"]) == ["ended"]
    assert journal(tmp_path, "later").whole() == {"unfinished"}


def test_only_its_owner_reads_a_journal(tmp_path):
    journal(tmp_path).write(1, taken("a"))
    assert file_of(tmp_path).stat().st_mode & 0o777 == 0o600
    assert file_of(tmp_path).parent.stat().st_mode & 0o777 == 0o700


def test_a_long_run_keeps_no_more_than_what_counts(tmp_path, monkeypatch):
    """A batch whose answer takes an hour stays; the thousands beside it do not."""
    monkeypatch.setattr(module, "_WORTH_REWRITING", 20_000)
    writer = journal(tmp_path)
    writer.write(0, taken("slow"))
    for number in range(1, 200):
        writer.write(number, taken("quick"))
        writer.drop([number])
    assert file_of(tmp_path).stat().st_size < 25_000
    assert held(tmp_path) == {0: "slow"}
    writer.write(200, taken("after"))
    assert held(tmp_path) == {0: "slow", 200: "after"}


def test_what_a_full_disk_took_a_part_of_is_written_over(tmp_path, monkeypatch):
    writer = journal(tmp_path)
    writer.write(1, taken("a"))
    whole = os.pwritev

    def full(file, parts, offset):
        return whole(file, [bytes(parts[0]), bytes(parts[1])[:20]], offset)

    monkeypatch.setattr(os, "pwritev", full)
    with pytest.raises(OSError, match="only a part"):
        writer.write(2, taken("b", rows=100))
    monkeypatch.undo()
    assert held(tmp_path) == {1: "a"}
    writer.write(3, taken("c"))
    assert held(tmp_path) == {1: "a", 3: "c"}


def test_a_full_disk_does_not_stop_what_is_in_the_warehouse_from_being_dropped(
    tmp_path, monkeypatch
):
    writer = journal(tmp_path)
    writer.write(1, taken("a"))
    writer.write(2, taken("b"))

    def full(*_):
        raise OSError("no space")

    monkeypatch.setattr(os, "pwritev", full)
    writer.drop([1])
    writer.drop([2])
    assert held(tmp_path) == {}
    writer.end()
    assert not file_of(tmp_path).exists()


def test_threads_write_side_by_side(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_WORTH_REWRITING", 5_000)
    writer = journal(tmp_path)

    def work(first: int) -> None:
        for number in range(first, first + 50):
            writer.write(number, taken("intended", action="attempt"))
            writer.write(number, taken(f"answer {number}"))
            if number % 2:
                writer.drop([number])

    threads = [threading.Thread(target=work, args=(100 * place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [100 * place + number for place in range(4) for number in range(0, 50, 2)]
    assert held(tmp_path) == {number: f"answer {number}" for number in numbers}


def test_only_other_runs_requests_without_an_answer_were_in_flight(tmp_path):
    killed = journal(tmp_path, "killed")
    killed.write(1, taken("answered", at=NOON + dt.timedelta(hours=1)))
    assert journal(tmp_path).in_flight_at() is None
    killed.write(2, taken("asked", action="attempt", at=NOON))
    assert journal(tmp_path).in_flight_at() == NOON.replace(tzinfo=dt.UTC).timestamp()
    assert killed.in_flight_at() is None
    killed.write(2, taken("answered", at=NOON))
    assert journal(tmp_path).in_flight_at() is None
