"""What a benchmark is and what it reports: the shape `python -m benchmarks NAME --json` prints."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on a figure's value, or on its ratio to the reference."""

    bound: float
    side: Literal["at most", "at least"]
    of: Literal["value", "ratio"] = "value"

    def __str__(self) -> str:
        sign = "<=" if self.side == "at most" else ">="
        return f"{self.of} {sign} {self.bound:g}"

    def met_by(self, measured: float | None) -> bool | None:
        """Whether `measured` keeps the bound; None when there is nothing to compare."""
        if measured is None:
            return None
        return measured <= self.bound if self.side == "at most" else measured >= self.bound


def at_most(bound: float, of: Literal["value", "ratio"] = "value") -> Goal:
    """The goal of a time, a size, an error."""
    return Goal(bound, "at most", of)


def at_least(bound: float, of: Literal["value", "ratio"] = "value") -> Goal:
    """The goal of a rate or an accuracy."""
    return Goal(bound, "at least", of)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `reference` is what ran beside it in the same run, in the same unit."""

    what: str
    value: float
    unit: str
    reference: float | None = None
    goal: Goal | None = None

    @property
    def ratio(self) -> float | None:
        """value / reference; None without a reference."""
        return self.value / self.reference if self.reference else None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        if self.goal is None:
            return None
        return self.goal.met_by(self.ratio if self.goal.of == "ratio" else self.value)

    def as_json(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "value": self.value,
            "unit": self.unit,
            "reference": self.reference,
            "ratio": self.ratio,
            "goal": None if self.goal is None else str(self.goal),
            "met": self.met,
        }


def _no_arguments(_: ArgumentParser) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A module's measurement. Progress goes to stderr; what it measured is returned.

    A module registers itself with one line, heavy imports inside `run`:

        BENCHMARK = Benchmark("plan", "One plan over a large ledger.", run, add_arguments)
    """

    name: str
    summary: str
    run: Callable[[Namespace], Sequence[Figure]]
    add_arguments: Callable[[ArgumentParser], None] = _no_arguments


def report(name: str, figures: Sequence[Figure]) -> dict[str, Any]:
    """The document of one run (docs/architecture.md, figures)."""
    return {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "figures": [figure.as_json() for figure in figures],
    }
