{{ config(enabled=headwater.identity_matching_enabled()) }}
{{ headwater.matching_candidates(ref('matching_blocks')) }}
