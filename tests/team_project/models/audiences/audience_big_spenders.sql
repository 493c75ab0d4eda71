{% set definition %}
entity: person
all:
  - trait: spent_eur
    ">=": 300
  - did: bottle_bought
holdout: {percent: 10, salt: spenders}
{% endset %}
{{ headwater.audience(definition) }}
