"""What a push would do, and whether it may: one statement per sync, and the gates before it."""
