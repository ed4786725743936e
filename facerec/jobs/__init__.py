"""Bulk indexing: a manifest of photos becomes a plan, children, a ledger and a report."""
