{% set definition %}
entity: account
all:
  - trait: record_count
    ">=": 1
{% endset %}
{{ headwater.audience(definition) }}
