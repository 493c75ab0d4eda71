"""Which destinations there are: those of this package, and those other packages bring as entry points.

A package adds one with an entry point of the group `headwater.destinations` whose name is the type used in destinations.yml and
whose object is the destination's class; declared files (*.yml) with one of the group `headwater.declared`, whose object is
the package that holds them. A project's own files are in `destinations/`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.resources
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sync.destinations.base import Declaration, Destination
from sync.destinations.declared import FOLDER, in_folder
from sync.destinations.http import Limiter
from sync.destinations.settings import parse
from sync.errors import ConfigError, closest
from sync.records import SyncObject

GROUP = "headwater.destinations"
TOKEN_PATH = "/oauth/token"  # noqa: S105 - where a stand-in gives access tokens
BUILT_IN = {
    "files": "sync.destinations.files:Files",
    "google_data_manager": "sync.destinations.google_data_manager:GoogleDataManager",
    "hubspot": "sync.destinations.hubspot:Hubspot",
    "klaviyo": "sync.destinations.klaviyo:Klaviyo",
    "meta": "sync.destinations.meta:Meta",
    "onesignal": "sync.destinations.onesignal:OneSignal",
    "webhook": "sync.destinations.webhook:Webhook",
}


DECLARED_GROUP = "headwater.declared"
PROJECT_FOLDER = "destinations"  # beside destinations.yml: files of a team's own
_folders: list[Path] = []


def names() -> list[str]:
    """Every type that destinations.yml may use."""
    return sorted({*BUILT_IN, *_entry_points(), *declared_files()})


def add_folder(folder: Path) -> None:
    """Take in the files of a team's project."""
    if folder not in _folders:
        _folders.append(folder)


def declared_files() -> dict[str, Path]:
    """Declared destinations by type: this package's, those of packages, and the project's own, which go first."""
    found = {**in_folder(FOLDER), **_of_packages()}
    for folder in _folders:
        found |= in_folder(folder)
    return found


def shipped() -> list[str]:
    """Those of this package, whatever else is installed."""
    return sorted([*BUILT_IN, *in_folder(FOLDER)])


def declaration(kind: str) -> Declaration:
    """What a destination of this type can do.

    Raises:
        ConfigError: there is no such type.
    """
    found: Declaration = _class(kind).declaration
    return found


def declarations() -> list[Declaration]:
    """What each destination can do, by name."""
    return [declaration(name) for name in names()]


def create(
    kind: str,
    *,
    name: str,
    settings: Mapping[str, Any],
    target: SyncObject,
    limiter: Limiter = lambda _group: None,
) -> Destination:
    """A destination ready to be used. `name` is what destinations.yml calls it, for messages.

    Raises:
        ConfigError: unknown type, or a setting is missing, unknown or of the wrong form.
    """
    found = _class(kind)
    parsed = parse(found.settings_type, name, settings)
    made: Destination = found(parsed, target, limiter)
    return made


def sandbox_settings(kind: str, *, base_url: str, directory: str) -> dict[str, Any]:
    """Settings that reach the stand-in of this type in the sandbox at `base_url`; what is written to disk goes below `directory`."""
    return settings_in_sandbox(_class(kind), base_url=base_url, directory=directory)


def settings_in_sandbox(found: Any, *, base_url: str, directory: str) -> dict[str, Any]:
    """The same for a destination's class."""
    fields = found.settings_type.model_fields
    settings: dict[str, Any] = dict(found.sandbox_settings)
    for address in ("base_url", "url"):
        if address in fields:
            settings[address] = f"{base_url.rstrip('/')}/{found.declaration.name}"
    if "token_url" in fields:
        settings["token_url"] = f"{base_url.rstrip('/')}/{found.declaration.name}{TOKEN_PATH}"
    if "path" in fields:
        settings["path"] = f"{directory}/files"
    return settings


def _class(kind: str) -> Any:
    entry_points = _entry_points()
    if kind in entry_points:
        return entry_points[kind].load()
    if kind in BUILT_IN:
        module, _, attribute = BUILT_IN[kind].partition(":")
        return getattr(importlib.import_module(module), attribute)
    if (path := declared_files().get(kind)) is not None:
        return _declared(path)
    raise ConfigError(
        f"there is no destination of type '{kind}'{closest(kind, names())}.",
        f"types are {', '.join(names())}.",
    )


@cache
def _declared(path: Path) -> Any:
    from sync.destinations.declared.connector import connector
    from sync.destinations.declared.files import load

    return connector(load(path))


@cache
def _of_packages() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for point in importlib.metadata.entry_points(group=DECLARED_GROUP):
        found |= in_folder(Path(str(importlib.resources.files(point.load()))))
    return found


@cache
def _entry_points() -> dict[str, importlib.metadata.EntryPoint]:
    return {point.name: point for point in importlib.metadata.entry_points(group=GROUP)}
