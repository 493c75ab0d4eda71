"""The typed edge: every value of a plan goes exactly, in a form that destinations take, or its row fails alone with a reason.

`FORMS` is the table of what goes how; docs/sync.md shows it. A type that can never go is refused before anything is read
(`check_types`, asked by check, plan and push); a value that cannot is null in what `Edge.cross` returns, with a reason beside it that
names its column and never quotes it.

Numbers wider than what Arrow or a client carries exactly leave the warehouse as its own text (`CARRIED_AS_TEXT`), and become numbers
here. Identifiers leave it as text too, so that what is sent, what the ledger keeps and what the plan compares are one spelling.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sync.destinations.values import plain
from sync.errors import RefusedError
from sync.records import Kind

if TYPE_CHECKING:
    from sync.arrow import pa
    from sync.config.models import Column, SyncDefinition
    from sync.destinations.base import ObjectType
    from sync.engine.plan.planner import Mapping as Columns


@dataclass(frozen=True, slots=True)
class Form:
    """How values of a kind go: as a field (None: never), as a key or identifier (None: never), and which of them fail their row."""

    field: str | None
    identifier: str | None = None
    fails: str | None = None


FORMS: Mapping[Kind, Form] = {
    Kind.TEXT: Form("text", "text", "text that is not UTF-8"),
    Kind.WHOLE: Form("whole number", "its digits", "a field beyond 64 bits"),
    Kind.WIDE: Form("whole number", "its digits", "a field beyond 64 bits"),
    Kind.DECIMAL: Form("number", "its digits", "a field with more digits than a number carries"),
    Kind.FLOAT: Form("number", None, "NaN and the infinities"),
    Kind.BOOLEAN: Form("true or false", "true or false"),
    Kind.DATE: Form("ISO 8601 date", "text", "a field before year 1, after 9999, or infinite"),
    Kind.TIMESTAMP: Form(
        "ISO 8601 instant, UTC",
        "text",
        "a field before year 1, after 9999, infinite, or finer than a microsecond",
    ),
    Kind.TIME: Form("ISO 8601 time", "text", "24:00:00, or finer than a microsecond"),
    Kind.NESTED: Form(
        "list or object, where the destination takes them", None, "a value within that would fail"
    ),
    Kind.OTHER: Form(None),
}
CARRIED_AS_TEXT = frozenset({Kind.WIDE, Kind.DECIMAL})

INT64 = 2**63 - 1
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY_SECONDS = 86_400
JSON_TEXT = {b"form": b"json"}  # metadata of a column that holds lists or objects as JSON

NOT_FINITE = "is NaN or infinite, which no request can hold"
NOT_64_BITS = "has more than 64 bits; cast it to text in the model"
NOT_A_NUMBER = "has more digits than a number carries exactly; cast it to text in the model"
NOT_A_DATE = "is before year 1, after year 9999 or infinite"
NOT_AN_INSTANT = "is before year 1, after year 9999 or infinite, or finer than a microsecond"
NOT_A_TIME = "is no time of day, or finer than a microsecond"
NOT_TEXT = "is not UTF-8 text"


class UnsendableError(ValueError):
    """A value that cannot go exactly; the text says why and never quotes it."""


def check_types(
    definition: SyncDefinition, mapping: Columns, columns: Sequence[Column], offered: ObjectType
) -> None:
    """Every mapped column is of a type that can go where it is to go.

    Raises:
        RefusedError: some are not; all of them are named.
    """
    kinds = {column.name: column for column in columns}
    wrong = [
        f"{what} '{name}' ({kinds[name].type})"
        for what, names in (("key", definition.key), ("identifier", mapping.identifiers))
        for name in names
        if name in kinds and FORMS[kinds[name].kind].identifier is None
    ]
    for name in dict.fromkeys(mapping.fields.values()):
        kind = kinds[name].kind if name in kinds else Kind.TEXT
        if FORMS[kind].field is None or (kind is Kind.NESTED and not offered.nested):
            wrong.append(f"field '{name}' ({kinds[name].type})")
    if wrong:
        raise RefusedError(
            "type",
            f"sync '{definition.name}': model '{definition.model.name}' has columns of types that "
            f"cannot be sent: {', '.join(wrong)}.",
            hint="cast them to text in the model (lists: joined by a character of your choice); "
            "docs/sync.md lists what goes how.",
        )


class Edge:
    """Brings a plan's batches into the types that records are made of."""

    def __init__(self, mapping: Columns, kinds: Mapping[str, Kind]) -> None:
        """`kinds` of the table's columns; what is not named goes by its Arrow type."""
        self._fields = {
            place: (name, kinds.get(name)) for name, place in mapping.field_places.items()
        }
        self._texts = {place: name for name, place in mapping.identifier_places.items()}
        self._texts["sync_key"] = "key"

    def cross(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.Array]:
        """`batch` with lower-case names and plain types, and per row why it cannot go, or null."""
        from sync.arrow import pa, pc

        columns, fields = [], []
        reasons = pa.nulls(batch.num_rows, pa.string())
        for index, field in enumerate(batch.schema):
            place = field.name.lower()
            column, form = batch.column(index), None
            name, kind = self._fields.get(place, (self._texts.get(place), None))
            if name is None:
                column = _engine_column(column)
            else:
                crossed = _cross(column, Kind.TEXT if place in self._texts else kind)
                column, form = crossed.column, crossed.metadata
                if crossed.why is not None:
                    told = [why and f"{name}: the value {why}" for why in crossed.why]
                    reasons = pc.coalesce(reasons, pa.array(told, pa.string()))
            columns.append(column)
            fields.append(pa.field(place, column.type, metadata=form))
        return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields)), reasons


@dataclass(frozen=True, slots=True)
class _Crossed:
    column: pa.Array
    why: list[str | None] | None = None  # per row, where any cannot go
    metadata: dict[bytes, bytes] | None = None


def _engine_column(column: pa.Array) -> pa.Array:
    """A column of the plan's own: text or numbers, as the ledger has them."""
    from sync.arrow import pa

    kind = column.type
    if pa.types.is_decimal(kind):
        return column.cast(pa.int64(), safe=False)  # sums of powers of two
    return _as_text(column) if _is_text(kind) else column


def _cross(column: pa.Array, kind: Kind | None) -> _Crossed:
    """One column, by its kind where Arrow's type does not say it, else by that."""
    from sync.arrow import pa

    arrow = column.type
    if _is_text(arrow):
        if kind in (Kind.WIDE, Kind.DECIMAL):
            return _digits(_as_text(column), whole=kind is Kind.WIDE)
        if kind is Kind.NESTED:
            return _nested(column, lambda text: json.loads(text, parse_float=Decimal))
        return _text(_as_text(column))
    if pa.types.is_boolean(arrow):
        return _Crossed(column)
    if pa.types.is_null(arrow):
        return _Crossed(column.cast(pa.string()))
    if pa.types.is_decimal(arrow):
        return _digits(column.cast(pa.string()), whole=arrow.scale == 0)
    for is_it, cross in (
        (pa.types.is_integer, _whole),
        (pa.types.is_floating, _float),
        (pa.types.is_date, _date),
        (pa.types.is_timestamp, _timestamp),
        (pa.types.is_time, _time),
    ):
        if is_it(arrow):
            return cross(column)
    if pa.types.is_nested(arrow) and not pa.types.is_union(arrow):
        return _nested(column, lambda value: value)
    raise RefusedError(
        "type", f"a column of type {arrow} cannot be sent.", hint="cast it to text in the model."
    )


def _is_text(kind: pa.DataType) -> bool:
    from sync.arrow import pa

    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(test(kind) for test in tests)


def _as_text(column: pa.Array) -> pa.Array:
    from sync.arrow import pa

    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def _without(column: pa.Array, bad: pa.Array, why: str) -> _Crossed:
    """`column` with null where `bad`, and the reason there."""
    from sync.arrow import pa, pc

    bad = pc.fill_null(bad, False)
    if not pc.any(bad).as_py():
        return _Crossed(column)
    cleared = pc.if_else(bad, pa.scalar(None, column.type), column)
    return _Crossed(cleared, [why if is_bad else None for is_bad in bad.to_pylist()])


def _text(column: pa.Array) -> _Crossed:
    from sync.arrow import pa

    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return _each(column.cast(pa.binary()), lambda raw: raw.decode(), pa.string(), NOT_TEXT)
    return _Crossed(column)


def _whole(column: pa.Array) -> _Crossed:
    from sync.arrow import pa, pc

    if pa.types.is_uint64(column.type):
        crossed = _without(column, pc.greater(column, pa.scalar(INT64, pa.uint64())), NOT_64_BITS)
        return _Crossed(crossed.column.cast(pa.int64()), crossed.why)
    return _Crossed(column.cast(pa.int64()))


def _float(column: pa.Array) -> _Crossed:
    from sync.arrow import pa, pc

    column = column.cast(pa.float64())
    return _without(column, pc.invert(pc.is_finite(column)), NOT_FINITE)


def _date(column: pa.Array) -> _Crossed:
    from sync.arrow import pa, pc

    days = column.cast(pa.date32()).cast(pa.int32())
    bad = pc.or_(pc.less(days, _FIRST_DAY), pc.greater(days, _LAST_DAY))
    return _without(column.cast(pa.date32()), bad, NOT_A_DATE)


def _timestamp(column: pa.Array) -> _Crossed:
    from sync.arrow import pa, pc

    unit = column.type.unit
    naive = column.cast(pa.timestamp(unit, column.type.tz)).cast(pa.int64())
    scale = _PER_SECOND[unit]
    if unit == "ns":
        # All that fit are within the years; digits below a microsecond, and infinity, are what the way back does not give.
        micros = pc.divide(naive, 1000)
        bad = pc.not_equal(pc.multiply(micros, 1000), naive)
        crossed = _without(micros, bad, NOT_AN_INSTANT)
    else:
        late = pc.greater_equal(naive, (_LAST_SECOND + 1) * scale)
        bad = pc.or_(pc.less(naive, _FIRST_SECOND * scale), late)
        crossed = _without(naive, bad, NOT_AN_INSTANT)
        crossed = _Crossed(pc.multiply(crossed.column, 10**6 // scale), crossed.why)
    return _Crossed(crossed.column.cast(pa.int64()).cast(pa.timestamp("us")), crossed.why)


def _time(column: pa.Array) -> _Crossed:
    from sync.arrow import pa, pc

    unit = column.type.unit
    scale = _PER_SECOND[unit]
    number = column.cast(pa.int32() if pa.types.is_time32(column.type) else pa.int64())
    number = number.cast(pa.int64())
    micros = pc.divide(number, 1000) if unit == "ns" else pc.multiply(number, 10**6 // scale)
    bad = pc.greater_equal(number, _DAY_SECONDS * scale)
    if unit == "ns":
        bad = pc.or_(bad, pc.not_equal(pc.multiply(micros, 1000), number))
    crossed = _without(micros, bad, NOT_A_TIME)
    times = crossed.column.cast(pa.time64("us")).to_pylist()
    texts = [None if time is None else time.isoformat() for time in times]
    return _Crossed(pa.array(texts, pa.string()), crossed.why)


def _digits(column: pa.Array, *, whole: bool) -> _Crossed:
    """Numbers as the warehouse writes them. Up to 15 digits a number carries whatever they are; 18 are within 64 bits.

    A warehouse may write 16 of them without a point (BigQuery, a NUMERIC that is whole).
    """
    from sync.arrow import pa, pc

    kind = pa.int64() if whole else pa.float64()
    short = pc.less_equal(pc.utf8_length(column), 18 if whole else 15)
    if pc.all(pc.fill_null(short, True)).as_py():
        return _Crossed(column.cast(kind))
    if whole:
        return _each(column, _int64, kind, NOT_64_BITS)
    return _each(column, exact_number, kind, NOT_A_NUMBER)


def _int64(text: str) -> int:
    number = int(text)
    if not -INT64 - 1 <= number <= INT64:
        raise UnsendableError(NOT_64_BITS)
    return number


def exact_number(digits: str) -> float:
    """The number that `digits` are, in the shortest digits of which they are found again.

    Raises:
        UnsendableError: it would be another number.
    """
    number = float(digits)
    if Decimal(repr(number)) != Decimal(digits):
        raise UnsendableError(NOT_A_NUMBER)
    return number


def _each(
    column: pa.Array,
    convert: Callable[[Any], Any],
    kind: pa.DataType,
    why: str,
    *,
    look: Callable[[pa.Scalar], None] | None = None,
) -> _Crossed:
    """One by one, where a column has what needs a look; `look` is given each as Arrow has it."""
    from sync.arrow import pa

    values: list[Any] = []
    reasons: list[str | None] = []
    for item in column:
        reason = None
        try:
            if look is not None:
                look(item)
            raw = item.as_py(maps_as_pydicts="strict")
            values.append(None if raw is None else convert(raw))
        except UnsendableError as error:
            values.append(None)
            reason = str(error)
        except (ValueError, OverflowError, ArithmeticError, KeyError, TypeError):
            values.append(None)
            reason = why
        reasons.append(reason)
    return _Crossed(pa.array(values, kind), reasons if any(reasons) else None)


def _nested(column: pa.Array, read: Callable[[Any], Any]) -> _Crossed:
    """Lists and objects as JSON text until a record is made of them: exact, and of one type whatever a batch holds."""
    from sync.arrow import pa

    def text(value: Any) -> str:
        return json.dumps(_inner(read(value)), ensure_ascii=False, allow_nan=False)

    look = _check_times if _has_times(column.type) else None
    crossed = _each(column, text, pa.string(), "holds a value that cannot be sent", look=look)
    return _Crossed(crossed.column, crossed.why, JSON_TEXT)


def _has_times(kind: pa.DataType) -> bool:
    """Whether a list or object holds times of day, at whatever depth."""
    from sync.arrow import pa

    if pa.types.is_time(kind):
        return True
    return any(_has_times(kind.field(place).type) for place in range(kind.num_fields))


def _check_times(item: pa.Scalar) -> None:
    """Python would take the end of a day for its beginning.

    Raises:
        UnsendableError: a time within is no time of day.
    """
    from sync.arrow import pa

    if not item.is_valid:
        return
    if pa.types.is_time(item.type):
        if item.value >= _DAY_SECONDS * _PER_SECOND[item.type.unit]:
            raise UnsendableError(f"holds a time that {NOT_A_TIME}")
    elif pa.types.is_struct(item.type):
        for _, one in item.items():
            _check_times(one)
    elif pa.types.is_nested(item.type):
        for one in item.values:
            _check_times(one)


def _inner(value: Any) -> Any:
    """A value within a list or object as JSON has it."""
    match value:
        case None | bool():
            return value
        case str():
            value.encode()
            return value
        case int():
            return _int64(str(value))
        case float():
            if value - value != 0:
                raise UnsendableError(f"holds a number that {NOT_FINITE}")
            return value
        case Decimal():
            whole = value.as_tuple().exponent == 0
            return _int64(str(value)) if whole else exact_number(str(value))
        case dt.date():
            return plain(value)
        case dt.time():
            return value.isoformat()
        case list() | tuple():
            return [_inner(item) for item in value]
        case dict():
            return {name: _inner(item) for name, item in value.items() if _named(name)}
    raise UnsendableError("holds a value of a type that cannot be sent")


def _named(name: object) -> bool:
    if not isinstance(name, str):
        raise UnsendableError("is an object whose names are no text")
    return True
