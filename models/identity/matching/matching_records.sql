{{ config(enabled=identity_matching_enabled()) }}
{{ matching_records() }}
