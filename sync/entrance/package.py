"""The dbt half: where the copy that belongs to this tool is."""

from __future__ import annotations

from pathlib import Path

import yaml

import sync
from sync.errors import ConfigError, closest

NAME = "headwater"


def is_package(folder: Path) -> bool:
    """Whether a folder holds Headwater's dbt package."""
    try:
        settings = yaml.safe_load((folder / "dbt_project.yml").read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return False
    return isinstance(settings, dict) and settings.get("name") == NAME


def own_models(package: Path) -> frozenset[str]:
    """The names of the engine's models, which the registry of a team cannot name."""
    return frozenset(path.stem for path in (package / "models/engine").rglob("*.sql"))


def installed_package() -> Path:
    """The package that came with this tool: in the wheel beside its code, in a checkout above it.

    Raises:
        ConfigError: neither is there.
    """
    code = Path(sync.__file__).resolve().parent
    for folder in (code / "dbt_package", code.parent):
        if is_package(folder):
            return folder
    raise ConfigError(
        f"the dbt package is not where the tool is installed ({code}).",
        hint="install the wheel of Headwater, or name a checkout with --package PATH.",
    )


def chosen_package(given: Path) -> Path:
    """A folder that a person named.

    Raises:
        ConfigError: it is not Headwater's.
    """
    folder = given.expanduser().resolve()
    if is_package(folder):
        return folder
    names = [one.name for one in folder.parent.glob("*/")] if folder.parent.is_dir() else []
    near = "" if folder.exists() else closest(folder.name, names)
    raise ConfigError(
        f"--package {given}: no dbt package called {NAME} is there{near}.",
        hint="name the folder that has Headwater's own dbt_project.yml.",
    )
