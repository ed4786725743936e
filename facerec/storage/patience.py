"""How long remote vector stores retry."""

PATIENCE = 60.0
"""Default time for which a refused request is retried, in seconds."""
