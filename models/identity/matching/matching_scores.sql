{{ config(enabled=identity_matching_enabled()) }}
{{ matching_scores(ref('matching_comparisons'), ref('matching_weights')) }}
