"""The function that answers HTTP requests."""
