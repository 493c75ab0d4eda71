{% set definition %}
entity: person
all:
  - product_line: outdoor
    where: {order_count: {">=": 1}}
  - any:
      - did: order_placed
        at_least: 2
        within: 365 days
        where: {product_line: outdoor}
      - did: page_viewed
        at_least: 3
        within: 60 days
        where: {product_line: outdoor}
{% endset %}
{{ headwater.audience(definition) }}
