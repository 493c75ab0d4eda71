{{ config(enabled=headwater.identity_matching_enabled()) }}
{{ headwater.matching_scores(ref('matching_comparisons'), ref('matching_weights')) }}
