"""`sync explain`."""

from __future__ import annotations

from typing import Any

import click

from sync.cli.app import App, Verb, json_option
from sync.errors import SelectionError
from sync.identity.attributes import explain_attribute
from sync.identity.consent import explain_consent
from sync.identity.explain import explain_one, explain_pair
from sync.identity.graph import IdentityGraph
from sync.identity.likeness import explain_likeness

_ANSWERS = {"opted_in": "yes", "opted_out": "no"}


@click.command("explain", cls=Verb, example="sync explain person shop_customers:1001 app_users:u17")
@click.argument("entity")
@click.argument("record")
@click.argument("other", required=False)
@click.option("--attribute", metavar="NAME", help="Why this golden attribute is what it is.")
@click.option("--show-values", is_flag=True, help="Print e-mails, phones and ids unmasked.")
@json_option
@click.pass_obj
def explain(
    app: App,
    entity: str,
    record: str,
    other: str | None,
    attribute: str | None,
    show_values: bool,
    as_json: bool,
) -> int:
    """Say why two records are one person, or are not; with one record or id, what that person is made of.

    ENTITY is person, account, or another of vars: cdp_identity. A record is written <source_name>:<id>. `sync explain consent PERSON` shows
    every answer that the person gave, and which of them counts; `--attribute email` why that value won, and what lost to it.
    """
    if attribute is not None:
        return _attribute(
            app, entity, record, attribute, other=other, show_values=show_values, as_json=as_json
        )
    if entity == "consent":
        return _consent(app, record, other, show_values=show_values, as_json=as_json)
    with app.warehouse.session() as session:
        graph = IdentityGraph(session, app.warehouse.dialect, app.manifest, entity)
        if other is None:
            result = explain_one(graph, record, show_values=show_values)
        else:
            result = explain_pair(graph, record, other, show_values=show_values)
            keys = (result["left"]["record"], result["right"]["record"])
            result["likeness"] = explain_likeness(
                session, app.warehouse.dialect, app.manifest, entity, keys, show_values=show_values
            )
    if as_json:
        app.output.document(result)
    elif other is None:
        _show_one(app, result)
    else:
        _show_pair(app, result)
    return 0


def _consent(app: App, told: str, other: str | None, *, show_values: bool, as_json: bool) -> int:
    if other is not None:
        raise SelectionError(
            "consent is of one person.", hint="sync explain consent anna@example.com"
        )
    with app.warehouse.session() as session:
        result = explain_consent(
            app.warehouse, session, app.manifest, told, show_values=show_values
        )
    if as_json:
        app.output.document(result)
        return 0
    output = app.output
    output.text(f"person {result['profile_id']}")
    output.text()
    now = [
        [
            one["channel"],
            one["purpose"],
            _ANSWERS[one["state"]],
            one["recorded_at"],
            one["consent_source"] or "",
        ]
        for one in result["consent"]
    ]
    output.table(["channel", "purpose", "now", "since", "asked where"], now)
    if not now:
        output.text("No answer is no consent.")
    for one in result["suppressions"]:
        output.text(f"Sent nothing on {one['channel']}: {one['reason']}, since {one['since']}.")
    if result["answers"]:
        output.text()
        output.table(
            ["when", "source", "of", "answer", "for", "asked where", "what it counts for"],
            [
                [
                    one["at"],
                    one["source"],
                    one["of"] or "their record",
                    _ANSWERS[one["state"]],
                    ", ".join(one["for"]),
                    one["origin"] or "",
                    one["why"],
                ]
                for one in result["answers"]
            ],
        )
    return 0


def _attribute(
    app: App,
    entity: str,
    told: str,
    attribute: str,
    *,
    other: str | None,
    show_values: bool,
    as_json: bool,
) -> int:
    if entity != "person" or other is not None:
        raise SelectionError(
            "--attribute is of one person.",
            hint="sync explain person anna@example.com --attribute email",
        )
    with app.warehouse.session() as session:
        result = explain_attribute(
            app.warehouse, session, app.manifest, told, attribute, show_values=show_values
        )
    if as_json:
        app.output.document(result)
        return 0
    app.output.text(
        f"{attribute} of person {result['profile_id']}, by the rules: {result['rules'] or 'none'}"
    )
    app.output.text()
    app.output.table(
        ["value", "source", "record", "changed", "why"],
        [
            [one["value"], one["source"], one["record"], one["last_seen_at"], one["why"]]
            for one in result["values"]
        ],
    )
    if not result["values"]:
        app.output.text("No record gives a value that is theirs.")
    return 0


def _show_pair(app: App, result: dict[str, Any]) -> None:
    left, right = result["left"], result["right"]
    verdict = f"are one {result['entity']}" if result["together"] else "are apart"
    app.output.text(f"{left['record']} and {right['record']} {verdict}.")
    for side in (left, right):
        app.output.text(f"  {side['record']}  {side['entity_id'] or 'in no ' + result['entity']}")
    if result["path"]:
        app.output.text()
    for step in result["path"]:
        app.output.text(f"  {_step_line(step)}")
    if result["reasons"]:
        app.output.text()
        app.output.text("Why they are apart:")
    for reason in result["reasons"]:
        app.output.text(f"  {reason}")
    if result["likeness"]:
        _show_likeness(app, result["likeness"], result["together"])


# Decision -> what becomes of the pair.
_LIKELY = {
    "accepted": "enough to join them, unless a limit or a decision keeps them apart",
    "weak_bridge": "waits in matching_review: likely, but the records around them do not bear it out",
    "two_people": "waits in matching_review: likely, but records of two people with other birth dates are like them",
    "unsure": "waits in matching_review, for somebody to decide",
    "overridden": "somebody has decided it",
    "unlikely": "too little to ask anybody",
}


def likeness_rows(likeness: dict[str, Any]) -> list[list[str]]:
    """Field, both values, level and bits of each field of explain_likeness, as a table shows them."""
    return [
        [one["field"], one["left"] or "", one["right"] or "", one["level"], f"{one['weight']:+.2f}"]
        for one in likeness["fields"]
    ]


def _show_likeness(app: App, likeness: dict[str, Any], together: bool) -> None:
    output = app.output
    output.text()
    output.text("How alike they are, in bits of evidence:")
    rows = likeness_rows(likeness)
    rows.append(["any two records", "", "", "", f"{likeness['prior']:+.2f}"])
    if likeness["household"]:
        rows.append(["may be a household's", "", "", "", f"{likeness['household']:+.2f}"])
    rows.append(["sum", "", "", "", f"{likeness['weight']:+.2f}"])
    output.table(["field", "left", "right", "level", "bits"], rows)
    decision = likeness["decision"]
    told = _LIKELY[decision]
    if together and decision in ("unsure", "weak_bridge", "two_people"):
        told = "not asked about, since something else joins them"
    output.text(f"Probability {likeness['probability']:.3f}: {told}.")


def _step_line(step: dict[str, Any]) -> str:
    value = step["value"] or ""
    told = {"manual_link": "a link made by hand", "match": "a probable match"}.get(
        step["identifier_type"], f"{step['identifier_type']} {value}".rstrip()
    )
    weight = f", probability {step['weight']:.3f}" if step["weight"] is not None else ""
    sign = "=" if step["links"] else "x"
    return f"{step['from']} ={sign}= {told} (tier {step['tier']}{weight}) ={sign}= {step['to']}"


def _show_one(app: App, result: dict[str, Any]) -> None:
    output = app.output
    if result["entity_id"] is None:
        output.text(f"{result['records'][0]['record']} is in no {result['entity']}.")
    else:
        count = len(result["records"])
        records = "1 record" if count == 1 else f"{count:,} records"
        output.text(f"{result['entity']} {result['entity_id']}: {records}")
    output.text()
    output.table(
        ["record", "first seen", "joined by"],
        [
            [
                one["record"],
                one["first_seen_at"],
                _step_line(one["joined"]) if one.get("joined") else "the first",
            ]
            for one in result["records"]
        ],
    )
    if result["identifiers"]:
        output.text()
        output.table(
            ["identifier", "value", "records"],
            [
                [one["identifier_type"], one["value"], one["records"]]
                for one in result["identifiers"]
            ],
        )
    if result["dropped"]:
        output.text()
        output.text("Values that link nobody here:")
    for one in result["dropped"]:
        output.text(f"  {one['identifier_type']} {one['value'] or ''} {one['reason']}.")
    if result["history"]:
        output.text()
        output.table(
            ["when", "event", "id", "other id", "because of"],
            [
                [
                    one["happened_at"],
                    one["event"],
                    one["entity_id"],
                    one["other_id"],
                    " ".join(filter(None, [one["cause_type"], one["cause_reason"]])),
                ]
                for one in result["history"]
            ],
        )
