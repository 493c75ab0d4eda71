"""Expectation maximisation over counts of comparison patterns (Fellegi and Sunter's model).

A pattern has one level per kind: -1 where a value is missing, 0 for no agreement, the highest for equal values. The
model: within matches a kind's level is drawn from m, within non-matches from u, kinds independently. `bits` is what
equality of rare values tells (-log2 of their frequency), which then stands in for u of the highest level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

SMOOTHING = 0.5  # pairs added to every level, so that none is impossible

# What is believed of m before any data: two records of one person seldom differ outright. Left to itself, EM takes any
# group that agrees on much (a household, a town) for the matches; measured on four data sets in decision 0030.
BELIEF_DIFFERENT = 0.03
BELIEF_STRENGTH = 2.0  # times as strong as the data


@dataclass(frozen=True, slots=True)
class Patterns:
    """Distinct patterns with how many pairs have each."""

    levels: Integers  # patterns x kinds
    counts: Floats
    bits: Floats
    rule_masks: Integers


@dataclass(frozen=True, slots=True)
class Model:
    """Probabilities of each kind's levels among matches and non-matches, and of a match among all pairs."""

    m: Sequence[Floats]
    u: Sequence[Floats]
    prior: float


@dataclass(frozen=True, slots=True)
class Trained:
    """The last model and the log likelihood of the candidates after each step."""

    model: Model
    log_likelihoods: Sequence[float]


def first_guess(sizes: Sequence[int], random: Patterns, prior: float) -> Model:
    """m falls by half from the highest level down; u is what random pairs show."""
    m = [np.concatenate([[0.1], 0.5 ** np.arange(size - 1, 0, -1)]) for size in sizes]
    u = [_share(random.levels[:, k], random.counts, size) for k, size in enumerate(sizes)]
    return Model([one / one.sum() for one in m], u, prior)


def log_odds(model: Model, patterns: Patterns, has_frequency: Sequence[bool]) -> Floats:
    """Natural log odds that a pair of each pattern is a match."""
    total = np.full(len(patterns.counts), np.log(model.prior / (1 - model.prior)))
    for k, (m, u) in enumerate(zip(model.m, model.u, strict=True)):
        weights = np.log(m) - np.log(u)
        if has_frequency[k]:
            weights[-1] = np.log(m[-1])
        # A missing value (-1) takes the appended zero.
        total += np.append(weights, 0.0)[patterns.levels[:, k]]
    return np.asarray(total + patterns.bits * np.log(2), dtype=np.float64)


def train(
    candidates: Patterns,
    random: Patterns,
    *,
    sizes: Sequence[int],
    has_frequency: Sequence[bool],
    free_rules: Sequence[int],
    pair_count: float,
    belief: float = BELIEF_STRENGTH,
    max_steps: int = 100,
    tolerance: float = 1e-5,
) -> Trained:
    """Fit m, u and the prior.

    `sizes` are the numbers of levels; `free_rules` per kind the mask of blocking rules that do not use it: m of a kind is
    learnt from pairs that such a rule found, since a rule's own pairs agree by construction. u is learnt from random
    pairs, each counted by its probability of being no match; the prior is the matches found among all `pair_count` pairs.
    m leans to what is believed of it, `belief` times as strongly as to the data; 0 is plain EM.
    """
    model = first_guess(sizes, random, prior=min(0.01, 100 / max(pair_count, 1e4)))
    history: list[float] = []
    for _ in range(max_steps):
        odds = log_odds(model, candidates, has_frequency)
        matched = candidates.counts * _probability(odds)
        apart = random.counts * _probability(-log_odds(model, random, has_frequency))
        history.append(_log_likelihood(model, odds, candidates))
        found = [
            _share(
                candidates.levels[:, k],
                np.where((candidates.rule_masks & free_rules[k]) != 0, matched, 0.0)
                if free_rules[k]
                else matched,
                size,
            )
            for k, size in enumerate(sizes)
        ]
        m = [
            (one + belief * _believed(size)) / (1 + belief)
            for one, size in zip(found, sizes, strict=True)
        ]
        u = [_share(random.levels[:, k], apart, size) for k, size in enumerate(sizes)]
        prior = float(np.clip(matched.sum() / max(pair_count, 1.0), 1e-12, 0.5))
        change = max(float(np.abs(a - b).max()) for a, b in zip(m, model.m, strict=True))
        drift = abs(np.log(prior / model.prior))
        model = Model(m, u, prior)
        if change < tolerance and drift < tolerance * 10:
            break
    return Trained(model, history)


def _believed(size: int) -> Floats:
    """m of a kind before any data: each level half of the one above it."""
    falling = 0.5 ** np.arange(size - 1, 0, -1)
    alike = falling / falling.sum() * (1 - BELIEF_DIFFERENT)
    return np.asarray(np.concatenate([[BELIEF_DIFFERENT], alike]), dtype=np.float64)


def _share(levels: Integers, weights: Floats, size: int) -> Floats:
    present = levels >= 0
    found = np.bincount(levels[present], weights=weights[present], minlength=size) + SMOOTHING
    return np.asarray(found / found.sum(), dtype=np.float64)


def _probability(odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))), dtype=np.float64)


def _log_likelihood(model: Model, odds: Floats, patterns: Patterns) -> float:
    """Up to what the non-matches' model gives."""
    return float((patterns.counts * (np.logaddexp(0.0, odds) + np.log(1 - model.prior))).sum())
