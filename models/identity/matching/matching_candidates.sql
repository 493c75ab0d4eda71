{{ config(enabled=identity_matching_enabled()) }}
{{ matching_candidates(ref('matching_blocks')) }}
