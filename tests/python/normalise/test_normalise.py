"""The macros of macros/normalise over the values that people and forms really produce."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from sync.entrance.macros import Macros
from tests.python import inline as inline_
from tests.python.normalise.phone_numbers import as_the_package_reads, lengths, numbers

PROJECT = Path(__file__).parents[3]

EMAIL = [
    ("ana@mail.example", "ana@mail.example"),
    ("  Ana.B@Mail.EXAMPLE \t", "ana.b@mail.example"),
    ("mailto:ana@mail.example", "ana@mail.example"),
    ("Ana Bé <Ana@mail.example>", "ana@mail.example"),
    ('"B, Ana" <ana@mail.example>;', "ana@mail.example"),
    ("ana @ mail.example", "ana@mail.example"),
    ("ana@mail.example.", "ana@mail.example"),
    ("ana＠mail．example", "ana@mail.example"),
    ("\u200bana@mail.example\ufeff", "ana@mail.example"),
    ("a.n.a+shop@gmail.com", "a.n.a+shop@gmail.com"),
    ("JOSÉ@BÜCHER.example", "josé@bücher.example"),
    ("jose\u0301@mail.example", "josé@mail.example"),
    ("用户@例え.テスト", "用户@例え.テスト"),
    ("o'brien_x@mail.example", "o'brien_x@mail.example"),
    ("test@test.com", "test@test.com"),
    ("'ana@mail.example", "ana@mail.example"),
    ('="ana@mail.example"', "ana@mail.example"),
    ("'mailto:ana@mail.example'", "ana@mail.example"),
    ("mailto:ana@mail.example?subject=hello", "ana@mail.example"),
    ("ana@mail.example <Ana@mail.example> (work)", "ana@mail.example"),
    ("Ana <ana@mail.example>, Bo <bo@mail.example>", None),
    ("ana@mail.example/private", None),
    ("ana@mail", None),
    ("ana@@mail.example", None),
    ("ana@mail..example", None),
    ("ana@.example", None),
    ("@mail.example", None),
    (".ana@mail.example", None),
    ("ana.@mail.example", None),
    ("an..a@mail.example", None),
    ("ana@-mail.example", None),
    ("ana@mail-.example", None),
    ("ana@my_mail.example", None),
    ("ana@mail.1", None),
    ("ana@192.168.0.1", None),
    ("ana@[192.168.0.1]", None),
    ('"ana b"@mail.example', None),
    ("ana@" + "m" * 64 + ".example", None),
    ("a" * 65 + "@mail.example", None),
    ("ana@" + "mail." * 51 + "example", None),
    ("a" * 64 + "@" + "m" * 63 + ".example", "a" * 64 + "@" + "m" * 63 + ".example"),
    ("ana@my--mail.co.example", "ana@my--mail.co.example"),
    ("ana@xn--bcher-kva.xn--p1ai", "ana@xn--bcher-kva.xn--p1ai"),
    ("a!#$%&'*+-/=?^_`{|}~@mail.example", "a!#$%&'*+-/=?^_`{|}~@mail.example"),
    ("1@2.example", "1@2.example"),
    ("ana@mail.example, bo@mail.example", None),
    ("ana b@mail.example", None),
    ("n/a", None),
    ("", None),
    ("   ", None),
    (None, None),
]

GMAIL = [
    ("A.n.a+Shop@gmail.com", "ana@gmail.com"),
    ("ana@googlemail.com", "ana@gmail.com"),
    ("a.na+x@mail.example", "a.na+x@mail.example"),
    ("ana@notgmail.com", "ana@notgmail.com"),
]

PHONE = [
    ("491711234567.0", "DE", "+491711234567"),
    ("1711234567.0", "DE", "+491711234567"),
    ("0171.123456.0", "DE", "+491711234560"),
    ("+49 171 1234567", "DE", "+491711234567"),
    ("0049 171 1234567", "FR", "+491711234567"),
    ("0171/123 45-67", "DE", "+491711234567"),
    ("+49 (0)171 1234567", "FR", "+491711234567"),
    ("+49 0171 1234567", None, "+491711234567"),
    ("(0171) 1234567", "DE", "+491711234567"),
    ("171 1234567", "DE", "+491711234567"),
    ("4917112345678", "DE", "+4917112345678"),
    ("0171 1234567", None, "+491711234567"),
    ("07700 900123", "GB", "+447700900123"),
    ("+44 (0) 7700 900123", "DE", "+447700900123"),
    ("(415) 555-0132", "US", "+14155550132"),
    ("1-415-555-0132", "US", "+14155550132"),
    ("415.555.0132 ext. 12", "US", "+14155550132"),
    ("+1 415 555 0132 x12", "US", "+14155550132"),
    ("tel:+1-415-555-0132", "US", "+14155550132"),
    ("06 1234 5678", "IT", "+390612345678"),
    ("+39 06 1234 5678", "DE", "+390612345678"),
    ("8 (912) 345-67-89", "RU", "+79123456789"),
    ("06 20 123 4567", "HU", "+36201234567"),
    ("６１２ ３４５ ６７８", "ES", "+34612345678"),
    ("٠٥٠ ١٢٣ ٤٥٦٧", "AE", "+971501234567"),
    ("\u202a+34 612 345 678\u202c", "ES", "+34612345678"),
    ("+34\u00a0612\u2011345\u2011678", "ES", "+34612345678"),
    ("+1 000 000 0000", "US", "+10000000000"),
    ("'+4915199900171", "DE", "+4915199900171"),
    ('="+4915199900171"', "DE", "+4915199900171"),
    ("=0171 1234567", "DE", "+491711234567"),
    ('"0171 1234567"', "DE", "+491711234567"),
    ("'tel:+1-415-555-0132'", "US", "+14155550132"),
    ("8 025 724-94-70", "BY", "+375257249470"),
    ("8 (5) 234 5678", "LT", "+37052345678"),
    ("8316857015", "RU", "+78316857015"),
    ("044 55 1234 5678", "MX", "+525512345678"),
    ("+52 1 55 1234 5678", None, "+525512345678"),
    ("55 1234 5678", "MX", "+525512345678"),
    ("011 15-2345-6789", "AR", "+5491123456789"),
    ("03471 15-29-4171", "AR", "+5493471294171"),
    ("+54 9 11 2345-6789", None, "+5491123456789"),
    ("(11) 8765-4321", "BR", "+5511987654321"),
    ("+55 11 98765-4321", None, "+5511987654321"),
    ("0 15 11 98765-4321", "BR", "+5511987654321"),
    ("(11) 3456-7890", "BR", "+551134567890"),
    ("011 49 171 1234567", "US", "+491711234567"),
    ("0011 44 7700 900123", "AU", "+447700900123"),
    ("436641234567", "AT", "+436641234567"),
    ("31612345678", "NL", "+31612345678"),
    ("+44 7700 900", None, None),
    ("+44 7700 9001234", None, None),
    ("+999 171 1234567", None, None),
    ("'+", "DE", None),
    ("1-800-FLOWERS", "US", None),
    ("0171 1234567 or 0172 1234567", "DE", None),
    ("1234", "DE", None),
    ("0000000000", "DE", None),
    ("0171 1234567890123", "DE", None),
    ("+49", "DE", None),
    ("4917112345678", "FR", None),
    ("171 1234567", "XX", None),
    ("171 1234567", "", None),
    ("[0171] 123_45~67", "DE", "+491711234567"),
    ("+44 020 7946 0000", None, "+442079460000"),
    ("+1234567890123456", "US", None),
    ("n/a", "DE", None),
    ("-", "DE", None),
    ("", "DE", None),
    (None, "DE", None),
]

NAME = [
    ("  Ana   María ", "Ana María"),
    ("Dr. Ana Weiß", "Ana Weiß"),
    ("Prof. Dr. Ana Weiß", "Ana Weiß"),
    ("Mrs Smith", "Smith"),
    ("Drake", "Drake"),
    ("Herrmann", "Herrmann"),
    ("O’Brien", "O'Brien"),
    ("Ａｎａ", "Ana"),
    ("Jose\u0301", "José"),
    ("山田\u3000太郎", "山田 太郎"),
    ("Олена", "Олена"),
    ("Li", "Li"),
    ("Nil", "Nil"),
    ("Null", "Null"),
    ("NULL", "NULL"),
    ("Test", "Test"),
    ("test", "test"),
    ("None", "None"),
    ("Unknown", "Unknown"),
    ("Undefined", "Undefined"),
    ("Mrs", "Mrs"),
    ("N/A", None),
    ("null", None),
    ("unknown", None),
    ("-", None),
    ("...", None),
    ("12345", None),
    ("?", None),
    ("...", None),
    ("", None),
    (None, None),
]

COMPANY = [
    ("Dr. Oetker Muster GmbH", "Dr. Oetker Muster GmbH"),
    ("Miss Sixty Muster SpA", "Miss Sixty Muster SpA"),
    ("Frau Holle  Betten", "Frau Holle Betten"),
    ("1&1", "1&1"),
    ("4711", "4711"),
    ("3M", "3M"),
    ("Ｍüller AG", "Müller AG"),
    ("日産", "日産"),
    (" Null", "Null"),
    ("Nil", "Nil"),
    ("Null & Co", "Null & Co"),
    *((word, None) for word in ("null", "NULL", "NaN", "nan", "None", "Unknown", "N/A")),
    ("-", None),
    ("...", None),
    ("n/a", None),
    ("", None),
    (None, None),
]

ADDRESS = [
    ("Hauptstraße 12", "hauptstr 12"),
    ("Hauptstr. 12", "hauptstr 12"),
    (" HAUPTSTRASSE  12 ", "hauptstr 12"),
    ("Lange Straße 3, 2. OG", "lange str 3 2 og"),
    ("12 High Street", "12 high st"),
    ("12, High St.", "12 high st"),
    ("5 Abbey Road", "5 abbey rd"),
    ("Avenida de América 4", "av de america 4"),
    ("n/a", None),
    ("", None),
    (None, None),
]

DOMAIN = [
    ("Acme.example", "acme.example"),
    ("https://www.Acme.example/de?x=1#y", "acme.example"),
    ("http://user:pw@shop.acme.example:8080/", "shop.acme.example"),
    ("www2.acme.example.", "acme.example"),
    ("bücher.example", "bücher.example"),
    ("acme.xn--p1ai", "acme.xn--p1ai"),
    ("wwwacme.example", "wwwacme.example"),
    ("192.168.0.1", None),
    ("localhost", None),
    ("not a domain", None),
    ("n/a", None),
    ("", None),
    (None, None),
]

EMAIL_DOMAIN = [("ana@mail.example", "mail.example"), (None, None)]

COUNTRY = [
    ("DE", "DE"),
    (" de ", "DE"),
    ("DEU", "DE"),
    ("Germany", "DE"),
    ("Deutschland", "DE"),
    ("uk", "GB"),
    ("USA", "US"),
    ("Österreich", "AT"),
    ("Ελλάδα", "GR"),
    ("日本", "JP"),
    ("Côte d'Ivoire", "CI"),
    ("Côte d’Ivoire", "CI"),
    ("Ivory Coast", "CI"),
    ("XX", None),
    ("Atlantis", None),
    ("", None),
    (None, None),
]

TAX_ID = [
    ("DE 129.273.398", "DE", "DE129273398"),
    ("129273398", "DE", "DE129273398"),
    ("de129273398", None, "DE129273398"),
    ("129 273 398", None, "129273398"),
    ("094014201", "GR", "EL094014201"),
    ("B12345674", "ES", "B12345674"),
    ("０００", "DE", "DE000"),
    ("-", "DE", None),
    ("", "DE", None),
    (None, "DE", None),
]

CASES = {
    "normalise_email('raw')": EMAIL,
    "normalise_email('raw', gmail=true)": GMAIL,
    "normalise_phone('raw', 'country')": PHONE,
    "normalise_name('raw')": NAME,
    "normalise_company_name('raw')": COMPANY,
    "normalise_address('raw')": ADDRESS,
    "normalise_domain('raw')": DOMAIN,
    "email_domain('raw')": EMAIL_DOMAIN,
    "normalise_country('raw')": COUNTRY,
    "normalise_tax_id('raw', 'country')": TAX_ID,
}


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The DuckDB expression of every call in CASES, by one run of dbt."""
    inline = "\n<next>\n".join("{{ " + call + " }}" for call in CASES)
    folder = tmp_path_factory.mktemp("normalise")
    code = inline_.compiled(folder, inline, variables={"cdp_default_country": "DE"})
    return dict(zip(CASES, code.split("<next>"), strict=True))


def _normalised(expression: str, rows: list[tuple[str | None, str | None]]) -> list[str | None]:
    """What an expression gives for each (raw, country)."""
    with duckdb.connect() as connection:
        raws, countries = [list(column) for column in zip(*rows, strict=True)]
        connection.execute(
            "create table cases as select unnest(range(len($1))) as place, unnest($1::text[]) as raw, unnest($2::text[]) as country",
            [raws, countries],
        )
        found = connection.execute(f"select {expression} from cases order by place").fetchall()
    return [value for (value,) in found]


@pytest.mark.parametrize("call", CASES)
def test_normaliser_gives(call: str, compiled: dict[str, str]) -> None:
    rows = [(case[0], case[1] if len(case) == 3 else None) for case in CASES[call]]
    found = _normalised(compiled[call], rows)
    wrong = [
        (row, value, case[-1])
        for row, value, case in zip(rows, found, CASES[call], strict=True)
        if value != case[-1]
    ]
    assert wrong == []


@pytest.mark.parametrize("call", [call for call in CASES if not call.startswith("email_domain")])
def test_normalising_twice_changes_nothing(call: str, compiled: dict[str, str]) -> None:
    once = [case[-1] for case in CASES[call] if case[-1] is not None]
    assert _normalised(compiled[call], [(value, None) for value in once]) == once


def test_phones_are_read_as_libphonenumber_reads_them(compiled: dict[str, str]) -> None:
    """20,000 numbers of 60 countries. What differs is meant: 49171... in Germany has its calling code, and no number passes 15 digits."""
    rows: list[tuple[str | None, str | None]] = list(numbers(20_000, seed=19))
    found = _normalised(compiled["normalise_phone('raw', 'country')"], rows)
    wrong = [
        (*row, value, want)
        for row, value in zip(rows, found, strict=True)
        if value != (want := as_the_package_reads(row[0] or "", row[1] or ""))
    ]
    assert len({country for _, country in rows}) >= 60
    assert len(wrong) / len(rows) <= 0.005, wrong[:20]


def test_lengths_of_numbers_are_those_of_the_package() -> None:
    text = (PROJECT / "macros/normalise/_countries.sql").read_text()
    for country, code, written in re.findall(r"'([A-Z]{2})': \['(\d+)', '\d*', '([\d -]+)'", text):
        ends = [part.split("-") for part in written.split()]
        found = [n for end in ends for n in range(int(end[0]), int(end[-1]) + 1)]
        assert found == lengths(country, code), country


def test_headwater_init_measures_by_the_same_expressions(compiled: dict[str, str]) -> None:
    """It reads the macros without dbt, which compiled them with this project's default country."""
    macros = Macros(PROJECT, "duckdb")
    made = {
        "normalise_email('raw')": macros.email("raw"),
        "normalise_phone('raw', 'country')": macros.phone("raw", "country").replace("'ZZ'", "'DE'"),
        "normalise_country('raw')": macros.country("raw"),
    }
    for call, sql in made.items():
        assert "".join(sql.split()) == "".join(compiled[call].split())
