{{ config(enabled=headwater.identity_matching_enabled()) }}
{{ headwater.matching_blocks(ref('matching_records'), ref('matching_words')) }}
