"""People with names as frequent as a census counts them: namesakes, households, twins, fathers and sons of one name.

A shop, a card and a CRM have records of them, with slips of the pen, moves and marriages; addresses of e-mail are made of the names, as
most are. The whole project is built with matching and without: it may cost little precision, and what it claims must hold. Names are made
of syllables: only how often each is given is a census's.
"""

from __future__ import annotations

import random
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from benchmarks.accuracy import train
from benchmarks.figures import Benchmark, Figure, at_least, at_most
from benchmarks.overmerge import NO_ERASURES, NOW, SEEDS, pair_scores
from benchmarks.scratch import ROOT, ScratchProject, add_matching

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "source", "record_id", "person", "first_name", "last_name", "birth_date", "email", "phone", "street", "postal_code", "city",
    "seen_at",
)  # fmt: skip
HOSTS = ("gmail.com", "web.org", "post.example-mail.org", "outlook.com", "mail.example-post.org")
_VOWELS = ["a", "e", "i", "o", "u", "ia", "ei", "au"]
_STARTS = [
    "b",
    "d",
    "f",
    "g",
    "h",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "v",
    "w",
    "br",
    "kr",
    "st",
    "sch",
    "tr",
    "fl",
    "gr",
]
_ENDS = ["n", "r", "l", "s", "t", "m", "nn", "rt", "ck", "ld"]


@dataclass(frozen=True, slots=True)
class Names:
    """Names, and how many are given one of the first so many of them."""

    names: tuple[str, ...]
    summed: tuple[float, ...]

    def draw(self, chance: random.Random) -> str:
        return chance.choices(self.names, cum_weights=self.summed)[0]


def made_names(count: int, flatness: float, syllables: int, seed: int) -> Names:
    """`count` names, the n-th given in proportion to 1 / (n + flatness), as in a census."""
    chance = random.Random(seed)
    names: dict[str, None] = {}
    while len(names) < count:
        parts = [
            chance.choice(_STARTS) + chance.choice(_VOWELS)
            for _ in range(chance.randint(1, syllables))
        ]
        names[("".join(parts) + chance.choice([*_ENDS, "a", "e"])).capitalize()] = None
    return Names(tuple(names), tuple(accumulate(1 / (n + flatness) for n in range(count))))


@dataclass(frozen=True, slots=True)
class Person:
    """One person: what they are called, when they were born and where they live."""

    number: int
    first: str
    last: str
    born: str
    home: int
    street: str
    postal_code: str
    city: str


class _Town:
    """Households, one after the other, until there are enough people."""

    def __init__(self, count: int, seed: int, first: Names, last: Names) -> None:
        self.chance = random.Random(seed)
        self.first, self.last = first, last
        self.streets = made_names(max(count // 60, 20), 30, 3, 7)
        self.people: list[Person] = []
        self.mailboxes: dict[str, dict[int, int]] = {}
        self.homes = 0
        while len(self.people) < count:
            self.household()

    def date(self, first: int, last: int) -> str:
        return f"{self.chance.randint(first, last)}-{self.chance.randint(1, 12):02d}-{self.chance.randint(1, 28):02d}"

    def address(self) -> tuple[str, str, str]:
        place = int(self.chance.paretovariate(0.9)) % 400
        street = f"{self.streets.draw(self.chance)}weg {self.chance.randint(1, 120)}"
        return street, f"{10000 + place * 200 + self.chance.randint(0, 9)}", f"Stadt{place}"

    def household(self) -> None:
        chance = self.chance
        self.homes += 1
        address, last = self.address(), self.last.draw(chance)
        father, mother = self.first.draw(chance), self.first.draw(chance)
        grown = [(father, last, self.date(1940, 1985))]
        if chance.random() < 0.6:
            grown.append(
                (
                    mother,
                    last if chance.random() < 0.8 else self.last.draw(chance),
                    self.date(1942, 1988),
                )
            )
        born = self.date(1985, 2006)
        for number in range(chance.choices((0, 1, 2, 3), (55, 20, 18, 7))[0]):
            is_son = number == 0 and chance.random() < 0.05  # called as his father is
            is_twin = number > 0 and chance.random() < 0.04
            born = born if is_twin else self.date(1985, 2006)
            grown.append((father if is_son else self.first.draw(chance), last, born))
        for one in grown:
            self.people.append(Person(len(self.people), *one, self.homes, *address))


def _spread(number: int, most: int) -> int:
    """Another number for each, so that neighbours have none that are alike."""
    return number * 2654435761 % most


def _slip(chance: random.Random, text: str) -> str:
    place = chance.randrange(1, max(len(text) - 1, 2))
    kind = chance.randrange(3)
    if kind == 0:
        return text[:place] + text[place + 1 :]
    if kind == 1:
        return text[:place] + chance.choice("aeinrst") + text[place:]
    return text[: place - 1] + text[place : place + 1] + text[place - 1 : place] + text[place + 1 :]


def _records(town: _Town, person: Person, source: str) -> dict[str, Any]:
    """What one record of a source says of a person, slips and gaps included."""
    chance = town.chance
    given = {
        "shop": (0.5, 0.9, 0.6, 0.8),
        "card": (0.8, 0.3, 0.4, 0.9),
        "crm": (0.1, 0.85, 0.5, 0.3),
    }
    has_born, has_email, has_phone, has_address = given[source]
    who = person
    if chance.random() < 0.08:
        street, postal_code, city = town.address()
        who = replace(who, street=street, postal_code=postal_code, city=city)
    if chance.random() < 0.03:
        who = replace(who, last=town.last.draw(chance))
    local = f"{person.first}.{person.last}".lower()
    style = (person.number * 7 + (0 if source == "shop" else chance.randrange(2))) % 5
    mailbox = (local, f"{local}{person.number % 97}", f"{person.first[0]}{person.last}{person.number}".lower(),
               f"{person.first}{person.born[:4]}".lower(), f"s{person.number * 7919 % 1000003}")[style]  # fmt: skip
    # Whoever came first has the address; the others put a number to it.
    owners = town.mailboxes.setdefault(mailbox, {})
    mailbox = f"{mailbox}{owners.setdefault(person.number, len(owners)) or ''}"
    phone = (
        f"+49301{_spread(person.home, 10**7):07d}"
        if chance.random() < 0.2
        else f"+49151{_spread(person.number, 10**8):08d}"
    )
    first = _slip(chance, who.first) if chance.random() < 0.03 else who.first
    last = _slip(chance, who.last) if chance.random() < 0.03 else who.last
    born = who.born
    if chance.random() < 0.02:
        born = f"{born[:5]}{chance.randint(1, 12):02d}{born[7:]}"
    street = _slip(chance, who.street) if chance.random() < 0.05 else who.street
    has = [chance.random() < share for share in (has_born, has_email, has_phone, has_address)]
    return {
        "source": source,
        "person": person.number,
        "first_name": first,
        "last_name": last,
        "birth_date": born if has[0] else None,
        "email": f"{mailbox}@{HOSTS[(person.number + style) % len(HOSTS)]}" if has[1] else None,
        "phone": phone if has[2] else None,
        "street": street if has[3] else None,
        "postal_code": who.postal_code if has[3] else None,
        "city": who.city if has[3] or chance.random() < 0.4 else None,
        "seen_at": f"20{chance.randint(23, 25)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}",
    }


def draw_census(
    count: int, seed: int = 1, names: tuple[Names, Names] | None = None
) -> pd.DataFrame:
    """One row a record of `count` people (about two each), with `person` as the truth."""
    import pandas as pd

    first, last = names or (made_names(1_500, 12, 2, 5), made_names(20_000, 25, 3, 6))
    town = _Town(count, seed, first, last)
    rows = []
    for person in town.people[:count]:
        for source, share in (("shop", 0.85), ("card", 0.6), ("crm", 0.5)):
            if town.chance.random() < share:
                rows.append(_records(town, person, source))
                if source == "shop" and town.chance.random() < 0.1:
                    rows.append(_records(town, person, source))
    for number, row in enumerate(rows):
        row["record_id"] = f"{row['source']}{number}"
    return pd.DataFrame(rows, columns=list(COLUMNS))


KEYS = {"shop": "customer_id", "card": "card_number", "crm": "contact_id"}
KINDS = ("first_name", "last_name", "birth_date", "email", "phone", "street", "postal_code", "city")
BANDS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 1.01)
CLAIMS = """
    select scores.match_probability, left_records.person = right_records.person
    from analytics.matching_decided as scores
    inner join raw.records as left_records
        on scores.left_record_key = concat(left_records.source, ':', left_records.record_id)
    inner join raw.records as right_records
        on scores.right_record_key = concat(right_records.source, ':', right_records.record_id)
"""


def _project(directory: Path, records: pd.DataFrame, *, with_matching: bool) -> ScratchProject:
    import duckdb

    rules = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["cdp_identity"]
    sources = [
        {
            "source_name": source,
            "model": f"fixture_{source}",
            "record_key": "record_id",
            "first_seen_at": "seen_at",
            "identifiers": {key: "record_id", "email": "email", "phone": "phone"},
            "attributes": {name: name for name in KINDS[:3]},
        }
        for source, key in KEYS.items()
    ]
    compared = [
        {
            "source_name": source,
            "model": f"fixture_{source}",
            "record_key": "record_id",
            "columns": {name: name for name in KINDS},
        }
        for source in KEYS
    ]
    matching = {"enabled": with_matching, "entities": {"person": {"records": compared}}}
    project = ScratchProject(
        directory,
        folders=("macros", "models/engine/identity", "seeds"),
        models={
            **{
                f"staging/fixture_{source}": f"select * from raw.records where source = '{source}'"
                for source in KEYS
            },
            "staging/stg_sync__erasure_requests": NO_ERASURES,
        },
        variables={
            "cdp_identity": {"person": {**rules["person"], "records": sources}},
            "cdp_matching": matching,
            "cdp_as_of": NOW,
        },
    )
    if with_matching:
        add_matching(directory, review=True)
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("create schema raw")
        connection.register("records", records)
        connection.execute("create table raw.records as select * from records")
    project.run(
        "--select", *SEEDS, *(["matching_weights"] if with_matching else []), command="seed"
    )
    return project


def _scores(project: ScratchProject, records: pd.DataFrame) -> tuple[float, float]:
    import duckdb

    with duckdb.connect(str(project.database), read_only=True) as connection:
        owners = connection.execute(
            "select source_record_id as record_id, entity_id from analytics.identity_entity_records"
        ).df()
    found = records.merge(owners, on="record_id")
    return pair_scores(found["entity_id"], found["person"])


def _bands(project: ScratchProject) -> list[Figure]:
    """Per band of claimed probability, how far it is from what holds."""
    import duckdb
    import numpy as np

    with duckdb.connect(str(project.database), read_only=True) as connection:
        rows = np.array(connection.execute(CLAIMS).fetchall(), dtype=float)
    figures = []
    for low, high in pairwise(BANDS):
        chosen = rows[(rows[:, 0] >= low) & (rows[:, 0] < high)]
        if len(chosen):
            claimed, holds = chosen.mean(axis=0)
            name = f"{len(chosen):,} pairs said to be {low} to {min(high, 1):g}, right ones beside claimed"
            goal = at_least(claimed - 0.03) if low >= 0.9 else None
            figures.append(Figure(name, holds, "", claimed, goal))
    return figures


def run(options: Namespace) -> list[Figure]:
    """Build identity without matching and with it, and score both."""
    records = draw_census(options.people, options.seed)
    with tempfile.TemporaryDirectory(prefix="headwater-census-") as name:
        print(f"resolving {len(records):,} records by identifiers", file=sys.stderr)
        plain = _project(Path(name) / "plain", records, with_matching=False)
        plain.run("--select", "path:models")
        before = _scores(plain, records)
        print("matching them too", file=sys.stderr)
        project = _project(Path(name) / "matched", records, with_matching=True)
        train(project, "person")
        built = project.run("--select", "path:models")
        after = _scores(project, records)
        size = f"{options.people:,} people, {len(records):,} records"
        return [
            Figure(
                f"precision that matching costs, {size}",
                before[0] - after[0],
                "",
                goal=at_most(0.005),
            ),
            Figure("precision with matching beside without", after[0], "", before[0]),
            Figure(
                "recall with matching beside without",
                after[1],
                "",
                before[1],
                at_least(1.0, of="ratio"),
            ),
            *_bands(project),
            Figure("identity with matching, first build", built.total_seconds, "s"),
        ]


def add_arguments(parser: ArgumentParser) -> None:
    """Size and seed."""
    parser.add_argument("--people", type=lambda text: int(float(text)), default=10_000)
    parser.add_argument("--seed", type=int, default=1)


BENCHMARK = Benchmark(
    "census",
    "What matching costs in precision, and whether its probabilities are true.",
    run,
    add_arguments,
)
