"""The ledger: what each destination accepted last, per key.

Acknowledgements are appended per batch and never changed; the ledger is their compaction: per key the last one, absent when it
was a removal. A run that was killed leaves acknowledgements that are not compacted yet; its row in `runs` still says `running`,
which is how they are found.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from sync.records import Action, Mode

if TYPE_CHECKING:
    import datetime as dt

    from sync.state.tables import Tables
    from sync.warehouses.base import Dialect, Session

# Hash of a row that may be there: it was sent and no answer came. It differs from every hash, so the row is sent again.
UNKNOWN = "?"
OF_NONE = "." + "0" * 16  # how a definition's hash ends that no definition has
# What takes a key out of the ledger; all else puts it in, as it is now or as it may be.
GONE = (Action.REMOVE, Action.FORGET, Action.RELEASE, Action.REPEAT)


class Ledger:
    """SQL over one sync's part of the ledger."""

    def __init__(
        self,
        tables: Tables,
        dialect: Dialect,
        *,
        environment: str,
        sync_name: str,
        mode: str,
        place: str,
        former_place: str,
    ) -> None:
        """`place` is that of the sync as it is defined now, `former_place` how it was kept before accounts were known; rows that
        were sent elsewhere are not its state.
        """
        self._tables = tables
        self._literal = dialect.literal
        self._environment = environment
        self._sync_name = sync_name
        self._place = place
        # A ledger of before places were kept has hashes without a dot.
        self._former = (
            f"(definition_hash like {self._literal(former_place + '.%')} "
            "or definition_hash not like '%.%')"
        )
        self._here = f"(definition_hash like {self._literal(place + '.%')} or {self._former})"
        # A `remove` sync remembers what it took out, so that there `remove` is what puts a key in.
        self._gone = [
            action for action in GONE if not (mode == Mode.REMOVE and action is Action.REMOVE)
        ]

    def unfinished_runs(self, session: Session) -> list[str]:
        """Runs that wrote acknowledgements and never compacted them, oldest first."""
        rows = session.rows(
            f"select run_id from {self._tables.runs} where {self._mine()} "
            "and command = 'push' and status = 'running' order by started_at, run_id"
        )
        return [row["run_id"] for row in rows]

    def state(self, unfinished: list[str], doubted: str | None = None) -> str:
        """A query of what the destination holds: sync_key, row_hash, definition_hash, identifiers, remote_id, acknowledged_at.

        `doubted` is a query of what unfinished runs may have done (`Intents.doubted`).
        """
        columns = "sync_key, row_hash, definition_hash, identifiers, remote_id, acknowledged_at"
        held = f"select {columns} from {self._tables.ledger} where {self._mine()} and {self._here}"
        if not unfinished:
            return held
        return (
            f"{held} and sync_key not in ({self._keys_of(unfinished, doubted)}) "
            f"union all select {columns} from ({self._latest_of(unfinished, doubted)}) as pending "
            f"where action not in ({self._gone_list()}) and {self._here}"
        )

    def counts(self, held: str) -> str:
        """A query of one row: how many rows the sync has here by `held`, a query as `state` gives, elsewhere, and with a place of before
        accounts were known (former).
        """
        here = f"(select count(*) from ({held}) as held)"
        if held == self.state([]):
            here = self._counted(self._here)
        elsewhere = self._counted(f"not {self._here}")
        return (
            f"select {here} as held, {elsewhere} as elsewhere, {self._counted(self._former)} as former "
            f"from {self._tables.ledger} where {self._mine()}"
        )

    @staticmethod
    def _counted(condition: str) -> str:
        return f"coalesce(sum(case when {condition} then 1 else 0 end), 0)"

    def places_elsewhere(self) -> str:
        """A query of (place, row_count): where these rows are."""
        return (
            "select substr(definition_hash, 1, length(definition_hash) - 17) as place, count(*) as row_count "
            f"from {self._elsewhere()} group by 1 order by 2 desc, 1"
        )

    def modes_elsewhere(self) -> str:
        """A query of mode: those of the runs that sent these rows."""
        return (
            f"select distinct mode from {self._tables.runs} where {self._mine()} and mode is not null "
            f"and run_id in (select run_id from {self._elsewhere()})"
        )

    def leaving_elsewhere(self) -> str:
        """The statement that lets go of them; acknowledgements keep that they were sent."""
        return f"delete from {self._elsewhere()}"

    def bringing(self) -> str:
        """The statement by which they are here: what they were sent to is what is sent to now, under another name or account."""
        return (
            f"update {self._tables.ledger} set definition_hash = "
            f"{self._literal(self._place)} || substr(definition_hash, length(definition_hash) - 16) "
            f"where {self._mine()} and not {self._here}"
        )

    def doubting(self, keys: Sequence[str]) -> str:
        """The statement by which nobody knows any more whether these rows are there: they are sent again."""
        return (
            f"update {self._tables.ledger} set row_hash = {self._literal(UNKNOWN)} "
            f"where {self._mine()} and {self._here} and sync_key in ({self._listed(keys)})"
        )

    def doubting_of(self, filled: str, names: Collection[str], keys: str | None = None) -> str:
        """The statement by which nobody knows any more whether what the syncs of these `names` hold in the object that is `filled` is
        there, or with which values: they send it again. Of all that they hold, or of `keys`, a query of sync_key.
        """
        unknown = self._literal(UNKNOWN)
        of_keys = f" and sync_key in ({keys})" if keys else ""
        return (
            f"update {self._tables.ledger} set row_hash = {unknown} "
            f"where {self._of_any(filled)} and sync_name in ({self._listed(names)}) "
            f"and row_hash <> {unknown}{of_keys}"
        )

    def maybe_there(self) -> str:
        """A query of (sync_key, identifiers, acknowledged_at): with which identifiers a row may be there whose last answer was lost. Those
        that it was last taken with, where it was, and those of what was tried since.
        """
        sure = self._listed((Action.ADD, Action.CHANGE, *GONE))
        taken = self._listed((Action.ADD, Action.CHANGE))
        return (
            "select sync_key, identifiers, acknowledged_at from (select acknowledgements.*, "
            f"sum(case when action in ({sure}) then 1 else 0 end) over (partition by sync_key "
            "order by acknowledged_at desc, batch_number desc rows between unbounded preceding and current row) "
            f"as sure_since from {self._tables.acknowledgements} as acknowledgements "
            f"where {self._mine()} and {self._here}) as told where identifiers is not null "
            f"and (sure_since = 0 or (sure_since = 1 and action in ({taken})))"
        )

    def let_go_of(self, run_ids: list[str]) -> str:
        """A query of (sync_key, identifiers, row_hash) of rows that these runs only let go of, before that is folded in: somebody else's
        row is the same record.
        """
        return (
            f"select sync_key, identifiers, row_hash from {self._tables.ledger} where {self._mine()} "
            f"and {self._here} and sync_key in (select sync_key from {self._tables.acknowledgements} where {self._mine()} "
            f"and {self._runs_in(run_ids)} and action = {self._literal(Action.FORGET)})"
        )

    def held_in(self, filled: str, names: Collection[str]) -> str:
        """A query of (sync_key, identifiers, row_hash) of what the syncs of these `names` hold in the object that is `filled`. Hashes
        of other syncs are null: they may be of other columns.
        """
        return (
            "select sync_key, identifiers, "
            f"case when sync_name = {self._literal(self._sync_name)} then row_hash end as row_hash "
            f"from {self._tables.ledger} "
            f"where {self._of_any(filled)} and sync_name in ({self._listed(names)})"
        )

    def acknowledged_in(self, run_id: str) -> str:
        """A query of (action, row_count): what became of the keys of one run here, each by its last word."""
        return (
            "select action, count(*) as row_count from ("
            "select action, row_number() over (partition by sync_key order by batch_number desc, "
            "acknowledged_at desc) as nth "
            f"from {self._tables.acknowledgements} where {self._of_run(run_id)}) as numbered "
            "where nth = 1 group by action"
        )

    def undoing(self, run_id: str) -> tuple[str, str]:
        """Queries of sync_key: whom one run put in here, and whom it took out."""
        keys = f"select sync_key from {self._tables.acknowledgements} where {self._of_run(run_id)}"
        return f"{keys} and action = 'add'", f"{keys} and action = 'remove'"

    def _of_run(self, run_id: str) -> str:
        return f"{self._mine()} and {self._here} and run_id = {self._literal(run_id)}"

    def remote_ids(self, filled: str) -> str:
        """A query of remote_id: what any sync has in the object that is `filled`, by the ids that the vendor gave."""
        return (
            f"select distinct remote_id from {self._tables.ledger} "
            f"where {self._of_any(filled)} and remote_id is not null"
        )

    def _of_any(self, filled: str) -> str:
        """Rows of whatever sync in the object that is `filled`."""
        return (
            f"environment = {self._literal(self._environment)} "
            f"and definition_hash like {self._literal(filled + '-%')}"
        )

    def taken_out_here(self, remote_ids: Sequence[str]) -> str:
        """A query of (sync_key, remote_id) of what the sync took out of here last, of these ids: it should not be there."""
        return (
            f"select sync_key, remote_id from ({self._last()}) as latest where action = 'remove' "
            f"and {self._here} and remote_id in ({self._listed(remote_ids)}) "
            f"and sync_key not in (select sync_key from {self._tables.ledger} where {self._mine()})"
        )

    def recalling(self, keys: Sequence[str]) -> str:
        """The statement by which what was taken out may be there after all: the next plan takes it out, or sends it again."""
        columns = "sync_key, definition_hash, identifiers, remote_id, run_id, acknowledged_at"
        return (
            f"insert into {self._tables.ledger} (environment, sync_name, row_hash, {columns}) "
            f"select {self._literal(self._environment)}, {self._literal(self._sync_name)}, "
            f"{self._literal(UNKNOWN)}, {columns} from ({self._last()}) as latest "
            f"where action = 'remove' and {self._here} and sync_key in ({self._listed(keys)})"
        )

    def _last(self) -> str:
        """The last acknowledgement of each key, in every run."""
        return (
            "select * from (select acknowledgements.*, row_number() over (partition by sync_key "
            "order by acknowledged_at desc, batch_number desc) as nth "
            f"from {self._tables.acknowledgements} as acknowledgements where {self._mine()}) as numbered "
            "where nth = 1"
        )

    def taking(self, rows: str, *, definition_hash: str, run_id: str, now: dt.datetime) -> str:
        """The statement by which `rows`, a query of (sync_key, row_hash), count as sent."""
        values = (self._environment, self._sync_name, definition_hash, run_id)
        environment, name, definition, run = map(self._literal, values)
        return (
            f"insert into {self._tables.ledger} (environment, sync_name, sync_key, row_hash, "
            "definition_hash, run_id, acknowledged_at) "
            f"select {environment}, {name}, sync_key, row_hash, {definition}, {run}, "
            f"{self._literal(now)} from ({rows}) as counted"
        )

    def placing(self, definition_hash: str, former_hash: str) -> str:
        """The statement that gives rows of before accounts were known the place they have; what was up to date stays so."""
        return (
            f"update {self._tables.ledger} set definition_hash = case when definition_hash = "
            f"{self._literal(former_hash)} then {self._literal(definition_hash)} "
            f"else {self._literal(self._place + OF_NONE)} end "
            f"where {self._mine()} and {self._former}"
        )

    def claims(
        self, filled: str, others: Sequence[str], *, kept: Mapping[str, str] | None = None
    ) -> str:
        """A query of (sync_key, identifiers) of what other syncs hold, or may hold, in the object that is `filled`.

        Of those that are `kept` only these keys, each by a query: they will have let go of the others.
        """
        listed = self._listed(others)
        let_go_first = "".join(
            f" and not (sync_name = {self._literal(name)} and sync_key not in ({keys}))"
            for name, keys in (kept or {}).items()
        )
        theirs = f"{self._of_any(filled)} and sync_name in ({listed}){let_go_first}"
        running = (
            f"(select run_id from {self._tables.runs} "
            f"where environment = {self._literal(self._environment)} "
            f"and sync_name in ({listed}) and status = 'running')"
        )
        let_go = (
            f"select 1 from {self._tables.acknowledgements} as gone "
            "where gone.environment = held.environment and gone.sync_name = held.sync_name "
            "and gone.sync_key = held.sync_key and "
            f"gone.action in ({self._listed(GONE)}) and gone.run_id in {running}"
        )
        # What its request does not name it leaves to others, and these may not leave it to that one.
        about_to = (
            f"select 1 from {self._tables.intents} as about where about.environment = held.environment "
            f"and about.sync_name = held.sync_name and about.sync_key = held.sync_key and about.run_id in {running}"
        )
        return (
            f"select sync_key, identifiers from {self._tables.ledger} as held where {theirs} "
            f"and not exists ({let_go}) and not exists ({about_to}) "
            # What a run holds that has not ended yet is not folded into the ledger, and its last answers are in its journal alone:
            # all that it was about to send is claimed. Its recovery makes attempts of the rest, so that nobody is left to nobody.
            f"union all select sync_key, identifiers from {self._tables.acknowledgements} where {theirs} "
            f"and action not in ({self._listed(GONE)}) and run_id in {running} "
            f"union all select sync_key, identifiers from {self._tables.intents} as held where {theirs} "
            f"and not exists ({let_go} and gone.run_id = held.run_id)"
        )

    def taken_out(self, place: str, removers: Sequence[str]) -> str:
        """A query of (sync_key, identifiers) of what these syncs have taken out of a place, or an object, and list still."""
        return (
            f"select sync_key, identifiers from {self._tables.ledger} "
            f"where environment = {self._literal(self._environment)} "
            f"and sync_name in ({self._listed(removers)}) "
            f"and definition_hash like {self._literal(place + '%')}"
        )

    def abandoned(self, filled: str, known: Collection[str]) -> str:
        """A query of (sync_name, row_count) of syncs that are not `known` and hold, or may hold, rows in the object that is `filled`:
        what a run has sent that never ended is in no ledger yet.
        """
        names = self._listed(sorted({*known, self._sync_name}))
        environment = f"environment = {self._literal(self._environment)}"
        theirs = (
            f"where {environment} and sync_name not in ({names}) "
            f"and (definition_hash like {self._literal(filled + '-%')} or {self._former})"
        )
        pending = (
            f"and action not in ({self._listed(GONE)}) and run_id in "
            f"(select run_id from {self._tables.runs} where {environment} and status = 'running')"
        )
        tables = self._tables
        return (
            "select sync_name, count(distinct sync_key) as row_count from ("
            f"select sync_name, sync_key from {tables.ledger} {theirs} "
            f"union all select sync_name, sync_key from {tables.intents} {theirs} "
            f"union all select sync_name, sync_key from {tables.acknowledgements} {theirs} {pending}"
            ") as held_by_others group by sync_name order by 2 desc, 1"
        )

    def replaced(self, run_ids: list[str], *, once: bool = False) -> str:
        """A query of sync_key: what the ledger may have of the keys that these runs acknowledged.

        `once` says that this is one run which acknowledged each key once, as all do but those that claim before they send:
        then what was added was not in the ledger before, and there is no latest to be found.
        """
        return self._keys_of(run_ids) + (" and action <> 'add'" if once else "")

    def compaction(self, run_ids: list[str], *, replaced: str, once: bool = False) -> list[str]:
        """Statements that fold the runs' acknowledgements into the ledger, in the place of what is `replaced`; safe to repeat."""
        columns = (
            "environment, sync_name, sync_key, row_hash, definition_hash, identifiers, remote_id, "
            "run_id, acknowledged_at"
        )
        latest = (
            self._acknowledged(run_ids, None)
            if once
            else f"({self._latest_of(run_ids)}) as latest where true"
        )
        return [
            f"delete from {self._tables.ledger} where {self._mine()} and sync_key in ({replaced})",
            f"insert into {self._tables.ledger} ({columns}) select {columns} from {latest} "
            f"and action not in ({self._gone_list()})",
        ]

    def claimed(self, run_ids: list[str]) -> str:
        """A query of events that runs claimed and never got an answer for: run_id, sync_key, row_hash."""
        return (
            f"select run_id, sync_key, row_hash from ({self._latest_of(run_ids)}) as latest "
            "where action = 'claim'"
        )

    def _elsewhere(self) -> str:
        return f"{self._tables.ledger} where {self._mine()} and not {self._here}"

    def _mine(self) -> str:
        return (
            f"environment = {self._literal(self._environment)} "
            f"and sync_name = {self._literal(self._sync_name)}"
        )

    def _gone_list(self) -> str:
        return self._listed(self._gone)

    def _listed(self, words: Iterable[str]) -> str:
        return ", ".join(map(self._literal, words))

    def _runs_in(self, run_ids: list[str]) -> str:
        return f"run_id in ({self._listed(run_ids)})"

    def _keys_of(self, run_ids: list[str], doubted: str | None = None) -> str:
        return f"select sync_key from {self._acknowledged(run_ids, doubted)}"

    def _acknowledged(self, run_ids: list[str], doubted: str | None) -> str:
        """What follows `from`: the runs' acknowledgements."""
        mine = f"where {self._mine()} and {self._runs_in(run_ids)}"
        if doubted is None:
            return f"{self._tables.acknowledgements} as acknowledgements {mine}"
        columns = (
            "sync_key, action, row_hash, definition_hash, identifiers, remote_id, run_id, "
            "batch_number, acknowledged_at"
        )
        return (
            f"(select {columns} from {self._tables.acknowledgements} {mine} "
            f"union all select {columns} from ({doubted}) as doubted) as acknowledgements"
        )

    def _latest_of(self, run_ids: list[str], doubted: str | None = None) -> str:
        """The last acknowledgement per key: later runs first, in a run later batches, and what was written ahead of a request
        before its outcome.
        """
        order = " ".join(
            f"when {self._literal(run_id)} then {number}" for number, run_id in enumerate(run_ids)
        )
        return (
            "select * from (select acknowledgements.*, row_number() over (partition by sync_key "
            f"order by case run_id {order} end desc, batch_number desc, "
            "case when action in ('claim', 'attempt', 'repeat') then 0 when action = 'release' then 1 else 2 end "
            "desc, acknowledged_at desc) as nth "
            f"from {self._acknowledged(run_ids, doubted)}) as numbered where nth = 1"
        )
