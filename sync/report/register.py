"""The register of processing (GDPR, article 30), off the project's lineage: what goes to whom, for what, by which consent."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sync.errors import ConfigError

if TYPE_CHECKING:
    from sync.config.destinations import Destinations
    from sync.config.manifest import Manifest
    from sync.config.models import Described, SyncDefinition

VERSION = 1
_RELATION = re.compile(r"^(?:profiles|accounts|members)\.")  # what activation() reads


@dataclass(frozen=True, slots=True)
class Entry:
    """One sync. `identifiers` and `fields` are the names that the vendor gets, and `made_of` the columns behind each, where they are known.

    `basis` is the consent that is asked, or why nobody is. `account` and `sql` are marks that change with the settings of the destination
    (secrets aside) and with the SQL of a model that says nothing of what its columns are made of.
    """

    sync: str
    destination: str
    vendor: str
    object: str
    mode: str
    identifiers: tuple[str, ...]
    fields: tuple[str, ...]
    purpose: str | None
    basis: str
    owner: str
    sources: tuple[str, ...]
    model: str
    description: str
    made_of: Mapping[str, Sequence[str]] = field(default_factory=dict)
    account: str | None = None
    sql: str | None = None

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(self).items()
        }


def entries(manifest: Manifest, destinations: Destinations) -> list[Entry]:
    """Every sync, by name."""
    described = {one.name: one for one in manifest.described()}
    return [
        _entry(one, manifest, destinations, _fields(one, described.get(one.model.name)))
        for one in manifest.syncs()
    ]


def _fields(one: SyncDefinition, described: Described | None) -> tuple[str, ...]:
    """What is sent beside the identifiers: what `activation()` was told, else what is described, which is all only under a contract."""
    told = one.model.meta.get("activation")
    named = told.get("fields") if isinstance(told, Mapping) else None
    if named is not None:
        return tuple(one.fields_of([str(name) for name in named]))
    if described is None or not described.columns:
        return ("every column of the model",)
    fields = tuple(one.fields_of(list(described.columns)))
    return fields if described.has_contract else (*fields, "every column that is not described")


def _entry(
    one: SyncDefinition, manifest: Manifest, destinations: Destinations, fields: tuple[str, ...]
) -> Entry:
    declared = destinations.entries.get(one.destination)
    return Entry(
        sync=one.name,
        destination=one.destination,
        vendor=declared.type if declared else one.destination,
        object=" ".join(filter(None, (one.object.kind, one.object.name))),
        mode=one.mode.value,
        identifiers=one.identifiers,
        fields=fields,
        purpose=one.consent.purpose if one.consent else None,
        basis=_basis(one),
        owner=one.owner,
        sources=tuple(manifest.sources_of(one.model.unique_id)),
        model=one.model.name,
        description=one.description,
        made_of=_made_of(one, (*one.identifiers, *fields)),
        account=declared.mark if declared else None,
        sql=None if "activation" in one.model.meta else manifest.mark_of(one.model.unique_id),
    )


def _made_of(one: SyncDefinition, names: Sequence[str]) -> dict[str, list[str]]:
    """By what the vendor gets: the columns behind it that `activation()` was told, else the column that the exposure names."""
    told = one.model.meta.get("activation")
    made = told.get("made_of") if isinstance(told, Mapping) else None
    made = made if isinstance(made, Mapping) else {}
    columns = {name: one.fields.get(name, name) for name in names}
    found = {name: made.get(column) for name, column in columns.items()}
    found |= {name: [column] for name, column in one.fields.items() if found.get(name) is None}
    return {name: [str(item) for item in behind] for name, behind in found.items() if behind}


def _basis(one: SyncDefinition) -> str:
    if one.consent:
        return f"asked: {one.consent.channel}, {one.consent.purpose}"
    told = one.model.meta.get("activation")
    said = told.get("no_consent_because") if isinstance(told, Mapping) else None
    return f"nobody is asked: {said}" if said else "not asked"


def write(path: Path, found: Sequence[Entry]) -> None:
    """Keep it, in an order that does not change by itself."""
    document = {"schema_version": VERSION, "syncs": [one.document() for one in found]}
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")


def read(path: Path) -> list[dict[str, Any]]:
    """What `write` kept.

    Raises:
        ConfigError: it is no such file.
    """
    try:
        document = json.loads(path.read_text("utf-8"))
        found = document["syncs"]
        if document["schema_version"] != VERSION or not all(one["sync"] for one in found):
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path} is no register.", hint="sync register --out writes one."
        ) from error
    return list(found)


def added(before: Sequence[Mapping[str, Any]], now: Sequence[Entry]) -> list[str]:
    """What goes out now and did not: syncs, recipients, fields, other columns under their names; and what is asked no more."""
    known = {str(one["sync"]): one for one in before}
    return [
        news
        for one in now
        for news in (_news(known[one.sync], one) if one.sync in known else [_new_sync(one)])
    ]


def _new_sync(one: Entry) -> str:
    sent = ", ".join(with_columns(one, name) for name in (*one.identifiers, *one.fields))
    return f"{one.sync} sends {sent} to {one.destination}"


def _news(was: Mapping[str, Any], one: Entry) -> Iterator[str]:
    sent = [*one.identifiers, *one.fields]
    before = {*was["identifiers"], *was["fields"]}
    if (was.get("destination"), was.get("vendor"), was.get("object")) != (
        one.destination,
        one.vendor,
        one.object,
    ):
        yield f"{one.sync} goes to {one.destination} ({one.vendor}), {one.object}"
    elif was.get("account", one.account) != one.account:
        yield f"{one.sync} goes to {one.destination}, whose settings are others: another account or address, maybe"
    fields = [with_columns(one, name) for name in sent if name not in before]
    if fields:
        yield f"{one.sync} sends {', '.join(fields)}"
    made: Mapping[str, Sequence[str]] = was.get("made_of", one.made_of)
    for name in sorted(before.intersection(sent)):
        behind = [item for item in one.made_of.get(name, ()) if item not in made.get(name, ())]
        if behind:
            yield f"{one.sync} sends {name}, as before, and makes it of {', '.join(behind)} now"
    if was.get("sql", one.sql) != one.sql:
        yield f"{one.sync} is made by other SQL ({one.model}), which says nothing of its columns: look at what it sends"
    if was.get("basis") != one.basis:
        yield f"{one.sync} asks another consent: {was.get('basis')} became {one.basis}"
    sources = [name for name in one.sources if name not in was.get("sources", [])]
    if sources:
        yield f"{one.sync} is made of {', '.join(sources)} too"


def with_columns(one: Entry, name: str) -> str:
    """A field, and the columns behind it where these are called otherwise."""
    columns = [_RELATION.sub("", item) for item in one.made_of.get(name, ())]
    behind = [column for column in columns if column != name]
    return f"{name} (of {', '.join(behind)})" if behind else name
