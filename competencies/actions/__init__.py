"""Every write of competencies."""
