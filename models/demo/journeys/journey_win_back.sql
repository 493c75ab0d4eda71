{% set definition %}
entry: {audience: audience_lapsed_buyers}
exit_when: {did: order_placed}
steps:
  - name: come_back
    touchpoint: {destination: klaviyo, channel: email, template: Win-back e-mail}
  - name: three_days
    wait: {for: 3 days}
  - name: opened
    branch:
      if: {engaged: {touchpoint: come_back, kind: opened}}
      then:
        - name: reminder
          touchpoint: {destination: onesignal, channel: push, template: Win-back push}
      else:
        - name: show_ads
          touchpoint: {destination: meta, channel: ads, template: Win-back ads}
        - name: two_weeks_of_ads
          wait: {for: 14 days}
        - name: last_call
          touchpoint: {destination: onesignal, channel: push, template: Win-back push}
{% endset %}
{{ headwater.journey(definition) }}
