"""destinations.yml: names, types and credentials of destinations, and where alerts go."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync.config.templates import read_yaml, render
from sync.errors import ConfigError, closest

FILE_NAME = "destinations.yml"


@dataclass(frozen=True, slots=True)
class DestinationConfig:
    """One entry of destinations.yml, not yet rendered: an unset variable of one must not stop another."""

    name: str
    type: str
    _raw: Mapping[str, Any] = field(repr=False)
    _path: Path

    def settings(self) -> dict[str, str]:
        """The entry's settings with `env_var()` filled in.

        Raises:
            ConfigError: an environment variable is not set.
        """
        rendered = render(dict(self._raw), f"{self._path}: destinations.{self.name}")
        return {key: value for key, value in rendered.items() if value is not None}


@dataclass(frozen=True, slots=True)
class AlertConfig:
    """Where a change of state of a sync is told: `slack` or `webhook`."""

    type: str
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Destinations:
    """Everything destinations.yml says. `path` need not exist: the sandbox needs no settings."""

    path: Path
    entries: Mapping[str, DestinationConfig]
    _alerts: Mapping[str, Any] = field(repr=False, default_factory=dict)

    @property
    def exists(self) -> bool:
        """Whether the project has a destinations.yml."""
        return self.path.is_file()

    def alerts(self) -> AlertConfig | None:
        """Where alerts go, or None.

        Raises:
            ConfigError: the entry is incomplete or an environment variable is not set.
        """
        if not self._alerts:
            return None
        rendered = render(dict(self._alerts), f"{self.path}: alerts")
        kind, url = str(rendered.get("type", "webhook")), str(rendered.get("url") or "")
        if kind not in ("slack", "webhook") or set(rendered) - {"type", "url"}:
            wrong = next(iter(set(rendered) - {"type", "url"}), "")
            near = closest(str(wrong or kind), ["type", "url"] if wrong else ["slack", "webhook"])
            raise ConfigError(
                f"{self.path}: alerts takes `type` (slack or webhook) and `url`, not '{wrong or kind}'{near}."
            )
        return AlertConfig(type=kind, url=url) if url else None


def load_destinations(project_dir: Path) -> Destinations:
    """destinations.yml of the project, or an empty set of destinations where there is none.

    Raises:
        ConfigError: the file is malformed.
    """
    path = project_dir / FILE_NAME
    if not path.is_file():
        return Destinations(path=path, entries={})
    document = read_yaml(path, plainly=True)
    unknown = [key for key in document if key not in ("destinations", "alerts")]
    if unknown:
        near = closest(str(unknown[0]), ["destinations", "alerts"])
        raise ConfigError(
            f"{path}: unknown key '{unknown[0]}'; allowed: destinations, alerts{near}."
        )
    raw = document.get("destinations") or {}
    alerts = document.get("alerts") or {}
    if not isinstance(raw, Mapping) or not isinstance(alerts, Mapping):
        raise ConfigError(f"{path}: destinations and alerts must be mappings.")
    entries = {}
    for name, entry in raw.items():
        if not isinstance(entry, Mapping):
            raise ConfigError(f"{path}: destination '{name}' must be a mapping of settings.")
        settings = {key: value for key, value in entry.items() if key != "type"}
        entries[str(name)] = DestinationConfig(
            name=str(name), type=str(entry.get("type", name)), _raw=settings, _path=path
        )
    return Destinations(path=path, entries=entries, _alerts=alerts)


def environment_name() -> str:
    """`live`, or `sandbox` when HEADWATER_ENVIRONMENT says so.

    Raises:
        ConfigError: the variable holds anything else.
    """
    name = os.environ.get("HEADWATER_ENVIRONMENT", "live") or "live"
    if name not in ("live", "sandbox"):
        raise ConfigError(
            f"HEADWATER_ENVIRONMENT is '{name}'; it must be live or sandbox.",
        )
    return name
