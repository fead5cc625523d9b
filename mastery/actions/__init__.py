"""Every write of mastery."""
