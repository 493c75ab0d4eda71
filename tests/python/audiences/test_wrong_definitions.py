"""A wrong audience or journey stops its own model, and `dbt parse` warns: which model, which key, what is allowed, the nearest name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager

from tests.python.audiences.project import make_project, messages_of_dbt, said_by_dbt

STUBS = {
    "profiles": "select 'p' as profile_id, 'DE' as country",
    "accounts": "select 'a' as account_id, 'x' as plan",
    "account_contacts": "select 'a' as account_id, 'p' as profile_id",
    "profile_product_lines": "select 'p' as profile_id, 'outdoor' as product_line",
    "event_order_placed": "select 'e' as event_id, 'p' as profile_id, 1 as revenue_eur",
    "event_campaign_engaged": "select 'e' as event_id, 'p' as profile_id",
    "identity_aliases": "select 'p' as old_id, 'p' as live_id, 'q' as split_from_id, "
    "current_timestamp as shared_from_at, current_timestamp as shared_until_at",
    "profile_consent": "select 'p' as profile_id",
    "profile_suppressions": "select 'p' as profile_id",
    "profile_identifiers": "select 'p' as profile_id",
    "card_list": "select 'c' as card_number",
    "journey_tried": "select 'p' as profile_id",
    "stg_sync__acknowledgements": "select 's' as sync_name",
    "audience_everybody": "select 'p' as profile_id, false as is_holdout",
}
EVENT = {
    "name": "order_placed", "model": "event_order_placed", "key": "event_id", "time": "occurred_at",
    "entity": "person", "properties": ["revenue_eur", "product_line"],
}  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wrong")
    make_project(
        folder,
        folder / "wrong.duckdb",
        STUBS,
        {"cdp_events": [EVENT], "cdp_identity": {"person": {"identifiers": {"card_number": {}}}}},
    )
    return folder


@pytest.fixture
def model(project: Path) -> Iterator[Path]:
    path = project / "models" / "audience_tried.sql"
    yield path
    path.unlink(missing_ok=True)


def parsed(project: Path, model: Path, macro: str, definition: str) -> str:
    """What dbt says; empty when it parses."""
    model.write_text(
        f"{{% set definition %}}\n{definition}\n{{% endset %}}\n{{{{ headwater.{macro}(definition) }}}}\n"
    )
    return said_by_dbt(project, "parse")


GOOD = """
all:
  - {trait: country, in: [DE, FR]}
  - {did: order_placed, at_least: 2, within: 90 days, where: {product_line: outdoor}}
  - {did: order_placed, sum: {property: revenue_eur, ">=": 100}}
  - any:
      - {trait: country, contains: "100%"}
      - {member_of: audience_everybody}
      - {did: order_placed, then: {did: order_placed, within: 7 days}}
  - account: {trait: plan, equals: enterprise}
  - not: {did: order_placed, within: 14 days}
  - {product_line: any}
sample: {percent: 50}
holdout: {percent: 10, salt: spring}
limit: {top: 5, by: country}
"""


def test_everything_the_how_to_names_parses(project: Path, model: Path) -> None:
    assert parsed(project, model, "audience", GOOD) == ""


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        (
            "entity: persn\ntrait: country\nequals: DE",
            ["entity", "person, account", "did you mean 'person'"],
        ),
        ("trait: country", ["trait", "equals, not_equals"]),
        ("trait: country\nequalls: DE", ["equalls", "did you mean 'equals'"]),
        ("trait: country\nin: DE", ["trait.in", "a list"]),
        ("all:\n  - did: order_plcaed", ["all[1].did (line 3)", "no model 'event_order_plcaed'; did you mean 'event_order_placed'"]),
        ("or:\n  - {trait: country, equals: DE}", ["or (line 2)", "did you mean 'any'"]),
        ("did: order_placed\nwhere: {produkt_line: x}", ["where", "did you mean 'product_line'"]),
        ("did: order_placed\nwithin: soon", ["'soon' is no duration", "90 days"]),
        ("did: order_placed\nat_least: many", ["at_least", "whole number"]),
        ("did: order_placed\nat_least: 0", ["exactly: 0"]),
        ("did: order_placed\nsum: {property: revenue, '>=': 1}", ["revenue_eur"]),
        ("all:\n  trait: country", ["all", "a list of conditions"]),
        ("trait: country\nequals: DE\ndid: order_placed", ["trait+did", "all: or any:"]),
        ("trait: country\nequals: DE\nholdout: {percent: 110}", ["holdout", "0 to 100"]),
        ("trait: country\nequals: DE\nlimit: 5", ["limit", "top"]),
        ("did: order_placed\nsince: entry", ["since", "conditions of journeys"]),
        ("just words", ["no YAML mapping"]),
        ("trait: country\nequals: two\n  lines", ["no YAML mapping", "quotes"]),
        ("trait: country\nequals: &word DE", ["line 3", "`&`", "in quotes"]),
        ("entity: account\ncontacts: {atleast: 3, who: {trait: plan, equals: x}}", ["contacts", "did you mean 'at_least'"]),
        ("trait: country\nequals: DE\nholdot: {percent: 5}", ["holdot", "did you mean 'holdout'"]),
        ("trait: country\nequals: DE\nholdout: {percent: 5, slat: x}", ["holdout (line 4): 'slat'", "percent, salt"]),
    ],
)  # fmt: skip
def test_a_wrong_audience_says_where_and_what_is_allowed(
    project: Path, model: Path, definition: str, said: list[str]
) -> None:
    message = parsed(project, model, "audience", definition)
    assert "audience_tried" in message
    for words in said:
        assert words in message


SURPRISES = """
all:
  - {trait: country, in: [NO, SE]}
  - trait: country
    starts_with: 01
  - {trait: country, equals: 01067}
  - {trait: country, equals: 1e3}
  - {trait: country, equals: 12:30}
  - {trait: country, equals: ~}
  - {trait: country, equals: on}
  - {trait: country, before: 2026-02-30}
  - {trait: country, equals: 0x1F}
  - {trait: country, equals: 1_000}
  - did: order_placed
    within:
  - {trait: country, equals: a, equals: b}
  - trait: country
    equals: a  # not: {this}
    "equals": b
holdout: {percent: 10}
holdout: {percent: 20}
"""
SURPRISED = {
    "all[1].in[1] (line 4)": "quote it: 'NO'", "all[2].starts_with (line 6)": "quote it: '01'", "all[3].equals": "quote it: '01067'",
    "all[4].equals": "plain digits", "all[5].equals": "quote it: '12:30'", "all[6].equals": "is_null: true",
    "all[7].equals": "true or false",
    "all[8].before": "no date", "all[9].equals": "`0x1F`", "all[10].equals": "`1_000`", "all[11].within (line 16)": "left empty",
    "all[12].equals (line 17)": "given twice", "all[13].equals (line 20)": "given twice",
    "holdout (line 22)": "given twice",
}  # fmt: skip
CONTRADICTIONS = """
all:
  - {did: order_placed, at_most: 5, exactly: 2}
  - {did: order_placed, at_least: 5, at_most: 2}
  - {trait: country, between: [5, 1]}
  - {trait: country, ">": 5, "<=": 5}
  - {trait: country, equals: DE, in: [FR, SE]}
  - {trait: country, in: [DE], not_in: [DE, FR]}
  - {trait: country, is_null: true, equals: DE}
  - {trait: country, within: 30 days, older_than: 6 weeks}
  - {trait: country, on_or_after: "2026-11-23 00:00:00+02:00", before: 2026-11-22}
  - {did: order_placed, within: 0 days}
  - {did: order_placed, then: {did: order_placed, witin: 5 days}}
  - {did: order_placed, then: {}}
  - {did: order_placed, last: {oldr_than: 5 days}}
  - {did: order_placed, where: {}}
  - {trait: country, is_null: "no"}
  - {trait: country, contains: 5}
  - {member_of: everybody}
  - {product_line: outdoor, wher: {order_count: 1}}
  - {account: {trait: plan, equls: x}}
  - {trait: country, before: soon}
  - {did: order_placed, within: 2 weeks, last: {older_than: 30 days}}
  - {trait: country, equals: ""}
  - {trait: country, not_in: [DE, "  "]}
  - {trait: country, starts_with: ""}
limit: {top: 0, by: country}
sample: {percent: 20, salt: 3}
"""
CONTRADICTED = {
    "all[1].did": "exactly: cannot stand beside at_most", "all[2].did": "at least 5 and at most 2", "all[3].trait": "from 5 up to 1",
    "all[4].trait": "from 5 up to 5", "all[5].trait": "equals and in", "all[6].trait": "in and not_in", "all[7].trait": "absent value",
    "all[8].trait": "within 30 days and older than 6 weeks", "all[9].trait": "from 2026-11-22 22:00:00 up to 2026-11-22 00:00:00",
    "all[10].did.within": "holds nothing", "all[11].did.then": "did you mean 'within'", "all[12].did.then": "wants {did:",
    "all[13].did.last": "did you mean 'older_than'", "all[14].did.where": "wants {property", "all[15].trait.is_null": "without quotes",
    "all[16].trait.contains": "quote it: '5'", "all[17].member_of": "audience_...", "all[18].product_line": "did you mean 'where'",
    "all[19].account.trait": "did you mean 'equals'", "all[20].trait.before": "no date or time",
    "all[21].did.last": "those of the window", "limit": "1 or more",
    "all[22].trait.equals": "empty text", "all[23].trait.not_in[2]": "is_null: false", "all[24].trait.starts_with": "is_null: true",
    "sample.salt": "a word",
}  # fmt: skip


WIDER = """
all:
  - {did: order_placed, during: last mnth}
  - {did: order_placed, between: [30 days ago, 90 days ago]}
  - {did: order_placed, within: 3 days, during: today}
  - {did: order_placed, in_each: month}
  - {did: order_placed, during: last 3 months, in_each: monht}
  - {did: order_placed, when: {weekday: [saterday]}}
  - {did: order_placed, when: {hours: 5}}
  - {did: order_placed, count: {distinct: revenu_eur, ">": 1}}
  - {did: order_placed, share: {">": 0.5}}
  - {did: order_placed, last: {of: 2, at_least: 3, where: {revenue_eur: 5}}}
  - {did: order_placed, count: {">": {previous: window}}}
  - {did: order_placed, max: 5}
  - {trait: country, within_next: soon}
  - {trait: country, anniversary: {within: 7 days, within_next: 7 days}}
  - {trait: country, anniversary: {within_next: 7 days, yeers: 1}}
  - {trait: country, ">": {mean: country, pre: plan}}
  - {trait: country, ">": {averge: country}}
  - {trait: country, ">": {percentile: country, at: 101}}
  - {trait: country, rank: {"<=": 5, from: lowst}}
  - {trait: country, tile: {of: 1, equals: 1}}
  - {trait: country, ">": {trait: country, times: "2"}}
  - {sequence: [{did: order_placed}]}
  - {sequence: [{did: order_placed}, {did_not: order_placed}]}
  - {sequence: [{did: order_placed}, {did: order_placed, witin: 3 days}]}
  - {sequence: [{did: order_placed}, {did: order_placed}], same: product_lin}
  - {related: card_list, wher: {card_number: x}}
  - {related: card_list, within: 3 days}
  - {consent: {channel: e-mail}}
  - {consent: {channel: email, state: opted_inn}}
  - {suppressed: {channel: email, reason: bounce}}
  - {in_list: {model: card_list, colum: card_number}}
  - {in_list: {model: card_list, column: card_number, identifier: card}}
  - {near: {lat: 91, lon: 0, km: 1}}
  - {member_of: audience_everybody, entred: {within: 7 days}}
  - {was_sent: {snyc: mails}}
  - {was_sent: {step: mail}}
  - {in_journey: tried}
  - {in_journey: journey_tried, happend: {within: 7 days}}
  - {did: order_placed, where: {revenue_eur: {">": {trait: country}}}}
"""
WIDER_SAID = {
    "all[1].did.during (line 4)": "did you mean 'last month'", "all[2].did.between": "[earlier, later]", "all[3].did": "wants one window",
    "all[4].did.in_each": "beside during:",
    "all[5].did.in_each": "did you mean 'month'", "all[6].did.when.weekday": "did you mean 'saturday'",
    "all[7].did.when": "did you mean 'hour'", "all[8].did.count": "did you mean 'revenue_eur'", "all[9].did.share": "wants where: or when:",
    "all[10].did.last": "not more than of:", "all[11].did": "wants a window", "all[12].did.max": "wants a mapping",
    "all[13].trait.within_next": "no duration", "all[14].trait.anniversary": "wants one of",
    "all[15].trait.anniversary": "did you mean 'years'",
    "all[16].trait.>": "'pre' is not one of", "all[17].trait.>": "one of trait, figure, mean", "all[18].trait.>.at": "0 to 100",
    "all[19].trait.rank.from": "did you mean 'lowest'", "all[20].trait.tile.of": "2 to 1000", "all[21].trait.>.times": "without quotes",
    "all[22].sequence": "two steps", "all[23].sequence[2]": "so_far: true", "all[24].sequence[2] (line 27)": "did you mean 'within'",
    "all[25].sequence[1]": "did you mean 'product_line'", "all[26].related": "did you mean 'where'", "all[27].related": "wants at:",
    "all[28].consent.channel": "did you mean 'email'", "all[29].consent.state": "did you mean 'opted_in'",
    "all[30].suppressed.reason": "did you mean 'hard_bounce'", "all[31].in_list": "column: its column",
    "all[32].in_list.identifier": "did you mean 'card_number'", "all[33].near": "-90 to 90", "all[34].member_of": "did you mean 'entered'",
    "all[35].was_sent": "'snyc' is not one of", "all[36].was_sent.step": "journey: beside it", "all[37].in_journey": "journey_...",
    "all[38].in_journey": "did you mean 'happened'", "all[39].did.where.revenue_eur.> (line 42)": "one of property",
}  # fmt: skip

NEVER = """
all:
  - {did: order_placed, during: next month, exactly: 0}
  - {did: order_placed, between: [tomorrow, in 3 days]}
  - {did: order_placed, during: 2099-01}
  - {did: order_placed, share: {where: {revenue_eur: 5}, ">": 30}}
  - {did: order_placed, when: {hour: {between: [22, 25]}}}
  - {did: order_placed, when: {day: [1, 32]}}
  - {did: order_placed, when: {month: 0}}
  - {trait: country, tile: {of: 5, equals: 6}}
  - {trait: country, rank: {"<=": 0}}
  - {trait: country, ">": {percentile: country, at: 0.9}}
  - {related: card_list, at: seen_at, during: tomorrow}
"""
NEVER_SAID = {
    "all[1].did.during": "always to come", "all[2].did.between": "always to come", "all[4].did.share.>": "0 to 1",
    "all[5].did.when.hour.between": "25 is never", "all[6].did.when.day.in": "1 to 31", "all[7].did.when.month.equals": "1 to 12",
    "all[8].trait.tile.equals": "1 to 5", "all[9].trait.rank.<=": "1 or more", "all[10].trait.>.at": "for the 90th say 90",
    "all[11].related.during": "where: {its column",
}  # fmt: skip


def test_only_dates_may_be_to_come(project: Path, model: Path) -> None:
    said = parsed(project, model, "audience", NEVER)
    assert "all[3]" not in said


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        (SURPRISES, SURPRISED),
        (CONTRADICTIONS, CONTRADICTED),
        (WIDER, WIDER_SAID),
        (NEVER, NEVER_SAID),
    ],
)
def test_every_mistake_of_a_definition_is_told_at_once(
    project: Path, model: Path, definition: str, said: dict[str, str]
) -> None:
    lines = parsed(project, model, "audience", definition).splitlines()
    for place, words in said.items():
        assert any(line.strip().startswith(place) and words in line for line in lines), (
            place,
            words,
            lines,
        )


WRITTEN_IN_MANY_WAYS = """
all:
  - trait: a
    equals: "it's {a}, [b]: # no"
  - trait: b
    equals: it's a [b] {c}, d#e   # comment: {not, a, map
  - {trait: c, in: ['a\'\'b', "c\\"d", plain text, a:b, http://x.y/z?a=1#f]}
  - {"trait":"d","equals":"é😀"}
  - { trait: e,
      in: [no-one, # c
        'NO']}
  - trait: f
    ">=": 1.50
  - {trait: g, equals: " b  "}
  - trait: h
    in:
    - 'b: c'
    - "01"
    - -x
  - trait: i
    in:
      - -5
      - 7
"""


def test_a_value_is_read_as_it_is_written(project: Path, model: Path) -> None:
    import json

    assert parsed(project, model, "audience", WRITTEN_IN_MANY_WAYS) == ""
    manifest = json.loads((project / "target" / "manifest.json").read_text())
    read = manifest["nodes"]["model.headwater.audience_tried"]["config"]["meta"]["audience"]["all"]
    assert [next(value for key, value in one.items() if key != "trait") for one in read] == [
        "it's {a}, [b]: # no", "it's a [b] {c}, d#e", ["a'b", 'c"d', "plain text", "a:b", "http://x.y/z?a=1#f"], "é😀",
        ["no-one", "NO"], 1.5,
        " b  ", ["b: c", "01", "-x"], [-5, 7],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ("steps: []", ["entry", "audience"]),
        (
            "entry: {audience: audience_everybody}\nsteps:\n  - wiat: {for: 1 day}",
            ["steps[1]", "wait"],
        ),
        ("entry: {audience: audience_everybody}\nsteps:\n  - wait: {for: a while}", ["duration"]),
        (
            "entry: {audience: audience_everybody}\nsteps:\n  - {name: Bad Name, wait: {for: 1 day}}",
            ["small letters"],
        ),
        (
            "entry: {audience: audience_everybody}\nsteps:\n"
            "  - branch: {if: {engaged: {touchpoint: mail}}}",
            ["engaged", "no touchpoint 'mail' comes before"],
        ),
        (
            "entry: {audience: audience_everybody}\nsteps:\n  - {wait: {for: 1 day}}",
            ["steps[1].wait", "wants a name", "first_wait"],
        ),
        (
            "entry: {audience: audience_everybody}\nsteps:\n  - {name: exit, wait: {for: 1 day}}",
            ["'exit' must be new", "not entry or exit"],
        ),
        (
            "entry: {audience: audience_everybody}\nsteps:\n  - {name: 7, wait: {for: 1 day}}",
            ["'7' must be new"],
        ),
        (
            "entry: {audience: audience_everybody}\nrenamed: {hllo: old}\nsteps:\n"
            "  - {name: hello, wait: {for: 1 day}}",
            ["renamed", "did you mean 'hello'"],
        ),
        (
            "entry: {audience: audience_everybody}\nremoved: [hello]\nsteps:\n"
            "  - {name: hello, wait: {for: 1 day}}",
            ["removed", "'hello' is a step still"],
        ),
        (
            "entry: {audience: audience_everybody}\ninserted: {hello: all}\nsteps:\n"
            "  - {name: hello, wait: {for: 1 day}}",
            ["inserted.hello", "newcomers, everybody"],
        ),
        (
            "entry: {audience: audience_everybody}\nsteps:\n"
            "  - {name: hello, goal: {did: order_placed, since: entri}}",
            ["since", "did you mean 'entry'"],
        ),
        (
            "entry: {audience: audience_everybody}\nsteps:\n"
            "  - {name: hello, touchpoint: {destination: mailer, channel: e-mail, template: hello}}",
            ["touchpoint.channel", "'e-mail' is not one of", "did you mean 'email'"],
        ),
        (
            "entry: {audience: audience_everybody}\nre_entry: often\nsteps: []",
            ["re_entry", "never"],
        ),
        ("entry: {audience: audience_everybody, from: 2026-12-24, to: 2026-12-01}\nsteps: []", ["entry.to", "is before from:"]),
        ("entry: {audience: audience_everybody}\nsteps:\n  - exit: {}\n  - {name: a, wait: {for: 1 days}}", ["steps[2]", "nobody comes"]),
        ("entry: {audience: audience_everybody}\nsteps:\n  - {name: a, wait: {for: 0 days}}", ["steps[1].wait", "holds nothing"]),
        ("entry: {audience: audience_everybody}\nexit_when: {did: order_placed, exactly: 0}\nsteps: []", ["exit_when", "since: ever"]),
        ("entry: {audience: audience_everybody}\nexit_when: {member_of: audience_everybody}\nsteps: []", ["exit_when", "not: {member_of"]),
        ("entry: {audience: audience_everybody}\nsteps:\n  - {name: a, jump: {to: b}}", ["steps[1].jump", "stands later"]),
        ("entry: {audience: audience_everybody}\nsteps:\n  - {name: a, repeat: {at_most: 50, steps: []}}", ["steps[1].repeat", "2 to 12"]),
        ("entry: {did: order_placed, again: often}\nsteps: []", ["entry.again", "when_left"]),
        ("entry: {did: order_placed}\nsteps:\n  - {name: a, branch: {if: {entry: {revenu_eur: 5}}}}",
         ["steps[1].branch.if.entry", "'revenue_eur'"]),
        ("entry: {audience: audience_everybody, cpa: 5}\nsteps: []", ["entry", "'cpa' is not one of audience"]),
        ("entry: {audience: audience_everybody}\nexit_when: {}\nsteps: []", ["exit_when", "wants a condition"]),
        (
            "entry: {audience: audience_everybody, re_entry: {after: 3 days}}\nsteps: []",
            ["entry.re_entry (line 2): stands beside entry:, not in it"],
        ),
        ("entry: {audence: audience_everybody}\nsteps: []", ["entry (line 2)", "not audence; did you mean 'audience'"]),
        (
            "entry: {audience: audience_everybody}\nsteps:\n  - wait: {for: 3 days, until: {did: order_placed}}",
            ["steps[1].wait", "wants {for: a duration}, {until: a condition, timeout: a duration}, ", "not for, until"],
        ),
        (
            "entry: {audience: audience_everybody}\nsteps:\n  - wait: {for: 3 days}\n    wait: {for: 4 days}",
            ["steps[1].wait (line 5): is given twice"],
        ),
        (
            "entry: {audience: audience_everybody}\nsteps:\n  - goal: {}", ["goal", "wants a condition"],
        ),
        (
            "entry: {audience: audience_everybody}\nsteps:\n  - {name: mail, touchpoint: {destination: x, channel: email, template: y}}\n"
            "  - branch: {if: {engaged: {touchpoint: mail, kind: openned}}}",
            ["steps[2].branch.if.engaged.kind", "did you mean 'opened'"],
        ),
        (
            "entry: {audience: audience_everybody}\nsteps:\n  - {name: mail, touchpoint: {destination: x, channel: email, template: y}}\n"
            "  - branch: {if: {engaged: {touchpoint: mail, knd: opened}}}",
            ["steps[2].branch.if.engaged", "'knd' is not one of touchpoint, kind"],
        ),
    ],
)  # fmt: skip
def test_a_wrong_journey_says_where_and_what_is_allowed(
    project: Path, model: Path, definition: str, said: list[str]
) -> None:
    message = parsed(project, model, "journey", definition)
    assert "audience_tried" in message
    for words in said:
        assert words in message


IMPOSSIBLE = """
all:
  - {sequence: [{did: order_placed, within: 3 days}, {did_not: order_placed, within: 30 days}]}
  - {sequence: [{did: order_placed}, {did_not: order_placed, within: 30 days}, {did: order_placed, within: 7 days}]}
  - {sequence: [{did: order_placed, within: 3 days}, {did: order_placed, between: [90 days ago, 30 days ago]}]}
  - {sequence: [{did_not: order_placed, so_far: true}, {did: order_placed}]}
  - {did: order_placed, first: {within: 30 days}, last: {older_than: 60 days}}
  - {did: order_placed, within: 30 days, first: {before: 2020-01-01}}
  - {did: order_placed, last: {of: 3, at_least: 2}}
  - {all: [{did: order_placed, exactly: 0, within: 9 days}, {did: order_placed, at_least: 2, within: 9 days}]}
  - {all: [{trait: country, equals: DE}, {trait: country, in: [FR, SE]}]}
  - {all: [{trait: country, ">": 5}, {trait: country, "<": 3}]}
  - {any: [{trait: country, equals: DE}, {not: {trait: country, equals: DE}}]}
  - {did: order_placed, during: 2026-05, last: {on_or_after: 2026-07-01}}
  - {did: order_placed, at_least: 3, in_any: 9 days, sum: {property: revenue_eur, ">": 5}}
  - {some: [{trait: country, equals: DE}], at_least: 2}
  - {score: [{points: 1, if: {trait: country, equals: DE}}, {points: 2, if: {trait: country, equals: FR}}], at_least: 5}
  - {figure: {did: order_placed, summ: revenue_eur}, ">": 5}
  - {did: order_placed, nth: {number: 2}}
  - {did: order_placed, with_parts: {product_line: x}}
  - {did: order_placed, in_a_row: {at_least: 3, of: dya}}
  - {did: order_placed, same: revenu_eur, at_least: 3}
  - {member_of: audience_everybody, at: tomorrow}
  - {sequence: [{did: order_placed, nth: 0}, {did: order_placed}]}
  - {near: {lat: 52.5, lon: 13.4, km: 0}}
  - {score: [{points: 0, if: {did: order_placed}}, {points: 2, if: {did: order_placed}}], at_least: 2}
  - {score: [{points: 3, if: {did: order_placed}}, {points: -2, if: {trait: country, equals: FR}}], at_least: 4}
sample: {percent: 0}
"""
IMPOSSIBLE_SAID = {
    "all[1].sequence[2].within": "can never have passed", "all[2].sequence[2]": "contradicts step 3", "all[3].sequence[2]": "ends before",
    "all[4].sequence[1].so_far": "behind a did:", "all[5].did.last": "before the first", "all[6].did.first": "those of the window",
    "all[7].did.last": "wants where: or when:", "all[8].all[2]": "as often as both say", "all[9].all[2]": "no country is both",
    "all[10].all[2]": "from 5 up to 3", "all[11].any[2]": "everybody meets", "all[12].did.last": "those of the window",
    "all[13].did.in_any": "cannot stand beside it", "all[14].some": "2 to 10", "all[15].score.at_least": "more than all of them",
    "all[16].figure": "'summ' is not one of", "all[17].did.nth": "number: 3", "all[18].did.with_parts": "has no parts",
    "all[19].did.in_a_row": "day, week, month", "all[20].did.same": "did you mean 'revenue_eur'", "all[21].member_of.at": "always to come",
    "all[22].sequence[1].nth": "1 for the first", "all[23].near": "a distance over 0", "all[24].score[1]": "below 0 to be taken off",
    "all[25].score.at_least": "more than all of them", "sample.percent": "0 is nobody",
}  # fmt: skip
POSSIBLE = """
all:
  - {sequence: [{did: order_placed, within: 30 days}, {did_not: order_placed, within: 3 days}]}
  - {sequence: [{did: order_placed}, {did_not: order_placed, within: 3 days}, {did: order_placed, within: 7 days}]}
  - {sequence: [{did: order_placed}, {did_not: order_placed}, {did: order_placed}]}
  - {sequence: [{did: order_placed, within: 3 days}, {did_not: order_placed, within: 30 days, so_far: true}]}
  - sequence:
      - {did: order_placed, where: {revenue_eur: 5}}
      - {did_not: order_placed, where: {revenue_eur: 6}, within: 9 days}
      - {did: order_placed, within: 7 days}
  - {did: order_placed, first: {older_than: 60 days}, last: {within: 30 days}}
  - {did: order_placed, between: [2099-01-01, 2099-02-01], last: {older_than: 30 days}}
  - {all: [{did: order_placed, exactly: 0, within: 9 days}, {did: order_placed, at_least: 2}]}
  - {any: [{trait: country, equals: DE}, {trait: country, equals: FR}]}
  - {all: [{trait: country, in: [DE, FR]}, {trait: country, not_equals: FR}]}
"""


def test_what_can_never_be_is_told_and_what_can_be_is_not(project: Path, model: Path) -> None:
    lines = parsed(project, model, "audience", IMPOSSIBLE).splitlines()
    for place, words in IMPOSSIBLE_SAID.items():
        assert any(line.strip().startswith(place) and words in line for line in lines), (
            place,
            lines,
        )
    assert parsed(project, model, "audience", POSSIBLE) == ""


ALL_WRONG = """
entry: {audience: audience_everybody, existing: leave}
exit_when: {trait: country, equal: DE}
steps:
  - {name: a, touchpoint: {destination: x, channel: email}}
  - {name: ad, touchpoint: {destination: x, channel: ads}}
  - {name: a, touchpoint: {destination: x, chanel: sms, template: ' '}}
  - {name: b, wiat: {for: 3 days}}
  - name: again
    repeat:
      at_most: 3
      until: {trait: contry, equalls: DE}
      steps:
        - {name: c, touchpoint: {destination: x, channel: emial, template: y}}
        - {name: d, wait: {for: soon}}
  - name: which
    branch:
      cases:
        - if: {did: order_placed, at_lest: 2}
          then: [{name: e, task: {destination: x}}]
        - {if: {trait: country, equals: DE}, then: []}
  - {name: f, split: {one: {percent: 40}, two: {percent: 50, step: []}}}
  - {jump: {to: nowhere}}
removed: z
""".strip()
ALL_WRONG_SAID = [
    "steps[1].touchpoint (line 5): wants destination, channel, template, and has no template",
    "steps[3].touchpoint (line 7): name 'a' must be new",
    "steps[3].touchpoint (line 7): 'chanel' is not one of",
    "steps[3].touchpoint.template (line 7): wants destination, channel, template, and has no template",
    "steps[4] (line 8): wants one step, of wait, touchpoint, branch, split, goal, exit, task, repeat, jump, not 'wiat'; did you",
    "steps[5].repeat.steps[1].touchpoint.channel (line 14): 'emial' is not one of",
    "steps[5].repeat.steps[2].wait (line 15): 'soon' is no duration",
    "steps[6].branch.cases[1].then[1].task (line 20): wants destination and template, and has no template",
    "steps[7].split.two (line 22): 'step' is not one of",
    "steps[7].split (line 22): wants two arms or more",
    "steps[8].jump (line 23): wants {to: the name of a step that stands later}, not 'nowhere'",
    "removed (line 24): wants a list of names",
    "entry.existing (line 2): 'leave' is not one of",
    "exit_when.trait (line 3): 'equal' is not one of",
    "steps[5].repeat.until.trait (line 12): 'equalls' is not one of",
    "steps[6].branch.cases[1].if.did (line 19): 'at_lest' is not one of",
]


def test_every_mistake_of_a_journey_is_told_once_with_its_line(project: Path, model: Path) -> None:
    told = parsed(project, model, "journey", ALL_WRONG).splitlines()[1:]
    told = [one.strip() for one in told]
    wrong = [said for said in ALL_WRONG_SAID if not any(one.startswith(said) for one in told)]
    assert wrong == [], told
    assert len(told) == len(ALL_WRONG_SAID), told
    nothing = "entry: {audience: audience_everybody}\nsteps: []"
    assert "steps (line 3): wants a step or more" in parsed(project, model, "journey", nothing)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("just words", "line 2: `just words` is no key: with a value"),
        ("all: [{trait: country, equals: DE}\nsample: {percent: 5}", "line 2: a bracket that is opened here is not closed"),
        ("all: [{trait: country, equals: DE}]]\nsample: {percent: 5}", "line 2: a bracket is closed here that was not opened"),
        ("all:\n  - trait: country\n     equals: DE", "line 4: `equals: DE` does not go on from what stands before it"),
        ("all:\n\t- trait: country", "line 3: is indented by a tab"),
        ("# none\n\ntrait: country\nin: [DE,\n  FR]\n equals: DE", "line 7: `equals: DE` does not go on"),
        ("", "line 1: nothing is said"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_by_its_line(
    project: Path, model: Path, text: str, said: str
) -> None:
    assert f"audience_tried, {said}" in parsed(project, model, "audience", text)


def test_a_wrong_audience_or_journey_stops_no_other(project: Path) -> None:
    texts = {
        "one": "all:\n  - {trait: country, equals: DE, equals: FR}\n  - {did: order_placed, within: soon}",
        "two": "trait: country\nequals: DE\nlimit: {topp: 5}",
        "three": "entity: persn\ntrait: country\nequals: DE",
        "four": "trait: country\nequals: [DE",
        "five": "trait: contry\nequals: DE",
        "six": "all:\n  - {did: order_plcaed}\n  - {member_of: audience_everbody}\n  - {member_of: audience_everbody, at: 3 days ago}\n"
        "  - {related: card_lists}\n  - {in_list: {model: card_lst, column: card_number}}\n  - {near: {model: card_lst, km: 5}}",
        "good": "trait: country\nequals: DE",
    }
    journeys = {
        "wrong": "entry: {audience: audience_everybody}\nsteps: []",
        "unread": "entry: {",
        "absent": "entry: {audience: audience_everbody}\nsteps:\n  - {name: a, wait: {for: 3 days}}",
        "right": "entry: {audience: audience_everybody}\nsteps:\n  - {name: a, wait: {for: 3 days}}",
    }
    paths = {}
    for name, text in journeys.items():
        paths[f"journey_{name}"] = project / "models" / f"journey_{name}.sql"
        paths[f"journey_{name}"].write_text(
            f"{{% set definition %}}\n{text}\n{{% endset %}}\n{{{{ headwater.journey(definition) }}}}\n"
        )
    for name, text in texts.items():
        paths[name] = project / "models" / f"audience_{name}.sql"
        paths[name].write_text(
            f"{{% set definition %}}\n{text}\n{{% endset %}}\n{{{{ headwater.audience(definition) }}}}\n"
        )
    said = messages_of_dbt(
        project, "run", "--select", "profiles", "identity_aliases", "audience_*", "journey_*"
    )
    for path in paths.values():
        path.unlink()
    assert set(said) == {
        "audience_one", "audience_two", "audience_three", "audience_four", "audience_five", "audience_six",
        "journey_wrong", "journey_unread", "journey_absent",
    }  # fmt: skip
    # A model that is not there would stop every command of dbt, were it given to a ref().
    for line, place, near in (
        (3, "all[1].did", "order_placed"), (4, "all[2].member_of", "audience_everybody"), (5, "all[3].member_of", "audience_everybody"),
        (6, "all[4].related", "card_list"), (7, "all[5].in_list.model", "card_list"), (8, "all[6].near.model", "card_list"),
    ):  # fmt: skip
        assert f"{place} (line {line}): there is no " in said["audience_six"]
        assert f"did you mean '{near}'" in said["audience_six"].split(place)[1].split("\n")[0]
    near = "there is no model 'audience_everbody'; did you mean 'audience_everybody'"
    assert f"entry.audience (line 2): {near}" in said["journey_absent"]
    assert "all[1].equals (line 3): is given twice" in said["audience_one"]
    assert "'topp' is not one of" in said["audience_two"]
    assert "did you mean 'person'" in said["audience_three"]
    assert "read in one way only" in said["audience_four"]
    assert "did you mean 'country'" in said["audience_five"]
    DuckDBConnectionManager.close_all_connections()
    with duckdb.connect(str(project / "wrong.duckdb")) as connection:
        assert connection.execute("select profile_id from analytics.audience_good").fetchall() == [("p",)]  # fmt: skip
        assert connection.execute("select node from analytics.journey_right").fetchall() == [("entry",)]  # fmt: skip
        tables = connection.execute("select table_name from information_schema.tables").fetchall()
    assert not {("journey_wrong",), ("journey_unread",), ("audience_one",)} & set(tables)
