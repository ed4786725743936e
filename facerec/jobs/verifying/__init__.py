"""Compares the ledgers of jobs with their collection, and restores lost faces."""
