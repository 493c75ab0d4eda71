{#- Relation-shaped query: one row per person (or company) with what their purchases so far lead one to expect, everybody included; null for who never
    bought, and for all until parameters were fitted: `sync train-lifetimes <model>`, which writes them into the seed lifetime_parameters.

    Columns: key; repeat_purchases (days with a purchase, without the first), days_to_last_purchase, days_of_observation (both from the first
    purchase; until the last, until now); mean_repeat_value (per day of repeat purchases, null where there are none or without `value`);
    probability_alive, expected_purchases (in the next `days`); expected_purchase_value, expected_value (of one purchase, of all expected;
    only with `value`).

    The models: BG/NBD of Fader, Hardie and Lee, "Counting Your Customers" the Easy Way, Marketing Science 24(2), 2005, equation 10; being alive as in their
    note "Computing P(alive) Using the BG/NBD Model", 2008; Gamma-Gamma of Fader and Hardie, "The Gamma-Gamma Model of Monetary Value", 2013,
    equation 5. (brucehardie.com, read 2026-11-29.) Time is in weeks. A purchase is a day (of UTC) on which somebody bought, with `value` for more than 0.

    Equation 10 has 2F1(r+x, b+x; a+b+x-1; z), which near z = 1 converges slowly; it is (1-z)^(a-1-r-x) 2F1(a+b-1-r, a-1; a+b+x-1; z) (Euler's
    transformation, dlmf.nist.gov/15.8.1), and 400 terms of that by Horner's scheme leave less than 1e-7 as long as `days` are at most 30 times alpha.

    event: relation with the key and `occurred_at`. value: SQL of its columns, what a purchase was worth. where: SQL, which events are purchases. -#}
{% macro lifetime_scores(event, key='profile_id', value=none, where='1 = 1', days=90) -%}
    {%- if key not in ['profile_id', 'account_id'] -%}
        {{ headwater._lifetime_error("key is profile_id or account_id, not '" ~ key ~ "'") }}
    {%- elif days is not integer or days < 1 or days > 3660 -%}
        {{ headwater._lifetime_error("days is a whole number from 1 to 3660, not '" ~ days ~ "'") }}
    {%- endif -%}
    {%- set double = headwater.type_double() -%}
    {%- set terms, at_once = 400, 25 -%}
    {%- set stages = terms // at_once %}
with

everybody as (

    select distinct {{ key }}

    from {{ ref('headwater', 'account_records' if key == 'account_id' else 'profile_records') }}

),

purchase_days as (

    select
        {{ key }},
        cast(cast(occurred_at as date) as {{ dbt.type_timestamp() }}) as purchased_on,
        sum({{ headwater.as_decimal(value or '0', 28, 6) }}) as purchase_value

    from {{ event }}

    where
        occurred_at <= {{ headwater.cdp_now() }}
        and ({{ where }})

    group by {{ key }}, cast(cast(occurred_at as date) as {{ dbt.type_timestamp() }})
    {%- if value %}

    having sum({{ headwater.as_decimal(value, 28, 6) }}) > 0
    {%- endif %}

),

first_purchases as (

    select
        {{ key }},
        min(purchased_on) as first_purchased_on

    from purchase_days

    group by {{ key }}

),

histories as (

    select
        first_purchases.{{ key }},
        count(*) - 1 as repeat_purchases,
        {{ headwater.days_between('min(first_purchases.first_purchased_on)', 'max(purchase_days.purchased_on)') }}
            as days_to_last_purchase,
        {{ headwater.days_between('min(first_purchases.first_purchased_on)', headwater.cdp_now()) }} as days_of_observation,
        {#- Sums of decimals are the same in any order. #}
        cast(
            sum(case when purchase_days.purchased_on > first_purchases.first_purchased_on then purchase_days.purchase_value end)
            as {{ double }}
        ) / nullif(count(*) - 1, 0) as mean_repeat_value

    from first_purchases

    inner join purchase_days on first_purchases.{{ key }} = purchase_days.{{ key }}

    group by first_purchases.{{ key }}

),

parameters as (

    select
        {%- for name in headwater._lifetime_parameters() %}
        max(case when parameter = '{{ name }}' then cast(parameter_value as {{ double }}) end) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}

    from {{ ref('lifetime_parameters') }}

    where model_name = {{ headwater.string_literal(this.identifier) }}

),

histories_in_weeks as (

    select
        {{ key }},
        repeat_purchases,
        days_to_last_purchase,
        days_of_observation,
        mean_repeat_value,
        cast(repeat_purchases as {{ double }}) as x,
        cast(days_to_last_purchase as {{ double }}) / 7 as recency,
        cast(days_of_observation as {{ double }}) / 7 as age

    from histories

),

kinds_of_history as (

    select distinct
        x,
        age

    from histories_in_weeks

),

terms_0 as (

    select
        kinds_of_history.x,
        kinds_of_history.age,
        parameters.a + parameters.b - 1 - parameters.r as h_1,
        parameters.a - 1 as h_2,
        parameters.a + parameters.b + kinds_of_history.x - 1 as h_3,
        {{ days }} / (7 * (parameters.alpha + kinds_of_history.age) + {{ days }}) as z,
        cast(1 as {{ double }}) as series

    from kinds_of_history

    cross join parameters

),
{%- for stage in range(stages) %}
    {%- set state = namespace(code='series') -%}
    {%- for k in range(terms - stage * at_once - 1, terms - (stage + 1) * at_once - 1, -1) -%}
        {%- set state.code = '1 + (h_1 + ' ~ k ~ ') * (h_2 + ' ~ k ~ ') / ((h_3 + ' ~ k ~ ') * ' ~ (k + 1) ~ ') * z * (' ~ state.code ~ ')' -%}
    {%- endfor %}

terms_{{ stage + 1 }} as (

    select
        x,
        age,
        h_1,
        h_2,
        h_3,
        z,
        {{ state.code }} as series

    from terms_{{ stage }}

),
{%- endfor %}

{#- How likely somebody alive is to have bought nothing since; its inverse, which the papers have, is more than a number holds after a thousand purchases. #}
silences as (

    select
        histories_in_weeks.{{ key }},
        power(
            (parameters.alpha + histories_in_weeks.recency) / (parameters.alpha + histories_in_weeks.age),
            parameters.r + histories_in_weeks.x
        ) as silence

    from histories_in_weeks

    cross join parameters

),

expected as (

    select
        histories.{{ key }},
        histories.repeat_purchases,
        histories.days_to_last_purchase,
        histories.days_of_observation,
        histories.mean_repeat_value,
        (parameters.a + parameters.b + histories.x - 1) / (parameters.a - 1)
        * (1 - power(1 - kinds.z, parameters.a - 1) * kinds.series) as purchases_if_alive,
        case
            when histories.repeat_purchases = 0 and parameters.r is not null then 1
            else
                silences.silence
                / (silences.silence + parameters.a / (parameters.b + histories.x - 1))
        end as probability_alive,
        parameters.p * (parameters.v + histories.x * coalesce(histories.mean_repeat_value, 0))
        / (parameters.p * histories.x + parameters.q - 1) as expected_purchase_value

    from histories_in_weeks as histories

    inner join silences on histories.{{ key }} = silences.{{ key }}

    inner join terms_{{ stages }} as kinds on histories.x = kinds.x and histories.age = kinds.age

    cross join parameters

)

select
    everybody.{{ key }},
    cast(expected.repeat_purchases as {{ dbt.type_int() }}) as repeat_purchases,
    cast(expected.days_to_last_purchase as {{ dbt.type_int() }}) as days_to_last_purchase,
    cast(expected.days_of_observation as {{ dbt.type_int() }}) as days_of_observation,
    {%- if value %}
    expected.mean_repeat_value,
    {%- endif %}
    expected.probability_alive,
    expected.purchases_if_alive * expected.probability_alive as expected_purchases
    {%- if value %},
    expected.expected_purchase_value,
    expected.purchases_if_alive * expected.probability_alive * expected.expected_purchase_value as expected_value
    {%- endif %}

from everybody

left join expected on everybody.{{ key }} = expected.{{ key }}
{%- endmacro %}

{#- Value: the columns that lifetime_scores can give, beside the key. -#}
{% macro lifetime_columns() -%}
    {{ return([
        'repeat_purchases', 'days_to_last_purchase', 'days_of_observation', 'mean_repeat_value',
        'probability_alive', 'expected_purchases', 'expected_purchase_value', 'expected_value',
    ]) }}
{%- endmacro %}

{#- Value: what `sync train-lifetimes` fits: r, alpha, a, b of how often people buy until they leave, p, q, v of what a purchase is worth. -#}
{% macro _lifetime_parameters() -%}
    {{ return(['r', 'alpha', 'a', 'b', 'p', 'q', 'v']) }}
{%- endmacro %}

{% macro _lifetime_error(message) -%}
    {{ exceptions.raise_compiler_error((model.name if model is defined and model else 'lifetime_scores') ~ ', lifetime_scores: ' ~ message ~ '. docs/add-a-trait.md has an example.') }}
{%- endmacro %}
