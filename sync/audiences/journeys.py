"""What is asked of a journey: where people stand, what the next build would do, what an edit changes. Read only."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sync.audiences.compiled import CompiledJourney
from sync.config.models import PERSON
from sync.warehouses.base import Session, Warehouse


def show(session: Session, journey: CompiledJourney) -> dict[str, Any]:
    """People per step, as they are known now: who passed it with which outcome, who stands before it, who would pass it in a build now.

    Everybody who has `entered` has left, is gone (known no more), kept (inside by an earlier version) or inside, and then stands before
    one step, the last that they have come to. `logged` is how many entries the log has, of two who became one both.
    """
    passed = session.rows(journey.passed) if journey.passed else []
    found = session.rows(journey.standing) if journey.standing else []
    standing = {str(row["node"]): int(row["entries"]) for row in found if row["state"] == "inside"}
    states = dict.fromkeys(("left", "gone", "kept", "inside"), 0)
    for row in found:
        states[str(row["state"])] += int(row["entries"])
    coming = session.rows(
        f"select steps.node, steps.outcome, count(*) as entries, {_of_contacts(journey, f'steps.{PERSON}')} as is_of_contact "
        f"from ({journey.next}) as steps group by steps.node, steps.outcome"
    )

    def counted(
        rows: list[dict[str, Any]], name: str, *, of_contacts: bool = False
    ) -> dict[str, int]:
        found = {
            str(row["outcome"]): int(row["entries"])
            for row in rows
            if row["node"] == name and bool(row["is_of_contact"]) == of_contacts
        }
        return dict(sorted(found.items()))

    is_of_companies = journey.key != PERSON

    def delayed(name: str) -> dict[str, int]:
        """By reason; one person may have been delayed for several."""
        found = counted(passed, f"{name}.delayed", of_contacts=is_of_companies)
        for reason in ("calendar", "capped", "quiet"):
            for outcome, entries in counted(
                passed, f"{name}.delayed.{reason}", of_contacts=is_of_companies
            ).items():
                found[outcome] = found.get(outcome, 0) + entries
        return dict(sorted(found.items()))

    def contacts(name: str) -> dict[str, Any]:
        """Of a journey of companies: their contacts at a step, beside the companies themselves."""
        if not is_of_companies:
            return {}
        return {
            "contacts": counted(passed, name, of_contacts=True),
            "next_contacts": counted(coming, name, of_contacts=True),
        }

    steps: list[dict[str, Any]] = [
        {
            "name": step.name,
            "type": step.type,
            "words": step.words,
            "after": [{"step": name, "outcome": outcome} for name, outcome in step.sources],
            "standing": standing.get(step.name, 0),
            "passed": counted(passed, step.name),
            "delayed": delayed(step.name),
            "next": counted(coming, step.name),
            **contacts(step.name),
        }
        for step in journey.steps
    ]
    known = {step.name for step in journey.steps}
    if "exit" not in known:  # whoever leaves early does it everywhere
        steps.append({
            "name": "exit", "type": "exit", "words": "", "after": [], "standing": 0,
            "passed": counted(passed, "exit"), "delayed": {}, "next": counted(coming, "exit"),
        })  # fmt: skip
    return {
        "journey": journey.name,
        "entry": journey.entry,
        "exit_when": journey.exit_when,
        "versions": [dataclasses.asdict(one) for one in journey.versions],
        "entered": sum(states.values()),
        "logged": int(session.rows(journey.logged)[0]["entries"]) if journey.logged else 0,
        **states,
        "entering": sum(counted(coming, "entry").values()),
        "steps": steps,
    }


def entered(session: Session, log: str, aliases: str, *, key: str) -> dict[str, int | None]:
    """How many have entered by a journey's log, and how many of them have left, as people are known now."""
    row = session.rows(
        "select count(*) as entered, coalesce(sum(ways.is_out), 0) as gone from ("
        "select known.live_id, known.entry_number, max(known.is_out) as is_out from ("
        f"select coalesce(identity_aliases.live_id, steps.{key}) as live_id, steps.entry_number, {_IS_OUT} as is_out "
        f"from {log} as steps left join {aliases} as identity_aliases on steps.{key} = identity_aliases.old_id "
        "where steps.node_type in ('entry', 'exit') union all "
        f"select parted.live_id, steps.entry_number, {_IS_OUT} as is_out from {log} as steps "
        f"inner join {aliases} as parted on steps.{key} = parted.split_from_id "
        "and steps.happened_at >= parted.shared_from_at and steps.happened_at <= parted.shared_until_at "
        "where parted.live_id is not null and steps.node_type in ('entry', 'exit')"
        ") as known group by known.live_id, known.entry_number) as ways"
    )[0]
    return {"entered": int(row["entered"]), "left": int(row["gone"])}


_IS_OUT = "case when steps.node_type = 'exit' then 1 else 0 end"


def _of_contacts(journey: CompiledJourney, person: str) -> str:
    """Whether the rows of a step and outcome are of companies' contacts: an expression of a query that groups by both."""
    return "0" if journey.key == PERSON else f"max(case when {person} is null then 0 else 1 end)"


def diff(session: Session, old: CompiledJourney, new: CompiledJourney) -> dict[str, Any]:
    """What a build now would do by the new definition and not by the old one, and the other way round, step by step."""
    who = [new.key] if new.key == PERSON else [new.key, PERSON]
    key = ", ".join(
        f"steps.{one}" for one in (*who, "entry_number", "node", "node_type", "outcome")
    )
    same = f"after.{new.key} = before.{new.key}"
    if new.key != PERSON:  # a company's own rows have no contact
        same += f" and coalesce(after.{PERSON}, '') = coalesce(before.{PERSON}, '')"
    found = session.rows(
        "select coalesce(after.node, before.node) as node, coalesce(after.node_type, before.node_type) as node_type, "
        "coalesce(after.outcome, before.outcome) as outcome, "
        f"{_of_contacts(new, f'coalesce(after.{PERSON}, before.{PERSON})')} as is_of_contact, "
        "sum(case when before.node is null then 1 else 0 end) as only_after, "
        "sum(case when after.node is null then 1 else 0 end) as only_before, "
        "sum(case when before.node is not null and after.node is not null then 1 else 0 end) as in_both "
        f"from (select {key} from ({new.next}) as steps) as after "
        f"full join (select {key} from ({old.next}) as steps) as before "
        f"on {same} and after.entry_number = before.entry_number "
        "and after.node = before.node and after.outcome = before.outcome "
        "group by 1, 2, 3 order by 1, 3"
    )
    return {
        "journey": new.name,
        "steps": [
            {
                "name": row["node"],
                "type": row["node_type"],
                "outcome": row["outcome"],
                "is_of_contacts": bool(row["is_of_contact"]),
                "only_by_the_edit": int(row["only_after"]),
                "no_longer": int(row["only_before"]),
                "in_any_case": int(row["in_both"]),
            }
            for row in found
        ],
    }


def replay(
    warehouse: Warehouse,
    compiled: Callable[[dt.datetime, str | None], CompiledJourney],
    instants: Sequence[dt.datetime],
    *,
    scratch: str,
    log: str | None,
    others: Mapping[str, str],
) -> dict[str, Any]:
    """What builds at these instants would do, one after the other, in a `scratch` table that is dropped at the end; nothing is sent.

    It begins with an empty log, or with a copy of `log`. `compiled` gives the journey at an instant, by the log it is asked of. `others`
    are the relations of other journeys, by name.
    """
    begun = False
    try:
        if log is not None:
            with warehouse.session(write=True) as session:
                # A log that no build has added to since versions are kept says none.
                known = {column.name.lower() for column in session.columns(log)}
                version = "" if "version" in known else ", nullif(template, template) as version"
                session.execute(
                    f"create or replace table {scratch} as select *{version} from {log}"
                )
            begun = True
        for now in instants:
            journey = compiled(now, scratch if begun else None)
            with warehouse.session(write=True) as session:
                company = "" if journey.key == PERSON else f"{journey.key}, "
                listed = f"step_id, {company}profile_id, entry_number, node, node_type, outcome, touchpoint_id, destination, channel, "
                listed += "template, is_holdout, happened_at, version"
                query = f"select {listed} from ({journey.next}) as steps"
                if begun:
                    session.execute(f"insert into {scratch} ({listed}) {query}")
                else:
                    session.execute(f"create or replace table {scratch} as {query}")
            begun = True
        with warehouse.session() as session:
            return {
                **_replayed(session, journey, scratch, log),
                "collisions": _collisions(session, scratch, log, others),
            }
    finally:
        if begun:
            with warehouse.session(write=True) as session:
                session.execute(f"drop table if exists {scratch}")


def _replayed(
    session: Session, journey: CompiledJourney, scratch: str, log: str | None
) -> dict[str, Any]:
    is_new = _is_new(log)
    sends = session.rows(
        "select cast(happened_at as date) as day, channel, destination, count(*) as messages "
        f"from {scratch} where {is_new} and {_IS_SENT} group by 1, 2, 3 order by 1, 2, 3"
    )
    steps = session.rows(
        "select node, node_type, outcome, count(*) as entries, min(happened_at) as first_at, "
        f"{_of_contacts(journey, PERSON)} as is_of_contact "
        f"from {scratch} where {is_new} group by 1, 2, 3 order by 5, 1, 3"
    )
    return {
        "sends": [
            {
                "day": str(row["day"]),
                "channel": row["channel"],
                "destination": row["destination"],
                "messages": int(row["messages"]),
            }
            for row in sends
        ],
        "steps": [
            {
                "name": row["node"],
                "type": row["node_type"],
                "outcome": row["outcome"],
                "is_of_contacts": bool(row["is_of_contact"]),
                "entries": int(row["entries"]),
            }
            for row in steps
        ],
    }


_IS_SENT = "node_type = 'touchpoint' and outcome = 'due' and not is_holdout"


def _is_new(log: str | None) -> str:
    return f"step_id not in (select step_id from {log})" if log else "1 = 1"


def _collisions(
    session: Session, scratch: str, log: str | None, others: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Per other journey how many messages meet one of its own, to the same person on the same day (UTC), by its log."""
    found = []
    for name, relation in sorted(others.items()):
        if not session.columns(relation):
            continue  # it was never built
        row = session.rows(
            "select count(*) as messages, count(distinct ours.profile_id) as people from "
            f"(select profile_id, cast(happened_at as date) as day from {scratch} "
            f"where {_is_new(log)} and {_IS_SENT}) as ours "
            f"inner join (select distinct profile_id, cast(happened_at as date) as day from {relation} where {_IS_SENT}) as theirs "
            "on theirs.profile_id = ours.profile_id and theirs.day = ours.day"
        )[0]
        if row["messages"]:
            found.append(
                {"journey": name, "messages": int(row["messages"]), "people": int(row["people"])}
            )
    return found


def picture(shown: dict[str, Any]) -> str:
    """The journey as a Mermaid flow chart, with how many stand before each step and how many have passed it."""
    lines = ["flowchart TD", f'  entry(["entry: {shown["entered"]:,} entered"])']
    for step in shown["steps"]:
        text = f"{step['name']}: {step['words'] or step['type']}".replace('"', "'")
        passed = sum(step["passed"].values())
        lines.append(
            f'  {step["name"]}["{text}<br/>{step["standing"]:,} before it, {passed:,} past"]'
        )
        for way in step["after"]:
            label = f"|{way['outcome']}|" if way["outcome"] else ""
            if way["outcome"] != "skipped":
                lines.append(f"  {way['step']} -->{label} {step['name']}")
    return "\n".join(lines)
