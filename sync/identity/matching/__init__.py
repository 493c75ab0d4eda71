"""Training of the probabilistic tier: pure functions over counts of comparison patterns."""
