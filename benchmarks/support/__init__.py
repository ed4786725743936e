"""What all benchmarks share: taking turns, tables and JSON, photos, the peer."""
