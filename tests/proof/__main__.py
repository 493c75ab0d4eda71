"""python -m tests.proof audiences|journeys: random definitions beside an evaluation in Python that knows no SQL.

A few of each are in CI (test_every_operator, test_simulated). What disagrees is printed with its definition, and ends with code 1.
"""

from __future__ import annotations

import argparse
import pprint
import random
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from tests.python.audiences.compared import write_audience, write_judged, wrong_in
from tests.python.audiences.project import compiled_models, make_world_project
from tests.python.audiences.worlds import (
    ZONES,
    Row,
    definition_of,
    newer_of,
    one_event_of,
    world_of,
)
from tests.python.journeys.proof import Proof

CONTRADICTION = re.compile(r"(?:audience|judged)_n(\d+),.*(which nobody meets together|can never)")
AT_ONCE = 25  # journeys in one project; audiences are ten times as many


def audiences(count: int, worlds: int, seed: int) -> dict[str, Any]:
    """What is wrong, by audience: the definition, the world, who was found and who should be."""
    chance = random.Random(seed)
    wrong: dict[str, Any] = {}
    refused: list[str] = []
    for first in range(0, count, 10 * AT_ONCE):
        with tempfile.TemporaryDirectory() as folder:
            database = make_world_project(Path(folder))
            told: dict[str, tuple[str, Row]] = {}

            def draw(number: int, folder: Path, told: dict[str, tuple[str, Row]]) -> None:
                entity = "account" if number % 7 in (4, 6) else "person"
                one = (
                    newer_of(chance) if number % 7 in (1, 3)
                    else one_event_of(chance, entity) if number % 7 in (5, 6)
                    else definition_of(chance, entity)
                )  # fmt: skip
                told[f"audience_n{number}"] = (entity, {"zone": chance.choice(ZONES), **one})
                write_audience(folder, f"audience_n{number}", *told[f"audience_n{number}"])
                told[f"judged_n{number}"] = told[f"audience_n{number}"]
                write_judged(folder, f"judged_n{number}", *told[f"judged_n{number}"])

            for number in range(first, min(first + 10 * AT_ONCE, count)):
                draw(number, Path(folder), told)
            while True:
                try:
                    compiled = compiled_models(Path(folder))
                    break
                except AssertionError as error:
                    # By chance some contradict themselves, and are refused for that: few, and said.
                    found = CONTRADICTION.search(str(error))
                    if found is None or len(refused) > count // 50:
                        raise
                    refused.append(found[0])
                    _say(f"refused, another is drawn: {refused[-1]}")
                    draw(int(found[1]), Path(folder), told)
            asked = {name: (*one, compiled[name]) for name, one in told.items()}
            with duckdb.connect(str(database)) as connection:
                for number in range(worlds):
                    world = world_of(random.Random(seed + number))
                    for name, (definition, there, wanted) in wrong_in(connection, world, asked).items():  # fmt: skip
                        wrong.setdefault(name, {"definition": definition, "world": seed + number, "found": there,
                            "wanted": wanted})  # fmt: skip
        _say(f"{min(first + 10 * AT_ONCE, count)} of {count} audiences over {worlds} worlds, {len(wrong)} wrong")  # fmt: skip
    return wrong


def journeys(count: int, builds: int, seed: int) -> dict[str, Any]:
    """The same of journeys: the first build in which a log was another than it should be."""
    wrong: dict[str, Any] = {}
    for first in range(0, count, AT_ONCE):
        with tempfile.TemporaryDirectory() as folder:
            proof = Proof(Path(folder) / "project", min(AT_ONCE, count - first), seed + first)
            for number in range(builds):
                begun = time.monotonic()
                if number and number % 4 == 0:
                    proof.edit(0.3)
                found = proof.day()
                rows = sum(len(one.rows) for one in proof.simulated.values())
                _say(f"journeys {first} to {first + len(proof.definitions) - 1}, build {number + 1} of "
                    f"{builds}: {rows} rows, {len(found)} wrong, {time.monotonic() - begun:.0f} s")  # fmt: skip
                if found:
                    wrong |= {f"{name} of {first}": told for name, told in found.items()}
                    break
    return wrong


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    one = kinds.add_parser("audiences", help="500 definitions over 20 worlds, unless told")
    one.add_argument("--definitions", type=int, default=500)
    one.add_argument("--worlds", type=int, default=20)
    other = kinds.add_parser("journeys", help="200 journeys over 30 builds, unless told")
    other.add_argument("--journeys", type=int, default=200)
    other.add_argument("--builds", type=int, default=30)
    for each in (one, other):
        each.add_argument("--seed", type=int, default=1)
    told = parser.parse_args(arguments)
    if told.kind == "audiences":
        wrong = audiences(told.definitions, told.worlds, told.seed)
    else:
        wrong = journeys(told.journeys, told.builds, told.seed)
    for name, found in wrong.items():
        print(name)
        pprint.pprint(found, width=150, sort_dicts=False)
    print(f"{len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
