"""The subscription app: users, subscriptions, usage events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.generator.noise import (
    JUNK_EMAILS,
    Numbers,
    Rng,
    Texts,
    blank,
    chance,
    gmail_variants,
    junk,
    late,
    only,
    texts,
    typo,
    untidy,
    write_phone,
)
from benchmarks.generator.people import DAY, END, START, People
from benchmarks.generator.tables import (
    Source,
    exported_again,
    instants,
    iso_instants,
    spread,
    truth,
)

PLANS = (("free", "0"), ("plus", "7.99"), ("family", "11.99"))
EVENTS = ("app_opened", "feature_used", "report_viewed", "item_shared", "settings_changed")


@dataclass(frozen=True, slots=True)
class App:
    """The source, and whose user is whose."""

    source: Source
    user_of_person: Texts
    device_of_person: Texts


def draw_app(people: People, rng: Rng) -> App:
    first = np.flatnonzero(chance(rng, people.count, 0.42))
    who = np.concatenate([first, first[chance(rng, len(first), 0.03)]])
    signed_up = START + (rng.random(len(who)) * (END - START - 2 * DAY)).astype(np.int64)
    order = np.argsort(signed_up, kind="stable")
    who, signed_up = who[order], signed_up[order]
    user_id = texts(
        [f"u-{number * 40_503 % 16_777_216:06x}{number:x}" for number in range(len(who))]
    )
    # A device is one person's, or the family's tablet.
    shared = chance(rng, people.count, 0.08)
    device = np.where(shared, people.household * 2 + 1, np.arange(people.count) * 2)
    device_of_person = texts([f"dev-{number:08x}" for number in device])
    user_of_person = np.full(people.count, None, dtype=object)
    user_of_person[who] = user_id
    users, company = _users(people, rng, who, signed_up, user_id, device_of_person)
    source = Source(
        "raw_app",
        {
            "users": exported_again(rng, users, "ingested_at"),
            "subscriptions": _subscriptions(rng, user_id, signed_up),
            "usage_events": _usage_events(rng, user_id, signed_up),
        },
        [truth("app_users", user_id, who=who, company=company)],
    )
    return App(source, user_of_person, device_of_person)


def _users(
    people: People,
    rng: Rng,
    who: Numbers,
    signed_up: Numbers,
    user_id: Texts,
    device_of_person: Texts,
) -> tuple[pd.DataFrame, Numbers]:
    count = len(who)
    updated = np.where(chance(rng, count, 0.4), spread(rng, signed_up), signed_up)
    at_work = (people.company[who] >= 0) & chance(rng, count, 0.35)
    private = gmail_variants(rng, people.email_at(who, updated), 0.2)
    email = np.where(at_work, people.work_email[who], private)
    phone = write_phone(
        rng, people.calling_code[who], people.trunk[who], people.number_of(rng, who, 0.03)
    )
    language, country = people.language[who], people.country[who]
    frame = pd.DataFrame(
        {
            "id": user_id,
            "mail": junk(rng, untidy(rng, typo(rng, email, 0.01), 0.05), JUNK_EMAILS, 0.006),
            "mobile": blank(rng, phone, 0.45),
            "given_name": blank(rng, typo(rng, people.first_name[who], 0.02), 0.1),
            "family_name": blank(rng, typo(rng, people.last_name[who], 0.02), 0.15),
            "country": blank(rng, country, 0.05),
            "locale": language + np.where(chance(rng, count, 0.7), "_", "-") + country,
            "tz": blank(rng, people.time_zone[who], 0.06),
            "device_id": blank(rng, device_of_person[who], 0.1),
            "signup_ts": iso_instants(signed_up),
            "modified_ts": iso_instants(updated),
            "ingested_at": instants(late(rng, updated, END)),
        }
    )
    return frame, np.where(at_work, people.company[who], -1)


def _subscriptions(rng: Rng, user_id: Texts, signed_up: Numbers) -> pd.DataFrame:
    number = rng.choice([0, 1, 2], len(user_id), p=[0.3, 0.58, 0.12])
    user = np.repeat(np.arange(len(user_id)), number)
    count = len(user)
    started = spread(rng, signed_up[user])
    plan = rng.choice(3, count, p=[0.35, 0.45, 0.2])
    ends = started + rng.exponential(400 * DAY, count).astype(np.int64)
    cancelled = ends < END - DAY
    trial = ~cancelled & (started > END - 14 * DAY) & (plan > 0)
    status = np.where(cancelled, "CANCELED", np.where(trial, "TRIALING", "ACTIVE"))
    cancelled_at = iso_instants(np.minimum(ends, END - DAY))
    changed = np.where(cancelled, np.minimum(ends, END - DAY), started)
    return pd.DataFrame(
        {
            "subscription_id": texts([f"sub_{index:06d}" for index in range(1, count + 1)]),
            "user_id": user_id[user],
            "plan": texts([name for name, _ in PLANS])[plan],
            "status": status,
            "mrr_eur": texts([price for _, price in PLANS])[plan],
            "started_at": iso_instants(started),
            "canceled_at": only(cancelled, cancelled_at),
            "ingested_at": instants(late(rng, changed, END)),
        }
    )


def _usage_events(rng: Rng, user_id: Texts, signed_up: Numbers) -> pd.DataFrame:
    number = rng.poisson(rng.gamma(0.6, 16.0, len(user_id)))
    user = np.repeat(np.arange(len(user_id)), number)
    count = len(user)
    # People use an app most when it is new.
    share = rng.random(count) ** rng.choice([0.6, 1.0, 2.0], len(user_id))[user]
    occurred = signed_up[user] + (share * (END - 120 - signed_up[user])).astype(np.int64)
    event = texts(EVENTS)[rng.choice(5, count, p=[0.45, 0.3, 0.12, 0.08, 0.05])]
    return pd.DataFrame(
        {
            "event_id": np.arange(1, count + 1),
            "user_id": user_id[user],
            "event": event,
            "occurred_epoch": occurred,
            "received_epoch": late(rng, occurred, END),
        }
    )
