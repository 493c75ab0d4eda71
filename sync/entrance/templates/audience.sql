{% set definition %}
entity: person
all:
  - trait: $trait
    $condition
{% endset %}
{{ headwater.audience(definition) }}
