"""Every macro of macros/cross_db and macros/normalise gives the same answers on every warehouse.

The expected values are DuckDB's: its own tests hold them to what people and forms really produce.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sync.warehouses.registry import open_warehouse
from tests.python import inline as inline_
from tests.python.normalise import test_read
from tests.python.normalise.test_normalise import CASES
from tests.python.warehouses.conftest import EVERY_TARGET, ROOT, target_of
from tests.python.warehouses.loop import FIRST_DAY

TEXTS = [
    None, "", "a", "Ana", "o'brien", "back\\slash", "Zoë 🌊", "Straße", "ÉCOLE", "山田",
    "a1b22c333", "2026-11-24 05:06:07", "2026-11-24", "2026-02-30", "17", "-3.5", "1e3", "soon",
    "2026-11-24T05:06:07Z", "2026-11-24T05:06:07+02:00", "2026-11-24 05:06:07.25-05:30",
    "x" * 300,
]  # fmt: skip

EXPRESSIONS = {
    "md5_hex('raw')": TEXTS,
    "sha256_hex('raw')": TEXTS,
    "node_key('raw')": TEXTS,
    "hash_below('raw', 10)": TEXTS,
    "hash_below('raw', 50)": TEXTS,
    "hash_below('raw', 100)": TEXTS,
    "levenshtein('raw', \"'Anna'\")": TEXTS,
    "strip_accents('raw')": TEXTS,
    "regexp_replace_all('raw', '[0-9]+', '#')": TEXTS,
    "regexp_replace_all('raw', '([a-z])([0-9])', '\\\\2\\\\1')": TEXTS,
    "regexp_matches_whole('raw', '[a-z0-9]+')": TEXTS,
    "cast_or_null('raw', dbt.type_timestamp())": TEXTS,
    "as_decimal('length(raw) / 7.0', 9, 6)": TEXTS,
    "as_decimal('length(raw) * 0.125', 18, 2)": TEXTS,
    "canonical_text(as_decimal('length(raw) * -0.125', 18, 2), 'numeric(18, 2)')": TEXTS,
    "canonical_text('length(raw)', 'numeric(9, 6)')": TEXTS,
    "canonical_text(cast_or_null('raw', dbt.type_timestamp()), 'timestamp')": TEXTS,
    "canonical_text(timestamp_literal('2026-11-24 05:06:07.120000'), 'timestamp')": ["a"],
    "canonical_text(cast_or_null('raw', 'date'), 'date')": TEXTS,
    "canonical_text('length(raw)', 'integer')": TEXTS,
    "canonical_text('length(raw) > 2', 'boolean')": TEXTS,
    "euros_per(as_decimal('length(raw) * 0.01', 18, 2), 'length(raw) - 1')": TEXTS,
    "euros_per(as_decimal('length(raw) * -0.01', 18, 2), '2')": TEXTS,
    "cast_or_null('raw', 'date')": TEXTS,
    "cast_or_null('raw', dbt.type_float())": TEXTS,
    "days_between(cast_or_null('raw', dbt.type_timestamp()), cdp_now())": TEXTS,
    "seconds_between(cast_or_null('raw', dbt.type_timestamp()), cdp_now())": TEXTS,
    "timestamp_add(cast_or_null('raw', dbt.type_timestamp()), 3, 'hour')": TEXTS,
    "timestamp_add(cast_or_null('raw', dbt.type_timestamp()), -40, 'day')": TEXTS,
    "timestamp_add(cast_or_null('raw', dbt.type_timestamp()), 13, 'month')": TEXTS,
    "unix_timestamp('length(raw)')": TEXTS,
    'string_literal("o\'brien \\\\ end")': ["a"],
    "timestamp_literal('2026-11-24 05:06:07')": ["a"],
}
AGGREGATES = {
    "string_agg_distinct('raw')": ["b", "a", None, "b", "c"],
    "string_agg_distinct('raw', '; ')": [None],
}
NORMALISERS = {call: [case[0] for case in cases] for call, cases in CASES.items()}
READERS = {call: [case[0] for case in cases] for call, cases in test_read.CASES.items()}
# Snowflake cannot compose accents typed apart (macros/cross_db/unicode_composed.sql).
SNOWFLAKE_CANNOT = re.compile("[\u0300-\u036f]")


def every_call() -> dict[str, list[str | None]]:
    return {**EXPRESSIONS, **NORMALISERS, **READERS, **AGGREGATES}


def answers(name: str, folder: Path) -> dict[str, list[Any]]:
    """Each call's answers on one warehouse: dbt compiles the macros, sync's own session runs them."""
    target = target_of(name, folder)
    calls = every_call()
    inline = "\n<next>\n".join("{{ " + call + " }}" for call in calls)
    profiles = (ROOT / "profiles.yml.example").read_text()
    told = {"cdp_default_country": "DE", "cdp_as_of": FIRST_DAY}
    compiled = inline_.compiled(
        folder, inline, "--target", name, variables=told, profiles=profiles
    ).split("<next>")
    warehouse = open_warehouse(target, notify=print)
    literal, text = warehouse.dialect.literal, warehouse.dialect.text
    found = {}
    with warehouse.session() as session:
        for (call, inputs), expression in zip(calls.items(), compiled, strict=True):
            rows = " union all ".join(
                f"select {n} as n, {text(literal(value))} as raw, {text(literal('DE'))} as country"
                for n, value in enumerate(inputs)
            )
            number = "min(n)" if call in AGGREGATES else "n"
            query = (
                f"select {number} as n, {expression} as answer from ({rows}) as given order by 1"
            )
            found[call] = [row["answer"] for row in session.rows(query)]
    warehouse.close()
    return found


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    return answers("duckdb", tmp_path_factory.mktemp("duckdb"))


@pytest.mark.parametrize("name", EVERY_TARGET[1:])
def test_every_macro_gives_the_same_answers(
    name: str, expected: dict[str, list[Any]], tmp_path: Path
) -> None:
    differing = []
    for call, found in answers(name, tmp_path).items():
        for given, want, got in zip(every_call()[call], expected[call], found, strict=False):
            if "snowflake" in name and given and SNOWFLAKE_CANNOT.search(given):
                continue
            if want != got:
                differing.append(f"{call} of {given!r}: {got!r}, not {want!r}")
    assert not differing, "\n".join(differing)


def test_half_a_cent_goes_away_from_zero(expected: dict[str, list[Any]]) -> None:
    """Three cents between two, and four cents between three; nothing is shared among nobody."""
    halves = dict(
        zip(
            TEXTS, expected["euros_per(as_decimal('length(raw) * -0.01', 18, 2), '2')"], strict=True
        )
    )
    assert [str(halves[text]) for text in ("Ana", "17", "a", "")] == [
        "-0.02",
        "-0.01",
        "-0.01",
        "0.00",
    ]
    shares = dict(
        zip(
            TEXTS,
            expected["euros_per(as_decimal('length(raw) * 0.01', 18, 2), 'length(raw) - 1')"],
            strict=True,
        )
    )
    assert str(shares["soon"]) == "0.01"
    assert shares["a"] is None


def test_every_macro_is_run() -> None:
    """A macro that is added to the folder must be added here; statements and names of strategies are not expressions."""
    not_expressions = {
        "scratch_relation", "create_scratch", "drop_scratch", "drop_leftover_scratch", "append_strategy", "cdp_now",
        "drop_scratch_of_failures", "table_layout", "cluster_clause", "retype_to_boolean", "run_hooks_outside", "hook_outside",
        "create_scratch_sql", "unicode_composed", "whole_match_or_null", "plain_characters",
        "normalise_text", "failing_statement", "default_country", "ambiguous_views",
        # Read by others of the folder, or no expression: a list, a type, whether a column is there.
        # The number of a row is of its warehouse.
        "row_fingerprint", "drop_before_replacing", "has_column", "try_cast", "type_double",
        "utc_of_zone", "utc_of_offset", "string_literals", "string_pattern",
        "stored_name",
        # json_part, among the readers, comes to these; a list's rows are no expression (test_json).
        "json_document", "json_text_at", "json_at", "json_path", "json_nested_at", "json_rows_of",
        # Of a dbt version; of a column that is a list; of a window: asks of audiences are parsed in each dialect (test_sayable).
        "check_dbt_version", "load_seed_file", "list_includes", "percentile_over", "clock_of_utc",
    }  # fmt: skip
    macros = set()
    for path in [*ROOT.glob("macros/cross_db/*.sql"), *ROOT.glob("macros/normalise/*.sql")]:
        macros |= set(re.findall(r"{%-?\s*macro ([a-z]\w*?)\(", path.read_text()))
    public = {macro for macro in macros if "__" not in macro}
    called = {call.partition("(")[0] for call in every_call()}
    assert public - called - not_expressions == set()


@pytest.mark.parametrize("folder", ["cross_db", "matching", "normalise"])
def test_every_macro_is_described_with_its_arguments(folder: str) -> None:
    """What a macro takes is read in its properties, not in its SQL."""
    described = {}
    for path in ROOT.glob(f"macros/{folder}/_*.yml"):
        for macro in yaml.safe_load(path.read_text())["macros"]:
            described[macro["name"]] = [one["name"] for one in macro.get("arguments", [])]
    written = {}
    for path in ROOT.glob(f"macros/{folder}/*.sql"):
        for name, arguments in re.findall(
            r"{%-?\s*macro ([a-z]\w*?)\((.*?)\) -?%}", path.read_text(), re.DOTALL
        ):
            if "__" not in name:
                # Defaults go, with the commas and brackets in them.
                plain = re.sub(r"=\s*('[^']*'|\[.*\]|[^,]*)", "", arguments, flags=re.DOTALL)
                written[name] = [one.strip() for one in plain.split(",") if one.strip()]
    assert written.keys() <= described.keys()
    assert {name: described[name] for name in written} == written


def test_what_a_text_says_of_an_offset_is_taken_off_its_time(
    expected: dict[str, list[Any]],
) -> None:
    """A no said at 11:30+02:00 comes before a yes of 10:00Z: read by the clock on the wall it would be the later one."""
    call = "canonical_text(cast_or_null('raw', dbt.type_timestamp()), 'timestamp')"
    found = dict(zip(TEXTS, expected[call], strict=True))
    assert found["2026-11-24T05:06:07+02:00"] == "2026-11-24 03:06:07.000000"
    assert found["2026-11-24 05:06:07.25-05:30"] == "2026-11-24 10:36:07.250000"
    for utc in ("2026-11-24T05:06:07Z", "2026-11-24 05:06:07"):
        assert found[utc] == "2026-11-24 05:06:07.000000"
