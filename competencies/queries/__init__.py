"""Reads of competencies."""
