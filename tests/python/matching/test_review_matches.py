"""`sync review-matches` as somebody who decides uses it, at a terminal and from a page."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import Any

import duckdb
import pytest

from benchmarks.scratch import ROOT, ScratchProject, add_matching
from sync.identity.matching.weights import write_weights
from sync.identity.questions import Question, most_telling
from tests.python import commands
from tests.python.matching.lab import COLUMNS, IDENTITY, MATCHING, SOURCES
from tests.python.matching.test_matching import CROWD, TWINS, simple_weights
from tests.python.rows import insert

# Three families, and in each a record with nothing but a name.
FAMILIES = [
    {
        **row,
        "id": f"{row['id']}{name[0]}",
        "last_name": name,
        "first_name": f"{row['first_name']}{name[0] * 3}",
    }
    | ({"customer_id": f"{row['customer_id']}{name[0]}"} if "customer_id" in row else {})
    | ({"street": f"{name} street 7"} if "street" in row else {})
    for name in ("Rzepka", "Wrona", "Kosmala")
    for row in TWINS
]
DECIDED = "select action, left_key, right_key, author, reason from analytics_sync.identity_answers order by answered_at"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ScratchProject:
    """People of two sources, matched; three pairs of them wait."""
    project = ScratchProject(
        tmp_path_factory.mktemp("review") / "project",
        folders=("macros", "models/engine/identity", "models/engine/staging/sync", "seeds"),
        models={
            f"fixture_{source}": f"select * from raw.people where source = '{source}'"
            for source in SOURCES
        },
        variables={"cdp_identity": IDENTITY, "cdp_matching": MATCHING, "cdp_as_of": "2026-11-24"},
    )
    add_matching(project.directory, review=True)
    write_weights(project.directory / "seeds/matching_weights.csv", simple_weights())
    rows = [tuple(row.get(name) for name in COLUMNS) for row in [*FAMILIES, *CROWD]]
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("create schema raw")
        columns = ", ".join(f"{name} varchar" for name in COLUMNS)
        connection.execute(f"create table raw.people ({columns})")
        insert(connection, "raw.people", rows)
    commands.dbt("seed", "--select", "path:seeds", environment=project.environment)
    commands.dbt("run", "--select", "path:models", environment=project.environment)
    return project


def review(project: ScratchProject, *options: str, typed: str | None = None) -> Any:
    line = [sys.executable, "-m", "sync", "review-matches", *options,
            "--project-dir", str(project.directory), "--profiles-dir", str(project.directory)]  # fmt: skip
    environment = {**os.environ, **project.environment, "USER": "ada", "NO_COLOR": "1"}
    if typed is None:
        return commands.sync(*line[3:], folder=ROOT, environment=environment)
    terminal, keys = pty.openpty()
    os.write(terminal, typed.encode())
    try:
        return subprocess.run(
            line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, stdin=keys
        )
    finally:
        os.close(terminal)
        os.close(keys)


def query(project: ScratchProject, statement: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(project.database)) as connection:
        return connection.execute(statement).fetchall()


def pairs(project: ScratchProject, *options: str) -> list[dict[str, Any]]:
    done = review(project, "--json", *options)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout)["pairs"])


def test_values_are_masked_unless_asked(project: ScratchProject) -> None:
    (shown, *_), (masked, *_) = pairs(project, "--show-values"), pairs(project)
    assert [one["field"] for one in shown["fields"]] == [one["field"] for one in masked["fields"]]
    assert all(one["left"] is None or "***" in one["left"] for one in masked["fields"])
    assert not [one for one in shown["fields"] if one["left"] and "***" in one["left"]]
    done = review(project)
    assert "0 answers: 0 one" in done.stdout  # nobody sits there: a list


@pytest.mark.long
def test_a_sitting_is_kept_followed_and_not_asked_again(project: ScratchProject) -> None:
    listed = pairs(project)
    assert len(listed) >= 3
    first, second, third = listed[:3]
    assert {field["field"] for field in first["fields"]} >= {"first_name", "last_name"}
    done = review(project, typed="y\nsame card\nn\nfather and son\nu\n\nq\n")
    assert done.returncode == 0, done.stderr
    assert "3 answers: 1 one, 1 two, 1 unsure." in done.stdout
    assert query(project, DECIDED) == [
        ("link", first["left"], first["right"], "ada", "same card"),
        ("do_not_link", second["left"], second["right"], "ada", "father and son"),
        ("unsure", third["left"], third["right"], "ada", ""),
    ]
    assert not [row["last_name"] for row in FAMILIES if row["last_name"] in done.stdout]
    open_now = [one["left"] + one["right"] for one in pairs(project)]
    for one in (first, second, third):
        assert one["left"] + one["right"] not in open_now
    assert third in pairs(project, "--again", "--limit", "999")
    commands.dbt("run", "--select", "path:models", environment=project.environment)
    owners = dict(
        query(project, "select record_key, entity_id from analytics.identity_entity_records")
    )
    assert owners[first["left"]] == owners[first["right"]]
    assert owners[second["left"]] != owners[second["right"]]
    taught = "select sum(same_count), sum(different_count) from analytics.matching_patterns"
    assert query(project, taught) == [(1, 1)]  # what sync train-matching learns from
    waiting = query(
        project, "select left_record_key, right_record_key from analytics.matching_review"
    )
    assert (third["left"], third["right"]) in waiting
    assert (first["left"], first["right"]) not in waiting
    # The last word counts.
    done = review(
        project, third["right"], third["left"], "--answer", "yes", "--reason", "rang her", "--json"
    )
    assert json.loads(done.stdout)["answers"] == {"yes": 1, "no": 0, "unsure": 0}
    commands.dbt("run", "--select", "path:models", environment=project.environment)
    owners = dict(
        query(project, "select record_key, entity_id from analytics.identity_entity_records")
    )
    assert owners[third["left"]] == owners[third["right"]]


def test_what_cannot_be_is_said(project: ScratchProject) -> None:
    for options, told in (
        (("shop:1",), "a pair is two records"),
        (("--answer", "no"), "a pair is two records"),
        (("shop:1", "shop:nobody", "--answer", "no"), "do not wait in matching_review"),
        (("--entity", "persons"), "matching has no entity 'persons'; it has person"),
    ):
        done = review(project, *options)
        assert done.returncode == 1 or done.returncode == 2, done.stdout
        assert told in done.stderr


def test_the_pair_that_teaches_most_comes_first() -> None:
    def question(left: str, probability: float, pattern: str) -> Question:
        return Question(left, "z", probability, pattern, "unsure")

    often = [question(f"o{n}", 0.6, "54") for n in range(10)]
    rare = question("r", 0.5, "53")
    sure = [question(f"s{n}", 0.94, "52") for n in range(10)]
    order = most_telling([*sure, rare, *often], {})
    assert [one.pattern for one in order[:3]] == ["54", "54", "52"]
    # What was answered often teaches little more.
    assert most_telling([*sure, rare, *often], {"54": 9, "52": 9})[0] == rare
