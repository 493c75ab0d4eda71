"""JSON as it comes: text, JSON or structs, read by one macro, its losses counted, its nested columns declared, its lists as rows."""

from __future__ import annotations

import json

import pytest

from tests.python.guest import Project

# What a stream of events writes; the third is no JSON, and the fourth has nothing of a person.
EVENTS = [
    {"id": "m1", "context": {"traits": {"email": "Ada@S1.example", "phone": "+16175550142"}},
     "properties": {"revenue": "25.50", "products": [{"sku": "A-1", "quantity": 1}, {"sku": "B-2", "quantity": 2}], "tags": ["VIP", "b"]}},
    {"id": "m2", "context": {"traits": {"email": "not an address"}}, "properties": {"products": []}},
    {"id": "m3", "context": None, "properties": None},
]  # fmt: skip
SOURCES = [
    {
        "name": "stream", "schema": "raw_stream",
        "tables": [
            {"name": name, "data_tests": ["headwater.declared_columns"], "columns": [
                {"name": "id", "data_type": "string"}, {"name": "context", "data_type": "string"},
                *({"name": one, "data_type": "string"} for one in ("context.traits.email", "properties.products[0].sku")),
                {"name": "properties.coupon", "data_type": "string", "config": {"meta": {"optional": True}}},
            ]} for name in ("texts", "structs")
        ],
    }
]  # fmt: skip
STAGING = """
    with source as (select * from {{{{ source('stream', '{0}') }}}}),
    events as (
        select
            id,
            {{{{ headwater.normalise_email(headwater.json_part('context', 'traits.email')) }}}} as email,
            {{{{ headwater.read(headwater.json_part('properties', 'revenue'), 'number') }}}} as revenue
        from source
    )
    select * from events"""
LINES = """
    with source as (select * from {{{{ source('stream', '{0}') }}}}),
    lines as (
        select id, item_number, {{{{ headwater.json_part('item', 'sku') }}}} as sku,
            {{{{ headwater.read(headwater.json_part('item', 'quantity'), 'integer') }}}} as quantity
        from {{{{ headwater.json_items('source', 'properties', ['id'], path='products') }}}} as items
    )
    select * from lines"""
TAGS = """
    with source as (select * from {{{{ source('stream', '{0}') }}}}),
    tags as (
        select id, {{{{ headwater.json_part('item') }}}} as tag
        from {{{{ headwater.json_items('source', 'properties', ['id'], path='tags') }}}} as items
    )
    select * from tags"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("json"))
    project.sources = SOURCES
    project.vars = {"cdp_unread": {"warn_percent": 0, "stop_percent": 60}}
    for kind in ("texts", "structs"):
        project.models[f"stg_stream__{kind}"] = STAGING.format(kind)
        project.models[f"stg_stream__{kind}_lines"] = LINES.format(kind)
        project.models[f"stg_stream__{kind}_tags"] = TAGS.format(kind)
    lines = project.folder / "events.jsonl"
    lines.write_text("\n".join(json.dumps(one) for one in EVENTS))
    project.rows("create schema raw_stream")
    project.rows(f"create table raw_stream.structs as select * from read_json('{lines}')")
    project.rows(
        "create table raw_stream.texts as select id, cast(to_json(context) as varchar) as context, "
        "cast(to_json(properties) as varchar) as properties from raw_stream.structs "
        "union all select 'm4', '[object Object]', null "
        # What a queue packed twice, the whole or a part, and a list that is none.
        """union all select 'm5', '"{\\"traits\\":{\\"email\\":\\"bo@s1.example\\"}}"', '{"products": {"sku": "C-3"}}' """
        """union all select 'm6', '{"traits":"{\\"email\\":\\"bo@s1.example\\"}"}', '{"products": null}'"""
    )
    failed = project.build()
    assert not failed, "\n".join(failed)
    return project


@pytest.mark.parametrize("kind", ["texts", "structs"])
def test_one_macro_reads_what_came_as_text_and_as_structs(shop: Project, kind: str) -> None:
    found = shop.rows(f"select id, email, revenue from analytics.stg_stream__{kind} order by id")
    assert found[:3] == [("m1", "ada@s1.example", 25.5), ("m2", None, None), ("m3", None, None)]


@pytest.mark.parametrize("kind", ["texts", "structs"])
def test_a_list_is_rows(shop: Project, kind: str) -> None:
    lines = shop.rows(f"select * from analytics.stg_stream__{kind}_lines order by all")
    assert lines == [("m1", 1, "A-1", 1), ("m1", 2, "B-2", 2)]
    tags = shop.rows(f"select * from analytics.stg_stream__{kind}_tags order by all")
    assert tags == [("m1", "VIP"), ("m1", "b")]


def test_what_is_no_json_and_what_in_it_cannot_be_read_is_counted(shop: Project) -> None:
    counted = shop.rows("""
        select column_name, value_count, unread_count, shapes from analytics_sync.unread_values
        where model_name = 'stg_stream__texts' order by all""")
    assert counted == [
        ("context", 5, 2, '"{\\"aaaaaa\\":{\\"aaaaa\\":\\"aa@a9.aaaaaaa\\ | [aaaaaa aaaaaa]'),
        ("context.traits", 3, 1, '{"aaaaa":"aa@a9.aaaaaaa"}'),
        ("context.traits.email", 2, 1, "aaa aa aaaaaaa"),
        ("properties", 4, 0, None),
        ("properties.revenue", 1, 0, None),
    ]
    in_place_of_a_list = shop.rows("""
        select column_name, value_count, unread_count, shapes from analytics_sync.unread_values
        where model_name = 'stg_stream__texts_lines' and unread_count > 0""")
    assert in_place_of_a_list == [("properties.products", 3, 1, '{"aaa":"a-9"}')]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("context.traits.e_mail", "context.traits.e_mail is in no row"),
        ("device.id", "device is missing"),
        ("First Name", "'First Name' wants quote: true beside its name"),
    ],
)
def test_a_nested_column_that_went_away_is_named(shop: Project, column: str, said: str) -> None:
    before = json.loads(json.dumps(shop.sources))
    shop.sources[0]["tables"][0]["columns"].append({"name": column, "data_type": "string"})
    try:
        assert any(said in error for error in shop.build())
    finally:
        shop.sources[:] = before


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("json_part('context', 'traits..email')", "'traits..email' is no path"),
        ("json_part('context', 'a[x]')", "names with dots between"),
        ("json_items('source', 'properties', 'id')", "takes a list of the columns to keep"),
    ],
)
def test_a_wrong_path_is_said(shop: Project, call: str, said: str) -> None:
    before = dict(shop.models)
    shop.models["wrong"] = f"select {{{{ headwater.{call} }}}} as x"
    try:
        assert any(said in error for error in shop.build())
    finally:
        shop.models = before
        (shop.folder / "models" / "wrong.sql").unlink()
