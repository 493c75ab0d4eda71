"""A source that changes under the project: the build says which table and column, and nothing is pushed on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.cli.main import run
from tests.python.commands import BuildError
from tests.python.warehouses.conftest import target_of
from tests.python.warehouses.loop import Loop
from tests.python.warehouses.raw import raw_tables

pytestmark = pytest.mark.long  # a whole demo, built for each

BUILD_ONLY = ("--exclude-resource-type=unit_test", "--exclude-resource-type=test")
SYNC, MODEL = "files_newsletter_readers", "sync_files__newsletter_readers"
CUSTOMERS = "raw_shop.customers"
# All that the sync rests on, with the tests that need nothing else.
EVERYTHING = ("--select", f"+{MODEL}", "--indirect-selection=cautious", BUILD_ONLY[0])

# What happens to the source, and what the build says of it.
DRIFTS = {
    "a column disappears": (
        "alter table raw_shop.customers drop column email_address",
        "email_address is missing",
    ),
    "a column is renamed": (
        "alter table raw_shop.customers rename column zip to postcode",
        "zip is missing. Undeclared: postcode",
    ),
    "a key changes its type": (
        "alter table raw_shop.customers alter customer_id type bigint using 1",
        "customer_id is BIGINT, declared as VARCHAR",
    ),
    # Without the declaration this one builds: each date is cast, or null, and all are null.
    "a column that is cast changes its type": (
        "alter table raw_shop.customers alter birthday type integer using 20260101",
        "birthday is INTEGER, declared as VARCHAR",
    ),
}

TOLD_APART = ("a column disappears",)


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Loop:
    """Everything up to the audience, built once."""
    folder = tmp_path_factory.mktemp("drift")
    found = Loop(target_of("duckdb", folder), folder / "project")
    found.environment["HEADWATER_ENVIRONMENT"] = "live"
    project = found.folder / "dbt_project.yml"
    place = json.dumps({"path": found.target.text("path"), "schema": found.target.text("schema")})
    text = project.read_text().replace("live_targets: {}", f"live_targets: {{duckdb: {place}}}")
    project.unlink()  # a link to the one of the repository
    project.write_text(text)
    destinations = {"files": {"path": str(folder / "exports"), "format": "csv"}}
    (found.folder / "destinations.yml").write_text(json.dumps({"destinations": destinations}))
    found.load(raw_tables()[0])
    found.dbt("build", "--select", f"+{MODEL}", *BUILD_ONLY, run="first day")
    return found


@pytest.fixture
def drifting(loop: Loop) -> Iterator[Loop]:
    """The loop, whose table of customers is put back after the test."""
    statements(loop, f"create table {CUSTOMERS}_before as from {CUSTOMERS}")
    yield loop
    statements(
        loop, f"drop table {CUSTOMERS}", f"alter table {CUSTOMERS}_before rename to customers"
    )


def statements(loop: Loop, *texts: str) -> None:
    with loop.warehouse.session(write=True) as session:
        for text in texts:
            session.execute(text)


def push(loop: Loop, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What `sync push --json` says of the sync."""
    capsys.readouterr()
    with loop.environment_set():
        run(["push", "--select", SYNC, "--project-dir", str(loop.folder), "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)["syncs"][0]
    return found


def exported(loop: Loop) -> list[Path]:
    return list((loop.folder.parent / "exports").rglob("*.csv"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(*drift, id=name, marks=[] if name in TOLD_APART else [pytest.mark.long])
        for name, drift in DRIFTS.items()
    ],
)
def test_a_drift_is_named_by_the_build_and_nothing_is_pushed(
    drifting: Loop, capsys: pytest.CaptureFixture[str], change: str, message: str
) -> None:
    statements(drifting, change)
    with pytest.raises(BuildError) as error:
        drifting.dbt("build", *EVERYTHING, run="drift")
    assert "source shop.customers is not what models/demo/staging/shop/_shop__sources.yml" in str(
        error.value
    )
    assert message in str(error.value)
    pushed = push(drifting, capsys)
    assert (pushed["status"], pushed["added"]) == ("refused", 0)
    assert exported(drifting) == []


def test_a_staging_model_that_no_longer_gives_its_columns_breaks_its_contract(
    drifting: Loop, capsys: pytest.CaptureFixture[str]
) -> None:
    """The models run without the tests, as `dbt run` does it: then the contract is what notices."""
    statements(drifting, DRIFTS["a key changes its type"][0])
    with pytest.raises(BuildError, match="enforced contract") as error:
        drifting.dbt("run", "--select", "stg_shop__customers", run="drift")
    assert "stg_shop__customers" in str(error.value)
    assert "| customer_id | BIGINT          | VARCHAR       | data type mismatch |" in str(
        error.value
    )
    pushed = push(drifting, capsys)
    assert pushed["status"] == "refused", "the run had no model of the sync, but one it is built on"
    assert exported(drifting) == []


def test_a_build_that_leaves_the_failed_part_out_opens_no_gate(
    drifting: Loop, capsys: pytest.CaptureFixture[str]
) -> None:
    """dbt remembers its latest run alone; the warehouse remembers what failed and has not run since."""
    statements(drifting, DRIFTS["a column disappears"][0])
    with pytest.raises(BuildError):
        drifting.dbt("build", *EVERYTHING, run="drift")
    drifting.dbt("build", "--select", MODEL, *BUILD_ONLY, run="drift")
    pushed = push(drifting, capsys)
    assert pushed["status"] == "refused"
    assert "and has not run since" in pushed["message"]
    assert exported(drifting) == []


@pytest.mark.long
def test_a_new_column_changes_nothing(drifting: Loop, capsys: pytest.CaptureFixture[str]) -> None:
    """Not even one named as something that staging works out itself."""
    before = customers(drifting)
    statements(drifting, f"alter table {CUSTOMERS} add column country_code varchar default 'XX'")
    drifting.dbt("build", *EVERYTHING, run="mended")
    assert customers(drifting) == before != []
    assert push(drifting, capsys)["status"] == "success"
    assert exported(drifting), "the same sync is sent when nothing is wrong"


def customers(loop: Loop) -> list[dict[str, Any]]:
    with loop.warehouse.session() as session:
        return session.rows("select * from analytics.stg_shop__customers order by customer_id")
