"""The vendors' own API descriptions, where they are at hand: what an answer of an operation must look like."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

ROOT = Path(__file__).parents[3]
FOLDER = Path(os.environ.get("HEADWATER_CONTRACTS") or ROOT.parent / "shared" / "contracts")
SPECS = {"google_data_manager": "google_datamanager"}


def description(vendor: str) -> Path:
    """Where the description of a vendor would be."""
    return FOLDER.parent / "specs" / SPECS.get(vendor, vendor) / "openapi.json"


@cache
def _document(vendor: str) -> Any:
    return _plain(json.loads(description(vendor).read_text()))


def _plain(node: Any) -> Any:
    """As JSON Schema says it: OpenAPI 3.0 has `nullable` for one more type, and forms that are "one of" fit several of them."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {"anyOf" if name == "oneOf" else name: _plain(one) for name, one in node.items()}
    if made.pop("nullable", False) is True:
        return {"anyOf": [{"type": "null"}, made]}
    return made


def _operation(document: Any, method: str, path: str) -> dict[str, Any] | None:
    """The operation of a path, the one with the most literal words first."""
    base = re.sub(r"^https?://[^/]+", "", (document.get("servers") or [{"url": ""}])[0]["url"])
    for template in sorted(document["paths"], key=lambda one: one.count("{")):
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(base.rstrip("/") + template))
        if re.fullmatch(pattern, path):
            found: dict[str, Any] | None = document["paths"][template].get(method.lower())
            if found:
                return found
    return None


def violations(vendor: str, method: str, path: str, status: int, body: bytes) -> list[str]:
    """What an answer has that the description does not allow, each once for all rows that have it."""
    document = _document(vendor)
    operation = _operation(document, method, path)
    if operation is None:
        return ["the operation is not described"]
    answers = operation["responses"]
    answer = (
        answers.get(str(status)) or answers.get(f"{str(status)[0]}XX") or answers.get("default")
    )
    if answer is None:
        return [f"status {status} is not described"]
    if "$ref" in answer:
        answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    content = next(iter((answer.get("content") or {}).values()), None)
    if content is None or "schema" not in content:
        return []
    if not body:
        return ["no body"]
    schema = {"allOf": [content["schema"]], "components": document["components"]}
    found = jsonschema.Draft202012Validator(schema).iter_errors(json.loads(body))
    places = (
        (".".join("*" if isinstance(step, int) else step for step in one.path), one)
        for one in found
    )
    return sorted({f"{place or 'body'}: {one.message[:160]}" for place, one in places})
