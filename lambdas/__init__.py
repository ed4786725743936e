"""Entry points of the functions: each reads the environment, builds the parts, calls the core."""
