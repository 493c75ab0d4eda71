"""How many addresses and numbers of a column the build will read: counted in the warehouse, by the package's own normalisers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sync.entrance.macros import Macros
from sync.errors import ConfigError
from sync.warehouses.base import Dialect, Session

_WORTH = 0.05  # of the values: a country that reads so many more is worth a word
_VALUE, _LAND = "looked_at", "looked_at_country"
_ELSEWHERE = {"UK": "GB"}  # endings of domains that are not their country's code


@dataclass(frozen=True, slots=True)
class Reading:
    """What the build will make of a column of addresses or numbers."""

    valid: float  # of the filled
    as_is: float  # of the filled, that are normalised already
    expression: str  # of the model, without its name
    country: str | None = None  # which would read more numbers, as a code
    with_country: float = 0.0  # of the filled, that are valid then

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to normalise."""
        return self.as_is >= 1.0

    @property
    def lacks_country(self) -> bool:
        """Whether numbers are lost that some country may read."""
        return self.expression.startswith("headwater.normalise_phone") and self.valid <= 1 - _WORTH

    def document(self) -> dict[str, Any]:
        """The reading as --json prints it."""
        return {
            "normalise": None if self.is_done else self.expression,
            "country_that_reads_more": self.country,
            "valid_with_country": round(self.with_country, 4) if self.country else None,
        }


class Meter:
    """Reads columns as the build would, with the country that holds."""

    def __init__(self, macros: Macros, dialect: Dialect, country: str | None) -> None:
        self._macros = macros
        self._dialect = dialect
        self._country = country

    def read(self, session: Session, relation: str, kind: str, columns: dict[str, str]) -> Reading:
        """`columns` are SQL: those of email, phone and country that the model has.

        Raises:
            WarehouseError: the warehouse refused.
        """
        column = columns[kind]
        called = f"headwater.normalise_{kind}({_text(column)}"
        if kind == "email":
            found = self._shares(session, relation, column, {"plain": self._macros.email(_VALUE)})
            return Reading(found["plain"], found["same_plain"], f"{called})")
        default = f"'{self._country}'" if self._country else None
        ways = {"plain": self._macros.phone(_VALUE, default)}
        land = columns.get("country")
        if land:
            ways["by_row"] = self._macros.phone(_VALUE, f"coalesce({_LAND}, {default or 'null'})")
        found = self._shares(session, relation, column, ways, land)
        best = Reading(found["plain"], found["same_plain"], f"{called})")
        if land and found["by_row"] > best.valid + 0.001:
            best = Reading(found["by_row"], found["same_by_row"], f"{called}, {_text(land)})")
        return (
            best if best.valid > 1 - _WORTH else self._by_others(session, relation, columns, best)
        )

    def _by_others(
        self, session: Session, relation: str, columns: dict[str, str], best: Reading
    ) -> Reading:
        """The same with a country that reads more: one that the addresses and the countries of the rows point at."""
        likely = self._likely(session, relation, columns)
        if not likely:
            return best
        # A code may be a word of SQL: in, is, as, to.
        ways = {f"as_{code.lower()}": self._macros.phone(_VALUE, f"'{code}'") for code in likely}
        found = self._shares(session, relation, columns["phone"], ways)
        code = max(likely, key=lambda one: found[f"as_{one.lower()}"])
        share = found[f"as_{code.lower()}"]
        return (
            replace(best, country=code, with_country=share)
            if share >= best.valid + _WORTH
            else best
        )

    def _likely(self, session: Session, relation: str, columns: dict[str, str]) -> list[str]:
        known = self._macros.countries()
        codes = ", ".join(f"'{code}'" for code in [*known, *_ELSEWHERE])
        counts: dict[str, int] = {}
        for kind, way in (("email", self._macros.ending), ("country", self._macros.country)):
            if kind not in columns:
                continue
            rows = session.rows(
                f"select code, count(*) as n from (select {way(_VALUE)} as code from {self._values(relation, columns[kind])}) as c"
                f" where code in ({codes}) group by code order by n desc, code limit 3"
            )
            for row in rows:
                code = _ELSEWHERE.get(str(row["code"]), str(row["code"]))
                counts[code] = counts.get(code, 0) + int(row["n"])
        return sorted(counts, key=lambda code: (-counts[code], code))[:3]

    def _shares(
        self,
        session: Session,
        relation: str,
        column: str,
        ways: dict[str, str],
        land: str | None = None,
    ) -> dict[str, float]:
        counts = ["count(*) as n"]
        for name in ways:
            counts.append(f"count({name}) as read_{name}")
            counts.append(f"sum(case when {name} = {_VALUE} then 1 else 0 end) as same_{name}")
        made = ", ".join(f"{sql} as {name}" for name, sql in ways.items())
        values = self._values(relation, column, land)
        query = f"select {', '.join(counts)} from (select {_VALUE}, {made} from {values}) as r"
        row = session.rows(query)[0]
        filled = int(row["n"])
        shares = {}
        for name in ways:
            shares[name] = int(row[f"read_{name}"] or 0) / filled if filled else 0.0
            shares[f"same_{name}"] = int(row[f"same_{name}"] or 0) / filled if filled else 0.0
        return shares

    def _values(self, relation: str, column: str, land: str | None = None) -> str:
        text = self._dialect.text(column)
        country = f", {self._dialect.text(land)} as {_LAND}" if land else ""
        return f"(select {text} as {_VALUE}{country} from {relation} where trim({text}) <> '') as t"


def checked_country(given: object, macros: Macros, where: str) -> str | None:
    """A country's code as the build takes it; None where none is set.

    Raises:
        ConfigError: it is no ISO 3166-1 alpha-2 code that is known.
    """
    if given is None or given == "":
        return None
    countries = macros.countries()
    if isinstance(given, str) and given in countries:
        return given
    if given is False:
        raise ConfigError(
            f"{where}: NO without quotes is false in YAML.",
            hint="write 'NO' in quotes for Norway; leave it out where no country holds.",
        )
    meant = [
        code for code, facts in countries.items() if str(given).strip().upper() in (code, *facts[3])
    ]
    near = f" (did you mean '{meant[0]}'?)" if meant else ""
    raise ConfigError(
        f"{where}: '{given}' is not an ISO 3166-1 alpha-2 code{near}.",
        hint="two capital letters such as AT: the country of phone numbers without a calling code.",
    )


def _text(sql: str) -> str:
    return "'" + sql.replace("'", "\\'") + "'"
