{{ config(materialized='by_key', unique_key='opportunity_id') }}

with

source as (

    select
        opportunity_id,
        account_id,
        stage_name,
        product_line,
        amount,
        created_date,
        close_date,
        _synced_at
    from {{ headwater.rows_by_key(source('crm', 'opportunities'), 'opportunity_id') }}

),

deduplicated as (

    select *
    from source
    where {{ headwater.has_key('opportunity_id') }}
    qualify
        row_number() over (
            partition by opportunity_id
            order by
                _synced_at desc nulls last,
                {{ headwater.by_each([
                    'account_id', 'stage_name', 'product_line', 'amount', 'created_date',
                    'close_date',
                ]) }}
        ) = 1

),

opportunities as (

    select
        opportunity_id,
        account_id as crm_account_id,
        replace(lower(trim(stage_name)), 'closed ', '') as stage,
        lower(trim(product_line)) as product_line,
        {{ headwater.as_euros(headwater.cast_or_null("replace(amount, ',', '')", dbt.type_numeric())) }} as amount_eur,
        {{ headwater.cast_or_null('created_date', dbt.type_timestamp()) }} as created_at,
        {{ headwater.cast_or_null('close_date', dbt.type_timestamp()) }} as closed_at,
        {{ headwater.cast_or_null('_synced_at', dbt.type_timestamp()) }} as loaded_at
    from deduplicated

)

select * from opportunities
