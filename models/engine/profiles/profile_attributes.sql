{{ headwater.survivorship_choices('person', ref('int_profiles__attribute_values'), 'profile_id') }}
