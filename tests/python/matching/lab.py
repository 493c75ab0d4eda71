"""The identity layer's scratch project with matching in it: people of two sources, compared by name, date and address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from benchmarks.scratch import add_matching
from sync.identity.matching.em import Model, Shape
from sync.identity.matching.weights import Kind, Weight, write_weights
from tests.python.identity.lab import Lab
from tests.python.rows import insert

COLUMNS = ("source", "id", "customer_id", "first_name", "last_name", "birth_date", "email", "phone",
           "national_id", "postal_code", "city", "street", "company_name", "domain", "tax_id",
           "country", "text")  # fmt: skip
KINDS = COLUMNS[3:-1]  # texts are compared where a test asks for it
SOURCES = ("shop", "club")


def identity_of(entity: str, identifier: str) -> Mapping[str, Any]:
    """One entity, of whom each has one value of `identifier`."""
    return {
        entity: {
            "identifiers": {identifier: {"tier": 1, "exclusive": True, "limit": 1}},
            "records": [
                {
                    "source_name": source,
                    "model": f"fixture_{source}",
                    "record_key": "id",
                    "identifiers": {identifier: identifier},
                }
                for source in SOURCES
            ],
        }
    }


def matching_of(entity: str, kinds: Sequence[str]) -> Mapping[str, Any]:
    """Matching of one entity by `kinds`, columns of these names."""
    return {
        "enabled": True,
        "entities": {
            entity: {
                "records": [
                    {
                        "source_name": source,
                        "model": f"fixture_{source}",
                        "record_key": "id",
                        "columns": {kind: kind for kind in kinds},
                    }
                    for source in SOURCES
                ]
            }
        },
    }


IDENTITY = identity_of("person", "customer_id")
MATCHING = matching_of("person", KINDS)


def person(source: str, id: str, **values: str) -> dict[str, str]:
    """One raw row; what is not given is missing."""
    return {"source": source, "id": id, **values}


class MatchingLab(Lab):
    """A lab whose raw rows are people, or companies."""

    def __init__(
        self, directory: Path, matching: Mapping[str, Any] = MATCHING,
        identity: Mapping[str, Any] = IDENTITY,
    ) -> None:  # fmt: skip
        super().__init__(directory, identity, {"cdp_as_of": "2026-11-24", "cdp_matching": matching})

    def _write_project(self, identity: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        super()._write_project(identity, variables)
        add_matching(self.directory, review=True)
        for source in SOURCES:
            (self.directory / f"models/engine/staging/fixture_{source}.sql").write_text(
                "{{ config(materialized='view') }}\n"
                f"select * from raw.people where source = '{source}'"
            )

    def load_people(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Replace the raw rows."""
        data = [tuple(row.get(name) for name in COLUMNS) for row in rows]
        columns = ", ".join(f"{name} varchar" for name in COLUMNS)
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(f"create or replace table raw.people ({columns})")
            insert(connection, "raw.people", data)

    def load(self, rows: Iterable[Sequence[Any]]) -> None:
        super().load(rows)
        self.load_people([])

    def weigh(self, weights: Sequence[Weight]) -> None:
        """Write the seed of weights over the shipped one."""
        path = self.directory / "seeds/matching_weights.csv"
        path.unlink()
        write_weights(path, weights)
        self.build("--select", "matching_weights", command="seed")

    def override(self, *decisions: tuple[str, str, str]) -> None:
        """Replace the overrides by (action, left_key, right_key)."""
        lines = ["entity,action,left_key,right_key,author,reason"]
        lines += [f"person,{','.join(decision)},ada,said so" for decision in decisions]
        (self.directory / "seeds/identity_overrides.csv").write_text("\n".join(lines) + "\n")
        self.build("--select", "identity_overrides", command="seed")

    def together(self) -> set[frozenset[str]]:
        """The groups of record keys."""
        found: dict[str, set[str]] = {}
        for key, entity_id in self.query(
            "select record_key, entity_id from analytics.identity_entity_records"
        ):
            found.setdefault(entity_id, set()).add(key)
        return {frozenset(keys) for keys in found.values()}


def splink_model(kind: str, *, prior: float, m: float, u: float) -> dict[str, Any]:
    """A model as Splink saves it: one comparison that knows equality or none."""
    return {
        "probability_two_random_records_match": prior,
        "comparisons": [
            {
                "output_column_name": kind,
                "comparison_levels": [
                    {"is_null_level": True},
                    {"m_probability": m, "u_probability": u},
                    {"m_probability": 1 - m, "u_probability": 1 - u},
                ],
            }
        ],
    }


def model_of(
    weights: Iterable[Weight], kinds: Sequence[Kind]
) -> tuple[Model, list[Shape], list[int]]:
    """The model that the rows of one entity stand for, and which of `kinds` it knows, by position."""
    shares = {(one.kind, one.level): (one.m, one.u) for one in weights}
    known = [k for k, kind in enumerate(kinds) if (kind.name, 0) in shares]
    of_kind = [
        [shares[kinds[k].name, level] for level in range(len(kinds[k].labels))] for k in known
    ]
    model = Model(
        [np.array([m for m, _ in one]) for one in of_kind],
        [np.array([u for _, u in one]) for one in of_kind],
        prior=shares["prior", 0][0],
        household=shares["household", 0][0],
    )
    return (
        model,
        [Shape(len(kinds[k].labels), kinds[k].has_frequency, kinds[k].shared_from) for k in known],
        known,
    )
