"""The register of processing (GDPR, article 30), off the project's lineage: what goes to whom, for what, by which consent."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sync.errors import ConfigError

if TYPE_CHECKING:
    from sync.config.destinations import Destinations
    from sync.config.manifest import Manifest
    from sync.config.models import Described, SyncDefinition

VERSION = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One sync. `identifiers` and `fields` are the names that the vendor gets; `basis` is the consent that is asked, or why nobody is."""

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
    )


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
    """What goes out now and did not: syncs, recipients, fields; and what is asked no more."""
    known = {str(one["sync"]): one for one in before}
    found = []
    for one in now:
        was = known.get(one.sync)
        sent = [*one.identifiers, *one.fields]
        if was is None:
            found.append(f"{one.sync} sends {', '.join(sent)} to {one.destination}")
            continue
        if (was.get("destination"), was.get("vendor"), was.get("object")) != (
            one.destination,
            one.vendor,
            one.object,
        ):
            found.append(f"{one.sync} goes to {one.destination} ({one.vendor}), {one.object}")
        fields = [name for name in sent if name not in [*was["identifiers"], *was["fields"]]]
        if fields:
            found.append(f"{one.sync} sends {', '.join(fields)}")
        if was.get("basis") != one.basis:
            found.append(f"{one.sync} asks another consent: {was.get('basis')} became {one.basis}")
        sources = [name for name in one.sources if name not in was.get("sources", [])]
        if sources:
            found.append(f"{one.sync} is made of {', '.join(sources)} too")
    return found
