"""What the weights claim, held against identity itself.

Two records with one address of e-mail (national id, tax id, domain) are one's, whatever their names are. So pairs are scored without those
kinds, and of the pairs said to be .95 to .99 so many should turn out to share the identifier as that claim says. Not all who are one
share it: how many do is read from the pairs that are sure beyond doubt without it, for each two sources by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sync.identity.matching.em import Floats, Model, Patterns, Shape, log_odds
from sync.identity.matching.weights import Counted, Kind, Weight, patterns_of, shape_of

EDGES = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0)
SURE = 0.999
LEAST_PAIRS = 50  # fewer say nothing
TOLERANCE = 0.03


@dataclass(frozen=True, slots=True)
class Band:
    """Pairs whose claimed probability is from `low` to below `high`."""

    low: float
    high: float
    pairs: int
    claimed: float
    observed: float
    error: float  # a standard error of `observed`, what is not known of the share of sure pairs included

    @property
    def is_too_high(self) -> bool:
        """Whether more is claimed than holds, beyond the tolerance and what chance explains."""
        return self.claimed - self.observed > TOLERANCE + 2 * self.error


def observed_bands(
    weights: Iterable[Weight],
    counted: Iterable[Counted],
    *,
    kinds: Sequence[Kind],
    rules: Sequence[Sequence[str]],
) -> list[Band]:
    """Claimed beside observed; empty where the records have no identifier beside other kinds, or too few pairs are sure."""
    model, shapes, known = _model(weights, kinds)
    rows = [row for row in counted if row.sample == "candidates"]
    candidates = patterns_of(rows, kinds)
    identifying = [k for k, kind in enumerate(kinds) if kind.identifies]
    others = [place for place, k in enumerate(known) if k not in identifying]
    levels = candidates.levels[:, identifying]
    # Pairs that were found by the identifier itself share it by construction.
    named = {kinds[k].name for k in identifying}
    free = sum(1 << number for number, rule in enumerate(rules) if not named & set(rule))
    is_open = (levels >= 0).any(axis=1) & ((candidates.rule_masks & free) != 0)
    if not others or not is_open.any():
        return []
    tops = np.array([kinds[k].size - 1 for k in identifying])
    joined = (candidates.counts * (levels == tops).any(axis=1))[is_open]
    counts = candidates.counts[is_open]
    claims = _claims(candidates, model, shapes, known, others)[is_open]
    sources = np.array([row.sources for row in rows])[is_open]
    shares, variances = _shared_by_one(sources, counts, joined, claims >= SURE)
    # Of two sources whose sure pairs are few nothing is known.
    claims = np.where(np.isnan(shares), -1.0, claims)
    found = []
    for low, high in pairwise(EDGES):
        chosen = (claims >= low) & ((claims < high) | (high == 1.0))
        total = float(counts[chosen].sum())
        if total < LEAST_PAIRS:
            continue
        share = float(joined[chosen].sum() / total)
        expected = float((counts * shares)[chosen].sum() / total)
        uncertain = float((counts * variances)[chosen].sum() / total) / expected**2
        drawn = max(share * (1 - share), 1 / total) / total
        found.append(
            Band(
                low,
                high,
                int(total),
                float((counts * claims)[chosen].sum() / total),
                min(1.0, share / expected),
                float(np.sqrt(drawn / expected**2 + uncertain * (share / expected) ** 2)),
            )
        )
    return found


def _shared_by_one(
    sources: NDArray[np.str_], counts: Floats, joined: Floats, is_sure: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Per row, how many pairs of its two sources share an identifier where they are one's, and the variance of that; nan where few
    are sure."""
    shares, variances = np.full((2, len(counts)), np.nan)
    for one in np.unique(sources):
        chosen = is_sure & (sources == one)
        total = float(counts[chosen].sum())
        if total >= LEAST_PAIRS and joined[chosen].sum():
            share = float(joined[chosen].sum()) / total
            shares[sources == one] = share
            variances[sources == one] = max(share * (1 - share), 1 / total) / total
    return shares, variances


def _claims(
    candidates: Patterns,
    model: Model,
    shapes: Sequence[Shape],
    known: Sequence[int],
    others: Sequence[int],
) -> Floats:
    """Probabilities of a match by all kinds but those that identify."""
    without = replace(
        candidates.only([known[place] for place in others]),
        bits=candidates.bits - candidates.identifying_bits,
        kin_bits=candidates.kin_bits - candidates.identifying_kin_bits,
    )
    part = Model(
        [model.m[place] for place in others],
        [model.u[place] for place in others],
        model.prior,
        model.household,
    )
    odds = log_odds(part, without, [shapes[place] for place in others])
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))), dtype=np.float64)


def _model(
    weights: Iterable[Weight], kinds: Sequence[Kind]
) -> tuple[Model, list[Shape], list[int]]:
    """The model that rows of the seed stand for, and which of `kinds` it knows, by place."""
    shares = {(one.kind, one.level): (one.m, one.u) for one in weights}
    known = [k for k, kind in enumerate(kinds) if (kind.name, 0) in shares]
    of_kinds = [[shares[kinds[k].name, level] for level in range(kinds[k].size)] for k in known]
    model = Model(
        [np.array([m for m, _ in one]) for one in of_kinds],
        [np.array([u for _, u in one]) for one in of_kinds],
        shares["prior", 0][0],
        shares["household", 0][0],
    )
    return model, [shape_of(kinds[k], []) for k in known], known
