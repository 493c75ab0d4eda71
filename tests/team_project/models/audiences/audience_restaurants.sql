{% set definition %}
entity: account
all:
  - trait: covers
    ">=": 25
{% endset %}
{{ headwater.audience(definition) }}
