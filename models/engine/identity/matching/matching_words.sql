{{ config(enabled=headwater.identity_matching_enabled()) }}
{{ headwater.matching_words(ref('matching_records')) }}
