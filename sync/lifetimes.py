"""How often people buy until they leave, and what a purchase is worth: the parameters of BG/NBD and Gamma-Gamma, by maximum likelihood.

The sources stand in macros/profiles/lifetime_scores.sql, which computes everybody's scores from them. Here only patterns arrive: how
many people bought so often, until then, since then. Time is in weeks.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sync.errors import ConfigError

DAYS_IN_WEEK = 7
FEWEST_WHO_RETURN = 50
# Both models need a mean that does not depend on how often somebody buys (Fader and Hardie 2013, section 3).
MOST_CORRELATED = 0.3
# Where people hardly differ in how often they buy or how soon they leave, or nobody seems to leave, the likelihood rises without end; the
# series of the scores (macros/profiles/lifetime_scores.sql) is exact up to here.
LIMITS = {"r": (1e-3, 10.0), "a": (1e-3, 5.0)}
COLUMNS = ("model_name", "parameter", "parameter_value", "purchasers", "trained_on")


@dataclass(frozen=True, slots=True)
class History:
    """So many people with the same repeat purchases and days."""

    repeat_purchases: int
    days_to_last_purchase: int
    days_of_observation: int
    people: int


@dataclass(frozen=True, slots=True)
class Worth:
    """So many people with the same repeat purchases and the same mean value of one."""

    repeat_purchases: int
    mean_value: float
    people: int


@dataclass(frozen=True, slots=True)
class Fitted:
    """Parameters by name; `log_likelihood` is per person; `at_limit` are parameters that a limit holds."""

    parameters: Mapping[str, float]
    people: int
    log_likelihood: float
    at_limit: Sequence[str] = ()


def fit_purchases(histories: Iterable[History]) -> Fitted:
    """r, alpha (weeks), a and b of BG/NBD.

    Raises:
        ConfigError: too few people came back, or the likelihood has no maximum on these histories.
    """
    rows = sorted(histories, key=lambda one: (one.repeat_purchases, one.days_of_observation))
    returned = sum(one.people for one in rows if one.repeat_purchases)
    _expect_enough(returned)
    x = np.array([one.repeat_purchases for one in rows], dtype=float)
    recency = np.array([one.days_to_last_purchase for one in rows]) / DAYS_IN_WEEK
    age = np.array([one.days_of_observation for one in rows]) / DAYS_IN_WEEK
    people = np.array([one.people for one in rows], dtype=float)
    gammaln = _special("gammaln")
    # A year and a day of one person are the same to the optimiser.
    scale = max(float(age.max()), 1.0)
    recency, age = recency / scale, age / scale

    def loss(logs: Any) -> float:
        r, alpha, a, b = np.exp(logs)
        shared = (
            gammaln(r + x)
            - gammaln(r)
            + r * np.log(alpha)
            + gammaln(a + b)
            + gammaln(b + x)
            - gammaln(b)
            - gammaln(a + b + x)
        )
        stays = -(r + x) * np.log(alpha + age)
        left = np.log(a) - np.log(np.maximum(b + x - 1, 1e-12)) - (r + x) * np.log(alpha + recency)
        each = shared + np.where(x > 0, np.logaddexp(stays, left), stays)
        return float(-(people * each).sum() / people.sum())

    found, least = _minimum(loss, ("r", "alpha", "a", "b"))
    at_limit = [
        name for name, ends in LIMITS.items() if not ends[0] * 1.001 < found[name] < ends[1] * 0.999
    ]
    found["alpha"] *= scale
    # In weeks it is a density over each of the times of the repeat purchases.
    unscaled = -least - float((people * x).sum() / people.sum() * np.log(scale))
    return Fitted(found, int(people.sum()), unscaled, at_limit)


def fit_worth(worths: Iterable[Worth]) -> Fitted:
    """p, q and v (money) of Gamma-Gamma.

    Raises:
        ConfigError: too few people came back, or the likelihood has no maximum on these values.
    """
    rows = sorted(
        (one for one in worths if one.repeat_purchases and one.mean_value > 0),
        key=lambda one: (one.repeat_purchases, one.mean_value),
    )
    _expect_enough(sum(one.people for one in rows))
    x = np.array([one.repeat_purchases for one in rows], dtype=float)
    mean = np.array([one.mean_value for one in rows], dtype=float)
    people = np.array([one.people for one in rows], dtype=float)
    gammaln = _special("gammaln")
    scale = float((people * mean).sum() / people.sum())
    mean = mean / scale

    def loss(logs: Any) -> float:
        p, q, v = np.exp(logs)
        each = (
            gammaln(p * x + q)
            - gammaln(p * x)
            - gammaln(q)
            + q * np.log(v)
            + (p * x - 1) * np.log(mean)
            + p * x * np.log(x)
            - (p * x + q) * np.log(x * mean + v)
        )
        return float(-(people * each).sum() / people.sum())

    found, least = _minimum(loss, ("p", "q", "v"))
    if found["q"] <= 1:
        raise ConfigError(
            f"the mean value of purchases has no bound (q is {found['q']:.3f}, and must be above 1).",
            "Look for values that are no prices, or leave the worth out: lifetime_scores without value.",
        )
    found["v"] *= scale
    return Fitted(found, int(people.sum()), -least - float(np.log(scale)))


def correlation(worths: Sequence[Worth]) -> float:
    """Pearson's, of how often people buy and what a purchase is worth to them; 0 where one of them is always the same."""
    rows = [one for one in worths if one.repeat_purchases]
    people = np.array([one.people for one in rows], dtype=float)
    both = np.array([[one.repeat_purchases, one.mean_value] for one in rows], dtype=float).T
    covariance = np.cov(both, fweights=people.astype(int)) if people.sum() > 1 else np.zeros((2, 2))
    spread = float(np.sqrt(covariance[0, 0] * covariance[1, 1]))
    return float(covariance[0, 1]) / spread if spread else 0.0


def write_parameters(path: Path, model: str, fitted: Sequence[Fitted], *, today: str) -> None:
    """Replace the model's rows in the seed; keep those of others."""
    kept: list[dict[str, str]] = []
    if path.exists():
        with path.open(newline="") as file:
            kept = [row for row in csv.DictReader(file) if row["model_name"] != model]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
        for one in fitted:
            for name, value in one.parameters.items():
                writer.writerow(
                    dict(
                        zip(COLUMNS, (model, name, f"{value:.12g}", one.people, today), strict=True)
                    )
                )


def _expect_enough(returned: int) -> None:
    if returned < FEWEST_WHO_RETURN:
        raise ConfigError(
            f"only {returned} people bought on a second day; {FEWEST_WHO_RETURN} are needed to learn from.",
            "Train on a longer history; until then the scores are null.",
        )


def _minimum(loss: Callable[[Any], float], names: Sequence[str]) -> tuple[dict[str, float], float]:
    """The parameters, all above 0 and within their limits, that make the loss least, and that loss."""
    found = _scipy("optimize").minimize(
        loss,
        np.full(len(names), 0.1),
        method="Nelder-Mead",
        bounds=[tuple(np.log(LIMITS.get(name, (1e-6, 1e6)))) for name in names],
        options={"maxiter": 8000, "maxfev": 16000, "xatol": 1e-7, "fatol": 1e-12},
    )
    parameters = {name: float(np.exp(value)) for name, value in zip(names, found.x, strict=True)}
    free = [value for name, value in parameters.items() if name not in LIMITS]
    if not found.success or not all(2e-6 < value < 5e5 for value in free):
        raise ConfigError(
            "the likelihood has no maximum on these histories: too many are alike.",
            "Look at `where` and the days of the event; until then the scores are null.",
        )
    return parameters, float(found.fun)


def _special(name: str) -> Any:
    return getattr(_scipy("special"), name)


def _scipy(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(f"scipy.{name}")
    except ImportError as error:
        raise ConfigError(
            "fitting needs SciPy, which is not installed.", "pip install 'headwater[lifetimes]'"
        ) from error
