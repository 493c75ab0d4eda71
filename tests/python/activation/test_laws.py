"""Consent, suppression and holdout hold in every activation model, in a project of another name that only calls the macro.

Each mutation takes one of them out of `activation()`; the law has to say so, and the table has to stay as it was.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.python.guest import Project

# p1 may be written to; p2 refused; p3 is suppressed; p4 is held out; p5 is erased; p6 never answered.
MODELS = {
    "profiles": "select 'p' || n as profile_id, 'p' || n || '@mail.example' as email from range(1, 7) as numbers (n)",
    "profile_consent": """
        select 'p' || n as profile_id, 'email' as channel, 'marketing' as purpose,
            case when n = 2 then 'opted_out' else 'opted_in' end as state
        from range(1, 6) as numbers (n)
        union all
        select 'p6', 'sms', 'marketing', 'opted_in'""",
    "profile_suppressions": """
        select 'p3' as profile_id, 'email' as channel, 'hard_bounce' as reason
        union all
        select 'p5', 'sms', 'erasure'""",
    "audience_everybody": """
        select profile_id, profile_id = 'p4' as is_holdout, timestamp '2026-11-01' as qualified_at
        from {{ ref('profiles') }}""",
    "sync_memory__everybody": """
        {{ headwater.activation(
            members=ref('audience_everybody'),
            consent={'channel': 'email', 'purpose': 'marketing'},
            identifiers={'email': 'profiles.email'},
            fields={},
        ) }}""",
}
PLAIN = """
    select profile_id, profile_id || '@mail.example' as email, 'hash' as row_hash, {reason} as withheld_reason
    from {{{{ ref('audience_everybody') }}}}
    -- depends_on: {{{{ ref('profile_consent') }}}} {{{{ ref('profile_suppressions') }}}}"""
SYNC = {
    "destination": "memory", "object": {"list": "Everybody"}, "mode": "mirror", "key": ["profile_id"],
    "identifiers": ["email"], "consent": {"channel": "email", "purpose": "marketing"},
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shop = Project(tmp_path)
    shop.models = dict(MODELS)
    shop.syncs = {"everybody": ("sync_memory__everybody", dict(SYNC))}
    return shop


def test_the_macro_as_it_is_breaks_no_law(project: Project) -> None:
    assert project.build() == []
    sent = "select profile_id from analytics.sync_memory__everybody where withheld_reason is null"
    assert project.rows(sent) == [("p1",)]


MUTATIONS = {
    "consent": ("when not has_consent then", "when 1 = 0 then", "2 rows are sent without consent (email, marketing)"),
    "state": ("and state = 'opted_in'", "", "1 rows are sent without consent (email, marketing)"),
    "channel": (
        "channel = {{ headwater.string_literal(consent['channel']) }}\n        and ", "",
        "1 rows are sent without consent (email, marketing)",
    ),
    "suppression": ("when is_suppressed then", "when 1 = 0 then", "2 rows are sent though suppressed"),
    "erasure": ("reason = 'erasure'", "reason = 'forgotten'", "1 rows are sent though suppressed"),
    "holdout": ("when is_holdout then", "when 1 = 0 then", "1 rows are sent though held out of audience_everybody"),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_law_taken_out_of_the_macro_fails_the_model_and_leaves_the_table(
    project: Project, name: str
) -> None:
    old, new, message = MUTATIONS[name]
    project.build()
    before = project.rows("select * from analytics.sync_memory__everybody order by profile_id")
    project.mutate("activation/activation.sql", old, new)
    failed = project.build()
    (error,) = failed
    assert "law broken in sync_memory__everybody" in error
    assert message in error
    after = project.rows("select * from analytics.sync_memory__everybody order by profile_id")
    assert after == before
    # No flag of a push passes it by, whichever warehouse kept the table.
    kept = project.rows("select unique_id, status from analytics_sync.dbt_failures")
    assert ("model.shop.sync_memory__everybody", "law broken") in kept


def test_the_laws_cannot_be_lost_with_the_post_hook(project: Project) -> None:
    project.mutate("activation/activation.sql", "post_hook=", "tags=[] and ")
    project.mutate("activation/activation.sql", "when is_holdout then", "when 1 = 0 then")
    (error,) = project.build()
    assert "1 rows are sent though held out of audience_everybody" in error


@pytest.mark.parametrize(
    ("reason", "broken"),
    [
        ("cast(null as varchar)", ["2 rows are sent without consent", "2 rows are sent though suppressed", "held out"]),
        ("case when profile_id <> 'p1' then 'holdout' end", []),
    ],
)  # fmt: skip
def test_a_model_in_plain_sql_is_held_against_the_laws(
    project: Project, reason: str, broken: list[str]
) -> None:
    project.models["sync_memory__plain"] = PLAIN.format(reason=reason)
    project.syncs["plain"] = ("sync_memory__plain", dict(SYNC))
    failed = project.build()
    assert len(failed) == (1 if broken else 0)
    assert all(one in failed[0] for one in broken)
    # It is a result among the others, and no interrupt.
    assert all(one.startswith("headwater-on-run-end-") for one in failed)
    kept = project.rows("select unique_id, status from analytics_sync.dbt_failures")
    assert kept == ([("model.shop.sync_memory__plain", "law broken")] if broken else [])


def test_the_consent_that_the_macro_told_is_asked_for_without_its_post_hook(
    project: Project,
) -> None:
    project.syncs["everybody"][1].pop("consent")
    project.mutate("activation/activation.sql", "post_hook=", "tags=[] and ")
    project.mutate("activation/activation.sql", "when not has_consent then", "when 1 = 0 then")
    (error,) = project.build()
    assert "2 rows are sent without consent (email, marketing)" in error


def test_an_audience_in_plain_sql_does_not_hide_who_is_held_out_below_it(project: Project) -> None:
    project.models["audience_lately"] = """
        select profile_id, false as is_holdout, qualified_at from {{ ref('audience_everybody') }}"""
    sync = project.models["sync_memory__everybody"]
    project.models["sync_memory__everybody"] = sync.replace("audience_everybody", "audience_lately")
    (error,) = project.build()
    assert "1 rows are sent though held out of audience_everybody" in error


def test_an_exposure_that_asks_for_more_than_the_model_is_an_error(project: Project) -> None:
    project.models["sync_memory__everybody"] = MODELS["sync_memory__everybody"].replace(
        "consent={'channel': 'email', 'purpose': 'marketing'},", "no_consent_because='receipts',"
    )
    (error,) = project.build()
    assert "exposure everybody asks for consent" in error


def test_who_is_held_out_of_a_journey_is_sent_none_of_it(project: Project) -> None:
    project.models["journey_welcome"] = """
        select 't' || profile_id as touchpoint_id, profile_id, true as is_holdout, qualified_at
        from {{ ref('audience_everybody') }} where profile_id = 'p1'"""
    project.models["sync_memory__everybody"] = """
        {{ headwater.activation(
            members="(select touchpoint_id, profile_id, qualified_at from " ~ ref('journey_welcome') ~ ")",
            key=['touchpoint_id'],
            consent={'channel': 'email', 'purpose': 'marketing'},
            identifiers={'email': 'profiles.email'},
            fields={'profile_id': 'members.profile_id'},
            has_holdout=false,
        ) }}"""
    (error,) = project.build()
    assert "1 rows are sent though held out of journey_welcome" in error


def test_a_row_must_say_whose_it_is(project: Project) -> None:
    project.models["journey_welcome"] = """
        select 't' || profile_id as touchpoint_id, profile_id, qualified_at
        from {{ ref('audience_everybody') }} where not is_holdout"""
    project.models["sync_memory__everybody"] = """
        {{ headwater.activation(
            members=ref('journey_welcome'),
            key=['touchpoint_id'],
            consent={'channel': 'email', 'purpose': 'marketing'},
            identifiers={'email': 'profiles.email'},
            fields={},
            has_holdout=false,
        ) }}"""
    (error,) = project.build()
    assert "sync_memory__everybody has no column profile_id" in error
    assert "fields: {'profile_id': 'members.profile_id'}" in error


def test_a_row_of_nobody_is_not_sent_though_no_consent_is_asked(project: Project) -> None:
    project.models["sync_memory__everybody"] = """
        select case when profile_id <> 'p3' then profile_id end as profile_id, profile_id || '@mail.example' as email
        from {{ ref('profiles') }} where profile_id in ('p1', 'p3')
        -- {{ ref('profile_suppressions') }}"""
    project.syncs["everybody"][1].pop("consent")
    (error,) = project.build()
    assert "1 rows are sent without a profile_id" in error


def test_people_are_sent_by_a_consent_or_by_a_reason_for_none(project: Project) -> None:
    everybody = MODELS["sync_memory__everybody"]
    asked = "consent={'channel': 'email', 'purpose': 'marketing'},"
    project.syncs["everybody"][1].pop("consent")
    for told, said in (
        ("", "people are sent without a word on consent. Say consent={"),
        ("no_consent_because='',", "no_consent_because wants the reason"),
        (f"{asked} no_consent_because='receipts',", "says consent and no_consent_because"),
    ):
        project.models["sync_memory__everybody"] = everybody.replace(asked, told)
        (error,) = project.build()
        assert said in error
    project.models["sync_memory__everybody"] = everybody.replace(
        asked, "no_consent_because='receipts',"
    )
    assert project.build() == []
    # Who unsubscribed is sent their receipt, who is erased is not.
    sent = "select profile_id from analytics.sync_memory__everybody where withheld_reason is null order by 1"
    assert [row[0] for row in project.rows(sent)] == ["p1", "p2", "p3", "p6"]


def test_plain_sql_of_people_says_so_too(project: Project) -> None:
    project.models["sync_memory__everybody"] = PLAIN.format(
        reason="case when profile_id in ('p4', 'p5') then 'holdout' end"
    )
    project.syncs["everybody"][1].pop("consent")
    (error,) = project.build()
    assert "4 rows are sent without a word on consent (say consent: in the sync" in error
    meta = "{{ config(meta={'activation': {'no_consent_because': 'receipts'}}) }}"
    project.models["sync_memory__everybody"] = meta + project.models["sync_memory__everybody"]
    assert project.build() == []


def test_a_holdout_is_ignored_only_for_a_reason(project: Project) -> None:
    everybody = MODELS["sync_memory__everybody"].replace(
        "fields={},", "fields={}, has_holdout=false,"
    )
    project.models["sync_memory__everybody"] = everybody
    (error,) = project.build()
    assert "though held out" in error
    project.models["sync_memory__everybody"] = everybody.replace(
        "has_holdout=false,", "has_holdout=false, holdout_ignored_because=' ',"
    )  # fmt: skip
    (error,) = project.build()
    assert "holdout_ignored_because wants the reason" in error
    project.models["sync_memory__everybody"] = everybody.replace(
        "has_holdout=false,", "has_holdout=false, holdout_ignored_because='a register, not a campaign',"
    )  # fmt: skip
    assert project.build() == []
