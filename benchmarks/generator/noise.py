"""How sources get things wrong: typos, junk, blanks, untidy writing, many ways to write a phone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Texts = npt.NDArray[np.object_]
Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Rng = np.random.Generator

JUNK_EMAILS = (
    "test@test.com",
    "noemail@noemail.com",
    "a@a.com",
    "none@none.com",
    "n/a",
    "-",
    "unknown",
    "kasse@shop.example",
)
JUNK_PHONES = ("0000000000", "1234567890", "+10000000000", "n/a", "999999999", "+49 123 4567890")


def chance(rng: Rng, count: int, share: float) -> Flags:
    """True for about `share` of `count` places."""
    return rng.random(count) < share


def texts(values: object) -> Texts:
    """A one-dimensional array of Python strings (or None)."""
    return np.asarray(values, dtype=object)


def pick(rng: Rng, pool: tuple[str, ...], count: int) -> Texts:
    """`count` draws from a pool."""
    return texts(pool)[rng.integers(0, len(pool), count)]


def only(where: Flags, values: Texts) -> Texts:
    """The values where a flag is set, nothing elsewhere."""
    kept = values.copy()
    kept[~where] = None
    return kept


def blank(rng: Rng, values: Texts, share: float) -> Texts:
    """Some values missing."""
    return only(~chance(rng, len(values), share), values)


def junk(rng: Rng, values: Texts, pool: tuple[str, ...], share: float) -> Texts:
    """Some values replaced by what people type to get past a form."""
    wrong = pick(rng, pool, len(values))
    return np.where(chance(rng, len(values), share), wrong, values)


def typo(rng: Rng, values: Texts, share: float) -> Texts:
    """Some values with two letters swapped, one lost or one doubled; never the first one."""
    spoiled = values.copy()
    kinds = rng.integers(0, 3, len(values))
    places = rng.random(len(values))
    for index in np.flatnonzero(chance(rng, len(values), share)):
        text = values[index]
        if text is None or len(text) < 4:
            continue
        end = text.find("@") if text.find("@") > 3 else len(text)
        at = 1 + int(places[index] * (end - 2))
        middle = (text[at + 1 : at + 2] + text[at], "", text[at] * 2)[kinds[index]]
        spoiled[index] = text[:at] + middle + text[at + (2 if kinds[index] == 0 else 1) :]
    return spoiled


def untidy(rng: Rng, values: Texts, share: float) -> Texts:
    """Some values with spaces around, in capitals or in lower case."""
    untidied = values.copy()
    kinds = rng.integers(0, 4, len(values))
    for index in np.flatnonzero(chance(rng, len(values), share)):
        text = values[index]
        if text is not None:
            untidied[index] = (f" {text}", f"{text}  ", text.upper(), text.lower())[kinds[index]]
    return untidied


def gmail_variants(rng: Rng, emails: Texts, share: float) -> Texts:
    """Some Gmail addresses with other dots or a +suffix: the same mailbox to Gmail."""
    varied = emails.copy()
    kinds = rng.integers(0, 3, len(emails))
    for index in np.flatnonzero(chance(rng, len(emails), share)):
        email = emails[index]
        if email is None or not email.endswith("@gmail.com"):
            continue
        local = email.removesuffix("@gmail.com")
        variant = (local.replace(".", ""), f"{local}+shop", f"{local[:2]}.{local[2:]}")
        varied[index] = f"{variant[kinds[index]]}@gmail.com"
    return varied


def write_phone(rng: Rng, codes: Texts, trunks: Texts, nationals: Texts) -> Texts:
    """Phone numbers as people write them: +, 00, trunk zero, brackets, spaces, slashes."""
    head = texts([number[:3] for number in nationals])
    tail = texts([number[3:] for number in nationals])
    # Countries without a trunk digit, and the US, do not write one after the calling code.
    bracket = np.where(trunks == "0", "(0)", "")
    styles = [
        "+" + codes + nationals,
        "+" + codes + " " + head + " " + tail,
        "00" + codes + head + " " + tail,
        trunks + nationals,
        trunks + head + "/" + tail,
        "+" + codes + " " + bracket + head + "-" + tail,
    ]
    return np.choose(rng.choice(6, len(codes), p=[0.4, 0.15, 0.1, 0.2, 0.1, 0.05]), styles)


def late(rng: Rng, happened: Numbers, end: int, share: float = 0.03) -> Numbers:
    """When rows were loaded: within two hours, some only days later; none after `end`."""
    delay = rng.integers(60, 7_200, len(happened))
    days = rng.integers(1, 10, len(happened)) * 86_400
    loaded = happened + delay + np.where(chance(rng, len(happened), share), days, 0)
    known: Numbers = np.maximum(happened, np.minimum(loaded, end - 60))
    return known
