"""Consent and suppression, asked again when a plan is made: whatever the activation model says, nobody is sent without them.

The model withholds people too, and earlier; this is for the model that forgot, and for whoever objected since it was built.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync.config.models import (
    CONSENT_MODEL,
    PERSON,
    SUPPRESSIONS_MODEL,
    ConsentTables,
    SyncDefinition,
)
from sync.errors import RefusedError

if TYPE_CHECKING:
    from sync.warehouses.base import Dialect


@dataclass(frozen=True, slots=True)
class Permission:
    """Joins behind the activation table, and an expression: why a row is withheld, or null. Both empty where nothing is to be asked."""

    joins: str = ""
    reason: str = ""

    @classmethod
    def of(
        cls,
        definition: SyncDefinition,
        columns: Sequence[str],
        people: ConsentTables,
        dialect: Dialect,
    ) -> Permission:
        """What `definition` must ask.

        Raises:
            RefusedError: the sync asks for consent, and nothing says whose row is whose or who consented.
        """
        if not definition.asks(columns):
            return cls()
        if definition.consent is not None:
            _check(definition, columns, people)
        joins, cases = "", ""
        if people.suppressions is not None:
            # Names of their own: the columns of the activation table stay the only ones of theirs.
            joins += (
                f" left join (select distinct profile_id as suppressed_profile from "
                f"{people.suppressions} where {_suppressing(definition, dialect)}) as suppressed "
                f"on suppressed.suppressed_profile = {dialect.column(PERSON)}"
            )
            cases += " when suppressed_profile is not null then 'suppressed'"
        if definition.consent is not None:
            joins += (
                " left join (select distinct profile_id as consenting_profile from "
                f"{people.consent} where channel = {dialect.literal(definition.consent.channel)} "
                f"and purpose = {dialect.literal(definition.consent.purpose)} "
                "and state = 'opted_in') as consenting "
                f"on consenting.consenting_profile = {dialect.column(PERSON)}"
            )
            cases += " when consenting_profile is null then 'no_consent'"
        return cls(joins, f"case{cases} end") if cases else cls()


def _check(definition: SyncDefinition, columns: Sequence[str], people: ConsentTables) -> None:
    name = definition.name
    if PERSON not in columns:
        raise RefusedError(
            "consent",
            f"sync '{name}' asks for consent, but model '{definition.model.name}' has no column "
            f"'{PERSON}' that says whose row it is.",
            hint=f"add {PERSON} to the model, or take consent: out of {definition.path} where its "
            "rows are no people.",
        )
    for model, relation, columns_of_it in (
        (CONSENT_MODEL, people.consent, "profile_id, channel, purpose and state"),
        (SUPPRESSIONS_MODEL, people.suppressions, "profile_id, channel and reason"),
    ):
        if relation is None:
            raise RefusedError(
                "consent",
                f"sync '{name}' asks for consent, but the project has no model '{model}'.",
                hint=f"a model of that name says {columns_of_it}.",
            )


def _suppressing(definition: SyncDefinition, dialect: Dialect) -> str:
    """Who is erased is sent nothing; who is suppressed is sent nothing that needs consent."""
    if definition.consent is None:
        return "reason = 'erasure'"
    channel = dialect.literal(definition.consent.channel)
    return f"reason = 'erasure' or channel in ('all', {channel})"
