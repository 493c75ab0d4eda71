"""Who somebody is, by the models of the last build: their ids, what they are known by, and whether others are known by it too."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sync.errors import ConfigError, SelectionError
from sync.state.erasures import ERASE, PROFILE, RECORD, SHARED, SUPPRESS, Value

if TYPE_CHECKING:
    from sync.config.manifest import Manifest
    from sync.warehouses.base import Session, Warehouse

MODELS = (
    "int_profiles__identifier_holders",
    "profile_identifiers",
    "profile_records",
    "identity_aliases",
)

SCREENED = "identity_values"  # which values say nothing of anybody, where the project has it
ASSIGNED = "identity_assignments"  # every record that there ever was, where the project has it
MERGED_AWAY = "profile_identifiers_merged_away"  # what rows that their source merged away say, where the project has it
OPTIONAL = (SCREENED, ASSIGNED, MERGED_AWAY)

_MAILBOX = re.compile(r"[^<>]*<\s*([^<>\s]+@[^<>\s]+)\s*>")
_SCHEME = re.compile(r"(?:mailto|tel):\s*", re.I)
_BETWEEN = re.compile(r"\(0\)|[\s().\-/\u2010-\u2015]")
_IN_FULL = re.compile(r"(?:\+|00)([1-9]\d{6,14})")
_DIALLED = re.compile(r"0[1-9]\d{5,13}")


def spellings(told: str) -> tuple[str, ...]:
    """How identifiers may hold what somebody wrote: as it is, and an address without its name, a telephone without signs in it.

    The last is the one to keep.
    """
    value = _SCHEME.sub("", told.strip(), count=1)
    if mailbox := _MAILBOX.fullmatch(value):
        value = mailbox[1]
    found = {told.strip(): None, value: None}
    if "@" in value:
        found[value.lower()] = None
    elif number := _IN_FULL.fullmatch(_BETWEEN.sub("", value)):
        found[f"+{number[1]}"] = None
    return tuple(found)


def is_telephone_in_part(told: str) -> bool:
    """Whether it is a telephone number as it is dialled inside a country, which is not known and so leads to nobody, or a piece of one."""
    value = _SCHEME.sub("", told.strip(), count=1)
    digits = _BETWEEN.sub("", value)
    if _DIALLED.fullmatch(digits):
        return True
    if re.fullmatch(r"\+\d+", digits):
        return _IN_FULL.fullmatch(digits) is None
    return digits != value and re.fullmatch(r"[1-9]\d{6,13}", digits) is not None


@dataclass(frozen=True, slots=True)
class Person:
    """One or several profiles that are one request.

    `values` are theirs alone (erase), or others have them too: suppress where they were asked for, else shared.
    """

    ids: tuple[str, ...]
    values: tuple[Value, ...] = field(repr=False)
    shared: tuple[str, ...] = field(repr=False)  # what others are known by too
    records: int = 0


class People:
    """Reads who is who."""

    def __init__(self, warehouse: Warehouse, relations: Mapping[str, str | None]) -> None:
        """`relations` of `MODELS` by name.

        Raises:
            ConfigError: the project lacks one of them.
        """
        missing = [name for name in MODELS if not relations.get(name)]
        if missing:
            raise ConfigError(
                f"the project has no model {', '.join(missing)}, by which people are found.",
                hint="the package headwater must be part of the project.",
            )
        self._of = {name: str(relations[name]) for name in MODELS}
        self._screened = relations.get(SCREENED)
        self._assigned = relations.get(ASSIGNED)
        self._merged_away = relations.get(MERGED_AWAY)
        self._literal = warehouse.dialect.literal

    @classmethod
    def of(cls, warehouse: Warehouse, manifest: Manifest) -> People:
        """Those of a project.

        Raises:
            ConfigError: it lacks a model by which people are found.
        """
        return cls(warehouse, {name: manifest.relation(name) for name in (*MODELS, *OPTIONAL)})

    def find(self, session: Session, told: str) -> list[str]:
        """Ids of the people who live now and are known by `told`: an id, old or new, a record, or an identifier's value.

        What only a row says that its source merged away finds whom it was merged into.
        """
        value = told.strip()
        spelt = self._listed({form for one in spellings(told) for form in (one, one.lower())})
        rows = session.rows(
            f"select profile_id from {self._of['int_profiles__identifier_holders']} "
            f"where identifier_value in ({spelt}) "
            f"union all select profile_id from {self._of['profile_records']} "
            f"where record_key = {self._literal(value)}"
        )
        if not rows and self._has(session, self._merged_away):
            rows = session.rows(
                f"select profile_id from {self._merged_away} where identifier_value in ({spelt})"
            )
        return sorted({str(row["profile_id"]) for row in rows})

    def one(self, session: Session, told: str) -> str:
        """The id of the one person who is known by `told`.

        Raises:
            SelectionError: nobody is, or several people are.
        """
        ids = self.find(session, told)
        if not ids:
            raise SelectionError(
                "nobody is known by it.",
                hint="an id, an e-mail address, a telephone in full, or <source_name>:<id>.",
            )
        if len(ids) > 1:
            raise SelectionError(
                f"{len(ids)} people are known by it: {', '.join(ids)}.",
                hint="name one of them by id.",
            )
        return ids[0]

    def types(self, session: Session) -> list[str]:
        """Types of identifier that anybody is known by."""
        rows = session.rows(
            "select distinct identifier_type from "
            f"{self._of['int_profiles__identifier_holders']} order by 1"
        )
        return [str(row["identifier_type"]) for row in rows]

    def known(self, session: Session, ids: Sequence[str], asked: str) -> Person:
        """What `ids` are known by. A value that others have too is theirs only to be left alone, and only where it was `asked` for."""
        listed = self._listed(ids)
        holders = self._holders(session)
        aliases = session.rows(
            f"select old_id from {self._of['identity_aliases']} where entity = 'person' "
            f"and (live_id in ({listed}) or old_id in ({listed}))"
        )
        own_ids = sorted({*ids, *(str(row["old_id"]) for row in aliases)})
        records = session.rows(
            f"select record_key from {self._of['profile_records']} where profile_id in ({listed})"
        )
        held = session.rows(
            "select held.identifier_type, held.identifier_value, "
            "max(case when linked.profile_id is not null then 1 else 0 end) as is_linked, "
            "max(case when others.profile_id is not null then 1 else 0 end) as is_shared "
            f"from {holders} as held "
            f"left join {self._of['profile_identifiers']} as linked "
            "on linked.profile_id = held.profile_id "
            "and linked.identifier_type = held.identifier_type "
            "and lower(linked.identifier_value) = lower(held.identifier_value) "
            f"left join {holders} as others on others.identifier_type = held.identifier_type "
            "and others.identifier_value = held.identifier_value "
            f"and others.profile_id not in ({listed}) "
            f"where held.profile_id in ({listed}) and held.identifier_type <> '{PROFILE}' "
            "group by held.identifier_type, held.identifier_value order by 1, 2"
        )
        keys = {str(row["record_key"]) for row in records} | self._former(session, own_ids)
        values = [Value(PROFILE, one) for one in own_ids]
        values += [Value(RECORD, key) for key in sorted(keys)]
        spelt = {one.lower() for one in spellings(asked)}
        shared = []
        nothing = self._nothing(session, [str(row["identifier_value"]) for row in held])
        for row in held:
            kind, value = str(row["identifier_type"]), str(row["identifier_value"])
            if (kind, value) in nothing:
                shared.append(value)  # whoever has it, has it by chance
                continue
            is_asked = value.lower() in spelt
            if row["is_shared"]:
                shared.append(value)
                values.append(Value(kind, value, SUPPRESS if is_asked else SHARED))
            elif row["is_linked"] or is_asked:
                values.append(Value(kind, value, ERASE))
        return Person(tuple(ids), tuple(values), tuple(shared), len(records))

    def _holders(self, session: Session) -> str:
        """Who has which value in a record, or had it in a row that its source merged away."""
        holders = self._of["int_profiles__identifier_holders"]
        if not self._has(session, self._merged_away):
            return holders
        columns = "identifier_type, identifier_value, profile_id"
        return (
            f"(select {columns} from {holders} union all select {columns} from {self._merged_away})"
        )

    def _has(self, session: Session, relation: str | None) -> bool:
        return relation is not None and bool(session.columns(relation))

    def _former(self, session: Session, ids: Sequence[str]) -> set[str]:
        """Keys of records that were theirs and are gone: what comes back is theirs too."""
        if not self._has(session, self._assigned):
            return set()
        rows = session.rows(
            f"select record_key from {self._assigned} where entity = 'person' "
            f"and entity_id in ({self._listed(ids)}) and record_key is not null"
        )
        return {str(row["record_key"]) for row in rows}

    def _nothing(self, session: Session, values: Sequence[str]) -> set[tuple[str, str]]:
        """Of these values those that stand for nobody: placeholders, and what a rule blocks."""
        if self._screened is None or not values:
            return set()
        rows = session.rows(
            f"select identifier_type, identifier_value from {self._screened} "
            f"where entity = 'person' and identifier_value in ({self._listed(set(values))}) "
            "and dropped_reason is not null and dropped_reason <> 'ambiguous'"
        )
        return {(str(row["identifier_type"]), str(row["identifier_value"])) for row in rows}

    def is_nobodys(self, session: Session, told: str) -> bool:
        """Whether `told` is a value by which identity knows nobody, whoever has it: a placeholder, or one that is blocked."""
        if self._screened is None:
            return False
        spelt = self._listed({form for one in spellings(told) for form in (one, one.lower())})
        (row,) = session.rows(
            "select min(case when dropped_reason in ('placeholder', 'blocked_value', 'blocked_pattern') then 1 else 0 end) as is_nobodys "
            f"from {self._screened} where entity = 'person' and identifier_value in ({spelt})"
        )
        return bool(row["is_nobodys"])

    def unknown(self, session: Session, asked: str) -> Person:
        """Somebody whom no build knows: the value keeps out whoever comes with it, and finds what was sent before."""
        written, value = asked.strip(), spellings(asked)[-1]
        if "@" in value:
            return Person((), (Value("email", value),), ())
        values = [Value("phone", value)] if value.startswith("+") else []
        if not written.startswith("+"):  # 0049... may be an id too
            kinds = dict.fromkeys([*self.types(session), PROFILE, RECORD])
            values += [Value(kind, written) for kind in kinds]
        return Person((), tuple(values), ())

    def _listed(self, values: set[str] | Sequence[str]) -> str:
        return ", ".join(map(self._literal, sorted(values)))
