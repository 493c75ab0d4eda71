"""What a person said about being contacted: every answer that a source still has, and which of them counts, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sync.errors import ConfigError
from sync.identity.mask import mask
from sync.state.people import People

if TYPE_CHECKING:
    from sync.config.manifest import Manifest
    from sync.warehouses.base import Session, Warehouse

READS = (
    "profile_consent",
    "profile_consent_answers",
    "profile_suppressions",
    "int_profiles__consent_answers",
    "profile_records",
    "int_profiles__identifier_holders",
)
OUTCOMES = {
    "decides": "counts",
    "older": "a later answer of the same address or number counts",
    "less_strict": "another address or number of theirs has the stricter answer",
    "import_after_refusal": "an import, which ends no refusal",
    "answered_since": "they said yes later themselves",
    "unconfirmed": "nobody confirmed this yes, so none",
    "expired": "this yes is over, so none",
    "minor": "a child's own yes, so none; a guardian's would count",
}
UNKNOWN_WORD = "a channel or purpose that nobody knows, so no yes"
NO_TIME = "a yes without a time, or ahead of the clock, so none"
NOT_THEIRS = "of a value that several people have, so nobody's yes"


def explain_consent(
    warehouse: Warehouse, session: Session, manifest: Manifest, told: str, *, show_values: bool
) -> dict[str, Any]:
    """Where `told`, an id, a value or a record, may be contacted, and by which answers.

    Raises:
        SelectionError: nobody is known by it, or several people are.
        ConfigError: the project lacks a model of consent.
    """
    people = People.of(warehouse, manifest)
    of = {name: manifest.relation(name) for name in READS}
    if missing := [name for name, relation in of.items() if relation is None]:
        raise ConfigError(
            f"the project has no model {', '.join(missing)}, which says what people answered."
        )
    profile_id = people.one(session, told)
    mine = f"profile_id = {warehouse.dialect.literal(profile_id)}"
    answers = session.rows(
        "select answer_source, consent_id, subject, channel, purpose, state, may_raise, basis, consent_source, "
        f"recorded_at, outcome from {of['profile_consent_answers']} where {mine} "
        "order by recorded_at, answer_source, consent_id, subject, channel, purpose"
    )
    return {
        "profile_id": profile_id,
        "consent": session.rows(
            "select channel, purpose, state, may_raise, basis, consent_source, recorded_at "
            f"from {of['profile_consent']} where {mine} order by channel, purpose"
        ),
        "suppressions": session.rows(
            f"select channel, reason, since from {of['profile_suppressions']} where {mine} order by 1, 2"
        ),
        "answers": [
            *_grouped(answers, show_values),
            *_not_taken(session, of, mine, answers, show_values),
        ],
    }


def _grouped(rows: Sequence[Mapping[str, Any]], show: bool) -> list[dict[str, Any]]:
    """One line for each answer and outcome: an answer for all channels is one of each."""
    lines: dict[tuple[Any, ...], dict[str, Any]] = {}
    # A refusal is theirs by its record and by its value: one answer all the same.
    once: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in rows:
        whole = (
            "answer_source",
            "consent_id",
            "subject",
            "channel",
            "purpose",
            "state",
            "recorded_at",
        )
        place = tuple(row[name] for name in whole)
        if place not in once or row["outcome"] == "decides":
            once[place] = row
    for row in once.values():
        names = ("answer_source", "consent_id", "subject", "state", "recorded_at", "outcome")
        line = lines.setdefault(
            tuple(row[name] for name in names),
            {
                "at": row["recorded_at"],
                "source": row["answer_source"],
                "of": _masked(row["subject"], show),
                "state": row["state"],
                "for": [],
                "basis": row["basis"],
                "origin": row["consent_source"],
                "may_raise": bool(row["may_raise"]),
                "outcome": row["outcome"],
                "why": OUTCOMES.get(str(row["outcome"]), str(row["outcome"])),
            },
        )
        line["for"].append(f"{row['channel']} {row['purpose']}")
    return list(lines.values())


def _not_taken(
    session: Session,
    of: Mapping[str, str | None],
    mine: str,
    taken: Sequence[Mapping[str, Any]],
    show: bool,
) -> list[dict[str, Any]]:
    """Answers about them that count for nothing, and why."""
    known = {(row["answer_source"], row["consent_id"]) for row in taken}
    values = (
        f"(select identifier_value from {of['int_profiles__identifier_holders']} "
        f"where {mine} and identifier_type = '{{}}')"
    )
    rows = session.rows(
        "select said.answer_source, said.consent_id, said.email, said.phone, said.channel_said, "
        "said.purpose_said, said.channel, said.purpose, said.state, said.basis, said.consent_source, "
        f"said.may_raise, said.recorded_at from {of['int_profiles__consent_answers']} as said "
        f"left join {of['profile_records']} as records on records.source_name = said.source_name "
        f"and records.source_record_id = said.record_id and records.{mine} "
        f"where records.profile_id is not null or said.email in {values.format('email')} "
        f"or said.phone in {values.format('phone')} order by said.recorded_at, 1, 2"
    )
    lines = []
    for row in rows:
        if (row["answer_source"], row["consent_id"]) in known:
            continue
        if row["channel"] is None or row["purpose"] is None:
            outcome, why = "unknown_word", UNKNOWN_WORD
        elif row["state"] == "opted_in" and row["recorded_at"] is None:
            outcome, why = "no_time", NO_TIME
        else:
            outcome, why = "not_theirs", NOT_THEIRS
        lines.append(
            {
                "at": row["recorded_at"],
                "source": row["answer_source"],
                "of": _masked(row["email"] or row["phone"], show),
                "state": row["state"],
                "for": [f"{row['channel_said']} {row['purpose_said']}"],
                "basis": row["basis"],
                "origin": row["consent_source"],
                "may_raise": bool(row["may_raise"]),
                "outcome": outcome,
                "why": why,
            }
        )
    return lines


def _masked(value: str | None, show: bool) -> str | None:
    return mask("email" if value and "@" in value else "phone", value, show=show)
