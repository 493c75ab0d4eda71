"""`sync train-matching`."""

from __future__ import annotations

from pathlib import Path

import click

from sync.cli.app import App, Verb, json_option
from sync.errors import ConfigError


@click.command("train-matching", cls=Verb, example="sync train-matching --entity person")
@click.option("--entity", default="person", show_default=True, help="Which entity.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The seed to write. [default: seeds/matching_weights.csv of the project]",
)
@click.option(
    "--import-splink",
    "splink_model",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take m and u from a Splink model JSON; the rest is trained.",
)
@json_option
@click.pass_obj
def train_matching(
    app: App, entity: str, out: Path | None, splink_model: Path | None, as_json: bool
) -> int:
    """Estimate the weights of probabilistic matching from the pairs of the last build; no labels needed."""
    from sync.identity.matching.splink import import_splink, read_splink
    from sync.identity.matching.weights import (
        Counted,
        description_of,
        has_households,
        train_weights,
        write_weights,
    )

    kinds, rules = description_of(app.project.manifest, entity)
    relation = app.manifest.relation("matching_patterns")
    if relation is None:
        raise ConfigError(
            "the model matching_patterns is not in the manifest.",
            "Enable matching (vars: cdp_matching) and build: dbt build --select +matching_patterns",
        )
    with app.warehouse.session() as session:
        rows = session.rows(
            "select drawn_from, pattern, rule_mask, frequency_bits, shared_frequency_bits, pair_count"
            f" from {relation} where entity = {app.warehouse.dialect.literal(entity)}"
        )
    counted = [
        Counted(
            str(row["drawn_from"]),
            str(row["pattern"] or ""),
            int(row["rule_mask"]),
            float(row["frequency_bits"]),
            float(row["shared_frequency_bits"]),
            int(row["pair_count"]),
        )
        for row in rows
    ]
    weights = train_weights(
        entity,
        counted,
        kinds=kinds,
        rules=rules,
        has_households=has_households(app.project.manifest, entity),
    )
    if splink_model is not None:
        weights = import_splink(read_splink(splink_model), weights)
    path = out or app.project.directory / "seeds" / "matching_weights.csv"
    write_weights(path, weights)
    if as_json:
        app.output.document(
            {
                "entity": entity,
                "path": str(path),
                "prior": weights[0].m,
                "household": weights[1].m,
                "kinds": sorted({one.kind for one in weights} - {"prior", "household"}),
                "pairs": sum(one.pair_count for one in counted if one.sample == "candidates"),
            }
        )
    else:
        app.output.table(
            ["kind", "level", "m", "u", "from"],
            [[one.kind, one.label, f"{one.m:.6f}", f"{one.u:.6f}", one.source] for one in weights],
        )
        if any(one.source == "assumed" for one in weights):
            app.output.text(
                f"{entity} has one kind of column, by which nothing can be learnt: these are assumptions. Add a kind, or set `accept` by "
                "what matching_review shows."
            )
        app.output.text(f"Written to {path}. Next: dbt seed --select matching_weights && dbt build")
    return 0
