"""Over-merging: people who share phones, e-mails and devices, resolved with and without the guard.

The rules are those the project ships (`vars: cdp_identity`); nothing is set for this data. Beside them people whose values cross
(crossed.py) and companies (firms.py).
"""

from __future__ import annotations

import sys
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from benchmarks.crossed import draw_crossed
from benchmarks.figures import Benchmark, Figure, at_least, at_most
from benchmarks.firms import draw_firms
from benchmarks.scratch import ROOT, ScratchProject
from benchmarks.shoppers import FIRST, LAST, draw_shoppers

if TYPE_CHECKING:
    import pandas as pd

TYPES = ("customer_id", "user_id", "card_number", "email", "phone", "device_id")
JUNK = ("test@test.com", "noreply@shop.com", "none@none.com", "asdf@asdf.de", "x@y.zz")
ATTRIBUTES = ("first_name", "last_name", "birth_date")
NOW = "2026-11-24"
SEEDS = ("identity_overrides", "free_mail_domains", "shared_hosts", "public_suffixes")
NO_ERASURES = """select
    '' as request_id,
    '' as identifier_type,
    '' as identifier_value_sha256,
    '' as salt,
    '' as scope,
    cast(null as timestamp) as requested_at
where 1 = 0"""


class People:
    """Who there is, and what they own or share."""

    def __init__(self, count: int, random: Any) -> None:
        import numpy as np

        self.random = random
        sizes = random.choice([1, 2, 3, 4], p=[0.45, 0.3, 0.15, 0.1], size=count)
        self.household = np.repeat(np.arange(count), sizes)[:count]
        self.index = np.arange(count)
        # One generator for what came later, so that the rest stays as it was.
        names = np.random.default_rng(count)
        self.first_name = np.array(FIRST.split(), dtype=object)[names.integers(0, 35, count)]
        self.last_name = np.array(LAST.split(), dtype=object)[self.household % 16]
        born = np.datetime64("1940-01-01") + names.integers(0, 25_000, count)
        self.birth_date = born.astype(str).astype(object)
        self.gives_birth_date = names.random(count) < 0.6
        self.changed_email = random.random(count) < 0.25
        self.has_landline = random.random(count) < 0.3
        self.has_tablet = random.random(count) < 0.3
        self.shares_email = random.random(count) < 0.1
        # One number in thirty belonged to somebody else until two years ago.
        self.old_number_of = np.where(random.random(count) < 0.033, np.roll(self.index, 7), -1)

    def emails(self, who: Any) -> Any:
        """One address for each: own (first or later), the household's, junk, or none."""
        import numpy as np

        draw = self.random.random(len(who))
        later = self.changed_email[who] & (self.random.random(len(who)) < 0.5)
        own = np.char.add(
            np.char.add(np.where(later, "new", "p"), who.astype(str)), "@mail.example-post.org"
        ).astype(object)
        home = self.household[who].astype(str)
        family = np.char.add(np.char.add("family", home), "@mail.example-post.org").astype(object)
        junk = np.array(JUNK, dtype=object)[self.random.integers(0, len(JUNK), len(who))]
        email = np.where(self.shares_email[self.household[who]] & (draw < 0.25), family, own)
        email = np.where(draw > 0.985, junk, email)
        return np.where((draw > 0.93) & (draw <= 0.985), None, email)  # type: ignore[call-overload]

    def phones(self, who: Any, days: Any) -> Any:
        """Own mobile, the household's landline, or none; long ago some had another's number of today."""
        import numpy as np

        draw = self.random.random(len(who))
        recycled = np.where(
            (self.old_number_of[who] >= 0) & (days > 730), self.old_number_of[who], who
        )
        own = np.char.add("+49151", np.char.zfill(recycled.astype(str), 8)).astype(object)
        home = self.household[who].astype(str)
        landline = np.char.add("+4930", np.char.zfill(home, 8)).astype(object)
        phone = np.where(self.has_landline[self.household[who]] & (draw < 0.25), landline, own)
        phone[draw > 0.65] = None
        return phone

    def devices(self, who: Any) -> Any:
        """Own device or the household's tablet."""
        import numpy as np

        tablet = self.has_tablet[self.household[who]] & (self.random.random(len(who)) < 0.3)
        return np.where(
            tablet,
            np.char.add("tablet", self.household[who].astype(str)).astype(object),
            np.char.add("device", who.astype(str)).astype(object),
        )


def draw_records(count: int, seed: int) -> pd.DataFrame:
    """Records of `count` people, with `person` as the truth."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(seed)
    people = People(count, random)

    def some(share: float, more: float = 0.0) -> Any:
        chosen = people.index[random.random(count) < share]
        return np.concatenate([chosen, chosen[random.random(len(chosen)) < more]])

    def table(source: str, who: Any, **columns: Any) -> pd.DataFrame:
        days = random.integers(0, 1460, len(who))
        empty = {name: np.full(len(who), None, dtype=object) for name in (*TYPES, *ATTRIBUTES)}
        contact = {"email": people.emails(who), "phone": people.phones(who, days)}
        frame = pd.DataFrame({"person": who, **empty, "is_guest": None, **contact, **columns})
        frame["is_guest"] = frame["is_guest"].astype("boolean")
        frame["record_id"] = [f"{source}{number}" for number in range(len(who))]
        frame["seen_at"] = pd.Timestamp(NOW) - pd.to_timedelta(days, unit="D")
        return frame

    def named(who: Any) -> dict[str, Any]:
        """What a checkout asks: a name always, a birth date of some people."""
        born = np.where(people.gives_birth_date[who], people.birth_date[who], None)
        return {
            "first_name": people.first_name[who],
            "last_name": people.last_name[who],
            "birth_date": born,
        }

    def ids(prefix: str, length: int) -> Any:
        return np.array([f"{prefix}{number}" for number in range(length)], dtype=object)

    customers = some(0.8, more=0.1)
    shop = table("shop", customers, customer_id=ids("c", len(customers)), **named(customers))
    # A kiosk in a store gives its own address, number and device to whoever signs up there.
    kiosk = random.random(len(shop)) < 0.04
    number = (random.integers(0, max(count // 400, 1), len(shop))).astype(str)
    shop.loc[kiosk, "email"] = np.char.add(np.char.add("kiosk", number), "@store.example-post.org")[
        kiosk
    ]
    shop.loc[kiosk, "phone"] = np.char.add("+49800", np.char.zfill(number, 7))[kiosk]
    shop.loc[kiosk, "device_id"] = np.char.add("kiosk", number)[kiosk]

    buyers = random.integers(0, len(shop), 2 * len(shop))
    orders = table("order", customers[buyers], customer_id=shop["customer_id"].to_numpy()[buyers])
    guests = some(0.3)
    # Some buy as guests again and again, and the shop gives them another customer id each time.
    checkouts = np.repeat(guests, random.integers(1, 5, len(guests)))
    visits = table(
        "checkout",
        checkouts,
        customer_id=ids("g", len(checkouts)),
        is_guest=True,
        **named(checkouts),
    )
    users = some(0.5, more=0.05)
    members = some(0.3)
    return pd.concat(
        [
            shop,
            orders,
            table("guest", guests, **named(guests)),
            visits,
            table("app", users, user_id=ids("u", len(users)), device_id=people.devices(users)),
            table("loyalty", members, card_number=ids("l", len(members))),
            table("ticket", some(0.4)),
        ],
        ignore_index=True,
    )


def pair_scores(clusters: Any, people: Any) -> tuple[float, float]:
    """Pairwise precision and recall of a clustering."""
    import pandas as pd

    frame = pd.DataFrame({"cluster": clusters, "person": people})

    def pairs(columns: list[str]) -> float:
        sizes = frame.groupby(columns).size().to_numpy().astype(float)
        return float((sizes * (sizes - 1) / 2).sum())

    right = pairs(["cluster", "person"])
    return right / pairs(["cluster"]), right / pairs(["person"])


def plain_components(records: pd.DataFrame) -> Any:
    """Components of every shared value, nothing blocked or limited."""
    import numpy as np
    import pandas as pd
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    long = (
        records.reset_index().melt(id_vars="index", value_vars=list(TYPES)).dropna(subset="value")
    )
    values = pd.factorize(long["variable"] + "|" + long["value"].astype(str))[0] + len(records)
    size = int(values.max()) + 1
    ones = np.ones(len(long), dtype=np.int8)
    graph = coo_matrix((ones, (long["index"].to_numpy(), values)), shape=(size, size))
    return connected_components(graph, directed=False)[1][: len(records)]


def _configuration() -> dict[str, Any]:
    person = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["cdp_identity"][
        "person"
    ]
    source = {
        "source_name": "records",
        "model": "fixture_records",
        "record_key": "record_id",
        "first_seen_at": "seen_at",
        "last_seen_at": "seen_at",
        "identifiers": {name: name for name in TYPES}
        | {"customer_id": {"column": "customer_id", "disposable_when": "is_guest"}},
        "attributes": {name: name for name in ATTRIBUTES},
    }
    return {"person": {**person, "records": [source]}}


def _shop_configuration() -> dict[str, Any]:
    """A shop that says of nobody that they are a guest, and whose customers have names."""
    person = _configuration()["person"]
    source = {
        "source_name": "customers",
        "model": "fixture_records",
        "record_key": "record_id",
        "first_seen_at": "seen_at",
        "identifiers": {"customer_id": "record_id", "email": "email", "phone": "phone"},
        "attributes": {name: name for name in ATTRIBUTES},
    }
    return {"person": {**person, "records": [source]}}


def _over_limit(connection: Any, rules: dict[str, Any]) -> int:
    """Identifier types of entities that hold more values than allowed."""
    limits = ", ".join(
        f"('{name}', {rule['limit']})" for name, rule in rules.items() if rule.get("limit")
    )
    found = connection.execute(
        f"""select count(*) from (
            select entity_id, identifier_type, count(*) as value_count
            from analytics.identity_entity_identifiers
            inner join analytics.identity_values using (entity, identifier_type, identifier_value)
            where not is_disposable
            group by all
        ) as held
        inner join (values {limits}) as rule (identifier_type, most) using (identifier_type)
        where value_count > most"""
    ).fetchone()
    return int(found[0])


def _crossed_configuration() -> dict[str, Any]:
    """A shop's customers, its orders and an app's users, under the rules that ship."""
    person = _configuration()["person"]
    contact = {"email": "email", "phone": "phone"}
    identifiers = {
        "customer": {"customer_id": "record_id", **contact},
        "order": {"customer_id": "customer_id", "user_id": "user_id", **contact},
        "user": {"user_id": "record_id", **contact},
    }
    sources = [
        {
            "source_name": source,
            "model": f"fixture_{source}",
            "record_key": "record_id",
            "first_seen_at": "seen_at",
            "identifiers": columns,
            "attributes": {name: name for name in ATTRIBUTES},
        }
        for source, columns in identifiers.items()
    ]
    return {"person": {**person, "records": sources}}


def _firm_configuration() -> dict[str, Any]:
    """A CRM's accounts and contacts, and the customers of a billing system, under the rules that ship."""
    account = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["cdp_identity"][
        "account"
    ]
    name = {"company_name": "name"}
    identifiers: dict[str, dict[str, Any]] = {
        "firm": {"crm_account_id": "record_id", "tax_id": "tax_id", "domain": "website"},
        "contact": {
            "crm_account_id": "crm_account_id",
            "domain": {"column": "email", "normaliser": "email_domain"},
        },
        "bill": {"tax_id": "tax_id"},
    }
    sources = [
        {
            "source_name": source,
            "model": f"fixture_{source}",
            "record_key": "record_id",
            "first_seen_at": "seen_at",
            "needs_identifier": source == "contact",
            "identifiers": columns,
            "attributes": {} if source == "contact" else name,
        }
        for source, columns in identifiers.items()
    ]
    return {"account": {**account, "records": sources}}


def _by_source(*sources: str) -> dict[str, str]:
    return {
        f"staging/fixture_{source}": f"select * from raw.records where source = '{source}'"
        for source in sources
    }


CROSSED_MODELS = _by_source("customer", "order", "user")
FIRM_MODELS = _by_source("firm", "contact", "bill")


def _resolved(
    records: pd.DataFrame, configuration: dict[str, Any], models: dict[str, str] | None = None
) -> tuple[Any, int, float]:
    """Entity ids by record, how many break a limit, and seconds; `record_id` names a record."""
    import duckdb

    with tempfile.TemporaryDirectory() as name:
        project = ScratchProject(
            Path(name),
            folders=("macros", "models/engine/identity", "seeds"),
            models={
                **(models or {"staging/fixture_records": "select * from raw.records"}),
                "staging/stg_sync__erasure_requests": NO_ERASURES,
            },
            variables={"cdp_identity": configuration, "cdp_as_of": NOW},
        )
        with duckdb.connect(str(project.database)) as connection:
            connection.execute("create schema raw")
            connection.register("records", records)
            connection.execute("create table raw.records as select * from records")
        project.run("--select", *SEEDS, command="seed")
        built = project.run("--select", "path:models")
        with duckdb.connect(str(project.database), read_only=True) as connection:
            resolved = connection.execute(
                "select source_record_id as record_id, entity_id from analytics.identity_entity_records"
            ).df()
            (rules,) = configuration.values()
            broken = _over_limit(connection, rules["identifiers"])
    return resolved, broken, built.total_seconds


def _crossed(options: Namespace) -> list[Figure]:
    """People whose values cross, and companies."""
    worlds = draw_crossed(options.shoppers, options.seed)
    print(f"resolving {len(worlds):,} records whose values cross", file=sys.stderr)
    found = worlds.merge(
        _resolved(worlds, _crossed_configuration(), CROSSED_MODELS)[0], on="record_id"
    )
    crossed = pair_scores(found["entity_id"], found["person"])
    firms = draw_firms(options.firms, options.seed)
    print(f"resolving {len(firms):,} records of companies", file=sys.stderr)
    resolved = firms.merge(
        _resolved(firms, _firm_configuration(), FIRM_MODELS)[0], on="record_id", how="left"
    )
    # A contact without a usable identifier is nobody's.
    ours = pair_scores(resolved["entity_id"].fillna(resolved["record_id"]), resolved["company"])
    people = f"whose values cross, {len(worlds):,} records"
    companies = f"companies, {options.firms:,}, {len(firms):,} records"
    return [
        Figure(f"pairwise precision of people {people}", crossed[0], "", goal=at_least(0.99)),
        Figure(f"pairwise recall of people {people}", crossed[1], "", goal=at_least(0.93)),
        Figure(f"pairwise precision of {companies}", ours[0], "", goal=at_least(0.99)),
        Figure(f"pairwise recall of {companies}", ours[1], "", goal=at_least(0.9)),
    ]


def run(options: Namespace) -> list[Figure]:
    """Build the identity layer on generated records and score it."""
    records = draw_records(options.people, options.seed)
    print(f"resolving {len(records):,} records of {options.people:,} people", file=sys.stderr)
    resolved, broken, seconds = _resolved(records, _configuration())
    joined = records.merge(resolved, on="record_id")
    precision, recall = pair_scores(joined["entity_id"], joined["person"])
    plain_precision, plain_recall = pair_scores(plain_components(records), records["person"])
    shoppers = draw_shoppers(options.shoppers, options.seed)
    print(f"resolving {len(shoppers):,} customer ids of a shop", file=sys.stderr)
    found = shoppers.merge(_resolved(shoppers, _shop_configuration())[0], on="record_id")
    shop_precision, shop_recall = pair_scores(found["entity_id"], found["person"])
    shop = f"{options.shoppers:,} shoppers, {len(shoppers):,} customer ids"
    size = f"{options.people:,} people, {len(records):,} records"
    return [
        Figure(
            f"pairwise precision beside plain components, {size}",
            precision,
            "",
            plain_precision,
            at_least(0.99),
        ),
        Figure(
            f"pairwise recall beside plain components, {size}",
            recall,
            "",
            plain_recall,
            at_least(0.93),
        ),
        Figure(
            f"pairwise precision of guests whom nobody declared, {shop}",
            shop_precision,
            "",
            goal=at_least(0.995),
        ),
        Figure(
            f"pairwise recall of guests whom nobody declared, {shop}",
            shop_recall,
            "",
            goal=at_least(0.95),
        ),
        *_crossed(options),
        Figure("profiles over a limit", broken, "profiles", goal=at_most(0)),
        Figure("identity layer, first build", seconds, "s"),
    ]


def add_arguments(parser: ArgumentParser) -> None:
    """Size and seed."""
    parser.add_argument("--people", type=lambda text: int(float(text)), default=20_000)
    parser.add_argument("--shoppers", type=lambda text: int(float(text)), default=2_000)
    parser.add_argument("--firms", type=lambda text: int(float(text)), default=2_000)
    parser.add_argument("--seed", type=int, default=1)


BENCHMARK = Benchmark(
    "overmerge",
    "Precision and recall where people share phones, e-mails and devices.",
    run,
    add_arguments,
)
