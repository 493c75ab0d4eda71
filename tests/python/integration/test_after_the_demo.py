"""Who looks around after `make demo` in a plain shell stays in its sandbox, on its warehouse and on no other."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.python.integration.conftest import ROOT, Lab


def leave_demo(lab: Lab, database: Path) -> None:
    """What scripts/demo.sh writes, by its own functions."""
    script = (ROOT / "scripts" / "demo.sh").read_text()
    functions = re.findall(r"^\w+\(\) \{\n.*?^\}", script, flags=re.S | re.M)
    subprocess.run(
        ["bash", "-euc", "\n".join([*functions, "remember"])],
        cwd=lab.folder,
        env={**os.environ, "HEADWATER_DUCKDB_PATH": str(database), "HEADWATER_AS_OF": "2026-11-27 12:00:00"},
        check=True,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def plain_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEADWATER_ENVIRONMENT", "HEADWATER_AS_OF", "HEADWATER_SANDBOX_URL"):
        monkeypatch.delenv(name, raising=False)


def pushed(lab: Lab, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, str], str]:
    capsys.readouterr()
    code = lab.sync("push", "--select", "files_people", "--skip-gates", "--json")
    printed = capsys.readouterr()
    syncs = json.loads(printed.out)["syncs"] if printed.out else []
    return code, {row["name"]: row["status"] for row in syncs}, printed.err


def test_a_plain_shell_sends_into_the_sandbox_of_the_demo(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    leave_demo(lab, lab.database)
    (lab.folder / "destinations.yml").unlink()
    code, statuses, said = pushed(lab, capsys)
    assert (code, statuses) == (0, {"files_people": "success"}), said
    assert "the demo's warehouse" in said
    assert list((lab.folder / ".headwater" / "sandbox").rglob("*people*"))
    assert not (lab.folder / "exports").exists()
    assert lab.sync("status", "--json") == 0
    assert "success" in capsys.readouterr().out
    # The process goes back to what its shell said.
    assert "HEADWATER_ENVIRONMENT" not in os.environ


def test_another_warehouse_takes_nothing_of_the_demo(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    leave_demo(lab, lab.folder / "another.duckdb")
    _, _, said = pushed(lab, capsys)
    assert "the demo's warehouse" not in said
    assert not (lab.folder / ".headwater" / "sandbox").exists()


def test_what_the_shell_says_goes_before_what_the_demo_left(
    lab: Lab, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_demo(lab, lab.database)
    monkeypatch.setenv("HEADWATER_ENVIRONMENT", "live")
    _, _, said = pushed(lab, capsys)
    assert "the demo's warehouse" not in said
    assert not (lab.folder / ".headwater" / "sandbox").exists()


def test_what_is_no_shell_of_ours_leads_nowhere(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    leave_demo(lab, lab.database)
    file = lab.folder / ".headwater" / "demo.env"
    for text in ("export HEADWATER_ENVIRONMENT='live'\n", "it's", ""):
        file.write_text(text)
        assert "the demo's warehouse" not in pushed(lab, capsys)[2]


def test_the_demo_may_be_run_again_and_goes_on_at_its_last_day(tmp_path: Path) -> None:
    """A journey's log refuses a day before its last, so that a second first day would be refused."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "demo.sh", tmp_path / "scripts")
    for name in ("dbt", "sync"):
        shim = tmp_path / "bin" / name
        shim.parent.mkdir(exist_ok=True)
        shim.write_text(f'#!/bin/sh\necho "{name} $* | $HEADWATER_AS_OF" >> calls\n')
        shim.chmod(0o755)

    def demo(database: str = "headwater.duckdb") -> list[str]:
        (tmp_path / "calls").unlink(missing_ok=True)
        subprocess.run(
            ["bash", "scripts/demo.sh"],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            env={
                "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
                "HEADWATER_DUCKDB_PATH": database,
            },
        )
        (tmp_path / database).touch()
        return (tmp_path / "calls").read_text().splitlines()

    first = [call for call in demo() if "2026-11-23" in call]
    assert len(first) == 4
    again = demo()
    assert [call for call in again if "2026-11-23" in call] == []
    assert "dbt --quiet build | 2026-11-27 12:00:00" in again
    # Another warehouse, or the same one begun anew, begins with the first day.
    assert len(demo("other.duckdb")) == len(first) + len(again)
    (tmp_path / "other.duckdb").unlink()
    assert len(demo("other.duckdb")) == len(first) + len(again)
