"""Cluster a labelled table with Splink 5: the reference beside `benchmarks accuracy`.

Run by another interpreter (`--peer-python`), so that Splink is no dependency of this project. Settings are those of
Splink's own tutorials for each data set: the quick start (fake_1000), "historical people 50k" and "FEBRL 3/4".

    python splink_clusters.py DATASET INPUT.parquet OUTPUT.parquet
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import duckdb
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

THRESHOLD = 0.95


def _fake_1000() -> tuple[list[Any], list[Any], list[Any], float, list[Any], str]:
    comparisons = [
        cl.NameComparison("first_name"),
        cl.NameComparison("surname"),
        cl.LevenshteinAtThresholds("dob", 1),
        cl.ExactMatch("city").configure(term_frequency_adjustments=True),
        cl.EmailComparison("email"),
    ]
    blocking = [block_on("first_name", "city"), block_on("surname"), block_on("email")]
    deterministic = [block_on("first_name", "dob"), "l.email = r.email"]
    return comparisons, blocking, deterministic, 0.7, [["first_name", "surname"], ["dob"]], "*"


def _historical_50k() -> tuple[list[Any], list[Any], list[Any], float, list[Any], str]:
    comparisons = [
        cl.ForenameSurnameComparison(
            "first_name", "surname", forename_surname_concat_col_name="first_name_surname_concat"
        ),
        cl.DateOfBirthComparison("dob", input_is_string=True),
        cl.PostcodeComparison("postcode_fake"),
        cl.ExactMatch("birth_place").configure(term_frequency_adjustments=True),
        cl.ExactMatch("occupation").configure(term_frequency_adjustments=True),
    ]
    blocking = [
        block_on("first_name", "surname"),
        block_on("surname", "dob"),
        block_on("first_name", "dob"),
        block_on("postcode_fake", "first_name"),
        block_on("postcode_fake", "surname"),
        block_on("dob", "birth_place"),
        block_on("substr(postcode_fake,1,3)", "dob"),
        block_on("substr(postcode_fake,1,3)", "first_name"),
        block_on("substr(postcode_fake,1,3)", "surname"),
        block_on("substr(first_name,1,2)", "substr(surname,1,2)", "substr(dob,1,4)"),
    ]
    deterministic = [
        "l.first_name = r.first_name and l.surname = r.surname and l.dob = r.dob",
        "substr(l.first_name,1,2) = substr(r.first_name,1,2) and l.surname = r.surname "
        "and substr(l.postcode_fake,1,2) = substr(r.postcode_fake,1,2)",
        "l.dob = r.dob and l.postcode_fake = r.postcode_fake",
    ]
    columns = "*, first_name || ' ' || surname as first_name_surname_concat"
    return comparisons, blocking, deterministic, 0.6, [["first_name", "surname"], ["dob"]], columns


def _febrl() -> tuple[list[Any], list[Any], list[Any], float, list[Any], str]:
    comparisons = [
        cl.NameComparison("given_name"),
        cl.NameComparison("surname"),
        cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d"),
        cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
        cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
        cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(
            term_frequency_adjustments=True
        ),
    ]
    blocking = [
        block_on("soc_sec_id"),
        block_on("given_name"),
        block_on("surname"),
        block_on("date_of_birth"),
        block_on("postcode"),
    ]
    deterministic = [
        block_on("soc_sec_id"),
        block_on("given_name", "surname", "date_of_birth"),
        "l.given_name = r.surname and l.surname = r.given_name "
        "and l.date_of_birth = r.date_of_birth",
    ]
    return comparisons, blocking, deterministic, 0.9, [["date_of_birth"], ["postcode"]], "*"


DATASETS = {"fake_1000": _fake_1000, "historical_50k": _historical_50k, "febrl": _febrl}


def main(dataset: str, source: str, target: str) -> None:
    """Train, predict, cluster at 0.95 and write unique_id, cluster_id."""
    logging.disable(logging.WARNING)
    comparisons, blocking, deterministic, recall, training, columns = DATASETS[dataset]()
    connection = duckdb.connect()
    connection.execute(f"create table records as select {columns} from read_parquet('{source}')")
    api = DuckDBAPI(connection)
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=blocking,
        unique_id_column_name="unique_id",
    )
    linker = Linker(api.register("records"), settings)
    linker.training.estimate_probability_two_random_records_match(deterministic, recall=recall)
    linker.training.estimate_u_using_random_sampling(max_pairs=5e6, seed=1)
    for columns_of_rule in training:
        linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(*columns_of_rule)
        )
    predictions = linker.inference.predict(threshold_match_probability=THRESHOLD)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
        predictions, threshold_match_probability=THRESHOLD
    )
    connection.execute(
        f"copy (select unique_id, cluster_id from {clusters.physical_name}) to '{target}'"
        " (format parquet)"
    )


if __name__ == "__main__":
    main(*sys.argv[1:4])
