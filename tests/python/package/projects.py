"""Copies of the project and of the foreign one that installs it, and dbt and sync run in them as a person would."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from tests.python import commands

ROOT = Path(__file__).parents[3]
AS_OF = "2026-11-23 12:00:00"
LEFT_OUT = (
    ".git", ".venv*", "target", "logs", "*.duckdb*", ".headwater", "exports", "__pycache__", "dbt_packages", ".*_cache", ".hypothesis",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A folder with a dbt project in it."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def dbt(self, *words: str, succeeds: bool = True, manifest: Manifest | None = None) -> str:
        """Output of a dbt command, run in this process; with a manifest nothing is parsed for it."""
        printed = io.StringIO()
        with (
            contextlib.chdir(self.folder),
            mock.patch.dict(os.environ, self._environment(), clear=True),
            contextlib.redirect_stdout(printed),
        ):
            result = dbtRunner(manifest=manifest).invoke([*words])
        DuckDBConnectionManager.close_all_connections()
        output = printed.getvalue() + (str(result.exception) if result.exception else "")
        assert result.success is succeeds, output[-6000:]
        return output

    def manifest(self) -> Manifest:
        """What dbt knows of the project."""
        with (
            contextlib.chdir(self.folder),
            mock.patch.dict(os.environ, self._environment(), clear=True),
        ):
            parsed = dbtRunner().invoke(["--quiet", "parse"]).result
        assert isinstance(parsed, Manifest)
        return parsed

    def sync(self, *words: str, succeeds: bool = True) -> str:
        """Output of a sync command, run in this process where it is this checkout's."""
        if "PYTHONPATH" in self.environment:
            return self._run([sys.executable, "-m", "sync", *words], succeeds=succeeds)
        done = commands.sync(*words, folder=self.folder, environment=self._environment())
        output = done.stdout + done.stderr
        assert (done.returncode == 0) is succeeds, output[-6000:]
        return output

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEADWATER_", "DBT_"))}
        return {
            **kept,
            "PYTHONPATH": str(ROOT),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_PROFILES_DIR": str(self.folder),
            "DBT_LOG_LEVEL_FILE": "none",
            "HEADWATER_AS_OF": AS_OF,
            "NO_COLOR": "1",
            **self.environment,
        }

    def _run(self, command: list[str], *, succeeds: bool) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout + done.stderr
        assert (done.returncode == 0) is succeeds, output[-6000:]
        return output


def copy_of_project(folder: Path, *, without: tuple[str, ...] = ()) -> Place:
    """The project as git has it, less some of its folders."""
    place = folder / "headwater"
    shutil.copytree(ROOT, place, ignore=shutil.ignore_patterns(*LEFT_OUT, "profiles.yml"))
    for name in without:
        shutil.rmtree(place / name)
    shutil.copy(ROOT / "profiles.yml.example", place / "profiles.yml")
    return Place(place)


def copy_of_team_project(folder: Path) -> Place:
    """The foreign project; it installs the package from where this checkout is."""
    place = folder / "winery"
    shutil.copytree(
        ROOT / "tests" / "team_project", place, ignore=shutil.ignore_patterns(*LEFT_OUT)
    )
    (place / "packages.yml").write_text(f"packages:\n  - local: {ROOT}\n")
    project = place / "dbt_project.yml"
    project.write_text(project.read_text().replace("/srv/winery", str(place)))
    return Place(place)


def house(
    folder: Path, settings: Mapping[str, Any], models: Mapping[str, str], meta: Mapping[str, Any], source: Mapping[str, Any]
) -> dict[str, Any]:  # fmt: skip
    """A team's project by docs/adopt.md, with a warehouse of its own, house.duckdb: `models` over a source, with the `meta` of some. What
    its dbt_project.yml says.
    """
    project = {
        "name": "house", "profile": "house", "models": {"headwater": {"+schema": "cdp"}}, "seeds": {"headwater": {"+schema": "cdp"}},
        "flags": {"require_ref_searches_node_package_before_root": True}, "vars": settings,
    }  # fmt: skip
    output = {"type": "duckdb", "path": "house.duckdb", "schema": "dev", "threads": 2}
    described = {
        "models": [{"name": name, "config": {"meta": told}} for name, told in meta.items()],
        "sources": [source],
    }
    files = {
        "dbt_project.yml": project, "packages.yml": {"packages": [{"local": str(ROOT)}]}, "models/_house.yml": described,
        "profiles.yml": {"house": {"target": "dev", "outputs": {"dev": output}}}, "destinations.yml": {"destinations": {}},
    }  # fmt: skip
    (folder / "models").mkdir()
    for name, content in files.items():
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False))
    for name, sql in models.items():
        (folder / "models" / f"{name}.sql").write_text(sql)
    return project
