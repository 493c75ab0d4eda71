"""The CRM: accounts (some entered twice), contacts, opportunities."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.generator.noise import (
    JUNK_PHONES,
    Numbers,
    Rng,
    Texts,
    blank,
    chance,
    junk,
    late,
    only,
    pick,
    texts,
    typo,
    untidy,
    write_phone,
)
from benchmarks.generator.people import DAY, END, LINES, START, Companies, People
from benchmarks.generator.tables import Source, exported_again, instants, spread, truth

STAGES = ("Lead", "Prospect", "Customer", "Churned")
ROLES = ("Decision Maker", "Champion", "User", "Billing")
TITLES = ("Head of Purchasing", "CTO", "Office Manager", "Analyst", "CFO", "Team Lead", "Founder")
OWNERS = ("mara@headwater.example", "jo@headwater.example", "ines@headwater.example")


def draw_crm(people: People, rng: Rng) -> Source:
    companies = people.companies
    once = np.flatnonzero(chance(rng, companies.count, 0.85))
    company = np.concatenate([once, once[chance(rng, len(once), 0.1)]])
    is_twin = np.arange(len(company)) >= len(once)
    created = START + (rng.random(len(company)) * (END - START - 2 * DAY)).astype(np.int64)
    account_id = texts([f"001{number:09d}" for number in range(1, len(company) + 1)])
    accounts = _accounts(companies, rng, company, is_twin, created, account_id)
    contacts, who, of_company = _contacts(people, rng, company, account_id)
    return Source(
        "raw_crm",
        {
            "accounts": exported_again(rng, accounts, "_synced_at"),
            "contacts": exported_again(rng, contacts, "_synced_at"),
            "opportunities": _opportunities(rng, account_id, created),
        },
        [
            truth("crm_accounts", account_id, company=company),
            truth("crm_contacts", texts(contacts["contact_id"]), who=who, company=of_company),
        ],
    )


def _accounts(
    companies: Companies,
    rng: Rng,
    company: Numbers,
    is_twin: np.ndarray[tuple[int], np.dtype[np.bool_]],
    created: Numbers,
    account_id: Texts,
) -> pd.DataFrame:
    count = len(company)
    name = companies.name[company]
    without_form = texts([" ".join(one.split()[:2]) for one in name])
    domain = companies.domain[company]
    styles = [domain, "www." + domain, "https://www." + domain + "/", "http://" + domain + "/en"]
    website = np.choose(rng.integers(0, 4, count), styles)
    updated = spread(rng, created)
    return pd.DataFrame(
        {
            "account_id": account_id,
            "name": untidy(rng, np.where(is_twin, without_form, name), 0.08),
            "website": blank(rng, website, 0.08),
            "vat_number": only(~is_twin, blank(rng, companies.tax_id[company], 0.25)),
            "billing_country": blank(rng, companies.country[company], 0.05),
            "industry": companies.industry[company],
            "employees": texts([f"{n:,}" for n in companies.employees[company]]),
            "owner": pick(rng, OWNERS, count),
            "stage": texts(STAGES)[rng.choice(4, count, p=[0.15, 0.25, 0.5, 0.1])],
            "created_date": instants(created),
            "modified_date": instants(updated),
            "_synced_at": instants(late(rng, updated, END)),
        }
    )


def _contacts(
    people: People, rng: Rng, company: Numbers, account_id: Texts
) -> tuple[pd.DataFrame, Numbers, Numbers]:
    account_of_company = np.full(people.companies.count, None, dtype=object)
    account_of_company[company] = account_id
    listed = (people.company >= 0) & (account_of_company[people.company] != np.array(None))
    first = np.flatnonzero(listed & chance(rng, people.count, 0.8))
    who = np.concatenate([first, first[chance(rng, len(first), 0.05)]])
    count = len(who)
    created = START + (rng.random(count) * (END - START - 2 * DAY)).astype(np.int64)
    updated = spread(rng, created)
    private = chance(rng, count, 0.15)
    email = np.where(private, people.email_at(who, updated), people.work_email[who])
    phone = write_phone(
        rng, people.calling_code[who], people.trunk[who], people.number_of(rng, who, 0.05)
    )
    role = texts(ROLES)[rng.choice(4, count, p=[0.2, 0.2, 0.5, 0.1])]
    frame = pd.DataFrame(
        {
            "contact_id": texts([f"003{number:09d}" for number in range(1, count + 1)]),
            "account_id": blank(rng, account_of_company[people.company[who]], 0.06),
            "email": untidy(rng, typo(rng, blank(rng, email, 0.04), 0.015), 0.05),
            "phone": junk(rng, blank(rng, phone, 0.35), JUNK_PHONES, 0.02),
            "firstname": typo(rng, people.first_name[who], 0.02),
            "lastname": untidy(rng, people.last_name[who], 0.05),
            "title": blank(rng, pick(rng, TITLES, count), 0.1),
            "buying_role": blank(rng, role, 0.1),
            "created_date": instants(created),
            "modified_date": instants(updated),
            "_synced_at": instants(late(rng, updated, END)),
        }
    )
    return frame, who, people.company[who]


def _opportunities(rng: Rng, account_id: Texts, created: Numbers) -> pd.DataFrame:
    account = np.repeat(np.arange(len(account_id)), rng.poisson(1.8, len(account_id)))
    count = len(account)
    opened = spread(rng, created[account])
    decided = opened + rng.exponential(70 * DAY, count).astype(np.int64)
    is_open = decided > END - DAY
    stage = np.where(
        is_open, "Open", np.where(chance(rng, count, 0.45), "Closed Won", "Closed Lost")
    )
    closed = np.minimum(decided, END - DAY)
    written = texts(np.datetime_as_string(closed.astype("datetime64[s]"), unit="D").astype(object))
    amount = np.round(10 ** rng.uniform(3, 5.2, count), 2)
    return pd.DataFrame(
        {
            "opportunity_id": texts([f"006{number:09d}" for number in range(1, count + 1)]),
            "account_id": account_id[account],
            "stage_name": stage,
            "product_line": blank(rng, pick(rng, (*LINES, "app"), count), 0.2),
            "amount": blank(rng, texts([f"{value:,.2f}" for value in amount]), 0.05),
            "created_date": instants(opened),
            "close_date": only(~is_open, written),
            "_synced_at": instants(late(rng, np.where(is_open, opened, closed), END)),
        }
    )
