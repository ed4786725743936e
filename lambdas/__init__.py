"""Entry points of the functions: each reads its environment and calls the core."""
