"""Searches for faces, and the decision whom a probe shows."""
