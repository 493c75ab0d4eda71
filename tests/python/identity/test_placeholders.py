"""Addresses and numbers that people and programs write where there is none, and real ones that look alike."""

from __future__ import annotations

import duckdb
import pytest

from tests.python.identity.lab import Lab
from tests.python.rows import insert

NO_EMAILS = (
    "noemail@noemail.com donotreply@shop.de do-not-reply@x.com no-reply@a.b no.reply@a.bc test@test.com test1@gmail.com "
    "test.test@gmail.com none@none.com na@na.com a@a.com aa@aa.com abc@abc.com asdf@asdf.de asdfasdf@gmail.com "
    "qwerty@gmail.com qwertz@web.de xxx@xxx.com aaa@gmail.com x@y.zz x@y.com noemail@gmail.com nomail@mail.com no@no.com "
    "no@email.com keine@web.de keinemail@web.de keine.email@gmx.de unknown@unknown.com noname@example.com john@example.com "
    "jane@example.org anna@test.com me@localhost.localdomain 123@123.com 1234@gmail.com 12345@qq.com sinemail@gmail.com "
    "nocorreo@gmail.com pasdemail@orange.fr anonymous@anonymous.com dummy@dummy.com fake@fake.com email@email.com "
    "noreply@firm.com someone@domain.tld null@null.com customer@noemail.com nope@nope.com guest@guest.com kunde@kunde.de user@user.com "
    "me@me.me temp@temp.com walk-in@store.com cash@cash.com your.email@example.de asdasd@asd.com 123@gmail.com a@b.co ab@cd.com "
    "not.real@gmail.com nospam@nospam.com notiene@hotmail.com keineangabe@web.de name@name.com someone@somewhere.com ohne@ohne.de "
    "max.mustermann@gmail.com firstname.lastname@email.com deleted@deleted.com email@gmail.com 0@0.com"
)
EMAILS = (
    "anna@web.org kasse@shop.example smith@smith.com info@firm.de nora@web.de noah@firm.com nonna@web.it nina@x.org "
    "testa@firm.it tester.anna@web.de abel@abc.com a@meyer.de max@a.com jo@firm.com naomi@none.org.uk mailer@firm.com "
    "contact@firm.com fakeh@web.de 100200@qq.com test-pilot@firm.com nobodaddy@web.org maria.test@uni.de noemi@web.ch "
    "norbert.no@web.no samplee@web.de abc@gmail.com nadine@na.de kunden@firma.de info@info-firma.de lea@lea.de guesthouse@hotel.com "
    "john.donovan@gmail.com gaston@gast.fr temple@temple.edu cashmere@shop.com admin@meyer.de sinan@gmail.com 4711@koeln.de"
)
NO_PHONES = (
    "+491234567890 1234567890 +11234567890 +10000000000 +1234567890 +490000000000 +499999999999 +33123456789 +441234567890 "
    "+15555555555 +15551234567 +12125550123 +491511111111 +4915112345678 +4915123456789 +5511987654321 +49123456789 "
    "0123456789 +390123456789 +861234567890 +491212121212 +49123123123 +447700900123 +49987654321 +491234567 +49123456 +12125551212 "
    "+18005551234 +33102030405 +8613800138000 +1231231234 +12341234 +49121212"
)
PHONES = (
    "+4930123456 +491511234567 +4930901820 +16502530000 +442079460 +4989123457 +498001000200 +33140205050 +4915100000012 "
    "+493000000012 +498000000012 +4969123450 +41446681800 +12015550999"
)
CASES = [
    *((one, "is_no_email", True) for one in NO_EMAILS.split()),
    *((one, "is_no_email", False) for one in EMAILS.split()),
    *((one, "is_no_phone", True) for one in NO_PHONES.split()),
    *((one, "is_no_phone", False) for one in PHONES.split()),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("placeholders") / "lab")
    (lab.directory / "models/engine/staging/judged.sql").write_text(
        "{{ config(materialized='table') }}\nselect value, {{ headwater.is_no_email('value') }} as is_no_email, "
        "{{ headwater.is_no_phone('value') }} as is_no_phone from raw.given_values"
    )
    lab.changed()
    with duckdb.connect(str(lab.database)) as connection:
        connection.execute("create table raw.given_values (value varchar)")
        insert(connection, "raw.given_values", [[one] for one, *_ in CASES])
    lab.build("--select", "judged", command="run")
    return lab


@pytest.mark.parametrize("macro", ["is_no_email", "is_no_phone"])
def test_placeholders_of_an_address_and_a_number(lab: Lab, macro: str) -> None:
    judged = dict(lab.query(f"select value, {macro} from analytics.judged"))
    wrong = [one for one, asked, expected in CASES if asked == macro and judged[one] != expected]
    assert wrong == []
