"""Expectation maximisation over counts of comparison patterns (Fellegi and Sunter's model, with households).

A pattern has one level per kind: -1 where a value is missing, 0 for no agreement, the highest for equal values. The
model: within matches a kind's level is drawn from m, within non-matches from u, kinds independently. A pair of two people of
one household is a class between: its shared kinds (last name, telephone, address) are drawn from m, its personal ones
from u, so that shared kinds tell which household, never which of its people (decision 0031). Some agree on a personal kind all the
same, a son on his father's name: `kin_bits` is what that makes likelier than u. `bits` is what equality of
rare values tells (-log2 of their frequency), which then stands in for u of the highest level.

What people answered on pairs counts for all pairs of their pattern: by how much the odds of the answered ones were off, those of the
pattern are (a maximum a posteriori offset; semi-supervised EM as in Nigam, McCallum, Thrun, Mitchell 2000, "Text classification
from labeled and unlabeled documents using EM", section 4, with a pattern for a document).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

NO_HOUSEHOLDS = 1e-300  # a share so small that it explains nothing
# Of pairs at the highest level of a kind that is alone, the next, ..., how many are taken for matches.
ASSUMED = (0.995, 0.97, 0.6, 0.1, 0.01, 0.0005)
SMOOTHING = 0.5  # pairs added to every level, so that none is impossible

# What is believed of m before any data: two records of one person seldom differ outright. Left to itself, EM takes any
# group that agrees on much (a town, a trade) for the matches; measured on eight data sets in decision 0031.
BELIEF_DIFFERENT = 0.03
BELIEF_STRENGTH = 1.0  # times as strong as the data

# How far the odds of a pattern may be off before people have said anything: a standard deviation, in natural logs.
DOUBT = 2.0


@dataclass(frozen=True, slots=True)
class Patterns:
    """Distinct patterns with how many pairs have each."""

    levels: Integers  # patterns x kinds
    counts: Floats
    bits: Floats  # of personal kinds
    shared_bits: Floats
    kin_bits: Floats  # of personal kinds that people of one household share now and then
    identifying_bits: Floats  # of those of `bits` that are of kinds which identify by themselves
    identifying_kin_bits: Floats  # of those of `kin_bits`
    rule_masks: Integers
    same: Floats = field(default_factory=lambda: np.zeros(1))  # how many people have called one's
    different: Floats = field(default_factory=lambda: np.zeros(1))  # and two's

    def only(self, kinds: Sequence[int]) -> Patterns:
        """The same pairs with these kinds alone."""
        return replace(self, levels=self.levels[:, list(kinds)])


@dataclass(frozen=True, slots=True)
class Model:
    """Probabilities of each kind's levels among matches and non-matches, and of a match and of two people of one
    household among all pairs."""

    m: Sequence[Floats]
    u: Sequence[Floats]
    prior: float
    household: float


@dataclass(frozen=True, slots=True)
class Shape:
    """What a kind is, apart from its name; `free_rules` is the mask of blocking rules that do not use it."""

    size: int  # levels
    has_frequency: bool = False
    shared_from: int | None = None  # the lowest level that people who live together have in common
    free_rules: int = 0


@dataclass(frozen=True, slots=True)
class Trained:
    """The last model and the log likelihood of the candidates after each step."""

    model: Model
    log_likelihoods: Sequence[float]


def first_guess(shapes: Sequence[Shape], random: Patterns, prior: float) -> Model:
    """m falls by half from the highest level down; u is what random pairs show."""
    m = [np.concatenate([[0.1], 0.5 ** np.arange(one.size - 1, 0, -1)]) for one in shapes]
    u = [_share(random.levels[:, k], random.counts, one.size) for k, one in enumerate(shapes)]
    return Model([one / one.sum() for one in m], u, prior, prior)


def log_odds(model: Model, patterns: Patterns, shapes: Sequence[Shape]) -> Floats:
    """Natural log odds that a pair of each pattern is a match."""
    apart, match, household = _log_shares(model, patterns, shapes)
    return np.asarray(match - np.logaddexp(apart, household), dtype=np.float64)


def train(
    candidates: Patterns,
    random: Patterns,
    *,
    shapes: Sequence[Shape],
    pair_count: float,
    belief: float = BELIEF_STRENGTH,
    has_households: bool = True,
    max_steps: int = 100,
    tolerance: float = 1e-5,
) -> Trained:
    """Fit m, u, the prior and the share of households.

    m of a kind is learnt from pairs that a blocking rule without it found, since a rule's own pairs agree by
    construction. u is learnt from random pairs, each counted by its probability of being neither; the prior is the matches
    found among all `pair_count` pairs. m leans to what is believed of it, `belief` times as strongly as to the data; 0 is
    plain EM. Without households every kind tells who it is.
    """
    model = first_guess(shapes, random, prior=min(0.01, 100 / max(pair_count, 1e4)))
    if not has_households:
        model = replace(model, household=NO_HOUSEHOLDS)
    history: list[float] = []
    answered = _answered(candidates)
    for _ in range(max_steps):
        logs = _log_shares(model, candidates, shapes)
        shares = _as_told(_normalised(logs), candidates, answered)
        _, matched, together = (candidates.counts * one for one in shares)
        apart = random.counts * _normalised(_log_shares(model, random, shapes))[0]
        history.append(_log_likelihood(logs, candidates))
        m = [
            (_found(candidates, matched, k, one) + belief * _believed(one.size)) / (1 + belief)
            for k, one in enumerate(shapes)
        ]
        u = [_share(random.levels[:, k], apart, one.size) for k, one in enumerate(shapes)]
        prior, household = (
            float(np.clip(one.sum() / max(pair_count, 1.0), 1e-12, 0.5))
            for one in (matched, together)
        )
        change = max(float(np.abs(a - b).max()) for a, b in zip(m, model.m, strict=True))
        drift = abs(np.log(prior / model.prior))
        model = Model(m, u, prior, household if has_households else NO_HOUSEHOLDS)
        if change < tolerance and drift < tolerance * 10:
            break
    return Trained(model, history)


def assumed(candidates: Patterns, size: int, pair_count: float) -> Model:
    """What is believed where there is one kind alone: nothing else can tell which of its levels are matches.

    Of the pairs at the highest level nearly all are taken for matches, and fewer the lower it is.
    """
    believed = np.array(ASSUMED[:size] + (ASSUMED[-1],) * (size - len(ASSUMED)))[::-1]
    found = np.bincount(candidates.levels[:, 0] + 1, weights=candidates.counts, minlength=size + 1)
    counts = np.asarray(found[1:], dtype=np.float64) + SMOOTHING
    matched, apart = counts * believed, counts * (1 - believed)
    apart[0] += max(pair_count - counts.sum(), 1.0)
    prior = float(np.clip(matched.sum() / max(pair_count, 1.0), 1e-12, 0.5))
    return Model([matched / matched.sum()], [apart / apart.sum()], prior, NO_HOUSEHOLDS)


def _log_shares(
    model: Model, patterns: Patterns, shapes: Sequence[Shape]
) -> tuple[Floats, Floats, Floats]:
    """Natural logs of how much of each pattern is apart, a match, a household, up to one factor."""
    personal = patterns.bits * np.log(2)
    shared = patterns.shared_bits * np.log(2)
    for k, (one, m, u) in enumerate(zip(shapes, model.m, model.u, strict=True)):
        weights = np.log(m) - np.log(u)
        if one.has_frequency:
            weights[-1] = np.log(m[-1])
        # A missing value (-1) takes the appended zero.
        found = np.append(weights, 0.0)[patterns.levels[:, k]]
        is_shared = one.shared_from is not None and patterns.levels[:, k] >= one.shared_from
        shared = shared + np.where(is_shared, found, 0.0)
        personal = personal + np.where(is_shared, 0.0, found)
    neither = max(1 - model.prior - model.household, 1e-12)
    return (
        np.full(len(patterns.counts), np.log(neither)),
        np.log(model.prior) + personal + shared,
        np.log(model.household) + shared + patterns.kin_bits * np.log(2),
    )


def _normalised(logs: tuple[Floats, Floats, Floats]) -> Floats:
    shares = np.exp(np.stack(logs) - np.maximum.reduce(logs))
    return np.asarray(shares / shares.sum(axis=0), dtype=np.float64)


def _answered(patterns: Patterns) -> list[Integers]:
    """Of each pattern that people have judged, where its rows are."""
    told = np.broadcast_to(patterns.same + patterns.different, patterns.counts.shape) > 0
    judged = np.unique(patterns.levels[told], axis=0)
    return [np.flatnonzero((patterns.levels == one).all(axis=1)) for one in judged]


def _as_told(shares: Floats, patterns: Patterns, answered: Sequence[Integers]) -> Floats:
    """`shares` where what people said of a pattern counts for all its pairs."""
    found = shares.copy()
    for rows in answered:
        match = np.clip(shares[1, rows], 1e-12, 1 - 1e-12)
        odds = np.log(match) - np.log1p(-match)
        told = 1 / (
            1 + np.exp(-odds - _offset(odds, patterns.same[rows], patterns.different[rows]))
        )
        found[:, rows] *= (1 - told) / (1 - match)
        found[1, rows] = told
    return found


def _offset(odds: Floats, same: Floats, different: Floats) -> float:
    """By how much log odds are off, by what was answered, held against the belief that they are not: Newton's method."""
    offset = 0.0
    for _ in range(30):
        said = 1 / (1 + np.exp(-odds - offset))
        slope = float((same * (1 - said) - different * said).sum()) - offset / DOUBT**2
        curve = float(((same + different) * said * (1 - said)).sum()) + 1 / DOUBT**2
        step = float(np.clip(slope / curve, -DOUBT, DOUBT))
        offset += step
        if abs(step) < 1e-9:
            break
    return offset


def _found(candidates: Patterns, matched: Floats, k: int, shape: Shape) -> Floats:
    is_free = (candidates.rule_masks & shape.free_rules) != 0
    weights = np.where(is_free, matched, 0.0) if shape.free_rules else matched
    return _share(candidates.levels[:, k], weights, shape.size)


def _believed(size: int) -> Floats:
    """m of a kind before any data: each level half of the one above it."""
    falling = 0.5 ** np.arange(size - 1, 0, -1)
    alike = falling / falling.sum() * (1 - BELIEF_DIFFERENT)
    return np.asarray(np.concatenate([[BELIEF_DIFFERENT], alike]), dtype=np.float64)


def _share(levels: Integers, weights: Floats, size: int) -> Floats:
    present = levels >= 0
    found = np.bincount(levels[present], weights=weights[present], minlength=size) + SMOOTHING
    return np.asarray(found / found.sum(), dtype=np.float64)


def _log_likelihood(logs: tuple[Floats, Floats, Floats], patterns: Patterns) -> float:
    """Up to what the non-matches' model gives."""
    return float((patterns.counts * np.logaddexp.reduce(logs)).sum())
