"""Cluster a labelled table with Splink 5: the reference beside `benchmarks accuracy`.

Run by another interpreter (`--peer-python`), so that Splink is no dependency of this project. Settings are those of Splink's
own examples for each data set (docs/demos/examples/duckdb of moj-analytical-services/splink, read 2026-11-24):
accuracy_analysis_from_labels_column (fake_1000), deduplicate_50k_synthetic (historical_50k), febrl4, the detailed model,
with the broader blocking of febrl3 (FEBRL). Values are trimmed first, as its prerequisites ask.

    python splink_clusters.py DATASET INPUT.parquet OUTPUT.parquet THRESHOLD...
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on


@dataclass(frozen=True)
class Example:
    """What one of Splink's examples sets."""

    comparisons: Sequence[Any]
    blocking: Sequence[Any]
    deterministic: Sequence[Any]
    recall: float
    training: Sequence[Sequence[str]]
    added_columns: str = ""


def _fake_1000() -> Example:
    return Example(
        comparisons=[
            cl.ForenameSurnameComparison("first_name", "surname"),
            cl.DateOfBirthComparison("dob", input_is_string=True),
            cl.ExactMatch("city").configure(term_frequency_adjustments=True),
            cl.EmailComparison("email"),
        ],
        blocking=[block_on("first_name"), block_on("surname"), block_on("dob"), block_on("email")],
        deterministic=[
            "l.first_name = r.first_name and levenshtein(r.dob, l.dob) <= 1",
            "l.surname = r.surname and levenshtein(r.dob, l.dob) <= 1",
            "l.first_name = r.first_name and levenshtein(r.surname, l.surname) <= 2",
            "l.email = r.email",
        ],
        recall=0.7,
        training=[["dob"], ["email"], ["first_name", "surname"]],
    )


def _historical_50k() -> Example:
    return Example(
        comparisons=[
            cl.ForenameSurnameComparison(
                "first_name",
                "surname",
                forename_surname_concat_col_name="first_name_surname_concat",
            ),
            cl.DateOfBirthComparison("dob", input_is_string=True),
            cl.PostcodeComparison("postcode_fake"),
            cl.ExactMatch("birth_place").configure(term_frequency_adjustments=True),
            cl.ExactMatch("occupation").configure(term_frequency_adjustments=True),
        ],
        blocking=[
            block_on("substr(first_name,1,3)", "substr(surname,1,4)"),
            block_on("surname", "dob"),
            block_on("first_name", "dob"),
            block_on("postcode_fake", "first_name"),
            block_on("postcode_fake", "surname"),
            block_on("dob", "birth_place"),
            block_on("substr(postcode_fake,1,3)", "dob"),
            block_on("substr(postcode_fake,1,3)", "first_name"),
            block_on("substr(postcode_fake,1,3)", "surname"),
            block_on("substr(first_name,1,2)", "substr(surname,1,2)", "substr(dob,1,4)"),
        ],
        deterministic=[
            block_on("first_name", "surname", "dob"),
            block_on("substr(first_name,1,2)", "surname", "substr(postcode_fake,1,2)"),
            block_on("dob", "postcode_fake"),
        ],
        recall=0.6,
        training=[["first_name", "surname"], ["dob"]],
        added_columns=", first_name || ' ' || surname as first_name_surname_concat",
    )


def _febrl() -> Example:
    return Example(
        comparisons=[
            cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
            cl.NameComparison("surname").configure(term_frequency_adjustments=True),
            cl.DateOfBirthComparison(
                "date_of_birth",
                input_is_string=True,
                datetime_format="%Y%m%d",
                invalid_dates_as_null=True,
            ),
            cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
            cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
            cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(
                term_frequency_adjustments=True
            ),
        ],
        blocking=[
            block_on("soc_sec_id"),
            block_on("given_name"),
            block_on("surname"),
            block_on("date_of_birth"),
            block_on("postcode"),
        ],
        deterministic=[
            block_on("soc_sec_id"),
            block_on("given_name", "surname", "date_of_birth"),
            "l.given_name = r.surname and l.surname = r.given_name "
            "and l.date_of_birth = r.date_of_birth",
        ],
        recall=0.9,
        training=[["date_of_birth"], ["postcode"]],
    )


def _generated() -> Example:
    """No example of Splink's has these columns: fake_1000's, with a phone and an address."""
    return Example(
        comparisons=[
            cl.ForenameSurnameComparison("first_name", "last_name"),
            cl.DateOfBirthComparison("birth_date", input_is_string=True, datetime_format="%Y%m%d"),
            cl.EmailComparison("email"),
            cl.ExactMatch("phone").configure(term_frequency_adjustments=True),
            cl.LevenshteinAtThresholds("street", 2),
            cl.ExactMatch("postal_code").configure(term_frequency_adjustments=True),
        ],
        blocking=[
            block_on("first_name", "last_name"),
            block_on("birth_date"),
            block_on("email"),
            block_on("phone"),
            block_on("postal_code"),
        ],
        deterministic=[
            block_on("first_name", "last_name", "birth_date"),
            block_on("first_name", "last_name", "phone"),
            "l.email = r.email",
        ],
        recall=0.7,
        training=[["birth_date"], ["first_name", "last_name"]],
    )


EXAMPLES = {
    "fake_1000": _fake_1000,
    "historical_50k": _historical_50k,
    "febrl": _febrl,
    "generated": _generated,
}


def _linker(connection: duckdb.DuckDBPyConnection, source: str, example: Example) -> Linker:
    columns = connection.execute(f"describe select * from read_parquet('{source}')").fetchall()
    trimmed = ", ".join(
        f"nullif(trim(cast({name} as varchar)), '') as {name}" for name, *_ in columns
    )
    connection.execute(
        f"create table records as select *{example.added_columns}"
        f" from (select {trimmed} from read_parquet('{source}'))"
    )
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=list(example.comparisons),
        blocking_rules_to_generate_predictions=list(example.blocking),
        unique_id_column_name="unique_id",
    )
    linker = Linker(DuckDBAPI(connection).register("records"), settings)
    linker.training.estimate_probability_two_random_records_match(
        list(example.deterministic), recall=example.recall
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e7, seed=1)
    for names in example.training:
        linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(*names), estimate_without_term_frequencies=True
        )
    return linker


def main(dataset: str, source: str, target: str, *thresholds: str) -> None:
    """Train, predict, cluster at each threshold and write threshold, unique_id, cluster_id."""
    logging.disable(logging.WARNING)
    connection = duckdb.connect()
    linker = _linker(connection, source, EXAMPLES[dataset]())
    lowest = min(map(float, thresholds))
    predictions = linker.inference.predict(threshold_match_probability=lowest)
    parts: list[str] = []
    for threshold in thresholds:
        clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
            predictions, threshold_match_probability=float(threshold)
        )
        name = f"clusters_{len(parts)}"
        connection.execute(
            f"create table {name} as select '{threshold}' as threshold, unique_id, cluster_id"
            f" from {clusters.physical_name}"
        )
        parts.append(f"select * from {name}")
    connection.execute(f"copy ({' union all '.join(parts)}) to '{target}' (format parquet)")


if __name__ == "__main__":
    main(*sys.argv[1:])
