"""The function that watches running jobs and a folder."""
