"""Erasing people: found wherever they were sent, asked until answered, and never at the cost of somebody else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

import duckdb
import pytest
from workbench import QUICK, TABLES, MemoryConnector, MemoryDestination, Workbench

from sync.config.models import Guards
from sync.destinations.base import Erasure
from sync.engine.erase import Eraser, TaskMaker, forgets
from sync.errors import TransientError
from sync.records import BatchResult, JobStatus, Mode, RowError, SyncObject
from sync.state.erasures import ANSWERED, CANNOT, PENDING
from sync.state.people import MODELS, People

OPEN = Guards(min_rows=0, max_removals_percent=None, max_additions_percent=None)
NAMES = "ledger", "acknowledgements", "intents", "failures"
RESULTS = "analytics_sync.campaign_events"


class Erasing(MemoryDestination):
    """Erases by key, or by address where the row has one; `refuses` are keys that it does not take."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses: set[str] = set()
        self.down = False
        self.job: str | None = None
        self.erased: list[dict[str, object]] = []

    def erase(self, records):
        if self.down:
            raise TransientError("memory: it does not answer.")
        told = [one for one in records if one.key not in self.refuses]
        for one in told:
            self.erased.append({"key": one.key, **one.identifiers})
            self.members.pop(one.key, None)
        failed = [
            RowError(key, "no", "no") for key in sorted(self.refuses & {r.key for r in records})
        ]
        if self.job:
            return BatchResult(pending=[one.key for one in told], job=self.job)
        return BatchResult(
            MemoryDestination._call(self, "erase", told, lambda _: None).accepted, failed
        )


class World(Workbench):
    """A workbench with people whom identity knows: profile -> {type: values}, and a destination that erases."""

    def __init__(self, folder, hold, **definition):
        super().__init__(folder, hold, **{"guards": OPEN, **definition})
        self.destination = Erasing()
        self.declaration = replace(self.declaration, erasure=Erasure("the row is deleted"))
        self.known({})

    def known(self, people, linked: Iterable[str] | None = None):
        """Who is known by what; `linked` are those values that link somebody, all unless told."""
        held = [(kind, value, one) for one, told in people.items() for kind, values in told.items()
                for value in values]  # fmt: skip
        with duckdb.connect(str(self.path)) as connection:
            for name in MODELS:
                connection.execute(f"drop table if exists {name}")
            connection.execute(
                "create table int_profiles__identifier_holders "
                "(identifier_type varchar, identifier_value varchar, profile_id varchar)"
            )
            for row in [*held, *(("profile_id", one, one) for one in people)]:
                connection.execute(
                    "insert into int_profiles__identifier_holders values (?, ?, ?)", row
                )
            connection.execute(
                "create table profile_identifiers as select profile_id, identifier_type, identifier_value "
                "from int_profiles__identifier_holders where identifier_type <> 'profile_id'"
            )
            if linked is not None:
                listed = ", ".join(f"'{one}'" for one in linked) or "''"
                connection.execute(
                    f"delete from profile_identifiers where identifier_value not in ({listed})"
                )
            connection.execute(
                "create table profile_records as select distinct 'shop:' || profile_id as record_key, "
                "profile_id from int_profiles__identifier_holders"
            )
            connection.execute(
                "create table identity_aliases as select 'person' as entity, profile_id as old_id, "
                "profile_id as live_id from profile_records"
            )

    def forget(self, told, request_id="q"):
        planning = self.planning()
        planning.places.load(self.warehouse)
        maker = TaskMaker(planning, MemoryConnector(self.destination, self.declaration))
        there = self.rows(
            "select 1 from information_schema.tables where table_name = 'identity_values'"
        )
        people = People(
            self.warehouse,
            {
                **{name: name for name in MODELS},
                "identity_values": "identity_values" if there else None,
            },
        )
        with self.warehouse.session(write=True) as session:
            ids = people.find(session, told)
            person = people.known(session, ids, told) if ids else people.unknown(session, told)
            forgets(
                planning,
                session,
                maker,
                person,
                request_id=request_id,
                touchpoints=None,
                results=RESULTS,
            )
        return ids

    def erase(self):
        connector = MemoryConnector(self.destination, self.declaration)
        return Eraser(
            self.planning(), connector, policy=QUICK, stop=self.stop, results=RESULTS
        ).run()

    def tasks(self):
        query = "select sync_key, status, identifiers, detail from analytics_sync.erasure_tasks order by 1, 2"
        return self.rows(query)

    def named(self, *words):
        """Tables of sync that hold one of the words."""
        found = set()
        for name in (*TABLES.__slots__, "campaign_events"):
            texts = self.rows(f"select cast(t as varchar) from analytics_sync.{name} as t")
            if any(word in str(text) for (text,) in texts for word in words):
                found.add(name)
        return found


@pytest.fixture
def world(tmp_path, holds):
    return lambda **definition: World(tmp_path, holds, **definition)


def test_who_is_forgotten_is_erased_where_they_were_sent_and_named_nowhere(world):
    bench = world()
    bench.people("a", "b")
    bench.known({"a": {"email": ["a@example.com"]}, "b": {"email": ["b@example.com"]}})
    bench.push()
    assert bench.forget("A@Example.com ") == ["a"]
    assert "erasure_tasks" in bench.named("a@example.com")
    assert bench.erase().figures == {"answered": 1, "asked": 0, "pending": 0, "cannot": 0}
    assert set(bench.destination.members) == {"b"} == bench.held()
    assert bench.named("a@example.com", "sync_key': a,") == set()
    assert bench.tasks() == [(None, ANSWERED, None, "the row is deleted")]
    assert bench.erase().figures["answered"] == 0  # nothing is asked twice
    assert len(bench.destination.erased) == 1


def test_the_table_that_still_has_them_sends_them_no_more(world):
    for mode in (Mode.MIRROR, Mode.UPSERT, Mode.ADD):
        bench = world(mode=mode)
        bench.path.unlink(missing_ok=True)
        bench = world(mode=mode)
        bench.people("a", "b")
        bench.known({"a": {"email": ["a@example.com"]}, "b": {}})
        bench.push()
        bench.forget("a")
        bench.erase()
        bench.people("a", "b", score=2)
        result = bench.push()
        assert (result.status, result.counts.withheld) == ("success", {"erased": 1})
        assert set(bench.destination.members) == {"b"}


def test_a_table_without_ids_of_people_is_asked_by_address_and_by_hash(world):
    bench = world(key=("row_id",), identifiers=("email_sha256",))
    bench.declare(identifiers=frozenset({"email_sha256"}))
    bench.known({"a": {"email": ["a@example.com"]}})
    bench.forget("a")
    bench.table(
        "select 'r' || n as row_id, sha256(n || '@example.com') as email_sha256, 'x' as row_hash "
        "from (values ('a'), ('b')) as t(n)"
    )
    assert bench.push().counts.withheld == {"erased": 1}
    assert set(bench.destination.members) == {"rb"}


def test_somebody_that_the_sync_let_go_of_is_erased_too_and_of_a_sync_that_is_no_more(world):
    bench = world()
    bench.people("a", "b")
    bench.known({"a": {"email": ["a@example.com"]}})
    bench.push()
    bench.people("b")
    bench.push()
    assert bench.held() == {"b"}
    bench.family = []  # nothing defines the sync any more
    bench.forget("a")
    assert bench.erase().answered == 1
    assert bench.destination.erased == [{"key": "a", "email": "a@example.com"}]


def test_a_row_of_an_earlier_address_is_found_by_its_key(world):
    bench = world()
    bench.people("a", email="old@example.com")
    bench.push()
    bench.people("a", email="new@example.com")
    bench.push()
    bench.known({"a": {"email": ["new@example.com"]}})
    bench.forget("new@example.com")
    bench.erase()
    assert {one["email"] for one in bench.destination.erased} == {
        "old@example.com",
        "new@example.com",
    }
    assert bench.named("old@example.com", "new@example.com") == set()


def test_an_address_that_was_passed_on_erases_nobody_who_has_it_now(world):
    bench = world()
    bench.declare(found_by=("email",))
    bench.people("a", email="old@example.com")
    bench.push()
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute("update sync_memory set email = 'new@example.com', row_hash = 'n'")
        connection.execute(
            "insert into sync_memory select 'b', 'old@example.com', score, null, 'b' from sync_memory"
        )
    bench.push()
    bench.known({"a": {"email": ["new@example.com"]}, "b": {"email": ["old@example.com"]}})
    bench.forget("new@example.com")
    bench.erase()
    assert {one.get("email") for one in bench.destination.erased} == {"new@example.com"}
    assert bench.named("old@example.com") != set()


def test_an_address_that_others_have_is_no_reason_to_erase_anything_at_a_vendor(world):
    bench = world()
    bench.declare(found_by=("email",))
    bench.people("a", "b", email="both@example.com")
    bench.known({"a": {"email": ["both@example.com"]}, "b": {"email": ["both@example.com"]}})
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute("update sync_memory set email = null where profile_id = 'b'")
    bench.push()
    bench.forget("a")
    assert bench.erase().figures == {"answered": 0, "asked": 0, "pending": 0, "cannot": 1}
    assert bench.destination.erased == []
    assert "somebody else" in bench.tasks()[0][3]


def test_a_number_that_is_a_customer_is_not_anothers_key(world):
    bench = world(key=("order_id",), identifiers=("customer_id",))
    bench.declare(identifiers=frozenset({"customer_id"}))
    bench.table(
        "select '77' as order_id, '12' as customer_id, 'x' as row_hash "
        "union all select '78', '77', 'y'"
    )
    bench.push()
    bench.known({"a": {"customer_id": ["77"]}})
    bench.forget("a")
    bench.erase()
    assert [one["key"] for one in bench.destination.erased] == ["78"]
    assert bench.held() == {"77"}


def test_what_is_refused_or_not_answered_stays_open_and_is_asked_again(world):
    bench = world()
    bench.people("a", "b")
    bench.known({"a": {"email": ["a@example.com"]}, "b": {"email": ["b@example.com"]}})
    bench.push()
    bench.forget("a", "qa")
    bench.forget("b", "qb")
    bench.destination.down = True
    result = bench.erase()
    assert (result.pending, list(result.why.values())) == (2, ["memory: it does not answer."])
    bench.destination.down, bench.destination.refuses = False, {"a"}
    assert bench.erase().figures == {"answered": 1, "asked": 0, "pending": 1, "cannot": 0}
    assert [(key, status) for key, status, *_ in bench.tasks()] == [
        ("a", PENDING),
        (None, ANSWERED),
    ]
    bench.destination.refuses = set()
    assert bench.erase().answered == 1


def test_a_job_is_asked_until_it_says_that_it_is_done(world):
    bench = world()
    bench.people("a")
    bench.known({"a": {}})
    bench.push()
    bench.forget("a")
    bench.destination.job = "j"
    bench.destination.jobs = {
        "j": [JobStatus(done=False), JobStatus(done=False), JobStatus(done=True)]
    }
    assert bench.erase().figures["asked"] == 1
    assert bench.erase().figures["asked"] == 1
    assert bench.held() == {"a"}  # until it is proven
    assert bench.erase().figures["answered"] == 1
    assert len(bench.destination.erased) == 1


def test_a_destination_that_says_nothing_of_erasure_cannot(world):
    bench = world()
    bench.people("a")
    bench.known({"a": {}})
    bench.push()
    bench.declaration = MemoryDestination.declaration
    bench.forget("a")
    assert bench.erase().figures["cannot"] == 1
    assert bench.tasks()[0][1] == CANNOT


def test_who_comes_back_by_a_push_that_was_under_way_is_erased_again(world):
    bench = world()
    bench.people("a", "b")
    bench.known({"a": {"email": ["a@example.com"]}})
    bench.forget("a")
    assert bench.erase().figures["answered"] == 0
    with duckdb.connect(str(bench.path)) as connection:  # as a journal that is settled late does
        connection.execute(
            "insert into analytics_sync.acknowledgements (environment, sync_name, sync_key, action, "
            "definition_hash, identifiers, run_id, acknowledged_at) values ('live', 'memory_people', "
            "'x', 'add', 'p.h', '{\"email\": \"a@example.com\"}', 'r', current_timestamp::timestamp)"
        )
    assert bench.erase().answered == 1
    assert bench.named("a@example.com") == set()


def test_results_of_theirs_go_and_stay_away(world):
    bench = world()
    bench.known({"a": {"email": ["a@example.com"]}})

    def pulled():
        with duckdb.connect(str(bench.path)) as connection:
            for kind, to in (
                ("email", "A@example.com"),
                ("profile_id", "a"),
                ("email", "b@x.example"),
            ):
                connection.execute(
                    "insert into analytics_sync.campaign_events (environment, recipient_type, recipient, pulled_at) "
                    "values ('live', ?, ?, current_timestamp::timestamp)", [kind, to],
                )  # fmt: skip

    pulled()
    bench.forget("a")
    query = "select distinct recipient from analytics_sync.campaign_events"
    assert bench.rows(query) == [("b@x.example",)]
    pulled()
    bench.erase()
    assert bench.rows(query) == [("b@x.example",)]


def test_answers_on_their_records_go_with_their_reasons_and_others_stay(world):
    bench = world()
    bench.known({"a": {"email": ["a@example.com"]}, "b": {}, "c": {}})
    answers = "select left_key, right_key from analytics_sync.identity_answers order by 1, 2"

    def answer(left, right):
        with duckdb.connect(str(bench.path)) as connection:
            connection.execute(
                "insert into analytics_sync.identity_answers values "
                "('person', 'link', ?, ?, 'ada', 'Anna told so', current_timestamp::timestamp)",
                [left, right],
            )

    for pair in (("shop:a", "shop:b"), ("shop:c", "shop:a"), ("shop:b", "shop:c")):
        answer(*pair)
    bench.options = replace(bench.options, environment="sandbox")
    bench.forget("b", "tried")
    assert len(bench.rows(answers)) == 3, "what is tried out erases nobody"
    bench.options = replace(bench.options, environment="live")
    bench.forget("a", "q")
    assert bench.rows(answers) == [("shop:b", "shop:c")]
    answer("shop:a", "shop:c")  # by somebody whose list was older
    planning = bench.planning()
    with bench.warehouse.session() as session:
        assert planning.erasures.answers(session) == {"q": 1}
    bench.erase()
    assert bench.rows(answers) == [("shop:b", "shop:c")]


def test_a_record_that_left_its_source_before_is_kept_out_when_it_comes_back(world):
    bench = world()
    bench.known({"a": {"email": ["a@example.com"]}})
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute(
            "create table identity_assignments as select * from (values "
            "('person', 'shop:a', 'a', true), ('person', 'crm:7', 'a', false), ('person', 'crm:8', 'b', false)"
            ") as told(entity, record_key, entity_id, is_present)"
        )
    people = People(
        bench.warehouse,
        {**{name: name for name in MODELS}, "identity_assignments": "identity_assignments"},
    )
    with bench.warehouse.session() as session:
        person = people.known(session, ["a"], "a@example.com")
    assert [one.value for one in person.values if one.type == "record"] == ["crm:7", "shop:a"]


def test_hashes_have_one_salt_and_say_nothing_without_it(world):
    bench = world()
    bench.known({"a": {"email": ["a@example.com"]}, "b": {"email": ["b@example.com"]}})
    bench.forget("a", "qa")
    bench.forget("b", "qb")
    salts = bench.rows("select distinct salt from analytics_sync.erasure_requests")
    assert len(salts) == 1
    assert len(salts[0][0]) == 32
    clear = bench.rows(
        "select count(*) from analytics_sync.erasure_requests "
        "where identifier_value_sha256 in (sha256('a@example.com'), sha256('a'))"
    )
    assert clear == [(0,)]


def test_a_value_that_identity_let_go_of_is_kept_out_only_where_it_was_asked_for(world):
    bench = world()
    bench.known({"a": {"phone": ["+49", "+48"]}, "b": {"phone": ["+48"]}}, linked=())
    bench.forget("a", "qa")
    kinds = "select identifier_type, scope from analytics_sync.erasure_requests where request_id = '{}' order by 1, 2"
    assert bench.rows(kinds.format("qa")) == [
        ("phone", "shared"),
        ("profile_id", "erase"),
        ("record", "erase"),
    ]
    bench.known({"a": {"phone": ["+49", "+48"]}}, linked=())
    bench.forget("+49", "qb")
    assert ("phone", "erase") in bench.rows(kinds.format("qb"))


def test_an_older_warehouse_plans_as_before(bench):
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute("alter table analytics_sync.erasure_requests drop column salt")
    bench.people("a")
    assert bench.push().added == 1


def test_events_of_one_person_are_one_question_where_the_whole_account_is_asked(world):
    bench = world(mode=Mode.EVENT, key=("touchpoint_id",), object=SyncObject("list", "Messages"))
    bench.declare(modes=frozenset({Mode.EVENT}))
    bench.declaration = replace(bench.declaration, erasure=Erasure("deleted", whole_account=True))
    bench.table(
        "select 't' || n as touchpoint_id, 'a' as profile_id, 'a@example.com' as email, 'x' || n as row_hash "
        "from range(5) as t(n)"
    )
    bench.push()
    bench.known({"a": {"email": ["a@example.com"]}})
    bench.forget("a")
    assert bench.erase().answered == 5
    assert len(bench.destination.erased) == 1
    assert json.dumps(bench.destination.erased[0]["email"]) == '"a@example.com"'


def test_a_placeholder_is_never_hashed_and_no_reason_to_erase_anything(world):
    bench = world()
    bench.people("a", email="none@none.com")
    bench.push()
    bench.known({"a": {"email": ["none@none.com"]}})
    with duckdb.connect(str(bench.path)) as connection:
        connection.execute(
            "create table identity_values as select 'person' as entity, 'email' as identifier_type, "
            "'none@none.com' as identifier_value, 'blocked_value' as dropped_reason"
        )
    bench.forget("none@none.com")
    kinds = bench.rows(
        "select distinct identifier_type from analytics_sync.erasure_requests order by 1"
    )
    assert kinds == [("profile_id",), ("record",)]
    bench.erase()
    assert bench.destination.erased == [{"key": "a"}]


def test_a_request_that_is_taken_back_keeps_nobody_out(world):
    bench = world()
    bench.known({"a": {"email": ["a@example.com"]}})
    bench.forget("a")
    with bench.warehouse.session(write=True) as session:
        erasures = bench.planning().erasures
        assert erasures.lift(session, "q")
        assert not erasures.lift(session, "q")
    bench.people("a")
    assert bench.push().added == 1


def test_a_live_request_holds_in_the_sandbox_and_a_tried_one_erases_nobody_live(world):
    bench = world()
    bench.known({"a": {}, "b": {}})
    bench.forget("a", "qa")
    bench.options = replace(bench.options, environment="sandbox")
    bench.forget("b", "qb")
    bench.people("a", "b", "c")
    assert bench.push().counts.withheld == {"erased": 2}
    bench.options = replace(bench.options, environment="live")
    assert bench.push().counts.withheld == {"erased": 1}
