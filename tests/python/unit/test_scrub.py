"""What others wrote is kept and shown without people's data and secrets; codes, dates and ids survive."""

from __future__ import annotations

import random

import pytest

from sync.engine.scrub import code, scrub, scrub_row

SURVIVE = [
    "meta: POST answered 400 (2650).", "meta: POST answered 400 (80003).", "answered 400 (1870029).",
    "klaviyo: GET answered 429 (10020)", "answered 500 (1).", "answered 503.",
    "2026-11-28", "28.11.2026", "11/28/2026", "2026/11/28", "20261128", "1/2/2026",
    "2026-11-28 12:00:00", "2026-11-28T12:00:00Z", "2026-11-28T12:00:00.123456+01:00",
    "20261128120000", "job 1234567890123 did not finish within 900 s.",
    "job 01HZX3V5QK8YB2M4N6P7R9S0T1 was running", "given up while job VGhpcyBqb2I3Ng12345 was running.",
    "run 20261128-120000-123456-ab12cd", "123e4567-e89b-12d3-a456-426614174000",
    "unknown key 'identifier' in sync", "mode 'miror' is not one of upsert, mirror",
    "address 192.168.100.200:54321 refused", "127.0.0.1", "1,234,567 rows were taken",
    "would add 2,000 rows; its guards allow 100.", "0.123456789", "1234567.89 EUR", "12.5 s",
    "errno 28", "3 of 10 rows", "100000/250000 rows", "1000000", "v23.0", "token expired",
    "the key is missing", "sync 'klaviyo_lapsed_buyers_2' needs column 'score'",
    "act_1234567890123456", "HTTP 401 Unauthorized", "TLSV1_ALERT_UNKNOWN_CA", "profile_id p1",
    "code 190, subcode 463", "a job refused 5 of 253 rows and does not say which",
]  # fmt: skip
PHONES = [
    "+49 30 1234567", "+4930123456", "0049 30 123456", "030 123456-78", "030/1234567", "0171/123 45 67",
    "(030) 123456", "(212) 555-0100", "212-555-0100", "212.555.0100", "1-800-555-0101", "+1 (800) 555 0101",
    "06 12 34 56 78", "06.12.34.56.78", "020 7946 0958", "+44 (0)20 7946 0958", "555-0100", "91 23 45 67",
    "45.67.89.12", "912345678", "4915112345678", "15551234567", "91234567", "0301234567",
    "+33\u00a06\u00a012\u00a034\u00a056\u00a078", "+49\u201130\u20111234567", "212\u2013555\u20130100",
    "\uff0b\uff14\uff19\uff13\uff10\uff11\uff12\uff13\uff14\uff15\uff16", "\u0660\u0661\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
    "%2B4930123456", "%252B4930123456", r"\u002b4930123456", "tel:+49-30-1234567", "+358 40 123 4567",
    "+91 98765 43210", "+86 138 0013 8000", "03-1234-5678", "(11) 91234-5678", "8 (495) 123-45-67",
    "+4930123456x12", "0171 1234567 ext. 5", "phone: 12345", 'phone_number":"5812345"', "+49\u200b30\u200b123456",
]  # fmt: skip
EMAILS = [
    "anna@example.com", "anna.mueller+tag@sub.example.co.uk", "ANNA@EXAMPLE.COM", "j\u00f6rg@m\u00fcller.de",
    "\u7528\u6237@\u4f8b\u5b50.\u5e7f\u544a", '"anna mueller"@example.com', r'\"anna mueller\"@example.com',
    "anna%40example.com", "anna%2540example.com", r"anna\u0040example.com", "anna&#64;example.com",
    "anna&commat;example.com", "anna\uff20example.com", "o'brien@example.com", "anna@localhost", "<anna@example.com>",
    "mailto:anna@example.com", "anna(at)example.com", "anna [at] example.com", "anna@[192.168.0.1]",
    "anna=mueller@example.com", "anna\u200b@example.com", "anna @ example.com", "anna.1990-01-01@example.com",
    "xn--anna@xn--mller-kva.de", "?email=anna%40example.com&x=1", "a/b.anna@example.com",
]  # fmt: skip
SECRETS = [
    "Bearer abc123def456", "Authorization: Bearer sk-abc", "authorization: Basic YW5uYTpzZWNyZXQ=",
    "access_token=EAABsbCS1iHgBA", '{"access_token":"ya29.a0AfH6SMBx"}', "'refresh_token': '1//0gabc'",
    "api_key: 4f9a8b7c", "apikey=4f9a8b7c", "X-Api-Key: hunter2hunter2", "client_secret=s3cr3t", "password=hunter2",
    "token abc123def456", "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "pat-na1-123e4567-e89b-12d3-a456-426614174000",
    "xoxb-123456789012-abcdef", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123",
    "EAABsbCS1iHgBAKZCZC0qZBZAq8abc7", "AKIAIOSFODNN7EXAMPLE", "?access_token=abc123&x=1", r'\"token\":\"abc123\"',
]  # fmt: skip
HASHES = ["a" * 32, "0f" * 20, "9A" * 32, "ab" * 64]
AROUND = ["{}", "refused: {} is wrong", "({})", "meta: POST answered 400 (2650). {}", "it is '{}'.",
          '{{"error":{{"message":"{}"}}}}', "{}, 2026-11-28", "[{}]", "2026-11-28 12:00:00 {}"]  # fmt: skip
LEFT = ("anna", "mueller", "example", "rg@", "hunter2", "sk-abc", "abc123", "s3cr3t", "4f9a8b7c", "hgba",
        "ya29.a", "0gabc", "4ec39", "123e4567", "abcdef", "eyj", "bcs1", "iosf", "yw5u", "brien", "\u7528")  # fmt: skip


@pytest.mark.parametrize("text", SURVIVE)
def test_what_is_no_persons_survives(text):
    assert scrub(text) == text
    for around in ("sync 'x': {}", "{} (it said)", "{}; {}"):
        assert scrub(around.format(text, text)) == around.format(text, text)


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("phone", PHONES)
def test_phones_do_not(phone, around):
    clean = scrub(around.format(phone))
    assert "[phone]" in clean, clean
    without = clean.replace("2026-11-28", "").replace("12:00:00", "").replace("400 (2650)", "")
    assert sum(char.isdigit() for char in without) == 0, clean


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("text", [*EMAILS, *SECRETS, *HASHES])
def test_nor_do_addresses_secrets_and_hashes(text, around):
    if '"' in text and "{{" in around:
        text = text.replace('"', r"\"")
    clean = scrub(around.format(text)).casefold()
    assert not [left for left in LEFT if left in clean], clean
    assert "@" not in clean
    for one in HASHES:
        assert one.casefold() not in clean


def test_a_code_beside_what_is_taken_out_is_still_there():
    clean = scrub("klaviyo: POST answered 400 (2650). anna@example.com, +49 30 123456, 2026-11-28")
    assert clean == "klaviyo: POST answered 400 (2650). [email], [phone], 2026-11-28"


def test_random_phones_of_every_grouping_are_taken_out():
    rng = random.Random(18)
    for _ in range(3000):
        digits = "".join(rng.choice("0123456789") for _ in range(rng.randrange(9, 15)))
        text, left = rng.choice(["+", "00", "0", "(0"]), digits
        closes = text == "(0"
        while left:
            size = rng.randrange(2, 5)
            text, left = text + left[:size] + (")" if closes else ""), left[size:]
            closes = False
            text += rng.choice([" ", "-", ".", ""]) if left else ""
        clean = scrub(f"value {text} is wrong")
        assert sum(char.isdigit() for char in clean) == 0, (text, clean)


def test_a_text_is_as_long_as_it_may_be_and_odd_ones_do_no_harm():
    assert len(scrub("x" * 9000)) == 500
    for text in (
        "",
        "\x00",
        "\ud800",
        "%",
        "%zz",
        "\\u12",
        "&#999999999;",
        "@",
        "@@@",
        "\ue000\ue001",
    ):
        scrub(text)


@pytest.mark.parametrize(
    "status", ["rejected", "INVALID_EMAIL", "404", "too_large", "job_failed", "E1001", "80003", "PROCESSING"],
)  # fmt: skip
def test_a_code_is_a_code(status):
    assert code(status) == status


@pytest.mark.parametrize(
    "status",
    ["anna@example.com", "+49 30 123456", "0301234567", "Anna Mueller", "Mueller", "x" * 61, "", "a b",
     "Bearer abc", "no such person: anna", "{'a': 1}", "anna", "MUELLER", "Musterstrasse_12"],
)  # fmt: skip
def test_anything_else_is_refused(status):
    row = ["Anna Mueller", "anna@example.com", 3, None]
    assert code(status, row) == "refused"


def test_what_the_row_says_of_its_person_is_not_in_its_message():
    row = ["Anna Mueller", "Hauptstr. 5", "anna.m@example.com", 7, None, ""]
    said = "HAUPTSTR. 5 is no street of anna   mueller (code 17)"
    assert scrub_row(said, row) == "[value] is no street of [value]   [value] (code 17)"
