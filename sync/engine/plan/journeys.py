"""Journeys, asked again when a plan is made: who has left since the activation model was built is sent nothing that was due before.

The activation model asks too, and earlier (macros/journeys); this is for the exit that a later build logged, for two people who
became one, and for a mailbox that had the same step's message under the id of another profile.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sync.config.models import PERSON, TOUCHPOINT, JourneyLog, SyncDefinition
from sync.engine.plan.permission import Permission
from sync.records import Mode

if TYPE_CHECKING:
    from sync.warehouses.base import Dialect

_GONE = (
    "(node_type = 'goal' and outcome = 'reached') "
    "or (node_type = 'exit' and outcome in ('exit_when', 'goal', 'held_out'))"
)
# An `exit:` step stops what was due before, and not the touchpoint that the way ends with, in the same build.
_LEFT = (
    "due.person is null or due.traveller is null or people.gone = 1 "
    "or people.exits > case when own_exit.happened_at is null then 0 else 1 end"
)


def asked_again(
    definition: SyncDefinition,
    columns: Sequence[str],
    *,
    aliases: str | None,
    held: str,
    dialect: Dialect,
) -> Permission:
    """What the logs of the journeys behind `definition` say of its rows; nothing where no journey is behind it.

    `held` is a query of what the ledger has of the sync.
    """
    if definition.mode is Mode.REMOVE:
        return Permission()
    is_message = definition.mode is Mode.EVENT or TOUCHPOINT in definition.key
    if is_message and TOUCHPOINT in columns and definition.model.journeys:
        return _of_touchpoints(definition, columns, aliases, held, dialect)
    if PERSON in columns and definition.model.between:
        return _of_people(definition, aliases, dialect)
    return Permission()


def _of_touchpoints(
    definition: SyncDefinition,
    columns: Sequence[str],
    aliases: str | None,
    held: str,
    dialect: Dialect,
) -> Permission:
    key = dialect.column(TOUCHPOINT)
    logs = definition.model.journeys
    told = " union all ".join(_told(log, aliases) for log in logs)
    joins = (
        f" left join (select * from ({told}) as told) as journeys "
        f"on journeys.asked_touchpoint = {key}"
    )
    reason = "case when journey_reason is not null then journey_reason"
    if definition.mode is Mode.EVENT and definition.identifiers:
        joins += (
            f" left join ({_repeats(definition, columns, aliases, held, dialect)}) as repeats "
            f"on repeats.repeated_touchpoint = {key}"
        )
        reason += " when repeated_touchpoint is not null then 'already_sent'"
    return Permission(joins, f"{reason} end")


def _told(log: JourneyLog, aliases: str | None) -> str:
    """Per touchpoint of a log: why it must not be sent, or null."""
    steps = _steps(log, aliases)
    return (
        "select due.touchpoint_id as asked_touchpoint, "
        f"case when {_LEFT} then 'left_journey' when people.held_back = 1 then 'holdout' end "
        f"as journey_reason from {steps} as due "
        "left join (select traveller, entry_number, max(case when is_holdout then 1 else 0 end) as held_back, "
        f"max(case when {_GONE} then 1 else 0 end) as gone, "
        "sum(case when node_type = 'exit' and outcome = 'exit' then 1 else 0 end) as exits "
        f"from {steps} as steps group by traveller, entry_number) as people "
        "on people.traveller = due.traveller and people.entry_number = due.entry_number "
        f"left join (select distinct {log.key}, entry_number, happened_at from {log.relation} "
        "where node_type = 'exit' and outcome = 'exit') as own_exit "
        f"on own_exit.{log.key} = due.logged_id and own_exit.entry_number = due.entry_number "
        "and own_exit.happened_at = due.happened_at "
        "where due.touchpoint_id is not null"
    )


def _repeats(
    definition: SyncDefinition,
    columns: Sequence[str],
    aliases: str | None,
    held: str,
    dialect: Dialect,
) -> str:
    """Touchpoints whose step was sent to the same identifier before: the profile was split, or the address moved; or is sent to
    it by this plan, for another profile with the same address. A contact of two companies has the message of each.
    """
    steps = " union all ".join(
        f"select {dialect.literal(log.name)} as journey, touchpoint_id, entry_number, "
        f"{'traveller' if log.key != PERSON else dialect.literal('')} as company, "
        f"{_node(log, dialect)} as node from {_steps(log, aliases)} as steps where touchpoint_id is not null"
        for log in definition.model.journeys
    )
    key = dialect.text(dialect.column(TOUCHPOINT))
    sendable = "withheld_reason is null" if "withheld_reason" in columns else "1 = 1"
    due, sent = [], []
    for name in definition.identifiers:
        kind = dialect.literal(name)
        value = dialect.text(dialect.column(name))
        due.append(
            f"select {key} as due_key, {kind} as kind, {value} as reached "
            f"from {definition.model.relation} where {dialect.column(name)} is not null and {sendable}"
        )
        sent.append(
            f"select sync_key as sent_key, {kind} as kind, "
            f"{dialect.json_text('identifiers', name)} as reached from ({held}) as held_of_{name}"
        )
    due_rows = " union all ".join(due)
    before = _reaching(due_rows, " union all ".join(sent), steps, held)
    # Of several that are due at once the first goes, in the order of their keys.
    first = (
        f"select due_key as sent_key, kind, reached from ({due_rows}) as rows_due left join ({before}) as before "
        "on before.repeated_touchpoint = rows_due.due_key where before.repeated_touchpoint is null"
    )
    at_once = _reaching(due_rows, first, steps, held, "and sent.sent_key < due.due_key ")
    return f"select distinct repeated_touchpoint from ({before} union all {at_once}) as either"


def _reaching(due: str, sent: str, steps: str, held: str, but: str = "") -> str:
    """Which of the rows `due` are the same step's message to the same identifier as one of `sent`."""
    return (
        "select distinct due.due_key as repeated_touchpoint "
        f"from ({due}) as due "
        f"inner join ({steps}) as due_steps on due_steps.touchpoint_id = due.due_key "
        f"inner join ({sent}) as sent on sent.kind = due.kind and sent.reached = due.reached {but}"
        f"inner join ({steps}) as sent_steps on sent_steps.touchpoint_id = sent.sent_key "
        "and sent_steps.journey = due_steps.journey and sent_steps.node = due_steps.node "
        "and sent_steps.entry_number = due_steps.entry_number and sent_steps.company = due_steps.company "
        f"left join (select sync_key from ({held}) as held_keys) as mine on mine.sync_key = due.due_key "
        "where mine.sync_key is null"
    )


def _of_people(definition: SyncDefinition, aliases: str | None, dialect: Dialect) -> Permission:
    """People between two steps: who is past the second, or out, on every way that the model looks at."""
    ways = definition.model.between
    joins, tests = "", []
    for number, (log, before) in enumerate(ways):
        listed = ", ".join(dialect.literal(name) for name in before)
        joins += (
            f" left join (select person as person_{number}, max(case when node_type = 'exit' "
            f"or node in ({listed}) then 1 else 0 end) as is_over_{number} "
            f"from {_steps(log, aliases)} as steps group by person) as way_{number} "
            f"on way_{number}.person_{number} = {dialect.column(PERSON)}"
        )
        tests.append(f"coalesce(is_over_{number}, 1) = 1")
    return Permission(joins, f"case when {' and '.join(tests)} then 'left_journey' end")


def _steps(log: JourneyLog, aliases: str | None) -> str:
    """The log, with `person`, and `traveller` who goes through it, as they are known now; null for who is known no more."""
    now = {column: f"log.{column}" for column in (PERSON, log.key)}
    joins = ""
    for column in now if aliases is not None else ():
        ids = f"ids_of_{column}"
        now[column] = f"case when {ids}.old_id is null then log.{column} else {ids}.live_id end"
        joins += f" left join {aliases} as {ids} on {ids}.old_id = log.{column}"
    return (
        f"(select {now[PERSON]} as person, {now[log.key]} as traveller, log.{log.key} as logged_id, "
        "log.entry_number, log.node, log.node_type, log.outcome, log.touchpoint_id, log.is_holdout, "
        f"log.happened_at from {log.relation} as log{joins})"
    )


def _node(log: JourneyLog, dialect: Dialect) -> str:
    cases = "".join(
        f" when {dialect.literal(old)} then {dialect.literal(new)}" for old, new in log.renamed
    )
    return f"case node{cases} else node end" if cases else "node"
