"""How alike two records are, field by field: what matching made of a pair."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sync.identity.mask import mask

if TYPE_CHECKING:
    from sync.config.manifest import Manifest
    from sync.warehouses.base import Dialect, Session

MODELS = ("matching_scores", "matching_decided", "matching_records", "matching_weights")
Row = Mapping[str, Any]


def explain_likeness(
    session: Session,
    dialect: Dialect,
    manifest: Manifest,
    entity: str,
    keys: tuple[str, str],
    *,
    show_values: bool,
) -> dict[str, Any] | None:
    """Each field of two records with its level and weight in bits, and their sum; None where matching compared no such pair.

    `waits_because` says why a pair that is likely is not joined: a person is asked.
    """
    tables = {name: manifest.relation(name) for name in MODELS}
    if None in tables.values():
        return None
    literal = dialect.literal
    left, right = sorted(keys)
    pair = (
        f"entity = {literal(entity)} and left_record_key = {literal(left)} "
        f"and right_record_key = {literal(right)}"
    )
    found = session.rows(
        "select pattern, match_weight, match_probability "
        f"from {tables['matching_scores']} where {pair}"
    )
    if not found:
        return None
    records = {
        str(row["record_key"]): row
        for row in session.rows(
            f"select * from {tables['matching_records']} where entity = {literal(entity)} "
            f"and record_key in ({literal(left)}, {literal(right)})"
        )
    }
    weights = {
        (str(row["kind"]), int(row["level"])): (float(row["m"]), float(row["u"]))
        for row in session.rows(
            f"select kind, level, m, u from {tables['matching_weights']} "
            f"where entity = {literal(entity)}"
        )
    }
    decided = session.rows(f"select decision from {tables['matching_decided']} where {pair}")
    kinds = manifest.meta("matching_patterns").get("kinds", ())
    sides = [records[key] for key in keys]
    fields = _fields(str(found[0]["pattern"]), kinds, weights, sides, show=show_values)
    prior = _bits(weights["prior", 0][0] / (1 - weights["prior", 0][0]))
    total = float(found[0]["match_weight"])
    household = total - prior - sum(one["weight"] for one in fields)
    decision = str(decided[0]["decision"]) if decided else "unlikely"
    return {
        "fields": fields,
        "prior": round(prior, 2),
        # What the fields' bits are rounded by is no household.
        "household": round(household, 2) if abs(household) > 0.005 * (len(fields) + 1) else 0.0,
        "weight": round(total, 2),
        "probability": round(float(found[0]["match_probability"]), 4),
        "decision": decision,
    }


def _fields(
    pattern: str,
    kinds: Sequence[Mapping[str, Any]],
    weights: Mapping[tuple[str, int], tuple[float, float]],
    sides: Sequence[Row],
    *,
    show: bool,
) -> list[dict[str, Any]]:
    fields = []
    for mark, kind in zip(pattern, kinds, strict=True):
        name = str(kind["name"])
        values = [None if side.get(name) is None else str(side[name]) for side in sides]
        if values == [None, None]:
            continue
        level = None if mark == "-" else int(mark)
        weight = 0.0
        if level is not None and (name, level) in weights:
            m, u = weights[name, level]
            if kind["has_frequency"] and level == len(kind["labels"]) - 1:
                u = float(sides[0][f"{name}_frequency"])
            weight = _bits(m / u)
        told = "says nothing" if None not in values else "missing"
        fields.append(
            {
                "field": name,
                "left": mask(name, values[0], show=show),
                "right": mask(name, values[1], show=show),
                "level": told if level is None else kind["labels"][level],
                "weight": round(weight, 2),
            }
        )
    return fields


def _bits(share: float) -> float:
    return math.log2(share)
