"""What belongs to people, such as pets: audiences ask of owners and of pets, and rows go out as the owners agreed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.python.guest import Project

# p1 said yes; p2 refused; p3 said yes and is suppressed; p4 said yes; p5 is nobody's profile.
PETS = [
    ("a", "p1", "dog", 3), ("b", "p1", "dog", 9), ("c", "p2", "dog", 5), ("d", "p3", "cat", 4),
    ("e", "p4", "dog", 7), ("f", "p5", "dog", 2), ("g", None, "dog", 1),
]  # fmt: skip
COUNTRY = {"p1": "DE", "p2": "DE", "p3": "AT", "p4": "FR"}
AUDIENCES = {
    "german_dogs": "entity: pet\nall:\n  - {trait: species, equals: dog}\n  - {person: {trait: country, equals: DE}}",
    "nobodys_pets": "entity: pet\nnot: {person: {trait: country, is_null: false}}",
    "dog_owners": "entity: person\nall:\n  - {pet: {trait: species, equals: dog}}",
    "owners_of_two": "entity: person\nall:\n  - {pet: {all: [{trait: age, '>=': 3}, {person: {trait: country, equals: DE}}]}, at_least: 2}",
    "shared_dogs": "entity: pet\nall:\n  - {trait: species, equals: dog}\n  - {related: pet_shares, at_least: 2}",
    "owners_of_shares": "entity: person\nall:\n  - {share: {trait: species, equals: dog}, at_least: 2}",
    "german_shares": "entity: share\nall:\n  - {person: {trait: country, equals: DE}}",
    "without_dogs": "entity: person\nall:\n  - {pet: {trait: species, equals: dog}, exactly: 0}",
}  # fmt: skip
MODELS = {
    "profiles": "select *, profile_id || '@mail.example' as email from (values "
    + ", ".join(map(str, COUNTRY.items())) + ") as people (profile_id, country)",
    "pets": "select * from (values " + ", ".join(str(pet).replace("None", "null") for pet in PETS)
    + ") as pets (pet_id, profile_id, species, age)",
    "profile_consent": """
        select profile_id, 'email' as channel, 'marketing' as purpose,
            case when profile_id = 'p2' then 'opted_out' else 'opted_in' end as state
        from {{ ref('profiles') }}""",
    # Two of the dogs have two owners, who are rows of their own.
    "pet_shares": "select * from (values "
    "('a1', 'a', 'p1', 'dog'), ('a2', 'a', 'p4', 'dog'), ('c1', 'c', 'p2', 'dog'), ('c2', 'c', 'p4', 'dog'), ('d1', 'd', 'p3', 'cat')"
    ") as shares (share_id, pet_id, profile_id, species)",
    "profile_suppressions": "select 'p3' as profile_id, 'email' as channel, 'hard_bounce' as reason",
    "audience_pets": """
        {{ config(meta={'entity': 'pet'}) }}
        select pet_id, pet_id = 'e' as is_holdout, timestamp '2026-11-01' as qualified_at from {{ ref('pets') }}""",
    "sync_memory__pets": """
        {{ headwater.activation(
            members=ref('audience_pets'), entity='pet',
            consent={'channel': 'email', 'purpose': 'marketing'},
            identifiers={'email': 'profiles.email'},
            fields={'species': 'pet.species', 'country': 'profiles.country'},
        ) }}""",
}  # fmt: skip
MODELS |= {
    f"audience_{name}": f"{{% set definition %}}\n{text}\n{{% endset %}}\n{{{{ headwater.audience(definition) }}}}"
    for name, text in AUDIENCES.items()
}
ENTITIES = {
    "pet": {"model": "pets", "key": "pet_id", "of": "person"},
    "share": {"model": "pet_shares", "key": "share_id", "of": "person"},
}
SYNC = {
    "destination": "memory", "object": {"list": "Pets"}, "mode": "mirror", "key": ["pet_id"],
    "identifiers": ["email"], "consent": {"channel": "email", "purpose": "marketing"},
}  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project(tmp_path_factory.mktemp("things"))
    project.models = dict(MODELS)
    project.vars = {"cdp_entities": ENTITIES, "cdp_as_of": "2026-11-23 12:00:00"}
    project.syncs = {"pets": ("sync_memory__pets", dict(SYNC))}
    assert project.build() == []
    return project


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("german_dogs", {"a", "b", "c"}),
        ("nobodys_pets", {"f", "g"}),
        ("dog_owners", {"p1", "p2", "p4"}),
        ("owners_of_two", {"p1"}),
        ("shared_dogs", {"a", "c"}),
        ("owners_of_shares", {"p4"}),
        ("german_shares", {"a1", "c1"}),
        ("without_dogs", {"p3"}),
    ],
)
def test_pets_are_asked_of_their_owners_and_owners_of_their_pets(
    shop: Project, name: str, wanted: set[str]
) -> None:
    assert {row[0] for row in shop.rows(f"select * from analytics.audience_{name}")} == wanted


def test_a_pets_row_goes_out_as_its_owner_agreed(shop: Project) -> None:
    found = shop.rows(
        "select pet_id, profile_id, email, species, country, withheld_reason from analytics.sync_memory__pets order by 1"
    )
    assert found == [
        ("a", "p1", "p1@mail.example", "dog", "DE", None),
        ("b", "p1", "p1@mail.example", "dog", "DE", None),
        ("c", "p2", "p2@mail.example", "dog", "DE", "no_consent"),
        ("d", "p3", "p3@mail.example", "cat", "AT", "suppressed"),
        ("e", "p4", "p4@mail.example", "dog", "FR", "holdout"),
    ]


def test_laws_hold_of_what_belongs_to_people_too(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.models = {
        name: text
        for name, text in MODELS.items()
        if name.removeprefix("audience_") not in AUDIENCES
    }
    project.vars = {"cdp_entities": ENTITIES}
    project.syncs = {"pets": ("sync_memory__pets", dict(SYNC))}
    project.mutate("activation/activation.sql", "when is_holdout then", "when 1 = 0 then")
    (said,) = project.build()
    assert "1 rows are sent though held out of audience_pets" in said
    project.vars = {"cdp_entities": {"pet": {"model": "pets", "key": "pet_id"}}}
    (said,) = project.build()
    assert "nobody knows whose a 'pet' is" in said
    assert "vars: cdp_entities: pet: of: person" in said
    project.models["sync_memory__pets"] = MODELS["sync_memory__pets"].replace("'pet'", "'pett'")
    (said,) = project.build()
    assert "entity 'pett' is not one of person, account, pet; did you mean 'pet'?" in said
