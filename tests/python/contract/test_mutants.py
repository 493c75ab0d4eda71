"""The wrong changes of `python -m tests.mutants`, which is slow and run by hand: each still fits the module that it changes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutants.changes import CHANGES, Change

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: f"{one.module}: {one.what}")
def test_a_wrong_change_fits_one_place_and_is_python(change: Change) -> None:
    text = (ROOT / change.file).read_text()
    assert text.count(change.old) == 1
    ast.parse(text.replace(change.old, change.new))


def test_there_are_enough_of_them() -> None:
    assert len(CHANGES) >= 60
    assert len({(one.module, one.what) for one in CHANGES}) == len(CHANGES)
