"""`sync train-matching` as a user runs it, on the demo's records."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from benchmarks.scratch import ROOT, ScratchProject, add_matching
from tests.python.matching.lab import splink_model

TABLES = {
    "shop": ["customers"],
    "app": ["users"],
    "crm": ["contacts", "accounts"],
    "loyalty": ["members"],
}
RECORDS = [f"stg_{source}__{table}" for source, tables in TABLES.items() for table in tables]
SHIPPED = ROOT / "seeds/matching_weights.csv"


pytestmark = (
    pytest.mark.long
)  # one build of the demo for all; what training makes of counts is in test_em.py


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> ScratchProject:
    """The demo's four sources of people, one of companies too, built up to what training reads."""
    matching = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["cdp_matching"]
    project = ScratchProject(
        tmp_path_factory.mktemp("train") / "demo",
        folders=(
            "macros",
            "models/engine/identity/matching",
            *(f"models/demo/staging/{source}" for source in TABLES),
        ),
        variables={
            "cdp_matching": {**matching, "enabled": True},
            "cdp_registry": {"records": RECORDS},
            "cdp_identity_overrides": "no_overrides",
        },
        models={
            "no_overrides": "select '' as entity, '' as action, '' as left_key, '' as right_key where 1 = 0"
        },
    )
    add_matching(project.directory)
    for name in ("matching_decided.sql", "matched_pairs.sql", "_matching__models.yml"):
        (project.directory / "models/engine/identity/matching" / name).unlink()
    with duckdb.connect(str(project.database)) as connection:
        for source, tables in TABLES.items():
            connection.execute(f"create schema raw_{source}")
            for table in tables:
                path = ROOT / f"seeds/demo/raw_{source}__{table}.csv"
                connection.execute(
                    f"create table raw_{source}.{table} as"
                    f" from read_csv('{path}', all_varchar = true, header = true)"
                )
    project.run("--select", "+matching_patterns")
    return project


def train(project: ScratchProject, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sync", "train-matching", *options,
         "--project-dir", str(project.directory), "--profiles-dir", str(project.directory)],
        cwd=ROOT, env={**os.environ, **project.environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def rows(path: Path, entity: str = "person") -> dict[tuple[str, str], Mapping[str, Any]]:
    with path.open(newline="") as file:
        found = [row for row in csv.DictReader(file) if row["entity"] == entity]
    return {(row["kind"], row["level"]): row for row in found}


def test_training_on_the_demo_gives_the_weights_that_ship(demo: ScratchProject) -> None:
    """Or the shipped seed is older than the levels and the prior it is used with."""
    done = train(demo)
    assert done.returncode == 0, done.stderr
    assert "dbt seed --select matching_weights" in done.stdout
    trained, shipped = rows(demo.directory / "seeds/matching_weights.csv"), rows(SHIPPED)
    assert trained.keys() == shipped.keys()
    for key, row in shipped.items():
        assert trained[key]["label"] == row["label"]
        for name in ("m", "u"):
            assert float(trained[key][name]) == pytest.approx(float(row[name]), rel=1e-3), key


def test_json_says_what_was_learnt_and_where_it_went(demo: ScratchProject, tmp_path: Path) -> None:
    out = tmp_path / "weights.csv"
    done = train(demo, "--json", "--out", str(out))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["schema_version"] == 1
    assert document["entity"] == "person"
    assert document["path"] == str(out)
    assert 0 < document["household"] < 0.01
    assert {"first_name", "street"} <= set(document["kinds"])
    assert not {"prior", "household", "gender"} & set(document["kinds"])
    assert document["pairs"] > 10_000
    assert float(rows(out)["prior", "0"]["m"]) == pytest.approx(document["prior"])


def test_a_splink_model_gives_the_weights_of_equality(demo: ScratchProject, tmp_path: Path) -> None:
    model = splink_model("surname", prior=0.0002, m=0.8, u=0.004)
    file, out = tmp_path / "model.json", tmp_path / "weights.csv"
    file.write_text(json.dumps(model))
    done = train(demo, "--import-splink", str(file), "--out", str(out))
    assert done.returncode == 0, done.stderr
    found = rows(out)
    assert float(found["prior", "0"]["m"]) == 0.0002
    exact = found["last_name", "4"]
    assert (float(exact["m"]), float(exact["u"]), exact["source"]) == (0.8, 0.004, "splink")
    assert found["first_name", "5"]["source"] == "trained"


def test_weights_that_claim_more_than_identifiers_show_are_refused(
    demo: ScratchProject, tmp_path: Path
) -> None:
    """Half of all pairs are one's, says a model of others: of those it is sure of, few share an e-mail."""
    file, out = tmp_path / "model.json", tmp_path / "weights.csv"
    file.write_text(json.dumps(splink_model("surname", prior=0.5, m=0.8, u=0.004)))
    done = train(demo, "--import-splink", str(file), "--out", str(out))
    assert done.returncode == 1
    assert "are by their identifiers: nothing is written" in done.stderr
    assert "--even-so" in done.stderr
    assert "too high" in done.stdout
    assert not out.exists()
    done = train(demo, "--import-splink", str(file), "--out", str(out), "--even-so", "--json")
    assert done.returncode == 0, done.stderr
    bands = json.loads(done.stdout)["bands"]
    assert any(one["claimed"] - one["observed"] > 0.03 for one in bands)
    assert out.exists()


@pytest.mark.parametrize(
    ("text", "complaint"), [("[1, 2]", "no Splink model"), ("{not json", "no JSON")]
)
def test_a_file_that_is_no_model_is_a_clear_error(
    demo: ScratchProject, tmp_path: Path, text: str, complaint: str
) -> None:
    file, out = tmp_path / "model.json", tmp_path / "weights.csv"
    file.write_text(text)
    done = train(demo, "--import-splink", str(file), "--out", str(out))
    assert done.returncode in (1, 2)
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()


def test_companies_are_trained_by_themselves(demo: ScratchProject, tmp_path: Path) -> None:
    out = tmp_path / "weights.csv"
    out.write_bytes(SHIPPED.read_bytes())
    done = train(demo, "--entity", "account", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert rows(out) == rows(SHIPPED)
    trained = rows(out, "account")
    assert {kind for kind, _ in trained} == {
        "prior", "household", "company_name", "domain", "tax_id", "country"
    }  # fmt: skip
    assert trained.keys() == rows(SHIPPED, "account").keys()
    assert float(trained["company_name", "4"]["m"]) > 0.5 > float(trained["company_name", "4"]["u"])


def test_an_entity_that_matching_does_not_know_is_named(demo: ScratchProject) -> None:
    done = train(demo, "--entity", "household")
    assert done.returncode in (1, 2)
    assert "matching has no entity 'household'; it has person, account." in done.stderr
