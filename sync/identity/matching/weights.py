"""From counts of patterns to the rows of seeds/matching_weights.csv, and back to a file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sync.config.manifest import Manifest
from sync.errors import ConfigError
from sync.identity.matching.em import Model, Patterns, Shape, assumed, train

LEAST_SHARE = 1e-12  # what the seed's twelve digits can say
COLUMNS = ("entity", "kind", "level", "label", "m", "u", "source")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of column in the order of a pattern; `labels` from level 0 up."""

    name: str
    labels: tuple[str, ...]
    has_frequency: bool
    shared_from: int | None = None
    identifies: bool = False

    @property
    def size(self) -> int:
        """How many levels it has."""
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Counted:
    """One row of the model `matching_patterns`."""

    sample: str
    sources: str
    pattern: str
    rule_mask: int
    frequency_bits: float
    shared_frequency_bits: float
    kin_bits: float
    identifying_bits: float
    identifying_kin_bits: float
    pair_count: int
    same_count: int = 0  # of these, how many people have called one's
    different_count: int = 0


@dataclass(frozen=True, slots=True)
class Weight:
    """One row of the seed."""

    entity: str
    kind: str
    level: int
    label: str
    m: float
    u: float
    source: str


def train_weights(
    entity: str,
    counted: Iterable[Counted],
    *,
    kinds: Sequence[Kind],
    rules: Sequence[Sequence[str]],
    has_households: bool = True,
) -> list[Weight]:
    """Weights of one entity; kinds that no pair has a value of are left out (they count for nothing).

    Raises:
        ConfigError: there is nothing to learn from.
    """
    # In one order, so that the same pairs give the same numbers to the last digit.
    rows = sorted(counted, key=astuple)
    record_count = sum(row.pair_count for row in rows if row.sample == "records")
    candidates, random = (
        patterns_of([row for row in rows if row.sample == sample], kinds)
        for sample in ("candidates", "random")
    )
    if not candidates.counts.sum() or not random.counts.sum():
        raise ConfigError(
            f"entity '{entity}' has no pairs to learn from.",
            "Build matching_patterns first: dbt build --select +matching_patterns"
            if not counted
            else "There are no two records of it that say by what they are compared (docs/matching.md)."
            if record_count < 2
            else f"Of {record_count:,} records no two met: what they have is missing, or on more records than max_block_records; "
            "matching_rules says which.",
        )
    present = [k for k in range(len(kinds)) if (candidates.levels[:, k] >= 0).any()]
    used = [kinds[k] for k in present]
    if len(used) == 1:
        model = assumed(
            candidates.only(present), used[0].size, record_count * (record_count - 1) / 2
        )
        return weights_of(entity, model, used, source="assumed")
    trained = train(
        candidates.only(present),
        random.only(present),
        shapes=[shape_of(kind, rules) for kind in used],
        pair_count=record_count * (record_count - 1) / 2,
        has_households=has_households,
    )
    return weights_of(entity, trained.model, used, source="trained")


def shape_of(kind: Kind, rules: Sequence[Sequence[str]]) -> Shape:
    """What training knows of a kind; `rules` are the kinds of each blocking rule."""
    free = sum(1 << number for number, rule in enumerate(rules) if kind.name not in rule)
    return Shape(len(kind.labels), kind.has_frequency, kind.shared_from, free)


def description_of(manifest: Path, entity: str) -> tuple[list[Kind], list[list[str]]]:
    """The kinds and the kinds that each of the entity's blocking rules uses, from the meta of model matching_patterns.

    Raises:
        ConfigError: there is no manifest, matching is off, or has no such entity.
    """
    meta = _described(manifest)
    if not meta:
        raise ConfigError(
            "matching is off: the model matching_patterns is not in the manifest.",
            "Set enabled: true under vars: cdp_matching, then dbt build --select +matching_patterns.",
        )
    if entity not in meta["rules"]:
        raise ConfigError(
            f"matching has no entity '{entity}'; it has {', '.join(meta['rules'])}.",
            "Entities are those of vars: cdp_identity, unless vars: cdp_matching: entities names fewer (docs/matching.md).",
        )
    kinds = [
        Kind(
            one["name"],
            tuple(one["labels"]),
            one["has_frequency"],
            one["shared_from"],
            one["identifies"],
        )
        for one in meta["kinds"]
    ]
    return kinds, meta["rules"][entity]


def accept_of(manifest: Path) -> float:
    """From which probability on pairs are accepted, as the manifest says it."""
    return float(_described(manifest)["accept"])


def has_households(manifest: Path, entity: str) -> bool:
    """Whether two of the entity may share an address and be two, as the manifest says it."""
    return entity in _described(manifest).get("households", [entity])


def _described(manifest: Path) -> Mapping[str, Any]:
    """What the engine's model matching_patterns keeps of the settings; nothing where matching is off."""
    return Manifest(manifest).meta("matching_patterns")


def weights_of(entity: str, model: Model, kinds: Sequence[Kind], *, source: str) -> list[Weight]:
    """The rows of a model, the prior first."""
    household = max(model.household, LEAST_SHARE)
    rows = [
        Weight(entity, "prior", 0, "two records match", model.prior, 1.0, source),
        Weight(entity, "household", 0, "two of one household", household, 1.0, source),
    ]
    for kind, m, u in zip(kinds, model.m, model.u, strict=True):
        for level, label in enumerate(kind.labels):
            rows.append(Weight(entity, kind.name, level, label, m[level], u[level], source))
    return rows


def write_weights(path: Path, weights: Sequence[Weight]) -> None:
    """Replace what `weights` has in the seed; keep other entities, and kinds that there was nothing to learn of."""
    written = {(weight.entity, weight.kind) for weight in weights}
    kept: list[dict[str, str]] = []
    if path.exists():
        with path.open(newline="") as file:
            kept = [
                row for row in csv.DictReader(file) if (row["entity"], row["kind"]) not in written
            ]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
        for one in weights:
            writer.writerow(
                {name: getattr(one, name) for name in COLUMNS}
                | {"m": f"{one.m:.12f}", "u": f"{one.u:.12f}"}
            )


def patterns_of(rows: Sequence[Counted], kinds: Sequence[Kind]) -> Patterns:
    """Counted pairs as numbers, a row each."""
    levels = np.array(
        [[-1 if mark == "-" else int(mark) for mark in row.pattern] for row in rows], dtype=np.int64
    ).reshape(len(rows), len(kinds))
    return Patterns(
        levels,
        np.array([row.pair_count for row in rows], dtype=np.float64),
        np.array([row.frequency_bits for row in rows], dtype=np.float64),
        np.array([row.shared_frequency_bits for row in rows], dtype=np.float64),
        np.array([row.kin_bits for row in rows], dtype=np.float64),
        np.array([row.identifying_bits for row in rows], dtype=np.float64),
        np.array([row.identifying_kin_bits for row in rows], dtype=np.float64),
        np.array([row.rule_mask for row in rows], dtype=np.int64),
        np.array([row.same_count for row in rows], dtype=np.float64),
        np.array([row.different_count for row in rows], dtype=np.float64),
    )
