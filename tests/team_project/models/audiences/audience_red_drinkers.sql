{% set definition %}
entity: person
all:
  - product_line: red
    where: {order_count: {">=": 2}}
  - did: bottle_bought
    within: 200 days
{% endset %}
{{ headwater.audience(definition) }}
