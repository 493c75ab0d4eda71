{#- Data test: a column holds only words of consent's vocabulary, `channels` or `purposes`, or the `entities` that audiences are of, and those that are added in `also`. -#}
{% test in_vocabulary(model, column_name, words, also=[]) %}

{%- do headwater.check_consent_word('data test in_vocabulary, words', words, ['channels', 'purposes', 'entities']) -%}
{%- set allowed = {
    'channels': headwater.consent_channels() | list, 'purposes': headwater.consent_purposes(), 'entities': headwater.audience_entities() | list,
}[words] + also %}
select
    {{ column_name }} as word,
    count(*) as row_count

from {{ model }}

where {{ column_name }} not in ({{ headwater.string_literals(allowed) }})

group by {{ column_name }}

{% endtest %}
