"""A consent of a registered person."""

YEAR = {"consent": "2026-11-26", "expires": "2027-11-26"}
"""A consent for a year, given on the day of the fixture ``today``."""
