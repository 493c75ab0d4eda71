"""Matching compares, scores and decides alike on every warehouse: no DuckDB in its SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.scratch import add_matching
from tests.python.matching.test_matching import crowd
from tests.python.warehouses.conftest import EVERY_TARGET, LIVE, PORTS, answers
from tests.python.warehouses.scratch_loop import ScratchLoop

KINDS = ("first_name", "last_name", "birth_date", "email", "phone", "street", "company_name",
         "domain", "tax_id", "country", "motto", "size", "site")  # fmt: skip
OWN = {"motto": "words", "size": "number", "site": "place"}
ODD = (
    {"first_name": "Łukasz", "last_name": "D'Amico", "birth_date": "1980-02-03", "email": "l.d1@a.org"},
    {"first_name": "Damico", "last_name": "lukasz", "birth_date": "2.3.1980", "email": "l.d1@b.org"},
    {"first_name": "Groß", "last_name": "Зоя", "phone": "+49 30 1234567", "street": "Rue\\de 'X' 4"},
    {"first_name": "Gross", "last_name": "ЗОЯ", "phone": "004930 1234567", "street": "rue de x 4"},
    {"motto": "Kleine Gärten, Große Freude", "size": "12.50", "site": "52.52, 13.405"},
    {"motto": "große freude kleine garten", "size": "+1.25e1", "site": "52.5201;13.4051"},
    {"motto": "Kleine Freude", "size": "-0.0", "site": "-17.5,179.9999"},
    {"motto": "kleine freude am rand", "size": "0", "site": "-17.5 -179.9999"},
)  # fmt: skip


def people_sql() -> str:
    """The people as a query of literals that every warehouse reads alike."""
    rows = [*crowd(), *({"id": f"odd{number}", **values} for number, values in enumerate(ODD))]
    lines = []
    for row in rows:
        values = [
            f"{{{{ string_literal({row[kind]!r}) }}}}" if kind in row else "null" for kind in KINDS
        ]
        columns = ", ".join(
            f"cast({value} as {{{{ dbt.type_string() }}}}) as {kind}"
            for kind, value in zip(KINDS, values, strict=True)
        )
        lines.append(f"select '{row['id']}' as id, {columns}")
    return "\nunion all\n".join(lines)


def decided(name: str, folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Every scored pair with its decision where it has one, as this warehouse sees them."""
    record = {"source_name": "people", "model": "people", "record_key": "id"}
    record |= {"columns": {kind: kind for kind in KINDS}}
    scratch = ScratchLoop(
        name,
        folder,
        models={
            "people": people_sql(),
            "no_overrides": "select '' as entity, '' as action, '' as left_key, '' as right_key"
            " from {{ ref('people') }} where 1 = 0",
        },
        folders=("macros", "models/engine/identity/matching"),
        variables={
            "cdp_matching": {
                "enabled": True,
                "kinds": OWN,
                "entities": {"person": {"records": [record]}},
            },
            "cdp_identity_overrides": "no_overrides",
        },
    )
    try:
        add_matching(scratch.folder)
        scratch.dbt("build", run="matching")
        scores, decisions = (
            scratch.name(scratch.schema, table) for table in ("matching_scores", "matching_decided")
        )
        with scratch.warehouse.session() as session:
            rows = session.rows(
                "select s.left_record_key, s.right_record_key, s.pattern, s.match_weight, d.decision"
                f" from {scores} as s left join {decisions} as d"
                " on s.left_record_key = d.left_record_key and s.right_record_key = d.right_record_key"
            )
    finally:
        scratch.drop()
    return {(row["left_record_key"], row["right_record_key"]): dict(row) for row in rows}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    if not LIVE and not any(answers(name) for name in PORTS):
        pytest.skip("no stand-in answers: make stand-ins")
    return decided("duckdb", tmp_path_factory.mktemp("duckdb"))


@pytest.mark.parametrize("name", EVERY_TARGET[1:])
def test_pairs_score_alike_on_every_warehouse(
    name: str, expected: dict[tuple[str, str], dict[str, Any]], tmp_path: Path
) -> None:
    found = decided(name, tmp_path)
    assert found.keys() == expected.keys()
    assert len(expected) > 100
    assert {row["decision"] for row in expected.values()} > {"accepted", None}
    for pair, want in expected.items():
        got = found[pair]
        assert (got["pattern"], got["decision"]) == (want["pattern"], want["decision"]), pair
        assert float(got["match_weight"]) == pytest.approx(want["match_weight"], abs=1e-6), pair
