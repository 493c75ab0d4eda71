{#- Expression: the host of a domain or web address in lower case: no scheme, user, www., port, path or final dot; null when
    what remains is not a dotted name (localhost, n/a) or is an IP address. -#}
{% macro normalise_domain(expression) -%}
    {%- set text = "lower(" ~ plain_characters(expression) ~ ")" -%}
    {%- set host = regexp_replace_all(text, '^[a-z]+:/*|[/?#].*$', '') -%}
    {%- set bare = regexp_replace_all(regexp_replace_all(host, '^.*@|:[0-9]*$', ''), '^www[0-9]?[.]|[. ]+$', '') -%}
    case
        when {{ regexp_matches_whole(bare, '([^ .,;:<>()"]+[.])+[^ .,;:<>()"0-9]{2,}') }}
            or {{ regexp_matches_whole(bare, '([^ .,;:<>()"]+[.])+xn--[a-z0-9-]+') }} then {{ bare }}
    end
{%- endmacro %}
