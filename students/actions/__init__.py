"""Every write of students."""
