"""Results as plain dictionaries, the same for the command line and for HTTP."""
