"""The loyalty programme: paper forms typed in by hand, names and dates the way clerks write them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.generator.noise import (
    JUNK_EMAILS,
    Rng,
    blank,
    chance,
    junk,
    late,
    texts,
    typo,
    untidy,
    write_phone,
)
from benchmarks.generator.people import DAY, END, START, People
from benchmarks.generator.tables import Source, exported_again, instants, spread, truth

TIERS = ("basic", "silver", "gold")


def draw_loyalty(people: People, rng: Rng) -> Source:
    first = np.flatnonzero(chance(rng, people.count, 0.34))
    who = np.concatenate([first, first[chance(rng, len(first), 0.03)]])
    count = len(who)
    joined = START + (rng.random(count) * (END - START - 2 * DAY)).astype(np.int64)
    updated = spread(rng, joined)
    email = junk(
        rng, blank(rng, typo(rng, people.email_at(who, joined), 0.03), 0.2), JUNK_EMAILS, 0.01
    )
    phone = write_phone(
        rng, people.calling_code[who], people.trunk[who], people.number_of(rng, who, 0.3)
    )
    first_name = typo(rng, people.first_name[who], 0.05)
    last_name = typo(rng, people.last_name[who], 0.05)
    birth = texts([".".join(reversed(date.split("-"))) for date in people.birth_date[who]])
    birth[chance(rng, count, 0.01)] = "31.02.1980"
    member_id = texts([f"M{number:07d}" for number in range(1, count + 1)])
    members = pd.DataFrame(
        {
            "member_no": member_id,
            "card_no": texts(
                [f"29{number * 7_919 % 10**9:011d}" for number in range(1, count + 1)]
            ),
            "full_name": untidy(rng, texts(last_name + ", " + first_name), 0.06),
            "mail": email,
            "tel": blank(rng, phone, 0.2),
            "dob": blank(rng, birth, 0.15),
            "tier": texts(TIERS)[rng.choice(3, count, p=[0.6, 0.3, 0.1])],
            "points": blank(rng, texts(rng.integers(0, 9_000, count).astype(str)), 0.02),
            "country": people.country[who],
            "joined_on": instants(joined),
            "changed_on": instants(updated),
            "_loaded_at": instants(late(rng, updated, END)),
        }
    )
    return Source(
        "raw_loyalty",
        {"members": exported_again(rng, members, "_loaded_at")},
        [truth("loyalty_members", member_id, who=who)],
    )
