{{ config(enabled=headwater.identity_matching_enabled()) }}
{{ headwater.matching_comparisons(ref('matching_candidates'), ref('matching_records'), ref('matching_words')) }}
