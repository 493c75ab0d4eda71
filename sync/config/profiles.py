"""dbt's own profiles.yml: how to reach the warehouse, never asked for twice."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync.config.project import Project
from sync.config.templates import read_yaml, render
from sync.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Target:
    """One output of a dbt profile, rendered. `settings` may hold secrets and so stays out of `repr`."""

    name: str
    type: str  # duckdb, snowflake, bigquery
    settings: Mapping[str, Any] = field(repr=False)
    project_dir: Path

    def text(self, key: str, default: str = "") -> str:
        """A setting as text, or `default` where the target has none."""
        value = self.settings.get(key)
        return default if value is None else str(value)


def load_target(
    project: Project, *, profiles_dir: Path | None = None, target: str | None = None
) -> Target:
    """The output that dbt would use, searched for as dbt does:
    `--profiles-dir`, DBT_PROFILES_DIR, the working directory, ~/.dbt.

    Raises:
        ConfigError: no file, profile, target, or an environment variable is missing.
    """
    path = _find_profiles(profiles_dir)
    document = read_yaml(path)
    profile = document.get(project.profile)
    if not isinstance(profile, Mapping):
        names = ", ".join(sorted(name for name in document if name != "config")) or "none"
        raise ConfigError(
            f"{path} has no profile '{project.profile}'; it has: {names}.",
            hint="the profile's name is set by `profile:` in dbt_project.yml.",
        )
    outputs = profile.get("outputs")
    if not isinstance(outputs, Mapping) or not outputs:
        raise ConfigError(f"{path}: profile '{project.profile}' has no outputs.")
    chosen = target or os.environ.get("DBT_TARGET")
    if not chosen:
        chosen = render(profile.get("target", "default"), f"{path}: {project.profile}.target")
    output = outputs.get(chosen)
    if not isinstance(output, Mapping):
        raise ConfigError(
            f"{path}: profile '{project.profile}' has no target '{chosen}'; "
            f"it has: {', '.join(sorted(outputs))}."
        )
    settings = render(dict(output), f"{path}: {project.profile}.{chosen}")
    kind = settings.get("type")
    if not kind:
        raise ConfigError(f"{path}: target '{chosen}' has no type.")
    return Target(name=chosen, type=str(kind), settings=settings, project_dir=project.directory)


def _find_profiles(profiles_dir: Path | None) -> Path:
    named = profiles_dir or os.environ.get("DBT_PROFILES_DIR")
    folders = [Path(named).expanduser()] if named else [Path.cwd(), Path.home() / ".dbt"]
    for folder in folders:
        if (folder / "profiles.yml").is_file():
            return folder / "profiles.yml"
    looked = " or ".join(str(folder / "profiles.yml") for folder in folders)
    raise ConfigError(
        f"no profiles.yml: looked for {looked}.",
        hint="cp profiles.yml.example profiles.yml, or name its folder with --profiles-dir.",
    )
