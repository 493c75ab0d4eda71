"""Vars that nobody knows, and names of the registry that no model has: dbt says them in words about the engine's own models, or (its v2
engine) not at all. Read from files, since neither error leaves a manifest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from sync.config.project import Project
from sync.config.templates import read_yaml
from sync.errors import ConfigError, closest

PREFIX = "cdp_"
_SHAPES = Path("macros", "registry", "setting_shapes.sql")
_PATHS = {
    "model-paths": "models",
    "seed-paths": "seeds",
    "snapshot-paths": "snapshots",
}
_ENDINGS = (".sql", ".py", ".csv")
_OFF = re.compile(r"config\([^)]*\benabled\s*=\s*false\b", re.IGNORECASE)


def check_names(project: Project) -> None:
    """Every var of the engine's and every name in the registry is one there is.

    Raises:
        ConfigError: with all that are not.
    """
    wrong = [*_unknown_vars(project), *_unknown_models(project)]
    if wrong:
        raise ConfigError(
            f"{project.directory / 'dbt_project.yml'}: " + "\n".join(wrong),
            hint="docs/adopt.md, 'What stops before anything is made'.",
        )


def _unknown_vars(project: Project) -> Iterator[str]:
    known = _known_vars(project)
    scopes = [
        project.variables,
        project.variables.get(project.name),
        project.variables.get("headwater"),
    ]
    given = {str(name) for scope in scopes if isinstance(scope, dict) for name in scope}
    for name in sorted(given):
        if known and name.startswith(PREFIX) and name not in known:
            yield (
                f"vars: {name} is no setting{closest(name, known)}. A var of your own wants a name "
                f"that does not begin with {PREFIX}"
            )


def _known_vars(project: Project) -> list[str]:
    """Those that the package's own list has; none where the package is not there yet."""
    for folder in (project.directory, project.directory / "dbt_packages" / "headwater"):
        if (folder / _SHAPES).is_file():
            text = (folder / _SHAPES).read_text("utf-8")
            return re.findall(rf"^        '({PREFIX}\w+)':", text, re.MULTILINE)
    return []


def _unknown_models(project: Project) -> Iterator[str]:
    registry = project.variables.get("cdp_registry")
    if not isinstance(registry, dict):
        return
    there: dict[str, Path] | None = None
    for kind, names in registry.items():
        for name in names if isinstance(names, list) else []:
            there = _nodes(project) if there is None else there
            if not isinstance(name, str):
                continue
            if not _is_there(name, there):
                yield (
                    f"vars: cdp_registry: {kind}: '{name}' is no model: there is no file "
                    f"{name}.sql{closest(name, there)}. Take it out, or write the model"
                )
            elif name in there and _OFF.search(there[name].read_text("utf-8", "replace")):
                yield (
                    f"vars: cdp_registry: {kind}: '{name}' is switched off in "
                    f"{there[name].relative_to(project.directory)} (enabled). Take it out, or switch it on"
                )


def _is_there(name: str, there: Iterable[str]) -> bool:
    return any(one == name or re.fullmatch(rf"{re.escape(name)}[._]v[0-9]+", one) for one in there)


def _nodes(project: Project) -> dict[str, Path]:
    """Models, seeds and snapshots of the project and of its packages, by the names that their files give them."""
    packages = project.directory / "dbt_packages"
    folders = [project.directory, *(one for one in sorted(packages.glob("*")) if one.is_dir())]
    found: dict[str, Path] = {}
    for folder in folders:
        for path in _files(folder):
            if path.suffix in _ENDINGS:
                found.setdefault(path.stem, path)
            for name in _snapshots(path):
                found.setdefault(name, path)
    return found


def _files(folder: Path) -> Iterator[Path]:
    settings = (
        read_yaml(folder / "dbt_project.yml") if (folder / "dbt_project.yml").is_file() else {}
    )
    for setting, usual in _PATHS.items():
        for name in settings.get(setting) or [usual]:
            yield from sorted((folder / str(name)).rglob("*.*"))


def _snapshots(path: Path) -> list[str]:
    if "snapshot" not in path.parent.as_posix() or path.suffix not in (".sql", ".yml", ".yaml"):
        return []
    return re.findall(
        r"(?:\{%-?\s*snapshot\s+|^\s*-\s*name:\s*)(\w+)", path.read_text("utf-8"), re.MULTILINE
    )
