"""The people and companies themselves, before any source has misheard them."""

from __future__ import annotations

import calendar
from dataclasses import dataclass

import numpy as np

from benchmarks.generator.noise import Flags, Numbers, Rng, Texts, chance, only, pick, texts
from benchmarks.generator.places import (
    COMPANY_FORMS,
    COMPANY_TRADES,
    COMPANY_WORDS,
    EXAMPLE_MAIL,
    INDUSTRIES,
    PLACES,
)

DAY = 86_400
END = calendar.timegm((2026, 11, 23, 0, 0, 0))  # every event is before it
START = END - 900 * DAY
LINES = ("outdoor", "home", "kids")


@dataclass(frozen=True, slots=True)
class Companies:
    """Businesses, by position."""

    name: Texts
    domain: Texts
    country: Texts
    tax_id: Texts
    industry: Texts
    employees: Numbers

    @property
    def count(self) -> int:
        return len(self.name)


@dataclass(frozen=True, slots=True)
class People:
    """Persons, by position; `company` is -1 for who has none. Times are seconds since 1970, UTC."""

    country: Texts
    language: Texts
    time_zone: Texts
    household: Numbers
    first_name: Texts
    last_name: Texts
    street: Texts
    postal_code: Texts
    city: Texts
    birth_date: Texts
    email: Texts
    old_email: Texts
    email_changed_at: Numbers
    work_email: Texts
    company: Numbers
    calling_code: Texts
    trunk: Texts
    mobile: Texts
    landline: Texts
    has_mobile: Flags
    favourite_line: Numbers
    companies: Companies

    @property
    def count(self) -> int:
        return len(self.country)

    def email_at(self, who: Numbers, when: Numbers) -> Texts:
        """The private address each person gave at a time: the old one until it changed."""
        return np.where(when < self.email_changed_at[who], self.old_email[who], self.email[who])

    def number_of(self, rng: Rng, who: Numbers, landline_share: float = 0.22) -> Texts:
        """A phone each person would give: mostly the mobile, else what the household shares."""
        shared = chance(rng, len(who), landline_share) | ~self.has_mobile[who]
        return np.where(shared, self.landline[who], self.mobile[who])


def draw_people(count: int, rng: Rng) -> People:
    """`count` people in households, some of them working for a company."""
    companies = _draw_companies(max(12, count // 25), rng)
    # A household is one or more neighbours in the order of drawing.
    household = np.cumsum(chance(rng, count, 0.66)) - 1
    household -= household[0]
    home = int(household[-1]) + 1

    shares = np.array([place.share for place in PLACES])
    place_of_home = rng.choice(len(PLACES), home, p=shares / shares.sum())
    place = place_of_home[household]
    last_name, last_ascii = _draw_pairs(rng, place_of_home, [one.last_names for one in PLACES])
    first_name, first_ascii = _draw_pairs(rng, place, [one.first_names for one in PLACES])
    city, postal_code = _draw_pairs(rng, place_of_home, [one.cities for one in PLACES])
    postal_code = postal_code + texts([f"{n:03d}" for n in rng.integers(0, 1000, home)])
    free_mail = texts([one.free_mail for one in PLACES])[place]
    email = _private_emails(rng, first_ascii, last_ascii[household], free_mail)
    old_email = _private_emails(rng, first_ascii, last_ascii[household], free_mail, salt="x")
    changed = chance(rng, count, 0.12)
    company = np.where(chance(rng, count, 0.22), _popular(rng, companies.count, count), -1)
    return People(
        country=texts([one.country for one in PLACES])[place],
        language=texts([one.language for one in PLACES])[place],
        time_zone=texts([one.time_zone for one in PLACES])[place],
        household=household,
        first_name=first_name,
        last_name=last_name[household],
        street=_draw_streets(rng, place_of_home)[household],
        postal_code=postal_code[household],
        city=city[household],
        birth_date=_draw_birth_dates(rng, count),
        email=email,
        old_email=old_email,
        email_changed_at=np.where(changed, rng.integers(START, END, count), 0),
        work_email=_work_emails(first_ascii, last_ascii[household], company, companies),
        company=company,
        calling_code=texts([one.calling_code for one in PLACES])[place],
        trunk=texts([one.trunk for one in PLACES])[place],
        mobile=_draw_numbers(rng, place, [one.mobile for one in PLACES]),
        landline=_draw_numbers(rng, place_of_home, [one.landline for one in PLACES])[household],
        has_mobile=chance(rng, count, 0.9),
        favourite_line=rng.choice(3, count, p=[0.4, 0.35, 0.25]),
        companies=companies,
    )


def _popular(rng: Rng, pool: int, count: int) -> Numbers:
    """Draws in which few are drawn often: a big customer, a small one."""
    drawn: Numbers = (pool * rng.random(count) ** 2.5).astype(np.int64)
    return drawn


def _draw_pairs(
    rng: Rng, place: Numbers, pools: list[tuple[tuple[str, str], ...]]
) -> tuple[Texts, Texts]:
    """One pair per row out of its place's pool."""
    starts = np.cumsum([0] + [len(pool) for pool in pools[:-1]])
    sizes = np.array([len(pool) for pool in pools])
    drawn = starts[place] + (rng.random(len(place)) * sizes[place]).astype(np.int64)
    left = texts([pair[0] for pool in pools for pair in pool])
    right = texts([pair[1] for pool in pools for pair in pool])
    return left[drawn], right[drawn]


def _draw_streets(rng: Rng, place: Numbers) -> Texts:
    streets, formats = _draw_pairs(
        rng, place, [tuple((street, one.street_format) for street in one.streets) for one in PLACES]
    )
    numbers = rng.integers(1, 140, len(place))
    return texts(
        [
            form.format(street=street, number=number)
            for street, form, number in zip(streets, formats, numbers, strict=True)
        ]
    )


def _draw_birth_dates(rng: Rng, count: int) -> Texts:
    days = rng.integers(-10_950, 13_150, count).astype("datetime64[D]")  # 1940 to 2005
    return texts(np.datetime_as_string(days).astype(object))


def _draw_numbers(rng: Rng, place: Numbers, kinds: list[tuple[str, int]]) -> Texts:
    """National numbers without a trunk digit."""
    prefixes = texts([prefix for prefix, _ in kinds])[place]
    digits = np.array([length for _, length in kinds])[place]
    drawn = (rng.random(len(place)) * 10**digits).astype(np.int64)
    tails = [f"{n:0{length}d}" for n, length in zip(drawn, digits, strict=True)]
    return texts(prefixes + texts(tails))


def _private_emails(rng: Rng, first: Texts, last: Texts, free_mail: Texts, salt: str = "") -> Texts:
    """Addresses unlike any other's; local parts at hosts that exist say that they are fake."""
    count = len(first)
    number = texts([f"{salt}{index}" for index in range(1, count + 1)])
    styles = [
        first + "." + last + number,
        last + "." + first + number,
        first + number,
        texts([name[:1] for name in first]) + last + "_" + number,
    ]
    local = np.choose(rng.choice(4, count, p=[0.5, 0.15, 0.2, 0.15]), styles)
    kind = rng.choice(3, count, p=[0.6, 0.25, 0.15])
    domain = np.choose(
        kind, [pick(rng, EXAMPLE_MAIL, count), texts(["gmail.com"] * count), free_mail]
    )
    return texts(np.where(kind == 0, local, local + ".fake") + "@" + domain)


def _work_emails(first: Texts, last: Texts, company: Numbers, companies: Companies) -> Texts:
    """first.last@company; a namesake gets a number."""
    emails = first + "." + last + "@" + companies.domain[company]
    seen: dict[str, int] = {}
    for index in np.flatnonzero(company >= 0):
        plain = emails[index]
        seen[plain] = seen.get(plain, 0) + 1
        if seen[plain] > 1:
            emails[index] = plain.replace("@", f"{seen[plain]}@")
    return only(company >= 0, emails)


def _draw_companies(count: int, rng: Rng) -> Companies:
    order = rng.permutation(len(COMPANY_WORDS) * len(COMPANY_TRADES))[np.arange(count) % 448]
    word = texts(COMPANY_WORDS)[order // len(COMPANY_TRADES)]
    trade = texts(COMPANY_TRADES)[order % len(COMPANY_TRADES)]
    round_number = np.arange(count) // 448
    suffix = texts(["" if number == 0 else str(number + 1) for number in round_number])
    shares = np.array([place.share for place in PLACES])
    country = texts([one.country for one in PLACES])[
        rng.choice(len(PLACES), count, p=shares / shares.sum())
    ]
    forms = texts([COMPANY_FORMS[one] for one in country])
    tax_numbers = _distinct(rng, count)
    lower = texts([f"{a}-{b}{c}".lower() for a, b, c in zip(word, trade, suffix, strict=True)])
    return Companies(
        name=word + " " + trade + suffix + " " + forms,
        domain=lower + ".example",
        country=country,
        tax_id=country + texts([f"{number:09d}" for number in tax_numbers]),
        industry=pick(rng, INDUSTRIES, count),
        employees=(10 ** rng.uniform(0.7, 4.2, count)).astype(np.int64),
    )


def _distinct(rng: Rng, count: int) -> Numbers:
    """Nine-digit numbers, none twice."""
    return 100_000_000 + np.arange(count) * 7_919 + rng.integers(0, 7_919, count)
