"""A fake engine and the contract suites of the stores, for tests."""
