"""The time for which remote vector stores retry requests."""

PATIENCE = 60.0
"""Default time for which a throttled request is retried, in seconds."""
