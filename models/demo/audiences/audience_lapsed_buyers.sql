{% set definition %}
entity: person
all:
  - did: order_placed
    last: {older_than: 90 days}
  - trait: lifetime_value_eur
    ">=": 50
  - not: {did: support_ticket_opened, within: 14 days, where: {severity: high}}
holdout: {percent: 10, salt: lapsed}
{% endset %}
{{ headwater.audience(definition) }}
