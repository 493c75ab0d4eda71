"""`sync review-matches`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from sync.cli.app import App, Verb, json_option
from sync.cli.explain import likeness_rows
from sync.errors import SelectionError
from sync.identity.likeness import explain_likeness
from sync.identity.questions import ACTIONS, Answer, Question, Questions
from sync.state.tables import Tables
from sync.warehouses.base import Session, now_utc

_KEYS = {"y": "yes", "n": "no", "u": "unsure", "s": "skip", "q": "quit"}
_ASKED = "[y]es, one; [n]o, two; [u]nsure; [s]kip; [q]uit"
_WHY = {
    "two_people": "likely, but records of two people with other birth dates are like them",
    "unsure": "too little to join them, too much to pass over",
    "weak_bridge": "likely, but the records around them do not bear it out",
}


@click.command("review-matches", cls=Verb, example="sync review-matches --author ada --limit 20")
@click.argument("left", required=False)
@click.argument("right", required=False)
@click.option("--entity", default="person", show_default=True, help="Which entity.")
@click.option(
    "--answer", type=click.Choice(sorted(ACTIONS)), help="Of LEFT and RIGHT, without being asked."
)
@click.option("--author", envvar="USER", help="Who decides.  [default: $USER]")
@click.option("--reason", default="", help="Why; asked for where somebody sits at a terminal.")
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1), help="Pairs of one sitting."
)
@click.option("--again", is_flag=True, help="Also pairs of which somebody was unsure.")
@click.option("--show-values", is_flag=True, help="Show names, e-mails and phones unmasked.")
@json_option
@click.pass_obj
def review_matches(
    app: App,
    left: str | None,
    right: str | None,
    entity: str,
    answer: str | None,
    author: str | None,
    reason: str,
    limit: int,
    again: bool,
    show_values: bool,
    as_json: bool,
) -> int:
    """Show pairs that matching is unsure of side by side, and take yes, no or unsure; the one whose answer teaches most comes first.

    The next dbt build joins or parts them, and they are not asked again. LEFT and RIGHT, keys as in matching_review, are one pair, to be
    decided with --answer. Not on a terminal, or with --json, the pairs are listed and nobody is asked.
    """
    # It needs numpy, which few commands do.
    from sync.identity.matching.weights import description_of

    description_of(app.project.manifest, entity)
    if (left is None) != (right is None) or (answer is not None and left is None):
        raise SelectionError(
            "a pair is two records, and --answer is of one pair.",
            hint="sync review-matches shop_customers:1 app_users:u17 --answer no --reason 'father and son'",
        )
    questions = Questions(app.warehouse.dialect, app.manifest, Tables.of(app.manifest), entity)
    with app.warehouse.session() as session:
        asked = questions.open(session, again=again) if left is None else []
        if left is not None and right is not None:
            asked = [questions.named(session, left, right)]
        shown = [
            (one, _likeness(app, session, entity, one, show_values=show_values))
            for one in (asked[:limit] if answer is None else [])
        ]
    if answer is not None:
        told = [Answer(*asked[0].pair, answer, _author(author), reason)]
        _keep(app, questions, told[0])
        return _done(app, told, as_json=as_json)
    if as_json:
        pairs = [_document(*one) for one in shown]
        app.output.document({"entity": entity, "waiting": len(asked), "pairs": pairs})
        return 0
    if not asked:
        app.output.text(f"No pair of {entity} waits for an answer.")
        return 0
    return _sit(app, questions, len(asked), shown, lambda: _author(author), reason)


def _sit(
    app: App,
    questions: Questions,
    count: int,
    shown: Sequence[tuple[Question, dict[str, Any]]],
    author: Callable[[], str],
    reason: str,
) -> int:
    """Show one pair after the other; where somebody sits at a terminal, ask and keep each answer at once."""
    app.output.text(f"{count:,} pairs wait. A pair is {_ASKED}.")
    told: list[Answer] = []
    for number, (one, likeness) in enumerate(shown, 1):
        _show(app, number, one, likeness)
        if not sys.stdin.isatty():
            continue
        key = _KEYS[click.prompt("One or two?", type=click.Choice(sorted(_KEYS)), err=True)]
        if key == "quit":
            break
        if key != "skip":
            why = reason or click.prompt("Why", default="", show_default=False, err=True)
            told.append(Answer(*one.pair, key, author(), why))
            _keep(app, questions, told[-1])
    return _done(app, told, as_json=False)


def _keep(app: App, questions: Questions, answer: Answer) -> None:
    with app.warehouse.session(write=True) as session:
        questions.write(session, [answer], now_utc())


def _author(author: str | None) -> str:
    if not author:
        raise SelectionError("nobody is named who decides.", hint="Add --author NAME.")
    return author


def _done(app: App, told: list[Answer], *, as_json: bool) -> int:
    counts = {answer: sum(one.answer == answer for one in told) for answer in ACTIONS}
    if as_json:
        app.output.document({"answers": counts})
        return 0
    app.output.text(
        f"{len(told)} answers: {counts['yes']} one, {counts['no']} two, {counts['unsure']} unsure."
    )
    if counts["yes"] or counts["no"]:
        app.output.text("The next dbt build follows them: dbt build, then sync identity diff.")
    return 0


def _likeness(
    app: App, session: Session, entity: str, one: Question, *, show_values: bool
) -> dict[str, Any]:
    found = explain_likeness(
        session, app.warehouse.dialect, app.manifest, entity, one.pair, show_values=show_values
    )
    return found or {"fields": []}


def _document(one: Question, likeness: dict[str, Any]) -> dict[str, Any]:
    return {
        "left": one.left,
        "right": one.right,
        "probability": round(one.probability, 4),
        "reason": one.reason,
        "fields": likeness["fields"],
    }


def _show(app: App, number: int, one: Question, likeness: dict[str, Any]) -> None:
    app.output.text()
    app.output.text(
        f"{number}. {one.left} and {one.right}: probability {one.probability:.3f}, {_WHY[one.reason]}."
    )
    app.output.table(["field", one.left, one.right, "level", "bits"], likeness_rows(likeness))
