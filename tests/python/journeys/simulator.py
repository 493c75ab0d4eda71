"""Journeys in plain Python: random definitions, a company that lives for some weeks, and what each build must write, person by person.

Nothing here is of the macros: a definition is walked as docs/add-a-journey.md tells it, one traveller after the other.
"""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
Passed = dict[str, tuple[str, dt.datetime]]  # step: outcome, when
FIRST = dt.datetime(2026, 3, 1, 12)
PEOPLE = [f"p{number:02}" for number in range(24)]
FIRMS = [f"f{number:02}" for number in range(9)]
COUNTRIES = ["DE", "FR", None]
DAY = dt.timedelta(days=1)


def days_of(text: str) -> dt.timedelta:
    number, unit = text.split()
    return dt.timedelta(**{unit if unit.endswith("s") else f"{unit}s": int(number)})


# -- definitions ----------------------------------------------------------------------------------------------------------------


class Drawn:
    """Draws the steps of one journey, each under a name of its own."""

    def __init__(
        self, chance: random.Random, *, has_cart: bool, of_companies: bool = False
    ) -> None:
        self.chance, self.has_cart, self.count = chance, has_cart, 0
        self.of_companies = of_companies

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}_{self.count}"

    def condition(self, *, deep: bool = True) -> Row:
        chance = self.chance
        told: list[Row] = [
            {"did": "order_placed"}, {"did": "order_placed", "at_least": 2}, {"did": "order_placed", "since": "ever", "within": "10 days"},
            {"did": "order_placed", "where": {"revenue_eur": {">=": 50}}}, {"trait": "country", "equals": "DE"},
            {"did": "order_placed", "exactly": 0}, {"did": "cart_filled", "at_least": 2},
        ]  # fmt: skip
        if self.has_cart:
            told.append({"entry": {"value_eur": {">=": 50}}})
        one = chance.choice(told)
        if deep and chance.random() < 0.25:
            other = self.condition(deep=False)
            if one.get("did") == other.get("did"):  # what contradicts each other is refused
                other = {"trait": "country", "equals": "FR"}
            if one == other or "trait" in one:
                return one
            return chance.choice([{"all": [one, other]}, {"any": [one, other]}, {"not": one}])
        return one

    def wait(self) -> Row:
        length = self.chance.choice(["1 day", "2 days", "3 days", "36 hours", "5 hours", "1 week"])
        return self.chance.choice([
            {"for": length}, {"for": length}, {"until": self.condition(), "timeout": length},
            {"until": {"did": "order_placed"}, "timeout": length}, {"time": self.chance.choice(["09:00", "12:00", "18:30"])},
            {"weekday": ["tuesday", "saturday"], "time": "10:00"},
        ])  # fmt: skip

    def steps(self, depth: int, least: int = 1) -> list[Row]:
        found: list[Row] = []
        for _ in range(self.chance.randint(least, 3)):
            kind = self.chance.choice(
                ["touchpoint"] * 4 + ["wait"] * 4 + (["branch", "branch", "split", "goal", "repeat"] if depth else [])
            )  # fmt: skip
            found.append(self.step(kind, depth))
            if self.chance.random() < 0.06 and depth < 2:
                return [*found, {"exit": {}}]
        return found

    def step(self, kind: str, depth: int) -> Row:
        name = self.name(kind)
        if kind == "touchpoint":
            return {
                "name": name,
                kind: {
                    "destination": "hook",
                    "channel": "email",
                    "template": name,
                    **self.contacts(),
                },
            }
        if kind == "wait":
            return {"name": name, kind: self.wait()}
        if kind == "goal":
            return {
                "name": name,
                kind: {"did": "order_placed", "where": {"revenue_eur": {">=": 50}}},
            }
        if kind == "branch":
            other = [] if self.chance.random() < 0.4 else self.steps(depth - 1)
            return {"name": name, kind: {"if": self.condition(), "then": self.steps(depth - 1), "else": other}}  # fmt: skip
        if kind == "split":
            return {"name": name, kind: {"a": {"percent": 40, "steps": self.steps(depth - 1)}, "b": {"percent": 60}}}  # fmt: skip
        return {"name": name, kind: {"at_most": self.chance.choice([2, 3]), "until": self.condition(),
            "steps": self.plain_steps()}}  # fmt: skip

    def contacts(self) -> Row:
        """Which of a company's contacts a message is for."""
        if not self.of_companies:
            return {}
        told = self.chance.choice([
            {}, {"where": {"role": "buyer"}}, {"top": 1, "by": "score"},
            {"top": 2, "by": "score", "from": "lowest", "where": {"role": ["buyer", "user"]}},
            {"who": {"trait": "country", "equals": "DE"}},
        ])  # fmt: skip
        return {"contacts": told} if told else {}

    def plain_steps(self) -> list[Row]:
        return [self.step(kind, 0) for kind in ("touchpoint", "wait")]


def journey_of(chance: random.Random, *, of_companies: bool = False) -> Row:
    audience, event = ("audience_firms", "contract_signed") if of_companies else ("audience_tried", "cart_filled")  # fmt: skip
    entry = chance.choice([
        {"audience": audience}, {"audience": audience}, {"audience": audience, "existing": "leave_out"},
        {"did": event}, {"did": event, "where": {"value_eur": {">=": 20}}, "within": "2 days"},
        {"did": event, "again": {"after": "5 days"}},
    ])  # fmt: skip
    drawn = Drawn(chance, has_cart="did" in entry, of_companies=of_companies)
    told: Row = {"entity": "account"} if of_companies else {}
    told["entry"] = dict(entry)
    if "audience" in entry and chance.random() < 0.3:
        told["re_entry"] = {"after": chance.choice(["2 days", "6 days"])}
    if chance.random() < 0.5:
        told["exit_when"] = chance.choice(
            [{"did": "order_placed"}, {"trait": "country", "equals": "FR"}]
        )
    told["steps"] = drawn.steps(2, least=2)
    while is_over(told["steps"]):  # so that everybody has a step to come to
        told["steps"] = drawn.steps(2, least=2)
    return told


def is_over(steps: list[Row]) -> bool:
    """Whether every way through these steps has an exit before the last of them."""
    for number, step in enumerate(steps):
        body = next(iter(step.values())) if "name" not in step else list(step.values())[1]
        ways = [body["then"], body["else"]] if "branch" in step else []
        ways += [body["a"]["steps"], body["b"].get("steps", [])] if "split" in step else []
        if any(is_over(way) for way in ways):
            return True
        ends = "exit" in step or (ways and all(way and "exit" in way[-1] for way in ways))
        if ends and number < len(steps) - 1:
            return True
    return False


def edited(chance: random.Random, told: Row) -> Row:
    """The definition after somebody worked on it: steps put in, taken out, changed or in another order."""
    made = copy.deepcopy(told)
    drawn = Drawn(
        chance, has_cart="did" in told["entry"], of_companies=told.get("entity") == "account"
    )
    drawn.count = 100 + chance.randrange(1000) * 10
    steps = made["steps"]
    for _ in range(chance.randint(1, 3)):
        what = chance.choice(["insert", "insert", "remove", "swap", "text", "exit_when"])
        if what == "insert":
            steps.insert(chance.randint(0, len(steps) - 1), drawn.step(chance.choice(["touchpoint", "wait"]), 0))  # fmt: skip
        elif what == "remove" and len(steps) > 2:
            steps.pop(chance.randrange(len(steps) - 1))
        elif what == "swap" and len(steps) > 2 and "exit" not in steps[-1]:
            one, other = chance.sample(range(len(steps)), 2)
            steps[one], steps[other] = steps[other], steps[one]
        elif what == "exit_when":
            made["exit_when"] = {"did": "order_placed", "at_least": 2}
        else:
            for step in steps:
                if "touchpoint" in step:
                    step["touchpoint"]["template"] += " anew"
    return told if is_over(steps) else made


# -- the company ----------------------------------------------------------------------------------------------------------------


@dataclass
class Company:
    """What the warehouse holds; every build sees it as it is by then."""

    people: dict[str, Row] = field(default_factory=dict)  # and firms
    contacts: set[tuple[str, str, str]] = field(default_factory=set)  # firm, person, role
    events: list[Row] = field(
        default_factory=list
    )  # table, event_id, profile_id, occurred_at, value
    live: dict[str, str] = field(default_factory=dict)

    def who(self, person: str) -> str:
        return self.live.get(person, person)

    def live_through(self, chance: random.Random, now: dt.datetime, before: dt.datetime) -> Iterator[str]:  # fmt: skip
        """What happens up to a build, as the statements that put it into the tables."""
        for person in [one for one in PEOPLE if one not in self.people and chance.random() < 0.15]:
            row = {"country": chance.choice(COUNTRIES), "member": chance.random() < 0.8, "holdout": chance.random() < 0.15}  # fmt: skip
            self.people[person] = row
            yield (
                "insert into raw.people (profile_id, email, country, is_member, is_holdout) values "
                f"('{person}', '{person}@b.example', {literal(row['country'])}, {row['member']}, {row['holdout']})"
            )
            yield f"insert into raw.aliases values ('{person}', '{person}')"
            self.live[person] = person
        known = self.known()
        for person in known:
            if chance.random() < 0.05:
                row = self.people[person]
                row["member"] = not row["member"]
                yield f"update raw.people set is_member = {row['member']} where profile_id = '{person}'"
            for table in ("orders", "carts"):
                if chance.random() < 0.12:
                    # Of the last day, or a late one, of days that earlier builds have seen.
                    back = chance.choice([0.1, 0.3, 0.7, 0.9, 1.6, 2.4])
                    yield self.happening(table, person, now - back * DAY, chance)
        if chance.random() < 0.2 and len(known) > 3:
            old, kept = chance.sample(known, 2)
            self.becoming(old, kept)
            yield f"update raw.aliases set live_id = '{kept}' where live_id = '{old}'"
            yield f"update raw.people set is_known = false where profile_id = '{old}'"
            yield f"update raw.orders set profile_id = '{kept}' where profile_id = '{old}'"
            yield f"update raw.carts set profile_id = '{kept}' where profile_id = '{old}'"
        yield from self.trade(chance, now)

    def happening(self, table: str, who: str, at: dt.datetime, chance: random.Random) -> str:
        """An event of somebody, as the statement that puts it into its table."""
        at = max(at, FIRST - DAY).replace(microsecond=0)
        at -= dt.timedelta(seconds=len(self.events))  # no two at once
        event = {"table": table, "event_id": f"{table}{len(self.events)}", "profile_id": who, "occurred_at": at,
            "value": chance.choice([5, 30, 80])}  # fmt: skip
        self.events.append(event)
        return f"insert into raw.{table} values ('{event['event_id']}', '{who}', '{at}', {event['value']})"

    def becoming(self, old: str, kept: str) -> None:
        """One person, or firm, is another from now on, and so are those who were that one."""
        for one, now_is in self.live.items():
            if now_is == old:
                self.live[one] = kept
        for event in self.events:
            if event["profile_id"] == old:
                event["profile_id"] = kept
        self.contacts = {(self.who(firm), self.who(one), role) for firm, one, role in self.contacts}

    def trade(self, chance: random.Random, now: dt.datetime) -> Iterator[str]:
        """The same of firms: they come, sign, merge, and their contacts come and go."""
        for firm in [one for one in FIRMS if one not in self.people and chance.random() < 0.3]:
            row = {"country": chance.choice(COUNTRIES), "member": chance.random() < 0.8, "holdout": chance.random() < 0.15}  # fmt: skip
            self.people[firm], self.live[firm] = row, firm
            yield f"insert into raw.firms values ('{firm}', {literal(row['country'])}, {row['member']}, {row['holdout']}, true)"
            yield f"insert into raw.aliases values ('{firm}', '{firm}')"
        firms, people = self.known("f"), self.known()
        for firm in firms:
            if chance.random() < 0.05:
                row = self.people[firm]
                row["member"] = not row["member"]
                yield f"update raw.firms set is_member = {row['member']} where account_id = '{firm}'"
            if people and chance.random() < 0.5:
                self.contacts.add(
                    (firm, chance.choice(people), chance.choice(["buyer", "user", "boss"]))
                )
            if chance.random() < 0.15:
                at = now - chance.choice([0.2, 0.8, 1.7]) * DAY
                yield self.happening("contracts", firm, at, chance)
        for one in sorted(self.contacts):
            if chance.random() < 0.06:
                self.contacts.discard(one)
        if chance.random() < 0.1 and len(firms) > 2:
            old, kept = chance.sample(firms, 2)
            self.becoming(old, kept)
            yield f"update raw.aliases set live_id = '{kept}' where live_id = '{old}'"
            yield f"update raw.firms set is_known = false where account_id = '{old}'"
            yield f"update raw.contracts set account_id = '{kept}' where account_id = '{old}'"
        yield "delete from raw.contacts"
        for one in sorted(self.contacts):
            yield f"insert into raw.contacts values {one}"

    def known(self, kind: str = "p") -> list[str]:
        return [one for one in self.people if self.live[one] == one and one.startswith(kind)]

    def of_firm(self, firm: str) -> set[str]:
        return {person for one, person, _ in self.contacts if one == firm}


def score_of(person: str) -> int:
    """Of a person who is known, by their number; some are alike."""
    return int(person[1:]) % 5


def literal(value: Any) -> str:
    return "null" if value is None else f"'{value}'"


# -- what must be written -------------------------------------------------------------------------------------------------------


@dataclass
class Traveller:
    person: str
    entry: str  # number of the entry, or the event that let in
    definition: Row
    holdout: bool
    passed: Passed
    latest: dt.datetime  # that something was written of them
    gone: bool = False
    written: set[tuple[str, str]] = field(default_factory=set)  # step and contact

    @property
    def since(self) -> dt.datetime:
        return self.passed["entry"][1]


@dataclass
class Simulated:
    """One journey through all builds; `rows` are what its log must hold: person, entry, step, outcome, when."""

    arm: Any  # the arm of a split by (step, person)
    travellers: dict[tuple[str, str], Traveller] = field(default_factory=dict)
    rows: list[tuple[str, str, str, str, dt.datetime]] = field(default_factory=list)
    built: bool = False

    def build(self, definition: Row, company: Company, now: dt.datetime) -> None:
        self._unite(company)
        new = self._enter(definition, company, now)
        for one in self.travellers.values():
            if one.gone:
                continue
            if company.who(one.person) != one.person:
                continue
            Moved(self, one, company, now, is_new=(one.person, one.entry) in new).go()
        self.built = True

    def _unite(self, company: Company) -> None:
        """People who became one are one traveller by each entry that both had."""
        united: dict[tuple[str, str], Traveller] = {}
        for one in self.travellers.values():
            key = (company.who(one.person), one.entry)
            if key not in united:
                one.person = key[0]
                united[key] = one
                continue
            other = united[key]
            for step, (outcome, at) in one.passed.items():
                known = other.passed.get(step, (outcome, at))
                other.passed[step] = (min(outcome, known[0]), min(at, known[1]))
            other.holdout |= one.holdout
            other.written |= one.written
            other.gone |= one.gone
            other.latest = max(other.latest, one.latest)
            # By whichever of two versions: either is one they entered by.
            other.definition = min(other.definition, one.definition, key=version_of)
        self.travellers = united

    def _enter(self, definition: Row, company: Company, now: dt.datetime) -> set[tuple[str, str]]:
        entry = definition["entry"]
        found = self._by_event(definition, company, now) if "did" in entry else self._members(definition, company, now)  # fmt: skip
        leaves_out = entry.get("existing") == "leave_out" and not self.built
        for person, number, at, holdout in found:
            one = Traveller(person, number, definition, holdout, {"entry": ("entered", at)}, at)
            self.travellers[person, number] = one
            if leaves_out:
                one.gone = True
                one.passed["exit"] = ("was_there", at)
                self.rows.append((person, number, "exit", "was_there", at))
            else:
                self.rows.append((person, number, "entry", "entered", at))
        return {(person, number) for person, number, _, _ in found}

    def _members(self, definition: Row, company: Company, now: dt.datetime) -> list[Any]:
        found = []
        again = definition.get("re_entry")
        for person in company.known("f" if definition.get("entity") == "account" else "p"):
            row = company.people[person]
            own = [one for one in self.travellers.values() if one.person == person]
            if not row["member"]:
                continue
            if own and not again:
                continue
            if own and again:
                was_there = any(one.passed.get("exit", ("",))[0] == "was_there" for one in own)
                last = max(one.latest for one in own)
                if (
                    was_there
                    or any(not one.gone for one in own)
                    or last > now - days_of(again["after"])
                ):
                    continue
            number = str(max((int(one.entry) for one in own), default=0) + 1)
            found.append((person, number, now, row["holdout"]))
        return found

    def _by_event(self, definition: Row, company: Company, now: dt.datetime) -> list[Any]:
        entry = definition["entry"]
        let_in = {one.entry for one in self.travellers.values()}
        least = entry.get("where", {}).get("value_eur", {}).get(">=", 0)
        window = days_of(entry.get("within", "3 days"))
        table = {"cart_filled": "carts", "contract_signed": "contracts"}[entry["did"]]
        events = [
            one for one in company.events
            if one["table"] == table and one["event_id"] not in let_in and one["value"] >= least
            and now - window <= one["occurred_at"] <= now
        ]  # fmt: skip
        if "again" in entry:
            rest = days_of(entry["again"]["after"])
            last: dict[str, dt.datetime] = {}
            for one in self.travellers.values():
                last[one.person] = max(one.since, last.get(one.person, one.since))
            events = [
                one for one in events
                if one["profile_id"] not in last or last[one["profile_id"]] + rest <= one["occurred_at"]
            ]  # fmt: skip
            first: dict[str, Row] = {}
            for one in sorted(events, key=lambda each: each["occurred_at"]):
                first.setdefault(one["profile_id"], one)
            events = list(first.values())
        return [(one["profile_id"], one["event_id"], one["occurred_at"], False) for one in events]


def version_of(definition: Row) -> str:
    """The name that a build gives a definition; of two people who became one the first by name counts."""
    text = json.dumps(definition, sort_keys=True)
    return "v" + hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8]


@dataclass
class Moved:
    """One traveller in one build."""

    of: Simulated
    one: Traveller
    company: Company
    now: dt.datetime
    is_new: bool

    def go(self) -> None:
        one = self.one
        self.before = dict(one.passed)
        told = one.definition
        member = self.company.people[one.person]
        if "exit_when" in told and self.holds(told["exit_when"], None):
            self.leave("exit_when")
        elif (
            "audience" in told["entry"]
            and member["member"]
            and member["holdout"]
            and not one.holdout
        ):
            self.leave("held_out")
        else:
            self.walk()

    def leave(self, outcome: str) -> None:
        self.one.gone = True
        self.write("exit", outcome, self.now)

    def write(self, step: str, outcome: str, at: dt.datetime) -> None:
        self.one.passed[step] = (outcome, at)
        self.one.latest = max(self.one.latest, at)
        self.of.rows.append((self.one.person, self.one.entry, step, outcome, at))

    def walk(self) -> None:
        """Along the way until a step is not to be passed yet."""
        graph = graph_of(self.one.definition)
        ends: list[str] = []
        for name, kind, body, sources in graph:
            came = [
                (self.one.passed[source], outcome, way)
                for source, outcome, way in sources
                if source in self.one.passed and (outcome is None or self.one.passed[source][0] == outcome)
            ]  # fmt: skip
            if not came:
                continue
            if kind == "exit":
                ends.append(min(way for _, _, way in came))
                continue
            if name in self.before:
                continue
            arrived = min(passed[1] for passed, _, _ in came)
            after = later_than(graph, name)
            if any(step in self.before for step in after):
                self.write(name, "skipped", arrived)
                continue
            found = self.passes(name, kind, body, arrived)
            if found is not None:
                self.write(name, *found)
        if ends:
            self.leave(min(ends))

    def passes(self, name: str, kind: str, body: Row, arrived: dt.datetime) -> tuple[str, dt.datetime] | None:  # fmt: skip
        if kind == "touchpoint" and self.one.definition.get("entity") == "account":
            return self.to_contacts(name, body.get("contacts", {})), self.now
        if kind == "touchpoint":
            return "due", self.now
        if kind == "split":
            return self.of.arm(name, self.one.person), self.now
        if kind == "branch":
            return ("yes" if self.holds(body["if"], None) else "no"), self.now
        if kind == "goal":
            return ("reached" if self.holds(body, None) else "missed"), self.now
        if "time" in body:
            return self.clock(body, arrived)
        length = days_of(body.get("for") or body["timeout"])
        over = arrived + length
        tolerance = min(length / 20, dt.timedelta(hours=1))
        is_over = over <= self.now + tolerance
        if "until" not in body:
            return ("waited", min(over, self.now)) if is_over else None
        if self.holds(body["until"], over):
            return "happened", self.now
        return ("timeout", min(over, self.now)) if is_over else None

    def to_contacts(self, name: str, told: Row) -> str:
        """A row for each contact that the message is for; of two firms that became one, somebody may have had it."""
        roles = told.get("where", {}).get("role", ["buyer", "user", "boss"])
        wanted = {
            person for firm, person, role in self.company.contacts
            if firm == self.one.person and role in ([roles] if isinstance(roles, str) else roles)
        }  # fmt: skip
        if "who" in told:
            wanted = {
                one
                for one in wanted
                if self.company.people[one]["country"] == told["who"]["equals"]
            }
        had = {self.company.who(person) for step, person in self.one.written if step == name}
        sign = 1 if told.get("from") == "lowest" else -1
        found = sorted(wanted - had, key=lambda one: (sign * score_of(one), one))
        if "top" in told:
            found = found[: max(told["top"] - len(had), 0)]
        for person in found:
            self.one.written.add((name, person))
            self.of.rows.append(
                (self.one.person, self.one.entry, f"{name}@{person}", "due", self.now)
            )
        return "written" if had or found else "nobody"

    def clock(self, body: Row, arrived: dt.datetime) -> tuple[str, dt.datetime] | None:
        """The last time, up to five minutes from now, that the clock showed it; who came later waits for the next."""
        soon = self.now + dt.timedelta(minutes=5)
        hour, minute = map(int, body["time"].split(":"))
        at = soon.replace(hour=hour, minute=minute, second=0)
        names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
        while at > soon or names[at.weekday()] not in body.get("weekday", names):
            at -= DAY
        earlier = any(
            kind == "wait" and "time" in other
            for _, kind, other, _ in self.before_this(body)
        )  # fmt: skip
        came = arrived + dt.timedelta(minutes=5) < at if earlier else arrived <= at
        return ("waited", min(at, self.now)) if came else None

    def before_this(self, body: Row) -> list[Any]:
        found = []
        for node in graph_of(self.one.definition):
            if node[2] is body:
                break
            found.append(node)
        return found

    def holds(self, told: Row, until: dt.datetime | None) -> bool:
        if "all" in told:
            return all(self.holds(each, until) for each in told["all"])
        if "any" in told:
            return any(self.holds(each, until) for each in told["any"])
        if "not" in told:
            return not self.holds(told["not"], until)
        if "trait" in told:
            return bool(self.company.people[self.one.person]["country"] == told["equals"])
        if "entry" in told:
            own = [each for each in self.company.events if each["event_id"] == self.one.entry]
            return bool(own) and own[0]["value"] >= told["entry"]["value_eur"][">="]
        table = {"order_placed": "orders", "cart_filled": "carts"}[told["did"]]
        of_companies = self.one.definition.get("entity") == "account"
        theirs = self.company.of_firm(self.one.person) if of_companies else {self.one.person}
        count = 0
        for event in self.company.events:
            at = event["occurred_at"]
            if event["table"] != table or event["profile_id"] not in theirs or at > self.now:
                continue
            if told.get("since") != "ever" and at <= self.one.since:
                continue
            if until is not None and at > until:
                continue
            if "within" in told and at < self.now - days_of(told["within"]):
                continue
            count += event["value"] >= told.get("where", {}).get("revenue_eur", {}).get(">=", 0)
        if "exactly" in told:
            return bool(count == told["exactly"])
        return bool(count >= told.get("at_least", 1))


Node = tuple[str, str, Row, list[tuple[str, "str | None", str]]]


def graph_of(definition: Row) -> list[Node]:
    """Steps in the order in which people may meet them, each with (step, outcome, how it leaves) from which they come."""
    nodes: list[Node] = []
    outs: list[tuple[str, str | None, str]] = []

    def lay(steps: list[Row], ends: list[tuple[str, str | None, str]]) -> list[tuple[str, str | None, str]]:  # fmt: skip
        for step in steps:
            ends = put(step, ends)
        return ends

    def put(step: Row, ends: list[tuple[str, str | None, str]]) -> list[tuple[str, str | None, str]]:  # fmt: skip
        if "exit" in step:
            outs.extend((node, outcome, "exit") for node, outcome, _ in ends)
            return []
        name = step["name"]
        kind = next(key for key in step if key != "name")
        body = step[kind]
        if kind == "repeat":
            return repeated(name, body, ends)
        nodes.append((name, kind, body, ends))
        if kind == "branch":
            yes = lay(body["then"], [(name, "yes", "finished")])
            no = lay(body["else"], [(name, "no", "finished")])
            return yes + no + ([(name, "skipped", "finished")] if yes or no else [])
        if kind == "split":
            a = lay(body["a"]["steps"], [(name, "a", "finished")])
            b = lay(body["b"].get("steps", []), [(name, "b", "finished")])
            return a + b + [(name, "skipped", "finished")]
        if kind == "goal":
            outs.append((name, "reached", "goal"))
            return [(name, "missed", "finished"), (name, "skipped", "finished")]
        return [(name, None, "finished")]

    def repeated(name: str, body: Row, ends: list[tuple[str, str | None, str]]) -> list[tuple[str, str | None, str]]:  # fmt: skip
        done: list[tuple[str, str | None, str]] = []
        for time in range(1, body["at_most"] + 1):
            end = "" if time == 1 else f"_{time}"
            for step in body["steps"]:
                ends = put({**step, "name": step["name"] + end}, ends)
            if time < body["at_most"]:
                nodes.append((name + end, "branch", {"if": body["until"]}, ends))
                done += [(name + end, "yes", "finished"), (name + end, "skipped", "finished")]
                ends = [(name + end, "no", "finished")]
        return done + ends

    ends = lay(definition["steps"], [("entry", None, "finished")])
    nodes.append(("exit", "exit", {}, outs + ends))
    return nodes


def later_than(graph: list[Node], name: str) -> set[str]:
    """Every step that some way leads to from here."""
    found = {name}
    for other, kind, _, sources in graph:
        if kind != "exit" and any(source in found for source, _, _ in sources):
            found.add(other)
    return found - {name}
