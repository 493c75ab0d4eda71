{% set definition %}
${entity}entry: {audience: $audience}
steps:
  - name: welcome
    touchpoint: {destination: $destination, channel: email, template: Welcome}
  - name: a_week
    wait: {for: 7 days}
  - name: reminder
    touchpoint: {destination: $destination, channel: email, template: Reminder}
{% endset %}
{{ headwater.journey(definition) }}
