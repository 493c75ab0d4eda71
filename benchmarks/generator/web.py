"""Web tracking: page views and clicks, with cookies and, after a login, the shop's or app's id."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from benchmarks.generator.app import App
from benchmarks.generator.noise import Numbers, Rng, Texts, chance, late, only, texts
from benchmarks.generator.people import DAY, END, LINES, START, People
from benchmarks.generator.shop import PRODUCTS, Shop
from benchmarks.generator.tables import Source, instants, truth

SITE = "https://www.shop.example"
CAMPAIGNS = ("spring_sale", "summer_outdoor", "back_to_school", "win_back", "newsletter")
ELEMENTS = ("add_to_cart", "product_image", "newsletter_signup", "checkout", "search", "banner")
LOGIN_COLUMNS = ["anonymous_id", "user_id", "customer_id"]


def draw_web(people: People, shop: Shop, app: App, rng: Rng) -> Source:
    owner = np.flatnonzero(chance(rng, people.count, 0.72))
    owner = np.concatenate([owner, owner[chance(rng, len(owner), 0.4)]])
    views = _page_views(people, shop, app, rng, owner)
    clicked = chance(rng, len(views), 0.25)
    clicks = _clicks(rng, views[clicked])
    visits = pd.concat([views[[*LOGIN_COLUMNS, "_who"]], clicks[[*LOGIN_COLUMNS, "_who"]]])
    return Source(
        "raw_web",
        {
            "page_views": views.drop(columns=["_who", "_at"]),
            "clicks": clicks.drop(columns=["_who"]),
        },
        [_visitor_truth(visits)],
    )


def _page_views(people: People, shop: Shop, app: App, rng: Rng, owner: Numbers) -> pd.DataFrame:
    cookies = len(owner)
    cookie_id = texts([f"{number:016x}" for number in rng.integers(1 << 60, 1 << 63, cookies)])
    born = START + (rng.random(cookies) * (END - START - 2 * DAY)).astype(np.int64)
    number = 1 + rng.poisson(rng.gamma(0.6, 6.5, cookies))
    cookie = np.repeat(np.arange(cookies), number)
    count = len(cookie)
    life = np.minimum(END - 3_600, born + rng.exponential(160 * DAY, cookies).astype(np.int64))
    span = np.maximum(life - born, 7_200)[cookie]
    viewed = np.minimum(born[cookie] + (rng.random(count) * span).astype(np.int64), END - 7_200)
    order = np.argsort(viewed, kind="stable")
    cookie, viewed = cookie[order], viewed[order]

    who = _who_is_there(people, rng, owner, cookie)
    logs_in_shop = chance(rng, cookies, 0.55)[cookie] & chance(rng, count, 0.5)
    logs_in_app = chance(rng, cookies, 0.35)[cookie] & chance(rng, count, 0.4)
    in_app = chance(rng, cookies, 0.15)[cookie]
    return pd.DataFrame(
        {
            "id": np.arange(1, count + 1),
            "anonymous_id": cookie_id[cookie],
            "user_id": only(logs_in_app, app.user_of_person[who]),
            "customer_id": only(logs_in_shop, shop.customer_of_person[who]),
            "device_id": only(in_app, app.device_of_person[owner[cookie]]),
            "url": _urls(people, rng, who),
            "viewed_at": instants(viewed),
            "received_at": instants(late(rng, viewed, END)),
            "_who": np.where(logs_in_shop | logs_in_app, who, owner[cookie]),
            "_at": viewed,
        }
    )


def _who_is_there(people: People, rng: Rng, owner: Numbers, cookie: Numbers) -> Numbers:
    """The person in front of the screen: the owner, or at times another of the household."""
    other = np.minimum(owner + 1, people.count - 1)
    lends = (people.household[other] == people.household[owner]) & chance(rng, len(owner), 0.2)
    lent = lends[cookie] & chance(rng, len(cookie), 0.25)
    present: Numbers = np.where(lent, other[cookie], owner[cookie])
    return present


def _urls(people: People, rng: Rng, who: Numbers) -> Texts:
    paths = [f"/{line}/{word.lower()}" for line in LINES for word in PRODUCTS[line].split()]
    paths += [f"/{line}" for line in LINES] + ["/", "/account", "/cart", "/help", "/Search?q=lamp"]
    count = len(who)
    favourite = people.favourite_line[who] * 12 + rng.integers(0, 12, count)
    page = np.where(chance(rng, count, 0.45), favourite, rng.integers(0, len(paths), count))
    queries = ["", *[f"utm_source=mail&utm_campaign={name}" for name in CAMPAIGNS]]
    query = rng.choice(len(queries), count, p=[0.75] + [0.05] * 5)
    urls = texts(
        [
            SITE + path + (("&" if "?" in path else "?") + query if query else "")
            for path in paths
            for query in queries
        ]
    )
    return texts(urls[page * len(queries) + query])


def _clicks(rng: Rng, views: pd.DataFrame) -> pd.DataFrame:
    count = len(views)
    clicked = views["_at"].to_numpy() + rng.integers(2, 90, count)
    return pd.DataFrame(
        {
            "id": np.arange(1, count + 1),
            "anonymous_id": texts(views["anonymous_id"]),
            "user_id": texts(views["user_id"]),
            "customer_id": texts(views["customer_id"]),
            "device_id": texts(views["device_id"]),
            "element": texts(ELEMENTS)[rng.integers(0, len(ELEMENTS), count)],
            "url": texts(views["url"]),
            "clicked_at": instants(clicked),
            "received_at": instants(late(rng, clicked, END)),
            "_who": views["_who"].to_numpy(),
        }
    )


def _visitor_truth(visits: pd.DataFrame) -> pd.DataFrame:
    """Visitors as staging makes them: a cookie and a pair of logins."""
    visitors = visits.drop_duplicates(LOGIN_COLUMNS)
    keys = ["|".join(row) for row in visitors[LOGIN_COLUMNS].fillna("").to_numpy()]
    visitor_id = texts([hashlib.md5(key.encode()).hexdigest() for key in keys])
    return truth("web_visitors", visitor_id, who=visitors["_who"].to_numpy())
