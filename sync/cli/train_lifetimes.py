"""`sync train-lifetimes`."""

from __future__ import annotations

from pathlib import Path

import click

from sync.cli.app import App, Verb, json_option
from sync.errors import ConfigError
from sync.lifetimes import (
    MOST_CORRELATED,
    History,
    Worth,
    correlation,
    fit_purchases,
    fit_worth,
    write_parameters,
)
from sync.warehouses.base import Session, now_utc

NEEDED = ("repeat_purchases", "days_to_last_purchase", "days_of_observation")


@click.command("train-lifetimes", cls=Verb, example="sync train-lifetimes traits_lifetime")
@click.argument("model")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The seed to write. [default: seeds/lifetime_parameters.csv of the project]",
)
@json_option
@click.pass_obj
def train_lifetimes(app: App, model: str, out: Path | None, as_json: bool) -> int:
    """Fit how often people buy until they leave, and what a purchase is worth, for MODEL, made by the macro lifetime_scores.

    Counts of people with the same history are read, no row of anybody.
    """
    relation = app.manifest.relation(model)
    if relation is None:
        raise ConfigError(
            f"the project has no model '{model}'.",
            "Write one with headwater.lifetime_scores (docs/add-a-trait.md), then dbt build it.",
        )
    with app.warehouse.session() as session:
        columns = {one.name.lower() for one in session.columns(relation)}
        missing = [one for one in NEEDED if one not in columns]
        if missing:
            raise ConfigError(
                f"{model} has no column {', '.join(missing)}.",
                "Name a model made by headwater.lifetime_scores, as it was last built: docs/add-a-trait.md.",
            )
        has_worth = "mean_repeat_value" in columns
        histories = _histories(session, relation)
        worths = _worths(session, relation) if has_worth else []
    fitted = [fit_purchases(histories), *([fit_worth(worths)] if has_worth else [])]
    path = out or app.project.directory / "seeds" / "lifetime_parameters.csv"
    write_parameters(path, model, fitted, today=str(now_utc().date()))
    related = correlation(worths) if worths else None
    found = [(name, value, one.people) for one in fitted for name, value in one.parameters.items()]
    if as_json:
        app.output.document(
            {
                "model": model,
                "path": str(path),
                "parameters": {name: value for name, value, _ in found},
                "people": fitted[0].people,
                "log_likelihood_per_person": [one.log_likelihood for one in fitted],
                "correlation": related,
                "at_limit": list(fitted[0].at_limit),
            }
        )
        return 0
    app.output.table(
        ["parameter", "value", "from people"],
        [[name, f"{value:.6g}", f"{people:,}"] for name, value, people in found],
    )
    for name in fitted[0].at_limit:
        what = {"r": "how often they buy", "a": "how soon they leave"}[name]
        app.output.text(
            f"{name} is at its limit of {fitted[0].parameters[name]:g}: these people hardly differ in {what}. "
            "The scores are those of the nearest model that tells them apart."
        )
    if related is not None and abs(related) > MOST_CORRELATED:
        app.output.text(
            f"How often people buy and what they spend go together (correlation {related:.2f}): expected_value is off for those who buy "
            "most. Train product lines apart, or take expected_purchases alone."
        )
    switch = app.manifest.switch_of_seed("lifetime_parameters")
    first = f"say in dbt_project.yml, once, {switch}; then " if switch else ""
    app.output.text(
        f"Written to {path}. Next: {first}dbt seed --select lifetime_parameters && dbt build --select {model}+"
    )
    return 0


def _histories(session: Session, relation: str) -> list[History]:
    key = ", ".join(NEEDED)
    rows = session.rows(
        f"select {key}, count(*) as people from {relation} where repeat_purchases is not null group by {key}"
    )
    return [History(**{name: int(row[name]) for name in (*NEEDED, "people")}) for row in rows]


def _worths(session: Session, relation: str) -> list[Worth]:
    mean = "round(mean_repeat_value, 2)"
    rows = session.rows(
        f"select repeat_purchases, {mean} as mean_value, count(*) as people from {relation} "
        f"where mean_repeat_value > 0 group by repeat_purchases, {mean}"
    )
    return [
        Worth(int(row["repeat_purchases"]), float(row["mean_value"]), int(row["people"]))
        for row in rows
    ]
