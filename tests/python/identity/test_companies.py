"""Which records are one company: tax ids, domains, contacts and hosts, under the rules the project ships."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.python.identity.lab import ROOT, Lab

SHIPPED = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["cdp_identity"]["account"]

# Rules of a team's own know free mail without a word about it: `kind: domain` is enough.
OWN_DOMAIN = {k: v for k, v in SHIPPED["identifiers"]["domain"].items() if k != "blocked_values"}

ACCOUNT: dict[str, Any] = {
    "identifiers": SHIPPED["identifiers"] | {"domain": OWN_DOMAIN},
    "records": [
        {
            "source_name": "firms", "model": "fixture_firms", "record_key": "crm_account_id",
            "first_seen_at": "seen_at",
            "identifiers": {
                "crm_account_id": "crm_account_id", "tax_id": "tax_id", "domain": "website",
            },
        },
        {
            "source_name": "contacts", "model": "fixture_contacts", "record_key": "record_id",
            "first_seen_at": "seen_at", "needs_identifier": True,
            "identifiers": {
                "crm_account_id": "crm_account_id",
                "domain": {"column": "email", "normaliser": "email_domain"},
            },
        },
    ],
}  # fmt: skip

MODELS = {
    "fixture_firms": "customer_id as crm_account_id, user_id as tax_id, phone as website, seen_at",
    "fixture_contacts": "record_id, customer_id as crm_account_id, email, seen_at",
}

PLACEHOLDERS = (
    "n/a", "N.A.", "-", "--", "none", "NONE", "0000000", "XXXX", "123456789", "not applicable",
    "unbekannt", "keine", "DE000000000", "DE 000 000 000", "de-999999999", "0", "1", "ATU12345678",
    "NL000000000B01", "TBD", "K.A.", "?", "12-3456789", "987654321", "FRXX999999999", "test123",
    "Kleinunternehmer", "1234567890", "XAXX010101000", "нет", "123", "CHE-000.000.000 MWST",
    "Keine USt-ID 0", "beantragt 2026", "USt-IdNr. DE000000000", "VAT-ID: 123456789", "UST-ID 000000000",
    "PT999999990", "IE0000000A", "ESX0000000X", "AAAAA0000A", "27AAAAA0000A1Z5", "XXXXX1234X", "ungültig 0",
    "§ 19 UStG", "SE000000000001",
)  # fmt: skip

# Some that look made up and are not: check digits are right, and companies have such.
REAL_TAX_IDS = (
    "DE129273398", "ATU33864707", "ESA28015865", "NL009291477B01", "FR40303265045", "IE6388047V",
    "PL5260250995", "RO18", "RO361579", "GB100000000", "DE111111125", "27AAPFU0939F1ZV",
    "AAACR1111K", "GBGD001",
    "RSSMRA80A01H501U", "ABC680524P76", "33.000.167/0001-01", "NO 974 760 673 MVA", "00000000000191",
    "CHE-116.281.710 MWST", "BE0403170701", "IE1234567T",
)  # fmt: skip

NOBODYS = (
    "https://m.facebook.com/firm", "https://www.instagram.com/firm/", "linktr.ee/firm",
    "firm.myshopify.com", "bit.ly/3xYz", "sites.google.com/view/firm", "firm.wixsite.com/home",
    "https://firm.github.io", "de.linkedin.com/company/firm", "firm.blogspot.co.uk", "t.me/firm",
    "yahoo.nl", "yahoo.no", "hotmail.pl", "live.ie", "outlook.cz", "gmx.li", "mail.yahoo.co.nz",
    "co.uk", "com.br", "amazon.co.jp/shops/firm", "firm.jimdosite.com", "yahoo.com.pe",
    "https://www.google.com/maps/place/firm", "google.de/search?q=firm", "maps.google.ch/firm", "https://maps.apple.com/?q=firm",
    "www.pinterest.at/firm", "https://vk.ru/firm", "fb.watch/firm", "lin.ee/firm", "zalo.me/firm", "https://www.douyin.com/firm",
    "firm.cafe24.com", "firm.myshoptet.com", "firm.webshopapp.com", "firm.myvtex.com", "firm.zid.store", "firm.empretienda.com.ar",
    "firm.prom.ua", "firm.mozello.com", "firm.estranky.cz", "firm.tistory.com", "https://www.local.ch/firm", "kutt.it/firm",
    "clck.ru/firm", "urlz.fr/firm", "https://qr.codes/firm", "apps.apple.com/firm",
    "firm.bsky.social", "firm.bigcommerce.com", "www.dropbox.com/s/firm", "1drv.ms/firm", "firm.wufoo.com", "firm.3dcartstores.com",
    "firm.mysapo.net", "magenta.at",
    "firm.blogspot.com", "paypal.me/firm", "firm.duckdns.org", "firm.dyndns.org", "firm.shop.pro", "wegwerfemail.de",
    "net.hr", "siol.net", "chello.sk", "tut.by", "prodigy.net.mx", "superonline.com", "zahav.net.il", "post.sk", "clix.pt",
)  # fmt: skip

ONE_HOUSE = (
    ("firm-a.example", "mail.firm-a.example"),
    ("https://www.firm-b.co.uk/contact", "shop.firm-b.co.uk"),
    ("firm-c.com.br", "http://loja.firm-c.com.br:8080/x"),
    ("WWW2.Firm-D.Example.", "de.firm-d.example"),
    ("firm-e.uk.com", "www.firm-e.uk.com"),
    ("google.com", "cloud.google.com"),
    ("https://www.google.com/about", "google.com"),
)

TWO_HOUSES = (
    ("firm-f.co.uk", "firm-g.co.uk"),
    ("firm-f.com.br", "firm-g.com.br"),
    ("firm-f.uk.com", "firm-g.uk.com"),
    ("firm-f.k12.wy.us", "firm-g.k12.wy.us"),
    ("firm-f.chuo.tokyo.jp", "firm-g.chuo.tokyo.jp"),
    ("firm-f.co.ck", "firm-g.co.ck"),
    ("sites.google.com", "google.com"),
)


def firm(key: str, tax_id: str | None = None, website: str | None = None) -> tuple[Any, ...]:
    return ("firm", key, key, tax_id, None, website, None, "2026-01-01")


def contact(key: str, account: str | None, email: str) -> tuple[Any, ...]:
    return ("contact", key, account, None, email, None, None, "2026-01-02")


def pairs(name: str, values: tuple[Any, ...], *, at: int) -> list[tuple[Any, ...]]:
    """Two firms each that share nothing but one value, a tax id (1) or a website (2)."""
    rows = []
    for number, value in enumerate(values):
        for side in "ab":
            shared = value if isinstance(value, str) else value["ab".index(side)]
            rows.append(firm(f"{name}{number}{side}", *((shared,) if at == 1 else (None, shared))))
    return rows


ROWS = [
    *pairs("junk", PLACEHOLDERS, at=1),
    *pairs("tax", REAL_TAX_IDS, at=1),
    *pairs("host", NOBODYS, at=2),
    *pairs("one", ONE_HOUSE, at=2),
    *pairs("two", TWO_HOUSES, at=2),
    # Subsidiaries on one domain, and one of which no tax id is known.
    firm("north", "DE129273398x", "group.example"),
    firm("south", "ATU33864708", "group.example"),
    firm("nobody-knows", None, "group.example"),
    # The same company twice.
    firm("twice-1", "DE811111111", "twice.example"),
    firm("twice-2", "DE811111111", "twice.example"),
    firm("twice-3", None, "www.twice.example"),
    # An agency serves clients, and is in the CRM itself.
    firm("client-1", None, "client-1.example"),
    firm("client-2", None, "client-2.example"),
    firm("client-3"),
    firm("agency", None, "agency.example"),
    contact("at-1", "client-1", "a@agency.example"),
    contact("at-2", "client-2", "b@agency.example"),
    contact("at-3", "client-3", "c@mail.agency.example"),
    contact("of-agency", None, "boss@agency.example"),
    contact("own", "client-1", "me@mail.client-1.example"),
    contact("free", None, "me@client-2.example"),
    # A contact of the one with an address at the other.
    contact("moved", "client-1", "x@client-2.example"),
    # An unknown firm, by its people alone; and free mail makes none.
    contact("new-1", None, "x@newcomer.example"),
    contact("new-2", None, "y@mail.newcomer.example"),
    contact("private", None, "x@yahoo.nl"),
    contact("no-account", "n/a", "z@newcomer.example"),
    firm("0", None, "zero.example"),
    contact("of-zero", "0", "x@hotmail.pl"),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(
        tmp_path_factory.mktemp("companies") / "lab",
        {"account": ACCOUNT},
        variables={"cdp_as_of": "2026-11-24"},
    )
    for name, columns in MODELS.items():
        source = name.removeprefix("fixture_").removesuffix("s")
        (lab.directory / f"models/engine/staging/{name}.sql").write_text(
            f"select {columns} from raw.records where source = '{source}'"
        )
    lab.load(ROWS)
    lab.build("--exclude", "test_type:unit", "identity_changes_stay_below_the_share")
    return lab


@pytest.fixture(scope="module")
def groups(lab: Lab) -> dict[str, str]:
    return lab.groups("account")


def conflicts(lab: Lab, record: str) -> set[tuple[str, str]]:
    return set(
        lab.query(
            "select identifier_type, dropped_reason from analytics.identity_conflicts "
            f"where record_key = '{record}'"
        )
    )


@pytest.mark.parametrize("number", range(len(PLACEHOLDERS)), ids=PLACEHOLDERS)
def test_a_placeholder_is_no_tax_id(lab: Lab, groups: dict[str, str], number: int) -> None:
    assert groups[f"junk{number}a"] != groups[f"junk{number}b"]
    reasons = conflicts(lab, f"firms:junk{number}a")
    assert reasons & {("tax_id", "placeholder"), ("tax_id", "blocked_value")}


@pytest.mark.parametrize("number", range(len(REAL_TAX_IDS)), ids=REAL_TAX_IDS)
def test_a_real_tax_id_joins(groups: dict[str, str], number: int) -> None:
    assert groups[f"tax{number}a"] == groups[f"tax{number}b"]


@pytest.mark.parametrize("number", range(len(NOBODYS)), ids=NOBODYS)
def test_a_host_where_many_have_a_place_is_nobodys_website(
    groups: dict[str, str], number: int
) -> None:
    assert groups[f"host{number}a"] != groups[f"host{number}b"]


@pytest.mark.parametrize("number", range(len(ONE_HOUSE)), ids=map(str, ONE_HOUSE))
def test_a_company_is_its_registered_domain(groups: dict[str, str], number: int) -> None:
    assert groups[f"one{number}a"] == groups[f"one{number}b"]


@pytest.mark.parametrize("number", range(len(TWO_HOUSES)), ids=map(str, TWO_HOUSES))
def test_what_registries_and_hosts_give_out_is_not_one_company(
    groups: dict[str, str], number: int
) -> None:
    assert groups[f"two{number}a"] != groups[f"two{number}b"]


def test_other_tax_ids_on_one_domain_stay_apart_and_a_conflict_says_so(
    lab: Lab, groups: dict[str, str]
) -> None:
    assert len({groups[name] for name in ("north", "south", "nobody-knows")}) == 3
    assert ("domain", "limit") in conflicts(lab, "firms:north")
    assert len({groups[f"twice-{number}"] for number in (1, 2, 3)}) == 1


def test_a_contacts_domain_never_joins_two_companies(lab: Lab, groups: dict[str, str]) -> None:
    firms = ("client-1", "client-2", "client-3", "agency")
    assert len({groups[name] for name in firms}) == 4
    for number in (1, 2, 3):
        assert groups[f"at-{number}"] == groups[f"client-{number}"]
        assert conflicts(lab, f"contacts:at-{number}") == {("domain", "unconfirmed")}
    assert groups["moved"] == groups["client-1"]


def test_a_contacts_domain_counts_where_it_is_the_companys_or_the_contact_has_none(
    lab: Lab, groups: dict[str, str]
) -> None:
    assert groups["of-agency"] == groups["agency"]
    assert groups["free"] == groups["client-2"]
    assert groups["own"] == groups["client-1"]
    assert conflicts(lab, "contacts:own") == set()
    assert groups["new-1"] == groups["new-2"] == groups["no-account"]
    assert "private" not in groups


def test_a_record_whose_own_key_looks_like_nothing_keeps_it(groups: dict[str, str]) -> None:
    assert groups["0"] == groups["of-zero"]


@pytest.mark.long
def test_all_at_once_or_one_after_the_other_is_the_same(lab: Lab, groups: dict[str, str]) -> None:
    links = lab.query("select * exclude (component_node, cluster_node) from "
                      "analytics.identity_links order by record_node, value_node")  # fmt: skip
    lab.load(ROWS[::2])
    lab.build(command="run")
    lab.load(ROWS)
    lab.build(command="run")
    stepwise = lab.query("select * exclude (component_node, cluster_node) from "
                         "analytics.identity_links order by record_node, value_node")  # fmt: skip
    assert stepwise == links
    assert lab.groups("account") == groups
