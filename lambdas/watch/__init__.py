"""The function that watches running jobs."""
