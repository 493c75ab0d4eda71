"""Who meets a condition, decided row by row in Python: nothing of it is shared with the macros."""

from __future__ import annotations

import calendar
import datetime as dt
import itertools
import math
import statistics
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tests.python.audiences.worlds import EVENTS, NOW, SHOP_EVENTS, Row, World

UNITS = {"minute": 1, "hour": 60, "day": 1440, "week": 10080}
UTC = ZoneInfo("UTC")
KEYS = {
    "person": ("profiles", "profile_id"),
    "account": ("accounts", "account_id"),
    "household": ("households", "household_id"),
}
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Window = tuple[dt.datetime, dt.datetime]


class Scope(NamedTuple):
    """Of what row a condition is asked, and by which clock."""

    world: World
    entity: str
    one: str
    zone: ZoneInfo
    row: Row | None = None
    column: Any = ""
    before: Any = None  # the same figure in the window before


# -- times --------------------------------------------------------------------------------------------------------------------


def length(text: str, is_future: bool = False) -> dt.timedelta:
    amount, unit = text.split()
    if unit.startswith(("month", "year")):
        # Months are those of the calendar, counted from now.
        months = int(amount) * (12 if unit.startswith("year") else 1) * (1 if is_future else -1)
        year, month = divmod(NOW.year * 12 + NOW.month - 1 + months, 12)
        day = min(NOW.day, calendar.monthrange(year, month + 1)[1])
        return abs(dt.datetime(year, month + 1, day, NOW.hour) - NOW)
    return dt.timedelta(minutes=int(amount) * UNITS[unit.rstrip("s")])


def moved(value: dt.datetime, text: str, sign: int) -> dt.datetime:
    """A time so much later, or earlier; months are those of the calendar."""
    amount, unit = text.split()
    if not unit.startswith(("month", "year")):
        return value + sign * length(text)
    months = value.year * 12 + value.month - 1 + sign * int(amount) * (1 if "month" in unit else 12)
    year, month = divmod(months, 12)
    day = min(value.day, calendar.monthrange(year, month + 1)[1])
    return value.replace(year=year, month=month + 1, day=day)


def moment(value: Any, zone: ZoneInfo = UTC) -> Any:
    """A date, a time or their text as an instant without a zone, in UTC."""
    if isinstance(value, str):
        if value == "now":
            return NOW
        if value in ("today", "yesterday", "tomorrow"):
            day = clock(NOW, zone).date() + dt.timedelta(
                ["yesterday", "today", "tomorrow"].index(value) - 1
            )
            return of_clock(day, zone)
        if value.endswith(" ago"):
            return NOW - length(value[:-4])
        if value.startswith("in "):
            return NOW + length(value[3:], True)
        if value[-1] in "sykh" and value[0].isdigit():
            return NOW - length(value)
        value = dt.datetime.fromisoformat(value.replace("Z", "+00:00"))
    elif isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    return value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value


def day_of(value: Any, zone: ZoneInfo) -> dt.datetime:
    """What a date is compared with: the day that a zone's clock shows, where it is told by now."""
    told = moment(value, zone)
    is_by_now = isinstance(value, str) and not value[:4].isdigit()
    is_by_now |= isinstance(value, str) and value[-1] in "sykh"
    return dt.datetime.combine(clock(told, zone).date(), dt.time()) if is_by_now else told


def clock(instant: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """What the clock of a zone shows."""
    return instant.replace(tzinfo=dt.UTC).astimezone(zone).replace(tzinfo=None)


def of_clock(shown: dt.date, zone: ZoneInfo) -> dt.datetime:
    """The UTC instant of the beginning of a day in a zone."""
    return moment(dt.datetime.combine(shown, dt.time(), tzinfo=zone))


def period(day: dt.date, unit: str) -> dt.date:
    """The first day of the week, month, quarter or year of a day."""
    return {
        "day": day,
        "week": day - dt.timedelta(day.weekday()),
        "month": day.replace(day=1),
        "quarter": day.replace(day=1, month=(day.month - 1) // 3 * 3 + 1),
        "year": day.replace(day=1, month=1),
    }[unit]


def days_during(text: str, today: dt.date) -> list[dt.date]:
    """All days of a calendar window, found by looking at each day of four years."""
    days = [dt.date(2024, 1, 1) + dt.timedelta(n) for n in range(1461)]
    if text in ("today", "yesterday", "tomorrow"):
        return [today + dt.timedelta(["yesterday", "today", "tomorrow"].index(text) - 1)]
    if text.endswith(" last year"):
        here = days_during(text.removesuffix(" last year"), today)
        if "week" in text or "day" in text:
            return [day - dt.timedelta(364) for day in here]
        return [day for day in days if (day.year + 1, day.month) in {(one.year, one.month) for one in here}]  # fmt: skip
    if text.endswith(" ago") or text.startswith("in "):
        amount_, unit_ = text.removesuffix(" ago").removeprefix("in ").split()
        starts = sorted({period(day, unit_.rstrip("s")) for day in days})
        away = int(amount_) * (1 if text.startswith("in ") else -1)
        wanted_ = starts[starts.index(period(today, unit_.rstrip("s"))) + away]
        return [day for day in days if period(day, unit_.rstrip("s")) == wanted_]
    if text[0].isdigit():
        return [
            day
            for day in days
            if text in (str(day)[:4], str(day)[:7], f"{day.year}-Q{(day.month + 2) // 3}", str(day))
        ]
    which, *amount, unit = text.split()
    count = int(amount[0]) if amount else 1
    starts = sorted({period(day, unit.rstrip("s")) for day in days})
    here = starts.index(period(today, unit.rstrip("s")))
    wanted = {
        "this": [here],
        "last": range(here - count, here),
        "next": range(here + 1, here + count + 1),
    }[which]
    return [day for day in days if starts.index(period(day, unit.rstrip("s"))) in wanted]


def window_of(condition: Row, zone: ZoneInfo) -> tuple[Window | None, Window | None]:
    """The window of a condition and the one before it, both with their first instant inside and with their last."""
    tick = dt.timedelta(microseconds=1)
    if "within" in condition:
        size = length(condition["within"])
        return (NOW - size, NOW), (NOW - 2 * size, NOW - size - tick)
    if "between" in condition:
        start, end = (moment(one, zone) for one in condition["between"])
        return (start, end), (start - (end - start), start - tick)
    if "during" in condition:
        today = clock(NOW, zone).date()
        days = days_during(condition["during"], today)
        before = days_before(condition["during"], days, today)
        return (
            (of_clock(days[0], zone), of_clock(days[-1] + dt.timedelta(1), zone) - tick),
            (of_clock(before, zone), of_clock(days[0], zone) - tick),
        )
    return None, None


def days_before(text: str, days: list[dt.date], today: dt.date) -> dt.date:
    """The first day of the window of as many periods before."""
    words = text.removesuffix(" ago").removesuffix(" last year").split()
    unit = words[-1].rstrip("s")
    if len(words) == 1:
        unit = {4: "year", 7: "quarter" if "Q" in text else "month"}.get(len(text), "day")
        if not text[0].isdigit():
            unit = "day"
    start = days[0]
    for _ in range(len({period(day, unit) for day in days})):
        start = period(start - dt.timedelta(1), unit)
    return start


# -- comparisons --------------------------------------------------------------------------------------------------------------

COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "equals": lambda value, told: value == told,
    "not_equals": lambda value, told: value != told,
    "in": lambda value, told: value in told,
    "not_in": lambda value, told: value not in told,
    "contains": lambda value, told: any(
        one in value for one in (told if isinstance(told, list) else [told])
    ),
    "starts_with": lambda value, told: value.startswith(
        tuple(told) if isinstance(told, list) else told
    ),
    "between": lambda value, told: told[0] <= value <= told[1],
    ">": lambda value, told: value > told,
    ">=": lambda value, told: value >= told,
    "<": lambda value, told: value < told,
    "<=": lambda value, told: value <= told,
    "within": lambda value, told: NOW - length(told) <= value <= NOW,
    "older_than": lambda value, told: value < NOW - length(told),
    "before": lambda value, told: value < told,
    "on_or_after": lambda value, told: value >= told,
    "includes": lambda value, told: told in value,
    "ends_with": lambda value, told: value.endswith(
        tuple(told) if isinstance(told, list) else told
    ),
}


def meets(value: Any, operators: Row, scope: Scope | None = None) -> bool:
    zone = scope.zone if scope else UTC
    is_time = isinstance(value, dt.date)
    if "any_case" in operators:
        value = value and value.lower()
        operators = {
            name: [one.lower() for one in told] if isinstance(told, list) else told.lower()
            for name, told in operators.items()
            if name != "any_case"
        }
    for operator, told in operators.items():
        if operator == "is_null" or value is None:
            if operator != "is_null" or (value is None) != told:
                return False
            continue
        is_day = is_time and not isinstance(value, dt.datetime)
        if operator in ("within_next", "during", "anniversary", "age") or (
            is_day and operator in ("within", "older_than")
        ):
            if not date_met(value, operator, told, zone):
                return False
            continue
        if operator in ("rank", "tile"):
            assert scope
            if not place_met(scope, operator, told):
                return False
            continue
        if operator == "in_list":
            assert scope
            if value not in listed(scope, told):
                return False
            continue
        if isinstance(told, dict):
            assert scope
            told = operand(scope, told)
            if told is None:
                return False
        elif is_time and operator not in ("within", "older_than"):
            read = day_of if is_day else moment
            told = [read(one, zone) for one in told] if isinstance(told, list) else read(told, zone)
        if not COMPARED[operator](moment(value) if is_time else value, told):
            return False
    return True


def date_met(value: Any, operator: str, told: Any, zone: ZoneInfo) -> bool:
    is_day = not isinstance(value, dt.datetime)
    day = value if is_day else clock(value, zone).date()
    today = clock(NOW, zone).date()
    if operator == "within_next":
        if is_day:
            return bool(today <= day <= (clock(NOW, zone) + length(told)).date())
        return bool(NOW <= value <= NOW + length(told))
    if operator in ("within", "older_than"):  # of dates only
        first = (clock(NOW, zone) - length(told)).date()
        return bool(first <= day <= today if operator == "within" else day < first)
    if operator == "during":
        return day in days_during(told, today)
    if operator == "age":
        age = max(
            (n for n in range(200) if birthday(day, day.year + n) <= today), default=-1
        )  # who is to be born is not asked
        return meets(age, told if isinstance(told, dict) else {"equals": told})
    if "during" in told:
        days = days_during(told["during"], today)
    elif "within" in told:
        days = days_from((clock(NOW, zone) - length(told["within"])).date(), today)
    else:
        days = days_from(today, (clock(NOW, zone) + length(told["within_next"])).date())
    if day >= days[0]:
        return False
    years = told.get("years", {">=": 0})
    years = years if isinstance(years, dict) else {"equals": years}
    return any(birthday(day, one.year) == one and meets(one.year - day.year, years) for one in days)


def days_from(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + dt.timedelta(n) for n in range((last - first).days + 1)]


def birthday(day: dt.date, year: int) -> dt.date:
    """29 February is 28 February in a year that has none."""
    last = calendar.monthrange(year, day.month)[1]
    return day.replace(year=year, day=min(day.day, last))


def rows_of(scope: Scope) -> tuple[list[Row], str]:
    table, key = KEYS[scope.entity]
    return scope.world[table], key


def own_row(scope: Scope) -> Row:
    rows, key = rows_of(scope)
    return next(row for row in rows if row[key] == scope.one)


def operand(scope: Scope, told: Row) -> Any:
    if "figure" in told:
        value = figure_of(scope, told["figure"])
    elif "previous" in told:
        value = scope.before
    elif "property" in told:
        assert scope.row
        value = scope.row[told["property"]]
    elif "trait" in told:
        value = own_row(scope)[told["trait"]]
    else:
        function = next(key for key in told if key in ("mean", "median", "min", "max", "percentile"))  # fmt: skip
        numbers = sorted(
            one
            for one in (of_row(scope, row, told[function]) for row in group(scope, told))
            if one is not None
        )
        value = None if not numbers else figure(function, numbers, told.get("at"))
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dt.date):
        value = moment(value)
        return moved(moved(value, told.get("plus", "0 days"), 1), told.get("minus", "0 days"), -1)
    return value * told.get("times", 1) + told.get("plus", 0) - told.get("minus", 0)


def figure(function: str, numbers: list[Any], at: Any) -> Any:
    if function in ("mean", "median"):
        return getattr(statistics, function)(numbers)
    if function != "percentile":
        return (min if function == "min" else max)(numbers)
    place = (len(numbers) - 1) * at / 100
    low, high = numbers[int(place)], numbers[min(int(place) + 1, len(numbers) - 1)]
    return low + (high - low) * (place - int(place))


def group(scope: Scope, told: Row) -> list[Row]:
    """The rows that have the same value as one's own; none where that is absent."""
    per = told.get("per", [])
    per = [per] if isinstance(per, str) else per
    own = own_row(scope)
    return [
        row
        for row in rows_of(scope)[0]
        if all(own[name] is not None and row[name] == own[name] for name in per)
    ]


def of_row(scope: Scope, row: Row, told: Any) -> Any:
    """A trait of a row, or a figure over what somebody did."""
    if isinstance(told, str):
        return row[told]
    return figure_of(scope._replace(one=row[rows_of(scope)[1]]), told.get("figure", told))


def sortable(value: Any) -> Any:
    return moment(value) if isinstance(value, dt.date) else value


def place_met(scope: Scope, operator: str, told: Row) -> bool:
    rows, key = group(scope, told), rows_of(scope)[1]
    rows = [
        row
        for row in rows
        if of_row(scope, row, scope.column) is not None
        and where_met(row, told.get("among", {}), scope)
    ]
    rows.sort(key=lambda row: str(row[key]))
    start = told.get("from", "lowest" if operator == "tile" else "highest")
    rows.sort(
        key=lambda row: sortable(of_row(scope, row, scope.column)), reverse=start == "highest"
    )
    keys = [row[key] for row in rows]
    if scope.one not in keys:
        return False
    place = keys.index(scope.one)
    if operator == "tile":
        shared = place * told["of"] // len(keys) if start == "highest" else -(-(place + 1) * told["of"] // len(keys)) - 1  # fmt: skip
        place = shared
    settings = ("per", "from", "among", "of")
    return meets(place + 1, {name: one for name, one in told.items() if name not in settings})


def where_met(row: Row, where: Row, scope: Scope | None = None) -> bool:
    inner = scope._replace(row=row) if scope else None
    return all(
        meets(row[column], told if isinstance(told, dict) else {"in": told} if isinstance(told, list) else {"equals": told}, inner)
        for column, told in where.items()
    )  # fmt: skip


# -- events -------------------------------------------------------------------------------------------------------------------


def whose(scope: Scope) -> set[str]:
    """The people whose events count: oneself, or all contacts of a company."""
    if scope.entity == "person":
        return {scope.one}
    contacts = scope.world["account_contacts"]
    return {row["profile_id"] for row in contacts if row["account_id"] == scope.one} - {None}


def when_met(instant: dt.datetime, when: Row, zone: ZoneInfo) -> bool:
    shown = clock(instant, zone)
    for unit, told in when.items():
        value: Any = WEEKDAYS[shown.weekday()] if unit == "weekday" else getattr(shown, unit)
        operators = told if isinstance(told, dict) else {"in": told if isinstance(told, list) else [told]}  # fmt: skip
        if not meets(value, operators):
            return False
    return True


def event_where_met(scope: Scope, event: Row, row: Row, where: Row) -> bool:
    own = {name: told for name, told in where.items() if name in event["properties"]}
    of_parts = {name: told for name, told in where.items() if name not in own}
    lines = scope.world["event_product_ordered"]
    parts = [
        line
        for line in lines
        if line["order_id"] is not None and line["order_id"] == row.get("order_id")
    ]
    return where_met(row, own, scope) and (
        not of_parts or any(where_met(line, of_parts, scope) for line in parts)
    )


def happened(scope: Scope, condition: Row, window: Window | None) -> list[Row]:
    event = event_of(condition)
    people = whose(scope)
    return [
        row
        for row in scope.world[event["model"]]
        if row["profile_id"] in people
        and row["occurred_at"] is not None
        and row["occurred_at"] <= NOW
        and (window is None or window[0] <= row["occurred_at"] <= window[1])
        and when_met(row["occurred_at"], condition.get("when", {}), scope.zone)
        and event_where_met(scope, event, row, condition.get("where", {}))
        and parts_met(scope, row, condition)
        and beside_met(scope, row["occurred_at"], condition)
    ]


def parts_met(scope: Scope, row: Row, condition: Row) -> bool:
    """One part for each of with_parts, none for without_parts."""
    wanted = condition.get("with_parts", [])
    unwanted = condition.get("without_parts", [])
    lines = [
        line
        for line in scope.world["event_product_ordered"]
        if line["order_id"] is not None and line["order_id"] == row.get("order_id")
    ]
    return all(
        any(where_met(line, one) for line in lines)
        for one in ([wanted] if isinstance(wanted, dict) else wanted)
    ) and not any(
        where_met(line, one)
        for one in ([unwanted] if isinstance(unwanted, dict) else unwanted)
        for line in lines
    )


def beside_met(scope: Scope, at: dt.datetime, condition: Row) -> bool:
    """Events after or before a time of one's own."""
    for side in {"after", "before"} & condition.keys():
        own = own_row(scope)[condition[side]["trait"]]
        if own is None:
            return False
        gap = at - moment(own) if side == "after" else moment(own) - at
        longest = length(condition[side].get("within", "5000 weeks"))
        if not dt.timedelta() <= gap <= longest or (side == "before" and not gap):
            return False
    return True


def event_of(condition: Row) -> Row:
    return next(one for one in [*EVENTS, *SHOP_EVENTS] if one["name"] == condition["did"])


def did(scope: Scope, condition: Row) -> bool:
    window, before = window_of(condition, scope.zone)
    if "in_each" not in condition:
        return did_in(scope, condition, window, before)
    today = clock(NOW, scope.zone).date()
    days = [day for day in days_during(condition["during"], today) if day <= today]
    starts = sorted({period(day, condition["in_each"]) for day in days})
    for start in starts:
        inside = [day for day in days if period(day, condition["in_each"]) == start]
        end = of_clock(inside[-1] + dt.timedelta(1), scope.zone) - dt.timedelta(microseconds=1)
        if not did_in(scope, condition, (of_clock(inside[0], scope.zone), end), None):
            return False
    return True


def did_in(scope: Scope, condition: Row, window: Window | None, before: Window | None) -> bool:
    rows = happened(scope, condition, window)
    if "same" in condition:
        return same_met(scope, condition, rows)
    if not shapes_met(scope, condition, rows):
        return False
    if "in_any" in condition:
        at, least = sorted(row["occurred_at"] for row in rows), condition["at_least"]
        longest = length(condition["in_any"])
        return any(at[n + least - 1] - at[n] <= longest for n in range(len(at) - least + 1))
    if "then" in condition:
        rows = [row for row in rows if followed(scope, row, condition["then"])]
    count = len(rows)
    figures = {"count", "sum", "avg", "min", "max"} & condition.keys()
    looks_before = any(isinstance(one, dict) and "previous" in one for name in figures for one in condition[name].values())  # fmt: skip
    earlier = happened(scope, condition, before) if looks_before else []
    if looks_before and not rows and not earlier:
        return False
    least = 0 if {"at_most", "exactly"} & condition.keys() or looks_before else 1
    if not amount_met(condition, count, least):
        return False
    for name in figures:
        told = {key: one for key, one in condition[name].items() if key not in ("property", "distinct")}  # fmt: skip
        inner = scope._replace(
            before=event_figure(scope, name, condition[name], earlier, looks_before)
        )
        if not meets(event_figure(scope, name, condition[name], rows, looks_before), told, inner):
            return False
    if "share" in condition and not share_met(scope, condition, rows):
        return False
    return all(ends_met(scope, condition, rows, end) for end in ("first", "last"))


def same_met(scope: Scope, condition: Row, rows: list[Row]) -> bool:
    """Of the events of one value; that too many are of one is what at_most and exactly: 0 rule out."""
    values = [value for value in distinct_values(scope, condition["same"], rows) if value is not None]  # fmt: skip
    counts = [values.count(one) for one in set(values)]
    if condition.get("exactly") == 0 or ("at_most" in condition and "at_least" not in condition):
        return all(count <= condition.get("at_most", 0) for count in counts)
    return any(amount_met(condition, count, 1) for count in counts)


def shapes_met(scope: Scope, condition: Row, rows: list[Row]) -> bool:
    rows = sorted(rows, key=lambda row: (row["occurred_at"], str(row.get("event_id"))))
    if "in_a_row" in condition:
        unit = condition["in_a_row"]["of"]
        here = {period(clock(row["occurred_at"], scope.zone).date(), unit) for row in rows}
        longest = 0
        for start in here:
            run, day = 1, start
            while (day := period(day + dt.timedelta({"day": 1, "week": 7, "month": 31}[unit]), unit)) in here:  # fmt: skip
                run += 1
            longest = max(longest, run)
        if longest < condition["in_a_row"]["at_least"]:
            return False
    if "nth" in condition:
        told = condition["nth"]
        if len(rows) < told["number"]:
            return False
        row = rows[told["number"] - 1]
        operators = {key: one for key, one in told.items() if key not in ("number", "where", "when")}  # fmt: skip
        if not (
            event_where_met(scope, event_of(condition), row, told.get("where", {}))
            and when_met(row["occurred_at"], told.get("when", {}), scope.zone)
            and meets(row["occurred_at"], operators, scope)
        ):
            return False
    if "favourite" in condition:
        told = condition["favourite"]
        seen = [row for row in rows if row[told["property"]] is not None]
        if not seen:
            return False
        values = [row[told["property"]] for row in seen]
        last = {row[told["property"]]: row["occurred_at"] for row in seen}
        most = min(set(values), key=lambda one: (-values.count(one), NOW - last[one], str(one)))
        return meets(most, {key: one for key, one in told.items() if key != "property"})
    return True


def figure_of(scope: Scope, told: Row) -> Any:
    """A figure over what somebody did, or over related rows."""
    if "did" in told:
        rows = happened(scope, told, window_of(told, scope.zone)[0])
        at = "occurred_at"
    else:
        rows, at = related_rows(scope, told), told.get("at", "")
    functions = ("distinct", "sum", "avg", "min", "max", "first", "last", "share", "days_since", "gap")  # fmt: skip
    name = next((key for key in functions if key in told), "count")
    if name == "count":
        return len(rows)
    of = told[name]
    if name == "distinct":
        return len(set(distinct_values(scope, of, rows)) - {None})
    if name == "share":
        part = [row for row in rows if where_met(row, of.get("where", {}), scope)]
        return len(part) / len(rows) if rows else None
    if name in ("sum", "avg", "min", "max"):
        value = event_figure(scope, name, {"property": of}, rows, False)
        return value if value is not None or name != "sum" else 0
    rows = sorted(rows, key=lambda row: (row[at], str(row.get("event_id"))))
    if not rows:
        return None
    if name in ("first", "last"):
        return rows[0 if name == "first" else -1][of]
    if name == "days_since":
        return (NOW - rows[0 if of == "first" else -1][at]).total_seconds() / 86400
    gaps = [
        (one[at] - other[at]).total_seconds() / 86400 for other, one in itertools.pairwise(rows)
    ]
    return {"mean": statistics.mean, "min": min, "max": max}[of](gaps) if gaps else None


def amount_met(condition: Row, count: int, least: int) -> bool:
    return (
        condition.get("at_least", least) <= count <= condition.get("at_most", count)
        and condition.get("exactly", count) == count
    )


def least_of(condition: Row) -> int:
    return 0 if {"at_most", "exactly"} & condition.keys() else 1


def followed(scope: Scope, row: Row, then: Row) -> bool:
    longest = length(then.get("within", "52000 weeks"))
    later = happened(scope, {key: told for key, told in then.items() if key != "within"}, None)
    return any(
        one["profile_id"] == row["profile_id"]
        and row["occurred_at"] < one["occurred_at"] <= row["occurred_at"] + longest
        for one in later
    )


def event_figure(scope: Scope, name: str, told: Row, rows: list[Row], looks_before: bool) -> Any:
    if name == "count":
        if "distinct" not in told:
            return len(rows)
        return len(set(distinct_values(scope, told["distinct"], rows)) - {None})
    numbers = [row[told["property"]] for row in rows if row[told["property"]] is not None]
    if not numbers:
        return 0 if name == "sum" and looks_before else None
    return {"sum": sum, "avg": statistics.mean, "min": min, "max": max}[name](numbers)


def distinct_values(scope: Scope, of: str, rows: list[Row]) -> Iterator[Any]:
    for row in rows:
        if of in row:
            yield row[of]
            continue
        shown = clock(row["occurred_at"], scope.zone)
        if of in ("weekday", "hour"):
            yield shown.weekday() if of == "weekday" else shown.hour
        else:
            yield period(shown.date(), of)


def share_met(scope: Scope, condition: Row, rows: list[Row]) -> bool:
    told = condition["share"]
    part = [
        row
        for row in rows
        if where_met(row, told.get("where", {}), scope)
        and ("when" not in told or when_met(row["occurred_at"], told["when"], scope.zone))
    ]
    operators = {key: one for key, one in told.items() if key not in ("where", "when")}
    return bool(rows) and meets(len(part) / len(rows), operators)


def ends_met(scope: Scope, condition: Row, rows: list[Row], end: str) -> bool:
    if end not in condition:
        return True
    told = condition[end]
    rows = sorted(rows, key=lambda row: (row["occurred_at"], row["event_id"]), reverse=end == "last")  # fmt: skip
    settings = {"of", "at_least", "where", "when"}
    operators = {key: one for key, one in told.items() if key not in settings}
    if operators and not meets(rows[0]["occurred_at"] if rows else None, operators, scope):
        return False
    if not settings & told.keys():
        return True
    met = [
        row
        for row in rows[: told.get("of", 1)]
        if event_where_met(scope, event_of(condition), row, told.get("where", {}))
        and when_met(row["occurred_at"], told.get("when", {}), scope.zone)
    ]
    return len(met) >= told.get("at_least", 1)


# -- sequences ----------------------------------------------------------------------------------------------------------------


def sequence_met(scope: Scope, condition: Row) -> bool:
    steps, same = condition["sequence"], condition.get("same")
    first = next(number for number, step in enumerate(steps) if "did" in step)
    met = 0
    window = window_of(steps[first], scope.zone)[0]
    for row in rows_of_step(scope, steps[first], None, {}):
        if window and not window[0] <= row["occurred_at"] <= window[1]:
            continue
        early = any(
            row["occurred_at"] - length(step.get("within", "5000 weeks")) <= one["occurred_at"] < row["occurred_at"]
            for step in steps[:first] for one in rows_of_step(scope, step, same, row)
        )  # fmt: skip
        met += not early and goes_on(scope, steps[first + 1 :], same, row, [])
    return met >= condition.get("at_least", 1)


def rows_of_step(scope: Scope, step: Row, same: str | None, before: Row) -> list[Row]:
    told = {"did": step.get("did", step.get("did_not")), **step}
    rows = happened(scope, {key: one for key, one in told.items() if key != "nth"}, None)
    if "nth" in told:
        rows = sorted(rows, key=lambda row: (row["occurred_at"], row["event_id"]))
        rows = rows[told["nth"] - 1 : told["nth"]]
    return [
        row for row in rows if same is None or (row[same] is not None and row[same] == before[same])
    ]


def goes_on(scope: Scope, steps: list[Row], same: str | None, before: Row, unwanted: list[Row]) -> bool:  # fmt: skip
    """Whether the rest of a sequence follows an event; `unwanted` must not come before its next step."""
    since = before["occurred_at"]
    if not steps:
        return not any(
            one["occurred_at"] > since
            for step in unwanted
            for one in rows_of_step(scope, step, same, before)
        )
    step = steps[0]
    rows = [row for row in rows_of_step(scope, step, same, before) if row["occurred_at"] > since]
    if "did_not" in step:
        if "within" not in step:
            return goes_on(scope, steps[1:], same, before, [*unwanted, step])
        end = since + length(step["within"])
        if any(row["occurred_at"] <= end for row in rows) or (end > NOW and not step.get("so_far")):
            return False
        return goes_on(scope, steps[1:], same, before, unwanted)
    for row in rows:
        if row["occurred_at"] > since + length(step.get("within", "5000 weeks")):
            continue
        between = any(
            since < one["occurred_at"] < row["occurred_at"]
            for other in unwanted
            for one in rows_of_step(scope, other, same, before)
        )
        if not between and goes_on(scope, steps[1:], same, row, []):
            return True
    return False


# -- conditions ---------------------------------------------------------------------------------------------------------------

KINDS = (
    "all", "any", "not", "trait", "did", "sequence", "member_of", "account", "contacts", "product_line", "related", "consent",
    "suppressed", "was_sent", "in_journey", "in_list", "near", "figure", "some", "score", "known_by", "household", "people",
)  # fmt: skip


def holds(world: World, one: str, entity: str, definition: Row) -> bool:
    condition = {key: told for key, told in definition.items() if key not in ("zone", "entity")}
    scope = Scope(world, entity, one, ZoneInfo(definition.get("zone", "UTC")))
    return condition_met(scope, condition)


def condition_met(scope: Scope, condition: Row) -> bool:
    kind = next(key for key in condition if key in KINDS)
    told = condition[kind]
    contacts = scope.world["account_contacts"]
    if kind in ("all", "any"):
        return (all if kind == "all" else any)(condition_met(scope, inner) for inner in told)
    if kind == "not":
        return not condition_met(scope, told)
    if kind == "trait":
        operators = {name: value for name, value in condition.items() if name != "trait"}
        return meets(own_row(scope)[told], operators, scope._replace(column=told))
    if kind == "figure":
        operators = {name: value for name, value in condition.items() if name != "figure"}
        return meets(figure_of(scope, told), operators, scope._replace(column=told))
    if kind in ("some", "score"):
        points = [
            (inner["points"], inner["if"]) if kind == "score" else (1, inner) for inner in told
        ]
        met = sum(worth for worth, inner in points if condition_met(scope, inner))
        return bool(met >= condition["at_least"])
    if kind == "did":
        return did(scope, condition)
    if kind == "sequence":
        return sequence_met(scope, condition)
    if kind == "member_of":
        return stay_met(scope, condition)
    if kind == "account":
        theirs = {
            row["account_id"]
            for row in contacts
            if row["profile_id"] == scope.one and where_met(row, condition.get("where", {}))
        }
        met = [condition_met(scope._replace(entity="account", one=one), told) for one in theirs - {None}]  # fmt: skip
        return amount_met(condition, sum(met), least_of(condition))
    if kind == "contacts":
        return contacts_met(scope, told)
    if kind != "product_line":
        return OTHERS[kind](scope, condition)
    every = {row["product_line"] for row in scope.world["profile_product_lines"]} - {None}
    lines = {
        row["product_line"]
        for row in scope.world["profile_product_lines"]
        if row["profile_id"] == scope.one and where_met(row, condition.get("where", {}), scope)
    } - {None}
    return bool(lines) and (lines == every if told == "all" else told == "any" or told in lines)


def contacts_met(scope: Scope, told: Row) -> bool:
    people = {
        row["profile_id"]
        for row in scope.world["account_contacts"]
        if row["account_id"] == scope.one and where_met(row, told.get("where", {}))
    } - {None}
    met = [one for one in people if "who" not in told or condition_met(scope._replace(entity="person", one=one), told["who"])]  # fmt: skip
    return (
        amount_met(told, len(met), least_of(told))
        and ("every" not in told or len(met) == len(people))
        and ("share" not in told or meets(len(met) / len(people), told["share"]))
    )


def stay_met(scope: Scope, condition: Row) -> bool:
    if len(condition) == 1:
        return any(scope.one in row.values() for row in scope.world[condition["member_of"]])
    if not {"entered", "left"} & condition.keys():
        at = moment(condition.get("at", "now"), scope.zone)
        stays = [
            row
            for row in scope.world["audience_memberships"]
            if row["audience_name"] == condition["member_of"] and row["entity_id"] == scope.one and row["exit_reason"] != "merged"
            and ("at" not in condition or row["entered_at"] <= at < (row["exited_at"] or dt.datetime.max))
            and ("stayed" not in condition or meets(
                ((row["exited_at"] or NOW) - row["entered_at"]).total_seconds() / 86400, condition["stayed"]))
        ]  # fmt: skip
        return bool(stays) and ("stays" not in condition or meets(len(stays), condition["stays"]))
    return any(
        row["audience_name"] == condition["member_of"] and row["entity"] == scope.entity and row["entity_id"] == scope.one
        and (row["exited_at"] is not None) == ("left" in condition)
        and ("left" not in condition or row["exit_reason"] != "merged")
        and ("entered" not in condition or meets(row["entered_at"], condition["entered"], scope))
        and ("left" not in condition or meets(row["exited_at"], condition["left"], scope))
        for row in scope.world["audience_memberships"]
    )  # fmt: skip


def related_rows(scope: Scope, condition: Row) -> list[Row]:
    table = scope.world[condition["related"]]
    window = window_of(condition, scope.zone)[0]
    at = condition.get("at")
    return [
        row
        for row in table
        if (
            row["profile_id"] in whose(scope)
            if "profile_id" in row
            else row[KEYS[scope.entity][1]] == scope.one
        )
        and where_met(row, condition.get("where", {}), scope)
        and (at is None or (row[at] is not None and row[at] <= NOW))
        and (at is None or window is None or window[0] <= row[at] <= window[1])
    ]


def related_met(scope: Scope, condition: Row) -> bool:
    rows = related_rows(scope, condition)
    if "last" in condition:
        newest = sorted(rows, key=lambda row: row[condition["at"]])[-1:]
        if not any(where_met(row, condition["last"]["where"], scope) for row in newest):
            return False
    if not amount_met(condition, len(rows), least_of(condition)):
        return False
    for name in {"count", "sum"} & condition.keys():
        told = {key: one for key, one in condition[name].items() if key not in ("property", "distinct")}  # fmt: skip
        if not meets(event_figure(scope, name, condition[name], rows, False), told):
            return False
    return "share" not in condition or share_met(scope, condition, rows)


def consent_met(scope: Scope, condition: Row) -> bool:
    told = condition["consent"]
    states = [
        row["state"]
        for row in scope.world["profile_consent"]
        if (row["profile_id"], row["channel"], row["purpose"])
        == (scope.one, told["channel"], told.get("purpose", "marketing"))
    ]
    wanted = told.get("state", "opted_in")
    return not states if wanted == "never_asked" else wanted in states


def suppressed_met(scope: Scope, condition: Row) -> bool:
    told = condition["suppressed"]
    return any(
        row["profile_id"] == scope.one
        and row["channel"] in (told["channel"], "all")
        and told.get("reason", row["reason"]) == row["reason"]
        for row in scope.world["profile_suppressions"]
    )


def alive(scope: Scope, one: str | None) -> str | None:
    aliases = scope.world["identity_aliases"]
    return next((row["live_id"] for row in aliases if row["old_id"] == one), one)


def in_journey_met(scope: Scope, condition: Row) -> bool:
    log = scope.world[condition["in_journey"]]
    return any(
        alive(scope, row["profile_id"]) == scope.one
        and row["node"] == condition.get("step", "entry")
        and ("outcome" not in condition or where_met(row, {"outcome": condition["outcome"]}))
        and ("happened" not in condition or meets(row["happened_at"], condition["happened"], scope))
        and (
            "step" in condition
            or not any(
                # Where one of two merged people had left, both are.
                one["node_type"] == "exit"
                and alive(scope, one["profile_id"]) == scope.one
                and one["entry_number"] == row["entry_number"]
                for one in log
            )
        )
        for row in log
    )


def was_sent_met(scope: Scope, condition: Row) -> bool:
    told, window = condition["was_sent"], window_of(condition, scope.zone)[0]
    sent = 0
    for row in scope.world["stg_sync__acknowledgements"]:
        log = scope.world["journey_tried"]
        touch = next((one for one in log if one["touchpoint_id"] == row["sync_key"]), None)
        person = touch["profile_id"] if touch else row["sync_key"].split("|")[0]
        sent += (
            row["action"] in ("add", "change")
            and told.get("sync", row["sync_name"]) == row["sync_name"]
            and ("journey" not in told or touch is not None)
            and ("step" not in told or bool(touch and touch["node"] == told["step"]))
            and alive(scope, person) == scope.one
            and row["acknowledged_at"] <= NOW
            and (window is None or window[0] <= row["acknowledged_at"] <= window[1])
        )
    return amount_met(condition, sent, least_of(condition))


def listed(scope: Scope, told: Row) -> set[Any]:
    rows = scope.world[told["model"]]
    return {row[told["column"]] for row in rows if where_met(row, told.get("where", {}))} - {None}


def known_by_met(scope: Scope, condition: Row) -> bool:
    return any(
        (row["profile_id"], row["identifier_type"]) == (scope.one, condition["known_by"])
        for row in scope.world["profile_identifiers"]
    )


def household_met(scope: Scope, condition: Row) -> bool:
    home = own_row(scope)["household_id"]
    return home is not None and condition_met(
        scope._replace(entity="household", one=home), condition["household"]
    )


def people_met(scope: Scope, condition: Row) -> bool:
    told = condition["people"]
    people = [
        row["profile_id"]
        for row in scope.world["profiles"]
        if row["household_id"] == scope.one and row["household_id"] is not None
    ]
    met = [one for one in people if "who" not in told or condition_met(scope._replace(entity="person", one=one), told["who"])]  # fmt: skip
    return amount_met(told, len(met), least_of(told)) and (
        "every" not in told or len(met) == len(people)
    )


def in_list_met(scope: Scope, condition: Row) -> bool:
    told = condition["in_list"]
    listed = {row[told["column"]] for row in scope.world[told["model"]]} - {None}
    if "identifier" in told:
        known = {
            row["identifier_value"]
            for row in scope.world["profile_identifiers"]
            if (row["profile_id"], row["identifier_type"]) == (scope.one, told["identifier"])
        }
        return bool(known & listed)
    return own_row(scope)[told.get("trait", told["column"])] in listed


def near_met(scope: Scope, condition: Row) -> bool:
    told, row = condition["near"], own_row(scope)
    if "model" in told:
        places = [one for one in scope.world[told["model"]] if where_met(one, told.get("where", {}))]  # fmt: skip
        return any(
            near_met(scope, {"near": {"lat": place["latitude"], "lon": place["longitude"], "km": told["km"]}})
            for place in places
            if place["latitude"] is not None and place["longitude"] is not None
        )  # fmt: skip
    if row["latitude"] is None or row["longitude"] is None:
        return False
    (x, y, z), (u, v, w) = (
        (math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat))
        for lat, lon in (
            (math.radians(told["lat"]), math.radians(told["lon"])),
            (math.radians(row["latitude"]), math.radians(row["longitude"])),
        )
    )
    return 6371.0088 * math.acos(max(-1.0, min(1.0, x * u + y * v + z * w))) <= told["km"]


OTHERS: dict[str, Callable[[Scope, Row], bool]] = {
    "related": related_met, "consent": consent_met, "suppressed": suppressed_met, "was_sent": was_sent_met,
    "in_journey": in_journey_met, "in_list": in_list_met, "near": near_met, "known_by": known_by_met,
    "household": household_met, "people": people_met,
}  # fmt: skip
