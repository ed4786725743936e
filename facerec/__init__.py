"""Face collections: bulk indexing with a ledger, and matching with measured accuracy."""
