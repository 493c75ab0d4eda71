"""How many an audience would hold, by a sample of people: at once, and with the error that it may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sync.audiences.answers import counted, kept
from sync.audiences.compiled import Compiled

if TYPE_CHECKING:
    from sync.warehouses.base import Sample

# People in a sample: the size is then off by one percent of everybody at most, in 95 of 100 samples.
PEOPLE = 10_000
_DEVIATIONS = 1.96


def estimate(sample: Sample, compiled: Compiled) -> dict[str, Any]:
    """Size, and what each condition keeps and drops, as many as there would be of everybody.

    `error_percent` is of everybody: in 95 of 100 samples the size is not farther off.
    """
    counts = sample.rows(counted(compiled))
    members = sum(int(row["counted"]) for row in counts if row["is_member"])
    scale = sample.total / sample.people if sample.people else 1.0
    conditions = []
    for leaf in compiled.leaves:
        told = kept(leaf, counts)
        numbers = {key: round(told[key] * scale) for key in ("keeps", "drops", "drops_alone")}
        conditions.append({**told, **numbers})
    return {
        "audience": compiled.name,
        "entity": compiled.entity,
        "sentence": compiled.sentence,
        "of": sample.total,
        "sampled": sample.people,
        "members": round(members * scale),
        "error_percent": round(_error_percent(members, sample.people, sample.total), 2),
        "conditions": conditions,
    }


def _error_percent(members: int, people: int, total: int) -> float:
    """Half the width of the interval that holds the true share, by Agresti and Coull: nobody in a sample does not prove that nobody is."""
    if people == total or not people:
        return 0.0
    size = people + _DEVIATIONS**2
    share = (members + _DEVIATIONS**2 / 2) / size
    unseen = (total - people) / (total - 1)
    deviation: float = (share * (1 - share) / size * unseen) ** 0.5
    return 100 * _DEVIATIONS * deviation
