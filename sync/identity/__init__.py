"""Who is who, as people ask it: explain, compare, review, match."""
