"""The one shape every benchmark prints, and its goals."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

import pytest

import benchmarks.__main__ as command
from benchmarks.figures import Benchmark, Figure, at_least, at_most, report


def test_report_has_the_shape_that_readers_of_json_rely_on() -> None:
    document = report("plan", [Figure("whole", 3.0, "s", 2.0, at_most(1.5, "ratio"))])
    assert document == {
        "schema_version": 1,
        "name": "plan",
        "figures": [
            {
                "what": "whole",
                "value": 3.0,
                "unit": "s",
                "reference": 2.0,
                "ratio": 1.5,
                "goal": "ratio <= 1.5",
                "met": True,
            }
        ],
    }


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (Figure("seconds", 10.0, "s", goal=at_most(10)), True),
        (Figure("seconds", 10.1, "s", goal=at_most(10)), False),
        (Figure("rate", 49_999, "rows/s", goal=at_least(50_000)), False),
        (Figure("ratio", 9.0, "s", 10.0, at_most(0.5, "ratio")), False),
        (Figure("no reference ran", 9.0, "s", None, at_most(0.5, "ratio")), None),
        (Figure("no goal", 9.0, "s"), None),
    ],
)
def test_goal_is_judged_on_the_value_or_the_ratio(figure: Figure, met: bool | None) -> None:
    assert figure.met is met


def _measure(options: Namespace) -> list[Figure]:
    return [Figure("rows", options.rows, "rows")]


def _rows(parser: ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=1)


@pytest.fixture
def one_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    only = {"push": Benchmark("push", "Counts.", _measure, _rows)}
    monkeypatch.setattr(command, "load_benchmarks", lambda: only)


@pytest.mark.usefixtures("one_benchmark")
def test_a_benchmark_takes_its_own_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["push", "--rows", "7", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["figures"][0]["value"] == 7


@pytest.mark.usefixtures("one_benchmark")
def test_unknown_name_suggests_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["pusch"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "did you mean 'push'" in printed.err


def test_list_names_every_benchmark_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--list", "--json"]) == 0
    names = [one["name"] for one in json.loads(capsys.readouterr().out)["benchmarks"]]
    assert names == sorted(set(names))
