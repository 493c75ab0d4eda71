"""Worlds full of nulls, and random definitions of every word of the language over them."""

from __future__ import annotations

import copy
import datetime as dt
import itertools
import random
from typing import Any

NOW = dt.datetime(2026, 6, 30, 12)
PEOPLE, COMPANIES = ["p1", "p2", "p3", "p4", "p5", "p6"], ["a1", "a2", "a3"]
TABLES = {
    "profiles": "profile_id text, country text, value double, score integer, vip boolean, seen timestamp, born date, spent double, "
    "tags text[], latitude double, longitude double",
    "accounts": "account_id text, plan text, size integer",
    "account_contacts": "account_id text, profile_id text, role text",
    "profile_product_lines": "profile_id text, product_line text, order_count integer",
    "event_order_placed": "event_id text, profile_id text, order_id text, status text, revenue_eur double, occurred_at timestamp",
    "event_product_ordered": "event_id text, profile_id text, order_id text, product_line text, revenue_eur double, occurred_at timestamp",
    "event_page_viewed": "event_id text, profile_id text, page text, occurred_at timestamp",
    "profile_consent": "profile_id text, channel text, purpose text, state text, recorded_at timestamp",
    "profile_suppressions": "profile_id text, channel text, reason text, since timestamp",
    "profile_identifiers": "profile_id text, identifier_type text, identifier_value text",
    "identity_aliases": "entity text, old_id text, live_id text",
    "audience_memberships": "audience_name text, entity text, entity_id text, exit_reason text, entered_at timestamp, exited_at timestamp",
    "journey_tried": "profile_id text, entry_number integer, node text, node_type text, outcome text, "
    "touchpoint_id text, happened_at timestamp",
    "stg_sync__acknowledgements": "sync_name text, sync_key text, run_id text, action text, acknowledged_at timestamp",
    "card_list": "card_number text, country text",
    "audience_people": "profile_id text, is_holdout boolean, qualified_at timestamp",
    "audience_companies": "account_id text, is_holdout boolean, qualified_at timestamp",
}
EVENTS: list[dict[str, Any]] = [
    {"name": "order_placed", "properties": ["order_id", "status", "revenue_eur"], "parts": {"event": "product_ordered", "by": "order_id"}},
    {"name": "product_ordered", "properties": ["order_id", "product_line", "revenue_eur"]},
    {"name": "page_viewed", "properties": ["page"]},
]  # fmt: skip
for event in EVENTS:
    event |= {"model": f"event_{event['name']}", "key": "event_id", "time": "occurred_at", "entity": "person"}  # fmt: skip
BORN = [
    dt.date(1990, 2, 28),
    dt.date(2000, 2, 29),
    dt.date(1991, 6, 30),
    dt.date(2001, 7, 1),
    dt.date(1960, 7, 3),
    dt.date(2026, 7, 1),
    dt.date(2026, 6, 20),  # ten days before NOW, and six weeks
    dt.date(2026, 5, 19),
    dt.date(2026, 6, 30),
]
ZONES = ["UTC", "Europe/Berlin", "America/New_York"]
DURING = [
    "today",
    "this week",
    "last week",
    "this month",
    "last month",
    "last 3 months",
    "this quarter",
    "last 2 quarters",
    "this year",
    "2026",
    "2026-05",
    "2026-Q2",
    "2026-06-29",
]
SHOP_EVENTS: list[dict[str, Any]] = [
    {"name": "product_added", "model": "event_product_added", "properties": ["cart_id"]},
    {"name": "app_used", "model": "event_app_used", "properties": ["feature"]},
]
TEXTS = ["DE", "NO", "a%b", "it's", "01"]
LINES = ["outdoor", "home", "kids"]
Row = dict[str, Any]
World = dict[str, list[Row]]


# -- worlds and definitions ---------------------------------------------------------------------------------------------------


def world_of(chance: random.Random) -> World:
    def maybe(*values: Any) -> Any:
        return chance.choice([*values, None])

    def when() -> Any:
        return maybe(
            *(
                NOW - dt.timedelta(days=days)
                for days in (-40, -1, 0, 1, 2.5, 3.7, 5, 8, 10, 10, 33, 40, 64.8, 90)
            )
        )

    orders = [
        {"event_id": f"o{n}", "profile_id": maybe(*PEOPLE, *PEOPLE[:2]), "order_id": f"o{n}", "status": maybe("shipped", "returned"),
         "revenue_eur": maybe(0, 10, 25.5), "occurred_at": when()}
        for n in range(chance.randint(0, 14))
    ]  # fmt: skip
    lines = [
        order | {"event_id": f"{order['event_id']}/{n}", "order_id": maybe(order["order_id"], order["order_id"]),
                 "product_line": maybe(*LINES), "revenue_eur": maybe(5, 10)}
        for order in orders for n in range(chance.randint(0, 3))
    ]  # fmt: skip
    return {
        "profiles": [
            {"profile_id": one, "country": maybe(*TEXTS), "value": maybe(0, 10, 25.5), "score": maybe(1, 2, 3), "vip": maybe(True, False),
             "seen": when(), "born": maybe(*BORN), "spent": maybe(0, 5, 10, 30),
             "tags": maybe([], ["vip"], ["vip", "new"]), "latitude": maybe(52.5, 48.1, -33.9), "longitude": maybe(13.4, 11.6)}
            for one in PEOPLE
        ],
        "accounts": [{"account_id": one, "plan": maybe("free", "plus"), "size": maybe(1, 5)} for one in COMPANIES],
        "account_contacts": [
            {"account_id": maybe(*COMPANIES), "profile_id": maybe(*PEOPLE), "role": maybe("buyer", "user")}
            for _ in range(chance.randint(0, 8))
        ],
        "profile_product_lines": [
            {"profile_id": maybe(*PEOPLE), "product_line": maybe(*LINES), "order_count": maybe(0, 1, 2)}
            for _ in range(chance.randint(0, 9))
        ],
        "event_order_placed": orders,
        "event_product_ordered": [{key: line[key] for key in columns_of("event_product_ordered")} for line in lines],
        "event_page_viewed": [
            {"event_id": f"v{n}", "profile_id": maybe(*PEOPLE), "page": maybe("/a", "/b"), "occurred_at": when()}
            for n in range(chance.randint(0, 12))
        ],
        **contact_tables_of(chance),
        "audience_people": [{"profile_id": maybe(*PEOPLE), "is_holdout": False, "qualified_at": NOW} for _ in range(chance.randint(0, 4))],
        "audience_companies": [{"account_id": maybe(*COMPANIES), "is_holdout": False, "qualified_at": NOW}
                               for _ in range(chance.randint(0, 3))],
    }  # fmt: skip


def contact_tables_of(chance: random.Random) -> World:
    def some(most: int) -> range:
        return range(chance.randint(0, most))

    def when() -> dt.datetime:
        return NOW - dt.timedelta(days=chance.choice([1, 5, 10, 40]))

    log = [
        {"profile_id": person, "entry_number": 1, "node": node, "node_type": type_,
         "outcome": chance.choice(["exit_when", "finished"]) if node == "end" else "due",
         "touchpoint_id": f"t-{person}" if node == "mail" else None,
         "happened_at": when()}
        for person in chance.sample([*PEOPLE, "old"], 4)
        for node, type_ in [("entry", "entry"), ("mail", "touchpoint"), ("end", "exit")][: chance.randint(1, 3)]
    ]  # fmt: skip
    return {
        "profile_consent": [
            {"profile_id": person, "channel": channel, "purpose": "marketing", "state": chance.choice(["opted_in", "opted_out"]),
             "recorded_at": when()}
            for person in PEOPLE for channel in ("email", "sms") if chance.random() < 0.6
        ],
        "profile_suppressions": [
            {"profile_id": chance.choice(PEOPLE), "channel": chance.choice(["all", "email", "sms"]),
             "reason": chance.choice(["hard_bounce", "complaint"]), "since": when()}
            for _ in some(4)
        ],
        "profile_identifiers": [
            {"profile_id": chance.choice([*PEOPLE, None]), "identifier_type": chance.choice(["card_number", "email"]),
             "identifier_value": chance.choice(["c1", "c2", "c3"])}
            for _ in some(8)
        ],
        "identity_aliases": [{"entity": "person", "old_id": "old", "live_id": "p1"}],
        "audience_memberships": [
            {"audience_name": "audience_people", "entity": "person", "entity_id": chance.choice(PEOPLE), "entered_at": when(),
             "exit_reason": reason, "exited_at": when() if reason else None}
            for reason in (chance.choice(["left", "merged", None]) for _ in some(8))
        ],
        "journey_tried": log,
        "stg_sync__acknowledgements": [
            {"sync_name": chance.choice(["mails", "ads"]), "sync_key": chance.choice([*PEOPLE, "p1|x", "old", "t-p2", "t-p3", "t-old"]),
             "run_id": f"r{n}", "action": chance.choice(["add", "change", "remove"]), "acknowledged_at": when()}
            for n in some(12)
        ],
        "card_list": [{"card_number": chance.choice(["c1", "c2", None]), "country": chance.choice(["DE", "01", None])} for _ in some(3)],
    }  # fmt: skip


def columns_of(table: str) -> list[str]:
    return [column.split()[0] for column in TABLES[table].split(", ")]


def comparison_of(chance: random.Random, kind: str) -> Row:
    numbers, days = [0, 1, 2, 10, 25.5], ["1 day", "10 days", "12 hours", "6 weeks"]
    low, high = sorted(chance.sample(numbers, 2))
    by_kind: dict[str, list[Row]] = {
        "text": [
            {"equals": chance.choice(TEXTS)}, {"not_equals": chance.choice(TEXTS)}, {"in": chance.sample(TEXTS, 2)},
            {"not_in": chance.sample(TEXTS, 2)},
            {"contains": chance.choice(["%", "'", "E"])}, {"starts_with": chance.choice(["0", "a%", "N"])},
        ],
        "number": [
            {chance.choice(["equals", "not_equals", ">", ">=", "<", "<="]): chance.choice(numbers)}, {"between": [low, high]},
            {"in": [low, high]}, {"not_in": [low, high]}, {">=": low, "<": high},
        ],
        "boolean": [{"equals": chance.choice([True, False])}, {"not_equals": chance.choice([True, False])}],
        "time": [
            {"within": chance.choice(days)}, {"older_than": chance.choice(days)}, {"before": "2026-06-20"},
            {"on_or_after": "2026-06-20 14:00:00+02:00"}, {"before": "2026-06-20T07:00:00-05:00"},
            {"within": "6 weeks", "older_than": "10 days"},
            {"within_next": chance.choice(days)}, {"during": chance.choice([*DURING, "next month", "next 2 weeks", "tomorrow"])},
            {"anniversary": {"within_next": chance.choice(["7 days", "1 day", "2 weeks", "300 days"])}},
            {"anniversary": {"within": "20 weeks", "years": {">=": 26}}}, {"anniversary": {"during": "last 2 quarters"}},
            {"age": {"between": [25, 36]}}, {"age": chance.choice([25, 34, 35])}, {"before": "today"}, {">=": "in 1 day"},
            {"between": ["90 days", "30 days"]}, {"between": ["10 days ago", "tomorrow"]},
            {">": "2026-06-20 12:00:00"}, {"between": ["2026-06-20 12:00:00Z", "2026-06-29"]},
        ],
    }  # fmt: skip
    return chance.choice([*by_kind[kind], *by_kind[kind], {"is_null": chance.choice([True, False])}])  # fmt: skip


def trait_of(chance: random.Random, entity: str) -> Row:
    """A trait compared with a constant, or with another figure."""
    if chance.random() < 0.5:
        types = {
            "country": "text",
            "value": "number",
            "score": "number",
            "vip": "boolean",
            "seen": "time",
            "born": "time",
        }
        trait = chance.choice(list(types) if entity == "person" else ["plan", "size"])
        return {
            "trait": trait,
            **comparison_of(chance, {"plan": "text", "size": "number"}.get(trait) or types[trait]),
        }
    if entity == "account":
        return {"trait": "size", ">=": {"mean": "size", "per": "plan"}}
    sign = chance.choice([">", ">=", "<", "<=", "equals", "not_equals"])
    per = chance.choice([{}, {"per": "country"}, {"per": ["country", "vip"]}])
    return chance.choice([
        {"trait": "value", sign: {"trait": "spent", "times": chance.choice([0.5, 2]), "plus": 5}},
        {"trait": "seen", sign: {"trait": "born", "plus": "12000 days"}},
        {"trait": "seen", chance.choice(["before", "on_or_after"]): {"trait": "born", "minus": "2 weeks"}},
        {"trait": "value", sign: {chance.choice(["mean", "median", "min", "max"]): "spent", "times": 0.8, **per}},
        {"trait": "spent", sign: {"median": "value", "plus": 1}},
        {"trait": "spent", sign: {"percentile": "spent", "at": chance.choice([10, 50, 75, 90]), **per}},
        {"trait": chance.choice(["spent", "seen"]), "rank": {"<=": chance.choice([1, 2]), **per}},
        {"trait": "spent", "rank": {"equals": 1, "from": "lowest", "among": {"vip": True}, **per}},
        {"trait": "spent", "tile": {"of": chance.choice([2, 3, 5]), ">=": 2, **per}},
        {"trait": "born", "tile": {"of": 4, "equals": 1, "from": "highest", "among": {"spent": {">": 0}}}},
    ])  # fmt: skip


def sequence_of(chance: random.Random) -> Row:
    def step(kind: str) -> Row:
        event = chance.choice(
            ["order_placed", "product_ordered"]
            if same
            else ["order_placed", "product_ordered", "page_viewed"]
        )
        told: Row = {kind: event}
        if chance.random() < 0.3:
            told["where"] = (
                {"page": "/a"} if event == "page_viewed" else {"revenue_eur": {">=": 10}}
            )
        return told

    same = chance.random() < 0.3
    kinds = chance.choice([
        ["did", "did"], ["did", "did_not"], ["did_not", "did"], ["did", "did", "did"], ["did", "did_not", "did"], ["did", "did", "did_not"],
    ])  # fmt: skip
    steps = [step(kind) for kind in kinds]
    for number, told in enumerate(steps):
        last = number == len(steps) - 1
        if chance.random() < 0.6 or ("did_not" in told and last):
            told["within"] = chance.choice(["4 days", "30 days", "60 days"])
        if "did_not" in told and number and chance.random() < 0.3:
            told["so_far"] = True
    for told, later in itertools.pairwise(steps):
        # What can never be is refused: an event that must not come for longer than it may take, or than there has been.
        if "did_not" in told and told["did_not"] == later.get("did") and steps[0] is not told:
            told["so_far"] = True
    for number, later in enumerate(steps):
        bounded = [told for told in steps[:number] if "within" in told]
        if "did_not" in later and bounded:
            later["within"] = "4 days"
            for told in bounded:
                told["within"] = "60 days"
    return {
        "sequence": steps,
        **({"same": "order_id"} if same else {}),
        **chance.choice([{}, {}, {"at_least": 2}]),
    }


def related_of(chance: random.Random, entity: str) -> Row:
    amount = chance.choice([{}, {"at_least": 2}, {"at_most": 1}, {"exactly": 0}, {"exactly": 1}])
    if entity == "account" or chance.random() < 0.5:
        window = chance.choice([{"within": "10 days"}, {"during": "last month"}, {}])
        return {"related": "event_page_viewed", "at": "occurred_at", **window, **amount}
    figure = chance.choice([
        {"sum": {"property": "order_count", ">=": 2}}, {"count": {"distinct": "product_line", ">=": 2}},
        {"share": {"where": {"product_line": "home"}, ">": 0.4}},
    ])  # fmt: skip
    where = chance.choice([{}, {"where": {"product_line": LINES[:2]}}])
    return {"related": "profile_product_lines", **where, **chance.choice([amount, figure])}


def contact_condition_of(chance: random.Random) -> Row:
    window = chance.choice([{}, {"within": "10 days"}, {"between": ["60 days", "3 days"]}])
    return chance.choice([
        {"consent": {"channel": chance.choice(["email", "sms"]), "purpose": "marketing",
                     "state": chance.choice(["opted_in", "opted_out", "never_asked"])}},
        {"suppressed": {"channel": "email", **chance.choice([{}, {"reason": "complaint"}])}},
        {"member_of": "audience_people", "entered": chance.choice([{"within": "7 days"}, {"older_than": "7 days"}])},
        {"member_of": "audience_people", "left": {"within": "7 days"}},
        {"in_journey": "journey_tried"}, {"in_journey": "journey_tried", "step": "mail", "happened": {"within": "7 days"}},
        {"was_sent": {"sync": "mails"}, **window}, {"was_sent": {"journey": "journey_tried", "step": "mail"}, **window},
        {"was_sent": {"sync": "ads"}, **chance.choice([{"exactly": 0}, {"at_least": 2}, {"at_most": 1}])},
        {"in_list": {"model": "card_list", "column": "card_number", "identifier": "card_number"}},
        {"in_list": {"model": "card_list", "column": "country"}},
        {"near": {"lat": 52.52, "lon": 13.4, "km": chance.choice([20, 600])}},
        {"trait": "tags", "includes": "vip"},
    ])  # fmt: skip


def wide_did_of(chance: random.Random, entity: str, event: Row | None = None) -> Row:
    """Of the words for windows, figures, first and last events."""
    event = event or chance.choice(EVENTS)
    condition: Row = {"did": event["name"]}
    condition |= chance.choice([
        {}, {"within": "10 days"}, {"between": ["90 days ago", "8 days"]}, {"during": chance.choice(DURING)},
    ])  # fmt: skip
    if chance.random() < 0.3:
        condition["when"] = chance.choice([
            {"weekday": ["saturday", "sunday"]}, {"hour": {"between": [8, 13]}}, {"weekday": "tuesday", "hour": [8, 12, 14]},
            {"month": 6}, {"day": {">": 20}},
        ])  # fmt: skip
    more = chance.choice(["in_each", "count", "figure", "previous", "share", "ends", "ends"])
    has_money = event["name"] != "page_viewed"
    property_ = "revenue_eur" if has_money else "page"
    if more == "in_each":
        condition.pop("within", None)
        condition.pop("between", None)
        condition |= {
            "during": chance.choice(
                ["last 2 weeks", "last 3 months", "this month", "this year", "last 10 days"]
            )
        }
        condition["in_each"] = chance.choice(["month", "week", "quarter"])
        condition |= chance.choice(
            [{}, {"at_least": 2}, {"at_most": 1}, {"exactly": 0}, {"exactly": 1}]
        )
    elif more == "count":
        condition["count"] = {
            "distinct": chance.choice([property_, "day", "week", "month"]),
            chance.choice([">=", "equals"]): 2,
        }
    elif more == "figure" and has_money:
        condition[chance.choice(["min", "max", "avg", "sum"])] = {
            "property": "revenue_eur",
            **comparison_of(chance, "number"),
        }
    elif more == "previous" and condition.keys() & {"within", "between", "during"}:
        operand = {"previous": "window", "times": chance.choice([0.5, 1, 1.5])}
        figure = chance.choice(["count", "distinct", *(["sum", "avg", "max"] if has_money else [])])
        sign = chance.choice([">", "<", ">=", "<="])
        told = (
            {"distinct": property_}
            if figure == "distinct"
            else {"property": "revenue_eur"}
            if figure != "count"
            else {}
        )
        condition["count" if figure == "distinct" else figure] = {**told, sign: operand}
        if chance.random() < 0.3:
            condition["at_least"] = 1
    elif more == "share":
        condition["share"] = {
            **chance.choice(
                [
                    {"when": {"weekday": ["tuesday", "saturday"]}},
                    {"where": {property_: {"is_null": False}}},
                ]
            ),
            chance.choice([">", "<="]): chance.choice([0.3, 0.5]),
        }
    elif more == "ends":
        of = chance.randint(1, 3)
        where = {"order_placed": [{"product_line": "outdoor"}, {"status": "returned"}], 
                 "product_ordered": [{"product_line": ["kids", "home"]}],
                 "page_viewed": [{"page": "/a"}]}[event["name"]]  # fmt: skip
        told = chance.choice(
            [
                {"where": chance.choice(where)},
                {"when": {"hour": {"<": 13}}},
                {"older_than": "2 days"},
            ]
        )
        at_least = chance.randint(1, of)
        settings = {"of": of, "at_least": at_least}
        if "older_than" in told:  # which a window may make impossible
            settings = {}
            for key in ("within", "between", "during"):
                condition.pop(key, None)
        condition[chance.choice(["first", "last"])] = {**settings, **told}
    if has_money and chance.random() < 0.1:
        condition["where"] = {"revenue_eur": {">": {"property": "revenue_eur", "times": 0.5}}}
    return condition


def did_of(chance: random.Random, event: Row | None = None) -> Row:
    event = event or chance.choice(EVENTS)
    condition: Row = {"did": event["name"]}
    if chance.random() < 0.4:
        condition["within"] = chance.choice(["10 days", "6 weeks"])
    if chance.random() < 0.5:
        where = {
            "order_placed": [{"status": "shipped"}, {"product_line": "outdoor"},
                             {"product_line": LINES[:2], "status": {"not_equals": "returned"}},

                             {"revenue_eur": {">=": 10}}, {"product_line": {"is_null": True}}],
            "product_ordered": [{"product_line": ["outdoor", "kids"]}, {"revenue_eur": {">": 5}}],
            "page_viewed": [{"page": "/a"}, {"page": {"is_null": True}}],
        }  # fmt: skip
        condition["where"] = chance.choice(where[event["name"]])
    count = chance.choice(["", "at_least", "at_most", "exactly", "exactly", "both"])
    if count == "both":
        condition |= {"at_least": 1, "at_most": 2}
    elif count:
        condition[count] = chance.randint(1 if count == "at_least" else 0, 2)
    alone = count == "at_most" or condition.get("exactly") == 0
    more = chance.choice(["", "sum", "avg", "first", "last", "then"])
    if more in ("sum", "avg") and not alone and event["name"] != "page_viewed":
        if "product_line" not in condition.get("where", {}) or event["name"] == "product_ordered":
            condition[more] = {"property": "revenue_eur", **comparison_of(chance, "number")}
    elif more in ("first", "last") and not alone:
        condition[more] = comparison_of(chance, "time")
        condition.pop("within", None)
    elif more == "then" and not alone:
        condition["then"] = {"did": chance.choice(EVENTS)["name"]}
        if chance.random() < 0.5:
            condition["then"]["within"] = chance.choice(["4 days", "30 days"])
    return condition


def definition_of(chance: random.Random, entity: str, depth: int = 0) -> Row:
    kinds = [
        "trait",
        "trait",
        "member_of",
        *(
            [
                "did",
                "did",
                "wide",
                "wide",
                "wide",
                "sequence",
                "related",
                "contact",
                "contact",
                "account",
                "product_line",
            ]
            if entity == "person"
            else ["contacts", "contacts", "wide", "sequence", "related"]
        ),
    ]
    kind = chance.choice(kinds + (["all", "any", "not", "not"] if depth < 3 else []))
    if kind in ("all", "any"):
        return {
            kind: [definition_of(chance, entity, depth + 1) for _ in range(chance.randint(1, 3))]
        }
    if kind == "not":
        return {"not": definition_of(chance, entity, depth + 1)}
    if kind == "did":
        return did_of(chance)
    if kind == "wide":
        return wide_did_of(chance, entity)
    if kind == "sequence":
        return sequence_of(chance)
    if kind == "related":
        return related_of(chance, entity)
    if kind == "contact":
        return contact_condition_of(chance)
    if kind == "account":
        role = chance.choice([{}, {}, {"where": {"role": "buyer"}}])
        return {"account": definition_of(chance, "account", depth + 1), **role}
    if kind == "contacts":
        amount = chance.choice(
            [
                {"at_least": 1},
                {"at_least": 2},
                {"at_most": 1},
                {"exactly": 0},
                {"exactly": 1},
                {"every": True},
                {},
            ]
        )
        role = chance.choice([{}, {}, {"where": {"role": ["buyer"]}}])
        return {"contacts": {**amount, **role, "who": definition_of(chance, "person", depth + 1)}}
    if kind == "product_line":
        where = chance.choice(
            [
                {},
                {"where": {"order_count": {">=": 1}}},
                {"where": {"order_count": {"is_null": True}}},
            ]
        )
        return {"product_line": chance.choice([*LINES, "any", "all"]), **where}
    if kind == "member_of":
        return {"member_of": "audience_people" if entity == "person" else "audience_companies"}
    return trait_of(chance, entity)


def asked_by(condition: Row) -> Row:
    """A condition without how often."""
    told = condition.get("not", condition)
    return {
        key: value for key, value in told.items() if key not in ("at_least", "at_most", "exactly")
    }


def one_event_of(
    chance: random.Random, entity: str, depth: int = 0, event: Row | None = None
) -> Row:
    """Conditions that read one event together: of any kind, or alike but for a window; negated, nested."""
    event = event or chance.choice(EVENTS)

    def leaf() -> Row:
        kind = chance.choice(["window", "window", "did", "wide", "related"])
        if kind == "did" and entity == "person":
            return did_of(chance, event)
        if kind in ("did", "wide"):
            return wide_did_of(chance, entity, event)
        told: Row = {"did": event["name"]}
        if kind == "related":
            told = {"related": event["model"], "at": "occurred_at"}
        window = chance.choice(
            [
                {},
                {"within": chance.choice(["3 days", "10 days", "6 weeks"])},
                {"during": chance.choice(DURING)},
            ]
        )
        return {
            **told,
            **window,
            **chance.choice([{}, {"at_least": 2}, {"exactly": 0}, {"at_most": 1}, {"exactly": 2}]),
        }

    def one() -> Row:
        told = (
            one_event_of(chance, entity, depth + 1, event)
            if depth < 2 and chance.random() < 0.3
            else leaf()
        )
        return {"not": told} if chance.random() < 0.3 else told

    told: list[Row] = []
    for drawn in (one() for _ in range(chance.randint(2, 4))):
        # Two that contradict each other are refused.
        if asked_by(drawn) not in [asked_by(before) for before in told]:
            told.append(drawn)
    if entity == "account" and chance.random() < 0.3:
        told.append({"contacts": {"who": one_event_of(chance, "person", depth + 1, event)}})
    if chance.random() < 0.2:
        return {"some": told, "at_least": chance.choice([1, 2])}
    return {chance.choice(["all", "any", "any"]): told}


# -- figures, shapes of events, so many of several ----------------------------------------------------------------------------


def figure_of(chance: random.Random) -> Row:
    event = chance.choice(EVENTS)
    told: Row = {"did": event["name"]}
    window = chance.choice([
        {}, {}, {"within": "2 months"}, {"between": ["3 months ago", "3 days ago"]}, {"during": "this month"},
    ])  # fmt: skip
    has_money = event["name"] != "page_viewed"
    functions: list[Row] = [
        {}, {"distinct": "day"}, {"days_since": chance.choice(["first", "last"])}, {"gap": chance.choice(["mean", "min", "max"])},
    ]  # fmt: skip
    if has_money:
        functions += [{name: "revenue_eur"} for name in ("sum", "avg", "min", "max", "first", "last")]  # fmt: skip
        functions.append({"share": {"where": {"revenue_eur": {">": 5}}}})
    return {**told, **window, **chance.choice(functions)}


def figure_condition_of(chance: random.Random) -> Row:
    sign = chance.choice([">", ">=", "<", "<=", "equals", "not_equals"])
    told = figure_of(chance)
    per = chance.choice([{}, {"per": "country"}])
    return chance.choice([
        {"figure": told, sign: chance.choice([0, 1, 2, 10])},
        {"figure": told, sign: {"figure": figure_of(chance), "times": chance.choice([0.5, 2]), "plus": 1}},
        {"figure": told, sign: {"trait": "value"}},
        {"trait": "spent", sign: {"figure": told, "minus": 5}},
        {"figure": told, sign: {chance.choice(["mean", "median", "max"]): {"figure": copy.deepcopy(told)}, **per}},
        {"figure": told, "rank": {"<=": 2, **per}},
        {"figure": told, "tile": {"of": 3, ">=": 2}},
    ])  # fmt: skip


def shape_of(chance: random.Random) -> Row:
    event = chance.choice(EVENTS)
    has_lines = event["name"] == "order_placed"
    told: Row = {"did": event["name"], **chance.choice([{}, {"within": "3 months"}])}
    value = {"order_placed": "status", "product_ordered": "product_line", "page_viewed": "page"}[event["name"]]  # fmt: skip
    shapes: list[Row] = [
        {"same": chance.choice([value, "day", "week", "month"]),
         **chance.choice([{"at_least": 2}, {"at_most": 1}, {"exactly": 0}, {"exactly": 2}])},
        {"in_a_row": {"at_least": 2, "of": chance.choice(["day", "week", "month"])}},
        {"in_any": chance.choice(["2 days", "5 days", "40 days"]), "at_least": chance.choice([2, 3])},
        {"nth": {"number": chance.choice([1, 2, 3]), chance.choice(["within", "older_than"]): chance.choice(["10 days", "1 month"])}},
        {"nth": {"number": 2, "where": {value: {"is_null": False}}}},
        {"favourite": {"property": value, "in": ["shipped", "outdoor", "/a"]}},
        {chance.choice(["after", "before"]): {"trait": chance.choice(["seen", "born"]), **chance.choice([{}, {"within": "20 days"}])}},
        {"during": chance.choice(["2 months ago", "this month last year", "5 days ago", "1 week ago"])},
    ]  # fmt: skip
    if has_lines:
        shapes += [{"with_parts": [{"product_line": "outdoor"}, {"product_line": chance.choice(["home", "kids"])}]},
                   {"without_parts": {"product_line": ["outdoor", "kids"]}}]  # fmt: skip
    shape = chance.choice(shapes)
    if "during" in shape:
        told.pop("within", None)
    return {**told, **shape}


def newer_of(chance: random.Random, depth: int = 0) -> Row:
    """Of the words above, and the older ones beside them."""
    kind = chance.choice(["figure", "shape", "stay", "text", *(["some", "score", "not"] if depth < 2 else [])])  # fmt: skip
    inner = [
        newer_of(chance, depth + 1) if chance.random() < 0.6 else did_of(chance)
        for _ in range(3 if kind in ("some", "score", "not") else 0)
    ]
    if kind == "some":
        return {"some": inner, "at_least": chance.choice([1, 2, 3])}
    if kind == "score":
        points = [
            {"points": worth, "if": one}
            for worth, one in zip(
                [3, *(chance.choice([1, 3, 5, -2]) for _ in inner[1:])], inner, strict=True
            )
        ]
        return {"score": points, "at_least": chance.choice([2, 3])}
    if kind == "not":
        return {"not": inner[0]}
    if kind == "stay":
        return {"member_of": "audience_people", **chance.choice([
            {"at": "6 days ago"}, {"at": "2026-06-26"}, {"stays": {">=": 2}}, {"stayed": {">=": 4}},
            {"stayed": {"<": 6}, "stays": {"<=": 2}},
        ])}  # fmt: skip
    if kind == "text":
        return {"trait": "country", **chance.choice([
            {"ends_with": ["E", "'s"]}, {"contains": ["%", "'"]}, {"starts_with": ["a%", "0"]}, {"equals": "de", "any_case": True},
            {"in": ["no", "IT'S"], "any_case": True},
        ])}  # fmt: skip
    return figure_condition_of(chance) if kind == "figure" else shape_of(chance)
