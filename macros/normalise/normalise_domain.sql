{#- Expression: the host of a domain or web address in lower case: no scheme, user, www., port, path or final dot; null when
    what remains is not a dotted name (localhost, n/a) or is an IP address. -#}
{% macro normalise_domain(expression) -%}
    {{ return(headwater.counted_read(expression, headwater._normalise_domain(expression))) }}
{%- endmacro %}

{% macro _normalise_domain(expression) -%}
    {#- Some write a web address with the other slash. -#}
    {%- set text = "replace(lower(" ~ headwater.plain_characters(expression) ~ "), " ~ headwater.string_literal('\\') ~ ", '/')" -%}
    {#- A place on Google's map or a search is no page of Google's own. -#}
    {%- set text = headwater.regexp_replace_all(
        text, '^([a-z]+:/*)?(maps[.]google[.][a-z.]+|(www[.])?google[.][a-z.]+/(maps|search|url|local)).*$', 'maps.google.com'
    ) -%}
    {%- set host = headwater.regexp_replace_all(text, '^[a-z]+:/*|[/?#].*$', '') -%}
    {%- set host = headwater.regexp_replace_all(host, '^.*@|:[0-9]*$', '') -%}
    {%- set host = headwater.regexp_replace_all(host, '^www[0-9]?[.]|[. ]+$', '') -%}
    {{ headwater.whole_match_or_null(host, '([^ .,;:<>()"]+[.])+([^ .,;:<>()"0-9]{2,}|xn--[a-z0-9-]+)') }}
{%- endmacro %}
