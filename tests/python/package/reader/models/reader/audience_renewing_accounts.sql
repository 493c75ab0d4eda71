{% set definition %}
entity: account
all:
  - trait: account_name
    is_null: false
{% endset %}
{{ headwater.audience(definition) }}
