"""Scores of lifetimes: against the closed forms, against another implementation on the sample of the papers, and as a user trains them."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.special import hyp2f1

from sync.cli.main import run
from sync.errors import ConfigError
from sync.lifetimes import History, Worth, fit_purchases, fit_worth
from tests.python.profiles.test_event_traits import dbt, traits_project

# The calibration period of the papers: the first 39 weeks.
NOW = dt.datetime(1997, 9, 30, 12)
DAYS = 90
# Fader, Hardie and Lee 2005, section 4; Fader and Hardie 2013, section 4.
PAPER = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426, "p": 6.25, "q": 3.74, "v": 15.44}
CALLS = {
    "traits_lifetime": f"ref('event_order_placed'), value='total', days={DAYS}",
    "traits_rhythm": "ref('event_order_placed'), where='total > 20', days=730",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lifetimes")
    stubs = {
        "event_order_placed": "select * from raw.events",
        "profile_records": "select distinct profile_id from raw.records",
        "account_records": "select 'c' as account_id",
        "lifetime_parameters": "select * from raw.parameters",
        **{name: "{{ headwater.lifetime_scores(" + call + ") }}" for name, call in CALLS.items()},
    }
    database = traits_project(folder, "lifetimes", stubs, NOW)
    (folder / "destinations.yml").write_text("destinations: {}\n")
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "create schema raw; create table raw.records (profile_id text);"
            "create table raw.events (profile_id text, occurred_at timestamp, total decimal(18, 2));"
            "create table raw.parameters (model_name text, parameter text, parameter_value text,"
            " purchasers integer, trained_on text)"
        )
    assert dbt(folder, "run") == ""
    return folder


def fill(folder: Path, events: pd.DataFrame, parameters: Mapping[str, Mapping[str, float]]) -> None:
    with duckdb.connect(str(folder / "lifetimes.duckdb")) as connection:
        for table in ("records", "events", "parameters"):
            connection.execute(f"delete from raw.{table}")
        connection.register("bought", events[["profile_id", "occurred_at", "total"]])
        connection.execute("insert into raw.events select * from bought")
        connection.execute("insert into raw.records select profile_id from bought")
        connection.execute("insert into raw.records values ('never bought')")
        for model, values in parameters.items():
            for name, value in values.items():
                connection.execute(
                    "insert into raw.parameters values (?, ?, ?, 1, '')", [model, name, repr(value)]
                )


def scores(folder: Path, model: str) -> pd.DataFrame:
    with duckdb.connect(str(folder / "lifetimes.duckdb")) as connection:
        found = connection.sql(f"select * from analytics.{model}").df()
    return found.set_index("profile_id").sort_index()


def closed_forms(found: pd.DataFrame, told: Mapping[str, float], days: int) -> pd.DataFrame:
    """As the papers write them, by SciPy's Gaussian hypergeometric function."""
    r, alpha, a, b = (told[name] for name in ("r", "alpha", "a", "b"))
    x = found.repeat_purchases.astype(float)
    recency, age = found.days_to_last_purchase / 7, found.days_of_observation / 7
    t = days / 7
    odds = np.where(
        x > 0, a / (b + np.maximum(x, 1) - 1) * ((alpha + age) / (alpha + recency)) ** (r + x), 0
    )
    series = hyp2f1(r + x, b + x, a + b + x - 1, t / (alpha + age + t))
    if_alive = (
        (a + b + x - 1) / (a - 1) * (1 - ((alpha + age) / (alpha + age + t)) ** (r + x) * series)
    )
    return pd.DataFrame(
        {"probability_alive": 1 / (1 + odds), "expected_purchases": if_alive / (1 + odds)}
    )


def random_events(chance: np.random.Generator) -> pd.DataFrame:
    size = 600
    return pd.DataFrame(
        {
            "profile_id": [f"p{n}" for n in (chance.random(size) ** 2 * 80).astype(int)],
            "occurred_at": [
                NOW - dt.timedelta(days=float(n)) for n in chance.random(size) ** 3 * 2000 - 5
            ],
            "total": np.round(chance.gamma(2, 20, size), 2),
        }
    )


def random_parameters(chance: np.random.Generator) -> dict[str, float]:
    least = {"r": 0.1, "alpha": 4.0, "a": 0.05, "b": 0.3, "p": 1.0, "q": 1.5, "v": 5.0}
    told = {name: float(value * np.exp(chance.random() * 2.5)) for name, value in least.items()}
    limits = {"a": [told["a"], 2.5, 5.0], "r": [told["r"], 10.0]}
    return told | {name: float(chance.choice(some)) for name, some in limits.items()}


def test_scores_are_the_closed_forms(folder: Path) -> None:
    for seed in range(6):
        chance = np.random.default_rng(seed)
        told = {name: random_parameters(chance) for name in CALLS}
        fill(folder, random_events(chance), told)
        for model, days in (("traits_lifetime", DAYS), ("traits_rhythm", 730)):
            found = scores(folder, model)
            assert found.loc["never bought"].isna().all()
            bought = found.dropna(subset="repeat_purchases").astype(float)
            expected = closed_forms(bought, told[model], days)
            for column in expected:
                np.testing.assert_allclose(bought[column], expected[column], rtol=1e-6, atol=1e-9)


def test_extremes_have_scores_too(folder: Path) -> None:
    days = {
        "once": [30],
        "today": [0],
        "twice today": [0, 0],
        "once in 1901": [45_000],
        "first in 1901": [45_000, 3],
        "daily, long ago": list(range(4000, 5500)),
        "daily, until now": list(range(1500)),
    }
    bought = [
        {"profile_id": name, "occurred_at": NOW - dt.timedelta(days=n), "total": 5.0}
        for name, some in days.items() for n in some
    ]  # fmt: skip
    fill(folder, pd.DataFrame(bought), {"traits_lifetime": PAPER})
    found = scores(folder, "traits_lifetime").drop("never bought").astype(float)
    assert set(found.index) == set(days)
    assert (
        found.loc[["once", "today", "twice today", "once in 1901"], "probability_alive"].eq(1).all()
    )
    r, alpha, a, b = (PAPER[name] for name in ("r", "alpha", "a", "b"))
    x, recency, age = (
        found.repeat_purchases,
        found.days_to_last_purchase / 7,
        found.days_of_observation / 7,
    )
    some = x > 0
    log_odds = np.log(a / (b + x[some] - 1)) + (r + x[some]) * np.log(
        (alpha + age[some]) / (alpha + recency[some])
    )
    np.testing.assert_allclose(
        found.probability_alive[some],
        1 / (1 + np.exp(np.minimum(log_odds, 700))),
        rtol=1e-6,
        atol=1e-9,
    )
    assert found.loc["daily, long ago", ["probability_alive", "expected_purchases"]].tolist() == [
        0,
        0,
    ]
    assert (
        np.isfinite(found.to_numpy()).all(axis=1).tolist()
        == found.mean_repeat_value.notna().tolist()
    )
    assert found.expected_purchases.between(0, DAYS).all()


def test_without_parameters_there_are_no_scores(folder: Path) -> None:
    fill(folder, random_events(np.random.default_rng(1)), {"traits_rhythm": PAPER})
    found = scores(folder, "traits_lifetime")
    assert found.repeat_purchases.notna().any()
    assert (
        found[["probability_alive", "expected_purchases", "expected_value"]].isna().all(axis=None)
    )


def test_the_sample_of_the_papers_gives_their_parameters_and_the_scores_of_another_implementation(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    peers = pytest.importorskip("lifetimes")
    # Its own loader needs a setuptools that is gone.
    data = Path(peers.__file__).parent / "datasets"
    rows = pd.read_csv(data / "CDNOW_sample.txt", header=None, sep=r"\s+")
    events = pd.DataFrame(
        {
            "profile_id": rows[1].map("{:05}".format),
            "occurred_at": pd.to_datetime(rows[2].astype(str), format="%Y%m%d")
            + pd.Timedelta(hours=9),
            "total": rows[4],
        }
    )
    fill(folder, events, {})
    assert train(folder, "traits_lifetime") == 0
    told: dict[str, float] = json.loads(capsys.readouterr().out)["parameters"]
    for name, value in PAPER.items():
        assert told[name] == pytest.approx(value, rel=0.01)
    with (folder / "learnt.csv").open(newline="") as file:
        written = {row["parameter"]: float(row["parameter_value"]) for row in csv.DictReader(file)}
    assert written == pytest.approx(told, rel=1e-11)

    fill(folder, events, {"traits_lifetime": written})
    found = scores(folder, "traits_lifetime").drop("never bought").astype(float)
    purchases, worth = peers.BetaGeoFitter(), peers.GammaGammaFitter()
    purchases.params_ = {name: written[name] for name in ("r", "alpha", "a", "b")}
    worth.params_ = {name: written[name] for name in ("p", "q", "v")}
    # The papers leave out purchases of nothing, which the summary counts.
    summary = pd.read_csv(data / "cdnow_customers_summary_with_transactions.csv", index_col=0)
    summary.columns = ["frequency", "recency", "T", "value"]
    summary.index = [f"{n:05}" for n in summary.index]
    summary = summary.loc[found.index]
    same = summary.frequency == found.repeat_purchases
    assert same.mean() > 0.99
    x, recency, age = (
        found.repeat_purchases,
        found.days_to_last_purchase / 7,
        found.days_of_observation / 7,
    )
    np.testing.assert_allclose(age[same], summary["T"][same], atol=0.01)
    alive = purchases.conditional_probability_alive(x, recency, age)
    expected = purchases.conditional_expected_number_of_purchases_up_to_time(
        DAYS / 7, x, recency, age
    )
    each = worth.conditional_expected_average_profit(x, found.mean_repeat_value.fillna(0))
    np.testing.assert_allclose(found.probability_alive, alive, atol=1e-6)
    np.testing.assert_allclose(found.expected_purchases, expected, atol=1e-6)
    np.testing.assert_allclose(found.expected_purchase_value, each, rtol=1e-6)
    np.testing.assert_allclose(found.expected_value, expected * each, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("days=0", "days is a whole number from 1 to 3660, not '0'"),
        ("days='90'", "days is a whole number"),
        ("key='email'", "key is profile_id or account_id, not 'email'"),
    ],
)
def test_a_wrong_call_says_what_is_allowed(folder: Path, call: str, said: str) -> None:
    line = "{{ headwater.lifetime_scores(ref('event_order_placed'), " + call + ") }}"
    output = dbt(folder, "compile", "--inline", line)
    assert said in output
    assert "docs/add-a-trait.md" in output


def test_what_cannot_be_learnt_from_is_said() -> None:
    once = [History(0, 0, days, 100) for days in range(50)]
    with pytest.raises(ConfigError, match="only 20 people bought on a second day; 50 are needed"):
        fit_purchases([*once, History(1, 5, 30, 20)])
    with pytest.raises(ConfigError, match="only 0 people"):
        fit_worth([Worth(0, 3.0, 100)])
    with pytest.raises(ConfigError, match=r"no maximum|no bound"):
        fit_worth([Worth(3, 10.0, 500)])


def test_people_who_are_all_alike_hold_a_parameter_at_its_limit() -> None:
    chance = np.random.default_rng(3)
    drawn = []
    for _ in range(3000):
        age, at, bought, last = int(chance.integers(100, 700)), 0.0, 0, 0
        days_between = 30 / chance.gamma(1.5)
        while True:
            at += chance.exponential(days_between)
            if at >= age:
                break
            bought, last = bought + 1, int(at)
            if chance.random() < 0.2:
                break
        drawn.append(History(bought, last, age, 1))
    found = fit_purchases(drawn)
    assert found.at_limit == ["a"]
    leaves = found.parameters["a"] / (found.parameters["a"] + found.parameters["b"])
    assert leaves == pytest.approx(0.2, abs=0.02)


def train(folder: Path, model: str) -> int:
    place = ["--project-dir", str(folder), "--profiles-dir", str(folder)]
    return run(["train-lifetimes", model, *place, "--out", str(folder / "learnt.csv"), "--json"])


def test_training_names_a_model_that_is_none_of_this_kind(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for model, said in (
        ("event_order_placed", "event_order_placed has no column repeat_purchases"),
        ("traits_lifetimes", "the project has no model 'traits_lifetimes'"),
    ):
        assert train(folder, model) == 2
        assert said in capsys.readouterr().err
