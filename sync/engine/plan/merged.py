"""Who became whom: of two rows that a sync sent one stays, and the destination is told so."""

from __future__ import annotations

from dataclasses import dataclass

# Whom a row went into, as the destination last took that one.
INTO = ("into_key", "into_identifiers", "into_remote_id")


@dataclass(frozen=True, slots=True)
class Merged:
    """Who became whom: `aliases` is the table that says it of ids, which are keys of the sync. `makes_one` where the vendor makes one
    record of two: the one that stays is written anew then, since the vendor mixes what both had. `is_found` where the vendor finds
    its records by identifiers, so that two rows may be one of them.
    """

    aliases: str
    makes_one: bool
    is_found: bool

    @property
    def parts(self) -> str:
        """Query parts: `merged`, the held keys that are another held key now, and whether their record is somebody else's too, so that
        nothing may become of it; `grown`, the keys that they went into.
        """
        record = "coalesce({0}.remote_id, {0}.identifiers)" if self.is_found else "{0}.remote_id"
        return (
            "pairs as (select gone.sync_key as merged_key, kept.sync_key as into_key, "
            "kept.identifiers as into_identifiers, kept.remote_id as into_remote_id, "
            f"{record.format('gone')} as gone_record "
            f"from {self.aliases} as ids inner join held as gone on gone.sync_key = ids.old_id "
            "inner join held as kept on kept.sync_key = ids.live_id where ids.old_id <> ids.live_id), "
            "twins as (select distinct pairs.merged_key as twin_key from pairs inner join held as other "
            f"on {record.format('other')} = pairs.gone_record where other.sync_key <> pairs.merged_key), "
            "merged as (select merged_key, into_key, into_identifiers, into_remote_id, "
            "case when twins.twin_key is null then 0 else 1 end as is_one "
            "from pairs left join twins on twins.twin_key = pairs.merged_key), "
            "grown as (select distinct into_key as grown_key from merged where is_one = 0), "
        )
