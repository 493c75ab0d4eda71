"""Personal data out of texts that others wrote: the last guard before a message is kept or shown.

What is no person's survives, since it is what a message is for: a vendor's code, a status, dates and times, an id of a job or run.
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from sync.warehouses.base import Dialect

LONGEST = 500
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ue000-\uf8ff]")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_AT = re.compile(r"\s*[(\[{]\s*at\s*[)\]}]\s*", re.I)

_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_TIME = r"(?:[01]\d|2[0-3]):?[0-5]\d(?::?[0-5]\d(?:[.,]\d+)?)?"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
# Numbers that are no person's, whatever they look like.
_KEPT = re.compile(
    "|".join(
        (
            r"(?<![\w-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",  # UUID
            r"\b\d{8}-\d{6}-\d{6}-[0-9a-f]{6}\b",  # a run
            r"(?<!\w)#[0-9a-f]{32}\b",  # a key's mark
            rf"(?<![\d+]){_YEAR}-?{_MONTH}-?{_DAY}(?:[T _-]?{_TIME}(?:Z|[+-]\d\d:?\d\d)?)?(?![\d])",
            rf"(?<![\d./-])(?:{_DAY}|\d)[./-](?:{_DAY}|\d)[./-]{_YEAR}(?![\d./-])",
            rf"(?<![\d./-]){_YEAR}[./](?:{_MONTH}|\d)[./](?:{_DAY}|\d)(?![\d./-])",
            rf"(?<![\d.+])(?!(?:\d\d\.){{3}}\d\d\b){_OCTET}(?:\.{_OCTET}){{3}}(?::\d+)?(?![\d.])",
            r"(?<![\d(])[1-5]\d\d \((?!0)\d{1,8}\)(?! ?\d)",  # a status and the vendor's code
            r"\bjob(?:[ _-]?ids?)?[\"']?[ =:#]{1,3}[\"']?(?!\S*@)[\w./-]*\w",
        )
    ),
    re.I,
)

_STOP = r"""\s"<>,;(){}\[\]"""
_HOST = rf"(?:\[[^\]]*\]|[^{_STOP}@]+)"
_EMAIL = re.compile(
    rf"""\\*"[^"@]*"\s?@\s?{_HOST}|[^{_STOP}:@]+@{_HOST}|[^{_STOP}:@]+ @ ?[^{_STOP}@]+\.\w+"""
)
_HASH = re.compile(r"(?<![0-9a-zA-Z])(?:[0-9a-f]{32,}|[0-9A-F]{32,})(?![0-9a-zA-Z])")
_NAMES_OF_SECRETS = (
    r"(?:[\w-]*(?:token|secret|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|private[_-]?key|"
    r"signature|credential|cookie)s?|(?<=[?&])key|pwd|sig|authorization|auth)"
)
_SECRET = re.compile(
    rf"""(\b{_NAMES_OF_SECRETS}\\*["']?\s*[=:]\s*\\*["']?)(?!\d{{1,4}}(?:[\s,;)]|$))(?:(?:bearer|basic)\s+)?[^\s,;"'&\\)}}\]]+""",
    re.I,
)
_BEARER = re.compile(
    rf"""\b(bearer(?=\s)|(?:basic|{_NAMES_OF_SECRETS})(?=\s+[^\s,;"']*[\d_+/=])(?=\s+[^\s,;"']{{8}}))\s+[^\s,;"']+""",
    re.I,
)
_TOKEN = re.compile(
    r"\beyJ[\w-]{6,}(?:\.[\w-]+)*"  # JWT
    r"|\b(?:sk|pk|rk|pat|xox[a-z]|gh[a-z]|glpat|whsec|shpat)[_-][\w-]{8,}"
    r"|\b(?=\w*[a-z])(?=\w*[A-Z])(?=\w*\d)[A-Za-z0-9]{20,}\b"
    r"|\bya29\.[\w-]+|\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\bSG\.[\w-]+\.[\w-]+"
)

# What a warehouse quotes of a row it cannot read, in the words of DuckDB, Snowflake and BigQuery.
_QUOTED = re.compile(
    r"""\b((?:value|string|literal|input|text|variant|date|time|timestamp|json|duplicate key)s?:? )"""
    r"""(?:'(?:[^']|'')*'|"[^"]*"(?!\w))(?= |[.,;:)]|$)""",
    re.I,
)
_UNREADABLE = re.compile(r"\b((?:bad|invalid|malformed) \w+(?: \w+)?: ).*", re.I)

_CALLED = re.compile(
    r"""(\b(?:phone|tel|telephone|mobile|msisdn|fax|whatsapp|sms)\w*\\?["']?[\s:=.#]*\\?["']?)"""
    r"""\+?[\d(][\d\s().\-/\u2010-\u2015]{3,}\d""",
    re.I,
)
_NUMBER = re.compile(
    r"(?<![\w.,-])(?:\+|00)?\s?\(?\d(?:[\s().\-/\u2010-\u2015]{0,3}\d){6,16}"
    r"(?:\s?(?:x|ext\.?|#)\s?\d{1,6})?(?!\w)"
    r"|\+\s?\(?\d(?:[\s().\-/\u2010-\u2015]{0,3}\d){5,16}"
)


def scrub(text: str) -> str:
    """`text` without e-mails, phone numbers, hashed identifiers and secrets, at most 500 characters."""
    text, kept = _plain(text), list[str]()

    def keep(found: re.Match[str]) -> str:
        kept.append(found[0])
        return chr(0xE000 + len(kept) - 1)

    text = _UNREADABLE.sub(r"\1[value]", _QUOTED.sub(r"\1[value]", text))
    text = _AT.sub("@", text)
    text = _KEPT.sub(keep, text[:6000])
    text = _EMAIL.sub("[email]", text)
    text = _SECRET.sub(r"\1[secret]", text)
    text = _BEARER.sub(r"\1 [secret]", text)
    text = _HASH.sub("[hash]", text)
    text = _TOKEN.sub("[secret]", text)
    text = _CALLED.sub(r"\1[phone]", text)
    text = _NUMBER.sub(_phone, text)
    for place, found in enumerate(kept):
        text = text.replace(chr(0xE000 + place), found)
    return text[:LONGEST]


def scrub_row(text: str, values: Iterable[object]) -> str:
    """`text` without what a row says of its person either: names and streets look like any other words."""
    text = _plain(text)
    said = {_plain(str(value)) for value in values if isinstance(value, str)}
    words = {word for value in said for word in (value, *re.split(r"[\s@|]+", value))}
    for word in sorted(words, key=len, reverse=True):
        if len(word) > 2:
            text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", "[value]", text, flags=re.I)
    return scrub(text)


_CODE = re.compile(r"[a-z]+(?:[_.-][a-z0-9]+)*|[A-Z]+(?:[_.-][A-Z0-9]+)*|[a-zA-Z]{0,4}-?\d{1,6}")
NO_CODE = "refused"


def code(status: str, values: Iterable[object] = ()) -> str:
    """A vendor's code as it is, and `refused` for anything else: words and what a row says of its person are none."""
    if len(status) <= 60 and _CODE.fullmatch(status) and scrub_row(status, values) == status:
        return status
    return NO_CODE


_PERSONAL = frozenset(
    [
        "email",
        "mail",
        "phone",
        "mobile",
        "msisdn",
        "tel",
        "telephone",
        "fax",
        "name",
        "names",
        "address",
        "street",
        "birthday",
    ]
)
_OPAQUE = frozenset(("id", "key", "hash", "md5", "sha256", "code"))


def shown_key(key: str, *, sync: str, columns: Iterable[str] = ()) -> str:
    """A row's key as it may be kept and shown: an id as it is, and a mark where it is an address, a number or a name.

    The mark is `#` and the MD5 of `<sync>|<key>`, as `mark_of` has it in SQL: a person can look it up, and nobody reads it.
    """
    if re.fullmatch(r"#[0-9a-f]{32}", key):  # a mark already
        return key
    words = [column.lower().split("_") for column in columns]
    is_named = any(not _OPAQUE & set(one) and _PERSONAL & set(one) for one in words)
    if is_named or not _is_id(key):
        return "#" + hashlib.md5(f"{sync}|{key}".encode(), usedforsecurity=False).hexdigest()
    return key


def mark_of(sync: str, expression: str, dialect: Dialect) -> str:
    """SQL expression: the mark of a key."""
    text = dialect.literal(f"{sync}|")
    return f"'#' || {dialect.md5_of.format(f'{text} || {expression}')}"


def _is_id(key: str) -> bool:
    if not re.fullmatch(r"[\w.:~|/=-]*", key, re.A) or len(key) > 200:
        return False
    if re.fullmatch(r"[0-9a-fA-F]{64}", key):  # most likely an identifier that was hashed
        return False
    # Only separators or a leading nought tell a number to call from an id that is one.
    looks = _NUMBER.search(_KEPT.sub("", key))
    return looks is None or (looks[0] == key and key.isdigit() and not key.startswith("0"))


def _plain(text: str) -> str:
    """Without the spellings that hide what is there: escapes of URLs, JSON and HTML, wide and invisible characters."""
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    text = html.unescape(unquote(unquote(text)))
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))


def _phone(found: re.Match[str]) -> str:
    """A number as it is where it can be no phone's."""
    text = found[0].strip()
    groups = re.findall(r"\d+", text)
    digits = "".join(groups)
    lead = found[0][: len(found[0]) - len(found[0].lstrip())]
    if text.startswith("+"):
        return f"{lead}[phone]"
    if len(digits) > 15 and not digits.startswith("00"):
        return found[0]
    if len(groups) == 1:
        return found[0] if len(digits) < 8 and "(" not in text else f"{lead}[phone]"
    if re.fullmatch(r"\d+\.\d+", text) and not re.match(r"0\d", text):
        return found[0]  # a fraction
    if "/" in text and not re.match(r"[0(]", text):
        return found[0]  # so many of so many
    return f"{lead}[phone]"
