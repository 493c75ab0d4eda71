"""What each vendor hashes, by its own rules: one mark too many, and nobody is matched."""

from __future__ import annotations

import hashlib
from functools import cache

import duckdb
import pytest

from tests.python import inline as inline_

META, GOOGLE = "hashed_for_meta('", "hashed_for_google('"
LINKEDIN, MICROSOFT, PINTEREST, SNAPCHAT, TIKTOK = (
    f"hashed_for('{vendor}', '"
    for vendor in ("linkedin", "microsoft", "pinterest", "snapchat", "tiktok")
)

# (macro, kind, given, what is hashed; None is no hash at all)
CASES = [
    (META, "email", " Jane.Doe+News@Gmail.com ", "jane.doe+news@gmail.com"),
    (META, "phone", "+4930123456", "4930123456"),
    (META, "phone", "0049 (30) 123-456", "4930123456"),
    (META, "first_name", " Mary-Ann O'Neil ", "maryann oneil"),
    (META, "last_name", "Müller", "müller"),
    (META, "city", "St. Paul", "stpaul"),
    (META, "postal_code", "94035-1234", "94035"),
    (META, "postal_code", "SW1A 1AA", "sw1a1aa"),
    (META, "country", "DE", "de"),
    (GOOGLE, "email", "Jane.Doe+News@Gmail.com", "janedoe@gmail.com"),
    (GOOGLE, "email", "jane.doe@googlemail.com", "janedoe@googlemail.com"),
    (GOOGLE, "email", "Jane.Doe+News@shop.example", "jane.doe+news@shop.example"),
    (GOOGLE, "email", "jane.doe@notgmail.com", "jane.doe@notgmail.com"),
    (GOOGLE, "phone", "+4930123456", "+4930123456"),
    (GOOGLE, "first_name", " Mary-Ann ", "maryann"),
    *(
        (macro, kind, absent, None)
        for macro, kinds in (
            (META, ("email", "phone", "first_name", "city", "postal_code", "country")),
            (GOOGLE, ("email", "phone", "last_name")),
        )
        for kind in kinds
        for absent in (None, "", "  ")
    ),
    (META, "phone", "+", None),
    (META, "first_name", "-", None),
    (META, "postal_code", "00-950", "00950"),
    (META, "postal_code", "1000-001", "1000001"),
    (META, "region", " CA ", "ca"),
    (META, "region", "Île-de-France", "îledefrance"),
    *((META, "gender", given, "f") for given in ("F", "female")),
    (META, "gender", "male", "m"),
    (META, "birth_year", "1984", "1984"),
    (META, "birth_month", "7", "07"),
    (META, "birth_day", "31", "31"),
    (GOOGLE, "phone", "0049 (30) 123-456", "+4930123456"),
    # A (0) is dialled inside the country alone, and an extension is no part of the number.
    (GOOGLE, "phone", "+49 (0)30 123456", "+4930123456"),
    (META, "phone", "+49 (0) 30 123456", "4930123456"),
    (META, "phone", "tel:+49-30-123456", "4930123456"),
    *(
        (macro, "phone", given, None)
        for macro in (META, GOOGLE, SNAPCHAT, TIKTOK)
        for given in (
            "+49 30 123456 ext. 12",
            "+49 30 123456x12",
            "+49 30 123456#12",
            "+49 30 123456 / +49 30 99",
        )
    ),
    # What may be another's number, half an address or a hash of another sort is not hashed: it would match nobody, in silence.
    *(
        (macro, "phone", given, None)
        for macro in (META, GOOGLE)
        for given in (
            "18005550101",
            "030 123456",
            "+",
            "+0301234567",
            "+4930",
            "+49301234567890123",
            "n/a",
        )
    ),
    *(
        (macro, "email", given, None)
        for macro in (META, GOOGLE)
        for given in (
            "jane.doe",
            "jane@doe@shop.example",
            "jane@shop",
            "@shop.example",
            "jane\t@shop.example",
            "5d41402abc4b2a76b9719d911017c592",
        )
    ),
    *(
        (macro, "first_name", given, None)
        for macro in (META, GOOGLE)
        for given in (
            "5d41402abc4b2a76b9719d911017c592",
            "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d",
        )
    ),
    (META, "country", "Germany", None),
    (META, "gender", "d", None),
    (META, "birth_year", "84", None),
    (META, "birth_month", "13", None),
    (META, "birth_day", "0", None),
    # Whoever takes an address as it is must not be given Google's, without its dots.
    *(
        (macro, "email", " Jane.Doe+News@Gmail.com ", "jane.doe+news@gmail.com")
        for macro in (LINKEDIN, MICROSOFT, PINTEREST, SNAPCHAT, TIKTOK)
    ),
    (SNAPCHAT, "phone", "0049 (30) 123-456", "4930123456"),
    (SNAPCHAT, "phone", "030 123456", None),
    (TIKTOK, "phone", "0049 (30) 123-456", "+4930123456"),
    (TIKTOK, "phone", "030 123456", None),
]
HASHED = hashlib.sha256(b"jane.doe@shop.example").hexdigest()
HASHABLE = ("hashable_for", "phone")
KINDS = {
    META: ("email", "phone", "first_name", "last_name", "city", "region", "postal_code", "country",
           "gender", "birth_year", "birth_month", "birth_day"),
    GOOGLE: ("email", "phone", "first_name", "last_name"),
    **dict.fromkeys((LINKEDIN, MICROSOFT, PINTEREST), ("email",)),
    **dict.fromkeys((SNAPCHAT, TIKTOK), ("email", "phone")),
}  # fmt: skip


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """The DuckDB expression of each macro and kind, by one run of dbt."""
    calls = [(macro, kind) for macro, kinds in KINDS.items() for kind in kinds]
    inline = "\n<next>\n".join(
        [
            *(f"{{{{ {macro}{kind}', 'raw') }}}}" for macro, kind in calls),
            "{{ test_hashable_for('given', 'raw', 'google', 'phone') }}",
        ]
    )
    code = inline_.compiled(tmp_path_factory.mktemp("hashing"), inline)
    return dict(zip([*calls, HASHABLE], code.split("<next>"), strict=True))


@pytest.mark.parametrize("given", [HASHED, HASHED.upper(), f" {HASHED} "])
@pytest.mark.parametrize(
    ("macro", "kind"), [(macro, kind) for macro in KINDS for kind in KINDS[macro]]
)
def test_what_is_hashed_already_is_not_hashed_again(
    compiled: dict[tuple[str, str], str], macro: str, kind: str, given: str
) -> None:
    assert _value(compiled[macro, kind], given) == HASHED


@pytest.mark.parametrize(("macro", "kind", "given", "hashed"), CASES)
def test_a_value_is_hashed_as_the_vendor_normalises_it(
    compiled: dict[tuple[str, str], str], macro: str, kind: str, given: str | None,
    hashed: str | None,
) -> None:  # fmt: skip
    """Absent is absent: the hash of an empty text is a person whom thousands would share."""
    found = _value(compiled[macro, kind], given)
    assert found == (None if hashed is None else hashlib.sha256(hashed.encode()).hexdigest())


def test_every_kind_has_its_cases() -> None:
    assert {(macro, kind) for macro, kind, *_ in CASES} == {
        (macro, kind) for macro in KINDS for kind in KINDS[macro]
    }


def test_a_column_says_what_of_it_cannot_be_hashed(compiled: dict[tuple[str, str], str]) -> None:
    """Else a phone that is read wrongly is an audience that is too small, and nobody knows."""
    with duckdb.connect() as connection:
        connection.execute(
            "create table given as select unnest(['+4930123456', '18005550101', '18005550101', ' ', null, ?]) as raw",
            [HASHED],
        )
        found = connection.execute(compiled[HASHABLE]).fetchall()
    assert found == [(hashlib.md5(b"18005550101").hexdigest(), 2)]


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """One for all: it holds nothing."""
    return duckdb.connect(config={"threads": 1})


def _value(expression: str, given: str | None) -> str | None:
    query = f"select {expression} from (select cast(? as varchar) as raw)"
    (found,) = _database().execute(query, [given]).fetchone()  # type: ignore[misc]
    return found  # type: ignore[no-any-return]
