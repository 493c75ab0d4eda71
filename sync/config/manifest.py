"""dbt's manifest.json: the syncs (exposures), the models they read, and the tables `sync` writes (sources)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sync.config.definitions import parse_definition
from sync.config.models import (
    ALIASES_MODEL,
    COMPANY,
    CONSENT_MODEL,
    PERSON,
    SUPPRESSIONS_MODEL,
    AudienceModel,
    ConsentTables,
    Described,
    JourneyLog,
    JourneyModel,
    Model,
    SyncDefinition,
    WrongModel,
)
from sync.errors import ConfigError, closest

RECORDS_READER = "model.headwater.identity_records"  # whose parents are the registered records
ERASURES = ("model.headwater.stg_sync__erasure_requests",)  # its one parent beside them
MEMBERSHIPS = "audience_memberships"
STAYS = {"at", "entered", "left", "stayed", "stays"}  # beside member_of, what asks when


class Manifest:
    """What `sync` needs of a manifest. Relation names are taken as dbt wrote them, quoted for the target.

    Raises:
        ConfigError: the file is missing, malformed, or was written for another warehouse.
    """

    def __init__(self, path: Path, adapter_type: str | None = None) -> None:
        self.path = path
        try:
            self._document: dict[str, Any] = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise ConfigError(
                f"no {path}: dbt has not parsed this project yet.", hint="run dbt build first."
            ) from error
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path} cannot be read: {error}.", hint="run dbt parse.") from error
        self._nodes: dict[str, Any] = self._document.get("nodes", {})
        self._check_adapter(adapter_type)
        self._unit_tests: dict[str, Any] = self._document.get("unit_tests", {})
        self._tests = self._tests_by_model()

    @property
    def adapter_type(self) -> str | None:
        """The kind of warehouse that dbt parsed for: duckdb, snowflake or bigquery."""
        found = self._document.get("metadata", {}).get("adapter_type")
        return str(found) if found else None

    def syncs(self) -> list[SyncDefinition]:
        """Every exposure with `config.meta.sync`, by name.

        Raises:
            ConfigError: a definition is wrong.
        """
        return list(self._syncs)

    def model_files(self, package: str) -> list[str]:
        """The files of a package's models."""
        return sorted(
            str(node["original_file_path"])
            for node in self._nodes.values()
            if node.get("resource_type") == "model" and node.get("package_name") == package
        )

    def checked_syncs(self) -> Iterator[tuple[str, str, ConfigError | None]]:
        """Name and file of every exposure that is a sync, and what is wrong with it; at last what they say of each other."""
        found = []
        for exposure in self._document.get("exposures", {}).values():
            meta = _meta(exposure)
            if "sync" not in meta:
                continue
            name, path = str(exposure["name"]), str(exposure.get("original_file_path", ""))
            try:
                found.append(self._sync(exposure, meta["sync"]))
            except ConfigError as error:
                yield name, path, error
            else:
                yield name, path, None
        for check in (_check_after, _check_ids):
            try:
                check(found)
            except ConfigError as error:
                yield "several", "dbt_project.yml", error

    @cached_property
    def _syncs(self) -> list[SyncDefinition]:
        found = []
        for exposure in self._document.get("exposures", {}).values():
            meta = _meta(exposure)
            if "sync" in meta:
                found.append(self._sync(exposure, meta["sync"]))
        _check_after(found)
        _check_ids(found)
        return sorted(found, key=lambda definition: definition.name)

    def source(self, source_name: str, table: str) -> str:
        """Relation name of a source's table.

        Raises:
            ConfigError: the project does not declare it.
        """
        return str(self._source(source_name, table)["relation_name"])

    def source_place(self, source_name: str, table: str) -> tuple[str, str]:
        """Database and schema of a source's table, as dbt resolved them for the target it ran with.

        Raises:
            ConfigError: the project does not declare it.
        """
        source = self._source(source_name, table)
        return str(source.get("database") or ""), str(source.get("schema") or "")

    def _source(self, source_name: str, table: str) -> Mapping[str, Any]:
        for source in self._document.get("sources", {}).values():
            if source.get("source_name") == source_name and source.get("name") == table:
                found: Mapping[str, Any] = source
                return found
        raise ConfigError(
            f"{self.path} declares no source '{source_name}.{table}'.",
            hint="the package headwater, which declares the tables that sync writes, must be part of the project.",
        )

    def relation(self, model_name: str) -> str | None:
        """Relation name of a model or seed, or None where the project has none of that name."""
        relation = self._nodes.get(self._named(model_name) or "", {}).get("relation_name")
        return str(relation) if relation else None

    def meta(self, model_name: str) -> Mapping[str, Any]:
        """What a model or seed keeps in its meta; nothing where the project has none of that name."""
        node = self._nodes.get(self._named(model_name) or "", {})
        return dict((node.get("config") or {}).get("meta") or {})

    def described_in(self, model_name: str) -> str | None:
        """The file that describes a model, from the folder of its project; None where none does."""
        patch = self._nodes.get(self._named(model_name) or "", {}).get("patch_path")
        return str(patch).partition("://")[2] if patch else None

    def _named(self, model_name: str) -> str | None:
        """Unique id of a model or seed; the engine's, where a team's has the same name."""
        found = [
            unique_id
            for unique_id, node in self._nodes.items()
            if node.get("name") == model_name and node.get("resource_type") in ("model", "seed")
        ]
        found.sort(key=lambda one: one.split(".")[1] != _ENGINE)
        return found[0] if found else None

    def consent_tables(self) -> ConsentTables:
        """Where the project keeps consent, suppressions and aliases, by the names of their models."""
        return ConsentTables(
            consent=self.relation(CONSENT_MODEL),
            suppressions=self.relation(SUPPRESSIONS_MODEL),
            aliases=self.relation(ALIASES_MODEL),
        )

    def models(self) -> list[Model]:
        """Every model that exists as a relation, by name."""
        found = [
            self._model(unique_id)
            for unique_id, node in self._nodes.items()
            if node.get("resource_type") == "model" and node.get("relation_name")
        ]
        return sorted(found, key=lambda model: model.name)

    def described(self) -> list[Described]:
        """Every model, seed and snapshot that exists as a relation, by name, with what the project says of it."""
        found = [
            Described(
                name=str(node["name"]),
                relation=str(node["relation_name"]),
                description=" ".join(str(node.get("description") or "").split()),
                columns={
                    str(name).lower(): " ".join(str(column.get("description") or "").split())
                    for name, column in (node.get("columns") or {}).items()
                },
                record=record if isinstance(record := _meta(node).get("record"), Mapping) else {},
                has_contract=(node.get("contract") or {}).get("enforced") is True,
            )
            for node in self._nodes.values()
            if node.get("resource_type") in ("model", "seed", "snapshot")
            and node.get("relation_name")
        ]
        return sorted(found, key=lambda one: one.name)

    def mark_of(self, unique_id: str) -> str | None:
        """What tells the SQL of a model from any other: dbt's own checksum of its file, shortened."""
        found = (self._nodes.get(unique_id, {}).get("checksum") or {}).get("checksum")
        return str(found)[:16] if found else None

    def switch_of_seed(self, name: str) -> str | None:
        """What dbt_project.yml has to say so that the project's own seed is read in place of the package's; None where it is already."""
        project = self._document.get("metadata", {}).get("project_name")
        if project == _ENGINE or f"seed.{_ENGINE}.{name}" not in self._nodes:
            return None
        return f"seeds: {{{_ENGINE}: {{{name}: {{+enabled: false}}}}}}"

    def sources_of(self, unique_id: str) -> list[str]:
        """The raw tables above a model, as `source.table`, and seeds by their names; not what this tool writes, or the engine's seeds."""
        found = set()
        for one in self._ancestors(unique_id):
            source, node = self._document.get("sources", {}).get(one), self._nodes.get(one, {})
            if source is not None and source.get("source_name") not in _OWN_SOURCES:
                found.add(f"{source.get('source_name')}.{source.get('name')}")
            elif node.get("resource_type") == "seed" and (
                node.get("package_name") != _ENGINE or "demo" in (node.get("tags") or [])
            ):
                found.add(str(node["name"]))
        return sorted(found)

    def audiences(self) -> list[AudienceModel]:
        """Every audience of the project, by name."""
        found = []
        for node in self._nodes.values():
            name = str(node.get("name"))
            if (
                node.get("resource_type") != "model"
                or not name.startswith("audience_")
                or name in _NO_AUDIENCES
                or not node.get("relation_name")
            ):
                continue
            told = _meta(node).get("audience")
            known = told if isinstance(told, Mapping) else {}
            is_definition = bool(set(known) - {"entity"})
            entity = str(known.get("entity") or _entity_of(node))
            found.append(
                AudienceModel(
                    name=name,
                    relation=str(node["relation_name"]),
                    entity=entity,
                    path=str(node.get("original_file_path") or ""),
                    package=str(node.get("package_name") or ""),
                    definition=known if is_definition else None,
                    description=str(node.get("description") or "").split("\n")[0],
                )
            )
        return sorted(found, key=lambda one: one.name)

    def journeys(self) -> list[JourneyModel]:
        """Every journey of the project, by name."""
        found = [
            JourneyModel(
                name=str(node["name"]),
                relation=str(node["relation_name"]),
                path=str(node.get("original_file_path") or ""),
                package=str(node.get("package_name") or ""),
                definition=_meta(node)["journey"],
            )
            for node in self._nodes.values()
            if node.get("resource_type") == "model"
            and isinstance(_meta(node).get("journey"), Mapping)
            and node.get("relation_name")
        ]
        return sorted(found, key=lambda one: one.name)

    def wrong(self) -> list[WrongModel]:
        """Every audience and journey whose definition is wrong, by name."""
        return sorted(self._wrong(self._nodes), key=lambda one: one.name)

    def _wrong(self, nodes: Iterable[str]) -> Iterator[WrongModel]:
        for unique_id in nodes:
            node = self._nodes.get(unique_id, {})
            if mistakes := _meta(node).get("mistakes"):
                yield WrongModel(
                    name=str(node["name"]),
                    path=str(node.get("original_file_path") or ""),
                    package=str(node.get("package_name") or ""),
                    mistakes=tuple(map(str, mistakes)),
                    is_journey="journey" in _meta(node),
                )

    def _sync(self, exposure: Mapping[str, Any], meta: object) -> SyncDefinition:
        name, path = str(exposure["name"]), str(exposure.get("original_file_path", ""))
        parents = [
            unique_id
            for unique_id in exposure.get("depends_on", {}).get("nodes", [])
            if self._nodes.get(unique_id, {}).get("resource_type") == "model"
        ]
        if len(parents) != 1:
            raise ConfigError(
                f"sync '{name}' in {path} must depend on one model, not {len(parents)}.",
                hint="depends_on: [ref('sync_<destination>__<object>')]",
            )
        owner = exposure.get("owner") or {}
        definition = parse_definition(
            name=name,
            meta=meta,
            model=self._model(parents[0]),
            path=path,
            owner=str(owner.get("name") or owner.get("email") or ""),
            description=str(exposure.get("description") or ""),
            tags=exposure.get("config", {}).get("tags") or exposure.get("tags") or [],
        )
        asked = self._asked_by_the_plan(definition)
        ancestors = self._ancestors(parents[0])
        upstream = self._upstream(parents[0], ancestors, asked)
        journeys = self._journeys(upstream)
        model = replace(
            definition.model,
            upstream=tuple(
                dict.fromkeys((*upstream, *self._as_last_built((parents[0], *upstream))))
            ),
            asked=tuple(self._nodes[one]["name"] for one in asked if one not in ancestors),
            journeys=tuple(journeys.values()),
            wrong=tuple(self._wrong((parents[0], *upstream))),
            between=tuple(self._between((parents[0], *upstream), journeys)),
        )
        named = tuple(str(owner[one]) for one in ("name", "email") if owner.get(one))
        return replace(definition, model=model, owners=named, nobody=self._nobody(ancestors))

    def _nobody(self, ancestors: Iterable[str]) -> tuple[str, str]:
        """Why nobody can be in a table with these models above it, and what to do; two empty texts where somebody can."""
        identity = self._nodes.get(RECORDS_READER)
        if identity is None:
            return "", ""
        above = identity.get("depends_on", {}).get("nodes", [])
        records = [one for one in above if one not in ERASURES]
        if not records:
            return (
                "no model says who the customers are (vars: cdp_registry: records is empty)",
                "headwater init --from-models MODEL... names models of yours, headwater new source NAME writes one; then dbt build.",
            )
        said = [_meta(self._nodes.get(one, {})).get("record") for one in records]
        are_companies = all(isinstance(one, dict) and "person" not in one for one in said)
        if are_companies and not any(one.endswith(".accounts") for one in ancestors):
            names = " ".join(one.rpartition(".")[2] for one in records)
            return (
                f"the records are companies alone ({names}), and no person is in them",
                f"headwater init --from-models {names} CONTACTS names the model of their contacts; then dbt build.",
            )
        return "", ""

    def _journeys(self, upstream: Iterable[str]) -> dict[str, JourneyLog]:
        """Logs of the journeys among these nodes, by the name of their model."""
        found: dict[str, JourneyLog] = {}
        for unique_id in upstream:
            node = self._nodes.get(unique_id, {})
            definition = _meta(node).get("journey")
            if isinstance(definition, Mapping) and node.get("relation_name"):
                name = str(node["name"])
                found[name] = JourneyLog(
                    name,
                    str(node["relation_name"]),
                    tuple(_renamed(definition)),
                    key=COMPANY if definition.get("entity") == "account" else PERSON,
                )
        return found

    def _between(
        self, nodes: Iterable[str], journeys: Mapping[str, JourneyLog]
    ) -> Iterator[tuple[JourneyLog, tuple[str, ...]]]:
        """What `journey_people_between` left in the meta of the sync's model, or of one below it."""
        for unique_id in nodes:
            for key, value in _meta(self._nodes.get(unique_id, {})).items():
                if str(key).startswith("journey_people.") and isinstance(value, Mapping):
                    log, before = journeys.get(str(value.get("journey"))), str(value.get("before"))
                    if log is not None:
                        yield log, (before, *(old for old, new in log.renamed if new == before))

    def _asked_by_the_plan(self, definition: SyncDefinition) -> list[str]:
        """What a plan asks for permission, whether the sync's own model refers to it or not."""
        columns = self._nodes[definition.model.unique_id].get("columns") or {}
        found = map(self._named, definition.asks([name.lower() for name in columns]))
        return [unique_id for unique_id in found if unique_id is not None]

    def _model(self, unique_id: str) -> Model:
        node = self._nodes[unique_id]
        if not node.get("relation_name"):
            raise ConfigError(
                f"model '{node.get('name')}' is {node.get('config', {}).get('materialized')}: "
                "a sync needs a table or view."
            )
        return Model(
            unique_id=unique_id,
            name=str(node["name"]),
            relation=str(node["relation_name"]),
            tags=frozenset(node.get("tags") or ()),
            tests=tuple(self._tests.get(unique_id, ())),
            meta=_meta(node),
        )

    def _upstream(self, unique_id: str, ancestors: set[str], asked: list[str]) -> tuple[str, ...]:
        """What a model is built from, what is asked besides with what that is built from, and the tests that need no more than that:
        dbt build waits for the same ones. Of the model itself those too that need others of them as well.
        """
        found = ancestors.union(asked, *map(self._ancestors, asked))
        own = {*found, unique_id}
        tests = [
            test
            for test, node in self._nodes.items()
            if node.get("resource_type") == "test"
            and self._parents(test)
            and own.issuperset(self._parents(test))
        ]
        tests += [test for test in self._unit_tests if own.issuperset(self._tested(test))]
        beside = {*tests, *found} - set(self._tests.get(unique_id, ()))
        return tuple(sorted(beside, key=lambda one: (_is_test(one), one)))

    def _as_last_built(self, nodes: Iterable[str]) -> Iterator[str]:
        """What audiences and journeys among these nodes read as the last build left it, which dbt does not know as a parent of theirs."""
        for unique_id in nodes:
            meta = _meta(self._nodes.get(unique_id, {}))
            for kind in ("audience", "journey"):
                yield from filter(None, map(self._named, _pasts(meta.get(kind))))

    def _ancestors(self, unique_id: str) -> set[str]:
        found: set[str] = set()
        waiting = [unique_id]
        while waiting:
            for parent in self._parents(waiting.pop()):
                if parent not in found:
                    found.add(parent)
                    waiting.append(parent)
        return found

    def _tested(self, unit_test: str) -> list[str]:
        """The model of a unit test, first of what it depends on: the others are what the model reads."""
        found: list[str] = self._unit_tests[unit_test].get("depends_on", {}).get("nodes", [])
        return found[:1] or [""]

    def _parents(self, unique_id: str) -> list[str]:
        found: list[str] = self._nodes.get(unique_id, {}).get("depends_on", {}).get("nodes", [])
        return found

    def _tests_by_model(self) -> dict[str, list[str]]:
        tests: dict[str, list[str]] = {}
        for unique_id, node in self._nodes.items():
            if node.get("resource_type") != "test":
                continue
            attached = node.get("attached_node")
            for parent in [attached] if attached else self._parents(unique_id):
                tests.setdefault(parent, []).append(unique_id)
        return tests

    def _check_adapter(self, adapter_type: str | None) -> None:
        if adapter_type and self.adapter_type and adapter_type != self.adapter_type:
            raise ConfigError(
                f"{self.path} was written for {self.adapter_type}, but the target is "
                f"{adapter_type}.",
                hint="run dbt build with the same --target; a DBT_TARGET_PATH per target "
                "keeps the manifests apart.",
            )


_ENGINE = "headwater"
_OWN_SOURCES = ("sync", "campaigns")
# What the engine keeps of all audiences, under names like theirs.
_NO_AUDIENCES = ("audience_memberships", "audience_holdouts")


def _entity_of(node: Mapping[str, Any]) -> str:
    """Of whom a plain-SQL audience is, by the columns that are described."""
    return "account" if "account_id" in (node.get("columns") or {}) else "person"


def _is_test(unique_id: str) -> bool:
    return unique_id.split(".")[0] in ("test", "unit_test")


def _meta(node: Mapping[str, Any]) -> Mapping[str, Any]:
    found = node.get("config", {}).get("meta") or node.get("meta") or {}
    return found if isinstance(found, Mapping) else {}


def _pasts(told: object) -> Iterator[str]:
    """Models whose rows a definition, or a part of it, reads as the last build left them: who was a member when, and logs of journeys."""
    if isinstance(told, list):
        for one in told:
            yield from _pasts(one)
    if not isinstance(told, Mapping):
        return
    holdout, sent = told.get("holdout"), told.get("was_sent")
    if ("member_of" in told and STAYS & told.keys()) or (
        isinstance(holdout, Mapping) and "per" in holdout
    ):
        yield MEMBERSHIPS
    for journey in (
        told.get("in_journey"),
        sent.get("journey") if isinstance(sent, Mapping) else "",
    ):
        if isinstance(journey, str):
            yield journey
    for one in told.values():
        yield from _pasts(one)


def _renamed(journey: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(old, new) names of a journey's steps."""
    renamed = journey.get("renamed")
    for new, old in renamed.items() if isinstance(renamed, Mapping) else ():
        for one in old if isinstance(old, list) else [old]:
            yield str(one), str(new)


def _check_ids(definitions: list[SyncDefinition]) -> None:
    owners: dict[str, SyncDefinition] = {}
    for definition in definitions:
        other = owners.setdefault(definition.sync_id, definition)
        if other is not definition:
            raise ConfigError(
                f"syncs '{other.name}' in {other.path} and '{definition.name}' in {definition.path} have one id, "
                f"'{definition.sync_id}': each would take the other's state for its own.",
                hint="an id is the name that one sync's state is kept under: give each its own, or take `id` out.",
            )


def _check_after(definitions: list[SyncDefinition]) -> None:
    names = {definition.name for definition in definitions}
    for definition in definitions:
        for other in definition.after:
            where = f"sync '{definition.name}' in {definition.path}: after names"
            if other == definition.name:
                raise ConfigError(f"{where} the sync itself; it wants syncs that go before it.")
            if other not in names:
                raise ConfigError(
                    f"{where} '{other}', which is no other sync{closest(other, names)}."
                )
