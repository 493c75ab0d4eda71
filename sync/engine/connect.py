"""From a sync's definition to a destination that can be called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from sync.config.definitions import closest
from sync.config.destinations import Destinations
from sync.destinations.base import Declaration, Destination
from sync.engine.limits import Limits, credential_id
from sync.errors import ConfigError
from sync.records import SyncObject


@dataclass(frozen=True, slots=True)
class Connection:
    """A destination, ready to be called, and what names its credential in memory."""

    destination: Destination
    declaration: Declaration
    credential: str


class Connector(Protocol):
    """Finds and builds destinations by the names exposures use."""

    limits: Limits

    def declaration(self, name: str) -> Declaration:
        """What the destination of that name can do; asks nobody.

        Raises:
            ConfigError: there is no such destination.
        """

    def connect(self, name: str, target: SyncObject) -> Connection:
        """The destination, built from its settings.

        Raises:
            ConfigError: a setting or environment variable is missing or wrong.
        """


class RegistryConnector:
    """Builds destinations through `sync.destinations.registry`, with live settings or the sandbox's."""

    def __init__(self, destinations: Destinations, *, sandbox_url: str | None = None) -> None:
        self._destinations = destinations
        self._sandbox_url = sandbox_url
        self.limits = Limits()

    def declaration(self, name: str) -> Declaration:
        """What the destination of that name can do."""
        from sync.destinations.registry import declarations

        known = declarations()
        kind = self._type(name, known)
        if kind not in known:
            raise ConfigError(
                f"destination '{name}' has type '{kind}', which is not one of "
                f"{', '.join(sorted(known))}{closest(kind, known)}",
                hint=f"mend it in {self._destinations.path.name}.",
            )
        return known[kind]

    def connect(self, name: str, target: SyncObject) -> Connection:
        """The destination, built from its settings; every request waits for its rate limit."""
        from sync.destinations import registry
        from sync.destinations.http import HttpClient

        declaration = self.declaration(name)
        kind = declaration.name
        if self._sandbox_url is not None:
            settings = dict(registry.sandbox_settings(kind, self._sandbox_url))
        else:
            settings = self._destinations.entries[name].settings()
        credential = credential_id(kind, settings)
        http = HttpClient(limiter=self.limits.hook(credential, declaration))
        destination = registry.create(kind, settings, target, http)
        return Connection(destination, declaration, credential)

    def _type(self, name: str, known: Mapping[str, Declaration]) -> str:
        entry = self._destinations.entries.get(name)
        if entry is not None:
            return entry.type
        if self._sandbox_url is not None and name in known:
            return name
        path = self._destinations.path
        names = sorted({*self._destinations.entries, *(known if self._sandbox_url else ())})
        if not self._destinations.exists and self._sandbox_url is None:
            raise ConfigError(
                f"no {path}: destination '{name}' has no settings.",
                hint=f"cp {path.name}.example {path.name} and fill it in, or use --sandbox.",
            )
        raise ConfigError(
            f"destination '{name}' is not in {path}; it has {', '.join(names) or 'none'}"
            f"{closest(name, names)}",
            hint="the exposure's `destination:` is a name in destinations.yml.",
        )
