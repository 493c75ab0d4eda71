"""What `init --from-models` proposes of companies: the models that are rows of them, and their contacts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sync.entrance.looked import ENOUGH, Looked, pair, told

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
_HINTS: Mapping[str, str] = {
    "account_name": r"((account|company|firm|organi[sz]ation|customer|legal)_?)?name|company|firm",
    "country": r"country(_?code)?",
    "industry": r"industry|sector|branch",
}
_HOST = r"domain|web_?(site|page)?|home_?page|url|host"
_TAX = r"(tax|vat)_?(id|no|nr|number)|vat|tin|ust_?id(nr)?"
_JOB = r"(job_?)?title|position|job|function"


@dataclass(frozen=True, slots=True)
class Account:
    """The `account:` of a record: the company that a row is, or that the person in it works for."""

    identifiers: Mapping[str, str]  # column, or {column, normaliser}, by type
    attributes: Mapping[str, str] = field(default_factory=dict)  # golden attribute: column
    job_title: str | None = None

    def lines(self) -> list[str]:
        """The lines of YAML."""
        lines = ["account:", "  identifiers:"]
        lines += [f"    - {_identifier(kind, column)}" for kind, column in self.identifiers.items()]
        if self.attributes:
            lines.append("  attributes:")
            lines += [f"    - {pair(name, column)}" for name, column in self.attributes.items()]
        if self.job_title:
            lines.append(f"  job_title: {told(self.job_title)}")
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
    hosts = [one for one in looked if one.host >= ENOUGH and re.fullmatch(_HOST, one.name)]
    if hosts:  # the one that most rows fill
        identifiers["domain"] = max(hosts, key=lambda one: one.filled).name
    taken = set(identifiers.values())
    attributes = {name: _named(looked, hint, taken) for name, hint in _HINTS.items()}
    return Account(identifiers, {name: column for name, column in attributes.items() if column})


def contact(
    keys: Iterable[str], email: str | None, looked: Sequence[Looked], hosts: bool
) -> Account:
    """Of a model whose rows are people at a company, by its key; their addresses' domain where companies have one."""
    identifiers = {identifier(key): key for key in keys}
    if email and hosts:
        identifiers["domain"] = f"{{column: {told(email)}, normaliser: email_domain}}"
    return Account(identifiers, job_title=_named(looked, _JOB, set(identifiers.values())))


def identifier(key: str) -> str:
    """The type of a company's key; `account_id` is Headwater's own id of it."""
    return "account_no" if key in ("id", "key", "account_id") else key


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
        if one.filled and one.name not in taken and re.fullmatch(hint, one.name.replace(" ", "_"))
    )
    return next(found, None)


def _identifier(kind: str, column: str) -> str:
    return f"{{{kind}: {column}}}" if column.startswith("{") else pair(kind, column)
