"""What there is before `init`: a dbt project with its profile, warehouse and packages, or nothing yet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sync.config.profiles import Target, load_target
from sync.config.project import find_project
from sync.config.templates import read_yaml, render
from sync.entrance.package import NAME, is_package
from sync.errors import ConfigError

DEPENDENCIES = (
    "dependencies.yml"  # of packages too, and dbt reads it as it is written, without Jinja
)


@dataclass(frozen=True, slots=True)
class Found:
    """A folder as it is now."""

    folder: Path
    is_project: bool
    name: str
    profile: str
    target: Target | None  # None where no profiles.yml has the profile
    why_no_target: str
    models: str  # the first of model-paths
    seeds: str
    packages_file: str
    packages: tuple[str, ...]
    has_package: bool

    def document(self) -> dict[str, Any]:
        """What was found, as --json prints it."""
        return {
            "folder": str(self.folder),
            "is_dbt_project": self.is_project,
            "name": self.name,
            "profile": self.profile,
            "adapter": self.target.type if self.target else None,
            "target": self.target.name if self.target else None,
            "packages": list(self.packages),
        }


def look(
    folder: Path | None, *, profile: str | None, profiles_dir: Path | None, target: str | None
) -> Found:
    """What is in `folder`; without one, in the project around the working directory, or in that itself.

    Raises:
        ConfigError: its files are malformed, or it is Headwater itself.
    """
    place = (folder or _around(Path.cwd())).expanduser().resolve()
    if place.exists() and not place.is_dir():
        raise ConfigError(f"{place} is a file.", hint="name a folder.")
    if is_package(place):
        raise ConfigError(
            f"{place} is Headwater itself, and no file of it is for editing.",
            hint="run init in the folder of your own dbt project, or in an empty one.",
        )
    if not (place / "dbt_project.yml").is_file():
        return _nothing_yet(place, profile, profiles_dir, target)
    settings = read_yaml(place / "dbt_project.yml")
    name = str(settings.get("name") or "")
    own = str(render(settings.get("profile") or "", f"{place / 'dbt_project.yml'}: profile"))
    if not name or not own:
        find_project(place)  # its error says what is missing
    if profile and profile != own:
        raise ConfigError(
            f"--profile {profile}: {place / 'dbt_project.yml'} says profile '{own}'.",
            hint="leave --profile out, or change it there.",
        )
    file, packages, has_package = _packages(place)
    reached, why = _target(place, profiles_dir, target)
    return Found(
        folder=place,
        is_project=True,
        name=name,
        profile=own,
        target=reached,
        why_no_target=why,
        models=_first(settings, "model-paths", "models"),
        seeds=_first(settings, "seed-paths", "seeds"),
        packages_file=file,
        packages=packages,
        has_package=has_package,
    )


def _around(start: Path) -> Path:
    for folder in (start, *start.parents):
        if (folder / "dbt_project.yml").is_file():
            return folder
    return start


def _nothing_yet(
    place: Path, profile: str | None, profiles_dir: Path | None, target: str | None
) -> Found:
    name = re.sub(r"[^a-z0-9]+", "_", place.name.lower()).strip("_") or "customers"
    if name == NAME or name[0].isdigit():
        name = f"cdp_{name}"
    reached, why = None, "a profiles.yml with an embedded DuckDB is made here"
    if profile:
        reached, why = _target_of(place, name, profile, profiles_dir, target)
    return Found(
        folder=place,
        is_project=False,
        name=name,
        profile=profile or name,
        target=reached,
        why_no_target=why,
        models="models",
        seeds="seeds",
        packages_file="packages.yml",
        packages=(),
        has_package=False,
    )


def _target(
    place: Path, profiles_dir: Path | None, target: str | None
) -> tuple[Target | None, str]:
    project = find_project(place)
    return _target_of(place, project.name, project.profile, profiles_dir, target)


def _target_of(
    place: Path, name: str, profile: str, profiles_dir: Path | None, target: str | None
) -> tuple[Target | None, str]:
    from sync.config.project import Project

    project = Project(directory=place, name=name, profile=profile, artifacts=place / "target")
    beside = place if (place / "profiles.yml").is_file() else None
    try:
        return load_target(project, profiles_dir=profiles_dir or beside, target=target), ""
    except ConfigError as error:
        return None, error.message


def _first(settings: dict[str, Any], key: str, default: str) -> str:
    paths = settings.get(key) or [default]
    return str(paths[0] if isinstance(paths, list) else paths).rstrip("/")


def _packages(place: Path) -> tuple[str, tuple[str, ...], bool]:
    """The file that lists packages, what they are, and whether Headwater is among them."""
    file = "packages.yml"
    documents = {
        name: read_yaml(place / name)
        for name in ("packages.yml", DEPENDENCIES)
        if (place / name).is_file()
    }
    # dbt refuses a project with the key in both, also where a list is empty (dbt/config/project.py of dbt-core 1.11).
    if "packages" in documents.get(DEPENDENCIES, {}):
        file = DEPENDENCIES
    if all("packages" in documents.get(name, {}) for name in ("packages.yml", DEPENDENCIES)):
        raise ConfigError(
            f"{place}: packages: stands in packages.yml and in {DEPENDENCIES}, which dbt refuses.",
            hint="keep one of them, and run again; nothing was written.",
        )
    listed = documents.get(file, {}).get("packages") or []
    entries = [one for one in listed if isinstance(one, dict)]
    shown, has_package = [], False
    for entry in entries:
        where = next(
            (str(entry[key]) for key in ("package", "local", "git", "tarball") if key in entry), "?"
        )
        shown.append(where)
        if "local" in entry:
            path = where if file == DEPENDENCIES else str(render(where, f"{file}: local"))
            has_package |= is_package(place / path)
        else:
            has_package |= where.removesuffix(".git").rstrip("/").endswith(f"/{NAME}")
    return file, tuple(shown), has_package
