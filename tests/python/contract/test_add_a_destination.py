"""Packages of others: the how-to's example, and one of another kind, are tested and tried by themselves, with what is public alone."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HOWTO = ROOT / "docs" / "add-a-destination.md"
FOREIGN = Path(__file__).parent / "foreign"
ENTRY_POINTS = """
[headwater.destinations]
{kind} = your_package.{module}:{name}

[headwater.stand_ins]
{kind} = your_package.stand_in
"""


class Package:
    """A package as pip would have installed it, in a folder of its own."""

    def __init__(self, folder: Path, files: dict[str, str], kind: str, name: str) -> None:
        self.folder = folder
        files = {"your_package/__init__.py": "", **files}
        info = f"{kind}-1.0.dist-info"
        files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {kind}\nVersion: 1.0\n"
        files[f"{info}/entry_points.txt"] = ENTRY_POINTS.format(kind=kind, module=kind, name=name)
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        paths = os.pathsep.join([str(self.folder), str(ROOT)])
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            check=False,
        )

    def suite(self) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests")

    def changed(self, path: str, old: str, new: str) -> None:
        text = (self.folder / path).read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        (self.folder / path).write_text(text.replace(old, new))


def mailer(folder: Path) -> Package:
    module, stand_in, tests = re.findall(r"```python\n(.*?)```", HOWTO.read_text(), re.DOTALL)
    files = {
        "your_package/mailer.py": module,
        "your_package/stand_in.py": stand_in,
        "tests/test_mailer.py": tests,
    }
    return Package(folder, files, "mailer", "Mailer")


def parcel(folder: Path) -> Package:
    """Basic credentials, a table in CSV, refusals in the body of a 422, events in NDJSON."""
    files = {
        f"{'tests' if name == 'test_parcel' else 'your_package'}/{name}.py": (
            FOREIGN / f"{name}.py.txt"
        ).read_text()
        for name in ("parcel", "stand_in", "test_parcel")
    }
    return Package(folder, files, "parcel", "Parcel")


@pytest.mark.parametrize("made", [mailer, pytest.param(parcel, marks=pytest.mark.long)])
def test_a_package_passes_the_suite_by_itself(tmp_path: Path, made: type[Package]) -> None:
    ran = made(tmp_path).suite()
    assert ran.returncode == 0, ran.stdout[-3000:]
    assert " passed" in ran.stdout


@pytest.mark.parametrize("made", [mailer, parcel])
def test_a_package_imports_nothing_that_may_change(tmp_path: Path, made: type[Package]) -> None:
    package = made(tmp_path)
    for path in [*package.folder.glob("your_package/*.py"), *package.folder.glob("tests/*.py")]:
        assert not re.search(r"^\s*(from|import) sync\b", path.read_text(), re.MULTILINE), path.name


def test_the_sandbox_serves_a_stand_in_of_an_installed_package(tmp_path: Path) -> None:
    """Else its users have no way to try it without an account."""
    script = """
import sys
from pathlib import Path
from headwater.destinations import Record, SyncObject
from headwater.sandbox import start_sandbox
from sync.destinations import registry
with start_sandbox(Path(sys.argv[1])) as url:
    settings = registry.sandbox_settings("parcel", base_url=url, directory="/nowhere")
    one = registry.create("parcel", name="p", settings=settings, target=SyncObject("box", "Lapsed"))
    print(one.check(), "|", len(one.upsert([Record("k", {"email": "p@shop.example"}, {"first_name": "Zoë"})]).accepted))
"""
    package = parcel(tmp_path)
    ran = package.run("-c", script, str(tmp_path / "state" / "sandbox.sqlite"))
    assert ran.stdout.strip() == "boxes are readable | 1", ran.stderr[-2000:]


REMOVE = (
    "    def remove(self, records: Sequence[Record]) -> BatchResult:\n"
    '        return self._members("DELETE", records)\n'
)
# What a tired person types: (file, old, new).
WRONG = {
    "mailer": [
        ("mailer.py", "for name, value in record.fields.items()", "for name, value in ()"),
        ("mailer.py", "{name: plain(value)", "{name: str(value)"),
        ("mailer.py", REMOVE, REMOVE.replace("records)\n", "records[:-1])\n")),
        ("mailer.py", REMOVE, REMOVE.replace('self._members("DELETE", records)', "BatchResult([Accepted(r.key) for r in records])")),
        ("mailer.py", 'self._members("POST", records)', 'self._members("POST", records[: len(records) // 2 + 1])'),
        ("mailer.py", 'quote(self.target.name or "", safe="")', '"everybody"'),
        ("mailer.py", "if code is None", "if True"),
        ("mailer.py", "answer=TAKEN)", ")"),
        ("mailer.py", "for key, code in by_key.items() if code\n", "for key, code in by_key.items() if code and False\n"),
        ("mailer.py", '"refused by Mailer"', 'f"refused {by_key} {records[0].identifiers}"'),
        ("mailer.py", '            verdicts=VERDICTS,\n            headers', "            headers"),
        ("mailer.py", "            limiter=limiter,\n", ""),
        ("mailer.py", "batch_rows=500", "batch_rows=0"),
        ("mailer.py", "        self.http.get(\"/groups\", answer=GROUPS)\n", ""),
        ("mailer.py", "        if not records:\n            return BatchResult(requests=0)\n", ""),
        ("mailer.py", "    api_key: SecretStr\n", "    api_key: str\n"),
        ("mailer.py", 'str(self.http.get("/me", answer=Answer(fields=(("id", str),)))["id"])', "str(id(self))"),
        ("mailer.py", 'self.http.get("/groups", answer=GROUPS)',
         'self.http.post(f"/groups/{self.target.name}/members", {"members": [{"email": "x"}]})'),
    ],
    "parcel": [
        ("parcel.py", '["email", *names]', '["email", *names[1:]]'),
        ("parcel.py", 'or reply.headers.get("X-Rows") != str(len(records))', ""),
        ("parcel.py", 'row["email"]: row["code"]', 'row["email"]: ""'),
        ("parcel.py", "if not line[\"ok\"]", "if False"),
        ("parcel.py", '"id": record.idempotency_key', '"id": str(id(record))'),
        ("parcel.py", '"kind": self.target.name', '"kind": "event"'),
    ],
}  # fmt: skip
FIRST = {("mailer", 6)}
CASES = [
    pytest.param(
        kind, *change, id=f"{kind}-{number}", marks=() if (kind, number) in FIRST else pytest.mark.long
    )
    for kind, changes in WRONG.items()
    for number, change in enumerate(changes)
]  # fmt: skip


@pytest.mark.parametrize(("kind", "path", "old", "new"), CASES)
def test_the_suite_notices_a_wrong_change_of_a_package(
    tmp_path: Path, kind: str, path: str, old: str, new: str
) -> None:
    package = {"mailer": mailer, "parcel": parcel}[kind](tmp_path)
    package.changed(f"your_package/{path}", old, new)
    assert package.suite().returncode == 1


@pytest.mark.parametrize("module", ["destinations", "sandbox", "testing", "testing.declared"])
def test_what_is_public_is_what_is_written_here(module: str) -> None:
    """A name may be added. One that goes breaks packages that nobody here knows: it stays for a version, and is in the CHANGELOG."""
    found = importlib.import_module(f"headwater.{module}")
    names = (FOREIGN / "public_names.txt").read_text().split()
    public = {name.partition(":")[2] for name in names if name.startswith(f"{module}:")}
    assert set(found.__all__) == public
    assert all(hasattr(found, name) for name in public)
