"""What raw values are read as, and what is refused: alike on every warehouse by shapes, run here on DuckDB."""

from __future__ import annotations

import duckdb
import pytest

from tests.python.inline import compiled
from tests.python.rows import insert

TIMESTAMPS = [
    ("2026-11-20 10:00:00", "2026-11-20 10:00:00"),
    ("2026-11-20T10:00:00", "2026-11-20 10:00:00"),
    ("2026-11-20 10:00:00 +0100", "2026-11-20 09:00:00"),
    ("2026-11-20 10:00:00 -0500", "2026-11-20 15:00:00"),
    ("2026-11-20 10:00:00 +05:30", "2026-11-20 04:30:00"),
    ("2026-11-20 10:00:00-05:30", "2026-11-20 15:30:00"),
    ("2026-11-20 10:00:00+01", "2026-11-20 09:00:00"),
    ("2026-11-20T10:00:00Z", "2026-11-20 10:00:00"),
    ("2026-11-20t10:00:00z", "2026-11-20 10:00:00"),
    ("2026-11-20 10:00:00 UTC", "2026-11-20 10:00:00"),
    ("2026-11-20 10:00:00 GMT", "2026-11-20 10:00:00"),
    ("2026-11-20T10:00:00.123456789+02:00", "2026-11-20 08:00:00.123456"),
    ("2026-11-20 10:00:00,5", "2026-11-20 10:00:00.500000"),
    ("2026-11-20 10:00", "2026-11-20 10:00:00"),
    ("2026-11-20 10:00 +0100", "2026-11-20 09:00:00"),
    ("2026-11-20 9:05", "2026-11-20 09:05:00"),
    ("2026-11-20, 2:30:15 PM", "2026-11-20 14:30:15"),
    ("2026-11-20 12:30 AM", "2026-11-20 00:30:00"),
    ("2026-11-20 12:30 pm", "2026-11-20 12:30:00"),
    ("2026-11-20 2:30PM +0100", "2026-11-20 13:30:00"),
    ("2026-11-20", "2026-11-20 00:00:00"),
    ("2026/11/20 10:00:00", "2026-11-20 10:00:00"),
    ("2026-1-5 10:00:00", "2026-01-05 10:00:00"),
    ("20261120", "2026-11-20 00:00:00"),
    ("20261120T101500Z", "2026-11-20 10:15:00"),
    ("20261120 10:15:00 -0500", "2026-11-20 15:15:00"),
    ("  2026-11-20 10:00:00  ", "2026-11-20 10:00:00"),
    ("2026-12-31 23:30:00 -0100", "2027-01-01 00:30:00"),
    ("9999-12-31 00:00:00", "9999-12-31 00:00:00"),
    ("2026-02-30 10:00:00", None),
    ("2026-02-30 10:00:00 +0100", None),
    ("2026-11-20 24:00:00", None),
    ("2026-11-20 10:60:00", None),
    ("2026-11-20 14:30 PM", None),
    ("2026-11-20 10:00:00 +2500", None),
    ("26-11-20 10:00:00", None),
    ("0026-11-20 10:00:00", None),
    ("0001-01-01 00:00:00", None),
    ("11/20/2026 10:00", None),
    ("20.11.2026 10:00", None),
    ("2026112", None),
    ("1795168800", None),
    ("2026-11-20 10:00:00 Europe/Berlin", None),
    ("epoch", None),
    ("infinity", None),
    ("now", None),
    ("soon", None),
    ("", None),
    (None, None),
]
DATES = [
    ("1997-01-01", "1997-01-01"),
    ("19970101", "1997-01-01"),
    ("1997/01/01", "1997-01-01"),
    ("1997-1-1", "1997-01-01"),
    ("1997-01-01T23:30:00-05:00", "1997-01-01"),
    ("1997-01-01 00:00:00", "1997-01-01"),
    ("1996-02-29", "1996-02-29"),
    ("1997-02-29", None),
    ("2026-02-30", None),
    ("20261332", None),
    ("26-11-20", None),
    ("01/01/1997", None),
    ("0000-00-00", None),
    ("infinity", None),
    ("", None),
    (None, None),
]
WHOLE = [
    ("17", 17), ("+17", 17), ("-3", -3), ("3.0", 3), ("1,234", 1234), ("1,234,567", 1234567), ("1\u2019234", 1234),
    ("1 234", 1234), ("1'234", 1234),
    ("3.5", None), ("1,23", None), ("12,34,567", None), ("1e3", None), ("2x", None),
    ("99999999999999999999", None), ("", None), (None, None),
]  # fmt: skip
DECIMAL = [
    ("12.50", "12.50"), (".5", "0.50"), ("-3", "-3.00"), ("1,234.5", "1234.50"), ("1,234,567.89", "1234567.89"), ("1'234.50", "1234.50"),
    ("1\u00a0234.50", "1234.50"), ("1\u2019234\u2009567.50", "1234567.50"), ("1e3", "1000.00"),
    ("12,50", None), ("1.234,56", None), ("1.2.3", None), ("nan", None), ("inf", None),
    ("0,500", None), ("0.500", "0.50"), ("", None), (None, None),
]  # fmt: skip
COMMA = [
    ("12,50", "12.50"), ("1.234,56", "1234.56"), ("1 234,5", "1234.50"), ("1.234", "1234.00"),
    ("-7", "-7.00"), ("12.50", None), ("1,234,5", None), ("0.500", None),
]  # fmt: skip
US = [
    ("11/20/2026 10:00", "2026-11-20 10:00:00"),
    ("3/15/2026 2:30 PM", "2026-03-15 14:30:00"),
    ("11/20/2026, 12:05:09 AM", "2026-11-20 00:05:09"),
    ("11/20/2026", "2026-11-20 00:00:00"),
    ("11/20/2026 10:00:00 -0500", "2026-11-20 15:00:00"),
    ("20/11/2026", None), ("11/20/26", None), ("2/30/2026", None), ("2026-11-20", None), ("11.20.2026", None),
]  # fmt: skip
GERMAN = [
    ("20.11.2026", "2026-11-20"),
    ("1.2.2026 10:00", "2026-02-01"),
    ("11.20.2026", None),
    ("2026-11-20", None),
]
SECONDS = [
    ("1795168800", "2026-11-20 10:00:00"), ("1795168800.25", "2026-11-20 10:00:00"), ("0", "1970-01-01 00:00:00"),
    ("-1000000000", "1938-04-24 22:13:20"), ("1795168800000", None), ("2026-11-20", None), ("x", None), (None, None),
]  # fmt: skip
MILLISECONDS = [("1795168800123", "2026-11-20 10:00:00.123000"), ("99999999999999", None)]
BERLIN = [
    ("2026-11-20 10:00:00", "2026-11-20 09:00:00"), ("2026-07-01 10:00", "2026-07-01 08:00:00"),
    ("2026-11-20 10:00:00 +0500", "2026-11-20 05:00:00"),
    ("2026-11-20", "2026-11-19 23:00:00"), ("2026-11-20T10:00:00Z", "2026-11-20 10:00:00"), ("2026-11-20 10:00-05", "2026-11-20 15:00:00"),
    ("20261120T100000-05", "2026-11-20 15:00:00"), ("2026-11-20 100000 -0500", "2026-11-20 15:00:00"),
    ("20261120T100000", "2026-11-20 09:00:00"),
]  # fmt: skip
SEVERAL = [("20.11.2026", "2026-11-20"), ("2026-11-20", "2026-11-20"), ("11/20/2026", None)]
BOOLEAN = [
    ("true", True),
    ("Yes", True),
    ("1", True),
    ("f", False),
    ("OFF", False),
    ("2", None),
    ("", None),
    (None, None),
]

# Several addresses in one cell, and tags in another, as exports of a CRM and of a shop and a mailing list write them.
FIRST = [
    ("a@x.example;b@x.example", "a@x.example"),
    ("a@x.example", "a@x.example"),
    (" a@x.example ; b@x.example", "a@x.example"),
    ("", None),
    (None, None),
]
SECOND = [
    ("a@x.example;b@x.example", "b@x.example"),
    ("a@x.example; b@x.example;c", "b@x.example"),
    ("a@x.example", None),
    ("a@x.example;", None),
    (None, None),
]
HAS_VIP = [
    ("VIP, wholesale", True),
    ("wholesale ,vip", True),
    ('"VIP","Blog"', True),
    ("VIP", True),
    ("not VIP", False),
    ("VIPs", False),
    ("VIP gold, other", False),
    ("", False),
    (None, False),
]
IN_JSON = [
    ('{"traits": {"email": "Ada@X.example", "n": 1}}', "Ada@X.example"),
    ('{"traits": {"email": null}}', None),
    ('{"traits": {}}', None),
    ('{"traits": "none"}', None),
    ('{"traits": {"email": 17}}', "17"),
    ('{"traits": {"email": true}}', "true"),
    ('{"traits": {"email": "o\'brien \\"x\\" 山"}}', 'o\'brien "x" 山'),
    ('[{"traits": {"email": "list"}}]', None),
    ("{broken", None),
    ("", None),
    (None, None),
]
IN_LIST = [
    ('{"products": [{"sku": "A-1"}, {"sku": "B-2"}]}', "B-2"),
    ('{"products": [{"sku": "A-1"}]}', None),
    ('{"products": {"sku": "A-1"}}', None),
    ('{"products": []}', None),
]
WITH_A_DOT = [('{"First.Name": {"a b": "x"}}', "x"), ('{"First": {"Name": {"a b": "x"}}}', None)]
WHOLE_JSON = [('"a"', "a"), ("17", "17"), ("null", None), ("a", None)]
CASES = {
    "json_part('raw', 'traits.email')": IN_JSON,
    "json_part('raw', 'products[1].sku')": IN_LIST,
    "json_part('raw', ['First.Name', 'a b'])": WITH_A_DOT,
    "json_part('raw')": WHOLE_JSON,
    "cast_or_null('raw', dbt.type_timestamp())": TIMESTAMPS,
    "cast_or_null('raw', 'timestamp')": TIMESTAMPS,
    "read('raw', 'timestamp')": TIMESTAMPS,
    "cast_or_null('raw', 'date')": DATES,
    "cast_or_null('raw', dbt.type_int())": WHOLE,
    "read('raw', 'integer')": [case for case in WHOLE if case[0] != "99999999999999999999"],
    "as_decimal(headwater.cast_or_null('raw', dbt.type_numeric()), 18, 2)": DECIMAL,
    "as_decimal(headwater.read('raw', 'number', decimal_mark=','), 18, 2)": COMMA,
    "cast_or_null('raw', dbt.type_boolean())": BOOLEAN,
    "read('raw', 'timestamp', format='MM/DD/YYYY')": US,
    "read('raw', 'date', format='DD.MM.YYYY')": GERMAN,
    "read('raw', 'timestamp', format='epoch_seconds')": SECONDS,
    "part_of('raw', 1)": FIRST,
    "part_of('raw', 2)": SECOND,
    "has_part('raw', 'VIP')": HAS_VIP,
    "read('raw', 'timestamp', format='epoch_milliseconds')": MILLISECONDS,
    "read('raw', 'timestamp', time_zone='Europe/Berlin')": BERLIN,
    "read('raw', 'date', format=['DD.MM.YYYY', 'YYYY-MM-DD'])": SEVERAL,
}  # fmt: skip


@pytest.fixture(scope="module")
def expressions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    inline = "\n<next>\n".join("{{ headwater." + call + " }}" for call in CASES)
    code = compiled(tmp_path_factory.mktemp("read"), inline)
    return dict(zip(CASES, code.split("<next>"), strict=True))


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize("call", CASES)
def test_a_raw_value_is_read(call: str, zone: str, expressions: dict[str, str]) -> None:
    rows = [(n, raw) for n, (raw, _) in enumerate(CASES[call])]
    with duckdb.connect() as connection:
        connection.execute(f"set TimeZone = '{zone}'")
        connection.execute("create table cases (place integer, raw text)")
        insert(connection, "cases", rows)
        found = connection.execute(f"select {expressions[call]} from cases order by place")
        values = [value for (value,) in found.fetchall()]
    wrong = [
        (raw, value, want)
        for (raw, want), value in zip(CASES[call], values, strict=True)
        if (str(value) if isinstance(want, str) else value) != want
    ]
    assert wrong == []


HAS_ITS_TYPE = {
    "timestamp '2026-11-20 10:00:00.5'": "2026-11-20 10:00:00.500000",
    "date '2026-11-20'": "2026-11-20 00:00:00",
}


@pytest.mark.parametrize(("source", "want"), HAS_ITS_TYPE.items())
def test_what_has_its_type_already_is_kept(
    source: str, want: str, expressions: dict[str, str]
) -> None:
    with duckdb.connect() as connection:
        read = expressions["cast_or_null('raw', 'timestamp')"]
        query = f"select {read} from (select {source} as raw)"
        assert str(connection.execute(query).fetchone()[0]) == want  # type: ignore[index]
