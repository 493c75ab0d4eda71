"""EM finds the parameters that made the data, and never makes the data less likely."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sync.errors import ConfigError
from sync.identity.matching.em import Model, Patterns, Shape, first_guess, log_odds, train
from sync.identity.matching.splink import import_splink
from sync.identity.matching.weights import Counted, Kind, Weight, train_weights, write_weights
from tests.python.matching.lab import splink_model

M = [np.array([0.05, 0.15, 0.8]), np.array([0.1, 0.9]), np.array([0.2, 0.1, 0.7])]
U = [np.array([0.95, 0.04, 0.01]), np.array([0.8, 0.2]), np.array([0.97, 0.02, 0.01])]
PRIOR = 0.05
SHAPES = [Shape(3), Shape(2), Shape(3)]


def _simulated(pairs: int, prior: float, seed: int) -> Patterns:
    random = np.random.default_rng(seed)
    matched = random.random(pairs) < prior
    columns = [
        np.where(matched, random.choice(len(m), pairs, p=m), random.choice(len(u), pairs, p=u))
        for m, u in zip(M, U, strict=True)
    ]
    levels, counts = np.unique(np.stack(columns, 1), axis=0, return_counts=True)
    zeros = np.zeros(len(counts))
    return Patterns(
        levels, counts.astype(float), zeros, zeros, zeros, zeros, zeros, zeros.astype(np.int64)
    )


def _trained(candidates: Patterns, pairs: int):  # type: ignore[no-untyped-def]
    return train(
        candidates,
        _simulated(400_000, PRIOR, seed=2),
        shapes=SHAPES,
        pair_count=pairs,
        belief=0,
        max_steps=500,
    )


def test_em_recovers_the_parameters_that_made_the_pairs() -> None:
    model = _trained(_simulated(400_000, PRIOR, seed=1), 400_000).model
    assert model.prior == pytest.approx(PRIOR, rel=0.05)
    for found, true in zip([*model.m, *model.u], [*M, *U], strict=True):
        assert found == pytest.approx(true, abs=0.02)


def test_likelihood_never_falls() -> None:
    history = _trained(_simulated(50_000, PRIOR, seed=3), 50_000).log_likelihoods
    assert len(history) > 3
    # Smoothing and the re-estimated u may cost a hair near the end.
    assert all(b >= a - abs(a) * 1e-6 for a, b in pairwise(history))


def test_a_missing_value_tells_nothing() -> None:
    zero = np.zeros(1)
    missing = Patterns(
        np.array([[-1, -1, -1]]), np.ones(1), zero, zero, zero, zero, zero, zero.astype(np.int64)
    )
    guess = first_guess(SHAPES, _simulated(1_000, 0.0, seed=4), PRIOR)
    odds = log_odds(guess, missing, SHAPES)
    assert odds[0] == pytest.approx(np.log(PRIOR / (1 - PRIOR)))


def test_agreeing_on_a_rare_value_tells_more() -> None:
    levels = np.array([[2, 1, 2], [2, 1, 2]])
    bits = np.array([3.0, 12.0])
    pairs = Patterns(
        levels,
        np.ones(2),
        bits,
        np.zeros(2),
        np.zeros(2),
        np.zeros(2),
        np.zeros(2),
        np.zeros(2, dtype=np.int64),
    )
    guess = first_guess(SHAPES, _simulated(1_000, 0.0, seed=4), PRIOR)
    guess = replace(guess, household=1e-12)
    common, rare = log_odds(guess, pairs, [Shape(one.size, has_frequency=True) for one in SHAPES])
    assert rare - common == pytest.approx(9 * np.log(2))


def test_nothing_to_learn_from_is_said() -> None:
    kinds = [Kind("email", ("different", "exact"), True)]
    with pytest.raises(ConfigError, match="no pairs to learn from") as error:
        train_weights(
            "person",
            [Counted("records", "", "", 0, 0, 0, 0, 0, 0, 5)],
            kinds=kinds,
            rules=[["email"]],
        )
    assert "Of 5 records no two met" in str(error.value.hint)
    for counted, hint in (
        ([], "Build matching_patterns first"),
        ([Counted("records", "", "", 0, 0, 0, 0, 0, 0, 1)], "There are no two records of it"),
    ):
        with pytest.raises(ConfigError, match="no pairs to learn from") as error:
            train_weights("person", counted, kinds=kinds, rules=[["email"]])
        assert hint in str(error.value.hint)


def test_weights_are_written_where_there_is_no_folder_of_seeds(tmp_path: Path) -> None:
    path = tmp_path / "seeds" / "matching_weights.csv"
    write_weights(path, [Weight("boat", "prior", 0, "two records match", 0.1, 1.0, "trained")])
    assert "boat,prior,0,two records match,0.1" in path.read_text()


def test_one_kind_alone_teaches_nothing_and_gets_what_is_believed() -> None:
    kinds = [Kind("text", ("different", "some words", "most words", "exact"), False)]
    counted = [
        Counted("candidates", "", level, 1, 0, 0, 0, 0, 0, pairs)
        for level, pairs in (("0", 900), ("1", 90), ("2", 30), ("3", 20))
    ]
    counted += [
        Counted("random", "", "0", 0, 0, 0, 0, 0, 0, 5_000),
        Counted("records", "", "", 0, 0, 0, 0, 0, 0, 1_000),
    ]
    weights = train_weights("office", counted, kinds=kinds, rules=[["text"]])
    assert {one.source for one in weights} == {"assumed"}
    shares = {(one.kind, one.level): one for one in weights}
    prior = shares["prior", 0].m
    odds = [
        prior / (1 - prior) * shares["text", level].m / shares["text", level].u
        for level in range(4)
    ]
    assert odds[3] / (1 + odds[3]) > 0.99
    assert 0.5 < odds[1] / (1 + odds[1]) < odds[2] / (1 + odds[2]) < odds[3] / (1 + odds[3])
    assert odds[0] < 0.01


def _weights(entity: str) -> list[Weight]:
    return [
        Weight(entity, "prior", 0, "two records match", 0.01, 1.0, "trained"),
        Weight(entity, "email", 0, "different", 0.1, 0.98, "trained"),
        Weight(entity, "email", 1, "close", 0.1, 0.01, "trained"),
        Weight(entity, "email", 2, "exact", 0.8, 0.01, "trained"),
    ]


def test_training_one_entity_keeps_the_others(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "weights.csv"
    write_weights(path, _weights("person"))
    write_weights(path, _weights("household"))
    write_weights(path, _weights("person"))
    lines = path.read_text().splitlines()
    assert len(lines) == 9
    assert sum(line.startswith("household,") for line in lines) == 4


def test_a_splink_model_gives_prior_and_equality_and_levels_still_sum_to_one() -> None:
    document = splink_model("email", prior=0.002, m=0.6, u=0.001)
    found = import_splink(document, _weights("person"))
    assert found[0].m == 0.002
    assert (found[3].m, found[3].u, found[3].source) == (0.6, 0.001, "splink")
    assert sum(one.m for one in found[1:]) == pytest.approx(1)
    assert sum(one.u for one in found[1:]) == pytest.approx(1)


def test_a_file_that_is_no_splink_model_is_said() -> None:
    with pytest.raises(ConfigError, match="no Splink model"):
        import_splink({}, _weights("person"))


def test_a_group_that_differs_in_names_is_not_taken_for_the_matches() -> None:
    """A town agrees on its places, not on names; believing that matches seldom differ keeps it apart."""
    levels = np.array([[0, 2, 2], [2, 2, 2], [0, 0, 0], [0, 0, 2]])
    zeros = np.zeros(4)
    counts = np.array([900.0, 100, 90_000, 9_000])
    pairs = Patterns(levels, counts, zeros, zeros, zeros, zeros, zeros, zeros.astype(np.int64))

    def share_different(belief: float) -> float:
        shapes = [Shape(3)] * 3
        model = train(pairs, pairs, shapes=shapes, pair_count=100_000, belief=belief).model
        return float(model.m[0][0])

    assert share_different(0) > 0.8
    assert share_different(2) < 0.4


def _household_model() -> Model:
    """Two kinds: a first name, which is personal, and an address, which is shared."""
    m = [np.array([0.05, 0.95]), np.array([0.1, 0.9])]
    u = [np.array([0.99, 0.01]), np.array([0.9999, 0.0001])]
    return Model(m, u, prior=0.001, household=0.002)


def test_an_address_tells_the_household_and_not_the_person() -> None:
    """However rare the address: above the share of households it tells nothing about who of them it is."""
    shapes = [Shape(2, has_frequency=True), Shape(2, has_frequency=True, shared_from=0)]
    zero = np.zeros(1, dtype=np.int64)

    def odds(first_name: int, address_bits: float, kin_bits: float = 0) -> float:
        pairs = Patterns(
            np.array([[first_name, 1]]), np.ones(1), np.array([6.0]) * first_name,
            np.array([address_bits]), np.array([kin_bits]), np.zeros(1), np.zeros(1), zero,
        )  # fmt: skip
        return float(log_odds(_household_model(), pairs, shapes)[0])

    assert odds(0, 40) < 0 < odds(1, 40)
    assert odds(0, 40) == pytest.approx(odds(0, 20), abs=0.01)
    # A son may be called as his father is.
    assert odds(1, 40, kin_bits=4) == pytest.approx(odds(1, 40) - 4 * np.log(2), abs=0.01)


def test_em_tells_households_from_people() -> None:
    """Half of those at one address have another first name and birth date: they are not taken for one person."""
    random = np.random.default_rng(7)
    kind_of_pair = random.choice(3, 300_000, p=[0.98, 0.01, 0.01])  # apart, match, household
    shapes = [Shape(2), Shape(2), Shape(2, shared_from=0), Shape(2, shared_from=0)]
    columns = [
        random.random(300_000)
        < np.where(
            kind_of_pair == 1,
            0.92,
            np.where((kind_of_pair == 2) & (one.shared_from == 0), 0.92, 0.02),
        )
        for one in shapes
    ]
    levels, counts = np.unique(np.stack(columns, 1).astype(int), axis=0, return_counts=True)
    zeros = np.zeros(len(counts))
    pairs = Patterns(
        levels, counts.astype(float), zeros, zeros, zeros, zeros, zeros, zeros.astype(np.int64)
    )
    model = train(pairs, pairs, shapes=shapes, pair_count=300_000, belief=0, max_steps=500).model
    assert model.prior == pytest.approx(0.01, rel=0.15)
    assert model.household == pytest.approx(0.01, rel=0.15)
    assert model.m[0][1] == pytest.approx(0.92, abs=0.05)


def _dependent() -> tuple[Patterns, Patterns, int]:
    """Of the pairs that agree on both names and not on the date, which the model takes for matches, nine of ten are namesakes."""
    levels = np.array([[2, 1, 2], [2, 1, 0], [2, 0, 2], [0, 1, 2], [0, 0, 0], [2, 0, 0], [0, 1, 0]])
    counts = np.array([8_000.0, 4_000, 300, 300, 900_000, 20_000, 20_000])
    zeros = np.zeros(len(counts))
    pairs = Patterns(levels, counts, zeros, zeros, zeros, zeros, zeros, zeros.astype(np.int64))
    apart = replace(pairs, counts=np.array([0.0, 5, 5, 5, 900_000, 20_000, 20_000]))
    return pairs, apart, 960_000


def _claimed(model: Model, pairs: Patterns) -> list[float]:
    odds = log_odds(model, pairs, SHAPES)
    return [float(one) for one in 1 / (1 + np.exp(-odds))]


def test_what_people_answered_on_a_pattern_counts_for_all_its_pairs() -> None:
    pairs, random, count = _dependent()

    def learnt(same: float, different: float) -> list[float]:
        at = np.array([0.0, 1, 0, 0, 0, 0, 0])
        told = replace(pairs, same=same * at, different=different * at)
        trained = train(told, random, shapes=SHAPES, pair_count=count, has_households=False)
        return _claimed(trained.model, pairs)

    nobody, few, many = learnt(0, 0), learnt(1, 3), learnt(4, 36)
    agreed = learnt(36, 4)
    assert nobody[1] > 0.75  # what the kinds say by themselves
    assert nobody[1] > few[1] > 0.55 > many[1]
    assert many[1] < 0.45
    assert agreed[1] > nobody[1]
    # Who agrees on everything is one all the same, and who agrees on nothing is two.
    assert many[0] > 0.99
    assert max(many[4:]) < 0.01


def test_answers_that_bear_out_what_is_claimed_change_little() -> None:
    pairs, random, count = _dependent()
    at = np.array([1.0, 0, 0, 0, 0, 0, 0])
    plain = train(pairs, random, shapes=SHAPES, pair_count=count, has_households=False).model
    told = replace(pairs, same=50 * at)
    borne_out = train(told, random, shapes=SHAPES, pair_count=count, has_households=False).model
    assert _claimed(borne_out, pairs) == pytest.approx(_claimed(plain, pairs), abs=0.01)
