{% set definition %}
entry: {audience: audience_big_spenders}
exit_when: {did: bottle_bought, where: {product_line: sparkling}}
steps:
  - name: thank_you
    touchpoint: {destination: letters, channel: email, template: Thank you}
  - name: a_week
    wait: {for: 7 days}
  - name: voucher
    touchpoint: {destination: letters, channel: email, template: Voucher}
{% endset %}
{{ headwater.journey(definition) }}
