"""The function that completes erasures, and erases expired faces."""
