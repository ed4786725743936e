"""Erasures, their tombstones and the restoration of erased faces."""
