{{ config(enabled=headwater.identity_matching_enabled()) }}
{%- do headwater.tell_of_untrained(ref('matching_weights')) -%}
{{ headwater.matching_scores(ref('matching_comparisons'), ref('matching_weights')) }}
