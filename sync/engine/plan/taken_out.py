"""Who a `remove` sync keeps out of an object is sent there by no other sync while it lists them: else one would put in whom the other has
taken out, or go on saying that they are there.

What it has taken out and lists still is what its ledger has. Somebody is known there as the vendor knows them: by identifiers, the
strongest that both have; by a set of them that is a member; or by our key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sync.engine.plan.permission import Permission

if TYPE_CHECKING:
    from sync.destinations.base import ObjectType
    from sync.warehouses.base import Dialect

TAKEN_OUT = "taken_out"  # the plan's reason


def withholding(
    query: str,
    *,
    offered: ObjectType | None,
    key: str,
    identifiers: Sequence[str],
    dialect: Dialect,
) -> Permission:
    """`query` is one of (sync_key, identifiers) of what was taken out, `key` SQL of the activation table's key."""
    found: list[tuple[str, str, str]] = []  # value there, value here, and when this value decides
    names = [name for name in (offered.found_by if offered else ()) if name in identifiers]
    sets = [one for one in (offered.members if offered else ()) if set(one) <= set(identifiers)]

    def there(name: str) -> str:
        return dialect.json_text("identifiers", name)

    def here(name: str) -> str:
        return dialect.text(dialect.column(name))

    for columns in sets:
        found.append(
            (" || '|' || ".join(map(there, columns)), " || '|' || ".join(map(here, columns)), "")
        )
    if not sets:
        for place, name in enumerate(names):
            stronger = names[:place]
            absent = " and ".join(f"{there(one)} is null" for one in stronger)
            found.append((there(name), here(name), absent))
            if stronger:
                nothing = " and ".join(f"{here(one)} is null" for one in stronger)
                found.append((there(name), f"case when {nothing} then {here(name)} end", ""))
    if not found:
        found.append(("sync_key", key, ""))
    joins = "".join(
        f" left join (select distinct {told} as taken_out_{number} from ({query}) as of_removers"
        f"{f' where {only}' if only else ''}) as out_{number} on out_{number}.taken_out_{number} = {own}"
        for number, (told, own, only) in enumerate(found)
    )
    conditions = " or ".join(f"taken_out_{number} is not null" for number in range(len(found)))
    return Permission(joins, f"case when {conditions} then '{TAKEN_OUT}' end")
