"""Imports collections from other services, with their ids."""
