"""Every value goes exactly as the table has it, or its row fails alone with a reason that does not quote it."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from workbench import TABLES

from sync.destinations.values import json_bytes, plain
from sync.engine.plan.edge import FORMS, Edge, UnsendableError, exact_number
from sync.engine.plan.planner import Mapping
from sync.records import Kind, Mode
from sync.state.history import RunHistory

# An expression of DuckDB, and what is sent of it.
EXACT = {
    "text": ("'Zoë ' || chr(128522)", "Zoë 😊"),
    "enumeration": ("'a'::enum('a', 'b')", "a"),
    "uuid": (
        "'6f8f4c1e-6f0a-5f0b-9d5c-0d6f6f1f4a11'::uuid",
        "6f8f4c1e-6f0a-5f0b-9d5c-0d6f6f1f4a11",
    ),
    "whole": ("9223372036854775807", 2**63 - 1),
    "least": ("(-9223372036854775808)::bigint", -(2**63)),
    "unsigned": ("42::ubigint", 42),
    "wide": ("9223372036854775807::hugeint", 2**63 - 1),
    "wide unsigned": ("42::uhugeint", 42),
    "decimal without a point": ("(-42)::decimal(38, 0)", -42),
    "decimal": ("1234567890123.45::decimal(18, 2)", 1234567890123.45),
    "decimal of sixteen digits": ("0.1234567890123456::decimal(18, 16)", 0.1234567890123456),
    "float": ("0.1::double", 0.1),
    "boolean": ("false", False),
    "date": ("date '9999-12-31'", dt.date(9999, 12, 31)),
    "first date": ("date '0001-01-01'", dt.date(1, 1, 1)),
    "instant": ("timestamp '2026-01-02 03:04:05.678901'", dt.datetime(2026, 1, 2, 3, 4, 5, 678901)),
    "zoned": ("timestamptz '2026-01-02 03:04:05+02'", dt.datetime(2026, 1, 2, 1, 4, 5)),
    "seconds": (
        "'9999-12-31 23:59:59'::timestamp_s",
        dt.datetime(9999, 12, 31, 23, 59, 59),
    ),
    "nanoseconds": (
        "'2026-01-02 03:04:05.000001'::timestamp_ns",
        dt.datetime(2026, 1, 2, 3, 4, 5, 1),
    ),
    "time": ("time '13:37:00.5'", "13:37:00.500000"),
    "list": ("['vip', null, 'b2b']", ["vip", None, "b2b"]),
    "decimals in a list": ("[1.5, 2.25]::decimal(9, 2)[]", [1.5, 2.25]),
    "object": (
        "{'at': date '2026-01-02', 'sums': [1::decimal(18, 0)], 'm': map {'k': time '01:02:03'}}",
        {"at": "2026-01-02", "sums": [1], "m": {"k": "01:02:03"}},
    ),
    "times in a list": (
        "[time '23:59:59.999999', null, time '00:00:00']",
        ["23:59:59.999999", None, "00:00:00"],
    ),
    "json": ("'{\"a\": 1.10}'::json", '{"a": 1.10}'),
}
BAD = {
    "NaN": ("'nan'::double", "NaN"),
    "infinity": ("'-infinity'::float", "NaN or infinite"),
    "hugeint": ("12345678901234567890::hugeint", "64 bits"),
    "uhugeint": ("340282366920938463463374607431768211455::uhugeint", "64 bits"),
    "ubigint": ("18446744073709551615::ubigint", "64 bits"),
    "decimal(38, 0)": ("12345678901234567890::decimal(38, 0)", "64 bits"),
    "decimal(18, 2)": ("1234567890123456.78::decimal(18, 2)", "more digits"),
    "year 10000": ("date '10000-01-01'", "year"),
    "before Christ": ("date '0044-03-15 (BC)'", "year"),
    "infinite date": ("'infinity'::date", "infinite"),
    "infinite instant": ("'infinity'::timestamp", "infinite"),
    "minus infinite zoned": ("'-infinity'::timestamptz", "infinite"),
    "instant of year 10000": ("timestamp '10000-01-01 00:00:00'", "year"),
    "nanosecond": ("'2026-01-02 03:04:05.000000001'::timestamp_ns", "microsecond"),
    "end of the day": ("time '24:00:00'", "time of day"),
    "NaN in a list": ("[1.0, 'nan'::double]", "NaN"),
    "decimal in a list": ("[1234567890123456.78::decimal(18, 2)]", "more digits"),
    "hugeint in an object": ("{'a': 12345678901234567890::hugeint}", "64 bits"),
    "date in an object": ("{'a': date '10000-01-01'}", "cannot be sent"),
    "end of the day in a list": ("[null, time '24:00:00']", "time of day"),
    "end of the day in an object": ("{'a': map {'k': [time '24:00:00']}}", "time of day"),
    "end of the day in an array": ("array_value(time '24:00:00')", "time of day"),
}
NEVER = {
    "blob": "'ab'::blob", "interval": "interval 1 day", "bit": "'101'::bit",
    "time with zone": "'12:00:00+02'::timetz", "blobs": "['ab'::blob]",
    "intervals": "{'a': {'b': interval 1 day}}", "union": "union_value(a := 1)",
    "uhugeints": "[1::uhugeint]", "map of numbers": "map {1: 2}",
}  # fmt: skip


def table(bench, expression: str, **others: str) -> None:
    """Rows `good` and `bad`, of which only the second holds the expression."""
    more = "".join(f", {value} as {name}" for name, value in others.items())
    bench.table(
        f"select 'good' as profile_id, 'g@example.com' as email, null as value{more}, 'h' as row_hash "
        f"union all select 'bad', 'b@example.com', {expression}{more}, 'h'"
    )


@pytest.mark.parametrize(("expression", "sent"), EXACT.values(), ids=EXACT)
def test_what_can_go_goes_exactly(bench, expression, sent):
    bench.declare(nested=True)
    table(bench, expression)
    assert bench.push().status == "success"
    found = bench.destination.members["bad"].fields["value"]
    assert (found, type(found)) == (sent, type(sent))
    assert json.loads(json_bytes(found)) == json.loads(json.dumps(plain(sent)))


@pytest.mark.parametrize(
    ("mode", "expression", "why"),
    [
        *((Mode.MIRROR, *case) for case in BAD.values()),
        *((mode, *BAD["NaN"]) for mode in (Mode.EVENT, Mode.REPLACE, Mode.UPSERT, Mode.ADD)),
    ],
)
def test_what_cannot_go_fails_alone_with_its_reason(workbench, mode, expression, why):
    bench = workbench(mode=mode)
    bench.declare(nested=True)
    table(bench, expression)
    result = bench.push()
    assert (result.status, result.added, result.failed) == ("partial", 1, 1)
    sent = [key for _, keys in bench.destination.calls for key in keys]
    assert sent == ["good"]
    assert bench.held() == {"good"}
    failed = bench.rows("select sync_key, status, message from analytics_sync.failures")
    assert [row[:2] for row in failed] == [("bad", "value")]
    assert failed[0][2].startswith("value: the value ")
    assert why in failed[0][2]
    assert not any(digits in failed[0][2] for digits in ("12345", "10000", "0044", "8446"))
    bench.table("select * replace (null as value) from sync_memory")
    assert bench.push().status == "success"
    assert bench.held() == {"good", "bad"}


@pytest.mark.parametrize("expression", NEVER.values(), ids=NEVER)
def test_a_type_that_can_never_go_is_named_before_anything_runs(bench, expression):
    bench.declare(nested=True)
    table(bench, expression, other="'ab'::blob")
    result = bench.push()
    assert (result.status, result.error.reason) == ("refused", "type")
    assert "field 'value' (" in result.message
    assert "field 'other' (BLOB)" in result.message
    assert bench.destination.calls == []


@pytest.mark.parametrize("expression", ["['vip', 'b2b']", "{'a': 1}", "map {'a': 1}"])
def test_lists_and_objects_are_for_destinations_that_take_them(bench, expression):
    table(bench, expression)
    result = bench.push()
    assert (result.status, result.error.reason) == ("refused", "type")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("12345678901234567890::hugeint", "12345678901234567890"),
        ("340282366920938463463374607431768211455::uhugeint", str(2**128 - 1)),
        ("12345678901234567890::decimal(38, 0)", "12345678901234567890"),
        ("1234567890123456.70::decimal(18, 2)", "1234567890123456.70"),
        ("true", "true"),
        ("date '10000-01-01'", "10000-01-01"),
    ],
)
def test_an_identifier_and_a_key_are_sent_as_the_warehouse_writes_them(workbench, expression, text):
    bench = workbench(identifiers=("phone",), key=("customer_id",))
    bench.table(
        f"select {expression} as customer_id, {expression} as phone, 1 as score, 'h' as row_hash"
    )
    assert bench.push().status == "success"
    record = bench.destination.members[text]
    assert dict(record.identifiers) == {"phone": text}
    assert bench.rows("select identifiers from analytics_sync.ledger") == [
        (json.dumps({"phone": text}),)
    ]


@pytest.mark.parametrize("expression", ["1e20::double", "'ab'::blob", "interval 1 day", "['a']"])
@pytest.mark.parametrize("part", ["key", "identifier"])
def test_a_key_or_identifier_without_one_spelling_is_refused(workbench, expression, part):
    bench = workbench(**({"key": ("odd",)} if part == "key" else {"identifiers": ("odd",)}))
    bench.declare(identifiers=frozenset(), nested=True)
    bench.table(
        f"select 'a' as profile_id, 'a@example.com' as email, {expression} as odd, 'h' as row_hash"
    )
    result = bench.push()
    assert (result.status, result.error.reason) == ("refused", "type")
    assert f"{part} 'odd'" in result.message


def test_a_removal_never_waits_for_a_value(workbench):
    bench = workbench()
    bench.table(
        "select 'a' as profile_id, 'a@example.com' as email, 1.0::double as value, "
        "null::varchar as withheld_reason, 'h' as row_hash union all "
        + ", ".join(["select 'b'", "'b@example.com'", "1", "null", "'h'"])
    )
    bench.push()
    bench.table(
        "select * replace ('nan'::double as value, "
        "case when profile_id = 'b' then 'no_consent' end as withheld_reason, 'new' as row_hash) "
        "from sync_memory"
    )
    result = bench.push(allow_removals=True)
    assert (result.status, result.removed, result.failed) == ("partial", 1, 1)
    assert set(bench.destination.members) == {"a"} == bench.held()


def test_a_whole_set_that_lacks_a_row_now_is_not_said_to_hold_it(workbench):
    """Its old value comes back with its old hash: without a word the file would lack it for ever."""
    bench = workbench(mode=Mode.REPLACE)
    table(bench, "1.0::double")
    bench.push()
    assert bench.held() == {"good", "bad"}
    table(bench, "'nan'::double")
    bench.table(
        "select * replace (case when profile_id = 'bad' then 'new' else 'h' end as row_hash) from sync_memory"
    )
    assert bench.push().failed == 1
    assert set(bench.destination.members) == {"good"} == bench.held()
    history = RunHistory(TABLES, bench.warehouse.dialect, environment="live")
    with bench.warehouse.session() as session:
        failing = history.failures(session, bench.definition.name, 10)
    assert [(row["sync_key"], row["status"]) for row in failing] == [("bad", "value")]
    table(bench, "1.0::double")
    assert bench.push().status == "success"
    assert set(bench.destination.members) == {"good", "bad"} == bench.held()


def test_a_dry_run_says_what_would_fail(bench):
    table(bench, "'nan'::double")
    result = bench.push(dry_run=True)
    assert (result.status, result.failed) == ("partial", 1)
    assert "value: the value is NaN" in result.message


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_a_decimal_is_found_again_in_the_digits_that_are_sent(number):
    digits = format(number, "f")
    try:
        sent = json_bytes(exact_number(digits)).decode()
    except UnsendableError:
        assert Decimal(repr(float(digits))) != number
    else:
        assert Decimal(sent) == number


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 15))
def test_a_number_carries_fifteen_digits(digits, scale):
    number = Decimal(digits).scaleb(-scale)
    assert Decimal(repr(exact_number(format(number, "f")))) == number


def not_utf8() -> pa.Array:
    buffers = [*pa.array(["ok", "xx"]).buffers()[:2], pa.py_buffer(b"ok\xed\xa0")]
    return pa.Array.from_buffers(pa.string(), 2, buffers)


@pytest.mark.parametrize(
    ("array", "kind", "sent", "why"),
    [
        # As the clients of Snowflake and BigQuery hand them over.
        (pa.array([Decimal(5), Decimal(2**64)], pa.decimal128(38, 0)), None, [5, None], "64 bits"),
        (pa.array([Decimal("1.5"), None], pa.decimal256(76, 38)), None, [1.5, None], None),
        (pa.array(["1.50", "1234567890123456.78"]), Kind.DECIMAL, [1.5, None], "more digits"),
        (pa.array(["-900719925474099", "9007199254740993"]), Kind.DECIMAL,
         [-900719925474099.0, None], "more digits"),
        (pa.array(['["a", 1.5]', '{"n": 12345678901234567890}']), Kind.NESTED,
         ['["a", 1.5]', None], "64 bits"),
        (pa.array([[{"a": Decimal("2.5")}], None]), None, ['[{"a": 2.5}]', None], None),
        (pa.array([dt.time(1, 2), None], pa.time64("ns")), None, ["01:02:00", None], None),
        (pa.array([1, 1000], pa.timestamp("ns", "UTC")), None,
         [None, dt.datetime(1970, 1, 1, 0, 0, 0, 1)], "microsecond"),
        (pa.array(["a", "b"]).dictionary_encode(), None, ["a", "b"], None),
        (pa.array(["a", None], pa.large_string()), None, ["a", None], None),
        (not_utf8(), None, ["ok", None], "UTF-8"),
    ],
)  # fmt: skip
def test_what_clients_hand_over_becomes_plain_or_a_reason(array, kind, sent, why):
    edge = Edge(Mapping((), {"value": "value"}), {"value": kind} if kind else {})
    batch, reasons = edge.cross(pa.RecordBatch.from_arrays([array], names=["M_0"]))
    assert batch.to_pydict() == {"m_0": sent}
    told = [reason for reason in reasons.to_pylist() if reason]
    assert len(told) == (0 if why is None else 1)
    assert all(why in reason for reason in told if why)


def test_every_batch_of_a_column_has_one_type():
    """The plan's rows are kept as one stream, and a client sizes each batch by what it holds."""
    edge = Edge(Mapping((), {"n": "n"}), {})
    for kind in (pa.int8(), pa.int64(), pa.uint64(), pa.decimal128(38, 0)):
        batch, _ = edge.cross(pa.RecordBatch.from_arrays([pa.array([1], kind)], names=["m_0"]))
        assert batch.schema.field("m_0").type == pa.int64()


def test_the_table_of_what_goes_how_is_the_documents():
    text = (Path(__file__).parents[3] / "docs" / "sync.md").read_text("utf-8")
    assert set(FORMS) == set(Kind)
    for kind, form in FORMS.items():
        cells = (kind.value, form.field or "never", form.identifier or "never", form.fails or "")
        assert f"| {' | '.join(cells)} |".replace("|  |", "| |") in text
