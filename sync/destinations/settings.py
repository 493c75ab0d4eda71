"""Settings of a destination in destinations.yml: checked once, secrets hidden from every repr."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from sync.errors import ConfigError, closest


class Settings(BaseModel):
    """What every destination's settings have in common: they are frozen, and nothing unknown is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def _address(value: str) -> str:
    """A URL that can be asked, as it stands: a slash at its end is part of it."""
    try:
        parts = urlsplit(value)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        has_port = False
    is_plain = value.isascii() and not any(sign.isspace() or sign in '<>"\\^`{|}' for sign in value)
    if not (has_port and is_plain and parts.scheme in ("http", "https") and parts.hostname):
        raise ValueError("is no address; it wants https://, a host, and maybe a path")
    if parts.scheme == "http" and not _is_here(parts.hostname):
        raise ValueError(
            "begins with http://, so that people and secrets would go in clear; it wants https:// (http:// is for this machine only)"
        )
    return value


def _is_here(host: str) -> bool:
    """Whether a host is this machine by its name alone: no name server is asked."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


Address = Annotated[str, AfterValidator(_address)]


def checked(address: str, destination: str) -> str:
    """An address that was put together, as one that destinations.yml says is taken.

    Raises:
        ConfigError: it is none, or people would go in clear.
    """
    try:
        return _address(address)
    except ValueError as error:
        raise ConfigError(f"destination '{destination}': its address {error}.") from None


def fingerprint(address: str) -> str:
    """What tells one address from another and says no secret that is in it: its host, and a hash of the whole."""
    digest = hashlib.sha256(address.encode("utf-8")).hexdigest()[:16]
    host = urlsplit(address).hostname
    return f"{host}#{digest}" if host else f"#{digest}"


class HttpSettings(Settings):
    """Settings of a destination that speaks HTTP; `base_url` is there for proxies and the sandbox."""

    base_url: Address


SettingsT = TypeVar("SettingsT", bound=Settings)


def parse(kind: type[SettingsT], destination: str, given: Mapping[str, Any]) -> SettingsT:
    """Settings from what destinations.yml says.

    Raises:
        ConfigError: one is missing, unknown or of the wrong form; names the allowed ones, never a value.
    """
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        # A name that is misspelt is also one that is missing; the first says what to mend.
        problem = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
        name = ".".join(str(part) for part in problem["loc"])
        allowed = list(kind.model_fields)
        hint = f"{destination} takes: {', '.join(allowed)}."
        if problem["type"] == "extra_forbidden":
            message = f"unknown setting '{name}'{closest(name, allowed)}"
        elif problem["type"] == "missing":
            message = f"setting '{name}' is missing"
        elif not name:
            message = str(problem["msg"]).removeprefix("Value error, ")
        else:
            message = f"setting '{name}' {str(problem['msg']).removeprefix('Value error, ')}"
        raise ConfigError(
            f"destination '{destination}' in destinations.yml: {message}.", hint
        ) from None
