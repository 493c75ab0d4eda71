"""Phone numbers as people write them, made from the patterns of the package `phonenumbers`, and what that package reads.

A number counts as read where it has a length that fixed lines or mobiles have: the shorter and the longer that services have are nobody's.
"""

from __future__ import annotations

import random
import re
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberFormat, PhoneNumberType

# fmt: off
COUNTRIES = [
    "AE", "AR", "AT", "AU", "BD", "BE", "BG", "BR", "BY", "CA", "CH", "CL", "CN", "CZ", "DE", "DK", "EE", "EG", "ES", "FI", "FR", "GB",
    "GH", "GR", "HK", "HR", "HU", "ID", "IE", "IL", "IN", "IT", "JP", "KE", "KR", "LT", "LU", "LV", "MA", "MX", "MY", "NG", "NL", "NO",
    "NZ", "PH", "PK", "PL", "PT", "RO", "RS", "RU", "SA", "SE", "SG", "SI", "SK", "TH", "TR", "TW", "UA", "US", "VN", "ZA",
]
# fmt: on
# Where 00, 011, 0011 or 010 is dialled before a calling code.
ABROAD_FROM = ("AU", "DE", "FR", "GB", "IN", "JP", "MX", "PL", "US", "ZA")


def numbers(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Numbers as they are written, each with the country that it is read in."""
    rng = random.Random(seed)
    while count:
        country = rng.choice(COUNTRIES)
        facts = PhoneMetadata.metadata_for_region(country)
        kind = rng.choice([facts.mobile, facts.mobile, facts.fixed_line])
        number = phonenumbers.parse(_of_pattern(kind.national_number_pattern, rng), country)
        if phonenumbers.is_valid_number(number):
            yield rng.choice(_WAYS)(number, country, rng)
            count -= 1


def as_the_package_reads(raw: str, country: str) -> str | None:
    """E.164, or None for what is no number of a person or an office."""
    try:
        number = phonenumbers.parse(raw, country)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.ValidationResult.IS_POSSIBLE
    for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE):
        if phonenumbers.is_possible_number_for_type_with_reason(number, kind) == possible:
            return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))
    return None


def lengths(country: str, calling_code: str) -> list[int]:
    """Lengths of national numbers that macros/normalise/_countries.sql is to have."""
    facts = PhoneMetadata.metadata_for_region(country)
    kinds = (facts.fixed_line, facts.mobile)
    most = 15 - len(calling_code)
    return sorted({n for kind in kinds for n in kind.possible_length or () if 5 <= n <= most})


def _of_pattern(pattern: str, rng: random.Random) -> str:
    return _written(_parsed(pattern), rng)


_parsed = cache(parser.parse)


def _written(parts: Any, rng: random.Random) -> str:
    text = ""
    for name, value in ((str(name), value) for name, value in parts):
        if name == "LITERAL":
            text += chr(value)
        elif name == "IN":
            text += rng.choice(_characters(value))
        elif name == "MAX_REPEAT":
            text += "".join(_written(value[2], rng) for _ in range(rng.randint(*value[:2])))
        else:
            text += _written(rng.choice(value[1]) if name == "BRANCH" else value[3], rng)
    return text


def _characters(alternatives: Any) -> str:
    found = ""
    for name, value in ((str(name), value) for name, value in alternatives):
        if name == "RANGE":
            found += "".join(map(chr, range(value[0], value[1] + 1)))
        else:
            found += chr(value) if name == "LITERAL" else "0123456789"
    return found


def _formatted(how: int) -> Callable[[PhoneNumber, str, random.Random], tuple[str, str]]:
    return lambda number, country, _: (phonenumbers.format_number(number, how), country)


def _digits(number: PhoneNumber, country: str, rng: random.Random) -> tuple[str, str]:
    text = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    return re.sub("[^0-9]+", rng.choice(["", ".", "/", " "]), text), country


def _from_abroad(number: PhoneNumber, _: str, rng: random.Random) -> tuple[str, str]:
    country = rng.choice(ABROAD_FROM)
    return phonenumbers.format_out_of_country_calling_number(number, country), country


def _with_a_zero(number: PhoneNumber, country: str, rng: random.Random) -> tuple[str, str]:
    if PhoneMetadata.metadata_for_region(country).national_prefix != "0":
        return _digits(number, country, rng)
    return f"+{number.country_code} (0){_national(number)}", country


def _without_plus(number: PhoneNumber, country: str, _: random.Random) -> tuple[str, str]:
    return f"{number.country_code}{_national(number)}", country


def _without_trunk(number: PhoneNumber, country: str, _: random.Random) -> tuple[str, str]:
    return _national(number), country


def _too_short(number: PhoneNumber, country: str, rng: random.Random) -> tuple[str, str]:
    national = _national(number)
    return f"+{number.country_code}{national[: rng.randint(2, len(national) - 1)]}", country


def _too_long(number: PhoneNumber, country: str, rng: random.Random) -> tuple[str, str]:
    more = "".join(rng.choice("0123456789") for _ in range(rng.randint(1, 4)))
    return f"+{number.country_code}{_national(number)}{more}", country


def _national(number: PhoneNumber) -> str:
    return str(phonenumbers.national_significant_number(number))


_WAYS = [
    *[_formatted(PhoneNumberFormat.NATIONAL)] * 4,
    _formatted(PhoneNumberFormat.E164),
    _formatted(PhoneNumberFormat.INTERNATIONAL),
    _formatted(PhoneNumberFormat.RFC3966),
    _digits,
    _from_abroad,
    _with_a_zero,
    _without_plus,
    _without_trunk,
    _too_short,
    _too_long,
]
