"""Which account a sync's destination reaches: known from an earlier run with the same settings, or asked."""

from __future__ import annotations

from dataclasses import replace

from sync.config.models import SyncDefinition
from sync.engine.connect import Connection
from sync.errors import AuthError
from sync.state.places import Places


def located(definition: SyncDefinition, connection: Connection, places: Places) -> SyncDefinition:
    """`definition` with the account that its rows go to.

    Where the vendor does not let these credentials read it, it is the one that the destination of this name reached before, or none
    is known and the destination's name stands for it: whether the credentials may send is tried before anything is sent.

    Raises:
        DestinationError: the vendor was asked and did not answer.
    """
    account = places.account_of(connection.credential) or _asked(connection)
    if account is None:
        account = places.last_account(definition.destination) or ""
    return replace(definition, account=account)


def _asked(connection: Connection) -> str | None:
    if connection.is_sandbox:
        return f"{connection.type} sandbox"
    ask = getattr(connection.destination, "account", None)
    if ask is None:  # one of an earlier version, or a third party's
        return None
    try:
        return f"{connection.type} {ask()}"
    except AuthError:
        return None
