"""Taking m and u from a Splink model JSON (`linker.misc.save_model_to_json`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sync.errors import ConfigError
from sync.identity.matching.weights import Weight

_WRITE_ONE = "Write one with linker.misc.save_model_to_json(path)."

# Words in the names that people give their columns -> our kind.
_KINDS = {
    "first_name": ("first_name", "forename", "given_name"),
    "last_name": ("last_name", "surname", "family_name"),
    "birth_date": ("birth_date", "date_of_birth", "dob"),
    "email": ("email",),
    "phone": ("phone", "mobile"),
    "national_id": ("soc_sec_id", "national_id", "ssn", "nino"),
    "postal_code": ("postal_code", "postcode", "zip"),
    "city": ("city", "birth_place", "town", "suburb"),
    "region": ("region", "state", "county"),
    "street": ("street", "address"),
    "house_number": ("house_number", "street_number"),
    "occupation": ("occupation", "job"),
    "gender": ("gender", "sex"),
}


def read_splink(path: Path) -> Mapping[str, Any]:
    """The document in a file.

    Raises:
        ConfigError: the file holds no JSON object.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path} is no JSON: {error}.", _WRITE_ONE) from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path} is no Splink model: it holds no object.", _WRITE_ONE)
    return document


def import_splink(model: Mapping[str, Any], weights: Sequence[Weight]) -> list[Weight]:
    """`weights` with the prior, and m and u of each kind's highest level, as the model has them.

    Levels between differ in meaning from tool to tool (Splink's are Jaro-Winkler), so they keep their trained shares of
    what equality leaves over. A kind that the model does not know stays as it is.

    Raises:
        ConfigError: the document is no Splink model.
    """
    comparisons = model.get("comparisons")
    if not isinstance(comparisons, list):
        raise ConfigError("the file is no Splink model: it has no list 'comparisons'.", _WRITE_ONE)
    exact: dict[str, tuple[float, float]] = {}
    for comparison in comparisons:
        kind = _kind_of(str(comparison.get("output_column_name", "")))
        level = _exact_level(comparison)
        if kind is not None and level is not None:
            exact[kind] = level
    prior = model.get("probability_two_random_records_match")
    return [_imported(one, weights, exact, prior) for one in weights]


def _kind_of(column: str) -> str | None:
    for kind, words in _KINDS.items():
        if column.lower() in words or any(word in column.lower() for word in words):
            return kind
    return None


def _exact_level(comparison: Mapping[str, Any]) -> tuple[float, float] | None:
    for level in comparison.get("comparison_levels", []):
        if level.get("is_null_level"):
            continue
        m, u = level.get("m_probability"), level.get("u_probability")
        return (float(m), float(u)) if m is not None and u is not None else None
    return None


def _imported(
    one: Weight,
    weights: Sequence[Weight],
    exact: Mapping[str, tuple[float, float]],
    prior: object,
) -> Weight:
    if one.kind == "prior":
        return replace(one, m=float(prior), source="splink") if isinstance(prior, float) else one
    if one.kind not in exact:
        return one
    m, u = exact[one.kind]
    top = max((other for other in weights if other.kind == one.kind), key=lambda w: w.level)
    if one.level == top.level:
        return replace(one, m=m, u=u, source="splink")
    return replace(
        one,
        m=one.m / (1 - top.m) * (1 - m),
        u=one.u / (1 - top.u) * (1 - u),
        source="splink",
    )
