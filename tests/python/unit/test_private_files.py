"""What holds people's data is its owner's alone, from the moment it is there, whatever the umask and whatever was there before."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from sync.destinations.files import Files, FilesSettings
from sync.private import descriptor, make_folder, mend, open_file
from sync.records import Record, SyncObject
from sync.sandbox.store import Store
from sync.state.journal import Journal
from sync.warehouses.duckdb import DuckDBWarehouse

PEOPLE = [Record("p1", {"email": "anna@example.com"}, {"score": 1})]


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=oct)
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder: Path) -> set[str]:
    """The modes of all that is in it, itself included."""
    found = [folder, *folder.rglob("*")]
    return {f"{'d' if p.is_dir() else 'f'}{stat.S_IMODE(p.lstat().st_mode):o}" for p in found}


def files(folder, kind="csv", **settings) -> Files:
    made = FilesSettings(path=str(folder), format=kind, **settings)
    return Files(made, SyncObject("table", "people"), lambda _: None)


def replaced(destination: Files) -> None:
    destination.begin("r1", ["email", "score"])
    destination.write(PEOPLE)
    destination.commit()


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_exports_are_their_owners_alone(tmp_path, umask, kind):
    destination = files(tmp_path / "deep" / "exports", kind)
    destination.check()
    replaced(destination)
    destination.upsert(PEOPLE)
    assert modes(tmp_path / "deep") == {"d700", "f600"}


def test_they_are_while_they_are_written(tmp_path, umask):
    destination = files(tmp_path / "exports")
    destination.begin("r1", ["email"])
    assert modes(tmp_path / "exports") == {"d700", "f600"}
    destination.abort()


def test_exports_of_before_are_mended(tmp_path):
    folder = tmp_path / "exports"
    (folder / "people").mkdir(parents=True, mode=0o755)
    for name in ("people.csv", "others.csv", "people/1.csv", ".people.r0.csv"):
        (folder / name).write_text("anna@example.com")
        (folder / name).chmod(0o644)
    folder.chmod(0o755)
    replaced(files(folder))
    assert modes(folder) == {"d700", "f600"}


def test_a_folder_that_others_use_stays_as_it_is_but_for_our_files(tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "README").write_text("theirs")
    (folder / "people.csv").write_text("anna@example.com")
    for path, mode in ((folder, 0o755), (folder / "README", 0o644), (folder / "people.csv", 0o644)):
        path.chmod(mode)
    files(folder).check()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert stat.S_IMODE((folder / "README").stat().st_mode) == 0o644
    assert stat.S_IMODE((folder / "people.csv").stat().st_mode) == 0o600


def test_a_group_may_read_where_the_settings_say_so(tmp_path, umask):
    replaced(files(tmp_path / "exports", readable_by="group"))
    assert modes(tmp_path / "exports") == {"d750", "f640"}


def test_what_the_sandbox_holds_is_too(tmp_path, umask):
    path = tmp_path / ".headwater" / "sandbox.sqlite"
    store = Store(path)
    store.put_members("klaviyo", "1", {"p1": {"email": "anna@example.com"}})
    assert modes(path.parent) == {"d700", "f600"}
    assert len(list(path.parent.iterdir())) > 1  # the log beside it
    store.close()


def test_a_sandbox_of_before_is_mended(tmp_path):
    path = tmp_path / ".headwater" / "sandbox.sqlite"
    Store(path).close()
    path.chmod(0o644)
    path.parent.chmod(0o755)
    Store(path).close()
    assert modes(path.parent) == {"d700", "f600"}


def test_the_journal_and_every_folder_above_it_are(tmp_path, umask):
    folder = tmp_path / ".headwater" / "journal"
    journal = Journal(folder, environment="live", sync_name="people", run_id="r1")
    journal.write(1, pa.table({"sync_key": ["p1"]}))
    assert modes(tmp_path / ".headwater") == {"d700", "f600"}
    journal.close()


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_the_log_of_a_duckdb_file_is_as_open_as_the_file(tmp_path, umask, mode):
    """A push that was killed left it, with addresses, to whoever the umask let in."""
    path = tmp_path / "people.duckdb"
    duckdb.connect(str(path)).close()
    path.chmod(mode)
    warehouse = DuckDBWarehouse(str(path))
    with warehouse.session(write=True) as session:
        session.execute("create table people as select 'anna@example.com' as email")
    log = path.with_name(f"{path.name}.wal")
    assert stat.S_IMODE(log.stat().st_mode) == mode & ~umask & 0o666
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_an_older_file_is_closed_before_it_is_written(tmp_path):
    path = tmp_path / "old"
    path.write_text("before")
    path.chmod(0o666)
    with open_file(path) as file:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        file.write(b"after")
    assert path.read_text() == "after"
    os.close(descriptor(path, flags=os.O_WRONLY))
    assert path.read_text() == "after"


def test_a_disk_that_is_read_only_is_left_alone(tmp_path, monkeypatch):
    """A push needs no local file; it ended in a bug here."""
    (tmp_path / "kept").write_text("x")
    (tmp_path / "kept").chmod(0o644)

    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "chmod", refuse)
    mend(tmp_path)


def test_mending_follows_no_link(tmp_path):
    (tmp_path / "theirs").write_text("x")
    (tmp_path / "theirs").chmod(0o644)
    ours = make_folder(tmp_path / "ours")
    (ours / "link").symlink_to(tmp_path / "theirs")
    mend(ours)
    assert stat.S_IMODE((tmp_path / "theirs").stat().st_mode) == 0o644


def test_git_takes_nothing_of_the_tools_own_folder(tmp_path, umask):
    ours = tmp_path / "shop" / ".headwater"
    make_folder(ours / "sandbox" / "files")
    assert (ours / ".gitignore").read_text() == "*\n"
    (ours / ".gitignore").write_text("*\n!kept\n")  # a team's own stays
    make_folder(ours)
    assert (ours / ".gitignore").read_text() == "*\n!kept\n"
    make_folder(tmp_path / "exports")
    assert not (tmp_path / "exports" / ".gitignore").exists()
