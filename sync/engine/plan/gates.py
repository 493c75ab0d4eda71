"""What stops a sync before anything is sent. Each gate raises `RefusedError` with a stable reason and the next step."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sync.config.models import SyncDefinition
from sync.engine.plan.guards import Usual, check_guards
from sync.engine.plan.planner import Counts
from sync.errors import RefusedError
from sync.records import Mode
from sync.state.places import Place

_PASSED = frozenset({"success", "pass", "warn", "no-op", "reused"})
# Of a table in plain SQL this is found when dbt's run ended: the run's own results say that it was made.
_LAW_BROKEN = "law broken"
SANDBOX = "sandbox"  # made of the sandbox's results
LIVE = "live"  # made without what the sandbox's vendors told
_RAN = frozenset({"build", "run", "test", "seed", "snapshot", "retry", "clone", "run-operation"})


@dataclass(frozen=True, slots=True)
class DbtFailure:
    """How a node ended when dbt last ran it, and when that run began (UTC)."""

    status: str
    failed_at: dt.datetime


class RunResults:
    """What the latest dbt run says of a model and its tests (target/run_results.json)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._results: dict[str, Mapping[str, Any]] = {}
        self._ended_at = dt.datetime.min
        try:
            document = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return
        if document.get("args", {}).get("which", "build") in _RAN:
            self._results = {result["unique_id"]: result for result in document["results"]}
            if ended_at := document.get("metadata", {}).get("generated_at"):
                self._ended_at = _utc(ended_at)

    def check(self, definition: SyncDefinition, failures: Mapping[str, DbtFailure]) -> None:
        """The model, all that it is built from and the tests of these passed when they last ran: in the latest run, or by
        `failures`, which outlive it. A test that was skipped says nothing: what it was skipped for is looked at by itself.

        Raises:
            RefusedError: a model or test failed, or a model was skipped.
        """
        self.check_laws(definition, failures)
        model = definition.model
        shut = [
            (one, status, when)
            for one, status, when in self._ended(definition, failures)
            if status not in _PASSED and not (status == "skipped" and _is_test(one))
        ]
        if not shut:
            return
        # What was skipped was so because of what failed, which is what there is to mend.
        unique_id, status, when = min(shut, key=lambda one: one[1] == "skipped")
        kind, name = unique_id.split(".")[0].replace("_", " "), _name(unique_id)
        if status == LIVE:
            raise RefusedError(
                "dbt_result",
                f"sync '{definition.name}': '{name}' was last built for live, without what the sandbox's vendors told, such as who "
                "unsubscribed there.",
                hint="HEADWATER_ENVIRONMENT=sandbox dbt build, then push --sandbox.",
            )
        if unique_id == model.unique_id:
            where = ""
        elif unique_id in model.tests:
            where = f" on '{model.name}'"
        elif _is_test(unique_id):
            where = f" on what '{model.name}' is built on"
        else:
            where = f", which '{model.name}' is built on,"
        others = f" ({len(shut) - 1} more did not pass)" if len(shut) > 1 else ""
        # By its own name too, and what a plan asks for permission: it need not be what the model is built on.
        select = " ".join(f"+{one}" for one in dict.fromkeys((model.name, name, *model.asked)))
        raise RefusedError(
            "dbt_result",
            f"sync '{definition.name}': {kind} '{name}'{where} has status '{status}' in {when}{others}.",
            hint="push with --skip-gates to pass it by in this run; or mend it and run: "
            f"dbt build --select {select}",
        )

    def check_laws(self, definition: SyncDefinition, failures: Mapping[str, DbtFailure]) -> None:
        """The table sends to nobody without consent, suppressed or held out, and knows who unsubscribed. No flag opens this gate.

        Raises:
            RefusedError: a law is broken, or a live push would send what was built for the sandbox.
        """
        for one, status, when in self._ended(definition, failures):
            if status == SANDBOX:
                raise RefusedError(
                    "dbt_result",
                    f"sync '{definition.name}': '{_name(one)}' was last built for the sandbox, whose results do not know who "
                    "unsubscribed.",
                    hint="HEADWATER_ENVIRONMENT=live dbt build, then push. No flag lets this pass.",
                )
            if status == _LAW_BROKEN:
                raise RefusedError(
                    "law_broken",
                    f"sync '{definition.name}': '{_name(one)}' would send rows that must not be sent (without consent, suppressed or "
                    f"held out), by {when}, which says how many.",
                    hint="let withheld_reason of the model name these rows, then: "
                    f"dbt build --select +{_name(one)}. No flag lets this pass.",
                )

    def _ended(
        self, definition: SyncDefinition, failures: Mapping[str, DbtFailure]
    ) -> Iterator[tuple[str, str, str]]:
        """Each node that the sync stands on, its status and when that was."""
        model = definition.model
        for one in dict.fromkeys((model.unique_id, *model.tests, *model.upstream)):
            yield one, *self._status(one, failures.get(one))

    def _status(self, unique_id: str, failure: DbtFailure | None) -> tuple[str, str]:
        """How the node ended when it last ran, and when that was; what no run had is taken to be well."""
        result = self._results.get(unique_id)
        if failure is not None and (
            result is None
            or failure.status in (_LAW_BROKEN, SANDBOX, LIVE)
            or failure.failed_at > self._ended_at
        ):
            return failure.status, (
                f"the dbt run of {failure.failed_at:%Y-%m-%d %H:%M} UTC, and has not run since"
            )
        if result is None:
            return "success", "the latest dbt run"
        is_law = _LAW_BROKEN in str(result.get("message") or "")
        return (_LAW_BROKEN if is_law else str(result["status"])), "the latest dbt run"

    def built_at(self, definition: SyncDefinition) -> dt.datetime | None:
        """When the latest run finished the model (UTC), or None where it did not build it."""
        result = self._results.get(definition.model.unique_id)
        if result is None or result["status"] not in _PASSED:
            return None
        ends = [timing.get("completed_at") for timing in result.get("timing", [])]
        texts = sorted(end for end in ends if end)
        if not texts:
            return None
        return _utc(texts[-1])


def _is_test(unique_id: str) -> bool:
    return unique_id.split(".")[0] in ("test", "unit_test")


def _name(unique_id: str) -> str:
    """The name by which dbt selects a node: third of the id, but for a unit test, whose model comes before it; a test ends in a hash."""
    kind, _, name, *rest = unique_id.split(".")
    return rest[-1] if kind == "unit_test" else ".".join((name, *rest[:-1]))


def _utc(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment


@dataclass(frozen=True, slots=True)
class TableChecks:
    """What `PlanQueries.checks` found."""

    row_count: int
    key_count: int
    null_keys: int
    clear_identifiers: int = 0
    held: int = 0
    elsewhere: int = 0
    former: int = 0


def check_table(definition: SyncDefinition, checks: TableChecks, duplicates: list[str]) -> None:
    """Keys are present and unique, identifiers hashed where they must be. No flag opens these gates.

    Raises:
        RefusedError: they are not.
    """
    name, model = definition.name, definition.model.name
    key = ", ".join(definition.key)
    if checks.null_keys:
        raise RefusedError(
            "null_key",
            f"sync '{name}': {checks.null_keys} rows of '{model}' have no {key}.",
            hint=f"a row without a key cannot be told apart: leave it out of {model}.sql and "
            f"declare the key not_null in its contract.",
        )
    if checks.row_count != checks.key_count:
        raise RefusedError(
            "duplicate_key",
            f"sync '{name}': {checks.row_count - checks.key_count} rows of '{model}' repeat a key "
            f"({key}), such as {', '.join(duplicates)}.",
            hint=f"one row per {key}: mend {model}.sql and test the key with unique.",
        )
    if checks.clear_identifiers:
        raise RefusedError(
            "clear_identifiers",
            f"sync '{name}': {checks.clear_identifiers} rows of '{model}' have identifiers that "
            "are not SHA-256 hashes.",
            hint="hash them in the activation model: 64 lower-case hex digits.",
        )


def check_definitions(definition: SyncDefinition, *, skips_gates: bool = False) -> None:
    """No audience or journey that the sync stands on is wrong. What a wrong journey says of who has left it cannot be asked when it is
    sent, so no flag opens this gate for one.

    Raises:
        RefusedError: one is.
    """
    for one in definition.model.wrong:
        if one.is_journey or not skips_gates:
            count = len(one.mistakes)
            raise RefusedError(
                "wrong_definition",
                f"sync '{definition.name}': '{one.name}', which '{definition.model.name}' is built on, is wrong in {one.path}: "
                f"{one.mistakes[0]}{f' ({count - 1} more)' if count > 1 else ''}.",
                hint="mend it (sync validate has every mistake), then: "
                f"dbt build --select +{definition.model.name}"
                + (". No flag lets this pass." if one.is_journey else ""),
            )


def check_plan(
    definition: SyncDefinition,
    checks: TableChecks,
    counts: Counts,
    results: RunResults,
    *,
    failures: Mapping[str, DbtFailure],
    before: Usual,
    now: dt.datetime,
    allowed: Collection[str] = (),
) -> None:
    """Every gate that --skip-gates opens: dbt's results, freshness, emptiness and the guards.

    Raises:
        RefusedError: one of them is shut.
    """
    check_definitions(definition)
    results.check(definition, failures)
    check_freshness(definition, results.built_at(definition), now)
    check_guards(definition, checks.row_count, counts, before=before, allowed=allowed)


def check_place(
    definition: SyncDefinition,
    *,
    elsewhere: Sequence[tuple[str, int]],
    abandoned: Sequence[tuple[str, int]],
    others: Sequence[str],
    other_keys: Sequence[str] = (),
) -> None:
    """What the sync sent before is where it sends now, under its name, and no other sync's members are replaced. No flag opens these gates.

    `elsewhere` is where its rows are and how many, `abandoned` syncs that nothing defines any more with rows in this object, `others`
    the ids of syncs that fill it too, `other_keys` those whose rows have another key there.

    Raises:
        RefusedError: it is not.
    """
    name = definition.name
    if elsewhere:
        here = str(Place.of(definition))
        listed = "; ".join(
            f"{count:,} in {place}{', by a mode that says something else of them' if place == here else ''}"
            for place, count in elsewhere
        )
        raise RefusedError(
            "moved",
            f"sync '{name}' sends to {here} by mode {definition.mode.value} now, and what it sent before is elsewhere: {listed}.",
            hint=f"sync migrate {name} says what can be done, and does what you choose.",
        )
    if abandoned:
        listed = ", ".join(f"'{former}' ({count:,} rows)" for former, count in abandoned)
        raise RefusedError(
            "renamed",
            f"sync '{name}' was never pushed, and its object holds rows of a sync that no exposure defines any more: {listed}.",
            hint=f"if it is that one under a new name, say `id: {abandoned[0][0]}` in its `sync:`; if it is another, run "
            f"sync migrate {name}",
        )
    if others and definition.mode is Mode.REPLACE:
        raise RefusedError(
            "shared",
            f"sync '{name}' replaces the whole of {Place.of(definition)}, which {_listed(others)} fills too.",
            hint="give one of them an object of its own, or let both be `mode: mirror`.",
        )
    if other_keys:
        raise RefusedError(
            "shared",
            f"sync '{name}' takes rows out of {Place.of(definition)} by {', '.join(definition.key)}, and {_listed(other_keys)} "
            "names its rows there by another key: nobody could tell whom both want.",
            hint="give both the same `key`, or one of them an object of its own.",
        )


def _listed(names: Sequence[str]) -> str:
    return " and ".join(f"sync '{name}'" for name in names)


def check_freshness(
    definition: SyncDefinition, built_at: dt.datetime | None, now: dt.datetime
) -> None:
    """The table is not older than its definition allows.

    Raises:
        RefusedError: it is, or its age is unknown.
    """
    if definition.max_age_hours is None:
        return
    hint = (
        "push with --skip-gates to pass it by in this run; or run: "
        f"dbt build --select +{definition.model.name}"
    )
    if built_at is None:
        raise RefusedError(
            "unknown_age",
            f"sync '{definition.name}': the latest dbt run did not build "
            f"'{definition.model.name}', so its age is unknown.",
            hint=hint,
        )
    hours = (now - built_at).total_seconds() / 3600
    if hours > definition.max_age_hours:
        raise RefusedError(
            "stale",
            f"sync '{definition.name}': '{definition.model.name}' was built {hours:.1f} hours ago; "
            f"{definition.max_age_hours:g} are allowed.",
            hint=hint,
        )
