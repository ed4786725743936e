"""Measures how well faces are recognised in labelled photos. Nothing imports this package."""
