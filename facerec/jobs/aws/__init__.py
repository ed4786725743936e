"""Adapters of the services that a deployed stack is watched and driven through."""
