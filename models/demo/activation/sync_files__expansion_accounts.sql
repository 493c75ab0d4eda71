{{ headwater.activation(
    entity='account',
    members=ref('audience_expansion_accounts'),
    identifiers={'domain': 'accounts.domain'},
    fields={
        'account_name': 'accounts.account_name',
        'industry': 'accounts.industry',
        'employee_count': 'accounts.employee_count',
    },
) }}
