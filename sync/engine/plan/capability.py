"""Whether a destination can do what a sync asks: answered from declarations, before anything is read or sent."""

from __future__ import annotations

from collections.abc import Sequence

from sync.config.models import PERSON, Column, SyncDefinition
from sync.destinations.base import Declaration, Delivery, ObjectType
from sync.engine.plan import edge
from sync.engine.plan.planner import Mapping
from sync.errors import RefusedError, closest
from sync.records import Mode


def object_type(definition: SyncDefinition, declaration: Declaration) -> ObjectType:
    """The destination's declaration of the object that the sync fills.

    Raises:
        RefusedError: the object, mode, identifiers or delivery are not what the destination offers.
    """
    where = f"sync '{definition.name}'"
    kinds = declaration.objects
    kind = definition.object.kind
    if kind not in kinds:
        raise RefusedError(
            "object",
            f"{where}: {declaration.title} has no object '{kind}'; it has "
            f"{', '.join(kinds)}{closest(kind, kinds)}.",
            hint=f"object: is set in {definition.path}.",
        )
    offered = kinds[kind]
    if definition.mode not in offered.modes:
        able = ", ".join(sorted(mode.value for mode in offered.modes))
        raise RefusedError(
            "mode",
            f"{where} uses mode '{definition.mode.value}', but a {declaration.title} {kind} can "
            f"do {able}.",
            hint=f"set mode to one of these in {definition.path}.",
        )
    _check_identifiers(definition, declaration, offered)
    _check_conflicts(definition, declaration, offered)
    if definition.mode is Mode.EVENT:
        _check_delivery(definition, declaration, offered)
    _check_consent(definition, declaration, offered)
    return offered


def check_columns(
    definition: SyncDefinition, mapping: Mapping, columns: Sequence[Column], offered: ObjectType
) -> None:
    """Every mapped column is one that the destination takes, of a type that can go there.

    Raises:
        RefusedError: some are not; all of them are named.
    """
    edge.check_types(definition, mapping, columns, offered)
    if offered.open_fields:
        return
    # Whose row it is may be asked for consent, and is no field where there are none.
    unknown = [
        name for name in mapping.fields if name not in offered.known_fields and name != PERSON
    ]
    if unknown:
        known = ", ".join(sorted(offered.known_fields)) or "none: members are their identifiers"
        raise RefusedError(
            "fields",
            f"sync '{definition.name}': the destination has no place for {', '.join(unknown)}; "
            f"its fields are {known}.",
            hint=f"leave these columns out of '{definition.model.name}', or name them as "
            f"identifiers: in {definition.path}.",
        )


def delivery(definition: SyncDefinition, offered: ObjectType) -> Delivery:
    """What a repeat of an event does in this sync."""
    return Delivery(definition.delivery) if definition.delivery else offered.delivery


def _check_identifiers(
    definition: SyncDefinition, declaration: Declaration, offered: ObjectType
) -> None:
    if not offered.identifiers:
        return
    for name in definition.identifiers:
        if name not in offered.identifiers:
            raise RefusedError(
                "identifiers",
                f"sync '{definition.name}': {declaration.title} does not know people by '{name}'; "
                f"it knows {', '.join(sorted(offered.identifiers))}"
                f"{closest(name, offered.identifiers)}.",
                hint=f"identifiers: is set in {definition.path}."
                + (" They must be hashed by the activation model." if declaration.hashed else ""),
            )


def _check_conflicts(
    definition: SyncDefinition, declaration: Declaration, offered: ObjectType
) -> None:
    told = {name for names in offered.conflicts.values() for name in names}
    for name in definition.left_out_on_conflict:
        if name not in told:
            known = f"; it does of {', '.join(sorted(told))}" if told else ""
            raise RefusedError(
                "on_conflict",
                f"sync '{definition.name}': {declaration.title} does not say of {name} that it is another record's{known}.",
                hint=f"on_conflict: is set in {definition.path}.",
            )
        if name not in definition.identifiers:
            raise RefusedError(
                "on_conflict",
                f"sync '{definition.name}': on_conflict names {name}, which is no identifier of it.",
                hint=f"its identifiers are {', '.join(definition.identifiers)}: in {definition.path}.",
            )


def _check_delivery(
    definition: SyncDefinition, declaration: Declaration, offered: ObjectType
) -> None:
    chosen, able = definition.delivery, offered.delivery
    if able is Delivery.EXACTLY_ONCE:
        return
    if chosen is None or chosen == Delivery.EXACTLY_ONCE.value:
        raise RefusedError(
            "delivery",
            f"sync '{definition.name}': {declaration.title} keeps no idempotency key, so an event "
            "cannot be sent exactly once.",
            hint="set delivery: at_most_once (a crash may lose an event) or at_least_once (a crash "
            f"may repeat one) in {definition.path}.",
        )


def _check_consent(
    definition: SyncDefinition, declaration: Declaration, offered: ObjectType
) -> None:
    """Whom a sync subscribes has agreed to that channel; to be taken out nobody need agree."""
    channel = offered.subscribes
    asked = definition.consent.channel if definition.consent is not None else None
    if channel is None or definition.mode is Mode.REMOVE or asked == channel:
        return
    kind = definition.object.kind
    said = f"asks for consent to {asked}" if asked else "asks for no consent"
    raise RefusedError(
        "consent",
        f"sync '{definition.name}' subscribes people: a {declaration.title} {kind} is for those who agreed to {channel}, "
        f"and the sync {said}.",
        hint=f"let the model of {definition.path} ask: activation(..., consent={{channel: '{channel}', purpose: 'marketing'}}).",
    )


def guarantee(definition: SyncDefinition, offered: ObjectType) -> str:
    """What a crash or a lost answer may do to a row of this sync, in one word."""
    if definition.mode is Mode.EVENT:
        return delivery(definition, offered).value
    return "idempotent"  # a repeat changes nothing
