"""People who buy as guests: each checkout gives them another customer id, with the same e-mail, telephone and name.

Households share a landline, and some an address of e-mail; some numbers belonged to somebody else before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

FIRST = (
    "Anna Ben Carla David Emma Felix Greta Hannes Ines Jonas Katrin Lukas Marta Nils Olga Paul Renate Simon "
    "Tanja Ulrich Vera Walter Yvonne Boris Clara Dennis Elif Fatima Georg Helena Igor Julia Klaus Lena Mehmet"
)
LAST = "Adler Berger Conrad Dietz Ebert Fuchs Gruber Hahn Iske Jung Krause Lange Maurer Neumann Otto Pohl"
COLUMNS = (
    "record_id",
    "person",
    "is_guest",
    "email",
    "phone",
    "first_name",
    "last_name",
    "birth_date",
    "seen_at",
)


def draw_shoppers(count: int, seed: int = 1, *, guests: float = 0.3) -> pd.DataFrame:
    """One row a customer id of a shop, with `person` as the truth; a share of `guests` has two to five of guest checkouts."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(seed)
    first_names, last_names = FIRST.split(), LAST.split()
    sizes = random.choice([1, 2, 3], p=[0.55, 0.3, 0.15], size=count)
    home = np.repeat(np.arange(count), sizes)[:count]
    last = [last_names[one % len(last_names)] for one in home]
    first = [first_names[one] for one in random.integers(0, len(first_names), count)]
    born = [
        f"{year}-{month:02d}-{day:02d}"
        for year, month, day in zip(
            random.integers(1940, 2008, count),
            random.integers(1, 13, count),
            random.integers(1, 29, count),
            strict=True,
        )
    ]
    rows: list[tuple[Any, ...]] = []

    def shop(who: int, *, is_guest: bool) -> None:
        draw = random.random()
        email = (
            f"family{home[who]}@post.example-mail.org"
            if draw < 0.02
            else f"p{who}@post.example-mail.org"
        )
        phone = f"+4930{home[who]:08d}" if random.random() < 0.1 else f"+49151{who:08d}"
        name = first[who]
        if random.random() < 0.02:  # a letter is missing
            name = name[:2] + name[3:]
        rows.append(
            (
                f"c{len(rows)}",
                who,
                is_guest,
                email,
                phone,
                name,
                last[who],
                born[who],
                pd.Timestamp("2026-11-24") - pd.Timedelta(days=int(random.integers(1, 700))),
            )
        )

    for who in range(count):
        if random.random() < guests:
            for _ in range(int(random.integers(2, 6))):
                shop(who, is_guest=True)
            if random.random() < 0.3:
                shop(who, is_guest=False)
        else:
            shop(who, is_guest=False)
    return pd.DataFrame(rows, columns=list(COLUMNS))
