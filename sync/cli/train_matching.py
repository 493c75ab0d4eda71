"""`sync train-matching`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sync.cli.app import App, Verb, json_option
from sync.errors import ConfigError, RefusedError

if TYPE_CHECKING:
    from sync.identity.matching.observed import Band


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
@click.option(
    "--even-so", is_flag=True, help="Write the weights although they claim more than holds."
)
@json_option
@click.pass_obj
def train_matching(
    app: App,
    entity: str,
    out: Path | None,
    splink_model: Path | None,
    even_so: bool,
    as_json: bool,
) -> int:
    """Estimate the weights of probabilistic matching from the pairs of the last build; no labels needed.

    What people have answered (sync review-matches, overrides) counts for all pairs that are alike in the same way.

    What they claim stands beside what identifiers show: scored without e-mail (national id, tax id, domain), how many pairs
    of each band share it, in proportion to those that do of sure pairs. Where bands from `accept` on claim
    .03 more than holds, nothing is written.
    """
    from sync.identity.matching.observed import observed_bands
    from sync.identity.matching.splink import import_splink, read_splink
    from sync.identity.matching.weights import (
        Counted,
        accept_of,
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
            "select drawn_from, sources, pattern, rule_mask, frequency_bits, shared_frequency_bits, kin_bits, "
            "identifying_bits, identifying_kin_bits, pair_count, same_count, different_count"
            f" from {relation} where entity = {app.warehouse.dialect.literal(entity)}"
        )
    counted = [
        Counted(
            str(row["drawn_from"]),
            str(row["sources"] or ""),
            str(row["pattern"] or ""),
            int(row["rule_mask"]),
            float(row["frequency_bits"]),
            float(row["shared_frequency_bits"]),
            float(row["kin_bits"]),
            float(row["identifying_bits"]),
            float(row["identifying_kin_bits"]),
            int(row["pair_count"]),
            int(row["same_count"]),
            int(row["different_count"]),
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
    bands = observed_bands(weights, counted, kinds=kinds, rules=rules)
    same, different = (
        sum(getattr(one, name) for one in counted) for name in ("same_count", "different_count")
    )
    accept = accept_of(app.project.manifest)
    wrong = [one for one in bands if one.low >= accept and one.is_too_high]
    if wrong and not even_so:
        _show_bands(app, bands)
        raise RefusedError(
            "claims",
            f"of pairs of {entity} said to be {wrong[0].low} to {wrong[0].high}, {wrong[0].claimed:.3f} of which should be one's, "
            f"{wrong[0].observed:.3f} are by their identifiers: nothing is written.",
            _next_step(bands),
        )
    path = out or app.project.directory / "seeds" / "matching_weights.csv"
    write_weights(path, weights)
    if as_json:
        app.output.document(
            {
                "entity": entity,
                "path": str(path),
                "prior": weights[0].m,
                "household": weights[1].m,
                "answers": {"same": same, "different": different},
                "kinds": sorted({one.kind for one in weights} - {"prior", "household"}),
                "bands": [
                    {
                        "from": one.low,
                        "to": one.high,
                        "pairs": one.pairs,
                        "claimed": round(one.claimed, 4),
                        "observed": round(one.observed, 4),
                    }
                    for one in bands
                ],
                "pairs": sum(one.pair_count for one in counted if one.sample == "candidates"),
            }
        )
    else:
        app.output.table(
            ["kind", "level", "m", "u", "from"],
            [[one.kind, one.label, f"{one.m:.6f}", f"{one.u:.6f}", one.source] for one in weights],
        )
        app.output.text()
        if same or different:
            app.output.text(
                f"Learnt from {same + different:,} pairs that people judged: {same:,} one's, {different:,} two's."
            )
        _show_bands(app, bands)
        if any(one.source == "assumed" for one in weights):
            app.output.text(
                f"{entity} has one kind of column, by which nothing can be learnt: these are assumptions. Add a kind, or set `accept` by "
                "what matching_review shows."
            )
        switch = app.manifest.switch_of_seed("matching_weights")
        first = f"say in dbt_project.yml, once, {switch}; then " if switch else ""
        app.output.text(
            f"Written to {path}. Next: {first}dbt seed --select matching_weights && dbt build"
        )
    return 0


def _show_bands(app: App, bands: Sequence[Band]) -> None:
    """Claimed beside observed, on stdout."""
    if not bands:
        app.output.text(
            "What the weights claim cannot be held against identifiers: too few sure pairs have an e-mail, national id, tax id or domain, "
            "or a kind of yours that `identifies`, beside other kinds."
        )
        return
    app.output.table(
        ["said to be", "pairs", "claimed", "observed", ""],
        [
            [
                f"{one.low:g} to {one.high:g}",
                one.pairs,
                f"{one.claimed:.3f}",
                f"{one.observed:.3f}",
                "too high" if one.is_too_high else "",
            ]
            for one in bands
        ],
    )


def _next_step(bands: Sequence[Band]) -> str:
    """From which threshold on claims hold."""
    true_from = [
        one.low
        for one in bands
        if not any(other.is_too_high for other in bands if other.low >= one.low)
    ]
    if true_from:
        return (
            f"Set accept: {min(true_from):g} under vars: cdp_matching, above which they hold, or give more kinds (docs/matching.md); "
            "--even-so writes them as they are."
        )
    return "Give more kinds of columns, such as birth dates (docs/matching.md); --even-so writes them as they are."
