"""`init --from-models`: what the columns of a team's models look like, by counts that the warehouse makes; no value leaves it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sync.config.manifest import Manifest
from sync.config.models import Column
from sync.entrance import companies
from sync.entrance.companies import Account
from sync.entrance.looked import ENOUGH, Looked, pair, simple, sql_name, told
from sync.entrance.measured import Meter, Reading
from sync.entrance.start import ATTRIBUTES, IDENTIFIERS, KEY, Proposal
from sync.errors import ConfigError, closest
from sync.records import Kind
from sync.warehouses.base import Dialect, Session, Warehouse

# Without backslashes, so that each warehouse reads them alike.
_EMAIL = "^[^@ ,;]+@[^@ ,;]+[.][A-Za-z]{2,}$"
_PHONE = "^([+]|0|[(])[0-9 ()/.-]{6,19}$"
_NAMED_PHONE = "^[+(]?[0-9][0-9 ()/.-]{5,19}$"
_HOST = "^(https?://)?[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*[.][A-Za-z]{2,}([/:?].*)?$"

# Usual names in English, German, French, Spanish, Italian, Dutch and Polish, as `simple` writes them.
_HINTS: Mapping[str, str] = {
    "first_name": r"(first|given|fore)_?name|vor_?name|prenom|nombre|nome|voornaam|imie",
    "last_name": r"(last|family|sur)_?name|(nach|familien)_?name|nom(_?de_?famille)?|apellidos?|cognome|achternaam|nazwisko",
    "street": r"street(_?address)?|address_?line_?1|address1|strasse(_?(und_?)?(haus)?(nr|nummer))?|rue|calle|via|indirizzo|straat|ulica",
    "postal_code": r"post(al)?_?code|zip(_?code)?|plz|postleitzahl|code_?postal|codigo_?postal|cap|kod_?pocztowy",
    "city": r"city|town|ort|wohn_?ort|stadt|ville|ciudad|citta|plaats|woonplaats|miasto",
    "country": r"country(_?code)?|land|laender_?code|staat|pays|code_?pays|pais|paese|nazione|kraj",
    "language": r"language|locale|sprache|langue|idioma|lingua|taal|jezyk",
    "time_zone": r"time_?zone|zeit_?zone",
    "birth_date": r"birth_?(date|day)|date_?of_?birth|dob|geburts_?(datum|tag)|geboren(_?am)?|date_?de_?naissance|fecha_?de_?nacimiento"
    r"|data_?di_?nascita|geboorte_?datum|data_?urodzenia",
}
_PERSONAL = frozenset(
    {"email", "first_name", "last_name", "birth_date"}
)  # a firm has a telephone too
_OF_BOTH = frozenset({"nom", "nombre", "nome"})
_RULES: Mapping[str, str] = {
    **ATTRIBUTES,
    "street": "most_recent",
    "postal_code": "{follows: street}",
    "city": "{follows: street}",
    "language": "most_recent",
    "time_zone": "most_recent",
    "birth_date": "{rule: source_priority, type: date}",
}
_FIRST = (
    r"creat|since|regist|sign_?(ed_)?up|join|first|insert|opened|placed|bought|order|occurr|start|angelegt|erstellt|seit|bestell|gekauft"
    r"|cree|creado|creat[oa]"
)
_LAST = r"updat|chang|modif|last|seen|edit|geaendert|aktualisiert|zuletzt|actualizado|aggiornat"
_PEOPLE = r"(customer|client|member|user|buyer|shopper|subscriber|guest|kunden|mitglieds?|nutzer|cliente)_?(id|no|nr|number|nummer|key)"
_IDS = r"(^|_)(id|no|nr|number|nummer|key|code|uuid)$|(nr|nummer)$"
_PHONES = r"phone|mobile|tel(efon|_|no|nr|$)|cell|handy|fon(_|nr|$)|mobil|telef|gsm"


@dataclass(frozen=True, slots=True)
class ModelProposal:
    """What a model says about people, and about companies."""

    model: str
    path: str | None  # where it is described already, from the project's folder
    rows: int
    key: str
    first_seen: str | None
    last_seen: str | None
    identifiers: Mapping[str, str]  # column, by type
    attributes: Mapping[str, str]  # golden attribute: column
    valid: Mapping[str, float] = field(default_factory=dict)  # by identifier type, of the filled
    filled: Mapping[str, float] = field(default_factory=dict)  # by identifier type, of all rows
    is_event: bool = False
    of_many: tuple[str, ...] = ()  # keys of another model that several people have: a company's
    is_company: bool = False  # its key is such a one, and nothing in it is a person's
    account: Account | None = None  # the company that a row is, or that its person works for
    unused: tuple[str, ...] = ()
    written: Mapping[str, str] = field(default_factory=dict)  # columns as SQL names them
    readings: Mapping[str, Reading] = field(default_factory=dict)  # by identifier type

    @property
    def source_name(self) -> str:
        """What profile_records calls its rows' source, as the package has it."""
        return re.sub(r"_+", "_", simple(self.model).removeprefix("stg_"))

    def document(self) -> dict[str, Any]:
        """The proposal as --json prints it; no value is in it."""
        return {
            "model": self.model,
            "source_name": self.source_name,
            "rows": self.rows,
            "key": self.key,
            "first_seen_at": self.first_seen,
            "last_seen_at": self.last_seen,
            "is_event": self.is_event,
            "identifiers": [
                {
                    "type": kind,
                    "column": column,
                    "filled": round(self.filled[kind], 4),
                    "valid": round(self.valid[kind], 4),
                    **(self.readings[kind].document() if kind in self.readings else {}),
                }
                for kind, column in self.identifiers.items()
            ],
            "attributes": [
                {"name": name, "column": column} for name, column in self.attributes.items()
            ],
            "of_many": list(self.of_many),
            "is_company": self.is_company,
            "account": self.account.document() if self.account else None,
            "unused": list(self.unused),
        }

    def shares(self, kind: str) -> str:
        """How much of an identifier is filled and, where its form says so, valid."""
        filled = f"{self.filled[kind]:.0%} filled"
        is_known = kind in ("email", "phone")
        return f"{filled}, of these {self.valid[kind]:.1%} valid" if is_known else filled

    def normalised(self, kind: str) -> str | None:
        """What its model has to say of an identifier; None where that is done."""
        reading = self.readings[kind]
        if reading.is_done:
            return None
        column = self.identifiers[kind]
        return f"{{{{ {reading.expression} }}}} as {self.written.get(column, column)}"

    def record(self) -> str:
        """`record:` of the model's meta, as YAML."""
        name = f"  source_name: {self.source_name}   # part of record keys, for ever"
        lines = ["record:", name, f"  key: {told(self.key, self.written)}"]
        if self.first_seen:
            lines.append(f"  first_seen_at: {told(self.first_seen, self.written)}")
        if self.last_seen and self.last_seen != self.first_seen:
            lines.append(f"  last_seen_at: {told(self.last_seen, self.written)}")
        lines += [] if self.is_company else self._person()
        if self.account:
            lines += [f"  {line}" for line in self.account.lines()]
        return "\n".join(lines) + "\n"

    def _person(self) -> list[str]:
        lines = ["  person:"]
        if self.identifiers:
            lines.append("    identifiers:")
            lines += [
                f"      - {pair(kind, column, self.written)}   # {self.shares(kind)}"
                for kind, column in self.identifiers.items()
            ]
        if self.attributes:
            lines.append("    attributes:")
            lines += [
                f"      - {pair(name, column, self.written)}"
                for name, column in self.attributes.items()
            ]
        return lines


def propose(
    manifest: Manifest,
    warehouse: Warehouse,
    models: Sequence[str],
    keys: Mapping[str, str],
    meter: Meter,
) -> list[ModelProposal]:
    """One proposal per model, in the order given. `keys` are those that a person named.

    How many addresses and numbers are valid is what the build's own normalisers make of them.

    Raises:
        ConfigError: a model is not there, is not built, or no column of it names its rows.
        WarehouseError: the warehouse refused.
    """
    for model in keys:
        if model not in models:
            raise ConfigError(
                f"--key {model}=...: not among --from-models{closest(model, models)}.",
                hint=f"those are {', '.join(models)}.",
            )
    relations = {model: _relation(manifest, model) for model in models}
    found: dict[str, tuple[int, list[Looked]]] = {}
    with warehouse.session() as session:
        for model, relation in relations.items():
            columns = session.columns(relation)
            if not columns:
                raise ConfigError(
                    f"model '{model}' is not in the warehouse.", hint=f"dbt build --select {model}"
                )
            found[model] = _look(session, warehouse.dialect, relation, columns)
        chosen = {
            model: _key(model, looked, keys.get(model)) for model, (_, looked) in found.items()
        }
        looks = [(model, rows, looked) for model, (rows, looked) in found.items()]
        proposals = proposed(looks, chosen, manifest.described_in)
        return [_measured(one, session, relations[one.model], meter) for one in proposals]


def _measured(one: ModelProposal, session: Session, relation: str, meter: Meter) -> ModelProposal:
    """The same, valid as the build will find it."""
    if one.is_company:
        return one
    columns = {
        name: one.written[column]
        for name, column in (*one.attributes.items(), *one.identifiers.items())
        if name in ("email", "phone", "country")
    }
    readings = {
        kind: meter.read(session, relation, kind, columns)
        for kind in ("email", "phone")
        if kind in one.identifiers
    }
    shares = {kind: reading.valid for kind, reading in readings.items()}
    return replace(one, valid={**one.valid, **shares}, readings=readings)


def proposed(
    looks: Sequence[tuple[str, int, Sequence[Looked]]],
    keys: Mapping[str, str],
    described_in: Callable[[str], str | None],
) -> list[ModelProposal]:
    """Of models, their rows and columns."""
    proposals = [
        _proposal(model, described_in(model), rows, looked, keys) for model, rows, looked in looks
    ]
    of_many = {simple(name) for one in proposals for name in one.of_many}
    seen = {model: looked for model, _, looked in looks}
    firms = {
        one.model: companies.company(one.key, seen[one.model])
        for one in proposals
        if (simple(one.key) in of_many and not _PERSONAL & set(one.attributes))
        or (
            not one.is_event
            and not _is_of_people(one, seen[one.model])
            and companies.is_of_companies(seen[one.model])
        )
    }
    keys_of_firms = {simple(one.key) for one in proposals if one.model in firms}
    hosts = any("domain" in firm.identifiers for firm in firms.values())
    return [
        replace(
            one,
            is_company=True,
            account=firms[one.model],
            unused=_left(seen[one.model], one, firms[one.model].columns),
        )
        if one.model in firms
        else _with_company(one, keys_of_firms, seen[one.model], hosts)
        for one in proposals
    ]


def _with_company(
    one: ModelProposal, keys: set[str], looked: Sequence[Looked], hosts: bool
) -> ModelProposal:
    """The same with the company that its people work for, where a model of companies says which keys are those."""
    theirs = [name for name in one.of_many if simple(name) in keys]
    if not theirs:
        return one
    account = companies.contact(theirs, one.identifiers.get("email"), looked, hosts)
    unused = tuple(name for name in one.unused if name not in account.columns)
    left = tuple(name for name in one.of_many if name not in theirs)
    return replace(one, account=account, of_many=left, unused=unused)


def _is_of_people(one: ModelProposal, looked: Sequence[Looked]) -> bool:
    """Whether something in its rows is a person's; what other languages call a name is a firm's as well."""
    names = {column.name: column.hint for column in looked}
    said = _PERSONAL & set(one.attributes)
    if {"first_name", "last_name"} <= said:
        return True
    return any(names.get(one.attributes[name]) not in _OF_BOTH for name in said)


def _left(looked: Sequence[Looked], one: ModelProposal, used: frozenset[str]) -> tuple[str, ...]:
    """Columns of a model of companies that nothing is made of."""
    taken = {one.key, one.first_seen, one.last_seen, *used}
    return tuple(column.name for column in looked if column.name not in taken)


def united(proposals: Sequence[ModelProposal]) -> Proposal:
    """What the project's settings say for all of them."""
    identifiers: dict[str, str] = {}
    attributes: dict[str, str] = {}
    for one in proposals:
        if one.is_company:
            continue
        for kind in one.identifiers:
            identifiers.setdefault(kind, IDENTIFIERS.get(kind, KEY))
        for name in one.attributes:
            attributes.setdefault(name, _RULES[name])
    if "street" not in attributes:  # what follows a street that nobody gives stands by itself
        attributes = {
            name: "most_recent" if "follows" in rule else rule for name, rule in attributes.items()
        }
    records = tuple(one.model for one in proposals)
    of_companies = companies.rules(one.account for one in proposals if one.account)
    if all(one.is_company for one in proposals):  # people may come later, by the usual rules
        identifiers = dict(IDENTIFIERS)
    # Tier by tier: keys, addresses, numbers.
    return Proposal(
        records, dict(sorted(identifiers.items(), key=_tier)), attributes, *of_companies
    )


def _tier(entry: tuple[str, str]) -> str:
    return entry[1].partition("tier: ")[2][:1]


def _relation(manifest: Manifest, model: str) -> str:
    relation = manifest.relation(model)
    if relation is None:
        names = [one.name for one in manifest.models()]
        raise ConfigError(
            f"--from-models: no model '{model}' with a table or view{closest(model, names)}.",
            hint="name models of the project, then dbt parse, if it is new.",
        )
    return relation


def _look(
    session: Session, dialect: Dialect, relation: str, columns: Sequence[Column]
) -> tuple[int, list[Looked]]:
    """Rows of a relation and shares of each column: one scan."""
    counts = ["count(*) as n"]
    asked = [column for column in columns if column.kind not in (Kind.NESTED, Kind.OTHER)]
    for number, column in enumerate(asked):
        name = (
            f"{dialect.quote}{column.stored}{dialect.quote}"
            if column.stored
            else dialect.column(column.name)
        )
        counts.append(f"count({name}) as f{number}")
        counts.append(f"{dialect.count_distinct(dialect.text(name))} as d{number}")
        if column.kind is Kind.TEXT:
            value = f"trim({dialect.text(name)})"
            for letter, pattern in (
                ("e", _EMAIL),
                ("p", _PHONE),
                ("q", _NAMED_PHONE),
                ("h", _HOST),
            ):
                matches = dialect.matches(value, pattern)
                counts.append(f"sum(case when {matches} then 1 else 0 end) as {letter}{number}")
            # An empty text fills nothing.
            counts.append(f"sum(case when {value} = '' then 1 else 0 end) as b{number}")
    row = session.rows(f"select {', '.join(counts)} from {relation}")[0]
    rows = int(row["n"])
    looked = []
    for number, column in enumerate(asked):
        filled = int(row[f"f{number}"]) - int(row.get(f"b{number}") or 0)
        shares = {
            letter: int(row.get(f"{letter}{number}") or 0) / filled if filled else 0.0
            for letter in "epqh"
        }
        looked.append(
            Looked(
                name=column.name,
                kind=column.kind,
                filled=filled / rows if rows else 0.0,
                distinct=min(int(row[f"d{number}"]) / filled, 1.0) if filled else 0.0,
                email=shares["e"],
                phone=shares["p"],
                named_phone=shares["q"],
                host=shares["h"],
                written=sql_name(column, dialect),
            )
        )
    return rows, looked


def _key(model: str, looked: Sequence[Looked], given: str | None) -> str:
    names = [column.name for column in looked]
    if given is not None:
        if given.lower() not in names:
            raise ConfigError(
                f"--key {model}={given}: no such column{closest(given, names)}.",
                hint=f"columns are {', '.join(names)}.",
            )
        return given.lower()
    unique = [
        column
        for column in looked
        if column.filled == 1.0
        and column.distinct == 1.0
        and column.kind in (Kind.TEXT, Kind.WHOLE, Kind.WIDE)
        and column.email < ENOUGH
    ]
    unique.sort(key=lambda column: not re.search(_IDS, column.hint))
    if not unique:
        raise ConfigError(
            f"no column of '{model}' is filled and different in every row, so none can name a record.",
            hint=f"name the one that should: --key {model}=COLUMN; columns are {', '.join(names)}.",
        )
    return unique[0].name


def _proposal(
    model: str,
    path: str | None,
    rows: int,
    looked: Sequence[Looked],
    keys: Mapping[str, str],
) -> ModelProposal:
    key = keys[model]
    kinds: dict[str, Looked] = {}
    email = _best(looked, "email", lambda column: column.email, r"mail")
    phone = _best(looked, "phone", _phone_share, _PHONES)
    by_name = {column.name: column for column in looked}
    addresses = {column.name for column in (email, phone) if column}
    # "Firm Id" of one model is firm_id of another.
    known = {simple(name) for other, name in keys.items() if other != model}
    others = {name for name, one in by_name.items() if one.hint in known} - {key}
    is_log = email is None or _repeats(email)
    if is_log and not others:  # a log that comes without its customers
        others = {name for name, one in by_name.items() if re.fullmatch(_PEOPLE, one.hint)} - {key}
    repeated = {name for name in others if _repeats(by_name[name])}
    # A mailbox in every row is a person in every row: what these share is theirs together, such as a company.
    of_many = repeated if email and not _repeats(email) else set()
    is_event = bool(email and _repeats(email) and email.name != key) or bool(repeated - of_many)
    for name in by_name:
        if name in ("id", "key"):  # of what, other sources could not say
            continue
        shared = name in others and name not in of_many
        own = name == key and not is_event
        if (shared or own) and name not in addresses:
            kinds[_type(name)] = by_name[name]
    if email:
        kinds["email"] = email
    if phone:
        kinds["phone"] = phone
    attributes = {kind: column.name for kind, column in kinds.items() if kind in ATTRIBUTES}
    for name, hint in _HINTS.items():
        match = next((c for c in looked if re.fullmatch(hint, c.hint) and c.filled), None)
        if match is not None and (name != "birth_date" or match.kind is Kind.DATE):
            attributes[name] = match.name
    first, last = _times(looked, set(attributes.values()))
    used = {key, first, last, *attributes.values(), *(column.name for column in kinds.values())}
    return ModelProposal(
        model=model,
        path=path,
        rows=rows,
        key=key,
        first_seen=first,
        last_seen=last,
        identifiers={kind: column.name for kind, column in kinds.items()},
        attributes=attributes,
        valid={kind: _valid(kind, column) for kind, column in kinds.items()},
        filled={kind: column.filled for kind, column in kinds.items()},
        is_event=is_event,
        of_many=tuple(sorted(of_many)),
        unused=tuple(name for name in by_name if name not in used and name not in of_many),
        written=companies.written(looked),
    )


def _type(name: str) -> str:
    """The type of an identifier that is called as its column, by a name that the rules take."""
    plain = simple(name)
    return plain if plain and not plain[0].isdigit() else f"id_{plain}".rstrip("_")


def _repeats(column: Looked) -> bool:
    return bool(column.filled) and column.distinct < 0.9


def _phone_share(column: Looked) -> float:
    if re.search(_PHONES, column.hint):
        return column.named_phone
    # A number with zeros in front looks like one to dial.
    return 0.0 if re.search(_IDS, column.hint) else column.phone


def _valid(kind: str, column: Looked) -> float:
    if kind == "email":
        return column.email
    return _phone_share(column) if kind == "phone" else 1.0


def _best(looked: Iterable[Looked], _: str, share: Any, hint: str) -> Looked | None:
    """The column whose values are most often valid; one with a telling name, where several are."""
    found = [c for c in looked if c.kind is Kind.TEXT and c.filled and share(c) >= ENOUGH]
    found.sort(key=lambda column: (bool(re.search(hint, column.hint)), column.filled), reverse=True)
    return found[0] if found else None


def _times(looked: Sequence[Looked], taken: set[str]) -> tuple[str | None, str | None]:
    """Columns of when a record was first and last seen."""
    times = [
        column
        for column in looked
        if column.kind in (Kind.DATE, Kind.TIMESTAMP)
        and column.filled
        and column.name not in taken
        and not re.search(r"birth|dob|geb(urt|oren)|naissance|nacimiento|nascita", column.hint)
    ]
    first = [c.name for c in times if re.search(_FIRST, c.hint)]
    last = [c.name for c in times if re.search(_LAST, c.hint) and c.name not in first]
    rest = [c.name for c in times]
    begins = first[0] if first else (rest[0] if rest else None)
    return begins, (last[0] if last else begins)
