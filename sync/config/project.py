"""Where the dbt project is, and where dbt left its artifacts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync.config.templates import read_yaml, render
from sync.errors import ConfigError
from sync.private import OURS


@dataclass(frozen=True, slots=True)
class Project:
    """A dbt project on disk."""

    directory: Path
    name: str
    profile: str
    artifacts: Path  # where manifest.json and run_results.json are
    variables: Mapping[str, Any] = field(default_factory=dict)  # vars: of dbt_project.yml

    @property
    def manifest(self) -> Path:
        """Where dbt keeps manifest.json."""
        return self.artifacts / "manifest.json"

    @property
    def run_results(self) -> Path:
        """Where dbt keeps run_results.json."""
        return self.artifacts / "run_results.json"

    def variable(self, name: str) -> Any:
        """A variable as dbt finds it: the project's own or the package's before one of all; None where nothing says it."""
        scopes = [self.variables.get(scope) for scope in (self.name, "headwater")]
        for scope in (*scopes, self.variables):
            if isinstance(scope, Mapping) and name in scope:
                return scope[name]
        return None

    @property
    def private(self) -> Path:
        """Files of `sync` itself that are nobody else's business; git-ignored."""
        return self.directory / OURS

    @property
    def journal(self) -> Path:
        """What runs keep on disk until it is in the warehouse."""
        return self.private / "journal"


def find_project(directory: Path | None = None) -> Project:
    """The project in `directory`, or in the nearest folder above that has a dbt_project.yml.

    Raises:
        ConfigError: there is none, or it is malformed.
    """
    start = (directory or Path.cwd()).resolve()
    candidates = [start] if directory else [start, *start.parents]
    for candidate in candidates:
        if (candidate / "dbt_project.yml").is_file():
            return _read_project(candidate)
    raise ConfigError(
        f"no dbt_project.yml in {start}.",
        hint="run sync inside the dbt project, or name its folder with --project-dir.",
    )


def _read_project(directory: Path) -> Project:
    path = directory / "dbt_project.yml"
    settings = read_yaml(path)
    name = str(settings.get("name") or "")
    profile = render(settings.get("profile") or "", f"{path}: profile")
    if not name or not profile:
        raise ConfigError(f"{path} must set both name and profile.")
    target_path = os.environ.get("DBT_TARGET_PATH") or settings.get("target-path") or "target"
    variables = settings.get("vars") or {}
    return Project(
        directory=directory,
        name=name,
        profile=profile,
        artifacts=directory / str(target_path),
        variables=variables if isinstance(variables, Mapping) else {},
    )
