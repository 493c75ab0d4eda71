"""Pushes through everything that can go wrong, and then the count of what was lost or doubled: both must be 0.

Eight syncs (a mirrored list filled by asynchronous jobs, two mirrored audiences of hashes, mirrored rows, others that share their object,
rows that are only added, and two kinds of events) are pushed into the sandbox while their tables change. From a seed each round draws
faults of the stand-ins (429 storms, 500 before and after the rows were taken, connections reset in the middle of an answer, slow answers,
refused rows, failed jobs, expired tokens), a process that holds the DuckDB file, and kill -9 or SIGTERM at a random instant; a killed
process may have been a container, whose folder is gone with it, or leave its journal to be found on a later day, or a copy of it that was
made while it ran, and one that is stopped may wake when another has taken over. Then all is healed, and what each stand-in holds is
compared with the activation table and the ledger.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.figures import Benchmark, Figure, at_least, at_most
from benchmarks.sync_project import SyncProject

# People and events come by chance here, more than any guard lets pass.
ALLOWED = ("--allow-removals", "--allow-additions", "--allow-events")

# What else may end a push, or become of its folder.
ENDS = {
    "SIGTERM": "SIGTERM",
    "sleeper": "pushes overtaken while they were stopped",
    "folder thrown away": "killed pushes whose folder was thrown away",
    "stale journal": "journals found on a later day",
    "copied journal": "killed pushes of whose journal there is a copy",
}

PEOPLE = """
select
    'p' || cast(number as varchar) as profile_id,
    'p' || cast(number as varchar) || '@example.com' as email,
    number as score,
    cast(null as varchar) as withheld_reason,
    md5(cast(number as varchar)) as row_hash
from range({rows}) as numbers(number)
"""
# A fifth of the people share an address with others, and an address changes whenever its row does: an audience of hashes keeps
# what was sent until it is taken out.
HASHED = """
select
    profile_id,
    sha256(case
        when hash(profile_id || cast(score as varchar)) % 5 = 0
            then 'family' || cast(hash(profile_id) % 9 as varchar)
        else email || cast(score as varchar)
    end) as email_sha256,
    withheld_reason,
    row_hash
from {people}
"""
COPY = "select profile_id, email, score, withheld_reason, row_hash from {{ ref('people') }}"
SYNCS: dict[str, tuple[str, dict[str, Any]]] = {
    "klaviyo_list": (
        "sync_people",
        {"destination": "klaviyo", "object": {"list": "People"}, "mode": "mirror"},
    ),
    "klaviyo_events": (
        "sync_people",
        {"destination": "klaviyo", "object": {"event": "Due"}, "mode": "event"},
    ),
    "meta_audience": (
        "sync_hashed",
        {
            "destination": "meta",
            "object": {"audience": "People"},
            "mode": "mirror",
            "identifiers": ["email_sha256"],
        },
    ),
    "google_audience": (
        "sync_hashed",
        {
            "destination": "google_data_manager",
            "object": {"audience": "People"},
            "mode": "mirror",
            "identifiers": ["email_sha256"],
        },
    ),
    "onesignal_messages": (
        "sync_few",
        {
            "destination": "onesignal",
            "object": {"message": "Hello"},
            "mode": "event",
            "fields": {"message": "score"},
            "identifiers": ["profile_id"],
        },
    ),
    "webhook_people": (
        "sync_people",
        {"destination": "webhook", "object": {"record": "people"}, "mode": "mirror"},
    ),
    "webhook_some": (  # whom both have, and both lose
        "sync_few",
        {"destination": "webhook", "object": {"record": "people"}, "mode": "mirror"},
    ),
    "webhook_added": (
        "sync_people",
        {"destination": "webhook", "object": {"record": "added"}, "mode": "add"},
    ),
}
HOLD = """
import sys, time, duckdb
for _ in range(200):
    try:
        connection = duckdb.connect(sys.argv[1])
        break
    except duckdb.IOException:
        time.sleep(0.01)
time.sleep(float(sys.argv[2]))
"""


@dataclass
class Suite:
    """The project, the stand-ins and the counts of one run."""

    project: SyncProject
    faults: Any
    store: Any
    chance: random.Random
    containers: float = 0.3  # share of killed processes whose folder is gone with them
    sleepers: float = 1  # to 8 that are killed: pushes that wake when another has taken over
    copies: float = 0.25  # share of those of whose folder there is a copy from a moment before
    counts: Counter[str] = field(default_factory=Counter)

    def change_world(self) -> None:
        """Some rows change, some leave, some come, one is withheld."""
        number = self.chance.randint(0, 10**9)
        fresh = self.chance.randint(1, 40)
        self.project.sql(
            f"update analytics.sync_people set score = score + {number}, "
            f"row_hash = md5(row_hash || '{number}') where hash(profile_id || '{number}') % 10 = 0",
            f"delete from analytics.sync_people where hash(profile_id || '{number}') % 25 = 1",
            f"insert into analytics.sync_people select 'n{number}_' || i, "
            f"'n{number}_' || i || '@example.com', i, null, md5('{number}' || i) "
            f"from range({fresh}) as t(i)",
            "update analytics.sync_people set withheld_reason = case when "
            f"hash(profile_id || '{number}') % 40 = 3 then 'no_consent' end",
            "create or replace table analytics.sync_hashed as "
            + HASHED.format(people="analytics.sync_people"),
            "create or replace table analytics.sync_few as select * from analytics.sync_people "
            "where hash(profile_id) % 20 = 0",
            "insert into analytics.event_keys select profile_id from analytics.sync_people "
            "where withheld_reason is null",
            "insert into analytics.few_keys select profile_id from analytics.sync_few "
            "where withheld_reason is null",
            "select 1",
        )

    def draw_faults(self) -> None:
        """One kind often, or all of them sometimes."""
        from sync.sandbox.faults import KINDS

        if self.chance.random() < 0.5:
            # A limit in the vendor's own words is waited for as long as the declaration says.
            kind = self.chance.choice(sorted({*KINDS} - {"limit_by_code"}))
            self.faults.shares = {kind: self.chance.choice([0.2, 0.5])}
            self.counts[kind] += 1
        else:
            self.faults.shares = dict.fromkeys(KINDS, 0.05)
            self.counts["all kinds"] += 1

    def push_and_stop(self) -> None:
        """One push, ended by kill -9, by SIGTERM, by itself, or overtaken while it is stopped."""
        push = self.project.start("push", *ALLOWED)
        end = self.chance.choices(
            ["kill -9", "SIGTERM", "sleeper", "none"], [8, 1, self.sleepers, 1]
        )[0]
        holder, copied = None, False
        if end != "sleeper" and self.chance.random() < 0.2:
            holder = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    HOLD,
                    str(self.project.database),
                    str(self.chance.uniform(0.2, 1.0)),
                ]
            )
            self.counts["warehouse held"] += 1
        if end != "none":
            self._wait_for_an_instant(push)
            if push.poll() is not None:
                end = "none"
            elif end == "sleeper":
                self._overtake(push)
            else:
                copied = end == "kill -9" and self._copy_folder()
                push.send_signal(signal.SIGKILL if end == "kill -9" else signal.SIGTERM)
                self.counts[end] += 1
        with contextlib.suppress(subprocess.TimeoutExpired):
            push.communicate(timeout=120)
        if holder is not None:
            holder.wait()
        if copied:
            self._find_copy()
        elif end == "kill -9":
            self._move_folder()

    def _overtake(self, push: subprocess.Popen[str]) -> None:
        """Stop a push where it does not hold the file, let another take over as if its leases had expired, and wake it."""
        for _ in range(50):
            push.send_signal(signal.SIGSTOP)
            if self._expire_leases():
                break
            push.send_signal(signal.SIGCONT)
            time.sleep(0.02)
        else:
            return
        self.project.run("push", *ALLOWED)
        push.send_signal(signal.SIGCONT)
        self.counts["sleeper"] += 1

    def _expire_leases(self) -> bool:
        """Whether the file was free."""
        import duckdb

        try:
            with duckdb.connect(str(self.project.database)) as connection:
                connection.execute(
                    "update analytics_sync.leases set expires_at = expires_at - interval 1 hour"
                )
        except duckdb.Error:
            return False
        return True

    def _copy_folder(self) -> bool:
        """Sometimes the process's folder is copied while it runs on for a moment."""
        folder, copy = self._journal, self.project.directory / "copy"
        if not folder.exists() or self.chance.random() >= self.copies:
            return False
        shutil.rmtree(copy, ignore_errors=True)
        with contextlib.suppress(shutil.Error, FileNotFoundError):  # files come and go
            shutil.copytree(folder, copy)
        time.sleep(self.chance.uniform(0, 0.5))
        return copy.exists()

    def _find_copy(self) -> None:
        """The folder is gone, and its copy is in its place."""
        shutil.rmtree(self._journal, ignore_errors=True)
        (self.project.directory / "copy").rename(self._journal)
        self.counts["copied journal"] += 1

    @property
    def _journal(self) -> Path:
        return self.project.directory / ".headwater" / "journal"

    def _move_folder(self) -> None:
        """What becomes of a killed process's folder: it stays, goes, or comes back on a later day."""
        folder = self._journal
        stale = self.project.directory / "stale"
        if folder.exists() and self.chance.random() < self.containers:
            if not stale.exists():
                shutil.copytree(folder, stale)
            shutil.rmtree(folder)
            self.counts["folder thrown away"] += 1
        elif stale.exists() and self.chance.random() < 0.3:
            shutil.copytree(stale, folder, dirs_exist_ok=True)
            shutil.rmtree(stale)
            self.counts["stale journal"] += 1

    def _wait_for_an_instant(self, push: subprocess.Popen[str]) -> None:
        """So many requests from now, and a little; or just a while."""
        began = time.monotonic()
        if self.chance.random() < 0.7:
            wanted = self._requests() + self.chance.randint(1, 25)
            while (
                self._requests() < wanted and push.poll() is None and time.monotonic() < began + 8
            ):
                time.sleep(0.005)
            time.sleep(self.chance.uniform(0, 0.05))
        else:
            time.sleep(self.chance.uniform(0.5, 3.0))

    def _requests(self) -> int:
        return int(self.store.rows("select coalesce(sum(times), 0) from requests")[0][0])

    def heal(self) -> int:
        """No more faults: push until all is well; returns how many pushes that took."""
        self.faults.shares = {}
        for number in range(1, 5):
            done = self.project.run("push", *ALLOWED)
            if done.code == 0:
                return number
            print(f"  after healing: {done.answer}", file=sys.stderr)
        raise RuntimeError("a healed world is still refused")

    def compare(self) -> dict[str, int]:
        """Rows lost, rows left over, events lost and doubled, and ledger rows that are wrong."""
        rows = self.project.sql(
            "select profile_id, score from analytics.sync_people where withheld_reason is null"
        )
        people = {row[0]: row[1] for row in rows}
        found: Counter[str] = Counter()
        hook = self.store.members("webhook", self._object("webhook", "sync", "people"))
        self._note(
            found, "webhook", people, {key: row["fields"]["score"] for key, row in hook.items()}
        )
        added = self.store.members("webhook", self._object("webhook", "sync", "added"))
        remembered = dict.fromkeys(self._ledger("webhook_added"))  # who left stays, and is known
        self._note(
            found,
            "webhook, added",
            dict.fromkeys(people),
            dict.fromkeys(people.keys() & added.keys()),
        )
        found["added and not known"] = len(added.keys() - remembered.keys())
        klaviyo = self.store.members("klaviyo", self._object("klaviyo", "list"))
        wanted = {"01" + hashlib.sha256(key.encode()).hexdigest()[:24].upper() for key in people}
        self._note(found, "klaviyo", dict.fromkeys(wanted), dict.fromkeys(klaviyo))
        hashes = self.project.sql(
            "select distinct email_sha256 from analytics.sync_hashed where withheld_reason is null"
        )
        for vendor in ("meta", "google_data_manager"):
            members = self.store.members(vendor, self._object(vendor, "audience"))
            self._note(
                found, vendor, dict.fromkeys(row[0] for row in hashes), dict.fromkeys(members)
            )
        for sync in ("klaviyo_list", "webhook_people", "meta_audience", "google_audience"):
            ledger = self._ledger(sync)
            found["ledger wrong"] += len(ledger ^ people.keys())
        self._compare_events(found)
        return dict(found)

    def _note(
        self, found: Counter[str], where: str, wanted: dict[str, Any], held: dict[str, Any]
    ) -> None:
        absent = object()
        lost = [key for key, value in wanted.items() if held.get(key, absent) != value]
        left = held.keys() - wanted.keys()
        found["lost"] += len(lost)
        found["left over"] += len(left)
        if lost or left:
            print(
                f"  {where}: lost {sorted(lost)[:5]}, left over {sorted(left)[:5]} "
                f"({len(lost)}, of them not there {len(set(lost) - held.keys())}, {len(left)})",
                file=sys.stderr,
            )

    def _compare_events(self, found: Counter[str]) -> None:
        """An event that the vendor kept twice is doubled; one it was sent again and knew is not."""
        due = {
            row[0]
            for row in self.project.sql("select distinct profile_id from analytics.event_keys")
        }
        few = {
            row[0] for row in self.project.sql("select distinct profile_id from analytics.few_keys")
        }
        events = self.store.events("klaviyo", self._object("klaviyo", "metric"))
        kept = Counter(event["data"]["profile"] for event in events)
        # Only rows that were in the table when a push planned are due; the ledger knows which.
        sent = self._ledger("klaviyo_events")
        now = {
            row[0]
            for row in self.project.sql(
                "select profile_id from analytics.sync_people where withheld_reason is null"
            )
        }
        found["events lost"] += len(now - sent) + max(0, len(sent) - len(kept))
        found["events doubled"] += sum(count - 1 for count in kept.values())
        found["events never due"] += len(sent - due)
        found["repeats the vendor knew"] += sum(event["times"] - 1 for event in events)
        messages = self.store.events("onesignal")
        names = Counter(event["data"]["data"]["key"] for event in messages)
        sent = self._ledger("onesignal_messages")
        found["events lost"] += len(sent - names.keys())
        found["events doubled"] += sum(count - 1 for count in names.values())
        found["events never due"] += len(names.keys() - few)
        found["repeats the vendor knew"] += sum(event["times"] - 1 for event in messages)

    def _ledger(self, sync: str) -> set[str]:
        rows = self.project.sql(
            f"select sync_key from analytics_sync.ledger where sync_name = '{sync}'"
        )
        return {row[0] for row in rows}

    def _object(self, vendor: str, kind: str, name: str | None = None) -> str:
        found = self.store.objects(vendor, kind)
        return next((key for _, key, called in found if name in (None, called)), "")


def make_suite(folder: Path, url: str, faults: Any, store: Any, *, rows: int, seed: int) -> Suite:
    """A built project whose syncs go to the stand-ins at `url`."""
    common = {
        "key": ["profile_id"],
        "identifiers": ["email"],
        "quarantine_after": 100_000,
        "guards": {"max_removals_percent": None, "min_rows": 0},
    }
    project = SyncProject(
        folder / "project",
        models={
            "people": PEOPLE.format(rows=rows),
            "sync_people": COPY,
            "sync_hashed": HASHED.format(people="{{ ref('people') }}"),
            "sync_few": COPY + " where hash(profile_id) % 20 = 0",
        },
        syncs={name: (model, common | sync) for name, (model, sync) in SYNCS.items()},
        environment={"HEADWATER_ENVIRONMENT": "sandbox", "HEADWATER_SANDBOX_URL": url},
    )
    project.build()
    project.sql(
        "create table analytics.event_keys (profile_id varchar)",
        "create table analytics.few_keys (profile_id varchar)",
        "insert into analytics.event_keys select profile_id from analytics.sync_people",
        "insert into analytics.few_keys select profile_id from analytics.sync_few",
    )
    return Suite(project, faults, store, random.Random(seed))


def run(options: Namespace) -> list[Figure]:
    from sync.sandbox import start_sandbox
    from sync.sandbox.faults import Faults
    from sync.sandbox.store import Store

    with tempfile.TemporaryDirectory(prefix="headwater-faults-") as name:
        folder = Path(name)
        faults = Faults({}, seed=options.seed)
        with start_sandbox(folder / "sandbox.sqlite", faults) as url:
            store = Store(folder / "sandbox.sqlite")
            suite = make_suite(folder, url, faults, store, rows=options.rows, seed=options.seed)
            suite.containers = options.containers
            rounds = 0
            while suite.counts["kill -9"] < options.kills and rounds < 4 * options.kills:
                suite.change_world()
                suite.draw_faults()
                suite.push_and_stop()
                rounds += 1
                print(f"round {rounds}: {dict(suite.counts)}", file=sys.stderr, flush=True)
            pushes = suite.heal()
            found = suite.compare()
            answers = store.rows("select outcome, sum(times) from requests group by 1 order by 1")
            print(f"answers of the stand-ins: {dict(answers)}", file=sys.stderr)
            store.close()
    injected = {outcome: times for outcome, times in answers if not outcome.startswith("2")}
    return [
        Figure("kill -9", suite.counts["kill -9"], "kills", goal=at_least(options.kills)),
        Figure("rounds", rounds, "pushes"),
        Figure("rounds with the warehouse held", suite.counts["warehouse held"], "pushes"),
        *(
            Figure(f"rounds of {kind}", count, "pushes")
            for kind, count in sorted(suite.counts.items())
            if kind not in ("kill -9", "warehouse held", *ENDS)
        ),
        *(Figure(what, suite.counts[kind], "times") for kind, what in ENDS.items()),
        Figure("faulty answers", sum(injected.values()), "answers"),
        *(Figure(f"answers: {kind}", times, "answers") for kind, times in injected.items()),
        Figure("pushes until healed", pushes, "pushes"),
        Figure("rows lost", found["lost"], "rows", goal=at_most(0)),
        Figure("rows left over", found["left over"], "rows", goal=at_most(0)),
        Figure(
            "rows added that no ledger knows", found["added and not known"], "rows", goal=at_most(0)
        ),
        Figure("ledger rows wrong", found["ledger wrong"], "rows", goal=at_most(0)),
        Figure("events lost", found["events lost"], "events", goal=at_most(0)),
        Figure("events doubled", found["events doubled"], "events", goal=at_most(0)),
        Figure("events never due", found["events never due"], "events", goal=at_most(0)),
        Figure("repeats the vendor knew", found["repeats the vendor knew"], "events"),
    ]


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument(
        "--containers",
        type=float,
        default=0.3,
        help="share of kills that take the project's folder along (1: containers without a volume)",
    )


BENCHMARK = Benchmark(
    "faults", "Pushes through faults and kill -9: rows lost, events doubled.", run, add_arguments
)
