"""What two records are to each other: levels, weights, decisions, and how identity takes them."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import numpy as np
import pytest

from sync.cli.main import run
from sync.identity.matching.em import Patterns, log_odds
from sync.identity.matching.weights import Kind, Weight, description_of
from tests.python.commands import BuildError
from tests.python.matching.lab import (
    IDENTITY,
    MATCHING,
    SOURCES,
    MatchingLab,
    identity_of,
    matching_of,
    model_of,
    person,
)

# kind, left value, right value, the label of the level ('-': not compared)
LEVELS = [
    ("first_name", "Anna", " ANNA", "exact"),
    ("first_name", "Łukasz", "Lukasz", "exact"),
    ("first_name", "Зоя", "зоя", "exact"),
    ("first_name", "Γιώργος", "Мария", "different"),
    ("last_name", "D'Amico", "Damico", "exact"),
    ("last_name", "Groß", "Gross", "exact"),
    ("last_name", "Müller-Lüdenscheidt", "Muller Ludenscheidt", "exact"),
    ("first_name", "Katherine", "Catherine", "close"),
    ("first_name", "Alexander", "Alex", "short form"),
    ("first_name", "Marta", "Maria", "close"),
    ("first_name", "Anna", "Ella", "different"),
    ("birth_date", "1980-02-03", "19800203", "exact"),
    ("birth_date", "1980-02-03", "1980-03-02", "one character"),
    ("birth_date", "1980-02-03", "1980-02-04", "one character"),
    ("birth_date", "1980-02-03", "1980-11-29", "same year"),
    ("birth_date", "1980-02-03", "1951-11-29", "different"),
    ("birth_date", "1980-02-03", "3.2.1980", "exact"),
    ("birth_date", "03/02/1980", "1980-2-3", "exact"),
    ("birth_date", "1980-02-03 00:00:00", "3-2-1980 ", "exact"),
    ("birth_date", "1980-02-03", "unknown", "-"),
    ("email", "anna@a.org", "ANNA@a.org ", "exact"),
    ("email", "anna.meyer@a.org", "anna.meyer@b.org", "same mailbox"),
    ("email", "anna.meyer12@a.org", "anna.mayer12@a.org", "close"),
    ("email", "anna.meyer12@a.org", "anna.meyer77@a.org", "different"),
    ("email", "anna.meyer@a.org", "a.meyer@a.org", "similar"),
    ("email", "anna.meyer@web.example", "anna.mayer@gmx.example", "-"),
    ("email", "am@a.org", "am@elsewhere.example", "-"),
    ("phone", "+49 30 123456", "4930123456", "exact"),
    ("phone", "+49 151 12345678", "0151 12345678", "same ending"),
    ("phone", "+49 30 123456", "+49 30 123457", "one digit"),
    ("national_id", "8638391", "8368391", "two characters"),
    ("postal_code", "SW1A 1AA", "sw1a1aa", "exact"),
    ("postal_code", "10115", "10999", "same area"),
    ("city", "Frankfurt", "Frankfurt am Main", "contained"),
    ("street", "Haupstrasse 5", "Hauptstrasse 5", "close"),
    ("street", "Hauptstr. 5", "Hauptstrasse 5", "similar"),
    ("street", "Hauptstrasse 5", "Hauptstrasse 75", "different"),
    ("company_name", "Acme Robotics GmbH & Co. KG", "ACME Robotics", "exact"),
    ("company_name", "Acme Robotics S.r.l.", "Acme Robotics sp. z o.o.", "exact"),
    ("company_name", "Company Ltd", "Company, Inc.", "exact"),
    ("company_name", "Acme Robotcs AG", "Acme Robotics AG", "close"),
    ("company_name", "Acme Holding", "Acme Holding Deutschland GmbH", "longer form"),
    ("company_name", "Store 12 Ltd", "Store 17 Ltd", "different"),
    ("company_name", "Delta Bau", "Delta Bank", "similar"),
    ("company_name", "Acme", "Acmeology", "different"),
    ("company_name", "Acme", "Zenith", "different"),
    ("domain", "https://www.acme.example/en", "acme.example", "exact"),
    ("domain", "acme.example", "acme.test", "same name"),
    ("domain", "acme-robotics.example", "acme-robotik.example", "close"),
    ("domain", "acme.example", "zenith.example", "different"),
    ("domain", "n/a", "acme.example", "-"),
    ("tax_id", "DE 123.456.789", "de123456789", "exact"),
    ("tax_id", "DE123456789", "DE123456788", "one character"),
    ("country", "DE", "de", "exact"),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> MatchingLab:
    lab = MatchingLab(tmp_path_factory.mktemp("matching") / "lab")
    lab.build(command="seed")
    return lab


def kinds_of(lab: MatchingLab) -> list[Kind]:
    return description_of(Path(lab.directory) / "target/manifest.json", "person")[0]


def simple_weights(*, household: float = 1e-9) -> list[Weight]:
    """Round numbers: a first name is worth little, a birth date much, an address tells the household."""
    levels = {
        "first_name": [("different", 0.02, 0.99), ("exact", 0.98, 0.01)],
        "last_name": [("different", 0.02, 0.99), ("exact", 0.98, 0.01)],
        "birth_date": [("different", 0.02, 0.9999), ("exact", 0.98, 0.0001)],
        "street": [("different", 0.1, 0.999), ("exact", 0.9, 0.001)],
    }
    tops = {"first_name": 5, "last_name": 4, "birth_date": 5, "street": 3}
    rows = [
        Weight("person", "prior", 0, "two records match", 0.001, 1.0, "trained"),
        Weight("person", "household", 0, "one household", household, 1.0, "trained"),
    ]
    for kind, (low, high) in levels.items():
        for level, (label, m, u) in ((0, low), (tops[kind], high)):
            rows.append(Weight("person", kind, level, label, m, u, "trained"))
    return rows


def test_levels_say_how_alike_two_values_are(lab: MatchingLab) -> None:
    """Each pair meets through a key of its own that the compared kind has no part in."""
    rows = []
    for number, (kind, left, right, _) in enumerate(LEVELS):
        key = "phone" if kind == "national_id" else "national_id"
        for side, value in (("shop", left), ("club", right)):
            rows.append(
                person(side, str(number), **{key: f"{900 + number}00{number}", kind: value})
            )
    lab.load_people(rows)
    lab.build("--select", "+matching_comparisons", command="run")
    kinds = kinds_of(lab)
    names = [kind.name for kind in kinds]
    found = {
        left.removeprefix("club:"): pattern
        for left, right, pattern in lab.query(
            "select left_record_key, right_record_key, pattern from analytics.matching_comparisons"
        )
        if left.split(":")[1] == right.split(":")[1]
    }
    wrong = []
    for number, (kind, left, right, expected) in enumerate(LEVELS):
        mark = found[str(number)][names.index(kind)]
        label = mark if mark == "-" else kinds[names.index(kind)].labels[int(mark)]
        if label != expected:
            wrong.append((kind, left, right, expected, label))
    assert wrong == []


def test_swapped_names_meet_and_are_a_level_of_their_own(lab: MatchingLab) -> None:
    lab.load_people(
        [
            person("shop", "1", first_name="Sophie", last_name="Snell"),
            person("club", "1", first_name="Snell", last_name="Sophie"),
        ]
    )
    lab.build("--select", "+matching_comparisons", command="run")
    ((pattern,),) = lab.query("select pattern from analytics.matching_comparisons")
    labels = [kind.labels for kind in kinds_of(lab)]
    assert labels[0][int(pattern[0])] == "swapped"
    assert pattern[1] == "-", "the last names must not count against what the first names told"


def test_an_address_made_of_the_names_tells_no_more_than_they_do(lab: MatchingLab) -> None:
    anna = {"first_name": "Anna", "last_name": "Meyer", "birth_date": "1980-02-03"}
    lab.load_people(
        [
            person("shop", "1", **anna, email="anna.meyer@gmail.com"),
            person("club", "1", **anna, email="anna.meyer@web.de"),
            person("shop", "2", **anna, email="sonne77@gmail.com"),
            person("club", "2", **anna, email="sonne77@web.de"),
        ]
    )
    lab.build("--select", "+matching_comparisons", command="run")
    place = [kind.name for kind in kinds_of(lab)].index("email")
    found = {
        (left, right): pattern[place]
        for left, right, pattern in lab.query(
            "select left_record_key, right_record_key, pattern from analytics.matching_comparisons"
        )
    }
    assert found["club:1", "shop:1"] == "-"
    assert found["club:2", "shop:2"] == "3"


def test_texts_meet_by_rare_words_and_are_as_alike_as_what_they_share(tmp_path: Path) -> None:
    """No spelling is the same: words are in another order, left out, or cut short."""
    lab = MatchingLab(
        tmp_path / "lab",
        matching_of("person", ["text"]),
        identity_of("person", "customer_id"),
    )
    lab.build(command="seed")
    common = [
        person("shop", f"x{n}", text=f"Department of Physics, University of Town{n}")
        for n in range(60)
    ]
    lab.load_people(
        [
            *common,
            person("shop", "1", text="Dept. of Chemistry, Zwiefalten Institute, Berlin"),
            person("club", "1", text="Zwiefalten Institute Berlin (Chemistry Dept)"),
            person("club", "2", text="Zwiefaltener Inst., Berlin"),
        ]
    )
    lab.build("--select", "+matching_scores", "+matching_rules", command="run")
    found = {
        (left, right): pattern[-1]
        for left, right, pattern in lab.query(
            "select left_record_key, right_record_key, pattern from analytics.matching_comparisons"
        )
    }
    # Words that all have find nobody.
    assert set(found) == {("club:1", "shop:1"), ("club:1", "club:2"), ("club:2", "shop:1")}
    kind = kinds_of(lab)[-1]
    assert kind.name == "text"
    assert kind.labels[int(found["club:1", "shop:1"])] == "nearly all words"
    assert kind.labels[int(found["club:2", "shop:1"])] in ("different", "some words")
    # Each model's own test of its grain.
    lab.build(
        "--select", "matching_words", "matching_blocks", "matching_candidates", command="test"
    )


# What a kind of one's own is compared as, left value, right value, the label of the level ('-': not compared)
OWN_LEVELS = [
    ("person_name", "Dr. Ada Lovelace", "dr ada lovelace", "exact"),
    ("person_name", "Lovelace, Ada", "Lovelace Adda", "close"),
    ("organisation", "Acme Robotics GmbH", "ACME Robotics", "exact"),
    ("organisation", "Store 12 Ltd", "Store 17 Ltd", "different"),
    ("words", "the art of computer programming", "Programming, the art of Computer", "nearly all words"),
    ("words", "the art of computer programming", "a field guide to moths", "different"),
    ("code", "WVW-ZZZ 1JZ", "wvwzzz1jz", "exact"),
    ("code", "WVWZZZ1JZ", "WVWZZZ1J2", "one character"),
    ("date", "2020-02-03", "3.2.2020", "exact"),
    ("date", "2020-02-03", "2020-11-29", "same year"),
    ("number", "12", "12.00", "exact"),
    ("number", "1.2e1", "+12.0", "exact"),
    ("number", "0", "-0.0", "exact"),
    ("number", "100", "100.9", "close"),
    ("number", "-100", "-104", "near"),
    ("number", "100", "120", "same size"),
    ("number", "100", "-100", "different"),
    ("number", "1,200", "1200", "-"),
    ("place", "52.5200,13.4050", "52.52, 13.405", "exact"),
    ("place", "52.5200;13.4050", "52.5210 13.4060", "close"),
    ("place", "52.52,13.405", "52.53,13.42", "near"),
    ("place", "52.52,13.405", "52.40,13.05", "same area"),
    ("place", "52.52,13.405", "48.14,11.58", "different"),
    ("place", "-17.5,179.9999", "-17.5,-179.9999", "exact"),
    ("place", "unknown", "52.52,13.405", "-"),
    ("email", "Office@Acme.example", "office@acme.example", "exact"),
    ("phone", "+49 30 123456", "4930123456", "exact"),
]  # fmt: skip


def test_a_kind_of_ones_own_is_compared_as_what_it_is_declared_as(tmp_path: Path) -> None:
    """Of things: each pair meets by a code of its own, and what is compared is in a column named otherwise than any kind that ships."""
    columns = {
        "code": "tax_id", "organisation": "company_name", "person_name": "last_name", "words": "text", "date": "birth_date",
        "number": "street", "place": "city", "email": "email", "phone": "phone",
    }  # fmt: skip
    own = {f"{name}_of_it": name for name in columns}
    matching = matching_of("person", [])
    for record in matching["entities"]["person"]["records"]:
        record["columns"] = {
            "serial": "national_id",
            **{f"{name}_of_it": column for name, column in columns.items()},
        }
    matching["kinds"] = {**own, "serial": {"compared_as": "code", "identifies": True}}
    lab = MatchingLab(tmp_path / "lab", matching, identity_of("person", "customer_id"))
    lab.build(command="seed")
    rows = [
        person(side, str(number), **{"national_id": f"s{number}n{number}", columns[name]: value})
        for number, (name, left, right, _) in enumerate(OWN_LEVELS)
        for side, value in (("shop", left), ("club", right))
    ]
    # Two texts tell by their words only where others have other words.
    rows += [person("shop", f"t{n}", text=f"title {n} of volume {n}") for n in range(20)]
    rows += [person("shop", "near1", city="48.005,11.0001"), person("club", "near2", city="48.0051,10.9999")]  # fmt: skip
    lab.load_people(rows)
    lab.build("--select", "+matching_patterns", command="run")
    kinds = kinds_of(lab)
    names = [kind.name for kind in kinds]
    assert names[-10:] == sorted([*own, "serial"])
    assert [kind.name for kind in kinds if kind.identifies][-1] == "serial"
    found = {
        (left, right): pattern
        for left, right, pattern in lab.query(
            "select left_record_key, right_record_key, pattern from analytics.matching_comparisons"
        )
    }
    wrong = []
    for number, (name, *values, expected) in enumerate(OWN_LEVELS):
        place = names.index(f"{name}_of_it")
        mark = found[f"club:{number}", f"shop:{number}"][place]
        label = mark if mark == "-" else kinds[place].labels[int(mark)]
        if label != expected:
            wrong.append((name, values, expected, label))
    assert wrong == []
    assert ("club:near2", "shop:near1") in found, "two places meet across the line of a square"
    with pytest.raises(
        BuildError, match="has no weights of person: code_of_it, date_of_it,"
    ) as error:
        lab.build("--warn-error", "--select", "matching_scores", command="run")
    assert "sync train-matching --entity person" in str(error.value)


def crowd(count: int = 40) -> list[dict[str, str]]:
    """People who share names, dates and streets at random, so that values are common and rare."""
    pick = random.Random(3)
    rows = []
    for number in range(count):
        values = {
            "first_name": pick.choice(["Anna", "Anna", "Jan", "Mia"]),
            "last_name": pick.choice(["Kowalska", "Kowalska", "Kowalska", "Nowak", "Zielinski"]),
            "birth_date": f"1980-01-{pick.randint(1, 9):02d}",
            "street": f"Lipowa {pick.randint(1, 6)}",
            "email": f"{number % 7}@mail.org",
            "company_name": ["Acme GmbH", "ACME", "Acme Bau S.r.l.", "Zenith Ltd"][number % 4],
            "domain": ["https://acme.example/en", "acme.test", "zenith.example"][number % 3],
            "tax_id": f"DE {number % 9}",
            "country": ["DE", "FR"][number % 2],
        }
        kept = {kind: value for kind, value in values.items() if pick.random() > 0.2}
        rows.append(person("shop" if number % 2 else "club", str(number), **kept))
    return rows


def test_the_warehouse_scores_as_training_does(lab: MatchingLab) -> None:
    """One model in two languages: weights that training chose mean the same in SQL."""
    rare = [person(source, "rare", first_name="Ola", email="ola@web.org") for source in SOURCES]
    others = [person("shop", f"other{n}", email=f"other{n}@web.org") for n in range(100)]
    lab.load_people([*crowd(), *rare, *others])
    lab.build("--select", "matching_weights", command="seed")
    lab.build("--select", "+matching_scores", command="run")
    rows = lab.query(
        "select pattern, frequency_weight, shared_frequency_weight, kin_weight, match_weight"
        " from analytics.matching_scores inner join analytics.matching_comparisons"
        " using (entity, left_record_key, right_record_key, pattern)"
    )
    assert len(rows) > 100
    kinds = kinds_of(lab)
    weights = [
        Weight(*row)
        for row in lab.query(
            "select entity, kind, level, label, m, u, source from analytics.matching_weights"
            " where entity = 'person'"
        )
    ]
    model, shapes, columns = model_of(weights, kinds)
    levels = np.array([[-1 if mark == "-" else int(mark) for mark in row[0]] for row in rows])
    bits = np.array([row[1:4] for row in rows], dtype=float)
    assert bits[:, 2].max() > 0
    patterns = Patterns(
        levels[:, columns], np.ones(len(rows)), bits[:, 0], bits[:, 1], bits[:, 2], np.zeros(len(rows)), np.zeros(len(rows)),
        np.zeros(len(rows), dtype=np.int64),
    )  # fmt: skip
    expected = log_odds(model, patterns, shapes) / math.log(2)
    assert [row[4] for row in rows] == pytest.approx(list(expected), abs=0.01)


@pytest.mark.long
def test_names_of_ten_thousand_letters_end(lab: MatchingLab) -> None:
    """Edits are counted letter by letter: of what nobody is called the beginning counts."""
    lab.weigh(simple_weights())
    name = "x" * 10_000
    lab.load_people(
        person(SOURCES[n % 2], str(n), first_name=f"{name}{n}", last_name=name, street=name)
        for n in range(60)
    )
    lab.build("--select", "+matching_scores", command="run")
    lengths = "select max(length(first_name)), max(length(street)), count(*) from analytics.matching_records"
    assert lab.query(lengths) == [(200, 200, 60)]
    assert lab.query("select count(*) > 1000 from analytics.matching_scores") == [(True,)]


def weight_of(lab: MatchingLab, left: str, right: str) -> float:
    ((weight,),) = lab.query(
        "select match_weight from analytics.matching_scores"
        f" where left_record_key = '{left}' and right_record_key = '{right}'"
    )
    return float(weight)


def test_agreeing_on_a_rare_value_tells_more_and_a_missing_one_nothing(lab: MatchingLab) -> None:
    lab.weigh(simple_weights())
    common = [
        person("shop", f"c{n}", first_name="Anna", last_name="Kowalska", birth_date=f"19{n}-01-01")
        for n in range(50, 62)
    ]
    lab.load_people(
        [
            *common,
            person("club", "c", first_name="Anna", last_name="Kowalska"),
            person("shop", "r", first_name="Anna", last_name="Zielinski"),
            person("club", "r", first_name="Anna", last_name="Zielinski"),
        ]
    )
    lab.build("--select", "+matching_scores", command="run")
    rare, often = weight_of(lab, "club:r", "shop:r"), weight_of(lab, "club:c", "shop:c50")
    assert rare - often == pytest.approx(math.log2(12 / 1), abs=1e-6)
    # Beside the pair itself: one other of 15 has the last name, and 14 the first name.
    prior = math.log2(0.001 / 0.999)
    assert rare == pytest.approx(
        prior + 2 * math.log2(0.98) + math.log2(15 / 1) + math.log2(15 / 14), abs=1e-4
    )


@pytest.mark.long
def test_a_shared_address_joins_no_household(lab: MatchingLab) -> None:
    """Same rare name, same rare street, another first name and birth date: father and son."""
    rows = [
        person("shop", "1", first_name="Jan", last_name="Rzepka", birth_date="1950-01-01", street="Lipowa 1"),
        person("club", "1", first_name="Ola", last_name="Rzepka", birth_date="1984-05-09", street="Lipowa 1"),
        person("shop", "2", first_name="Jan", last_name="Zyto", birth_date="1951-01-01", street="Dluga 2"),
        person("club", "2", first_name="Jan", last_name="Zyto", birth_date="1951-01-01", street="Dluga 2"),
    ] + [person("shop", f"x{n}", first_name=f"n{n}", last_name=f"m{n}", birth_date=f"1900-01-{n:02d}",
                street=f"s {n}") for n in range(10, 90)]  # fmt: skip
    lab.load_people(rows)
    weights = {}
    for household in (1e-9, 0.001):
        lab.weigh(simple_weights(household=household))
        lab.build("--select", "+matching_scores", command="run")
        weights[household] = weight_of(lab, "club:1", "shop:1"), weight_of(lab, "club:2", "shop:2")
    assert weights[0.001][0] < weights[1e-9][0] - 1, "being of one household must count against"
    assert weights[0.001][0] < 0 < weights[0.001][1]


def decided(lab: MatchingLab, pairs: dict[tuple[str, str], float]) -> dict[tuple[str, str], str]:
    """What the thresholds make of these pairs."""
    lab.execute(
        "create or replace table analytics.matching_scores as select * from (values "
        + ", ".join(
            f"('person', '{left}', '{right}', '5', {math.log2(p / (1 - p))}, {p})"
            for (left, right), p in pairs.items()
        )
        + ") as t(entity, left_record_key, right_record_key, pattern, match_weight, match_probability)"
    )
    lab.build("--select", "matching_decided", command="run")
    return {
        (left, right): decision
        for left, right, decision in lab.query(
            "select left_record_key, right_record_key, decision from analytics.matching_decided"
        )
    }


def test_a_likely_pair_must_be_borne_out_by_its_neighbours(lab: MatchingLab) -> None:
    """One likely but wrong pair would join two groups of four for good."""
    left, right = "abcd", "wxyz"
    inside = {
        (one, two): 0.9995 for side in (left, right) for one in side for two in side if one < two
    }
    found = decided(
        lab, {**inside, ("d", "w"): 0.97, ("a", "m"): 0.96, ("b", "n"): 0.7, ("c", "o"): 0.4}
    )
    assert {found[pair] for pair in inside} == {"accepted"}
    assert found["d", "w"] == "weak_bridge"
    assert found["a", "m"] == "accepted", "m has no other neighbour"
    assert found["b", "n"] == "unsure"
    assert ("c", "o") not in found
    assert decided(lab, {**inside, ("d", "w"): 0.9995})["d", "w"] == "accepted", "strong by itself"
    bridged = {**inside, ("d", "w"): 0.97, ("c", "w"): 0.97, ("d", "x"): 0.97, ("c", "x"): 0.97}
    assert decided(lab, bridged)["d", "w"] == "accepted", "half of the neighbours are shared"


FAMILY = {"last_name": "Rzepka", "street": "Lipowa 1"}
TWINS = [
    person("shop", "1", customer_id="c1", first_name="Jan", birth_date="1950-01-01", **FAMILY),
    person("club", "1", first_name="Jan", birth_date="1950-01-01", **FAMILY),
    person("shop", "2", customer_id="c2", first_name="Ewa", birth_date="1951-02-02", **FAMILY),
    person("club", "2", first_name="Ewa", last_name="Rzepka"),
    person("club", "3", customer_id="c3", first_name="Jan", birth_date="1950-01-01", **FAMILY),
]

CROWD = [
    person(
        "shop",
        f"x{n}",
        first_name=f"n{n}",
        last_name=f"m{n}",
        street=f"s {n}",
        birth_date=f"{n + 1700}-01-01",
    )
    for n in range(10, 210)
]


@pytest.fixture
def family(lab: MatchingLab) -> MatchingLab:
    lab.forget()
    lab.weigh(simple_weights())
    lab.load_people([*TWINS, *CROWD])
    return lab


def apart(groups: set[frozenset[str]], left: str, right: str) -> bool:
    return not any({left, right} <= group for group in groups)


def explained(lab: MatchingLab, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    folder = str(lab.directory)
    lab.release()
    place = ("--project-dir", folder, "--profiles-dir", folder)
    assert run(["explain", "person", *arguments, *place]) == 0
    return capsys.readouterr().out


@pytest.mark.long
def test_identity_joins_matched_pairs_and_its_limits_hold(
    family: MatchingLab, capsys: pytest.CaptureFixture[str]
) -> None:
    """club:3 is as like shop:1 as club:1 is, but it has another customer id, and one person has one."""
    family.override()
    family.build("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    pairs = {
        frozenset(row)
        for row in family.query(
            "select left_record_key, right_record_key from analytics.matched_pairs"
        )
    }
    assert {"shop:1", "club:1"} in pairs
    assert {"shop:1", "club:3"} in pairs
    groups = family.together()
    assert apart(groups, "shop:1", "club:3")
    shed = family.query(
        "select distinct dropped_reason, dropped_detail from analytics.identity_conflicts"
        " where identifier_type = 'match'"
    )
    assert shed == [("limit", "customer_id")]
    told, shown = (
        explained(family, capsys, "club:1", "shop:1"),
        explained(family, capsys, "club:1", "shop:1", "--json"),
    )
    likeness = json.loads(shown)["likeness"]
    assert [one["field"] for one in likeness["fields"]] == [
        "first_name", "last_name", "birth_date", "street"
    ]  # fmt: skip
    assert {one["level"] for one in likeness["fields"]} == {"exact"}
    parts = sum(one["weight"] for one in likeness["fields"])
    total = likeness["prior"] + parts + likeness["household"]
    assert likeness["weight"] == pytest.approx(total, abs=0.05)
    assert likeness["decision"] == "accepted"
    assert "How alike they are" in told
    assert "birth_date" in told
    assert "1950" not in told, "masked unless asked for"
    assert "1950" in explained(family, capsys, "club:1", "shop:1", "--show-values")
    assert json.loads(explained(family, capsys, "shop:2", "shop:x99", "--json"))["likeness"] is None


@pytest.mark.long
def test_who_may_be_either_of_two_people_is_neither(family: MatchingLab) -> None:
    """club:1 is as like shop:1 as like club:3, who are not one person: to choose would be to guess."""
    family.override()
    family.build("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    assert frozenset({"club:1"}) in family.together()
    dropped = family.query(
        "select distinct record_key from analytics.identity_conflicts where identifier_type = 'match'"
    )
    assert {key for (key,) in dropped} == {"club:1", "shop:1", "club:3"}


@pytest.mark.long
def test_limits_take_no_cluster_apart_whose_records_are_all_alike(family: MatchingLab) -> None:
    """Four times one person, each with an id: more than a merge may lead to, and surely one all the same."""
    anna = {
        "first_name": "Anna",
        "last_name": "Rzepka",
        "birth_date": "1961-07-09",
        "street": "Lipowa 1",
    }
    family.load_people(
        [
            *CROWD,
            *(person("shop", f"a{n}", customer_id=f"k{n}", **anna) for n in range(4)),
        ]
    )
    several = identity_of("person", "customer_id")
    rule = {"tier": 1, "exclusive": True, "limit": 10, "merge_limit": 2}
    several["person"]["identifiers"]["customer_id"] = rule
    variables = {"cdp_as_of": "2026-11-24", "cdp_matching": MATCHING}
    try:
        family.configure(several, variables)
        family.build("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
        assert frozenset(f"shop:a{n}" for n in range(4)) in family.together()
        joined = "select joined_by, count(*) from analytics.identity_confidence group by all"
        assert dict(family.query(joined)) == {"probable": 1, "single": len(CROWD)}
    finally:
        family.configure(IDENTITY, variables)


def test_people_decide_over_probability(family: MatchingLab) -> None:
    """Accepted by hand, rejected by hand: neither is asked again, and both hold in identity."""
    family.override()
    family.build("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    before = family.query("select left_record_key, right_record_key from analytics.matching_review")
    assert ("club:2", "shop:2") in before
    assert apart(family.together(), "club:2", "shop:2")
    family.override(
        ("link", "shop:2", "club:2"),
        ("do_not_link", "shop:1", "club:1"),
        ("do_not_link", "club:1", "club:3"),
    )
    family.build("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    after = family.query(
        "select left_record_key, right_record_key from analytics.matching_review union all"
        " select left_record_key, right_record_key from analytics.matched_pairs"
    )
    assert not {("club:2", "shop:2"), ("club:1", "shop:1"), ("club:1", "club:3")} & set(after)
    groups = family.together()
    assert not apart(groups, "club:2", "shop:2")
    assert apart(groups, "club:1", "shop:1")


@pytest.mark.long
def test_companies_are_matched_under_the_same_guard(tmp_path: Path) -> None:
    """One name and one site, written differently, are one company, but not with two tax ids; a name alone is for people to look at."""
    lab = MatchingLab(
        tmp_path / "lab",
        matching_of("account", ("company_name", "domain", "country")),
        identity_of("account", "tax_id"),
    )
    acme = {"company_name": "Acme Robotics GmbH", "country": "DE"}
    beta = {"company_name": "Beta Media", "country": "DE"}
    others = [
        person("shop", f"x{n}", company_name=f"{n:03x}{n * 7:04x} Bau", domain=f"b{n}.example")
        for n in range(100, 300)
    ]
    lab.load_people(
        [
            person("shop", "1", tax_id="DE811907980", domain="acme.example", **acme),
            person("club", "1", domain="acme.test", country="DE", company_name="ACME Robotics"),
            person("shop", "2", tax_id="DE136695976", domain="beta.example", **beta),
            person("club", "2", tax_id="DE129273398", domain="beta.test", **beta),
            person("club", "3", company_name="Acme Robotics Ltd", country="GB"),
            *others,
        ]
    )
    lab.build("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    groups = lab.together()
    assert not apart(groups, "shop:1", "club:1")
    assert apart(groups, "shop:2", "club:2")
    assert apart(groups, "shop:1", "club:3")
    assert len(groups) == 4 + len(others)
    conflicts = "select distinct entity, dropped_reason from analytics.identity_conflicts"
    assert lab.query(f"{conflicts} where identifier_type = 'match'") == [("account", "limit")]


@pytest.mark.long
def test_who_is_one_already_is_not_asked_about(family: MatchingLab) -> None:
    family.override()
    family.load_people(
        [
            *TWINS,
            *CROWD,
            person("shop", "5", customer_id="c9", first_name="Zoe", last_name="Rzepka"),
            person("club", "5", customer_id="c9", first_name="Zoe", last_name="Rzepka"),
        ]
    )
    family.build("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    pair = "where left_record_key = 'club:5' and right_record_key = 'shop:5'"
    assert family.query(f"select decision from analytics.matching_decided {pair}") == [("unsure",)]
    assert not apart(family.together(), "club:5", "shop:5")
    assert family.query(f"select * from analytics.matching_review {pair}") == []
    asked = "select left_entity_id, right_entity_id from analytics.matching_review"
    assert all(left and right and left != right for left, right in family.query(asked))


@pytest.mark.long
def test_switched_off_it_leaves_no_trace(tmp_path: Path) -> None:
    """No model, no table, no word of it in the SQL of identity: what is off costs nothing."""
    lab = MatchingLab(tmp_path / "lab", {**MATCHING, "enabled": False})
    lab.load_people(TWINS)
    lab.build("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    tables = {name for (name,) in lab.query("select table_name from information_schema.tables")}
    assert {name for name in tables if "match" in name} <= {"matching_weights"}
    links = next((lab.directory / "target/compiled").rglob("identity_links.sql")).read_text()
    assert "match" not in links
    assert len(lab.together()) == len(TWINS)


FIRST_NAMES = ("Anna", "Ewa", "Jan", "Mia", "Ola", "Piotr", "Zofia", "Marek", "Igor", "Lena")
LAST_NAMES = ("Kowalska", "Nowak", "Rzepka", "Zielinski", "Wilk", "Lis", "Dudek", "Sowa", "Bak")


def seen(pick: random.Random, values: dict[str, str]) -> dict[str, str]:
    """A record of somebody: values missing, a letter lost, the customer id seldom."""
    kept = {kind: value for kind, value in values.items() if pick.random() > 0.1}
    if pick.random() > 0.3:
        kept.pop("customer_id", None)
    if "last_name" in kept and pick.random() < 0.2:
        kept["last_name"] = kept["last_name"][:-1]
    return kept


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_building_batch_by_batch_gives_what_one_build_gives(lab: MatchingLab, seed: int) -> None:
    """Later records change frequencies, thresholds are crossed both ways, and records go."""
    lab.forget()
    lab.build("--select", "matching_weights", command="seed")
    lab.override()
    pick = random.Random(seed)
    people = [
        {
            "first_name": pick.choice(FIRST_NAMES),
            "last_name": pick.choice(LAST_NAMES),
            "birth_date": f"19{pick.randint(50, 99)}-0{pick.randint(1, 9)}-{pick.randint(10, 28)}",
            "street": f"Lipowa {pick.randint(1, 60)}",
            "customer_id": f"c{pick.randint(1, 30)}",
        }
        for _ in range(60)
    ]
    everyone = [
        person(pick.choice(["shop", "club"]), str(number), **seen(pick, pick.choice(people)))
        for number in range(150)
    ]
    batches = [everyone[:80], everyone[:150], everyone[15:150]]
    for batch in batches:
        lab.load_people(batch)
        lab.build("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    step_by_step = lab.together()
    matched = lab.query(
        "select count(*) from analytics.identity_links where identifier_type = 'match'"
    )
    assert matched[0][0] > 10
    lab.build("--select", "identity_links+", "--full-refresh", command="run")
    assert lab.together() == step_by_step
    lab.forget()
    lab.build("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    assert lab.together() == step_by_step
