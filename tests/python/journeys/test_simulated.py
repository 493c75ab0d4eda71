"""A few random journeys beside the simulator: late events, merges, missed builds, edits (`python -m tests.proof journeys` has more)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.python.journeys.proof import Proof


@pytest.mark.parametrize("seed", [6, pytest.param(4, marks=pytest.mark.long)])
def test_a_log_holds_what_the_simulator_says_and_no_more(tmp_path: Path, seed: int) -> None:
    proof = Proof(tmp_path / "project", 5, seed)
    for number in range(5):
        if number in (2, 4):
            proof.edit(0.6)
        assert proof.day() == {}
    outcomes = {row[3] for one in proof.simulated.values() for row in one.rows}
    assert outcomes > {"entered", "due", "waited", "written", "nobody"}, "people's and companies'"
    versions = {row[0] for name in proof.definitions for row in proof.query(f"select distinct version "
        f"from analytics.{name} where node = 'entry'")}  # fmt: skip
    assert len(versions) > len(proof.definitions), "people entered by definitions that were edited"
