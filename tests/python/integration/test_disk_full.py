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

from sync.records import Mode

ROWS = 4000
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
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)],
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


@pytest.mark.parametrize("mode", [Mode.MIRROR, Mode.EVENT])
def test_a_full_disk_loses_nothing_and_doubles_nothing(disk, mode):
    kind, full = disk
    bench = Workbench(full.folder, mode=mode)
    bench.declare(batch_rows=100)
    bench.table(WIDE)
    bench.destination.fault = lambda number, _: full.fill() if number == 1 else None
    try:
        result = bench.push()
    finally:
        full.empty()
    assert result.status == "failed", "this disk was not full"
    assert "could not be acknowledged" in result.message
    with duckdb.connect(
        str(bench.path)
    ) as connection:  # the process that could not go on has ended
        dead = f"{socket.gethostname()}/4999999.1/run"
        connection.execute("update analytics_sync.leases set owner = ?", [dead])
    assert bench.push().status == "success"
    wanted = {f"p{number}" for number in range(ROWS)}
    assert bench.held() == wanted
    assert bench.maybe() == set()
    if mode is Mode.MIRROR:
        assert set(bench.destination.members) == wanted
    else:  # the vendor knows a repeat by its key
        assert len({event.idempotency_key for event in bench.destination.events}) == ROWS
    sent = Counter(key for _, keys in bench.destination.calls for key in keys)
    assert set(sent) == wanted
    if kind == "warehouse only":  # the journal had room
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
