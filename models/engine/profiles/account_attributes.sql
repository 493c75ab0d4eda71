{{ headwater.survivorship_choices('account', ref('int_profiles__account_attribute_values'), 'account_id') }}
