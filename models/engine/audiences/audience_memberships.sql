{{ headwater.audience_memberships() }}
