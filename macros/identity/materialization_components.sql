{#- Materialisation: the model's query gives links (left_key, right_key); the table has one row per linked node:
    (node, component), the component being its smallest node. Scratch tables go when it ends and when it starts. -#}
{% materialization components, default %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set links = headwater.scratch_relation('links') -%}
    {%- set result = headwater.scratch_relation('result') -%}

    {{ headwater.run_hooks_outside(pre_hooks) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- do headwater.drop_leftover_scratch() -%}
    {%- do headwater.create_scratch(links, sql) -%}
    {%- set rounds = headwater.contract_components(links, result, max_rounds=config.get('meta', {}).get('max_rounds', 40)) -%}

    {%- if existing is not none and existing.type != 'table' -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {% call statement('main') -%}
        create or replace table {{ target_relation }} as select node, component from {{ result }}
    {%- endcall %}
    {%- do headwater.drop_scratch([links, result]) -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() if target.type == 'duckdb' }}
    {{ headwater.run_hooks_outside(post_hooks) }}
    {{ log(this.identifier ~ ": converged in " ~ rounds ~ " rounds") }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
