"""An estimate by a sample is as near as it says, whole where there are few, and not asked where it knows nothing."""

from __future__ import annotations

import json
from pathlib import Path
from unittest import mock

import pytest

from benchmarks.audiences import NOW, _world, definitions
from sync.audiences.answers import counted
from sync.audiences.compiled import Compiled, Compiler
from sync.audiences.sampled import estimate
from sync.config.project import find_project
from sync.warehouses.duckdb import DuckDBWarehouse
from sync.warehouses.duckdb_sample import DuckDBSample


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Compiled]]:
    """Every seventh audience of the benchmark, compiled over its world in small."""
    folder = tmp_path_factory.mktemp("sampled") / "project"
    project = _world(folder, 20_000, 100_000)
    found = []
    with (
        mock.patch.dict("os.environ", {**project.environment, "HEADWATER_AS_OF": NOW}),
        Compiler(find_project(folder)) as dbt,
    ):
        for number, definition in enumerate([*list(definitions())[::7], list(definitions())[-2]]):
            path = folder / f"asked_{number}.yml"
            path.write_text(json.dumps({"entity": "person", **definition}))
            found.append(dbt.file(path, f"audience_asked_{number}"))
    return project.database, found


def test_an_estimate_is_as_near_as_it_says_and_the_file_is_free(
    asked: tuple[Path, list[Compiled]],
) -> None:
    database, compiled = asked
    sample = DuckDBSample(database, compiled[0].relation, compiled[0].key, 5_000)
    assert 4_500 < sample.people < 5_500
    assert sample.total == 20_000
    known = [one for one in compiled if one.is_of_each]
    assert len(known) >= 7
    told = {one.name: estimate(sample, one) for one in known}
    far = 0
    # A build may write meanwhile: nobody holds the file.
    with DuckDBWarehouse(str(database)).session(write=True) as session:
        session.execute("create or replace table analytics.written as select 1 as one")
        for one in known:
            rows = session.rows(counted(one))
            exact = sum(int(row["counted"]) for row in rows if row["is_member"])
            answer = told[one.name]
            assert 0 < answer["error_percent"] <= 2
            off = abs(answer["members"] - exact) / 20_000 * 100
            assert off <= 2 * answer["error_percent"], (one.sentence, answer["members"], exact)
            far += off > answer["error_percent"]
            first = answer["conditions"][0]
            assert abs(first["keeps"] + first["drops"] - 20_000) <= 2
    assert far <= 1, "19 of 20 are as near as they say"
    sample.close()


def test_few_people_are_all_asked(asked: tuple[Path, list[Compiled]]) -> None:
    database, compiled = asked
    sample = DuckDBSample(database, compiled[0].relation, compiled[0].key, 20_000)
    answer = estimate(sample, compiled[0])
    with DuckDBWarehouse(str(database)).session() as session:
        rows = session.rows(counted(compiled[0]))
    assert answer["members"] == sum(int(row["counted"]) for row in rows if row["is_member"])
    assert (answer["error_percent"], sample.is_whole) == (0.0, True)
    sample.close()


def test_what_looks_at_others_is_no_question_for_a_sample(
    asked: tuple[Path, list[Compiled]],
) -> None:
    assert not asked[1][-1].is_of_each, "a tile of all"
