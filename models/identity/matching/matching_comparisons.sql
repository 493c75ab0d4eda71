{{ config(enabled=identity_matching_enabled()) }}
{{ matching_comparisons(ref('matching_candidates'), ref('matching_records')) }}
