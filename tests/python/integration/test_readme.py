"""The commands of the README, typed as they stand there into a copy of the project."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
BLOCKS = [block.splitlines() for block in re.findall(r"```bash\n(.*?)```", README, flags=re.S)]
INSTALLS = ("python3 -m venv", ". .venv/bin/activate", "pip install")


def commands(block: list[str]) -> list[str]:
    lines = (re.sub(r"\s+#.*", "", line).strip() for line in block)
    return [line for line in lines if line]


def by_hand() -> list[str]:
    """The block that `make demo` stands for."""
    return next(commands(block) for block in BLOCKS if any("dbt seed" in line for line in block))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as git has it, and a `sync` that runs the copy's code."""
    folder = tmp_path_factory.mktemp("readme")
    ignored = shutil.ignore_patterns(
        ".git",
        ".venv*",
        "target",
        "logs",
        "*.duckdb*",
        ".headwater",
        "profiles.yml",
        "exports",
        "__pycache__",
    )
    project = folder / "headwater"
    shutil.copytree(ROOT, project, ignore=ignored)
    shims = folder / "bin"
    shims.mkdir()
    for name in ("sync", "headwater"):
        shim = shims / name
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sync "$@"\n')
        shim.chmod(0o755)
    return project


def environment(copy: Path) -> dict[str, str]:
    """A plain shell's, with `sync` and dbt on its path."""
    found = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HEADWATER_", "DBT_")) or name == "DBT_SEND_ANONYMOUS_USAGE_STATS"
    }
    found["PATH"] = f"{copy.parent / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return found


def run(copy: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=copy, env=environment(copy), capture_output=True, text=True, timeout=900,
    )  # fmt: skip


def test_every_requirement_the_readme_installs_is_there() -> None:
    named = re.findall(r"-r (\S+)", " ".join(by_hand()))
    assert named
    assert all((ROOT / name).exists() for name in named)


def test_make_demo_runs_the_commands_the_readme_shows() -> None:
    script = (ROOT / "scripts" / "demo.sh").read_text()
    typed = re.findall(r"^ *run (.*)$", script, flags=re.M)
    shown = [line for line in by_hand() if line.startswith(("dbt", "sync"))]
    assert [line.replace("dbt --quiet", "dbt") for line in typed] == [
        line for line in shown if line != "sync plan"
    ]


def test_make_has_every_target_the_docs_name() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    texts = [README, *(path.read_text() for path in (ROOT / "docs").rglob("*.md"))]
    named = {
        name for text in texts for name in re.findall(r"(?:`|^)make ([a-z0-9-]+)", text, flags=re.M)
    }
    assert {"demo", "test"} <= named
    assert named <= targets


def test_every_page_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    missing = [link for link in links if not (ROOT / link).exists()]
    assert not missing


EXPORTS = [line for line in by_hand() if line.startswith("export")]


# What CI sets where it has just run `make demo` in this checkout, which types the same commands.
DEMO_WAS_RUN = os.environ.get("HEADWATER_TEST_AFTER_DEMO") == "1"


@pytest.fixture(scope="module")
def typed(copy: Path) -> subprocess.CompletedProcess[str]:
    """What the README says to type, typed; where `make demo` has just done so, what it left."""
    if DEMO_WAS_RUN:
        for name in ("headwater.duckdb", "target", ".headwater", "profiles.yml"):
            left, here = ROOT / name, copy / name
            if left.is_dir():
                shutil.copytree(left, here)
            else:
                shutil.copy2(left, here)
        return run(copy, "\n".join([*EXPORTS, "sync report", "sync list", "sync status"]))
    lines = [line for line in by_hand() if not line.startswith(INSTALLS)]
    looked = [
        line for block in BLOCKS for line in commands(block) if line in ("sync list", "sync status")
    ]
    assert looked
    return run(copy, "\n".join([*lines, *looked]))


def test_the_readme_runs_as_it_stands_and_a_second_push_sends_nothing(
    copy: Path, typed: subprocess.CompletedProcess[str]
) -> None:
    assert typed.returncode == 0, typed.stdout[-3000:] + typed.stderr[-3000:]
    assert "What came back" in typed.stdout
    assert "Win-back e-mail due" in typed.stdout.split("What came back")[1]
    again = run(copy, "\n".join([*EXPORTS, "sync push --json"]))
    assert again.returncode == 0, again.stderr[-2000:]
    syncs = json.loads(again.stdout)["syncs"]
    assert len(syncs) == 12
    assert sum(row["added"] + row["changed"] + row["removed"] for row in syncs) == 0


@pytest.mark.usefixtures("typed")
def test_the_projects_own_unit_tests_pass_where_the_readme_has_built_it(copy: Path) -> None:
    """The README leaves them out: they test the SQL, not the data."""
    exports = [line for line in EXPORTS if "unit_test" not in line]
    assert exports != EXPORTS
    told = dict(re.findall(r'export (\w+)="?([^"\n]*)"?', "\n".join(exports)))
    with contextlib.chdir(copy), mock.patch.dict(os.environ, environment(copy) | told, clear=True):
        tested = dbtRunner().invoke(["--quiet", "test", "--select", "test_type:unit"])
    DuckDBConnectionManager.close_all_connections()
    assert tested.success, tested.exception or [one.message for one in tested.result]
    passed = [one for one in tested.result if one.status == "pass"]
    assert all(one.node.resource_type == "unit_test" for one in passed)
    assert len(passed) > 50
