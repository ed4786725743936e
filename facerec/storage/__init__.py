"""Where vectors, records and objects live: the protocols and their implementations."""
