"""What a look at a column found: shares of its rows, no value."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from sync.config.models import Column
from sync.entrance.yaml_text import word
from sync.records import Kind
from sync.warehouses.base import Dialect

ENOUGH = 0.5  # of the filled values are valid: then the column is what it looks like
# Words that one of the warehouses reads as its own where a column is meant.
_RESERVED = """
all and any array as asc between both by case cast check collate column constraint create cross cube current current_date current_time
current_timestamp current_user default desc describe distinct drop else end except exists false fetch following for foreign from full
grant group grouping having in inner insert intersect interval into is join lateral leading left like limit localtime minus natural new
not null of offset on or order outer over partition pivot placing primary qualify range references right rollup row rows sample select
set some start summarize table tablesample then to trailing true union unique unnest unpivot update user using values variadic when
where window with within
"""
RESERVED = frozenset(_RESERVED.split())
_SPELLED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "oe", "æ": "ae"})


@dataclass(frozen=True, slots=True)
class Looked:
    """A column, and shares of its rows."""

    name: str
    kind: Kind
    filled: float
    distinct: float  # of the filled rows
    email: float = 0.0
    phone: float = 0.0
    named_phone: float = 0.0
    host: float = 0.0
    written: str = ""  # as SQL names it, where that is another word

    @property
    def sql(self) -> str:
        """The column as SQL names it."""
        return self.written or (self.name if _is_plain(self.name) else f'"{self.name}"')

    @property
    def hint(self) -> str:
        """Its name to compare with usual ones: small letters, digits and underscores."""
        return simple(self.name)


def sql_name(column: Column, dialect: Dialect) -> str:
    """A column as SQL names it: in quotes and as it is stored where the warehouse would read another name, or a word of its own."""
    stored = column.stored or column.name
    folded = stored.lower() if dialect.upper_case and stored.isupper() else stored
    is_bare = _is_plain(stored.lower()) and not (dialect.upper_case and not stored.isupper())
    if is_bare:
        return folded.lower()
    return f"{dialect.quote}{stored}{dialect.quote}"


def simple(name: str) -> str:
    """A name as small letters, digits and underscores: `Name der Straße` is name_der_strasse."""
    spelled = unicodedata.normalize("NFC", name).lower().translate(_SPELLED)
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def told(column: str, written: Mapping[str, str]) -> str:
    """A column in YAML; in quotes of its own where its name is none that SQL reads by itself."""
    default = column if _is_plain(column) else f'"{column}"'
    return word(written.get(column, default))


def pair(name: str, column: str, written: Mapping[str, str]) -> str:
    """An identifier or attribute and its column; one word where both are the same."""
    read = told(column, written)
    return name if name == read else f"{{{name}: {read}}}"


def _is_plain(name: str) -> bool:
    return bool(re.fullmatch(r"[a-z_][a-z0-9_]*", name)) and name not in RESERVED
