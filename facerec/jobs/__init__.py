"""Manifest to plan, child, ledger and report; the embedded runner."""
