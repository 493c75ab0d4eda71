"""Companies as a CRM and a billing system know them.

Duplicates, subsidiaries, agencies, changes of job, universities, hosts where many have a place, tax ids that are none.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

WORDS = [
    "Adler",
    "Albatros",
    "Amber",
    "Anker",
    "Aster",
    "Bergmann",
    "Birke",
    "Blau",
    "Bosporus",
    "Brandt",
    "Calder",
    "Cedar",
    "Corvus",
    "Delta",
    "Dorn",
    "Eiche",
    "Elster",
    "Falke",
    "Ferro",
    "Fjord",
    "Gamma",
    "Granit",
    "Habicht",
    "Hafen",
    "Ibis",
    "Jade",
    "Kastell",
    "Kiesel",
    "Komet",
    "Lark",
    "Linde",
    "Luchs",
    "Magnet",
    "Marlin",
    "Nadel",
    "Nimbus",
    "Nord",
    "Orion",
    "Otter",
    "Pappel",
    "Phoenix",
    "Quarz",
    "Rabe",
    "Saphir",
    "Silva",
    "Sperber",
    "Sturm",
    "Tanne",
    "Taurus",
    "Ulme",
    "Vektor",
    "Wacholder",
    "Zander",
    "Zeder",
]
TRADES = [
    "Logistik",
    "Maschinenbau",
    "Medien",
    "Software",
    "Bau",
    "Elektro",
    "Pharma",
    "Textil",
    "Energie",
    "Werkzeuge",
    "Möbel",
    "Optik",
    "Druck",
    "Papier",
    "Reisen",
    "Beratung",
    "Analytics",
    "Foods",
    "Metall",
    "Holz",
    "Chemie",
    "Robotics",
    "Systems",
    "Labs",
    "Verlag",
    "Spedition",
]
FORMS = ("GmbH", "AG", "Ltd", "SA", "B.V.", "GmbH & Co. KG", "Inc.", "")
HOSTS = (
    "https://www.facebook.com/{}",
    "{}.myshopify.com",
    "{}.wixsite.com",
    "instagram.com/{}",
    "bit.ly/{}",
)
SHARED = ("https://www.facebook.com/", "bit.ly/3x", "linktr.ee/home", "sites.google.com/view/site")
FREE_MAIL = ("gmail.com", "yahoo.de", "t-online.de", "gmx.at", "orange.fr", "outlook.com")
NO_TAX_IDS = ("n/a", "DE000000000", "123456789", "keine", "beantragt", "00-0000000", "EXEMPT")
COLUMNS = ("source", "record_id", "company", "crm_account_id", "tax_id", "website", "name", "email", "seen_at")  # fmt: skip


class _Market:
    """Rows as they are drawn."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.rows: list[tuple[object, ...]] = []
        self.company = 0

    def founded(self) -> tuple[int, str, str, str]:
        """A company: its number, name, domain and tax id."""
        self.company += 1
        name = f"{self.chance.choice(WORDS)} {self.chance.choice(TRADES)}"
        domain = f"{name.split()[0].lower()}{self.company}.example"
        return self.company, name, domain, f"DE{self.chance.randint(136_000_000, 890_000_000)}"

    def add(self, source: str, company: int, **values: object) -> None:
        key = f"{source}{len(self.rows)}"
        values.setdefault("crm_account_id", key if source == "firm" else None)
        rest = (values.get(name) for name in COLUMNS[3:-1])
        day = f"2026-{self.chance.randint(1, 9):02d}-{self.chance.randint(1, 28):02d}"
        self.rows.append((source, key, company, *rest, day))

    def account(self, company: int, name: str, domain: str | None, tax_id: str | None) -> str:
        """An account in the CRM; tax id and website are there as often as people fill them in."""
        key = f"firm{len(self.rows)}"
        site = None if domain is None else self.chance.choice(("", "www.", "https://")) + domain
        told = tax_id if self.chance.random() < 0.8 else self.chance.choice((None, *NO_TAX_IDS))
        form = self.chance.choice(FORMS)
        self.add(
            "firm",
            company,
            name=f"{name} {form}".strip(),
            website=site if self.chance.random() < 0.92 else None,
            tax_id=told,
        )
        return key

    def contacts(self, company: int, account: str | None, domain: str, count: int) -> None:
        for _ in range(count):
            self.add(
                "contact", company, crm_account_id=account, email=f"p{len(self.rows)}@{domain}"
            )


def draw_firms(count: int, seed: int = 1) -> pd.DataFrame:
    """Records of about `count` companies, with `company` as the truth."""
    import pandas as pd

    market = _Market(seed)
    chance = market.chance
    while market.company < count:
        draw = chance.random()
        company, name, domain, tax_id = market.founded()
        if draw < 0.6:  # a company, in the CRM once to three times
            accounts = [
                market.account(company, name, domain, tax_id)
                for _ in range(chance.choice((1, 1, 1, 2, 3)))
            ]
            for account in accounts:
                market.contacts(
                    company, account, chance.choice(("", "mail.")) + domain, chance.randint(0, 3)
                )
            market.contacts(company, None, domain, chance.randint(0, 2))
            if chance.random() < 0.5:
                market.add("bill", company, tax_id=tax_id, name=name)
        elif draw < 0.68:  # subsidiaries on one domain
            for _ in range(chance.randint(2, 4)):
                other, *_rest = market.founded()
                number = f"DE{chance.randint(136_000_000, 890_000_000)}"
                account = f"firm{len(market.rows)}"
                market.add(
                    "firm",
                    other,
                    name=f"{name} {chance.choice(TRADES)}",
                    website=domain,
                    tax_id=number,
                )
                market.contacts(other, account, domain, 1)
        elif draw < 0.76:  # an agency whose people are contacts of its clients
            market.contacts(company, market.account(company, name, domain, tax_id), domain, 2)
            for _ in range(3):
                client, title, own, number = market.founded()
                account = market.account(client, title, own, number)
                market.contacts(client, account, domain, 1)
                market.contacts(client, account, own, 1)
        elif draw < 0.82:  # somebody changed jobs
            other, title, own, number = market.founded()
            market.contacts(company, market.account(company, name, domain, tax_id), own, 1)
            market.contacts(other, market.account(other, title, own, number), domain, 1)
        elif draw < 0.86:  # a university, and a firm that its people founded
            account = market.account(company, name, domain, tax_id)
            market.contacts(company, None, f"stud.{domain}", 4)
            other, title, own, number = market.founded()
            market.contacts(other, market.account(other, title, own, number), domain, 2)
            market.contacts(company, account, domain, 1)
        elif draw < 0.95:  # small ones without a domain
            account = f"firm{len(market.rows)}"
            website = chance.choice((None, *SHARED, *(one.format(f"n{company}") for one in HOSTS)))
            market.add(
                "firm", company, name=name, website=website, tax_id=chance.choice(NO_TAX_IDS)
            )
            market.contacts(company, account, chance.choice(FREE_MAIL), 2)
        else:  # clients of one who builds sites, and wrote down his own
            for _ in range(chance.randint(2, 3)):
                other, title, *_ = market.founded()
                number = f"DE{chance.randint(136_000_000, 890_000_000)}"
                market.add(
                    "firm",
                    other,
                    name=title,
                    website=domain,
                    tax_id=number if chance.random() < 0.5 else None,
                )
    return pd.DataFrame(market.rows, columns=list(COLUMNS))
