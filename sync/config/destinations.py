"""destinations.yml: names, types and credentials of destinations, and where alerts go."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from sync.config.templates import read_yaml, render
from sync.errors import ConfigError, closest

FILE_NAME = "destinations.yml"
_SECRET = re.compile("key|token|secret|passw|credential|signature|signing|auth", re.IGNORECASE)
ALERT_TYPES = ("slack", "webhook", "apprise")


@dataclass(frozen=True, slots=True)
class Price:
    """What a message costs there."""

    amount: Decimal
    currency: str

    @classmethod
    def of(cls, told: object, where: str) -> Price | None:
        """From `price: {amount: 0.07, currency: EUR}`; None where nothing is told.

        Raises:
            ConfigError: it is not of that form.
        """
        if told is None:
            return None
        said = told if isinstance(told, Mapping) else {}
        amount, currency = said.get("amount"), said.get("currency")
        is_number = isinstance(amount, int | float) and not isinstance(amount, bool) and amount >= 0
        if set(said) != {"amount", "currency"} or not is_number or not isinstance(currency, str):
            raise ConfigError(
                f"{where} must say what a message costs.",
                hint="price: {amount: 0.07, currency: EUR}",
            )
        return cls(Decimal(str(amount)), currency)


@dataclass(frozen=True, slots=True)
class DestinationConfig:
    """One entry of destinations.yml, not yet rendered: an unset variable of one must not stop another."""

    name: str
    type: str
    _raw: Mapping[str, Any] = field(repr=False)
    _path: Path
    limits: Mapping[str, Any] = field(default_factory=dict)  # endpoint group -> what differs
    price: Price | None = None

    @property
    def mark(self) -> str:
        """What tells these settings from others and says none of them: a hash of them as they are written, secrets left out."""
        told = {key: value for key, value in self._raw.items() if not _SECRET.search(str(key))}
        text = json.dumps([self.type, told], sort_keys=True, default=str)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]

    def settings(self) -> dict[str, str]:
        """The entry's settings with `env_var()` filled in.

        Raises:
            ConfigError: an environment variable is not set.
        """
        rendered = render(dict(self._raw), f"{self._path}: destinations.{self.name}")
        return {key: value for key, value in rendered.items() if value is not None}


@dataclass(frozen=True, slots=True)
class AlertConfig:
    """Where a change of state of a sync is told. `owners` are those of exposures, by name or e-mail in lower case; empty is all."""

    type: str
    url: str = field(repr=False)
    owners: tuple[str, ...] = ()

    def hears(self, owners: Collection[str]) -> bool:
        """Whether news of a sync with these owners goes there."""
        return not self.owners or any(one.lower() in self.owners for one in owners)


@dataclass(frozen=True, slots=True)
class Destinations:
    """Everything destinations.yml says. `path` need not exist: the sandbox needs no settings."""

    path: Path
    entries: Mapping[str, DestinationConfig]
    _alerts: Sequence[Mapping[str, Any]] = field(repr=False, default=())

    @property
    def exists(self) -> bool:
        """Whether the project has a destinations.yml."""
        return self.path.is_file()

    def alerts(self) -> list[AlertConfig]:
        """Where alerts go.

        Raises:
            ConfigError: an entry is incomplete, of a type that is not there, or an environment variable is not set.
        """
        return [found for entry in self._alerts if (found := self._alert(entry)) is not None]

    def _alert(self, entry: Mapping[str, Any]) -> AlertConfig | None:
        owners = entry.get("owners") or ()
        settings = {name: value for name, value in entry.items() if name != "owners"}
        rendered = render(settings, f"{self.path}: alerts")
        kind, url = str(rendered.get("type", "webhook")), str(rendered.get("url") or "")
        wrong = next(iter(set(rendered) - {"type", "url"}), "")
        if kind not in ALERT_TYPES or wrong:
            near = closest(str(wrong or kind), ["type", "url", "owners"] if wrong else ALERT_TYPES)
            raise ConfigError(
                f"{self.path}: alerts takes `type` ({', '.join(ALERT_TYPES)}), `url` and `owners`, not '{wrong or kind}'{near}."
            )
        if "url" not in entry or (url and kind != "apprise" and not url.startswith("http")):
            raise ConfigError(
                f"{self.path}: alerts of type {kind} want a `url` that begins with http:// or https://."
            )
        if isinstance(owners, str) or not all(isinstance(one, str) for one in owners):
            raise ConfigError(
                f"{self.path}: alerts: `owners` is a list of names or e-mails of exposures' owners."
            )
        if kind == "apprise" and importlib.util.find_spec("apprise") is None:
            raise ConfigError(
                f"{self.path}: alerts of type apprise need its package.",
                hint="pip install 'headwater[alerts]'",
            )
        return AlertConfig(kind, url, tuple(one.lower() for one in owners)) if url else None


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
    alerts = document.get("alerts") or []
    alerts = [alerts] if isinstance(alerts, Mapping) else alerts
    if not isinstance(raw, Mapping):
        raise ConfigError(f"{path}: destinations must be a mapping.")
    if not isinstance(alerts, list) or not all(isinstance(one, Mapping) for one in alerts):
        raise ConfigError(f"{path}: alerts must be a mapping, or a list of them.")
    entries = {}
    for name, entry in raw.items():
        if not isinstance(entry, Mapping):
            raise ConfigError(f"{path}: destination '{name}' must be a mapping of settings.")
        settings = {
            key: value for key, value in entry.items() if key not in ("type", "limits", "price")
        }
        limits = entry.get("limits") or {}
        if not isinstance(limits, Mapping):
            raise ConfigError(f"{path}: destinations.{name}.limits must be a mapping of groups.")
        entries[str(name)] = DestinationConfig(
            name=str(name),
            type=str(entry.get("type", name)),
            _raw=settings,
            _path=path,
            limits=limits,
            price=Price.of(entry.get("price"), f"{path}: destinations.{name}.price"),
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
