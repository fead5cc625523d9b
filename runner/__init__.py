"""Starts and stops what Cairn needs. Standard library only: Django is never imported here."""
