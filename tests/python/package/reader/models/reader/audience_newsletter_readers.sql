{% set definition %}
entity: person
all:
  - trait: email
    is_null: false
{% endset %}
{{ headwater.audience(definition) }}
