"""A project of another name that has this one's macros as a package: what a team's own models get without a line to copy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
from dbt.cli.main import dbtRunner

ROOT = Path(__file__).parents[2]
OWN_MODELS = {
    path.stem for path in (ROOT / "models/engine").rglob("*.sql")
}  # stand in the package, wherever a test writes them


class Project:
    """A project named shop, in a folder of its own; `models` are its files by name. `kept`: dbt writes its log and manifest."""

    def __init__(self, folder: Path, *, kept: bool = False) -> None:
        self.folder = folder
        self.keeping = (
            ("--log-level-file", "debug")
            if kept
            else ("--log-level-file", "none", "--no-write-json")
        )
        self.package = folder / "dbt_packages" / "headwater"
        self.models: dict[str, str] = {}
        self.syncs: dict[str, tuple[str, dict[str, Any]]] = {}
        self.sources: list[dict[str, Any]] = []
        self.vars: dict[str, Any] = {}
        self.seeds: dict[str, Any] = {}  # what dbt_project.yml says of them
        shutil.copytree(ROOT / "macros", self.package / "macros")
        settings = (ROOT / "dbt_project.yml").read_text()
        own = "\nmodels:\n  headwater:\n    own: {+materialized: table}\n"
        assert own.rpartition("    ")[0] in settings
        (self.package / "dbt_project.yml").write_text(
            settings.replace(own.rpartition("    ")[0], own)
        )
        output = {"type": "duckdb", "path": str(folder / "shop.duckdb"), "schema": "analytics"}
        (folder / "profiles.yml").write_text(
            json.dumps({"shop": {"target": "dev", "outputs": {"dev": output}}})
        )

    def mutate(self, file: str, old: str, new: str) -> None:
        path = self.package / "macros" / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def write(self) -> None:
        """Its files as they are now."""
        folder = self.folder / "models"
        folder.mkdir(exist_ok=True)
        audiences = [name for name in self.models if name.startswith("audience_")]
        project = {
            "name": "shop", "profile": "shop", "flags": {"send_anonymous_usage_stats": False},
            "models": {"shop": {"+materialized": "table"}}, "seeds": self.seeds,
            "vars": {"cdp_registry": {"audiences": audiences}} | self.vars,
        }  # fmt: skip
        (self.folder / "dbt_project.yml").write_text(json.dumps(project))
        own = self.package / "models/engine/own"
        own.mkdir(parents=True, exist_ok=True)
        for name, sql in self.models.items():
            (own if name in OWN_MODELS else folder).joinpath(f"{name}.sql").write_text(sql)
        exposures = [
            {
                "name": name, "type": "application", "owner": {"name": "Shop"},
                "depends_on": [f"ref('{model}')"], "config": {"meta": {"sync": sync}},
            }
            for name, (model, sync) in self.syncs.items()
        ]  # fmt: skip
        properties = {"version": 2, "exposures": exposures, "sources": self.sources}
        (folder / "_properties.yml").write_text(json.dumps(properties))

    def build(self, *words: str) -> list[str]:
        """What failed, with its message; the run itself by the name of the exception."""
        self.write()
        result = dbtRunner().invoke(
            [
                *("--quiet", "build", "--project-dir", str(self.folder)),
                *("--profiles-dir", str(self.folder), "--target-path", str(self.folder / "target")),
                *("--log-path", str(self.folder / "logs"), *self.keeping),
                *words,
            ]
        )
        found = [
            f"{one.node.name}: {one.message}"
            for one in (result.result.results if result.result else [])
            if one.status in ("error", "fail")
        ]
        if not result.success and not found:
            found.append(f"run: {result.exception}")
        return found

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.folder / "shop.duckdb")) as connection:
            return connection.execute(query).fetchall()
