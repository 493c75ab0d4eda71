"""Which account a sync's destination reaches: known from an earlier run with the same settings, or asked."""

from __future__ import annotations

from dataclasses import replace

from sync.config.models import SyncDefinition
from sync.engine.connect import Connection, Connector
from sync.errors import (
    AuthError,
    ConfigError,
    DestinationError,
    RefusedError,
    UnsetVariableError,
)
from sync.state.places import Places


def located(definition: SyncDefinition, connection: Connection, places: Places) -> SyncDefinition:
    """`definition` with the account that its rows go to.

    Where the vendor does not let these credentials read it, it is the one that the destination of this name reached before, or none
    is known and the destination's name stands for it: whether the credentials may send is tried before anything is sent.

    Raises:
        DestinationError: the vendor was asked and did not answer.
    """
    settings = settings_of(connection)
    account = places.account_of(settings) if settings else None
    if account is None:
        account = _asked(connection)
        if account is not None and settings:
            places.learn(settings, account)
    return replace(definition, account=account or _last(definition, places))


def located_for_plan(
    definition: SyncDefinition, connector: Connector, places: Places
) -> SyncDefinition:
    """The same for a plan, which needs no credentials: where they are missing or the vendor does not answer, the account is the one that
    was reached last.

    Raises:
        RefusedError: the destination's settings are wrong.
    """
    try:
        connection = connector.connect(definition.destination, definition.object)
        return located(definition, connection, places)
    except (UnsetVariableError, DestinationError):
        return replace(definition, account=_last(definition, places))
    except ConfigError as error:
        raise RefusedError("configuration", error.message, error.hint) from error


def settings_of(connection: Connection) -> str:
    """Names settings whose account the vendor was asked for, by a hash of them; empty where they tell it themselves."""
    return connection.credential if connection.declaration.asks_account else ""


def _last(definition: SyncDefinition, places: Places) -> str:
    return places.last_account(definition.destination) or ""


def _asked(connection: Connection) -> str | None:
    if connection.is_sandbox:
        return f"{connection.type} sandbox"
    ask = getattr(connection.destination, "account", None)
    if ask is None:  # one that was written for an earlier version
        return None
    try:
        return f"{connection.type} {ask()}"
    except AuthError:
        return None
