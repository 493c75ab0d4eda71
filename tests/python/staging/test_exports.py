"""Files as tools export them, read as docs/add-a-source.md says: every value comes out as what it is, or is counted."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.python.guest import Project

HERE = Path(__file__).parent / "exported"
CSV = "read_csv('{}', all_varchar=true, comment='')"
TABLES = {  # source.table: the file, how it is read, and some of its columns
    "webshop.customers": ("shopify_customers.csv", CSV, ["Customer ID", "Accepts Email Marketing", "Phone"]),
    "news.members": ("mailchimp_members.csv", CSV, ["Email Address", "LEID", "TAGS"]),
    "news.unsubscribed": ("mailchimp_unsubscribed.csv", CSV, ["Email Address", "UNSUB_TIME"]),
    "hub.contacts": ("hubspot_contacts.csv", CSV, ["Record ID", "Country/Region", "Unsubscribed from all email"]),
    "sf.contacts": ("salesforce_contacts.csv", CSV, ["Id", "IsDeleted", "MasterRecordId"]),
    "woo.orders": (
        "woo_orders_latin1.csv", "read_csv('{}', all_varchar=true, comment='', delim=';', encoding='latin-1')",
        ["order_number", "order_total"],
    ),
    "stream.events": (
        "segment_events.jsonl", "read_json('{}')", ["messageId", "context.traits.email", "properties.products[0].sku"],
    ),
    "loyalty.members": ("loyalty_windows1252.csv", CSV, ["Kundennummer", "Straße", "Umsatz € 12M", "Geändert am"]),
    "helpdesk.tickets": ("helpdesk_tickets.csv", CSV, ["Ticket #", "Created (EST)"]),
    # Each line begins with a #, which is a comment's sign in files of others.
    "counter.orders": ("counter_orders.csv", CSV, ["Name", "Email", "Total"]),
    "mobile.events": (
        "mobile_events.ndjson", "read_json('{}')", ["id", "ts: integer", "user.traits.loyalty.no", "props.price.amount"],
    ),
    "chain.orders": (
        "chain_orders_*.csv.gz", "read_csv('{}', all_varchar=true, comment='', union_by_name=true)", ["order_id", "total", "coupon"],
    ),
    "stripe.customers": ("stripe_customers.json", "read_json('{}')", ["id", "address.country", "subscriptions.data[0].status"]),
}  # fmt: skip
AT = dt.datetime
READ: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "stg_webshop__customers": (
        "customer_id, email, phone, last_name, company_name, country, postal_code, total_spent, is_vip, accepts_email",
        [
            ("7001000000001", "ada@s1.example", "+16175550142", "Birch", None, "US", "02139", Decimal("1204.50"), True, "yes"),
            ("7001000000002", "bo@s1.example", None, "Cedar", "Cedar LLC", "US", "07102", Decimal("0"), False, "no"),
            ("7001000000003", None, "+4935155501", "Null", None, "DE", "01067", Decimal("20"), False, "no"),
        ],
    ),
    "stg_news__members": (
        "member_id, email, last_name, opted_in_at, confirmed_at, is_vip",
        [
            ("101", "ada@s1.example", "Birch", AT(2026, 1, 2, 10), AT(2026, 1, 2, 10, 1), True),
            ("102", "cy@s1.example", "Null", None, AT(2026, 3, 2, 10, 1), False),
        ],
    ),
    "stg_news__unsubscribed": ("email, unsubscribed_at", [("bo@s1.example", AT(2026, 6, 1, 8))]),
    "stg_hub__contacts": (
        "contact_id, email, email_2, email_3, phone, country, created_at, unsubscribed",
        [
            ("101", "dia@corp1.example", "dia.private@s1.example", "dia.old@corp1.example", "+33612345678", "FR",
             AT(2026, 3, 12, 9, 14), "No"),
            ("102", "ed@corp2.example", None, None, "+15550101234", "US", AT(2026, 3, 15, 14, 30), "Yes"),
            ("103", None, None, None, None, None, AT(2026, 1, 1), None),
        ],
    ),
    "stg_sf__contacts": (
        "sf_contact_id, is_deleted, master_id, phone, mobile, first_name, last_name, created_at",
        [
            ("0035e00000A1", False, None, "+35312345678", "+353871234567", "Siobhán", "O'Neil", AT(2026, 1, 5, 9, 12, 33)),
            ("0035e00000A2", True, "0035e00000A1", None, None, "S.", "ONeil", AT(2026, 1, 6, 9, 12, 33)),
            ("0035e00000A3", True, None, None, None, "Gus", "Gone", AT(2026, 1, 7, 9, 12, 33)),
        ],
    ),
    "stg_woo__orders": (
        "order_no, ordered_at, email, email_2, phone, total, note",
        [
            ("1001", AT(2026, 11, 5, 13, 3), "ada@s1.example", None, "+491701234567", Decimal("1204.50"), "Größe M"),
            ("1002", AT(2026, 11, 6, 8), "bo@s1.example", "bo2@s1.example", "+491707654321", Decimal("19.90"), None),
            ("1003", AT(2026, 11, 7, 8), "cy@s1.example", None, None, None, None),
        ],
    ),
    "stg_stream__events": (
        "message_id, anonymous_id, user_id, email, phone, country, order_id, revenue, occurred_at",
        [
            ("m1", "anon-s1", "u-s1", "ada@s1.example", "+16175550142", "US", None, None, AT(2026, 11, 10, 10, 0, 0, 123000)),
            ("m2", "anon-s1", None, "ada@s1.example", None, None, "o-1", Decimal("25.5"), AT(2026, 11, 10, 10, 5)),
            ("m3", None, "u-s1", None, None, None, None, None, AT(2026, 11, 10, 10, 6)),
        ],
    ),
    "stg_loyalty__members": (
        "loyalty_no, email, phone, first_name, street, birth_date, revenue_eur, agrees, changed_at",
        [
            ("000001", "ada@s1.example", "+491711234567", "Zoë", "Königstraße 4", dt.date(1971, 3, 2), Decimal("1204.50"), "Ja",
             AT(2026, 11, 5, 13, 3)),
            # In an hour that the clock leaves out, as it would have been without.
            ("000002", "bo@s1.example", None, "Jürgen", "Am „Markt“ 1", dt.date(1950, 12, 31), Decimal("12"), "Nein",
             AT(2026, 3, 29, 1, 30)),
        ],
    ),
    "stg_helpdesk__tickets": (
        "ticket_no, email, subject, created_at",
        [
            ("#7", "ada@s1.example", "Broken, again", AT(2026, 7, 4, 17, 5)),
            ("#8", "bo@s1.example", 'Say "hi"', AT(2026, 1, 15, 5)),
        ],
    ),
    "stg_counter__orders": (
        "order_no, email, total", [(f"#100{n}", f"no{n}@s1.example", Decimal(f"1{n}.50")) for n in range(6)],
    ),
    "stg_mobile__events": (
        "event_id, occurred_at, user_id, email, loyalty_no, amount",
        [
            ("e1", AT(2026, 11, 1, 0, 0, 0, 123000), "u1", "ada@s1.example", "000001", Decimal("1.5")),
            ("e2", AT(2026, 11, 1, 0, 0, 1), None, None, None, None),
        ],
    ),
    "stg_chain__orders": (
        "order_id, customer_no, coupon, total_eur, placed_at",
        [
            ("B1", "000001", None, Decimal("1204.50"), AT(2026, 11, 5, 13, 3)),
            ("B2", "000002", "X", Decimal("19.90"), AT(2026, 11, 6, 8)),
        ],
    ),
    "stg_stream__order_lines": ("message_id, item_number, sku, price", [("m2", 1, "OUT-001", Decimal("25.5"))]),
    "stg_stripe__customers": (
        "stripe_id, created_at, country, first_name, status, cents, is_deleted",
        [
            ("cus_1", AT(2026, 1, 2, 3, 4, 5), "US", "Ada", "active", 1999, False),
            ("cus_2", AT(2026, 1, 2, 3, 4, 5), None, None, None, None, True),
        ],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("exports"), kept=True)
    project.vars = {"cdp_default_country": "US", "cdp_unread": {"stop_percent": 50}}
    project.models = {path.stem: path.read_text() for path in HERE.glob("*.sql")}
    for place, (file, how, columns) in TABLES.items():
        source, table = place.split(".")
        declared = [
            {"name": name, "data_type": kind or "string", "quote": " " in name or "/" in name or not name.isascii()}
            for name, _, kind in (one.partition(": ") for one in columns)
        ]  # fmt: skip
        path = HERE / file
        if "windows1252" in file:  # as the page says: iconv -f WINDOWS-1252 -t UTF-8
            path = project.folder / file
            path.write_text((HERE / file).read_bytes().decode("cp1252"), encoding="utf-8")
        project.sources.append(
            {
                "name": source, "schema": f"raw_{source}",
                "tables": [{
                    "name": table, "columns": declared, "data_tests": ["headwater.declared_columns"],
                    "config": {"meta": {"external_location": how.format(path)}},
                }],
            }
        )  # fmt: skip
    merged: dict[str, Any] = {}
    for one in project.sources:
        merged.setdefault(one["name"], {**one, "tables": []})["tables"] += one["tables"]
    project.sources = list(merged.values())
    failed = project.build()
    assert not failed, "\n".join(failed)
    return project


@pytest.mark.parametrize("model", READ)
def test_an_export_is_read_as_it_is(shop: Project, model: str) -> None:
    columns, expected = READ[model]
    assert shop.rows(f"select {columns} from analytics.{model} order by 1") == expected


def test_a_source_whose_file_may_lose_lines_is_told(shop: Project) -> None:
    told = "external_location: DuckDB"
    log = shop.folder / "logs" / "dbt.log"
    assert told not in log.read_text()
    readers = {
        "bare": "orders.csv", "commented": "read_csv('o.csv', all_varchar=true)",
        "torn": "read_csv('o.csv', comment='', ignore_errors = true)", "whole": "read_csv('o.csv', comment='')",
    }  # fmt: skip
    before = list(shop.sources)
    shop.sources.append(
        {
            "name": "files", "tables": [
                {"name": name, "config": {"meta": {"external_location": how}}} for name, how in readers.items()
            ],
        }
    )  # fmt: skip
    try:
        assert shop.build() == []
    finally:
        shop.sources = before
    lines = [line.partition(told)[2] for line in log.read_text().splitlines() if told in line]
    assert sorted({line[: line.index("See docs")].strip() for line in lines}) == [
        "guesses types and comments: write read_csv('...', all_varchar=true, comment='').",
        "leaves out lines that do not parse (ignore_errors, store_rejects): take that out, and mend the file or say its "
        "quote, escape and delim.",
        "takes lines that begin with # for comments where most do, and leaves them out: add comment=''.",
    ]


def test_the_one_value_that_nobody_could_read_is_counted(shop: Project) -> None:
    lost = shop.rows(
        "select model_name, column_name, unread_count, shapes from analytics_sync.unread_values where unread_count > 0"
    )
    assert lost == [("stg_woo__orders", "order_total", 1, "aaa")]
