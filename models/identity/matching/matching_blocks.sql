{{ config(enabled=identity_matching_enabled()) }}
{{ matching_blocks(ref('matching_records')) }}
