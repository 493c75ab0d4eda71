"""People whose values cross: swapped e-mails, agents, recycled telephones, couples and families on one address, names in many spellings.

Each of `count` worlds is of one kind and shares nothing with the others, so that a wrong merge or a lost value tells its kind.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from benchmarks.shoppers import FIRST, LAST

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("swap", "agent", "clerk", "friend", "recycled", "couple", "family", "spellings", "moved", "present")  # fmt: skip
COLUMNS = (
    "source", "record_id", "person", "kind", "customer_id", "user_id", "email", "phone", "first_name", "last_name", "birth_date",
    "seen_at",
)  # fmt: skip
Who = tuple[str, str, str | None]


class _Worlds:
    """Rows as they are drawn."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.rows: list[tuple[Any, ...]] = []
        self.world, self.people, self.kind = 0, 0, ""

    def somebody(self, last: str | None = None, *, but: tuple[str, ...] = ()) -> Who:
        """A name and in two of three cases a birth date; with a first name that begins as none of `but`."""
        names = [name for name in FIRST.split() if not any(name[0] == one[0] for one in but)]
        born = f"{self.chance.randint(1940, 2007)}-{self.chance.randint(2, 12):02d}-{self.chance.randint(2, 28):02d}"
        known = self.chance.random() < 0.67
        return (
            self.chance.choice(names),
            last or self.chance.choice(LAST.split()),
            born if known else None,
        )

    def add(
        self, source: str, person: int, key: str, who: Who | None = None, **values: Any
    ) -> None:
        first, last, born = who or (None, None, None)
        if source == "customer":
            values["customer_id"] = key
        if source == "user":
            values["user_id"] = key
        ids = [values.get(name) for name in ("customer_id", "user_id", "email", "phone")]
        day = f"2026-{values.get('month', 1):02d}-{self.chance.randint(1, 28):02d}"
        self.rows.append(
            (source, key, f"{self.world}/{person}", self.kind, *ids, first, last, born, day)
        )

    def draw(self, kind: str) -> None:
        self.kind = kind
        self.world += 1
        n = self.world
        anna = self.somebody()
        ben = self.somebody(but=anna[:1])
        a, b, mail_a, mail_b, phone = (
            f"c{n}a",
            f"c{n}b",
            f"a{n}@post.example-mail.org",
            f"b{n}@post.example-mail.org",
            f"+49151{n:07d}3",
        )
        if kind == "swap":
            self.add("customer", 0, a, anna, email=mail_b)
            self.add("customer", 1, b, ben, email=mail_a)
            self.add("order", 0, f"o{n}a", customer_id=a, email=mail_a)
            self.add("order", 1, f"o{n}b", customer_id=b, email=mail_b)
        elif kind in ("agent", "clerk"):
            told = self.somebody(but=(anna[0], ben[0])) if kind == "agent" else None
            self.add("user", 2, f"u{n}", told, email=f"u{n}@post.example-mail.org")
            for person, key, who, mail in ((0, a, anna, mail_a), (1, b, ben, mail_b)):
                self.add("customer", person, key, who, email=mail)
                self.add("order", person, f"o{key}", customer_id=key, user_id=f"u{n}")
        elif kind == "friend":
            self.add("customer", 0, a, (*anna[:2], "1981-05-06"), email=mail_a)
            self.add("user", 1, f"u{n}", (*ben[:2], "1992-11-17"), email=mail_b)
            self.add("order", 0, f"o{n}a", customer_id=a, user_id=f"u{n}")
        elif kind == "recycled":
            self.add("customer", 0, a, anna, phone=phone)
            self.add("user", 1, f"u{n}", ben, phone=phone, email=mail_b, month=9)
        elif kind in ("couple", "family"):
            others = (
                [ben[0]] if kind == "couple" else [ben[0], self.somebody(but=(anna[0], ben[0]))[0]]
            )
            self.add("customer", 0, a, anna, email=mail_a, phone=phone)
            for person, first in enumerate(others, 1):
                who = (first, anna[1], self.somebody()[2])
                self.add("customer", person, f"{b}{person}", who, email=mail_a, month=5)
        elif kind == "spellings":
            first, last, born = anna
            written = [(first, last, born), (first.upper(), last, born), (first, f"{last}-Kramp", None), (last, first, born),
                       (f"{first} Maria", last, None)]  # fmt: skip
            for number in range(self.chance.randint(2, 5)):
                self.add(
                    "customer",
                    0,
                    f"{a}{number}",
                    written[number],
                    email=mail_a,
                    phone=phone,
                    month=number + 1,
                )
        elif kind == "moved":  # another address and number, one after the other
            for number in range(5):
                self.add("customer", 0, f"{a}{number}", anna, email=mail_a if number < 3 else mail_b,
                         phone=phone if number < 4 else f"{phone}9", month=number + 1)  # fmt: skip
        else:  # somebody buys presents: other names on orders of one account
            self.add("customer", 0, a, anna, email=mail_a, phone=phone)
            for number in range(3):
                self.add(
                    "order",
                    0,
                    f"o{n}{number}",
                    self.somebody(),
                    customer_id=a,
                    email=mail_a,
                    month=number + 2,
                )


def draw_crossed(count: int, seed: int = 1) -> pd.DataFrame:
    """One row a record of a shop's customers, its orders and an app's users, with `person` as the truth and `kind`."""
    import pandas as pd

    worlds = _Worlds(seed)
    for number in range(count):
        worlds.draw(KINDS[number % len(KINDS)])
    return pd.DataFrame(worlds.rows, columns=list(COLUMNS))
