{#- Before anybody is written to from it: consent={'channel': 'email', 'purpose': 'marketing'} instead of no_consent_because. -#}
{{ headwater.activation(
$entity    members=ref('$members'),
$consent    identifiers={$identifiers},
    fields={$fields},
) }}
