"""Claimed beside observed: what identifiers show of pairs that were scored without them."""

from __future__ import annotations

import numpy as np
import pytest

from sync.identity.matching.observed import Band, observed_bands
from sync.identity.matching.weights import Counted, Kind, Weight

KINDS = [
    Kind("name", ("different", "exact"), False),
    Kind("born", ("different", "exact"), False),
    Kind("email", ("different", "exact"), False, identifies=True),
]
RULES = [["name"], ["email"]]


def weights(prior: float) -> list[Weight]:
    """A name is worth 10 bits, a birth date 14."""
    shares = {"name": (0.96, 0.96 / 2**10), "born": (0.96, 0.96 / 2**14), "email": (0.5, 1e-6)}
    rows = [
        Weight("person", "prior", 0, "", prior, 1.0, "trained"),
        Weight("person", "household", 0, "", 1e-12, 1.0, "trained"),
    ]
    for kind, (m, u) in shares.items():
        rows += [
            Weight("person", kind, 0, "different", 1 - m, 1 - u, "trained"),
            Weight("person", kind, 1, "exact", m, u, "trained"),
        ]
    return rows


def people(sources: str, share: float, right: float, pairs: int = 4_000) -> list[Counted]:
    """Sure pairs, and pairs with nothing but a name of which `right` are one's; who is one shares an address in `share` of cases."""
    rows = []
    for pattern, is_one in (("11", 1.0), ("1-", right)):
        for level, part in (("1", share * is_one), ("0", 1 - share * is_one)):
            rows.append(
                Counted(
                    "candidates", sources, pattern + level, 1, 0, 0, 0, 0, 0, round(pairs * part)
                )
            )
    return rows


def band(prior: float, rows: list[Counted]) -> Band:
    found = observed_bands(weights(prior), rows, kinds=KINDS, rules=RULES)
    assert found[-1].observed == pytest.approx(1.0)
    return found[0]


def test_what_holds_is_true_and_what_does_not_is_told() -> None:
    """A name makes .97 of 1 in 30; of two sources few share an address, of others most."""
    rows = people("card|shop", 0.2, 0.97) + people("shop|shop", 0.9, 0.97)
    held = band(1 / 32, rows)
    assert held.claimed == pytest.approx(0.97, abs=0.01)
    assert held.observed == pytest.approx(0.97, abs=0.02)
    assert not held.is_too_high
    rows = people("card|shop", 0.2, 0.7) + people("shop|shop", 0.9, 0.7)
    wrong = band(1 / 32, rows)
    assert wrong.observed == pytest.approx(0.7, abs=0.02)
    assert wrong.is_too_high


def test_pairs_that_the_address_found_and_sources_with_few_sure_pairs_say_nothing() -> None:
    rows = people("shop|shop", 0.9, 0.7)
    found_by_address = Counted("candidates", "shop|shop", "1-1", 2, 0, 0, 0, 0, 0, 50_000)
    few = people("card|card", 0.9, 1.0, pairs=20)
    assert band(1 / 32, [*rows, found_by_address, *few]) == band(1 / 32, rows)
    assert observed_bands(weights(1 / 32), few, kinds=KINDS, rules=RULES) == []


def test_what_the_address_itself_tells_is_left_out() -> None:
    """Its bits are taken out of those of all, so that pairs that share it claim what others do."""
    rows = people("shop|shop", 0.5, 0.97)
    told = [
        Counted(*(one.sample, one.sources, one.pattern, one.rule_mask),
                20 if one.pattern[2] == "1" else 0, 0, 0, 20 if one.pattern[2] == "1" else 0, 0, one.pair_count)
        for one in rows
    ]  # fmt: skip
    assert np.isclose(band(1 / 32, told).claimed, band(1 / 32, rows).claimed)
