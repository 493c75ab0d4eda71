"""What a push would do, by one SQL statement per sync: the activation table against the ledger.

Pure: a definition and the columns of its table in, SQL text out; no clock, no network. The counts and the rows of a plan come
from the same statement, `planned`: per key one action and, where it is not sent, the reason.
"""

from __future__ import annotations

import datetime as dt
from collections import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sync.config.models import PERSON, ConsentTables, SyncDefinition
from sync.engine.plan import journeys, membership
from sync.engine.plan.claims import CLAIMED, Claims
from sync.engine.plan.edge import CARRIED_AS_TEXT
from sync.engine.plan.merged import INTO, Merged
from sync.engine.plan.permission import Permission
from sync.engine.plan.taken_out import TAKEN_OUT
from sync.engine.scrub import mark_of
from sync.errors import RefusedError, closest
from sync.records import Kind, Mode
from sync.state.erasures import types_of
from sync.state.ledger import UNKNOWN

if TYPE_CHECKING:
    from sync.warehouses.base import Dialect

DIGITS = "0123456789abcdef"
# Texts, each with the types of identifier it may be of -> joins, and a condition: one of them is an erased person's.
Erased = Callable[[abc.Mapping[str, Sequence[str]]], tuple[str, str]]
KindsOf = abc.Mapping[str, Kind]
REMOVING = (Mode.MIRROR, Mode.REPLACE)
UPDATING = (Mode.UPSERT, Mode.UPDATE_ONLY, Mode.MIRROR, Mode.REPLACE)
MOST_TRIED = 4  # addresses that one row may be there under without our knowing
FILLING = (Mode.ADD, Mode.CREATE_ONLY, *UPDATING)
# Modes for which a row that may be there differs from one that is: it must be sent again, taken out, or left to nobody else.
INTENDING = FILLING


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which columns go where: vendor identifier names, and vendor field -> column."""

    identifiers: tuple[str, ...]
    fields: dict[str, str]

    @property
    def columns(self) -> list[str]:
        """Every mapped column once, in a stable order."""
        return list(dict.fromkeys([*self.identifiers, *self.fields.values()]))

    @property
    def identifier_places(self) -> dict[str, str]:
        """Where a plan's rows have each identifier, as text."""
        return {name: f"m_{number}" for number, name in enumerate(self.identifiers)}

    @property
    def field_places(self) -> dict[str, str]:
        """Where a plan's rows have each column that becomes a field."""
        first = len(self.identifiers)
        columns = dict.fromkeys(self.fields.values())
        return {name: f"m_{number}" for number, name in enumerate(columns, first)}


@dataclass(frozen=True, slots=True)
class Counts:
    """How many keys of each action a plan has."""

    add: int = 0
    change: int = 0
    remove: int = 0
    unchanged: int = 0
    forget: int = 0
    merged: int = 0  # of those to remove: whoever is another person, or company, by now
    withheld: dict[str, int] = field(default_factory=dict)

    @property
    def to_send(self) -> int:
        """Rows that a push would send."""
        return self.add + self.change + self.remove

    @property
    def held(self) -> int:
        """Rows the destination holds by the ledger, of those that this plan sees."""
        return self.change + self.remove + self.unchanged


@dataclass(frozen=True, slots=True)
class Refresh:
    """Rows are sent again `days` after they were taken last, some of them up to a tenth earlier: what was sent in one day is spread."""

    days: int
    now: dt.datetime

    def is_due(self, key: str, dialect: Dialect) -> str:
        """SQL condition on the ledger's row of a key."""
        latest = self.now - dt.timedelta(days=self.days)
        step = dt.timedelta(days=self.days) / 10 / len(DIGITS)
        cases = " ".join(
            f"when '{digit}' then {dialect.literal(latest + number * step)}"
            for number, digit in enumerate(DIGITS)
        )
        return f"acknowledged_at < case substr({dialect.md5_of.format(key)}, 1, 1) {cases} end"


def map_columns(definition: SyncDefinition, columns: Sequence[str]) -> Mapping:
    """Check the definition's columns against the table's.

    Raises:
        RefusedError: the table or a column is missing.
    """
    name, model = definition.name, definition.model.name
    if not columns:
        raise RefusedError(
            "missing_table",
            f"sync '{name}': table {definition.model.relation} does not exist.",
            hint=f"dbt build --select +{model}",
        )
    needed = {
        "key": definition.key,
        "identifiers": definition.identifiers,
        "fields": tuple(definition.fields.values()),
        "every sync": ("row_hash",),
    }
    for what, names in needed.items():
        for column in names:
            if column not in columns:
                raise RefusedError(
                    "unknown_column",
                    f"sync '{name}': {what} needs column '{column}', which model '{model}' does "
                    f"not have{closest(column, columns)}.",
                    hint=f"its columns are {', '.join(columns)}; the mapping is in "
                    f"{definition.path}.",
                )
    fields = definition.fields_of(columns)
    return Mapping(identifiers=definition.identifiers, fields=fields)


# Over `tried` and `passed_on`, a row each: all that nobody else has now, as JSON, the first that was tried first.
_LOST = (
    "lost as (select sync_key, '[' || max(case when nth = 1 then identifiers end)"
    + "".join(
        f" || coalesce(', ' || max(case when nth = {nth} then identifiers end), '')"
        for nth in range(2, MOST_TRIED + 1)
    )
    + " || ']' as identifiers from (select tried.sync_key, tried.identifiers, "
    "row_number() over (partition by tried.sync_key order by tried.first_at, tried.identifiers) as nth "
    "from tried left join passed_on on passed_on.sync_key = tried.sync_key "
    "and passed_on.identifiers = tried.identifiers where passed_on.sync_key is null) as left_over group by sync_key)"
)


class PlanQueries:
    """The SQL of one sync's plan."""

    def __init__(
        self,
        definition: SyncDefinition,
        columns: Sequence[str],
        *,
        held: str,
        in_ledger: str,
        quarantined: str | None,
        dialect: Dialect,
        full_refresh: bool = False,
        members: membership.Sets = (),
        people: ConsentTables | None = None,
        kinds: KindsOf | None = None,
        claims: Claims | None = None,
        refresh: Refresh | None = None,
        erased: Erased | None = None,
        by_id: bool = False,
        folds: bool = False,
        maybe: str | None = None,
        taken_out: Permission | None = None,
        merged: Merged | None = None,
        undo: tuple[str, str] | None = None,
    ) -> None:
        """`held` is a query of the ledger's state, `in_ledger` one row of how many rows that has (`Ledger.counts`); `quarantined` one of
        (sync_key, payload_hash, is_dismissed), or None for none; `kinds` what the columns hold; `claims` who else may want rows that
        leave; `refresh` when rows are sent again though nothing changed; `erased` who is to be sent nothing, whatever the table says;
        `by_id` whether who has other identifiers is written by its remote id; `folds` whether an address is the record, and the one before
        goes into the new one; `maybe` as whom rows may be there whose last answer was lost (`Ledger.maybe_there`), where there are any;
        `taken_out` whom a `remove` sync keeps out of the object; `merged` who became whom, where the destination is told; `undo` has
        queries of the keys that a run put in and took out: the plan is of these alone, and has whom it put in as if the table did not.
        """
        self._definition = definition
        self._mode = definition.mode
        self._held = held
        self._in_ledger = in_ledger
        self._quarantined = quarantined
        self._dialect = dialect
        self._full_refresh = full_refresh
        self._members = members if self._mode in (Mode.UPSERT, Mode.MIRROR) else ()
        self._kinds = kinds or {}
        self._claims = claims or Claims()
        self._refresh = refresh
        self._is_claimed = False
        self._by_id = by_id
        self._folds = folds
        self._maybe = maybe
        self._undo = undo
        self._merged = merged if self._mode in (Mode.UPSERT, Mode.MIRROR) else None
        self._has_reason = "withheld_reason" in columns
        people = people or ConsentTables()
        self._people = (PERSON,) if PERSON in columns else ()
        self.mapping = map_columns(definition, columns)
        self._asked = (
            self._erasing(erased),
            Permission.of(definition, columns, people, dialect),
            journeys.asked_again(
                definition, columns, aliases=people.aliases, held=held, dialect=dialect
            ),
            taken_out or Permission(),
        )

    @property
    def compares(self) -> bool:
        """Whether most rows of the table may be as they were taken, and nobody asks for those."""
        return not self._full_refresh and self._mode is not Mode.REPLACE and self._undo is None

    def ask_claims(self, wanted: str | None = None) -> bool:
        """Let plans leave in place who is wanted by somebody else; whether that can make a difference. `wanted` is a query of
        (sync_key, identifiers) of what other syncs' tables want in the same object.
        """
        self._claims = replace(self._claims, wanted=wanted)
        self._is_claimed = (self._mode is Mode.MIRROR or self._merged is not None) and bool(
            self._claims.parts(self.mapping, self._dialect)
        )
        return self._is_claimed

    def checks(self, *, hashed: bool = False) -> str:
        """One row: row_count, key_count (distinct, not null), null_keys, clear_identifiers, and of the ledger how many rows it has here
        (held), elsewhere and of before accounts were known (former).
        """
        null_key = " or ".join(f"{self._column(key)} is null" for key in self._definition.key)
        clear = "0"
        if hashed and self.mapping.identifiers:
            tests = " or ".join(
                f"length({self._dialect.text(self._column(name))}) <> 64"
                for name in self.mapping.identifiers
                if name.endswith("_sha256")
            )
            clear = f"sum(case when {tests} then 1 else 0 end)" if tests else "0"
        return (
            "select of_table.*, in_ledger.* from ("
            f"select count(*) as row_count, {self._dialect.count_distinct(self._key())} as key_count, "
            f"sum(case when {null_key} then 1 else 0 end) as null_keys, {clear} as clear_identifiers "
            f"from {self._definition.model.relation}) as of_table cross join ({self._in_ledger}) as in_ledger"
        )

    def duplicates(self) -> str:
        """A few keys that the table has more than once."""
        return (
            f"select {self._key()} as sync_key, count(*) as copies "
            f"from {self._definition.model.relation} group by 1 having count(*) > 1 "
            "order by 2 desc, 1 limit 3"
        )

    def differing(self) -> str:
        """Every key that is not as it was taken: sync_key, action, withheld_reason, is_in_table, and who it became."""
        return (
            f"{self._planned()} select sync_key, action, withheld_reason, is_in_table{self._into()} "
            "from planned where action <> 'unchanged'"
        )

    def counts(self, differing: str | None = None, *, rows: int = 0) -> str:
        """Rows of (action, withheld_reason, row_count, merged_count): by `differing`, a relation of what the query of that name gives, of
        a table that has so many `rows`, or by a comparison of its own.
        """
        merged = "count(into_key)" if self._merged else "0"
        counted = f"action, withheld_reason, count(*) as row_count, {merged} as merged_count"
        if differing is None:
            return (
                f"{self._planned()} select {counted} from planned group by action, withheld_reason"
            )
        return (
            f"select {counted} from {differing} as differing group by action, withheld_reason union all "
            f"select 'unchanged', {self._dialect.text('null')}, {rows} - count(*), 0 "
            f"from {differing} as differing where is_in_table"
        )

    def _into(self, of: str = "") -> str:
        """Who a row became, where the destination is told."""
        return "".join(f", {of}{name}" for name in INTO) if self._merged else ""

    def fingerprint(self) -> str:
        """One row that differs when anything to be sent differs."""
        content = "sync_key || '|' || action || '|' || coalesce(row_hash, '')"
        return (
            f"{self._planned()} select count(*) as row_count, "
            f"{self._dialect.fingerprint(content)} as content "
            "from planned where action in ('add', 'change', 'remove')"
        )

    def sent(
        self, differing: str | None = None, *, marked: bool = False, removes: bool = True
    ) -> str:
        """Everything that is known of each row to be sent, for `rows` and `intents`; of those of `differing` alone, where that is given.

        `marked` adds what `membership.marks` says, where identifiers are the member: that is asked of all rows. Without removals, which
        `removes` says, held identifiers are null unless those are asked for: the join need not carry them.
        """
        actions = ["add", "change", "remove", "forget"]
        if self._mode is Mode.REPLACE:
            actions.append("unchanged")
        listed = ", ".join(f"'{action}'" for action in actions)
        known, held, ids = "", "planned.held_identifiers", ""
        if not removes and not (marked and self._members) and not self._by_id:
            held = f"{self._dialect.text('null')} as held_identifiers"
        marks, join = self._marks(marked)
        if self._by_id:
            known += (
                ", planned.held_hash, case when ids_of_several.remote_id is null then 0 else 1 end "
                "as is_of_several"
            )
            ids = (
                ", ids_of_several as (select remote_id from held where remote_id is not null "
                "group by remote_id having count(*) > 1)"
            )
            join += "left join ids_of_several on ids_of_several.remote_id = planned.remote_id "
        if tried := self._tried():
            ids += f", {tried}"
        if passed_on := self._passed_on():
            known += ", case when passed_on.sync_key is null then 0 else 1 end as is_passed_on"
            ids += f", {passed_on}"
            join += (
                "left join passed_on on passed_on.sync_key = planned.sync_key "
                "and passed_on.identifiers = planned.held_identifiers "
            )
        if tried:
            known += ", lost.identifiers as lost_identifiers"
            ids += f", {_LOST}"
            join += "left join lost on lost.sync_key = planned.sync_key "
        if marks:
            known += "".join(
                f", coalesce(marks.{name}, 0) as {name}"
                for name in ("leaving", "shared", "holders")
            )
        mapped = self._placed("planned.")
        planned = self._planned() if differing is None or marks else self._planned_of(differing)
        return (
            f"{planned}{ids}{marks} select planned.action, planned.sync_key, planned.row_hash, "
            f"{held}, planned.remote_id{self._into('planned.')}{mapped}{known} from planned {join}"
            f"where planned.action in ({listed})"
        )

    def rows(self, sent: str, *, marked: bool = False) -> str:
        """Every row of `sent`, a relation of what the query of that name gives: its action, key, hash, held identifiers and remote id,
        and the mapped columns.
        """
        mapped = self._placed()
        held, remote_id = "held_identifiers", "remote_id"
        if self._by_id:
            # Of a row that may have been sent nobody knows which identifiers the vendor has; an id of two rows says of neither who it is.
            none = self._dialect.text("null")
            passed = "is_of_several = 1"
            if self._folds:
                passed = "is_passed_on = 1" if self._passed_on() else "false"
            lost = none
            if self._tried():  # who has an id is written by it
                lost = (
                    "lost_identifiers"
                    if self._folds
                    else "case when remote_id is null then lost_identifiers end"
                )
            held = (
                f"case when action = 'remove' then held_identifiers when {passed} then {none} "
                f"when held_hash = {self._dialect.literal(UNKNOWN)} then {lost} else held_identifiers end as held_identifiers"
            )
            remote_id = "case when is_of_several = 0 then remote_id end as remote_id"
        marking = ", leaving, shared, holders" if marked and self._members else ""
        return (
            f"select action, sync_key, row_hash, {held}, {remote_id}{self._into()}{mapped}{marking} "
            f"from {sent} as sent"
        )

    def settled(self) -> str:
        """Every row that the destination took as the table has it now."""
        mapped = self._placed("planned.")
        return (
            f"{self._planned()} select planned.action, planned.sync_key, planned.row_hash, "
            f"planned.held_identifiers, planned.remote_id{mapped} from planned "
            "where planned.action = 'unchanged'"
        )

    def intents(self, sent: str, *, marked: bool = False) -> str:
        """Every key of `sent` that is: sync_key, the identifiers that its request names, outdated_identifiers and remote_id.

        Outdated are the identifiers of a row that loses some of them before it is written: those it has until then.
        """
        names = {
            name: self._column(place) for name, place in self.mapping.identifier_places.items()
        }
        outdated = self._dialect.text("null")
        if marked and self._members:
            outdated = "case when action = 'change' and leaving <> shared then held_identifiers end"
        return (
            "select sync_key, case when action = 'remove' then held_identifiers "
            f"else {self._dialect.json_object(names)} end as identifiers, "
            f"{outdated} as outdated_identifiers, remote_id from {sent} as sent "
            "where action in ('add', 'change', 'remove')"
        )

    def wanted(self) -> str:
        """Every row of the table that may be sent: sync_key, identifiers."""
        names = {name: self._identifier(name) for name in self.mapping.identifiers}
        return (
            f"select sync_key, identifiers from (select {self._key()} as sync_key, "
            f"{self._dialect.json_object(names)} as identifiers, {self._reason()} as withheld_reason "
            f"from {self._definition.model.relation}{self._joins()}) as sendable "
            "where withheld_reason is null and sync_key is not null"
        )

    def _joins(self) -> str:
        return "".join(asked.joins for asked in self._asked)

    def _marks(self, marked: bool) -> tuple[str, str]:
        """The query part `marks` and the join to it, where identifiers are the member."""
        if not marked or not self._members:
            return "", ""
        names, others = self.mapping.identifiers, self._claims.others
        marks = membership.marks(self._members, names, self._dialect, others)
        return marks, "left join marks on marks.sync_key = planned.sync_key "

    def _passed_on(self) -> str | None:
        """The query part of that name of `Claims`, where the record of an address that changed goes into the new one, or is looked for."""
        before = (
            "select sync_key, held_identifiers as identifiers from planned where action = 'change'"
        )
        if self._tried():
            before += " union all select sync_key, identifiers from tried"
        elif not self._folds:
            return None
        return self._claims.passed_on(self.mapping, before, self._dialect)

    def _tried(self) -> str | None:
        """The query part of that name of `Claims`, where there may be any."""
        if self._maybe is None:
            return None
        return self._claims.tried(self.mapping, self._maybe, self._dialect)

    def _placed(self, of: str = "") -> str:
        """The mapped columns, by their names in a plan."""
        return "".join(f", {of}{self._column(place)}" for place, _ in self._carried())

    def _carrying(self) -> str:
        """What is sent, under its name in a plan."""
        return "".join(
            f", {expression} as {self._column(place)}" for place, expression in self._carried()
        )

    def _carried(self) -> list[tuple[str, str]]:
        """Place and expression of what is sent: identifiers, and what no client carries exactly, as the warehouse's own text."""
        identifiers = [
            (place, self._identifier(name, "activation."))
            for name, place in self.mapping.identifier_places.items()
        ]
        fields = [
            (place, f"activation.{self._column(name)}")
            for name, place in self.mapping.field_places.items()
        ]
        wide = {
            place
            for name, place in self.mapping.field_places.items()
            if self._kinds.get(name) in CARRIED_AS_TEXT
        }
        return identifiers + [
            (place, self._dialect.text(column) if place in wide else column)
            for place, column in fields
        ]

    def _planned_of(self, differing: str) -> str:
        """`planned` of keys whose action is known."""
        return (
            f"with activation as (select {self._key()} as sync_key, row_hash{self._mapped()} "
            f"from {self._definition.model.relation}), held as ({self._held}), "
            "planned as (select differing.sync_key, differing.action, differing.withheld_reason, "
            "case when is_in_table then activation.row_hash else held.row_hash end as row_hash, "
            "held.identifiers as held_identifiers, held.remote_id, "
            f"held.row_hash as held_hash{self._into('differing.')}{self._carrying()} from {differing} as differing "
            "left join activation on activation.sync_key = differing.sync_key "
            "left join held on held.sync_key = differing.sync_key)"
        )

    def _mapped(self) -> str:
        return "".join(f", {self._column(name)}" for name in self.mapping.columns)

    def _planned(self) -> str:
        # What is sent goes along through the one join of both sides; who asks for less, the optimiser spares it.
        carried = self._carrying()
        # Compared before the join, which is the dearer the wider its rows are.
        hashes = ", ".join(
            self._dialect.literal(one)
            for one in (self._definition.definition_hash, self._definition.former_hash)
        )
        outdated = f"(definition_hash is null or definition_hash not in ({hashes}))"
        if self._refresh is not None:
            outdated = f"({outdated} or {self._refresh.is_due('sync_key', self._dialect)})"
        quarantined = ""
        join, is_quarantined, is_dismissed = "", "false", "false"
        if self._quarantined:
            mark = mark_of(self._definition.sync_id, "compared.sync_key", self._dialect)
            quarantined = f"quarantined as ({self._quarantined}), "
            join = (
                " left join quarantined on quarantined.payload_hash = compared.row_hash "
                f"and quarantined.sync_key in (compared.sync_key, {mark})"
            )
            is_dismissed = "quarantined.is_dismissed = 1"
            # Who sends all again tries what failed again too; what a person dismissed stays dismissed.
            is_quarantined = (
                is_dismissed if self._full_refresh else "quarantined.sync_key is not null"
            )
        wanted, reason, claimed = "wanted", "withheld_reason", ""
        if self._is_claimed:
            aside = "quarantined" if self._quarantined else None
            parts = self._claims.parts(
                self.mapping, self._dialect, aside=aside, merges=self._merged is not None
            )
            claimed = f"{parts}, "
            join += " left join claimed on claimed.sync_key = compared.sync_key"
            wanted = (
                "case when claimed.is_sure = 1 then 'forget' when claimed.is_sure = 0 then 'none' "
                "else wanted end"
            )
            reason = (
                "case when claimed.sync_key is not null and withheld_reason is null "
                f"then '{CLAIMED}' else withheld_reason end"
            )
        of_table = of_ledger = ""
        if self._undo is not None:
            put_in, took_out = self._undo
            of_table = f" where {self._key()} in ({took_out})"
            of_ledger = f" where sync_key in ({put_in}) or sync_key in ({took_out})"
        merged = merged_join = ""
        if self._merged is not None:
            merged = self._merged.parts
            merged_join = (
                " left join merged on merged.merged_key = held.sync_key "
                "left join grown on grown.grown_key = held.sync_key"
            )
        held_hash = ", held.row_hash as held_hash" if self._by_id else ""
        kept_hash = ", held_hash" if self._by_id else ""
        content = self._dialect.compared_as.format("row_hash")
        return (
            f"with activation as (select {self._key()} as sync_key, row_hash, {content} as content, "
            f"{self._reason()} as withheld_reason{self._mapped()} "
            f"from {self._definition.model.relation}{self._joins()}{of_table}), "
            f"held as (select sync_key, row_hash, {content} as content, "
            f"row_hash = {self._dialect.literal(UNKNOWN)} as is_unknown, "
            f"{outdated} as is_outdated, identifiers, "
            f"remote_id from ({self._held}) as ledger{of_ledger}), {merged}"
            f"compared as (select coalesce(activation.sync_key, held.sync_key) as sync_key, "
            "case when activation.sync_key is not null then activation.row_hash "
            "else held.row_hash end as row_hash, activation.sync_key is not null as is_in_table, "
            f"activation.withheld_reason, {self._action()} as wanted, "
            f"held.identifiers as held_identifiers, held.remote_id{held_hash}{self._into()}{carried} "
            f"from activation full join held on held.sync_key = activation.sync_key{merged_join}), "
            f"{quarantined}{claimed}"
            f"planned as (select compared.sync_key, compared.row_hash, is_in_table, "
            f"case when {is_quarantined} and wanted in ('add', 'change') then 'none' "
            f"else {wanted} end as action, "
            f"case when {is_quarantined} and wanted in ('add', 'change') then "
            f"case when {is_dismissed} then 'dismissed' else 'quarantined' end "
            f"else {reason} end as withheld_reason, held_identifiers, remote_id{kept_hash}{self._into()}"
            f"{self._placed()} from compared{join})"
        )

    def _action(self) -> str:
        """What the mode asks of a key, given the sides it is on and whether the row may be sent."""
        held = "held.sync_key is not null"
        present = "activation.sync_key is not null"
        sendable = f"({present} and activation.withheld_reason is null)"
        if self._mode is Mode.REMOVE:
            return (
                f"case when {sendable} and (not ({held}) or held.is_unknown) then 'remove' "
                f"when {sendable} then 'unchanged' when {held} then 'forget' else 'none' end"
            )
        gone = f"'{'remove' if self._mode in REMOVING else 'none'}'"
        if self._mode in (Mode.UPSERT, Mode.UPDATE_ONLY):
            # It takes nobody out, and who is out is not held: they are sent again when they may be there.
            gone = f"case when activation.withheld_reason = '{TAKEN_OUT}' then 'forget' else 'none' end"
        # What may be there or not is sent again, whatever the mode: an earlier one, that changed rows, may have left it.
        differs = "held.is_unknown"
        if self._mode is Mode.EVENT:
            differs = "false"
        if self._mode in UPDATING:
            differs = (
                "true"
                if self._full_refresh
                else ("(activation.content is distinct from held.content or held.is_outdated)")
            )
        if self._merged is not None:
            if self._merged.makes_one:
                differs = f"({differs} or grown.grown_key is not null)"
            let_go = "case when merged.is_one = 1 then 'forget' else 'remove' end"
            gone = f"case when not ({present}) and merged.merged_key is not null then {let_go} else {gone} end"
        return (
            f"case when {sendable} and not ({held}) then 'add' "
            f"when {sendable} and {differs} then 'change' when {sendable} then 'unchanged' "
            f"when {held} then {gone} else 'none' end"
        )

    def _reason(self) -> str:
        given = "withheld_reason" if self._has_reason else self._dialect.text("null")
        erased, *others = [asked.reason for asked in self._asked]
        found = [one for one in (erased, given, *others) if one]
        if self.mapping.identifiers:
            absent = " and ".join(
                f"{self._identifier(name)} is null" for name in self.mapping.identifiers
            )
            found.append(f"case when {absent} then 'no_identifier' end")
        return f"coalesce({', '.join(found)})" if len(found) > 1 else given

    def _erasing(self, erased: Erased | None) -> Permission:
        """Why a row of somebody who is erased is not sent, whatever the table says, which may be older than the request."""
        if erased is None or self._mode is Mode.REMOVE:
            return Permission()
        names = dict.fromkeys((*self._people, *self._definition.key, *self.mapping.identifiers))
        told = {self._dialect.text(self._column(name)): types_of(name) for name in names}
        joins, condition = erased(told)
        return Permission(joins, f"case when {condition} then 'erased' end")

    def _key(self) -> str:
        return key_text(self._definition, self._dialect)

    def _identifier(self, name: str, of: str = "") -> str:
        """An identifier as text; one without a letter names nobody, whatever a vendor makes of it."""
        text = self._dialect.text(f"{of}{self._column(name)}")
        return f"case when trim({text}) <> '' then {text} end"

    def _column(self, name: str) -> str:
        return self._dialect.column(name)


def keys_of(definition: SyncDefinition, dialect: Dialect) -> str:
    """A query of every row's sync_key and row_hash."""
    key = key_text(definition, dialect)
    return f"select {key} as sync_key, row_hash from {definition.model.relation}"


def keys_of_people(definition: SyncDefinition, ids: Sequence[str], dialect: Dialect) -> str:
    """A query of (sync_name, sync_key) of the rows of a sync's table that are of these people."""
    listed = ", ".join(map(dialect.literal, sorted(ids)))
    return (
        f"select {dialect.literal(definition.sync_id)} as sync_name, "
        f"{key_text(definition, dialect)} as sync_key from {definition.model.relation} "
        f"where {dialect.text(dialect.column(PERSON))} in ({listed})"
    )


def key_text(definition: SyncDefinition, dialect: Dialect) -> str:
    """The key as text. Parts of a composite key are escaped, so that no two keys meet: `~` is `~0`, `|` is `~1`."""
    parts = [dialect.text(dialect.column(name)) for name in definition.key]
    if len(parts) == 1:
        return parts[0]
    return " || '|' || ".join(f"replace(replace({part}, '~', '~0'), '|', '~1')" for part in parts)


def read_counts(rows: Sequence[dict[str, object]]) -> Counts:
    """`Counts` from the result of `PlanQueries.counts`."""
    numbers = dict.fromkeys(("add", "change", "remove", "unchanged", "forget", "merged"), 0)
    withheld: dict[str, int] = {}
    for row in rows:
        count, action, reason = (
            int(str(row["row_count"])),
            str(row["action"]),
            row["withheld_reason"],
        )
        if action in numbers:
            numbers[action] += count
        if action == "remove":
            numbers["merged"] += int(str(row.get("merged_count") or 0))
        if reason is not None:
            withheld[str(reason)] = withheld.get(str(reason), 0) + count
    return Counts(**numbers, withheld=dict(sorted(withheld.items())))
