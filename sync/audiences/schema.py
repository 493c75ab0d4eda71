"""One JSON Schema of definitions, journeys and syncs, of the words that their checks know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Schema = dict[str, Any]

_COUNT: Schema = {"type": "integer", "minimum": 0}
_DURATION: Schema = {"type": "string", "pattern": "^[0-9]+ +(minute|hour|day|week|month|year)s?$"}
_CONDITION: Schema = {"$ref": "#/$defs/condition"}
_CONDITIONS: Schema = {"type": "array", "items": _CONDITION, "minItems": 1}
_STEPS: Schema = {"type": "array", "items": {"$ref": "#/$defs/step"}}
_COMPARED: Schema = {"$ref": "#/$defs/comparison"}
_MAPPING: Schema = {"type": "object"}
_NAME: Schema = {"type": "string"}
# What a key holds, wherever it stands; of the others any value is let through to the checks.
_VALUES: dict[str, Schema] = {
    "all": _CONDITIONS, "any": _CONDITIONS, "some": _CONDITIONS, "not": _CONDITION, "who": _CONDITION,
    "at_least": _COUNT, "at_most": _COUNT, "exactly": _COUNT, "within": _DURATION, "older_than": _DURATION,
    "within_next": _DURATION, "in_any": _DURATION, "between": {"type": "array", "minItems": 2, "maxItems": 2},
    "during": {"type": ["string", "integer"]}, "where": _MAPPING, "is_null": {"type": "boolean"}, "any_case": {"const": True},
    "did": _NAME, "did_not": _NAME, "member_of": _NAME, "in_journey": _NAME, "related": _NAME, "known_by": _NAME, "trait": _NAME,
    "figure": {"$ref": "#/$defs/figure"}, "when": {"$ref": "#/$defs/when"}, "entered": _COMPARED, "left": _COMPARED,
    "stays": _COMPARED, "stayed": _COMPARED, "happened": _COMPARED, "recorded": _COMPARED, "since": {},
}  # fmt: skip


def schema(
    tables: Mapping[str, list[str]],
    sync_keys: Iterable[str],
    guard_keys: Iterable[str],
    entities: Iterable[str] = (),
) -> Schema:
    """The schema. `tables` are those of the macro `definition_tables`, `entities` names that `cdp_entities` adds."""
    settings = {
        "entity": _NAME, "zone": _NAME, "limit": _closed(tables["limit"]), "sample": _closed(tables["share_setting"]),
        "holdout": _closed(tables["holdout"]), "always_excluded": {"enum": ["left_out", "may_be_in"]},
        "global_holdout": {"enum": ["held_out", "may_be_in"]},
    }  # fmt: skip
    kinds = {kind: _kind(kind, tables) for kind in tables["kinds"]}
    kinds |= {name: {name: _CONDITION} for name in entities}
    alone = [_closed_of(kind, keys) for kind, keys in kinds.items()]
    alone.append(_closed_of("entry", {"entry": _MAPPING}))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Headwater: audiences, journeys, and the sync of an exposure",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in ("audience", "journey", "exposures")],
        "$defs": {
            "condition": {"oneOf": alone},
            "comparison": _closed(tables["operators"]),
            "figure": _closed(tables["figure"]),
            "when": _closed(tables["when"]),
            "audience": {
                "oneOf": [_closed_of(kind, {**settings, **keys}) for kind, keys in kinds.items()]
            },
            **_journey(tables),
            "sync": {
                **_closed(sync_keys, guards=_closed(guard_keys)),
                "required": ["destination", "object", "mode"],
            },
            "exposures": {
                "type": "object",
                "required": ["exposures"],
                "properties": {"exposures": {"type": "array", "items": _exposure()}},
            },
        },
    }


def _kind(kind: str, tables: Mapping[str, list[str]]) -> Schema:
    """The keys of a condition of a kind, and what they hold."""
    if kind in ("trait", "figure"):
        keys = [kind, *tables["operators"]]
    elif kind in ("some", "score"):
        keys = [kind, "at_least"]
    else:
        keys = tables.get(kind, [kind])
    held = {key: _VALUES.get(key, {}) for key in keys}
    if f"{kind}_what" in tables:
        held[kind] = _closed(tables[f"{kind}_what"])
    if kind == "account":
        held[kind] = _CONDITION
    if kind == "sequence":
        steps = [_closed_of(one, _of(tables[f"sequence_{one}"])) for one in ("did", "did_not")]
        held[kind] = {"type": "array", "minItems": 2, "items": {"oneOf": steps}}
    return held


def _journey(tables: Mapping[str, list[str]]) -> Schema:
    entries = [
        _closed_of(kind, _of(tables[f"entry_{kind}"])) for kind in ("audience", "did", "date")
    ]
    engaged = {"engaged": _closed(tables["engaged"], kind={"enum": tables["engagements"]})}
    asked = {"anyOf": [_CONDITION, _closed_of("engaged", engaged)]}
    contacts = _closed(tables["journey_contacts"], who=_CONDITION)
    case = _closed(tables["branch_case"], **{"if": asked, "then": _STEPS})
    bodies: dict[str, Schema] = {
        "wait": _closed(tables["wait"], until=asked, between={}),
        "touchpoint": _closed(tables["touchpoint"], contacts=contacts),
        "task": _closed(tables["task"], contacts=contacts),
        "branch": {"anyOf": [
            _closed(tables["branch"], **{"if": asked, "then": _STEPS, "else": _STEPS}),
            _closed(tables["branch_cases"], **{"cases": {"type": "array", "items": case}, "else": _STEPS}),
        ]},
        "split": {"type": "object", "additionalProperties": _closed(tables["split_arm"], steps=_STEPS)},
        "repeat": _closed(tables["repeat"], until=asked, steps=_STEPS),
        "jump": _closed(["to"]),
        "goal": asked,
        "exit": {"type": "object", "maxProperties": 0},
    }  # fmt: skip
    steps = [
        _closed_of(type_, {"name": _NAME, type_: bodies.get(type_, _MAPPING)})
        for type_ in tables["steps"]
    ]
    journey = _closed(
        tables["journey"],
        entity={"enum": ["person", "account"]},
        entry={"oneOf": entries},
        exit_when=_CONDITION,
        steps=_STEPS,
    )
    return {"journey": {**journey, "required": ["entry", "steps"]}, "step": {"oneOf": steps}}


def _exposure() -> Schema:
    sync = {"type": "object", "properties": {"sync": {"$ref": "#/$defs/sync"}}}
    meta = {"type": "object", "properties": {"meta": sync}}
    return {"type": "object", "properties": {"config": meta}}


def _of(keys: Iterable[str]) -> Schema:
    return {key: _VALUES.get(key, {}) for key in keys}


def _closed(keys: Iterable[str], **held: Schema) -> Schema:
    properties = {**_of(keys), **{key: told for key, told in held.items() if key in set(keys)}}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _closed_of(kind: str, properties: Schema) -> Schema:
    """A mapping that has one key for sure, and no others than these."""
    return {
        "type": "object",
        "required": [kind],
        "additionalProperties": False,
        "properties": properties,
    }
