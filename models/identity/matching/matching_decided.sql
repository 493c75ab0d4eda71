{{ config(enabled=identity_matching_enabled()) }}
{{ matching_decided(ref('matching_scores')) }}
