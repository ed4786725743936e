"""Shared by all benchmarks: turns, tables and JSON, photos, the peer."""
