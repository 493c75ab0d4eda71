"""What the project's SQL may say outside macros/cross_db: only what DuckDB, Snowflake and BigQuery understand alike.

python -m tests.python.dialects.portable      # file:line, what, and what to write instead
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
FOLDERS = ("models", "macros", "tests/dbt")
HOME_OF_DIFFERENCES = "macros/cross_db"

# Same name, same arguments, same answer, nulls included.
PORTABLE = """
    abs avg cast coalesce count dense_rank first_value greatest lag last_value lead least length ln lower max min mod nullif
    power rank replace round row_number sqrt substr sum translate trim upper
"""
FUNCTIONS = frozenset(PORTABLE.split())
TYPES = frozenset(
    {"date"}
)  # the others have other names or sizes: dbt.type_string(), as_decimal(), ...

MACROS = {
    "cast_or_null": "try_cast safe_cast try_to_number try_to_date try_to_timestamp",
    "cdp_now": "now current_date current_timestamp getdate today sysdate",
    "timestamp_add": "dateadd date_add date_sub timestamp_sub timestampadd datetime_add",
    "days_between or seconds_between": "datediff date_diff timestamp_diff timestampdiff",
    "dbt.date_trunc": "date_trunc datetrunc timestamp_trunc trunc",
    "md5_hex or hash_below": "md5 hash farm_fingerprint md5_hex md5_number",
    "sha256_hex": "sha256 sha2 sha2_hex",
    "to_hex of cross_db's macros": "to_hex",
    "regexp_replace_all": "regexp_replace",
    "regexp_matches_whole": "regexp_matches regexp_like regexp_contains regexp_full_match rlike",
    "whole_match_or_null": "regexp_extract regexp_substr",
    "string_agg_distinct": "string_agg listagg group_concat",
    "levenshtein": "levenshtein editdistance edit_distance",
    "strip_accents": "strip_accents unaccent",
    "unicode_composed": "normalize nfc_normalize",
    "unix_timestamp": "to_timestamp timestamp_seconds epoch epoch_ms make_timestamp",
    "timestamp_literal": "timestamp strptime parse_timestamp",
    "dbt.split_part": "split_part split string_split",
    "dbt.concat": "concat concat_ws",
    "dbt.position": "position strpos instr charindex",
    "case when ... end": "if iff decode",
    "coalesce": "ifnull nvl nvl2 zeroifnull isnull",
    "sum(case when ... then 1 else 0 end)": "count_if countif",
    "dbt.any_value": "any_value arbitrary",
    "dbt.bool_or": "bool_or boolor_agg logical_or",
    "row_number()": "max_by min_by arg_max arg_min argmax argmin",
}
INSTEAD = {name: macro for macro, names in MACROS.items() for name in names.split()}

WORDS = {
    r"::": "cast(... as ...)",
    r"\bilike\b": "lower(...) like",
    r"\b(?:similar\s+to|glob)\b": "regexp_matches_whole",
    r"\bfilter\s*\(": "case when ... end inside the aggregate",
    r"\b(?:exclude|except|replace)\s*\((?=\s*\w+\s*[,)])": "the columns, one by one",
    r"\bdistinct\s+on\b": "row_number() in a qualify",
    r"(?<!/)//(?!/)": "cast(floor(a * 1.0 / b) as {{ dbt.type_int() }})",
    r"\binterval\b": "timestamp_add",
    r"\bextract\s*\(": "days_between or dbt.date_trunc",
    r"\bat\s+time\s+zone\b": "nothing: instants are UTC",
    r"\b(?:date|timestamp)\s+(?='')": "timestamp_literal",
    r"\bcurrent_(?:date|timestamp|time)\b": "cdp_now",
    r'"': "no quotes: BigQuery takes them for text",
    r"\b(?:lateral|unnest|pivot|unpivot|sample|tablesample|asof)\b": "plain joins and unions",
    r"\[": "plain columns: lists differ",
}
# A key that is never null: minted or derived ids and numbers, and counts. Others say where nulls go, for each warehouse puts
# them elsewhere: DuckDB last; Snowflake last, first when descending; BigQuery first, last when descending.
NEVER_NULL = re.compile(
    r"(?:\w+\.)?(?:.*_(?:id|key|node|count|number|out)|tier|attribute|count\(\*\)|min\(\w+_node\))|coalesce\(.*\)|case .* else \w+ end"
)
# What is not SQL, the leftmost first; a text within Jinja may hold what ends it.
NOT_SQL = re.compile(
    r"""\{\#.*?\#\} | \{%[ ]set[ ]definition[ ]%\}.*?\{%[ ]endset[ ]%\} | --[^\n]* | '[^'\n]*'
    | \{%(?:'[^'\n]*' | "[^"\n]*" | (?!%\}).)*%\} | \{\{(?:'[^'\n]*' | "[^"\n]*" | (?!\}\}).)*\}\}""",
    re.DOTALL | re.VERBOSE,
)
DIRECTION = re.compile(r"\s+(?:asc|desc)$")


@dataclass(frozen=True)
class Finding:
    """One thing that is not portable."""

    path: str
    line: int
    what: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}; write {self.instead}"


def blanked(text: str) -> str:
    """SQL without Jinja, comments and what stands in quotes; every line and column where it was."""

    def blank(found: re.Match[str]) -> str:
        filled = re.sub(r"[^\n]", "_" if found[0].startswith("{{") else " ", found[0])
        return f"'{filled[1:-1]}'" if found[0].startswith("'") else filled

    return NOT_SQL.sub(blank, text)


def findings_in(path: str, text: str) -> Iterator[Finding]:
    """What of a file's SQL differs between the warehouses."""
    sql = blanked(text)

    def at(position: int) -> int:
        return sql.count("\n", 0, position) + 1

    for found in re.finditer(r"\b([a-z][a-z0-9_]*)\(", sql):
        name = found[1]
        if name not in FUNCTIONS:
            yield Finding(path, at(found.start()), f"function {name}",
                          INSTEAD.get(name, "a macro in macros/cross_db"))  # fmt: skip
    for found in re.finditer(r"\bcast\(", sql):
        inside = _until_closed(sql, found.end())
        type_name = re.search(r"\bas\s+([a-z][a-z0-9_]*(?:\s*\([^)]*\))?)\s*$", inside)
        if type_name and type_name[1] not in TYPES:
            yield Finding(path, at(found.start()), f"type {type_name[1]} in a cast",
                          "dbt.type_...() or as_decimal")  # fmt: skip
    for pattern, instead in WORDS.items():
        for found in re.finditer(pattern, sql):
            yield Finding(path, at(found.start()), f"'{found[0].strip()}'", instead)
    for found in re.finditer(r"\bover\s*\(", sql):
        inside = _until_closed(sql, found.end())
        _, _, order = inside.partition("order by")
        for key in _split(order) if order else []:
            if not _says_where_nulls_go(key):
                yield Finding(path, at(found.start()), f"nulls in order by {' '.join(key.split())}",
                              "nulls last")  # fmt: skip


def _says_where_nulls_go(key: str) -> bool:
    text = " ".join(key.split())
    if "__" in text or "nulls" in text:  # a macro's, or said
        return True
    return bool(NEVER_NULL.fullmatch(DIRECTION.sub("", text)))


def _until_closed(sql: str, start: int) -> str:
    depth = 1
    for position in range(start, len(sql)):
        depth += {"(": 1, ")": -1}.get(sql[position], 0)
        if depth == 0:
            return sql[start:position]
    return sql[start:]


def _split(keys: str) -> list[str]:
    parts, depth = [""], 0
    for letter in keys:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part for part in parts if part.strip()]


def findings() -> list[Finding]:
    """Of the whole project."""
    return [
        finding
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.sql"))
        if not path.is_relative_to(ROOT / HOME_OF_DIFFERENCES)
        for finding in findings_in(str(path.relative_to(ROOT)), path.read_text())
    ]


if __name__ == "__main__":
    found = findings()
    print("\n".join(map(str, found)))
    sys.exit(bool(found))
