{% set definition %}
entity: account
all:
  - trait: lifecycle_stage
    equals: customer
  - contacts:
      at_least: 1
      who: {did: app_used, within: 90 days}
{% endset %}
{{ headwater.audience(definition) }}
