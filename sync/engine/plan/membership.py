"""Members that are their identifiers: no record stands behind a hash, so one that changed stays in the audience until it is taken out.

A destination declares which sets of columns make a member each (`ObjectType.members`). For these the plan marks two things on rows
that leave or change: which sets lose the value that was sent, and which of those somebody else still holds, by the ledger, and keeps.
The first are taken out before anything is written; the second stay, since taking them out would take out the other person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sync.warehouses.base import Dialect

Sets = Sequence[Sequence[str]]


def marks(sets: Sets, mapped: Sequence[str], dialect: Dialect, others: str | None = None) -> str:
    """Query parts `, leaving as (...), staying as (...), marks as (...)` over `planned`, `held` and `activation`.

    `marks` has, per sync_key, two sums of powers of two, one power per set: `leaving` (the value sent is not the row's any more)
    and `shared` (of those, the ones that another key keeps); and `holders`, how many keys at most lose the same value at once.
    `others` is a query of (sync_key, identifiers) that other syncs hold in the same audience.
    """
    kept = "planned.action not in ('remove', 'change')"
    leaving, staying = [], []
    for number, columns in enumerate(sets):
        sent = _joined(
            [found_as(name, dialect.json_text("held.identifiers", name)) for name in columns]
        )
        now = _joined(
            [found_as(name, dialect.text(f"activation.{dialect.column(name)}")) for name in columns]
            if all(name in mapped for name in columns)
            else [dialect.text("null")]
        )
        source = (
            f"from (select planned.sync_key, {kept} as is_kept, planned.action, {sent} as sent, "
            f"{now} as now from planned inner join held on held.sync_key = planned.sync_key "
            "left join activation on activation.sync_key = planned.sync_key) as members_of_set "
            "where sent is not null"
        )
        same = "action = 'change' and now is not null and now = sent"
        leaving.append(
            f"select sync_key, {2**number} as part, sent {source} and not is_kept and not ({same})"
        )
        staying.append(f"select {2**number} as part, sent {source} and (is_kept or ({same}))")
        if others is not None:
            theirs = _joined(
                [found_as(name, dialect.json_text("identifiers", name)) for name in columns]
            )
            staying.append(
                f"select {2**number} as part, {theirs} as sent from ({others}) as held_by_others"
            )
    return (
        f", leaving as (select *, count(*) over (partition by part, sent) as holders "
        f"from ({' union all '.join(leaving)}) as leaves), "
        f"staying as (select distinct part, sent from ({' union all '.join(staying)}) as stays), "
        "marks as (select leaving.sync_key, sum(leaving.part) as leaving, "
        "sum(case when staying.part is null then 0 else leaving.part end) as shared, "
        "max(leaving.holders) as holders "
        "from leaving left join staying on staying.part = leaving.part "
        "and staying.sent = leaving.sent group by leaving.sync_key)"
    )


def found_as(name: str, text: str) -> str:
    """SQL of an identifier as a vendor finds it: an address is one in whatever spelling, and what is hashed was spelt alike before."""
    return f"lower(trim({text}))" if "email" in name and "sha256" not in name else text


def without_shared(identifiers: Mapping[str, str], shared: int, sets: Sets) -> dict[str, str]:
    """What a removal may name: everything sent, but for sets that another person keeps."""
    left = dict(identifiers)
    for number, columns in enumerate(sets):
        if shared >> number & 1:
            for name in columns:
                left.pop(name, None)
    return left


def outdated(identifiers: Mapping[str, str], leaving: int, sets: Sets) -> dict[str, str]:
    """Of what was sent, the sets that `leaving` names."""
    return {
        name: identifiers[name]
        for number, columns in enumerate(sets)
        if leaving >> number & 1
        for name in columns
    }


def _joined(texts: Sequence[str]) -> str:
    """The values of a set as one text; null when one is absent, since only the whole set is a member."""
    return " || '|' || ".join(texts)
