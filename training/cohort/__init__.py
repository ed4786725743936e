"""The cohort of mixed strangers: how it is built, and from which photos."""
