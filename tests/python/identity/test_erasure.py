"""Who is erased is in nothing that identity makes, stays out, and takes nobody else along."""

from __future__ import annotations

import hashlib
import shutil
from typing import Any

import pytest
import yaml

from .lab import PERSON, ROOT, Lab

SALT = "5a17"
ENTITIES: dict[str, Any] = {
    "person": PERSON,
    "account": {
        "identifiers": {"domain": {"tier": 1}},
        "records": [
            {**PERSON["records"][0], "identifiers": {"domain": "split_part(email, '@', 2)"}}
        ],
    },
}
TABLES = (
    "identity_records", "int_identity__identifiers_unpivoted", "identity_values", "identity_edges",
    "identity_entity_records", "identity_entity_identifiers", "identity_conflicts",
)  # fmt: skip


class HistoryLab(Lab):
    """With the hook that clears what outlives a build."""

    def _write_project(self, *given: Any) -> None:
        super()._write_project(*given)
        shutil.copytree(ROOT / "macros/sync", self.directory / "macros/sync", dirs_exist_ok=True)
        path = self.directory / "dbt_project.yml"
        project = yaml.safe_load(path.read_text())
        project["on-run-end"].append("{{ headwater.erase_from_histories() }}")
        path.write_text(yaml.safe_dump(project, sort_keys=False))

    def load(self, rows: Any) -> None:
        super().load(rows)
        self.execute("create schema if not exists analytics_sync")
        self.execute(
            "create or replace view analytics_sync.erasure_requests as "
            "select *, environment from raw.erasure_requests, (values ('live'), ('sandbox')) as e(environment)"
        )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = HistoryLab(tmp_path_factory.mktemp("erasure"), ENTITIES)
    lab.build(command="seed")
    return lab


@pytest.fixture
def lab(built: Lab) -> Lab:
    built.forget()
    built.execute("delete from raw.erasure_requests")
    built.load([])
    return built


def row(number: int, customer: str | None, email: str | None, phone: str | None = None) -> Any:
    return ("shop", f"r{number}", customer, None, email, phone, None, f"2026-01-{number:02}")


def ask(lab: Lab, *values: tuple[str, str], scope: str = "erase", salt: str = SALT) -> None:
    for kind, value in values:
        digest = hashlib.sha256((salt + value).encode()).hexdigest()
        lab.execute(
            "insert into raw.erasure_requests values "
            f"('q', '{kind}', '{digest}', '{salt}', '{scope}', timestamp '2099-01-01')"
        )


def left(lab: Lab, *words: str) -> dict[str, int]:
    """How many rows of each table of identity hold one of the words (not hexadecimal ones: ids are)."""
    found = {}
    for table in TABLES:
        texts = lab.query(f"select cast(t as varchar) from analytics.{table} as t")
        if count := sum(any(word in text for word in words) for (text,) in texts):
            found[table] = count
    return found


def test_every_record_with_one_of_their_values_is_gone_from_all_that_identity_makes(
    lab: Lab,
) -> None:
    rows = [
        row(1, "k1", "ada@x.example"), row(2, "k1", None, "+4915111111111"),
        row(3, None, "ADA@x.example "), row(4, "k2", "bo@y.example"),
    ]  # fmt: skip
    lab.load(rows)
    lab.build(command="run")
    before = lab.groups()
    assert before["r1"] == before["r2"]
    assert of_history(lab, before["r1"])
    ask(lab, ("email", "ada@x.example"), ("customer_id", "k1"), ("profile_id", before["r1"]))
    lab.build(command="run")
    assert set(lab.groups()) == {"r4"} == set(lab.groups("account"))
    assert lab.groups()["r4"] == before["r4"]
    assert left(lab, "ada@", "ADA@", "k1", "+49151") == {}
    assert lab.query(
        f"select live_id from analytics.identity_aliases where old_id = '{before['r1']}'"
    ) == [(None,)]
    assert of_history(lab, before["r1"]) == 0
    assert of_history(lab, before["r4"])
    called = dict(
        lab.query("select record_key, count(*) from analytics.identity_assignments group by 1")
    )
    # A key may be an address, of a company's record too. Whose id was not asked for, r3, is kept out by its address alone.
    assert called == {None: 4, "records:r3": 2, "records:r4": 2}
    # The source goes on, and a new record of theirs comes: neither they nor their id come back.
    lab.load([*rows, row(5, None, "ada@x.example"), row(6, "k1", "new@x.example")])
    lab.build(command="run")
    assert set(lab.groups()) == {"r4"}
    assert of_history(lab, before["r1"]) == 0


def of_history(lab: Lab, entity_id: str) -> int:
    query = f"select count(*) from analytics.identity_history where entity_id = '{entity_id}'"
    return int(lab.query(query)[0][0])


def test_what_is_not_surely_theirs_erases_nobody(lab: Lab) -> None:
    lab.load([
        row(1, None, None, "+4915111111111"), row(2, "k2", "bo@y.example", "+4915111111111"),
        row(3, "k3", "both@x.example"), row(4, "k4", "both@x.example"),
        row(5, "77", None), row(6, None, "cy@y.example", "77"),
    ])  # fmt: skip
    # By its own key alone; by an address that another has too; a number that is a customer's, and another's telephone.
    ask(lab, ("record", "records:r1"), ("customer_id", "k3"), ("customer_id", "77"))
    ask(lab, ("email", "both@x.example"), scope="suppress")
    ask(lab, ("email", "other@y.example"), salt="another")
    lab.execute(  # hashed without the salt that it says it has
        "insert into raw.erasure_requests values "
        f"('q', 'email', '{hashlib.sha256(b'bo@y.example').hexdigest()}', '{SALT}', 'erase', null)"
    )
    lab.build(command="run")
    assert set(lab.groups()) == {"r2", "r4", "r6"}


@pytest.mark.long
def test_no_kind_of_build_brings_them_back(lab: Lab) -> None:
    lab.load([row(1, "k1", "ada@x.example"), row(2, "k2", "bo@y.example")])
    ask(lab, ("email", "ada@x.example"))
    for arguments in ((), ("--full-refresh",)):
        lab.build(*arguments)
        assert set(lab.groups()) == {"r2"}


def test_what_stands_for_nothing_erases_nobody_who_comes_with_it(lab: Lab) -> None:
    lab.load([
        row(1, "k1", "none@none.com"), row(2, "k2", "bo@y.example", "n/a"), row(3, "test", "cy@y.example"),
    ])  # fmt: skip
    for value in ("none@none.com", "n/a", "test"):
        ask(lab, *((kind, value) for kind in ("email", "phone", "customer_id", "record")))
    lab.build(command="run")
    assert set(lab.groups()) == {"r1", "r2", "r3"}
    ask(lab, ("customer_id", "k1"))
    lab.build(command="run")
    assert set(lab.groups()) == {"r2", "r3"}
