"""Who leaves a sync and is still wanted at the vendor: by another sync that fills the same object, or by a row that is the same record.

The vendor holds the union of what all syncs want there. A removal that would take out somebody who is claimed is not sent: the ledger
forgets the row where its claimant is known to be there, and keeps it, to be asked again, where the claimant is only being added: by this
plan, or by another sync whose table has it, so that who moves from one sync to another is never gone in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync.engine.plan import membership
from sync.state.ledger import UNKNOWN

if TYPE_CHECKING:
    from sync.destinations.base import ObjectType
    from sync.engine.plan.planner import Mapping
    from sync.warehouses.base import Dialect

CLAIMED = "claimed"  # the plan's reason


@dataclass(frozen=True, slots=True)
class Claims:
    """What else may want a row that leaves: `others` is a query of (sync_key, identifiers) that other syncs hold there, `wanted` one of
    what is in their tables, if any.
    """

    found_by: tuple[str, ...] = ()
    members: membership.Sets = ()
    others: str | None = None
    wanted: str | None = None

    @classmethod
    def on(cls, offered: ObjectType | None, others: str | None) -> Claims:
        """Claims on an object of that kind."""
        if offered is None:
            return cls(others=others)
        return cls(offered.found_by, offered.members, others)

    def passed_on(self, mapping: Mapping, before_of: str, dialect: Dialect) -> str | None:
        """Query part `passed_on as (...)` over `activation`: those of `before_of`, a query of (sync_key, identifiers), whose address is
        somebody else's now, in this table or by another sync, so that nothing may become of its record; None where nobody is found by
        an address.
        """
        names = [name for name in self.found_by if name in mapping.identifiers]
        same = []
        for name in names:
            before = membership.found_as(name, dialect.json_text("identifiers", name))
            now = membership.found_as(name, dialect.text(dialect.column(name)))
            others = (
                f" union all select sync_key, {before} as now from ({self.others}) as of_others"
            )
            same.append(
                "select leaving.sync_key, leaving.identifiers from "
                f"(select sync_key, identifiers, {before} as before from ({before_of}) as had) as leaving inner join "
                f"(select sync_key, {now} as now from activation{others if self.others else ''}) as taking "
                "on taking.now = leaving.before and taking.sync_key <> leaving.sync_key"
            )
        if not same:
            return None
        return f"passed_on as (select distinct sync_key, identifiers from ({' union all '.join(same)}) as passed)"

    def tried(self, mapping: Mapping, maybe: str, dialect: Dialect) -> str | None:
        """Query part `tried as (...)` over `planned`: sync_key, identifiers and first_at of what a row that changes may be there with,
        since an answer about it was lost, and has no more; None where nobody is found by an address. `maybe` is a query as
        `Ledger.maybe_there` gives.
        """
        places = mapping.identifier_places
        differing = " or ".join(
            f"{membership.found_as(name, dialect.json_text('maybe.identifiers', name))} is distinct from "
            f"{membership.found_as(name, 'planned.' + dialect.column(places[name]))}"
            for name in self.found_by
            if name in places
        )
        if not differing:
            return None
        return (
            "tried as (select planned.sync_key, maybe.identifiers, min(maybe.acknowledged_at) as first_at "
            f"from planned inner join ({maybe}) as maybe on maybe.sync_key = planned.sync_key "
            f"where planned.action = 'change' and planned.held_hash = {dialect.literal(UNKNOWN)} "
            f"and ({differing}) group by planned.sync_key, maybe.identifiers)"
        )

    def parts(
        self, mapping: Mapping, dialect: Dialect, *, aside: str | None = None, merges: bool = False
    ) -> str | None:
        """Query part `claimed as (...)` over `compared`: sync_key and is_sure of rows that leave and are claimed; None where none can be.

        `aside` is a table of payload_hash and sync_key of rows that are not sent though they are wanted. With `merges`, `compared` says by
        into_key whom a row went into, who does not claim what is to be made one with theirs.
        Members that are their identifiers are told apart value by value, by `membership.marks`.
        """
        if self.members:
            return None
        if not self.found_by:
            theirs = " union all ".join(
                f"select sync_key, {is_sure} as is_sure from ({query}) as of_others"
                for is_sure, query in self._theirs()
            )
            if not theirs:
                return None
            return (
                "claimed as (select compared.sync_key, max(theirs.is_sure) as is_sure from compared "
                f"inner join ({theirs}) as theirs on theirs.sync_key = compared.sync_key "
                "where compared.wanted = 'remove' group by compared.sync_key)"
            )
        places = mapping.identifier_places
        names = [name for name in self.found_by if name in places]
        if not names:
            return None
        sent = ", ".join(
            f"{membership.found_as(name, dialect.json_text('held_identifiers', name))} as {_at(place)}"
            for place, name in enumerate(names)
        )
        now = ", ".join(
            f"{membership.found_as(name, places[name])} as {_at(place)}"
            for place, name in enumerate(names)
        )
        claimants = (
            f"select case when wanted = 'add' then 0 else 1 end as is_sure, sync_key, {now} from compared "
            "where wanted in ('add', 'change', 'unchanged')"
        )
        if aside is not None:
            claimants += (
                f" and not (wanted = 'add' and row_hash in (select payload_hash from {aside} "
                "where payload_hash is not null))"
            )
        found = ", ".join(
            f"{membership.found_as(name, dialect.json_text('identifiers', name))} as {_at(place)}"
            for place, name in enumerate(names)
        )
        for is_sure, query in self._theirs():
            claimants += f" union all select {is_sure} as is_sure, sync_key, {found} from ({query}) as of_others"
        into, another = "", ""
        if merges:
            into = ", into_key"
            another = (
                " and (leaving.into_key is null "
                "or claimants.sync_key not in (leaving.into_key, leaving.sync_key))"
            )
        same = [
            f"select leaving.sync_key, claimants.is_sure from leaving inner join claimants "
            f"on claimants.{_at(place)} = leaving.{_at(place)}{another}"
            + "".join(
                f" and (claimants.{_at(stronger)} is null or leaving.{_at(stronger)} is null)"
                for stronger in range(place)
            )
            for place in range(len(names))
        ]
        return (
            f"leaving as (select sync_key{into}, {sent} from compared where wanted = 'remove'), "
            f"claimants as ({claimants}), "
            "claimed as (select sync_key, max(is_sure) as is_sure "
            f"from ({' union all '.join(same)}) as same group by sync_key)"
        )

    def _theirs(self) -> list[tuple[int, str]]:
        """Whether a claimant is known to be there, and a query of such claimants."""
        given = ((1, self.others), (0, self.wanted))
        return [(is_sure, query) for is_sure, query in given if query is not None]


def same_records(offered: ObjectType, gone: str, held: str, dialect: Dialect) -> str:
    """A query of sync_key of rows of `held` that are the record of one of `gone`, which are queries of (sync_key, identifiers, row_hash):
    any identifier by which the vendor finds a record makes them the same. Not of those that are known to have the same values.
    """
    of_members = dict.fromkeys(name for some in offered.members for name in some)
    names = offered.found_by or tuple(of_members)
    if not names:
        return f"select sync_key from ({gone}) as gone"
    theirs, ours = (
        [membership.found_as(name, dialect.json_text(f"{of}.identifiers", name)) for name in names]
        for of in ("held", "gone")
    )
    return " union all ".join(
        f"select held.sync_key from ({held}) as held inner join ({gone}) as gone on {one} = {other} "
        "and held.row_hash is distinct from gone.row_hash"
        for one, other in zip(theirs, ours, strict=True)
    )


def _at(place: int) -> str:
    return f"found_{place}"
