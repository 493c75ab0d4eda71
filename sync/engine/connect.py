"""From a sync's definition to a destination that can be called."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from sync.config.destinations import Destinations
from sync.destinations.base import Declaration, Destination
from sync.engine.limits import Limits, credential_id, set_limits
from sync.errors import ConfigError, closest
from sync.records import SyncObject


@dataclass(frozen=True, slots=True)
class Connection:
    """A destination, ready to be called, and what names its credential in memory."""

    destination: Destination
    declaration: Declaration
    credential: str
    type: str = ""  # of the destination
    is_sandbox: bool = False


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


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Where the local stand-ins answer, and the folder that stands in for files."""

    base_url: str
    directory: str


class RegistryConnector:
    """Builds destinations through `sync.destinations.registry`, with live settings or the sandbox's."""

    def __init__(self, destinations: Destinations, *, sandbox: Sandbox | None = None) -> None:
        self._destinations = destinations
        self._sandbox = sandbox
        self.limits = Limits()
        from sync.destinations import registry

        registry.add_folder(destinations.path.parent / registry.PROJECT_FOLDER)

    def declaration(self, name: str) -> Declaration:
        """What the destination of that name can do."""
        from sync.destinations import registry

        entry = self._destinations.entries.get(name)
        kind = entry.type if entry else self._sandbox_type(name, registry.names())
        if kind not in registry.names():
            raise ConfigError(
                f"destination '{name}' has type '{kind}', which is not one of "
                f"{', '.join(registry.names())}{closest(kind, registry.names())}.",
                hint=f"mend it in {self._destinations.path.name}.",
            )
        declared = registry.declaration(kind)
        if entry is None or not entry.limits:
            return declared
        where = f"{self._destinations.path.name}: destinations.{name}.limits"
        return replace(declared, rate_limits=set_limits(declared.rate_limits, entry.limits, where))

    def connect(self, name: str, target: SyncObject) -> Connection:
        """The destination, built from its settings; every request waits for its rate limit."""
        from sync.destinations import registry

        declaration = self.declaration(name)
        kind = declaration.name
        if self._sandbox is not None:
            settings = registry.sandbox_settings(
                kind, base_url=self._sandbox.base_url, directory=self._sandbox.directory
            )
        else:
            settings = self._destinations.entries[name].settings()
        credential = credential_id(kind, settings)
        hook = self.limits.hook(credential, declaration)
        # A stand-in has limits of its own and says 429 when they are passed.
        limiter = (lambda _: None) if self._sandbox else hook
        destination = registry.create(
            kind, name=name, settings=settings, target=target, limiter=limiter
        )
        return Connection(
            destination, declaration, credential, type=kind, is_sandbox=self._sandbox is not None
        )

    def names(self) -> list[str]:
        """Every destination that destinations.yml or the sandbox has."""
        from sync.destinations import registry

        return sorted({*self._destinations.entries, *(registry.names() if self._sandbox else ())})

    def _sandbox_type(self, name: str, kinds: list[str]) -> str:
        """In the sandbox a destination needs no entry where its name is its type."""
        if self._sandbox is not None and name in kinds:
            return name
        path = self._destinations.path
        if not self._destinations.exists and self._sandbox is None:
            raise ConfigError(
                f"no {path}: destination '{name}' has no settings.",
                hint=f"cp {path.name}.example {path.name} and fill it in, or use --sandbox.",
            )
        raise ConfigError(
            f"destination '{name}' is not in {path}; it has {', '.join(self.names()) or 'none'}"
            f"{closest(name, self.names())}.",
            hint="the exposure's `destination:` is a name in destinations.yml.",
        )
