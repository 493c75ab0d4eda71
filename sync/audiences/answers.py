"""What is asked of an audience: why somebody is in it or not, whom it would hold, what an edit changes. Read only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sync.audiences.compiled import Compiled, Leaf
from sync.identity.mask import mask
from sync.warehouses.base import Dialect, Session

# Numbers that say where somebody is, or who; every text and every day is masked, whatever its column is called.
_PERSONAL_NUMBERS = frozenset(["latitude", "longitude", "postal_code", "phone"])
_EXAMPLES = 10


def why(
    session: Session, dialect: Dialect, compiled: Compiled, ids: Sequence[str]
) -> dict[str, Any]:
    """Which conditions somebody meets; `row` is None where nobody of these ids is in the table of the entity.

    `blocking` are the conditions each of which, if it alone were otherwise, would bring them in.
    """
    listed = ", ".join(dialect.literal(one) for one in ids)
    found = session.rows(
        f"select * from ({compiled.rows}) as judged where judged.{compiled.key} in ({listed}) "
        f"order by judged.{compiled.key} limit 1"
    )
    if not found:
        return {"audience": compiled.name, "entity_id": None}
    row = found[0]
    leaves = [
        {
            "path": leaf.path,
            "words": leaf.said,
            "passes": bool(row[f"leaf_{leaf.number}"]) != leaf.is_negated,
            "alone": not row["is_met"] and bool(row[f"would_{leaf.number}"]),
        }
        for leaf in compiled.leaves
    ]
    return {
        "audience": compiled.name,
        "entity_id": str(row[compiled.key]),
        "is_member": bool(row["is_member"]),
        "is_holdout": bool(row["is_member"] and row["is_holdout"]),
        "left_out_by": _left_out_by(row),
        "sentence": compiled.sentence,
        "conditions": leaves,
    }


def _left_out_by(row: dict[str, Any]) -> str | None:
    """Why somebody is no member: conditions, sample or limit."""
    if row["is_member"]:
        return None
    if not row["is_met"]:
        return "conditions"
    return "sample" if not row["is_sampled"] else "limit"


def preview(session: Session, compiled: Compiled) -> dict[str, Any]:
    """Size, what each condition keeps and drops, whom destinations reach, ten members."""
    counts = session.rows(counted(compiled))
    total = sum(int(row["counted"]) for row in counts)
    reach = session.rows(compiled.reach)[0]
    consent = session.rows(compiled.consent) if compiled.consent else []
    return {
        "audience": compiled.name,
        "entity": compiled.entity,
        "sentence": compiled.sentence,
        "of": total,
        "members": int(reach["members"]),
        "held_out": int(reach["held_out"]),
        "consent": [
            {
                "channel": row["channel"],
                "purpose": row["purpose"],
                "members": int(row["members"]),
            }
            for row in consent
        ],
        "reach": [
            {
                "destination": one.destination,
                "consent": one.consent or None,
                "syncs": list(one.syncs),
                "reached": int(reach[f"reach_{number}"]),
            }
            for number, one in enumerate(compiled.reaches, start=1)
        ],
        "conditions": [kept(leaf, counts) for leaf in compiled.leaves],
        "examples": _examples(session, compiled),
    }


def counted(compiled: Compiled) -> str:
    """The query of rows of the entity by what they meet, with how many: far fewer rows than there are people."""
    columns = [f"leaf_{leaf.number}" for leaf in compiled.leaves]
    columns += [f"would_{leaf.number}" for leaf in compiled.leaves]
    columns += ["is_met", "is_sampled", "is_member"]
    listed = ", ".join(f"judged.{name}" for name in columns)
    return (
        f"select {listed}, count(*) as counted from ({compiled.rows}) as judged group by {listed}"
    )


def kept(leaf: Leaf, counts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Of everybody, whom a condition keeps and drops; `alone` are those whom nothing but it keeps out."""
    kept = dropped = alone = 0
    for row in counts:
        if bool(row[f"leaf_{leaf.number}"]) != leaf.is_negated:
            kept += row["counted"]
        else:
            dropped += row["counted"]
        if not row["is_met"] and row[f"would_{leaf.number}"]:
            alone += row["counted"]
    return {
        "path": leaf.path,
        "words": leaf.said,
        "keeps": kept,
        "drops": dropped,
        "drops_alone": alone,
    }


def _examples(session: Session, compiled: Compiled) -> list[dict[str, Any]]:
    names = [name for name in compiled.shown if name != compiled.key]
    listed = ", ".join(f"judged.{name}" for name in [compiled.key, *names])
    found = session.rows(
        f"select {listed} from ({compiled.rows}) as judged where judged.is_member "
        f"order by judged.{compiled.key} limit {_EXAMPLES}"
    )
    return [
        {
            name: value if name == compiled.key else _masked(name, value)
            for name, value in row.items()
        }
        for row in found
    ]


def _masked(name: str, value: Any) -> Any:
    """Counts, sums, yes and no, and instants as they are; a text or a day may be somebody's name or birth date."""
    is_shown = isinstance(value, bool | int | float | Decimal | datetime)
    if value is None or (is_shown and name not in _PERSONAL_NUMBERS and not name.endswith("_id")):
        return value
    return mask("email" if "@" in str(value) else name, str(value), show=False)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why people enter or leave, how many; of all causes nobody is counted twice."""

    moves: str  # enters or leaves
    because: str  # definition, data, or gone
    conditions: tuple[str, ...]
    people: int

    def document(self) -> dict[str, Any]:
        """As --json prints it."""
        return {
            "moves": self.moves,
            "because": self.because,
            "conditions": list(self.conditions),
            "people": self.people,
        }


def diff(session: Session, old: Compiled, new: Compiled, table: str | None) -> dict[str, Any]:
    """Who enters and leaves because of the new definition, and who because data or time moved since the table was built.

    Both definitions are asked of the data as it is now; `table` is what the last build left, None where there is none. Every one who
    moves is counted for one cause, so that the causes add up to the whole. Who is a member by both and is held out by one of them only is
    counted beside that.
    """
    causes: dict[tuple[str, str, tuple[str, ...]], int] = {}
    before = after = into_holdout = out_of_holdout = 0

    def add(moves: str, because: str, conditions: tuple[str, ...], people: int) -> None:
        key = (moves, because, conditions)
        causes[key] = causes.get(key, 0) + people

    for row in session.rows(_moved(old, new, table)):
        people = int(row["counted"])
        was, would, now = bool(row["in_table"]), bool(row["was_member"]), bool(row["now_member"])
        before += people * was
        after += people * now
        into_holdout += people * (would and now and row["now_holdout"] and not row["was_holdout"])
        out_of_holdout += people * (would and now and row["was_holdout"] and not row["now_holdout"])
        if was == now:
            continue
        moves = "enters" if now else "leaves"
        if would == now:
            add(moves, "data", (), people)
        else:
            add(moves, "definition", _because(old, new, row, enters=now), people)
    gone = _gone(session, new, table)
    before += gone
    if gone:
        add("leaves", "gone", (), gone)
    told = [Cause(*key, people) for key, people in causes.items()]
    told.sort(key=lambda one: (one.moves, -one.people, one.because, one.conditions))
    return {
        "audience": new.name,
        "sentence_before": old.sentence,
        "sentence_after": new.sentence,
        "before": before,
        "enters": sum(one.people for one in told if one.moves == "enters"),
        "leaves": sum(one.people for one in told if one.moves == "leaves"),
        "after": after,
        "into_holdout": into_holdout,
        "out_of_holdout": out_of_holdout,
        "causes": [one.document() for one in told],
    }


def _moved(old: Compiled, new: Compiled, table: str | None) -> str:
    """Rows of the entity by what they meet of either definition and whether the table holds them."""
    columns = [
        f"{alias}.{name} as {prefix}_{name.removeprefix('is_')}"
        for alias, prefix, one in (("old", "was", old), ("new", "now", new))
        for name in [
            *(f"leaf_{leaf.number}" for leaf in one.leaves), "is_met", "is_sampled", "is_member", "is_holdout",
        ]
    ]  # fmt: skip
    grouped = ", ".join(f"moved.{one.split(' as ')[1]}" for one in columns) + ", moved.in_table"
    # Where nothing was built yet, what the old definition holds now stands for what is in the table.
    held = "members.entity_id is not null" if table else "old.is_member"
    joined = (
        f" left join (select distinct {new.key} as entity_id from {table}) as members "
        f"on new.{new.key} = members.entity_id"
        if table
        else ""
    )
    return (
        f"select {grouped}, count(*) as counted from (select {', '.join(columns)}, ({held}) as in_table "
        f"from ({old.rows}) as old inner join ({new.rows}) as new on old.{new.key} = new.{new.key}"
        f"{joined}) as moved group by {grouped}"
    )


def _gone(session: Session, new: Compiled, table: str | None) -> int:
    """Members of the table who are in the table of the entity no more."""
    if table is None:
        return 0
    found = session.rows(
        f"select count(distinct members.{new.key}) as counted from {table} as members "
        f"left join ({new.rows}) as judged on members.{new.key} = judged.{new.key} "
        f"where judged.{new.key} is null and members.{new.key} is not null"
    )
    return int(found[0]["counted"])


def _because(old: Compiled, new: Compiled, row: dict[str, Any], *, enters: bool) -> tuple[str, ...]:
    """The conditions that one definition has and the other has not, by which somebody moves."""
    if bool(row["was_met"]) == bool(row["now_met"]):
        sampled = row["was_sampled" if enters else "now_sampled"]
        return ("the limit" if sampled else "the sample",)
    common = {(leaf.sql, leaf.is_negated) for leaf in old.leaves} & {
        (leaf.sql, leaf.is_negated) for leaf in new.leaves
    }

    def passed(one: Compiled, prefix: str, *, passes: bool) -> list[str]:
        return [
            leaf.said
            for leaf in one.leaves
            if (leaf.sql, leaf.is_negated) not in common
            and (bool(row[f"{prefix}_leaf_{leaf.number}"]) != leaf.is_negated) == passes
        ]

    if enters:
        gone, come = passed(old, "was", passes=False), passed(new, "now", passes=True)
        told = [f"no longer: {one}" for one in gone] or [f"now also: {one}" for one in come]
    else:
        come, gone = passed(new, "now", passes=False), passed(old, "was", passes=True)
        told = [f"now also: {one}" for one in come] or [f"no longer: {one}" for one in gone]
    return tuple(told) or ("the conditions are joined in another way",)


def overlap(session: Session, audiences: Sequence[tuple[str, str]], key: str) -> dict[str, Any]:
    """How many are in each two of some audiences of one entity, as the last build left them: (name, relation)."""
    selects = " union all ".join(
        f"select distinct {number} as audience, {key} as entity_id from {relation}"
        for number, (_, relation) in enumerate(audiences)
    )
    found = session.rows(
        f"with members as ({selects}) select one.audience as one, other.audience as other, "
        "count(*) as counted from members as one inner join members as other "
        "on one.entity_id = other.entity_id and one.audience <= other.audience group by 1, 2"
    )
    shared = {(int(row["one"]), int(row["other"])): int(row["counted"]) for row in found}
    names = [name for name, _ in audiences]
    return {
        "audiences": [
            {"name": name, "members": shared.get((number, number), 0)}
            for number, name in enumerate(names)
        ],
        "pairs": [
            {"one": names[one], "other": names[other], "both": shared.get((one, other), 0)}
            for one in range(len(names))
            for other in range(one + 1, len(names))
        ],
    }


def history(
    session: Session, dialect: Dialect, memberships: str, name: str, days: int
) -> list[dict[str, Any]]:
    """By day of the last so many that had a change: who entered, who left, and how many there were at its end. A merge is no leaving."""
    moved = " union all ".join(
        f"select cast({column} as date) as day, {entered} as entered, {left} as gone, {step} as step "
        f"from {memberships} where audience_name = {dialect.literal(name)} and {column} is not null"
        for column, entered, left, step in (
            ("entered_at", "1", "0", "1"),
            ("exited_at", "0", "case when exit_reason = 'merged' then 0 else 1 end", "-1"),
        )
    )
    found = session.rows(
        "select day, sum(entered) as entered, sum(gone) as gone, sum(sum(step)) over (order by day) as members "
        f"from ({moved}) as moves group by day order by day desc limit {int(days)}"
    )
    return [
        {
            "day": str(row["day"]),
            "entered": int(row["entered"]),
            "left": int(row["gone"]),
            "members": int(row["members"]),
        }
        for row in found[::-1]
    ]
