"""Consent and preferences: what people allowed, by channel and purpose, over time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.generator.noise import (
    Rng,
    Texts,
    blank,
    chance,
    late,
    only,
    pick,
    texts,
    untidy,
    write_phone,
)
from benchmarks.generator.people import DAY, END, START, People
from benchmarks.generator.tables import Source, instants, spread, truth

# Channel as written, purpose, share of people asked, share who agree, share who later withdraw.
QUESTIONS = (
    ("email", "marketing", 0.80, 0.82, 0.14),
    ("sms", "marketing", 0.30, 0.55, 0.20),
    ("push", "marketing", 0.35, 0.60, 0.10),
    ("advertising", "marketing", 0.55, 0.65, 0.12),
    ("email", "service", 0.10, 0.95, 0.02),
    ("ads", "analytics", 0.12, 0.60, 0.10),
)
YES = ("yes", "granted", "1", "opt-in", "TRUE")
NO = ("no", "denied", "0", "unsubscribed", "FALSE")
ORIGINS = ("checkout", "preference centre", "app settings", "call centre", "import 2024")


def draw_consent(people: People, rng: Rng) -> Source:
    parts = []
    for channel, purpose, asked, agree, withdraw in QUESTIONS:
        who = np.flatnonzero(chance(rng, people.count, asked))
        agreed = chance(rng, len(who), agree)
        at = START + (rng.random(len(who)) * (END - START - 3 * DAY)).astype(np.int64)
        left = agreed & chance(rng, len(who), withdraw)
        for subset, state, when in (
            (np.ones(len(who), dtype=bool), agreed, at),
            (left, np.zeros_like(agreed), spread(rng, at)),
        ):
            parts.append(
                pd.DataFrame(
                    {
                        "who": who[subset],
                        "agreed": state[subset],
                        "at": when[subset],
                        "channel": channel,
                        "purpose": purpose,
                    }
                )
            )
    drawn = pd.concat(parts, ignore_index=True).sort_values("at", kind="stable")
    return _consents(people, rng, drawn.reset_index(drop=True))


def _consents(people: People, rng: Rng, drawn: pd.DataFrame) -> Source:
    count = len(drawn)
    who, at = drawn["who"].to_numpy(), drawn["at"].to_numpy()
    channel = texts(drawn["channel"])
    email = untidy(rng, people.email_at(who, at), 0.05)
    phone = write_phone(
        rng, people.calling_code[who], people.trunk[who], people.number_of(rng, who, 0.02)
    )
    by_phone = channel == "sms"
    consent_id = texts([f"c{number:08d}" for number in range(1, count + 1)])
    answer: Texts = np.where(drawn["agreed"], pick(rng, YES, count), pick(rng, NO, count))
    consents = pd.DataFrame(
        {
            "id": consent_id,
            "email": np.where(by_phone, blank(rng, email, 0.5), email),
            "phone": only(by_phone, phone),
            "country": people.country[who],
            "channel": untidy(rng, channel, 0.05),
            "purpose": drawn["purpose"],
            "choice": answer,
            "legal_basis": np.where(
                drawn["purpose"] == "service", "legitimate interest", "consent"
            ),
            "origin": pick(rng, ORIGINS, count),
            "recorded_at": instants(at),
            "_loaded_at": instants(late(rng, at, END)),
        }
    )
    return Source(
        "raw_consent",
        {"consents": consents},
        [truth("consents", consent_id, who=who)],
    )
