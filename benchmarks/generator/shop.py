"""The retail shop: customers, products, orders (some by guests) and their lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.generator.noise import (
    JUNK_EMAILS,
    JUNK_PHONES,
    Numbers,
    Rng,
    Texts,
    blank,
    chance,
    gmail_variants,
    junk,
    late,
    pick,
    texts,
    typo,
    untidy,
    write_phone,
)
from benchmarks.generator.people import DAY, END, LINES, START, People
from benchmarks.generator.tables import Source, exported_again, instants, spread, truth

PRODUCTS = {
    "outdoor": "Tent Backpack Stove Lantern Rope Boots Canteen Hammock Compass Poncho Axe Map",
    "home": "Lamp Kettle Pillow Blanket Vase Mirror Clock Basket Candle Tray Bowl Rug",
    "kids": "Puzzle Kite Crayons Scooter Blocks Puppet Ball Drum Robot Marbles Sled Book",
}
CURRENCY = {"GB": "GBP", "US": "USD", "PL": "PLN", "UA": "UAH", "JP": "JPY"}
STATES = ("new", "paid", "shipped", "delivered", "returned", "cancelled", "Cancelled")
COUNTRY_WORDS = {"DE": "Germany", "GB": "UK", "US": "USA", "FR": "France", "AT": "Österreich"}


@dataclass(frozen=True, slots=True)
class Shop:
    """The source, and what others need of it: whose customer account is whose."""

    source: Source
    customer_of_person: Texts


def draw_shop(people: People, rng: Rng) -> Shop:
    who, created_at = _draw_accounts(people, rng)
    customer_id = texts([str(number) for number in range(100_001, 100_001 + len(who))])
    customer_of_person = np.full(people.count, None, dtype=object)
    customer_of_person[who] = customer_id
    customers = _customers(people, rng, who, created_at, customer_id)
    orders, order_who = _orders(people, rng, who, created_at, customer_id)
    products = _products(rng)
    source = Source(
        "raw_shop",
        {
            "customers": exported_again(rng, customers, "_loaded_at"),
            "products": products,
            "orders": exported_again(rng, orders, "_loaded_at", 0.005),
            "order_lines": _order_lines(people, rng, orders, order_who, products),
        },
        [
            truth("shop_customers", customer_id, who=who),
            truth("shop_orders", texts(orders["order_no"]), who=order_who),
        ],
    )
    return Shop(source, customer_of_person)


def _draw_accounts(people: People, rng: Rng) -> tuple[Numbers, Numbers]:
    """Who opened an account and when, oldest first; some people open a second one."""
    first = np.flatnonzero(chance(rng, people.count, 0.62))
    second = first[chance(rng, len(first), 0.06)]
    who = np.concatenate([first, second])
    created_at = START + (rng.random(len(who)) * (END - START - 2 * DAY)).astype(np.int64)
    order = np.argsort(created_at, kind="stable")
    return who[order], created_at[order]


def _customers(
    people: People, rng: Rng, who: Numbers, created_at: Numbers, customer_id: Texts
) -> pd.DataFrame:
    count = len(who)
    changed = chance(rng, count, 0.35)
    updated_at = np.where(changed, spread(rng, created_at), created_at)
    email = gmail_variants(rng, people.email_at(who, updated_at), 0.25)
    email = junk(
        rng, blank(rng, untidy(rng, typo(rng, email, 0.02), 0.06), 0.02), JUNK_EMAILS, 0.012
    )
    phone = write_phone(
        rng, people.calling_code[who], people.trunk[who], people.number_of(rng, who)
    )
    country = people.country[who]
    as_word = texts([COUNTRY_WORDS.get(code, code.lower()) for code in country])
    birthday = people.birth_date[who].copy()
    birthday[chance(rng, count, 0.01)] = "0000-00-00"
    return pd.DataFrame(
        {
            "customer_id": customer_id,
            "email_address": email,
            "phone": junk(rng, blank(rng, phone, 0.2), JUNK_PHONES, 0.02),
            "first_name": untidy(rng, typo(rng, people.first_name[who], 0.03), 0.06),
            "last_name": blank(
                rng, untidy(rng, typo(rng, people.last_name[who], 0.03), 0.06), 0.01
            ),
            "street": blank(rng, typo(rng, people.street[who], 0.03), 0.05),
            "zip": blank(rng, people.postal_code[who], 0.05),
            "city": blank(rng, untidy(rng, people.city[who], 0.04), 0.05),
            "country": blank(rng, np.where(chance(rng, count, 0.1), as_word, country), 0.02),
            "birthday": blank(rng, birthday, 0.35),
            "created_at": instants(created_at),
            "updated_at": instants(updated_at),
            "_loaded_at": instants(late(rng, updated_at, END)),
        }
    )


def _products(rng: Rng) -> pd.DataFrame:
    rows = [(line, word) for line in LINES for word in PRODUCTS[line].split()]
    prices = np.round(rng.lognormal(3.3, 0.7, len(rows)), 2)
    return pd.DataFrame(
        {
            "sku": [f"{line[:3].upper()}-{n:03d}" for n, (line, _) in enumerate(rows, 1)],
            "title": [word for _, word in rows],
            "category": [line.capitalize() for line, _ in rows],
            "price_eur": [f"{price:.2f}" for price in prices],
        }
    )


def _orders(
    people: People, rng: Rng, who: Numbers, created_at: Numbers, customer_id: Texts
) -> tuple[pd.DataFrame, Numbers]:
    buys = rng.poisson(rng.gamma(0.8, 2.9, len(who)))
    account = np.repeat(np.arange(len(who)), buys)
    active = np.minimum(END, created_at + rng.exponential(420 * DAY, len(who)).astype(np.int64))
    span = np.maximum(active - created_at, DAY)[account]
    by_account = created_at[account] + (rng.random(len(account)) * span).astype(np.int64)
    guests = np.flatnonzero(chance(rng, people.count, 0.07))
    by_guest = START + (rng.random(len(guests)) * (END - START)).astype(np.int64)

    buyer = np.concatenate([who[account], guests])
    ordered_at = np.minimum(np.concatenate([by_account, by_guest]), END - 3_600)
    known = np.concatenate([customer_id[account], np.full(len(guests), None, dtype=object)])
    order = np.argsort(ordered_at, kind="stable")
    buyer, ordered_at, known = buyer[order], ordered_at[order], known[order]

    count = len(buyer)
    known[chance(rng, count, 0.08)] = None
    email = untidy(rng, typo(rng, people.email_at(buyer, ordered_at), 0.01), 0.04)
    phone = write_phone(
        rng, people.calling_code[buyer], people.trunk[buyer], people.number_of(rng, buyer)
    )
    country = people.country[buyer]
    fresh = ordered_at > END - 10 * DAY
    state = np.where(
        fresh & chance(rng, count, 0.6),
        pick(rng, STATES[:2], count),
        texts(STATES)[rng.choice(7, count, p=[0, 0.02, 0.13, 0.72, 0.08, 0.03, 0.02])],
    )
    frame = pd.DataFrame(
        {
            "order_no": [f"SO{number}" for number in range(500_001, 500_001 + count)],
            "customer_id": known,
            "email": junk(rng, email, JUNK_EMAILS, 0.008),
            "phone": junk(rng, blank(rng, phone, 0.5), JUNK_PHONES, 0.01),
            "shipping_country": country,
            "state": state,
            "currency": [CURRENCY.get(code, "EUR") for code in country],
            "created_at": instants(ordered_at),
            "_loaded_at": instants(late(rng, ordered_at, END)),
        }
    )
    return frame, buyer


def _order_lines(
    people: People, rng: Rng, orders: pd.DataFrame, who: Numbers, products: pd.DataFrame
) -> pd.DataFrame:
    lines = rng.choice([1, 2, 3, 4], len(who), p=[0.5, 0.28, 0.15, 0.07])
    order = np.repeat(np.arange(len(who)), lines)
    count = len(order)
    favourite = chance(rng, count, 0.65)
    line = np.where(favourite, people.favourite_line[who[order]], rng.integers(0, 3, count))
    product = line * 12 + rng.integers(0, 12, count)
    quantity = rng.choice([1, 2, 3, 5], count, p=[0.75, 0.17, 0.06, 0.02])
    price = products["price_eur"].astype(float).to_numpy()[product]
    total = np.round(price * quantity * np.where(chance(rng, count, 0.12), 0.8, 1.0), 2)
    return pd.DataFrame(
        {
            "line_id": np.arange(1, count + 1),
            "order_no": texts(orders["order_no"])[order],
            "sku": texts(products["sku"])[product],
            "qty": np.where(chance(rng, count, 0.002), "one", texts(quantity.astype(str))),
            "line_total_eur": texts([f"{value:.2f}" for value in total]),
        }
    )
