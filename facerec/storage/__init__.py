"""Stores of vectors, records and objects: the protocols and their implementations."""
