"""A disk that is really full when the answer is to be written down: nothing is lost, and nothing is sent twice once there is room.

Two ways to fill one: a limit on the size of any file this process writes (EFBIG), and a small file system of its own (ENOSPC), which
takes the right to mount.
"""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

sys.path.append(str(Path(__file__).parents[1] / "unit"))

from workbench import Workbench

from sync.destinations.base import Delivery
from sync.engine.run import exit_code
from sync.records import Mode

ROWS, BATCH = 4000, 100
WIDE = (
    f"select 'p' || i as profile_id, repeat('x', 300) || i || '@example.com' as email, "
    f"i as score, md5(i::varchar) as row_hash from range({ROWS}) as t(i)"
)


class FullDisk:
    """Fills up at the first request, and has room again when told."""

    def __init__(self, folder: Path, fill, empty) -> None:
        self.folder, self.fill, self.empty = folder, fill, empty


def limited(folder: Path, kilobytes: int):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield FullDisk(
        folder,
        lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, hard)),
        lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard)),
    )
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def mounted(folder: Path, prepare: Callable[[], None] = lambda: None):
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("no right to mount a file system")
    prepare()
    ballast = folder / "ballast"

    def fill() -> None:
        with open(ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    yield FullDisk(folder, fill, lambda: ballast.unlink(missing_ok=True))
    subprocess.run(["umount", "-l", str(folder)], check=False)


@pytest.fixture(params=["warehouse only", "every file", "file system"])
def disk(request, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    if request.param == "warehouse only":  # the journal is on another
        elsewhere = tmp_path / "journal"
        elsewhere.mkdir()
        made = mounted(full, lambda: (full / "journal").symlink_to(elsewhere))
    else:
        made = limited(full, 1) if request.param == "every file" else mounted(full)
    yield from ((request.param, found) for found in made)


def end_process(bench: Workbench) -> None:
    """The process that could not go on has ended."""
    with duckdb.connect(str(bench.path)) as connection:
        dead = f"{socket.gethostname()}/4999999.1/run"
        connection.execute("update analytics_sync.leases set owner = ?", [dead])


def times_sent(bench: Workbench) -> Counter[str]:
    return Counter(key for _, keys in bench.destination.calls for key in keys)


@pytest.fixture
def small(tmp_path):
    """A small file system, full or not as told."""
    folder = tmp_path / "small"
    folder.mkdir()
    yield from mounted(folder)


WAYS = [
    (Mode.MIRROR, None),
    pytest.param(Mode.ADD, None, marks=pytest.mark.long),
    pytest.param(Mode.EVENT, Delivery.AT_LEAST_ONCE, marks=pytest.mark.long),
    pytest.param(Mode.EVENT, Delivery.AT_MOST_ONCE, marks=pytest.mark.long),
]


@pytest.mark.parametrize(("mode", "delivery"), WAYS)
@pytest.mark.parametrize("then_full", [pytest.param(False, marks=pytest.mark.long), True])
def test_without_a_journal_the_warehouse_is_written_before_more_is_sent(
    tmp_path, small, mode, delivery, then_full
):
    """The journal's disk is full from the start; the warehouse's fills up at the third request, or never."""
    warehouse = tmp_path / "warehouse"
    warehouse.mkdir()
    made = mounted(warehouse)
    other = next(made)
    bench = Workbench(warehouse, mode=mode, delivery=delivery.value if delivery else None)
    (warehouse / "journal").symlink_to(small.folder)
    bench.declare(batch_rows=BATCH, delivery=Delivery.AT_LEAST_ONCE)
    bench.table(WIDE)
    small.fill()
    bench.destination.fault = lambda number, _: other.fill() if then_full and number == 3 else None
    result = bench.push()
    if then_full:
        assert (result.status, exit_code([result])) == ("failed", 1)
        assert "No space left on device" in result.message
        assert len(bench.destination.calls) <= 6
        other.empty()
        end_process(bench)
        healed = bench.push()
        if delivery is Delivery.AT_MOST_ONCE and healed.status == "partial":
            assert "may have been sent or not" in healed.message  # those whose answer was lost
        else:
            assert healed.status == "success"
    else:
        assert result.status == "success"
        assert set(times_sent(bench).values()) == {1}
    sent = times_sent(bench)
    assert sum(sent.values()) <= ROWS + 4 * BATCH
    assert set(sent) == {f"p{number}" for number in range(ROWS)} == bench.held()
    assert bench.plan().counts.to_send == 0
    next(made, None)


@pytest.mark.parametrize(("mode", "delivery"), WAYS)
def test_what_can_be_written_nowhere_is_not_sent_at_all(small, mode, delivery):
    bench = Workbench(small.folder, mode=mode, delivery=delivery.value if delivery else None)
    bench.declare(batch_rows=BATCH, delivery=Delivery.AT_LEAST_ONCE)
    bench.table(WIDE)
    original = bench.destination.check

    def check():
        small.fill()  # between the plan and the first request
        return original()

    bench.destination.check = check
    result = bench.push()
    assert (result.status, exit_code([result])) == ("failed", 1)
    assert "could not be written down" in result.message
    assert bench.destination.calls == []
    small.empty()
    bench.destination.check = original
    end_process(bench)
    healed = bench.push()
    assert healed.status == "success", healed.message
    assert bench.held() == {f"p{number}" for number in range(ROWS)}
    assert set(times_sent(bench).values()) == {1}


@pytest.mark.parametrize("mode", [Mode.MIRROR, Mode.EVENT])
def test_a_full_disk_loses_nothing_and_doubles_nothing(disk, mode):
    kind, full = disk
    bench = Workbench(full.folder, mode=mode)
    bench.declare(batch_rows=BATCH)
    bench.table(WIDE)
    bench.destination.fault = lambda number, _: full.fill() if number == 1 else None
    try:
        result = bench.push()
    finally:
        full.empty()
    assert result.status == "failed", "this disk was not full"
    assert "could not be" in result.message
    assert exit_code([result]) == 1
    end_process(bench)
    healed = bench.push()
    assert healed.status == "success", healed.message
    wanted = {f"p{number}" for number in range(ROWS)}
    assert bench.held() == wanted
    assert bench.maybe() == set()
    if mode is Mode.MIRROR:
        assert set(bench.destination.members) == wanted
    else:  # the vendor knows a repeat by its key
        assert len({event.idempotency_key for event in bench.destination.events}) == ROWS
    sent = Counter(key for _, keys in bench.destination.calls for key in keys)
    assert set(sent) == wanted
    if (
        kind == "every file"
    ):  # even the room that was kept is refused: what was under way is repeated, and no more
        assert sum(sent.values()) <= ROWS + 4 * BATCH
    else:
        assert set(sent.values()) == {1}
    assert bench.plan().counts.to_send == 0
    assert not [path for path in (full.folder / "journal").rglob("*") if path.is_file()]


def test_what_a_full_disk_cut_short_in_the_journal_is_cleared_away(tmp_path):
    bench = Workbench(tmp_path)
    bench.people("a")
    folder = tmp_path / "journal" / "live" / "memory_people"
    folder.mkdir(parents=True)
    (folder / "20260101-000000-000000-aaaaaa.00000001.partial").write_bytes(b"\xff")
    assert bench.push().status == "success"
    assert os.listdir(folder) == []
