"""Face collections: bulk indexing with a ledger, and matching with measured accuracy."""

__version__ = "0.1.0"
"""Of the package; the images hold its folder, not its installation."""
