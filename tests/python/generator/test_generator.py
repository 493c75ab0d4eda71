"""The generated data: reproducible, complete, and as wrong as sources are."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.generator.__main__ import draw_sources, main
from benchmarks.generator.people import END
from benchmarks.generator.tables import Source

PROJECT = Path(__file__).parents[3]
DEMO = PROJECT / "seeds" / "demo"
TRUTH = PROJECT / "benchmarks" / "data" / "demo_truth.csv"


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.csv")
    }


@pytest.fixture(scope="module")
def sources() -> dict[str, Source]:
    return {source.schema: source for source in draw_sources(2_000, 1)}


def test_committed_demo_is_what_the_generator_writes(tmp_path: Path) -> None:
    truth = tmp_path / "truth" / "demo_truth.csv"
    main(["--people", "2000", "--seed", "1", "--out", str(tmp_path), "--truth", str(truth)])
    assert _digests(tmp_path) == _digests(DEMO)
    assert truth.read_bytes() == TRUTH.read_bytes()


def test_another_seed_gives_other_people(sources: dict[str, Source]) -> None:
    other = next(draw_sources(2_000, 2)).tables["customers"].head(500)
    ours = sources["raw_shop"].tables["customers"].head(500)
    assert not set(zip(other["email_address"], other["created_at"], strict=True)) & set(
        zip(ours["email_address"], ours["created_at"], strict=True)
    )


def test_committed_files_stay_small() -> None:
    assert sum(path.stat().st_size for path in DEMO.glob("*.csv")) < 6_000_000


def test_every_record_of_a_person_is_in_the_truth_once(sources: dict[str, Source]) -> None:
    with TRUTH.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    keys = Counter((row["source_name"], row["source_record_id"]) for row in rows)
    assert max(keys.values()) == 1
    tables = {
        "shop_customers": sources["raw_shop"].tables["customers"]["customer_id"],
        "shop_orders": sources["raw_shop"].tables["orders"]["order_no"],
        "app_users": sources["raw_app"].tables["users"]["id"],
        "crm_contacts": sources["raw_crm"].tables["contacts"]["contact_id"],
        "crm_accounts": sources["raw_crm"].tables["accounts"]["account_id"],
        "support_tickets": sources["raw_support"].tables["tickets"]["id"],
        "loyalty_members": sources["raw_loyalty"].tables["members"]["member_no"],
        "consents": sources["raw_consent"].tables["consents"]["id"],
    }
    for name, ids in tables.items():
        assert {record for source, record in keys if source == name} == set(ids), name
    assert any(source == "web_visitors" for source, _ in keys)


def test_nothing_happens_after_the_end(sources: dict[str, Source]) -> None:
    end = pd.Timestamp(END, unit="s")
    for source in sources.values():
        for table in source.tables.values():
            for column in table.select_dtypes("datetime"):
                assert table[column].max() < end, (source.schema, column)


def test_order_lines_belong_to_orders_and_products(sources: dict[str, Source]) -> None:
    shop = sources["raw_shop"].tables
    assert set(shop["order_lines"]["order_no"]) == set(shop["orders"]["order_no"])
    assert set(shop["order_lines"]["sku"]) <= set(shop["products"]["sku"])


class TestTheDemoHas:
    """Each kind of mess the project claims to cope with."""

    def test_customers_exported_twice(self, sources: dict[str, Source]) -> None:
        assert sources["raw_shop"].tables["customers"]["customer_id"].duplicated().any()

    def test_people_with_two_accounts_in_one_source(self) -> None:
        assert _records_per_person("shop_customers").max() > 1

    def test_junk_addresses_and_numbers(self, sources: dict[str, Source]) -> None:
        customers = sources["raw_shop"].tables["customers"]
        assert {"test@test.com", "n/a"} <= set(customers["email_address"])
        assert {"0000000000", "n/a"} <= set(customers["phone"])

    def test_gmail_dots_and_suffixes(self, sources: dict[str, Source]) -> None:
        emails = sources["raw_shop"].tables["customers"]["email_address"].dropna()
        assert emails.str.contains(r"\+shop@gmail").any()

    def test_phones_in_many_styles(self, sources: dict[str, Source]) -> None:
        phones = sources["raw_shop"].tables["customers"]["phone"].dropna()
        for style in (r"^\+", "^00", r"^0[1-9]", "/", r"\(0\)"):
            assert phones.str.contains(style).any(), style

    def test_phones_shared_by_a_household(self, sources: dict[str, Source]) -> None:
        customers = sources["raw_shop"].tables["customers"].drop_duplicates("customer_id")
        people = customers["customer_id"].map(_person_of("shop_customers"))
        plain = customers["phone"].str.replace(r"\D", "", regex=True).str[-8:]
        per_phone = people.groupby(plain[plain.str.len() == 8]).nunique()
        assert per_phone.between(2, 4).sum() > 10

    def test_devices_shared_by_a_household(self, sources: dict[str, Source]) -> None:
        users = sources["raw_app"].tables["users"].drop_duplicates("id")
        people = users["id"].map(_person_of("app_users"))
        assert people.groupby(users["device_id"]).nunique().max() > 1

    def test_cookies_shared_by_two_people(self, sources: dict[str, Source]) -> None:
        views = sources["raw_web"].tables["page_views"].dropna(subset=["customer_id"])
        assert views.groupby("anonymous_id")["customer_id"].nunique().max() > 1

    def test_people_who_are_customers_and_business_contacts(self) -> None:
        customers = set(_person_of("shop_customers").values())
        assert len(customers & set(_person_of("crm_contacts").values())) > 50

    def test_rows_that_arrive_days_late(self, sources: dict[str, Source]) -> None:
        orders = sources["raw_shop"].tables["orders"].drop_duplicates("order_no")
        late = orders["_loaded_at"] - orders["created_at"] > pd.Timedelta(days=1)
        assert 0.01 < late.mean() < 0.06

    def test_names_in_other_scripts(self, sources: dict[str, Source]) -> None:
        names = sources["raw_shop"].tables["customers"]["first_name"].dropna()
        for script in ("[α-ωΑ-Ω]", "[а-яА-Я]", "[一-龯ぁ-ん]", "[éüłñ]"):
            assert names.str.contains(script).any(), script

    def test_impossible_dates_and_spaces_around_values(self, sources: dict[str, Source]) -> None:
        customers = sources["raw_shop"].tables["customers"]
        assert "0000-00-00" in set(customers["birthday"])
        assert customers["last_name"].str.startswith(" ").any()

    def test_people_who_bought_within_the_quarter_and_before(
        self, sources: dict[str, Source]
    ) -> None:
        orders = sources["raw_shop"].tables["orders"].dropna(subset=["customer_id"])
        last = orders.groupby("customer_id")["created_at"].max()
        lapsed = (pd.Timestamp(END, unit="s") - last).dt.days > 90
        assert 0.2 < lapsed.mean() < 0.9


def _person_of(source_name: str) -> dict[str, str]:
    truth = pd.read_csv(TRUTH, dtype=str)
    rows = truth[truth["source_name"] == source_name]
    return dict(zip(rows["source_record_id"], rows["person"], strict=True))


def _records_per_person(source_name: str) -> pd.Series[int]:
    return pd.Series(list(_person_of(source_name).values())).value_counts()
