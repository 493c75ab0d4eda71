{{ headwater.conversion_events() }}
