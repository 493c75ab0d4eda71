"""A scratch copy of the dbt project: the project's own macros and chosen models on a DuckDB file of its own.

Benchmarks and tests use it to run the SQL that ships, under dbt, on data of their making.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]

_LEFT_BEHIND = ("demo", "_demo*", "target", "__pycache__")


EVERY_RECORD = """{%- do headwater.ref_records() -%}
{%- for entity in headwater.matching_settings().entities -%}
{%- set outer = loop -%}
{%- for record in entity.records -%}
select
    {{ headwater.string_literal(entity.name) }} as entity,
    {{ dbt.concat([headwater.string_literal(record.source_name ~ ':'), "cast(" ~ record.record_key ~ " as " ~ dbt.type_string() ~ ")"]) }}
        as record_key,
    cast(null as {{ dbt.type_string() }}) as survivor_key
from {{ ref(record.model) }}
{{ "union all" if not (outer.last and loop.last) }}
{% endfor -%}
{%- endfor -%}
"""


@dataclass(frozen=True, slots=True)
class Build:
    """What one `dbt build` in a process of its own took."""

    seconds: Mapping[str, float]  # by model
    peak_bytes: int

    @property
    def total_seconds(self) -> float:
        return sum(self.seconds.values())


def add_matching(directory: Path, *, review: bool = False) -> None:
    """Copy the probabilistic tier, which a scratch project leaves behind: its macros, models and shipped weights; its review only
    where there is an identity for it to look at.
    """
    for folder in ("macros/matching", "models/engine/identity/matching"):
        shutil.copytree(ROOT / folder, directory / folder, dirs_exist_ok=True)
    if not review:
        (directory / "models/engine/identity/matching/matching_review.sql").unlink()
    records = directory / "models/engine/identity/identity_records.sql"
    if not records.exists():  # matching without identity: everybody takes part
        records.write_text(EVERY_RECORD)
    (directory / "seeds").mkdir(exist_ok=True)
    for name in ("matching_weights.csv", "_matching__seeds.yml"):
        shutil.copy(ROOT / "seeds" / name, directory / "seeds")


class ScratchProject:
    """One scratch project in `directory`; `folders` of the real project are copied into it."""

    def __init__(
        self,
        directory: Path,
        *,
        folders: Sequence[str] = ("macros",),
        models: Mapping[str, str] | None = None,
        variables: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        threads: int = 2,
    ) -> None:
        self.directory = directory
        self.database = directory / "scratch.duckdb"
        self._folders = folders
        directory.mkdir(parents=True, exist_ok=True)
        for folder in folders:
            if (ROOT / folder).exists():
                # Macros of matching compare attributes too; its models are a tier that is left behind.
                behind = _LEFT_BEHIND if folder == "macros" else (*_LEFT_BEHIND, "matching*")
                shutil.copytree(
                    ROOT / folder,
                    directory / folder,
                    ignore=shutil.ignore_patterns(*behind),
                    dirs_exist_ok=True,
                )
        (directory / "models/engine").mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "models/engine/_groups.yml", directory / "models/engine/_groups.yml")
        for name, sql in (models or {}).items():
            path = directory / "models/engine" / f"{name}.sql"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(sql)
        self.configure(variables or {})
        self._write_profile({"TimeZone": "UTC", **(settings or {})}, threads)

    def configure(self, variables: Mapping[str, Any]) -> None:
        """Write dbt_project.yml: the project's own, with `variables` over its vars."""
        project = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
        # Staging counts what it cannot read into one of sync's tables; the other checks are of a whole project.
        project["on-run-start"] = ["{{ headwater.create_sync_tables() }}"]
        layers = {folder.split("/")[2] for folder in self._folders if folder.startswith("models/")}
        folders = project["models"]["headwater"]
        project["models"]["headwater"] = {
            name: config for name, config in folders.items() if name in layers
        }
        # The demo's own is told by a macro among its seeds.
        is_demo = any(folder.startswith("models/demo") for folder in self._folders)
        country = {"cdp_default_country": "DE"} if is_demo else {}
        project["vars"] = {**(project.get("vars") or {}), **country, **variables}
        text = yaml.safe_dump(project, sort_keys=False, allow_unicode=True)
        (self.directory / "dbt_project.yml").write_text(text)

    def _write_profile(self, settings: Mapping[str, Any], threads: int) -> None:
        output = {
            "type": "duckdb",
            "path": str(self.database),
            "schema": "analytics",
            "threads": threads,
            "settings": dict(settings),
        }
        profile = {"headwater": {"target": "duckdb", "outputs": {"duckdb": output}}}
        (self.directory / "profiles.yml").write_text(yaml.safe_dump(profile))

    @property
    def environment(self) -> dict[str, str]:
        """What dbt needs to work in this directory."""
        return {
            "DBT_PROFILES_DIR": str(self.directory),
            "DBT_PROJECT_DIR": str(self.directory),
            "DBT_TARGET_PATH": str(self.directory / "target"),
            "DBT_LOG_PATH": str(self.directory / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }

    def run(self, *arguments: str, command: str = "run") -> Build:
        """Run dbt in a new process; its output goes to stderr.

        Raises:
            RuntimeError: dbt failed.
        """
        line = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "--quiet", command]
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        done = subprocess.run(
            [*line, *arguments],
            env={**os.environ, **self.environment},
            stdout=sys.stderr,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"dbt {command} failed in {self.directory}")
        peak = max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
        results = json.loads((self.directory / "target/run_results.json").read_text())
        seconds = {
            line["unique_id"].split(".")[2]: line["execution_time"] for line in results["results"]
        }
        return Build(seconds, peak * 1024)
