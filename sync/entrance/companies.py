"""What `init --from-models` proposes of companies: the models that are rows of them, and their contacts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sync.entrance.looked import ENOUGH, Looked, pair, simple, told

RULES: Mapping[str, str] = {
    "tax_id": "{tier: 1, exclusive: true, limit: 1}",
    "domain": "{tier: 2, limit: 5, max_exclusive_ids: 1}",
}
KEY_RULE = "{tier: 1, exclusive: true, limit: 1}"
ATTRIBUTES: Mapping[str, str] = {
    "account_name": "most_recent",
    "country": "most_recent",
    "industry": "most_recent",
}
# Usual names in English, German, French, Spanish, Italian, Dutch and Polish, as `simple` writes them.
_FIRM = (
    r"(account|company|firm|organi[sz]ation|business|legal|registered)_?name|company|firm|organi[sz]ation|employer|firma|firmen_?(name|bezeichnung)"
    r"|unternehmen(s_?name)?|arbeitgeber|raison_?sociale|(nom_)?(de_)?(l_)?(entreprise|societe)|razon_?social|(nombre_)?(de_)?(la_)?empresa"
    r"|ragione_?sociale|azienda|(nome_)?(della_)?societa|bedrijf(s_?naam)?|nazwa_?firmy"
)
_HINTS: Mapping[str, str] = {
    "account_name": rf"(customer_?)?name|kunden_?name|nom|nombre|nome|naam|nazwa|{_FIRM}",
    "country": r"country(_?code)?|land|laender_?code|staat|pays|code_?pays|pais|paese|nazione|kraj",
    "industry": r"industry|sector|branche?|wirtschafts_?zweig|secteur|sector|settore|bedrijfstak|branza",
}
_HOST = (
    r"domain|domaene|web_?(site|page|seite|adresse)?|home_?page|url|host|www|internet_?(seite|adresse)?|site_?(web|internet)?"
    r"|(sitio|pagina)_?web|sito(_?web)?|strona(_?www|_?internetowa)?"
)
_TAX = (
    r"(tax|vat)_?(id|no|nr|number|code)?|tin|ust_?id(_?(nr|nummer))?|umsatz_?steuer_?(id|identifikations)_?(nr|nummer)?|uid(_?(nr|nummer))?"
    r"|steuer_?(id|nr|nummer)|((numero|num|no|n|code)_?(de_?)?)?tva(_?intra(communautaire)?)?|nif|cif|partita_?iva|p_?iva|btw(_?(nr|nummer|id))?|nip"
)
_JOB = r"(job_?)?title|position|job|function|funktion|rolle|stelle|beruf|fonction|poste|puesto|cargo|ruolo|mansione|functie|stanowisko"


@dataclass(frozen=True, slots=True)
class Account:
    """The `account:` of a record: the company that a row is, or that the person in it works for."""

    identifiers: Mapping[str, str]  # column, or {column, normaliser}, by type
    attributes: Mapping[str, str] = field(default_factory=dict)  # golden attribute: column
    job_title: str | None = None
    written: Mapping[str, str] = field(default_factory=dict)  # columns as SQL names them

    @property
    def columns(self) -> frozenset[str]:
        """The columns that it uses."""
        return frozenset(
            {*self.identifiers.values(), *self.attributes.values(), self.job_title or ""}
        )

    def lines(self) -> list[str]:
        """The lines of YAML."""
        lines = ["account:", "  identifiers:"]
        lines += [
            f"    - {_identifier(kind, column, self.written)}"
            for kind, column in self.identifiers.items()
        ]
        if self.attributes:
            lines.append("  attributes:")
            lines += [
                f"    - {pair(name, column, self.written)}"
                for name, column in self.attributes.items()
            ]
        if self.job_title:
            lines.append(f"  job_title: {told(self.job_title, self.written)}")
        return lines

    def document(self) -> dict[str, object]:
        """The same as --json prints it."""
        return {
            "identifiers": [
                {"type": kind, "column": column} for kind, column in self.identifiers.items()
            ],
            "attributes": [
                {"name": name, "column": column} for name, column in self.attributes.items()
            ],
            "job_title": self.job_title,
        }


def company(key: str, looked: Sequence[Looked]) -> Account:
    """Of a model whose rows are companies: its key, tax id and website, its name and where it is."""
    identifiers = {identifier(key): key}
    tax = _named(looked, _TAX, {key})
    if tax:
        identifiers["tax_id"] = tax
    hosts = [one for one in looked if one.host >= ENOUGH and re.fullmatch(_HOST, one.hint)]
    if hosts:  # the one that most rows fill
        identifiers["domain"] = max(hosts, key=lambda one: one.filled).name
    taken = set(identifiers.values())
    attributes = {name: _named(looked, hint, taken) for name, hint in _HINTS.items()}
    return Account(
        identifiers,
        {name: column for name, column in attributes.items() if column},
        written=written(looked),
    )


def is_of_companies(looked: Sequence[Looked]) -> bool:
    """Whether a model's rows are companies by their columns alone: a tax id, a firm's name, or a name and a website.

    Who calls it knows that nothing in them is a person's.
    """
    firm = _named(looked, _FIRM, set()) or _named(looked, _TAX, set())
    hosts = any(one.host >= ENOUGH and re.fullmatch(_HOST, one.hint) for one in looked)
    return bool(firm or (hosts and _named(looked, _HINTS["account_name"], set())))


def contact(
    keys: Iterable[str], email: str | None, looked: Sequence[Looked], hosts: bool
) -> Account:
    """Of a model whose rows are people at a company, by its key; their addresses' domain where companies have one."""
    identifiers = {identifier(key): key for key in keys}
    if email and hosts:
        named = told(email, written(looked))
        identifiers["domain"] = f"{{column: {named}, normaliser: email_domain}}"
    job = _named(looked, _JOB, set(identifiers.values()))
    return Account(identifiers, job_title=job, written=written(looked))


def written(looked: Iterable[Looked]) -> dict[str, str]:
    """How SQL names the columns."""
    return {one.name: one.sql for one in looked}


def identifier(key: str) -> str:
    """The type of a company's key; `account_id` is Headwater's own id of it."""
    name = simple(key)
    return "account_no" if name in ("", "id", "key", "account_id") or name[0].isdigit() else name


def rules(accounts: Iterable[Account]) -> tuple[dict[str, str], dict[str, str]]:
    """The identifiers and the golden attributes of companies in the project's settings."""
    found = list(accounts)
    kinds = dict.fromkeys(kind for one in found for kind in one.identifiers)
    names = dict.fromkeys(name for one in found for name in one.attributes)
    return (
        {
            kind: RULES.get(kind, KEY_RULE)
            for kind in sorted(kinds, key=lambda kind: kind == "domain")
        },
        {name: ATTRIBUTES[name] for name in names},
    )


def _named(looked: Sequence[Looked], hint: str, taken: set[str]) -> str | None:
    found = (
        one.name
        for one in looked
        if one.filled and one.name not in taken and re.fullmatch(hint, one.hint)
    )
    return next(found, None)


def _identifier(kind: str, column: str, written: Mapping[str, str]) -> str:
    return f"{{{kind}: {column}}}" if column.startswith("{") else pair(kind, column, written)
