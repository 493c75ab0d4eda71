{#- Say by which consent they may be sent, such as consent={'channel': 'email', 'purpose': 'marketing'}. -#}
{{ headwater.activation(
    members=ref('$members'),
$consent    identifiers={$identifiers},
    fields={$fields},
) }}
