"""What the whole loop holds, in figures."""
