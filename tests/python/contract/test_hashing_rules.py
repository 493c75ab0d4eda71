"""What each vendor hashes, by its own rules: one mark too many, and nobody is matched."""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb
import pytest
from dbt.cli.main import dbtRunner

PROJECT = Path(__file__).parents[3]
META, GOOGLE = "hashed_for_meta", "hashed_for_google"

# (macro, kind, given, what is hashed; None is no hash at all)
CASES = [
    (META, "email", " Jane.Doe+News@Gmail.com ", "jane.doe+news@gmail.com"),
    (META, "phone", "+4930123456", "4930123456"),
    (META, "phone", "0049 (30) 123-456", "4930123456"),
    (META, "first_name", " Mary-Ann O'Neil ", "maryann oneil"),
    (META, "last_name", "Müller", "müller"),
    (META, "city", "St. Paul", "stpaul"),
    (META, "postal_code", "94035-1234", "94035"),
    (META, "postal_code", "SW1A 1AA", "sw1a1aa"),
    (META, "country", "DE", "de"),
    (GOOGLE, "email", "Jane.Doe+News@Gmail.com", "janedoe@gmail.com"),
    (GOOGLE, "email", "jane.doe@googlemail.com", "janedoe@googlemail.com"),
    (GOOGLE, "email", "Jane.Doe+News@shop.example", "jane.doe+news@shop.example"),
    (GOOGLE, "email", "jane.doe@notgmail.com", "jane.doe@notgmail.com"),
    (GOOGLE, "phone", "+4930123456", "+4930123456"),
    (GOOGLE, "first_name", " Mary-Ann ", "maryann"),
    *(
        (macro, kind, absent, None)
        for macro, kinds in (
            (META, ("email", "phone", "first_name", "city", "postal_code", "country")),
            (GOOGLE, ("email", "phone", "last_name")),
        )
        for kind in kinds
        for absent in (None, "", "  ")
    ),
    (META, "phone", "+", None),
    (META, "first_name", "-", None),
]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """The DuckDB expression of each macro and kind, by one run of dbt."""
    folder = tmp_path_factory.mktemp("hashing")
    (folder / "profiles.yml").write_text(
        "headwater: {target: test, outputs: {test: {type: duckdb, path: ':memory:'}}}"
    )
    calls = list(dict.fromkeys((macro, kind) for macro, kind, *_ in CASES))
    inline = "\n<next>\n".join(f"{{{{ {macro}('{kind}', 'raw') }}}}" for macro, kind in calls)
    result = dbtRunner().invoke(
        [
            *("--quiet", "compile", "--no-populate-cache", "--no-introspect", "--inline", inline),
            *("--project-dir", str(PROJECT), "--profiles-dir", str(folder)),
            *("--target-path", str(folder / "target"), "--log-path", str(folder / "logs")),
        ]
    )
    assert result.success, result.exception
    code = result.result.results[0].node.compiled_code  # type: ignore[union-attr]
    return dict(zip(calls, code.split("<next>"), strict=True))


@pytest.mark.parametrize(("macro", "kind", "given", "hashed"), CASES)
def test_a_value_is_hashed_as_the_vendor_normalises_it(
    compiled: dict[tuple[str, str], str], macro: str, kind: str, given: str | None,
    hashed: str | None,
) -> None:  # fmt: skip
    """Absent is absent: the hash of an empty text is a person whom thousands would share."""
    with duckdb.connect() as connection:
        query = f"select {compiled[macro, kind]} from (select cast(? as varchar) as raw)"
        (found,) = connection.execute(query, [given]).fetchone()  # type: ignore[misc]
    assert found == (None if hashed is None else hashlib.sha256(hashed.encode()).hexdigest())
