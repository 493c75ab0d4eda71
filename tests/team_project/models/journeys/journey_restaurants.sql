{% set definition %}
entity: account
entry: {audience: audience_restaurants}
exit_when: {not: {member_of: audience_restaurants}}
steps:
  - name: to_all
    touchpoint: {destination: letters, channel: email, template: New vintage}
  - name: tasted
    wait: {until: {did: bottle_bought}, timeout: 7 days}
  - name: opened
    branch:
      if: {engaged: {touchpoint: to_all}}
      then:
        - name: to_one
          touchpoint:
            destination: letters
            channel: email
            template: Tasting
            contacts: {where: {role: {is_null: false}}, who: {did: bottle_bought}, top: 1, by: last_seen_at}
{% endset %}
{{ headwater.journey(definition) }}
