"""Support tickets: whoever writes in, under whatever address and name."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.generator.noise import (
    Rng,
    blank,
    chance,
    late,
    only,
    pick,
    texts,
    typo,
    untidy,
    write_phone,
)
from benchmarks.generator.people import DAY, END, LINES, START, People
from benchmarks.generator.tables import Source, exported_again, instants, truth

SUBJECTS = (
    "Where is my order?",
    "Refund please 🙏",
    "App crashes on start",
    "Änderung der Adresse",
    "Invoice is wrong; please fix",
    "Can't log in",
    '"Broken" on arrival',
    "=SUM(1,1) in my receipt",
)
PRIORITIES = ("low", "normal", "high", "urgent")
STATUSES = ("new", "open", "pending", "solved", "closed")


def draw_support(people: People, rng: Rng) -> Source:
    who = np.repeat(np.arange(people.count), rng.poisson(0.28, people.count))
    opened = START + (rng.random(len(who)) ** 0.7 * (END - START - 7_200)).astype(np.int64)
    order = np.argsort(opened, kind="stable")
    who, opened = who[order], opened[order]
    count = len(who)
    solved = opened + rng.exponential(3 * DAY, count).astype(np.int64)
    is_open = (solved > END - 3_600) | chance(rng, count, 0.02)
    at_work = (people.company[who] >= 0) & chance(rng, count, 0.3)
    email = np.where(at_work, people.work_email[who], people.email_at(who, opened))
    phone = write_phone(
        rng, people.calling_code[who], people.trunk[who], people.number_of(rng, who)
    )
    by_phone = chance(rng, count, 0.25)
    name = people.first_name[who] + " " + people.last_name[who]
    ticket_id = texts([str(number) for number in range(1, count + 1)])
    tickets = pd.DataFrame(
        {
            "id": ticket_id,
            "requester_email": only(~by_phone, untidy(rng, typo(rng, email, 0.01), 0.05)),
            "requester_phone": np.where(by_phone, phone, blank(rng, phone, 0.85)),
            "requester_name": blank(rng, untidy(rng, typo(rng, name, 0.03), 0.08), 0.1),
            "subject": pick(rng, SUBJECTS, count),
            "priority": texts(PRIORITIES)[rng.choice(4, count, p=[0.3, 0.45, 0.2, 0.05])],
            "status": np.where(
                is_open, pick(rng, STATUSES[:3], count), pick(rng, STATUSES[3:], count)
            ),
            "product": blank(rng, pick(rng, (*LINES, "app"), count), 0.15),
            "created_at": instants(opened),
            "solved_at": pd.Series(instants(solved)).mask(is_open),
            "_loaded_at": instants(late(rng, np.where(is_open, opened, solved), END)),
        }
    )
    return Source(
        "raw_support",
        {"tickets": exported_again(rng, tickets, "_loaded_at")},
        [truth("support_tickets", ticket_id, who=who)],
    )
