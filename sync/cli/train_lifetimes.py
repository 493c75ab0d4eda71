"""`sync train-lifetimes`."""

from __future__ import annotations

from pathlib import Path

import click

from sync.cli.app import App, Verb, json_option
from sync.errors import ConfigError
from sync.warehouses.base import now_utc

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
    from sync.lifetimes import (
        MOST_CORRELATED,
        History,
        Worth,
        correlation,
        fit_purchases,
        fit_worth,
        write_parameters,
    )

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
        key = ", ".join(NEEDED)
        histories = [
            History(
                int(row["repeat_purchases"]),
                int(row["days_to_last_purchase"]),
                int(row["days_of_observation"]),
                int(row["people"]),
            )
            for row in session.rows(
                f"select {key}, count(*) as people from {relation} where repeat_purchases is not null group by {key}"
            )
        ]
        worths = [
            Worth(int(row["repeat_purchases"]), float(row["mean_value"]), int(row["people"]))
            for row in session.rows(
                "select repeat_purchases, round(mean_repeat_value, 2) as mean_value, count(*) as people "
                f"from {relation} where mean_repeat_value > 0 group by repeat_purchases, round(mean_repeat_value, 2)"
            )
        ] if "mean_repeat_value" in columns else []  # fmt: skip
    fitted = [fit_purchases(histories)]
    if "mean_repeat_value" in columns:
        fitted.append(fit_worth(worths))
    path = out or app.project.directory / "seeds" / "lifetime_parameters.csv"
    write_parameters(path, model, fitted, today=str(now_utc().date()))
    related = correlation(worths) if worths else None
    if as_json:
        app.output.document(
            {
                "model": model,
                "path": str(path),
                "parameters": {name: value for one in fitted for name, value in one.parameters.items()},
                "people": fitted[0].people,
                "log_likelihood_per_person": [one.log_likelihood for one in fitted],
                "correlation": related,
                "at_limit": list(fitted[0].at_limit),
            }
        )  # fmt: skip
        return 0
    app.output.table(
        ["parameter", "value", "from people"],
        [
            [name, f"{value:.6g}", f"{one.people:,}"]
            for one in fitted
            for name, value in one.parameters.items()
        ],
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
    app.output.text(
        f"Written to {path}. Next: dbt seed --select lifetime_parameters && dbt build --select {model}+"
    )
    return 0
